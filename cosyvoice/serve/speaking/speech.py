"""One utterance on its way: the engine works in a thread of its own, its encoded sound waits in a spool.

So a slow reader never holds the model: generation runs to its end and frees its slot. A reader who leaves, or an engine
that makes nothing for too long, ends the work. Every endpoint that speaks uses this: give it a callable that makes
the engine's generator and an encoder, `start()`, then iterate over the bytes.
"""

import contextvars
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cosyvoice.serve.http.connection import Client
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.sentence_times import Segment
from cosyvoice.serve.speaking.slots import LOOK_AROUND, Slots

log = logging.getLogger(__name__)
GRACE = 10.0  # seconds a cancelled engine may take to notice before its slot is given away
IN_MEMORY = 1 << 20  # bytes of sound kept in memory per request; what is above goes to a file


class ClientGone(Problem):
    """Nobody waits for this answer any more."""

    def __init__(self):
        super().__init__(
            499, "client_gone", None, "the client left before the end", "客户端提前断开"
        )


@dataclass
class Record:
    """What is known about one request while it runs; other parts of the service may look at it at any time."""

    id: str
    mode: str = "-"
    path: str = ""  # of the request
    user_id: str = ""
    seed: int = 0
    characters: int = 0
    sample_rate: int = 0
    state: str = "reading"  # reading, waiting, speaking, spoken, done
    outcome: str = ""  # "done", "client_gone" or the code of an error
    position: int = 0  # in the queue; 0 is not waiting
    samples: int = 0  # of sound made so far
    started: float = field(default_factory=time.monotonic)
    speaking: float | None = None  # when the slot was taken
    first_chunk: float | None = None  # seconds from arrival to the first encoded sound
    engine_seconds: float = 0.0  # that the engine has worked
    marks: list = field(
        default_factory=list
    )  # (text, first sample, end sample) of each sentence begun so far
    segment: Segment | None = None  # of the text, being spoken
    settled: list = field(default_factory=list)  # marks of the segments before it
    watchers: list = field(default_factory=list)  # called with the record after each change

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate if self.sample_rate else 0.0

    @property
    def real_time_factor(self) -> float | None:
        return self.engine_seconds / self.seconds if self.samples else None

    def change(self, **values):
        for name, value in values.items():
            setattr(self, name, value)
        for watcher in self.watchers:
            watcher(self)

    def add_chunk(self, chunk: dict, pcm: np.ndarray):
        """Count a chunk of the engine and note which samples belong to which sentence."""
        number = chunk.get("sentence", 0)
        if self.segment is None or self.segment.number != number:
            self.settle()
            self.segment = Segment(number, chunk.get("text", ""), self.samples, self.sample_rate)
        self.segment.add(pcm)
        self.change(
            samples=self.samples + len(pcm), marks=self.settled + self.segment.marks(whole=False)
        )

    def settle(self):
        """The segment being spoken is whole: its sentences keep the times they have now."""
        if self.segment:
            self.settled = self.marks = self.settled + self.segment.marks(whole=True)
            self.segment = None


