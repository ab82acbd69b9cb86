"""Training data as a chain of generators: parquet files -> rows -> padded batches.

Each function takes an iterable of dicts and yields dicts. cosyvoice.yaml names them in order
(`data_pipeline`) and binds their keywords. Columns of a row, as upstream's
tools/make_parquet_list.py writes them:

    utt, text
    audio_data                    an encoded file; null where only tokens are known
    speech_token
    utt_embedding, spk_embedding  x-vectors (192,)
    instruct                      how it is said, up to <|endofprompt|>; of Fun-CosyVoice3

and columns of our own, all optional:

    text_token     in place of the tokenizer's
    pitch_feat     F0 in Hz per mel frame, 0 where unvoiced
    no_speaker     true: the language model learns the row without its speaker
    text_position  index of the text token that each speech token says
    speech_feat    the mel in place of the audio's own, T x 80 values in one list; a vocoder learns
                   from the flow's

pyarrow is imported by the functions that need it: serving a model does without it.
"""

import math
import random
from io import BytesIO
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence

from cosyvoice.dataset.pitch import pitch

POOL = 64  # batches that are shuffled together in training
MEL_BINS = 80
MEL_HOPS = {22050: 256, 24000: 480}  # samples of a mel frame, by rate in Hz
SILENT_MEL = math.log(1e-5)  # the floor of matcha.utils.audio, which would import librosa


def parquet_opener(data, mode="train", audio=True):
    """Yield one dict per row of each file in `data`, items {"src": path}.

    audio: True skips rows without audio. False yields every row and never reads the audio (the
    language model needs tokens only). Raises FileNotFoundError, or ValueError naming a file that is
    no parquet.
    """
    for item in data:
        for row in read_rows(item["src"], audio):
            if not audio or row.get("audio_data") is not None:
                yield {**item, **row}


