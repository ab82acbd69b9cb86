"""Batches of one network's training data, epoch after epoch, with a cache in memory.

The chain of cosyvoice.yaml is cut before its first random step. The steps before the cut (decoding,
resampling, mels) run once per file, and their rows are kept as int16 speech and float16 mels (10 h:
1.6 GB and 0.25 GB). The steps after it run in every epoch.
"""

import random
from functools import partial
from pathlib import Path

import torch

RANDOM = ("truncate", "shuffle", "batch")  # take a random generator
PER_EPOCH = ("truncate", "shuffle", "sort", "batch", "padding")
INT16 = 32767


class Dataset:
    """Batches of the rows of parquet files.

    data_list: a text file, one parquet path a line; lines may be added while training runs.
    pipeline: partials of cosyvoice.dataset.processor.
    model: "llm" (tokens only), "flow", or "hift" (pieces of audio and pitch).
    token_rate: speech tokens per second, for the flow.
    max_frames: in place of the YAML's max_frames_in_batch.
    cache_bytes: files that do not fit are read again in every epoch.
    """

    def __init__(
        self,
        data_list,
        pipeline,
        model,
        mode="train",
        seed=1986,
        token_rate=None,
        max_frames=None,
        cache_bytes=8 << 30,
    ):
        self.data_list, self.mode, self.seed = Path(data_list), mode, seed
        own = {
            "parquet_opener": {"audio": model != "llm"},
            "compute_fbank": {"token_rate": token_rate if model == "flow" else None},
            "batch": {"max_frames_in_batch": max_frames} if max_frames else {},
            "padding": {"gan": model == "hift", "drop_speaker": model == "llm"},
        }
        steps = [partial(f, mode=mode, **own.get(name(f), {})) for f in pipeline]
        cut = next((i for i, f in enumerate(steps) if name(f) in PER_EPOCH), len(steps))
        self.once, self.every = steps[:cut], steps[cut:]
        self.keep_speech = model == "hift"
        self.cache, self.room = {}, cache_bytes

    def files(self):
        """The paths that the list has now; FileNotFoundError or ValueError if there are none."""
        if not self.data_list.exists():
            raise FileNotFoundError(f"{self.data_list} not found: write one parquet path a line")
        lines = self.data_list.read_text(encoding="utf-8").splitlines()
        paths = [line.strip() for line in lines if line.strip()]
        if not paths:
            raise ValueError(f"{self.data_list} names no parquet file")
        return paths

    def epoch(self, index, paths):
        """Yield the batches of one epoch: the same for equal seed, index and paths."""
        rng = random.Random(f"{self.seed} {index}")
        if self.mode == "train":
            paths = rng.sample(paths, len(paths))
        data = (unpack(row) for path in paths for row in self.rows(path))
        for f in self.every:
            data = f(data, rng=rng) if name(f) in RANDOM else f(data)
        yield from data

    def rows(self, path):
        """Rows of one file after the steps that run once."""
        if path not in self.cache:
            data = [{"src": path}]
            for f in self.once:
                data = f(data)
            rows = [self.pack(row) for row in data]
            used = sum(x.nbytes for row in rows for x in row.values() if hasattr(x, "nbytes"))
            room = self.room - used
            if room < 0:
                return rows
            self.cache[path], self.room = rows, room
        return self.cache[path]

    def pack(self, row):
        if not self.keep_speech:
            row.pop("speech", None)
        if "speech" in row:
            row["speech"] = (row["speech"] * INT16).round().to(torch.int16)
        if "speech_feat" in row:
            row["speech_feat"] = torch.as_tensor(row["speech_feat"]).half()
        return row


def name(step):
    """The name of a processor inside any number of partials."""
    return name(step.func) if isinstance(step, partial) else step.__name__


def unpack(row):
    row = dict(row)
    if "speech" in row:
        row["speech"] = row["speech"].float() / INT16
    if "speech_feat" in row:
        row["speech_feat"] = row["speech_feat"].float()
    return row