class Spool:
    """Bytes from one writer to one reader, in memory first and in a file of `scratch` when there are many."""

    def __init__(self, scratch: Path | None = None):
        self.file = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=scratch)
        self.changed = threading.Condition()
        self.written = self.read_to = 0
        self.ended, self.error, self.last_sign = False, None, time.monotonic()

    def write(self, data: bytes):
        """Append; an empty write is still a sign of life."""
        with self.changed:
            self.file.seek(self.written)
            self.file.write(data)
            self.written += len(data)
            self._sign()

    def finish(self, error: BaseException | None = None):
        """No more will come; with an error, the reader gets it after what was written. The first call counts."""
        with self.changed:
            if not self.ended:
                self.ended, self.error = True, error
                self._sign()

    def _sign(self):
        self.last_sign = time.monotonic()
        self.changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait for something to read or for the end; True when there is one."""
        with self.changed:
            return self.changed.wait_for(lambda: self.ended or self.written > self.read_to, seconds)

    def read(self) -> bytes:
        """All that was written and not read yet; b"" if nothing."""
        with self.changed:
            self.file.seek(self.read_to)
            data = self.file.read(self.written - self.read_to)
            self.read_to += len(data)
            return data

    def close(self):
        with self.changed:
            self.ended = True
            self.file.close()


def to_int16(speech) -> np.ndarray:
    """(1, N) float in [-1, 1], a tensor or an array -> (N,) int16, clipped."""
    samples = np.asarray(speech, dtype=np.float32).reshape(-1)
    return (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype(np.int16)


class Speech:
    """Bytes of one utterance, encoded while it is made.

    chunks(check): makes the engine's generator of {"tts_speech", "sentence", "text"}, which is run, and closed, in the thread that
    speaks; the engine calls check() at every step, which raises when the work is not wanted any more.
    encoder: has feed(int16 PCM) -> bytes and end() -> bytes. client: None when nobody in particular waits.
    """

    def __init__(
        self,
        chunks: Callable[[Callable], Iterator[dict]],
        encoder,
        slots: Slots,
        record: Record,
        stall: float,
        client: Client | None = None,
        scratch: Path | None = None,
    ):
        self.chunks, self.encoder, self.slots, self.record = chunks, encoder, slots, record
        self.stall, self.client, self.spool = stall, client, Spool(scratch)
        self.cancelled, self.slot_is_free = threading.Event(), threading.Lock()
        self.thread = threading.Thread(
            target=contextvars.copy_context().run,
            args=(self._run,),
            name=f"speak-{record.id}",
            daemon=True,
        )

    def start(self) -> "Speech":
        """Wait for a slot, begin, and return when there is sound. Raises what the engine raised before that."""
        self.record.change(state="waiting")
        self.slots.take(self._check_client, self._tell_place)
        self.record.change(state="speaking", speaking=time.monotonic())
        self.spool.last_sign = time.monotonic()
        try:
            self.thread.start()
        except RuntimeError:  # the system has no thread left
            self._free_slot()
            raise
        try:
            self._await()
            if not self.spool.written:
                raise self.spool.error or Problem(
                    422,
                    "nothing_spoken",
                    "tts_text",
                    "the text gave no sound; send words or digits",
                    "该文本没有可朗读的内容；请输入文字或数字",
                )
        except BaseException:
            self.close()
            raise
        self.record.change(first_chunk=time.monotonic() - self.record.started)
        return self

    def __iter__(self) -> Iterator[bytes]:
        """The encoded sound as it comes. Raises the engine's error after the sound made before it."""
        while True:
            self._await()
            data = self.spool.read()
            if not data:
                break
            yield data
        if self.spool.error:
            raise self.spool.error

    def whole(self):
        """Wait for the end; returns the file that holds all bytes, at its start. Raises what ended it early."""
        while not self.spool.ended:
            self._await()
            self.spool.read()
        if self.spool.error:
            raise self.spool.error
        self.spool.file.seek(0)
        return self.spool.file

    def close(self):
        """Stop the work if it still goes on and drop the sound; may be called again."""
        if self.thread.is_alive() and not self.cancelled.is_set():
            threading.Timer(GRACE, self._give_up).start()
        self.cancelled.set()
        self.spool.close()

    def _await(self):
        """Wait for new bytes or the end. Raises ClientGone, or a 504 Problem after `stall` seconds without sound."""
        while not self.spool.wait(LOOK_AROUND):
            self._check_client()
            if time.monotonic() - self.spool.last_sign > self.stall:
                raise Problem(
                    504,
                    "stalled",
                    None,
                    f"the model made no sound for {self.stall:g} s; send less text or try again",
                    f"模型在 {self.stall:g} 秒内没有产生声音；请缩短文本或重试",
                )

    def _tell_place(self, place: int):
        if place > self.record.position:
            log.info("waits, place %d in the queue", place)
        self.record.change(position=place)

    def _check_client(self):
        if self.client and self.client.gone():
            raise ClientGone()

    def _run(self):
        error = None
        try:
            self._speak()
            self.record.settle()
            self.record.change(state="spoken")
        except BaseException as caught:  # told to the reader, who raises it
            error = caught
        finally:
            self._free_slot()
            self.spool.finish(error)

    def _speak(self):
        chunks = self.chunks(self._check_wanted)
        try:
            for chunk in chunks:
                pcm = to_int16(chunk["tts_speech"])
                self.record.engine_seconds = time.monotonic() - self.record.speaking
                self.record.add_chunk(chunk, pcm)
                self._write(self.encoder.feed(pcm))
            self._write(self.encoder.end())
        finally:
            chunks.close()

    def _write(self, data: bytes):
        self._check_wanted()
        self.spool.write(data)

    def _check_wanted(self):
        if self.cancelled.is_set():
            raise ClientGone()

    def _give_up(self):
        """A cancelled engine that still has not stopped loses its slot, or the service would stop with it."""
        if self.thread.is_alive():
            log.error(
                "the engine did not stop within %g s after %s was given up; its slot goes to others",
                GRACE,
                self.record.id,
            )
            self._free_slot()

    def _free_slot(self):
        """Once, whoever comes first."""
        if self.slot_is_free.acquire(blocking=False):
            whole = self.record.engine_seconds if not self.cancelled.is_set() else None
            self.slots.free(whole)