def read_rows(path, audio):
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            columns = [name for name in file.schema_arrow.names if audio or name != "audio_data"]
            for table in file.iter_batches(batch_size=64, columns=columns):
                for i in range(table.num_rows):
                    yield {name: to_python(table.column(name)[i]) for name in columns}
    except (ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise FileNotFoundError(f"{path} not found: it is named in the data list") from error
        raise ValueError(f"{path} cannot be read as parquet: {error}") from error


def to_python(scalar):
    """An arrow value as a Python object, a list as a numpy array with its own memory."""
    values = getattr(scalar, "values", None)
    if values is None:
        return scalar.as_py()
    return values.to_numpy(zero_copy_only=False, writable=True)


def tokenize(data, get_tokenizer, allowed_special, mode="train"):
    """Add `text_token`, and `instruct_token` where there is `instruct`, to rows without them.

    The tokenizer is built only if a row needs it.
    """
    tokenizer = None
    for sample in data:
        for name in ("text", "instruct"):
            if sample.get(name) is not None and sample.get(f"{name}_token") is None:
                tokenizer = tokenizer or get_tokenizer()
                ids = tokenizer.encode(sample[name], allowed_special=allowed_special)
                sample[f"{name}_token"] = ids
        yield sample


def filter(
    data,
    max_length=10240,
    min_length=10,
    token_max_length=200,
    token_min_length=1,
    min_output_input_ratio=0.0005,
    max_output_input_ratio=1,
    mode="train",
):
    """Decode the audio to `speech` (1, N) and `sample_rate`; drop rows out of bounds.

    max_length, min_length: of the audio, in units of 10 ms. token_*: number of text tokens.
    *_ratio: text tokens per 10 ms.
    Raises ValueError naming file and utterance when the audio cannot be decoded.
    """
    for sample in data:
        words = len(sample["text_token"])
        if not token_min_length <= words <= token_max_length:
            continue
        if len(sample.get("speech_token", [0])) == 0:
            continue
        if "audio_data" in sample:
            sample["speech"], sample["sample_rate"] = decode(sample)
            length = sample["speech"].shape[1] / sample["sample_rate"] * 100
            if not min_length <= length <= max_length:
                continue
            if length and not min_output_input_ratio <= words / length <= max_output_input_ratio:
                continue
        yield sample


def decode(sample):
    """Encoded audio of a row -> mono (1, N) float32 and its rate."""
    import soundfile

    try:
        wav, rate = soundfile.read(
            BytesIO(sample.pop("audio_data")), dtype="float32", always_2d=True
        )
    except (soundfile.LibsndfileError, TypeError) as error:
        raise ValueError(
            f"{sample['src']}: audio of utterance {sample['utt']!r} cannot be decoded: {error}"
        ) from error
    return torch.from_numpy(wav.mean(1))[None], rate


def resample(data, resample_rate=22050, min_sample_rate=16000, mode="train"):
    """Resample `speech` to `resample_rate` Hz, with a peak of at most 1.

    Rows with a rate below `min_sample_rate` are dropped.
    """
    for sample in data:
        if "speech" in sample:
            if sample["sample_rate"] < min_sample_rate:
                continue
            speech = convert(sample["speech"], sample["sample_rate"], resample_rate)
            sample["speech"] = speech / speech.abs().max().clamp(min=1)
            sample["sample_rate"] = resample_rate
        yield sample


def convert(wav, from_rate, to_rate):
    if from_rate == to_rate:
        return wav
    from cosyvoice.utils.audio import resample  # needs librosa

    return resample(wav, from_rate, to_rate)


def truncate(data, truncate_length=24576, hop_size=None, mode="train", rng=random):
    """Cut a random piece of `truncate_length` samples, with its `pitch_feat` and `speech_feat`.

    Shorter audio is padded with zeros. The piece starts on a mel frame, so that values per frame
    stay aligned. hop_size: samples of a frame, by default those of official models of that rate.
    """
    for sample in data:
        if hop_size is None:
            hop_size = MEL_HOPS.get(sample.get("sample_rate"), MEL_HOPS[22050])
        if truncate_length % hop_size:
            raise ValueError(
                f"truncate_length {truncate_length} must be a multiple of the hop, {hop_size}"
            )
        frames = truncate_length // hop_size
        start = rng.randint(0, max(0, sample["speech"].shape[1] // hop_size - frames))
        sample["speech"] = piece(sample["speech"], start * hop_size, truncate_length)
        if sample.get("pitch_feat") is not None:
            sample["pitch_feat"] = piece(torch.as_tensor(sample["pitch_feat"]), start, frames)
        if (mel := stored_mel(sample)) is not None:
            sample["speech_feat"] = piece(mel.T, start, frames, SILENT_MEL).T
        yield sample


def piece(x, start, length, filler=0.0):
    """`length` values of the last axis from `start`, `filler` after the end."""
    x = x[..., start : start + length]
    return F.pad(x, (0, length - x.shape[-1]), value=filler)


def stored_mel(sample):
    """The mel (T, 80) that is in the row, or None."""
    mel = sample.get("speech_feat")
    return None if mel is None else torch.as_tensor(mel).float().reshape(-1, MEL_BINS)


def compute_fbank(data, feat_extractor, mode="train", token_rate=None, num_frames=-1):
    """Add `speech_feat` (T, 80) to rows without it.

    feat_extractor: a partial of matcha.utils.audio.mel_spectrogram with the rate and the hop.
    token_rate: in Hz; if given, tokens and mel are cut to the duration of the shorter one.
    num_frames: samples of a token; zeros fill up the last one. -1: as it is.
    """
    for sample in data:
        if "speech" in sample:
            if num_frames > 0:
                sample["speech"] = F.pad(
                    sample["speech"], (0, -sample["speech"].shape[1] % num_frames)
                )
            mel = stored_mel(sample)
            sample["speech_feat"] = feat_extractor(sample["speech"])[0].T if mel is None else mel
            if token_rate:
                keywords = feat_extractor.keywords
                align(sample, keywords["sampling_rate"] / keywords["hop_size"] / token_rate)
        yield sample


def align(sample, ratio):
    """Cut `speech_token` and `speech_feat` to one duration.

    n tokens have int(n * ratio) frames, as in the flow's inference.
    """
    tokens = min(len(sample["speech_token"]), round(sample["speech_feat"].shape[0] / ratio))
    sample["speech_token"] = sample["speech_token"][:tokens]
    sample["speech_feat"] = sample["speech_feat"][: int(tokens * ratio)]


def compute_whisper_fbank(data, num_frames=-1, mode="train"):
    """Let rows with speech tokens pass; upstream makes the tokens of others from this feature.

    Raises ValueError naming a row without them.
    """
    for sample in data:
        if sample.get("speech_token") is None:
            raise ValueError(
                f"{sample['src']}: utterance {sample['utt']!r} has no speech_token: make them "
                "before training, as upstream's tools/extract_speech_token.py does"
            )
        yield sample


def compute_f0(data, sample_rate, hop_size, mode="train"):
    """Make `pitch_feat` (T,) in Hz as long as the mel; it is measured in rows without it."""
    for sample in data:
        stored, frames = sample.get("pitch_feat"), sample["speech_feat"].shape[0]
        if stored is None:
            values = pitch(sample["speech"][0], sample_rate, hop_size)
        else:
            values = torch.as_tensor(stored).float()
        sample["pitch_feat"] = piece(values, 0, frames)
        yield sample


def parse_embedding(data, normalize, mode="train"):
    """Make `utt_embedding` and `spk_embedding` tensors (192,); normalize: of unit length.

    A row with only one of them uses it for both.
    """
    for sample in data:
        present = [
            name for name in ("utt_embedding", "spk_embedding") if sample.get(name) is not None
        ]
        if not present:
            raise ValueError(
                f"{sample['src']}: utterance {sample['utt']!r} has neither utt_embedding "
                "nor spk_embedding"
            )
        found = {name: torch.tensor(np.asarray(sample[name], dtype=np.float32)) for name in present}
        for name in ("utt_embedding", "spk_embedding"):
            vector = found.get(name, found[present[0]])
            sample[name] = F.normalize(vector, dim=0) if normalize else vector
        yield sample


def shuffle(data, shuffle_size=10000, mode="train", rng=random):
    """Mix the rows within a window of `shuffle_size`; validation keeps their order."""
    if mode != "train":
        yield from data
        return
    window = []
    for sample in data:
        window.append(sample)
        if len(window) >= shuffle_size:
            rng.shuffle(window)
            yield from window[: shuffle_size // 2]
            del window[: shuffle_size // 2]
    rng.shuffle(window)
    yield from window


def size(sample):
    """A row's mel frames, or without a mel its text and speech tokens."""
    if "speech_feat" in sample:
        return sample["speech_feat"].shape[0]
    return len(sample["text_token"]) + len(sample["speech_token"])


def sort(data, sort_size=500, mode="train"):
    """Sort the rows by size within blocks of `sort_size`: rows of a batch have similar sizes."""
    for block in groups(data, sort_size):
        yield from sorted(block, key=size)


def groups(data, count):
    """Yield lists of `count` items; the last may be shorter."""
    group = []
    for item in data:
        group.append(item)
        if len(group) == count:
            yield group
            group = []
    if group:
        yield group


def batch(
    data, batch_type="static", batch_size=16, max_frames_in_batch=12000, mode="train", rng=random
):
    """Group rows into lists: "static" of `batch_size` rows, "dynamic" by size.

    A dynamic batch has a padded size of at most `max_frames_in_batch`, or a single row. In training
    the batches are shuffled: in the order of sorted rows the losses would rise and fall with the
    length.
    """
    if batch_type not in ("static", "dynamic"):
        raise ValueError(f"unknown batch_type {batch_type!r}; use static or dynamic")
    if batch_type == "static":
        batches = groups(data, batch_size)
    else:
        batches = dynamic_batch(data, max_frames_in_batch)
    for pool in groups(batches, POOL):
        if mode == "train":
            rng.shuffle(pool)
        yield from pool


def dynamic_batch(data, max_frames):
    rows: list[dict] = []
    longest = 0
    for sample in data:
        longest = max(longest, size(sample))
        if rows and longest * (len(rows) + 1) > max_frames:
            yield rows
            rows, longest = [], size(sample)
        rows.append(sample)
    if rows:
        yield rows


def padding(data, use_spk_embedding, mode="train", gan=False, drop_speaker=False):
    """Make each list of rows one batch, longest row first.

    A column is `name` (B, T, ...), padded with zeros, and `name_len` (B,) int32. `embedding`
    (B, 192) is the x-vector of the speaker or of the utterance.
    drop_speaker: for the language model; `no_speaker` rows have zeros as `embedding`.
    gan: the batch also has `speech` (B, N) and `pitch_feat` (B, T).
    """
    names = ["text_token", "instruct_token", "speech_token", "text_position", "speech_feat"]
    if gan:
        names += ["speech", "pitch_feat"]
    for rows in data:
        rows = sorted(rows, key=size, reverse=True)
        result: dict[str, Any] = {
            "utts": [row["utt"] for row in rows],
            "text": [row.get("text") for row in rows],
        }
        for name in names:
            if all(row.get(name) is not None for row in rows):
                values = [to_tensor(name, row[name]) for row in rows]
                result[name + "_len"] = torch.tensor([len(x) for x in values], dtype=torch.int32)
                result[name] = pad_sequence(values, batch_first=True)
        for name in ("utt_embedding", "spk_embedding"):
            result[name] = torch.stack([row[name] for row in rows])
        result["embedding"] = result["spk_embedding" if use_spk_embedding else "utt_embedding"]
        if drop_speaker:
            known = [not row.get("no_speaker") for row in rows]
            result["embedding"] = result["embedding"] * torch.tensor(known)[:, None]
        yield result


def to_tensor(name, value):
    value = torch.as_tensor(value)
    if name.endswith("token"):
        return value.long()
    return value[0] if name == "speech" else value
