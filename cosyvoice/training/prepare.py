"""Checked recordings -> parquet files with speech tokens and speaker vectors, as training reads.

The model's own ONNX files make both. A file holds SHARD recordings, is named after what is in it
and written whole, so that a preparation that was stopped goes on after the last one. Columns:

    utt, text        the recording's name; what is said, in words
    audio_data       FLAC of 16 bits at the model's rate, without silent ends, at one level
    speech_token     int32
    utt_embedding    float32 (192,)
    pitch_feat       F0 in Hz per mel frame, 0 where unvoiced
    instruct         what Fun-CosyVoice3 reads before each text
"""

import hashlib
import io
import logging
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cosyvoice.cli import reference_doctor as doctor
from cosyvoice.dataset.pitch import pitch
from cosyvoice.tokenizer.qwen import END_OF_PROMPT
from cosyvoice.training.recordings import Checked, Recording
from cosyvoice.training.source import Source
from cosyvoice.utils.audio import REFERENCE_RATE, read_audio, resample

logger = logging.getLogger(__name__)
SHARD = 32  # recordings of a file
LEVEL, PEAK = -20.0, 0.95  # dB of loud frames; the largest sample
HELD_OUT, MOST_HELD_OUT = 0.06, 60  # of all recordings, for validation; at least 2
SEED = 1986

Pair = tuple[Recording, Checked]


def split(pairs: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """(training, validation); always the same for the same recordings.

    Recordings of one text are never in both.
    """
    texts = sorted({each.text for _, each in pairs})
    held_out = max(2, min(MOST_HELD_OUT, round(HELD_OUT * len(texts))))
    chosen = set(random.Random(SEED).sample(texts, held_out))
    return (
        [pair for pair in pairs if pair[1].text not in chosen],
        [pair for pair in pairs if pair[1].text in chosen],
    )


def shards(pairs: list[Pair], folder: Path, key: str) -> Iterator[tuple[Path, list[Pair]]]:
    """The files to be made, each with its recordings. key: of the recordings and the model."""
    for start in range(0, len(pairs), SHARD):
        part = pairs[start : start + SHARD]
        names = "\n".join([key, *(each.name for each, _ in part)])
        yield folder / f"{hashlib.sha256(names.encode()).hexdigest()[:16]}.parquet", part


def prepare(
    source: Source, pairs: list[Pair], folder: Path, key: str, done: Callable = lambda count: None
) -> list[Path]:
    """Write the parquet files that are not there yet, and return all. done: told how many rows."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for path, part in shards(pairs, folder, key):
        if not path.is_file():
            write([row(source, *pair) for pair in part], path)
        files.append(path)
        done(len(part))
    return files


def write(rows: list[dict], path: Path) -> None:
    """Write one file whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    partial = path.with_suffix(".part")
    try:
        pq.write_table(pa.Table.from_pylist(rows), partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def row(source: Source, recording: Recording, checked: Checked) -> dict:
    samples, rate = read_audio(recording.path)
    start, end = (place / REFERENCE_RATE for place in checked.used)
    own = level(samples[:, round(start * rate) : round(end * rate)], rate)
    wav = resample(own, rate, REFERENCE_RATE)
    sound = resample(own, rate, source.sample_rate)
    front_end = source.front_end
    result = {
        "utt": recording.name,
        "text": front_end.text_normalize(recording.text, split=False),
        "audio_data": flac(sound, source.sample_rate),
        "speech_token": front_end.speech_token(wav)[0].numpy(),
        "utt_embedding": front_end.speaker_embedding(wav)[0].numpy(),
        "pitch_feat": pitch(sound[0], source.sample_rate, source.hop_size).numpy(),
    }
    if source.family.system_prompt:
        result["instruct"] = source.family.system_prompt + END_OF_PROMPT
    return result


def level(wav: Tensor, rate: int) -> Tensor:
    """(1, N) with its loud frames at LEVEL, as far as PEAK allows."""
    loud = doctor.Loudness(resample(wav, rate, REFERENCE_RATE)[0].numpy()).top
    gain = 10 ** ((LEVEL - loud) / 20)
    return wav * min(gain, PEAK / max(float(wav.abs().max()), 1e-9))


def flac(wav: Tensor, rate: int) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, wav[0].clamp(-1, 1).numpy(), rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def mean_vector(files: list[Path]) -> Tensor:
    """(1, 192): the mean of the speaker vectors of all rows."""
    from pyarrow.parquet import read_table

    rows = [
        vector
        for path in files
        for vector in read_table(path, columns=["utt_embedding"])["utt_embedding"].to_pylist()
    ]
    return torch.from_numpy(np.mean(np.array(rows, np.float64), 0).astype(np.float32))[None]


def write_list(path: Path, files: list[Path]) -> Path:
    path.write_text("".join(f"{file}\n" for file in files), encoding="utf-8")
    return path
