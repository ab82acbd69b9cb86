"""One utterance: the engine works in a thread of its own, its encoded sound waits in a spool.

So a slow reader never holds the model: generation runs to its end and frees its slot. A reader who
leaves, or an engine that makes nothing for too long, ends the work.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from cosyvoice.encoders import Encoder
from cosyvoice.encoders.wav import to_int16
from cosyvoice.serve.http.connection import Client
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.engine import Check, Utterance
from cosyvoice.serve.speaking.pace import Pace, lasts
from cosyvoice.serve.speaking.record import Record
from cosyvoice.serve.speaking.slots import POLL, Slot, Slots
from cosyvoice.serve.speaking.spool import Spool

log = logging.getLogger(__name__)
GRACE = 10.0  # seconds a cancelled engine may take to stop before its slot is given away


class ClientGone(Problem):
    """Nobody waits for this answer any more."""

    def __init__(self):
        super().__init__(
            499, "client_gone", None, "the client left before the end", "客户端提前断开"
        )


class Speech:
    """The bytes of one utterance, encoded while it is made: start(), then iterate.

    The encoder belongs to the Speech, which closes it in the thread that uses it. client: None
    when nobody in particular waits. stall: seconds without sound after which start() and the
    iteration raise a 504 Problem.
    """

    def __init__(
        self,
        utterance: Utterance,
        encoder: Encoder,
        slots: Slots,
        record: Record,
        stall: float,
        client: Client | None = None,
        scratch: Path | None = None,
        pace: Pace | None = None,
    ):
        self.utterance, self.encoder, self.slots, self.record = utterance, encoder, slots, record
        self.stall, self.client, self.spool = stall, client, Spool(scratch)
        self.pace = pace or Pace()
        self.first_made: tuple[float, float] | None = None  # when, and seconds of sound till then
        self.slot: Slot | None = None
        self.idle_seconds = 0.0  # in which the thread had nothing to speak
        self.cancelled = threading.Event()
        self.thread = threading.Thread(
            target=contextvars.copy_context().run,
            args=(self._run,),
            name=f"speak-{record.id}",
            daemon=True,
        )

    def start(self) -> "Speech":
        """Wait for a slot, begin, and return when there is sound and all pushes are stored.

        Raises what the engine or the store raised before that; the Speech is closed then.
        """
        self.take_slot(self._check_client)
        self.begin()
        try:
            self._wait_for_first_sound()
            for push in self.utterance.pushes:
                push.result()
        except BaseException:
            self.stop()
            raise
        return self

    def begin(self):
        """Start the thread that makes sound."""
        self.spool.sign()
        try:
            self.thread.start()
        except RuntimeError:  # the system has no thread left
            self.release_slot()
            self.encoder.close()
            raise

    def take_slot(self, check: Check, is_patient: bool = False):
        """Wait for the right to use the model; see Slots.take."""
        self.record.change(state="waiting")
        turn = self.record.turn_of
        self.slot = self.slots.take(check, self._note_position, turn, is_patient)
        self.record.change(state="speaking", speaking=time.monotonic())
        self.spool.sign()

    def release_slot(self):
        """Give back the slot, if one is held."""
        if self.slot:
            self.slot.release()

    def _wait_for_first_sound(self):
        self._wait()
        if not self.spool.written:
            raise self.spool.error or Problem(
                422,
                "nothing_spoken",
                "tts_text",
                "the text gave no sound; send words or digits",
                "该文本没有可朗读的内容；请输入文字或数字",
            )
        self.record.change(first_chunk=time.monotonic() - self.record.started)

    def hold_back(self, most: float):
        """Wait, `most` seconds at most, until a listener who begins now would hear no gap.

        So a machine that is slower than speech starts late instead of stuttering. Raises what
        ended the work meanwhile.
        """
        until = time.monotonic() + most
        while not self.spool.ended and not self._lasts() and (left := until - time.monotonic()) > 0:
            self._check_client()
            self.spool.wait_beyond(self.spool.written, min(POLL, left))
        if self.spool.error:
            raise self.spool.error

    def _lasts(self) -> bool:
        expected, rate = self.utterance.expected_seconds, self._rate()
        return rate is None or lasts(self.record.seconds, expected, rate)

    def _rate(self) -> float | None:
        """Seconds of sound made in a second: here since the first chunk, else by others."""
        if self.first_made and self.record.seconds > self.first_made[1]:
            when, seconds = self.first_made
            return (self.record.seconds - seconds) / max(1e-3, time.monotonic() - when)
        return self.pace.rate

    def __iter__(self) -> Iterator[bytes]:
        """The encoded sound as it comes. Raises the engine's error after the sound before it."""
        while True:
            self._wait()
            data = self.spool.read()
            if not data:
                break
            yield data
        if self.spool.error:
            raise self.spool.error

    def whole(self):
        """Wait for the end; returns the file of all bytes, at its start. Raises what ended it."""
        while not self.spool.ended:
            self._wait()
            self.spool.read()
        if self.spool.error:
            raise self.spool.error
        self.spool.file.seek(0)
        return self.spool.file

    def close(self):
        """The end of the answer: stop(); without an outcome by now, the client has left."""
        self.stop()
        if not self.record.outcome:
            self.record.change(outcome="client_gone")

    def stop(self):
        """Stop the work if it still goes on and drop the sound; may be called again."""
        self.cancel()
        self.spool.close()

    def cancel(self):
        """Stop the work if it still goes on; who reads gets ClientGone after what was made."""
        if self.thread.is_alive() and not self.cancelled.is_set():
            timer = threading.Timer(GRACE, self._give_up)
            timer.daemon = True  # the end of the process does not wait for it
            timer.start()
        self.cancelled.set()

    def _wait(self):
        """Wait for new bytes or the end. Raises ClientGone, or a 504 Problem after `stall` s."""
        while not self.spool.wait(POLL):
            self._check_client()
            if time.monotonic() - self.spool.last_sign > self.stall:
                raise Problem(
                    504,
                    "stalled",
                    None,
                    f"the model made no sound for {self.stall:g} s; send less text or try again",
                    f"模型在 {self.stall:g} 秒内没有产生声音；请缩短文本或重试",
                )

    def _note_position(self, position: int):
        if position > self.record.position:
            log.info("waiting, place %d in the queue", position)
        seconds = self.slots.wait_seconds(position) if position else None
        self.record.change(position=position, starts_in=seconds)

    def _check_client(self):
        if self.client and self.client.gone():
            raise ClientGone()

    # the thread that makes sound

    def _run(self):
        error = None
        try:
            with closing(self.encoder):
                self._speak()
                self.record.finish_segment()
                self.record.change(state="spoken")
                if self.slot:
                    self.slot.seconds = self.record.engine_seconds
                if factor := self.record.real_time_factor:  # none without sound
                    self.pace.note(1 / factor)
        except BaseException as caught:  # the reader raises it
            error = caught
        finally:
            self.release_slot()
            self.spool.finish(error)

    def _speak(self):
        started = time.monotonic()
        with closing(self.utterance.chunks(self._check_wanted)) as chunks:
            for chunk in chunks:
                pcm = to_int16(chunk["tts_speech"])
                if not len(pcm):  # nothing to speak now
                    self._write(self.encoder.flush())
                    continue
                self.record.engine_seconds = time.monotonic() - started - self.idle_seconds
                self.record.add_chunk(chunk, pcm)
                self.first_made = self.first_made or (time.monotonic(), self.record.seconds)
                self._write(self.encoder.feed(pcm))
            self._write(self.encoder.end())

    def _write(self, data: bytes):
        self._check_wanted()
        self.spool.write(data)

    def _check_wanted(self):
        if self.cancelled.is_set():
            raise ClientGone()

    def _give_up(self):
        """A cancelled engine that still works loses its slot, or the service would stop with it."""
        if self.thread.is_alive():
            log.error(
                "the engine did not stop within %g s after %s was cancelled; its slot is free now",
                GRACE,
                self.record.id,
            )
            self.release_slot()
