"""Training tables for cosyvoice/bin/train.py from the shards made so far: WORK/train/*.parquet.

Two lists name the tables. data.list, for the flow and the vocoder, has those with audio (from
generate.py). llm.list, for the language model, has these, the tables of prosody alone (from
prosody.py), and INSTRUCTED_TIMES over a table of all instructed rows, which are rare.

Prosody is packed in VERSIONS, each with other paces and other neighbours, since the language model
learns by heart what it meets again unchanged. Speech is packed in versions too, as it is and played
faster or slower, which shifts pitch and formants and so gives the flow more voices.

Run the command again when speech was added: new shards become new files at the end of the lists,
and files packed before stay as they are, so that a running training keeps what it read. --again
packs everything again, with speaker means over all speech. Columns:

    utt, spk       utt%06d of the sentence's number, pro%06d without audio, "utt000012+utt000345"
                   for a joined row; the speaker
    text           what the text side reads: TEXT, or INSTRUCT<endofprompt>TEXT
    text_token     int32[]       the tokenizer's ids of it, as the teacher read them
    speech_token   int32[]       25 Hz, see tokens.py
    text_position  int32[]       index into text_token of what each speech token says
    audio_data     bytes         FLAC, 22,050 Hz; null in joined rows and those of prosody, from
                                 which only the language model learns
    pitch_feat     float32[]     measured F0 in Hz per mel frame (hop 256), 0 where unvoiced
    utt_embedding  float32[192]  CAM++ of the utterance; of the speaker in rows without audio, and
                                 in instructed rows, where the flow must follow the tokens' shift.
                                 The last value is the speaker's mean pitch, see speaker_vector.py
    spk_embedding  float32[192]  mean of the speaker's uninstructed utterances, with the pitch
    no_speaker     bool          true in instructed rows: the language model learns them without
                                 a speaker, as inference speaks them

A joined row is an utterance after another of the same speaker (packed by the same call), with texts
and tokens put end to end, as zero-shot inference sees prompt and text. In joined rows of prosody
half of the speakers are faster or slower than the teacher: a model that knows the teacher's pace
alone takes a fast prompt for an unfinished one, and says its text again.

    python -m tools.mini.data.pack_parquet --work WORK [--again] [--seed 1] [--processes 2]
"""

import argparse
import io
import os
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
import soxr
import torch
from tqdm import tqdm

from cosyvoice.tokenizer.phoneme import END_OF_PROMPT, SYMBOLS, get_tokenizer
from cosyvoice.utils.audio import kaldi_fbank, resample
from tools.judges import need
from tools.mini.data.generate import flac
from tools.mini.data.speaker_vector import with_pitch
from tools.mini.data.tokens import (
    CodeBook,
    read,
    shard_paths,
    speaker_bases,
    speech_tokens,
    text_positions,
    voiced,
)

RATE, MEL_HOP = 22_050, 256
# Lower than Praat's defaults, so that weak voice counts as voiced.
PRAAT = {"silence_threshold": 0.01, "voicing_threshold": 0.3}
SHARDS_A_FILE, VERSIONS = {"data": 2, "prosody": 8}, {"data": 3, "prosody": 2}
PLAYED = (0.87, 1.15)  # factors of speed for other versions of speech
NEAR = 0.04  # but not nearer to 1 than this, which would make no other voice
PACES = (0.93, 1.07)  # factors of durations in versions of prosody
HURRY = (0.75, 1.6)  # times as fast as the teacher, in joined prosody
JOINED_SHARE = 0.8  # joined rows per uninstructed utterance
AGAIN_SHARE = 0.05  # of joined rows: those that say the same text twice
INSTRUCTED_TIMES = 6  # how often llm.list has the table of instructed rows
LONGEST_JOINED = 500  # speech tokens: 20 s
INT32S, FLOATS = pa.list_(pa.int32()), pa.list_(pa.float32())
SCHEMA = pa.schema(
    [
        ("utt", pa.string()),
        ("spk", pa.string()),
        ("text", pa.string()),
        ("text_token", INT32S),
        ("speech_token", INT32S),
        ("text_position", INT32S),
        ("audio_data", pa.binary()),
        ("pitch_feat", FLOATS),
        ("utt_embedding", FLOATS),
        ("spk_embedding", FLOATS),
        ("no_speaker", pa.bool_()),
    ]
)
WITHOUT_AUDIO = [name for name in SCHEMA.names if name not in ("audio_data", "pitch_feat")]


class Embedder:
    """CAM++ vectors of shards; WORK/train/embeddings keeps them, so that each is computed once."""

    def __init__(self, work: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.network = onnxruntime.InferenceSession(
            str(work / "campplus.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.folder = work / "train/embeddings"
        self.folder.mkdir(parents=True, exist_ok=True)

    def shard(self, path: Path) -> dict[int, np.ndarray]:
        """{id: (192,) unit vector} of the uninstructed utterances of a shard."""
        kept = self.folder / f"{path.stem}.npz"
        if not kept.exists():
            rows = [row for row in read([path], ["id", "instruct", "audio"]) if not row["instruct"]]
            vectors = np.stack([self.vector(row["audio"]) for row in rows])
            partial = kept.with_suffix(".partial.npz")
            np.savez(partial, ids=[row["id"] for row in rows], vectors=vectors)
            os.replace(partial, kept)
        with np.load(kept) as stored:
            return dict(zip(stored["ids"].tolist(), stored["vectors"]))

    def vector(self, audio: bytes) -> np.ndarray:
        wav, rate = soundfile.read(io.BytesIO(audio), dtype="float32")
        fbank = kaldi_fbank(resample(torch.from_numpy(wav)[None], rate, 16_000))
        feed = {self.network.get_inputs()[0].name: (fbank - fbank.mean(0))[None].numpy()}
        vector = self.network.run(None, feed)[0].ravel()
        return vector / np.linalg.norm(vector)


def speaker_means(shards: list[Path], vectors: dict[int, np.ndarray]) -> dict[str, np.ndarray]:
    """Unit mean vector of every speaker."""
    found = defaultdict(list)
    for row in read(shards, ["id", "speaker"]):
        if row["id"] in vectors:
            found[row["speaker"]].append(vectors[row["id"]])
    means = {name: np.mean(parts, axis=0) for name, parts in found.items()}
    return {name: mean / np.linalg.norm(mean) for name, mean in means.items()}


def pitch_feat(audio: bytes, f0: np.ndarray) -> np.ndarray:
    """F0 in Hz at the middle of each mel frame, 0 where unvoiced, measured by Praat.

    f0: the teacher's curve, which gives the range. The curve itself will not do: it runs through
    most consonants and is some percent off what its vocoder makes of it, so that a source of that
    pitch would not match the harmonics in the audio.
    """
    wav, rate = soundfile.read(io.BytesIO(audio), dtype="float64")
    frames, is_voiced = len(wav) // MEL_HOP, voiced(f0)
    if not is_voiced.any():
        return np.zeros(frames, np.float32)
    low, high = np.percentile(f0[is_voiced], (2, 98))
    sound = need("parselmouth").Sound(wav, rate)
    pitch = sound.to_pitch_ac(
        time_step=MEL_HOP / rate / 2, pitch_floor=low / 1.4, pitch_ceiling=high * 1.5, **PRAAT
    )
    seconds = (np.arange(frames) + 0.5) * MEL_HOP / rate
    nearest = np.round((seconds - pitch.x1) / pitch.dx).astype(np.int64)
    nearest = np.clip(nearest, 0, pitch.n_frames - 1)
    return pitch.selected_array["frequency"][nearest].astype(np.float32)


def varied(row: dict, rng: np.random.Generator) -> dict:
    """A row of prosody at a slightly other pace.

    Durations are multiplied, and rounded up or down at random; F0 is moved with the symbols.
    """
    before = np.asarray(row["durations"])
    scaled = np.floor(before * rng.uniform(*PACES) + rng.random(len(before))).astype(np.int64)
    after = np.maximum(scaled, before > 0)
    ends = [2 * np.cumsum([0, *durations]) for durations in (after, before)]
    places = np.interp(np.arange(ends[0][-1]) + 0.5, *ends).astype(np.int64)
    return {**row, "durations": after.tolist(), "f0": np.asarray(row["f0"])[places]}


def hurried(rows: list[dict], rng: np.random.Generator) -> list[dict]:
    """Rows of prosody, each speaker at one pace: the teacher's, or for half one of HURRY."""

    def draw() -> float:
        return float(np.exp(rng.uniform(*np.log(HURRY)))) if rng.random() < 0.5 else 1.0

    paces = defaultdict(draw)
    return [{**row, "pace": paces[row["speaker"]]} for row in rows]


def played(row: dict, pace: float) -> dict:
    """A row of speech played `pace` times as fast: another voice, which says only this."""
    wav, rate = soundfile.read(io.BytesIO(row["audio"]), dtype="float32")
    return {
        **row,
        "pace": pace,
        "speaker": f"{row['speaker']}*{pace:.3f}",
        "f0": np.asarray(row["f0"]) * pace,
        "audio": flac(soxr.resample(wav, rate * pace, rate), rate),
    }


def other_pace(rng: np.random.Generator) -> float:
    """A random pace of PLAYED that makes another voice."""
    while abs((pace := float(rng.uniform(*PLAYED))) - 1) < NEAR:
        pass
    return pace


def plain_row(row: dict, book: CodeBook, base: float, vectors: dict, means: dict) -> dict:
    """One utterance as a row of the table; base: the speaker's mean F0 in Hz."""
    instruct, has_audio = row["instruct"], bool(row["audio"])
    speaker_mean = with_pitch(means[row["speaker"]], base)
    own_vector = has_audio and row["id"] in vectors
    said = [SYMBOLS[symbol] for symbol in row["phonemes"]]
    asked = get_tokenizer().encode(instruct + END_OF_PROMPT) if instruct else []
    return {
        "utt": f"{'utt' if has_audio else 'pro'}{row['id']:06d}",
        "spk": row["speaker"],
        "text": instruct + END_OF_PROMPT + row["text"] if instruct else row["text"],
        "text_token": asked + said,
        "speech_token": speech_tokens(row, book, base),
        "text_position": len(asked) + text_positions(row["durations"], row.get("pace", 1.0)),
        "audio_data": row["audio"] or None,
        "pitch_feat": pitch_feat(row["audio"], np.asarray(row["f0"])) if has_audio else None,
        "utt_embedding": with_pitch(vectors[row["id"]], base) if own_vector else speaker_mean,
        "spk_embedding": speaker_mean,
        "no_speaker": bool(instruct),
    }


def played_row(row: dict, pace: float, book: CodeBook, base: float, embedder: Embedder) -> dict:
    other = played(row, pace)
    vector = embedder.vector(other["audio"])
    return plain_row(other, book, base * pace, {row["id"]: vector}, {other["speaker"]: vector})


def joined_row(first: dict, second: dict) -> dict:
    """The second utterance as the continuation of the first, which is the prompt.

    The speaker's vectors are those of the prompt.
    """
    second_position = second["text_position"] + np.int32(len(first["text_token"]))
    return {
        **first,
        "utt": f"{first['utt']}+{second['utt']}",
        "text": first["text"] + second["text"],
        "text_token": list(first["text_token"]) + list(second["text_token"]),
        "speech_token": np.concatenate([first["speech_token"], second["speech_token"]]),
        "audio_data": None,
        "pitch_feat": None,
        "text_position": np.concatenate([first["text_position"], second_position]),
    }


class Joiner:
    """Remembers the plain utterances of each speaker, to put one before another."""

    def __init__(self, rng: np.random.Generator):
        self.rng, self.said = rng, defaultdict(list)

    def rows(self, row: dict) -> list[dict]:
        """A joined row, or none; the earlier utterance is of any language."""
        if row["no_speaker"]:
            return []
        row = {**row, "audio_data": None, "pitch_feat": None}
        said = [row] if self.rng.random() < AGAIN_SHARE else self.said[row["spk"]]
        earlier = [
            other
            for other in said
            if len(other["speech_token"]) + len(row["speech_token"]) <= LONGEST_JOINED
        ]
        self.said[row["spk"]].append(row)
        if not earlier or self.rng.random() >= JOINED_SHARE:
            return []
        pair = [earlier[int(self.rng.integers(len(earlier)))], row]
        return [joined_row(*(pair if self.rng.random() < 0.5 else pair[::-1]))]


@dataclass
class Packer:
    """Writes tables; holds what the rows of all tables need."""

    work: Path
    seed: int
    bases: dict[str, float]  # mean F0 in Hz, by speaker
    vectors: dict[int, np.ndarray]  # (192,), by the utterance's number
    means: dict[str, np.ndarray]  # (192,), by speaker

    def write_table(self, table: tuple[Path, str, list[Path], int]) -> None:
        """table: path, kind of the shards ("data" or "prosody"), shards, version."""
        path, kind, shards, version = table
        embedder, book = Embedder(self.work), CodeBook.load(self.work / "codebook.json")
        rng = np.random.default_rng([self.seed, int(shards[0].stem[6:]), version])
        rows = [row for row in read(shards) if row["speaker"] in self.means]
        if kind == "data" and version:
            plain = [
                played_row(row, other_pace(rng), book, self.bases[row["speaker"]], embedder)
                for row in rows
                if not row["instruct"]
            ]
        else:
            rows = rows if kind == "data" else [varied(row, rng) for row in rows]
            plain = self.plain_rows(rows, book)
        to_join = plain if kind == "data" else self.plain_rows(hurried(rows, rng), book)
        joiner = Joiner(rng)
        write(path, plain + [joined for row in to_join for joined in joiner.rows(row)])

    def plain_rows(self, rows: list[dict], book: CodeBook) -> list[dict]:
        return [
            plain_row(row, book, self.bases[row["speaker"]], self.vectors, self.means)
            for row in rows
        ]


def pack(work: Path, again: bool, seed: int, processes: int) -> None:
    """Write the tables of the shards that are not packed yet, then the lists of all tables."""
    shards = {kind: shard_paths(work, kind) for kind in SHARDS_A_FILE}
    tables = {kind: list(tables_of(work, kind, paths)) for kind, paths in shards.items()}
    missing = [
        table for table in tables["data"] + tables["prosody"] if again or not table[0].exists()
    ]
    vectors = {}
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        found = pool.map(partial(shard_vectors, work), shards["data"])
        for part in progress(found, shards["data"], "speaker vectors", "shard"):
            vectors |= part
        bases = speaker_bases(sum(shards.values(), []))
        packer = Packer(work, seed, bases, vectors, speaker_means(shards["data"], vectors))
        for _ in progress(pool.map(packer.write_table, missing), missing, "tables", "file"):
            pass
    files = {kind: [path for path, *_ in tables[kind]] for kind in tables}
    write_list(work / "train/data.list", files["data"])
    files, instructed = files["data"] + files["prosody"], work / "train/told.parquet"
    write(instructed, [row for row in read(files, WITHOUT_AUDIO) if row["no_speaker"]])
    write_list(work / "train/llm.list", files + INSTRUCTED_TIMES * [instructed])


def tables_of(work: Path, kind: str, shards: list[Path]):
    """Yield the tables (see `Packer.write_table`) of all full groups of shards."""
    size = SHARDS_A_FILE[kind]
    for start in range(0, len(shards) - size + 1, size):
        group = shards[start : start + size]
        name = f"{kind}-{group[0].stem[6:]}-{group[-1].stem[6:]}"
        for version in range(VERSIONS[kind]):
            yield work / f"train/{name}-{version}.parquet", kind, group, version


def shard_vectors(work: Path, shard: Path) -> dict[int, np.ndarray]:
    return Embedder(work).shard(shard)


def progress(results, jobs: list, desc: str, unit: str):
    return tqdm(results, desc=desc, unit=unit, total=len(jobs))


def write_list(target: Path, files: list[Path]) -> None:
    target.write_text("".join(f"{path.resolve()}\n" for path in files), "utf-8")


def write(target: Path, rows: list[dict], schema: pa.Schema = SCHEMA) -> None:
    partial = target.with_suffix(".partial")
    pq.write_table(pa.Table.from_pylist(rows, schema), partial, compression="none")
    os.replace(partial, target)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--again", action="store_true", help="pack all shards again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    pack(args.work, args.again, args.seed, args.processes)


if __name__ == "__main__":
    main()
