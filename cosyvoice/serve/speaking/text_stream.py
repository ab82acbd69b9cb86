"""Text streams: a text that comes in pieces is spoken sentence by sentence as one sound.

A thread of the stream waits for sentences. It takes a slot of the model for each and gives it back
after, so that a stream that waits for text costs nobody anything. Sentence n, counted from 0, is
spoken with the request's seed + n: the same text gives the same sound, however it was cut.
"""

import functools
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

from cosyvoice.cli.long_speech import seed_of
from cosyvoice.serve.http.bridge import MAX_STREAMS
from cosyvoice.serve.http.connection import Client
from cosyvoice.serve.http.jobs import Job
from cosyvoice.serve.http.problem import Problem, as_problem, field_error, in_field
from cosyvoice.serve.speaking.chain import Part, chained, silent_chunk
from cosyvoice.serve.speaking.engine import Check, Chunks, Prepared, Utterance
from cosyvoice.serve.speaking.slots import POLL
from cosyvoice.serve.speaking.speech import Speech
from cosyvoice.text.clean import clean
from cosyvoice.text.language import is_speakable
from cosyvoice.text.pieces import Pieces
from cosyvoice.text.tags import check_silence, left_out_tags
from cosyvoice.utils.errors import TextError

IDLE = 60.0  # seconds without text to speak, or without a listener, after which a stream ends
MAX_WAITING = 4000  # characters of a stream that are not spoken yet
REMEMBERED = 1000  # ended streams whose ids are known


class TextStream:
    """One stream. Thread-safe.

    charge(characters) counts added text against the limits of the caller's key; over(stream) is
    called once, when the stream is gone. most: characters of its text in all.
    """

    def __init__(
        self,
        prepared: Prepared,
        job: Job,
        most: int,
        charge: Callable[[int], None],
        over: Callable[["TextStream"], None],
    ):
        self.prepared, self.job, self.most = prepared, job, most
        self.charge, self.over = charge, over
        self.pieces = Pieces()
        self.sentences: deque[str] = deque()  # whole, and not spoken yet
        self.characters = 0  # of the whole text by now
        self.silence = 0.0  # seconds of its pauses
        self.has_ended = self.has_listener = self.is_gone = False
        self.changed = threading.Condition()
        self.last_sign = time.monotonic()
        self.first_whole: float | None = None  # when the first sentence was whole
        self.speech: Speech

    @property
    def utterance(self) -> Utterance:
        return Utterance(self.prepared.engine, self._chunks, self.prepared.pushes)

    def begin(self, speech: Speech):
        """speech: of this stream's utterance."""
        self.speech = speech
        speech.begin()

    # for callers

    def add(self, text: str, flush: bool = False) -> list[str]:
        """Take the next piece; returns the names of tags that have no effect.

        flush: what has arrived is spoken, also if no sentence is whole. Raises a Problem, and takes
        nothing: a 409 after the end, a 413 or 429 for too much text, a 400 for a tag that cannot be
        understood.
        """
        with self.changed:
            self._check_room(len(text))
            rest = self.pieces.rest
            sentences = self.pieces.add(text) + (self.pieces.flush() if flush else [])
            try:
                left_out, pauses = self._check(sentences)
                self.charge(len(text))
            except BaseException:
                self.pieces.rest = rest
                raise
            self.silence += pauses
            self._take(sentences, len(text))
        return left_out

    def end(self):
        """No more text comes: what is left is spoken, then the sound ends."""
        with self.changed:
            if not self.has_ended:
                self.has_ended = True
                self._take(self.pieces.flush(), 0)

    def listen(self, client: Client | None):
        """Become the one listener. Raises a 409 Problem when there was one."""
        with self.changed:
            if self.has_listener:
                raise Problem(
                    409,
                    "has_listener",
                    "id",
                    "the sound of this stream is sent once, and a listener has it already",
                    "该音频流只发送一次，已有接收方",
                )
            self.has_listener, self.speech.client = True, client

    def stop(self):
        """End it at once. A listener's answer breaks off."""
        with self.changed:
            self.has_ended = True
            self.changed.notify_all()
        self.speech.cancel()
        if not self.has_listener:
            self.drop()

    def drop(self):
        """The end of the stream, when the listener has all or is gone; later calls do nothing."""
        with self.changed:
            self.has_ended, is_first, self.is_gone = True, not self.is_gone, True
            self.changed.notify_all()
        self.speech.close()
        if is_first:
            self.over(self)

    @property
    def waiting(self) -> int:
        """Characters that are not spoken yet."""
        return len(self.pieces.rest) + sum(map(len, self.sentences))

    def _check_room(self, size: int):
        if self.has_ended:
            raise ended_error()
        if self.characters + size > self.most:
            raise field_error(
                "text",
                f"a stream takes at most {self.most} characters; it has {self.characters}, "
                f"got {size} more; open another one",
                f"每个流最多 {self.most} 个字符，已有 {self.characters} 个，本次 {size} 个；"
                "请另开一个流",
                "text_too_long",
                413,
            )
        if self.waiting + size > MAX_WAITING and self.waiting:
            after = self.speech.slots.wait_seconds(1)
            raise Problem(
                429,
                "too_much_waiting",
                "text",
                f"text: at most {MAX_WAITING} characters may wait to be spoken; {self.waiting} do, "
                f"got {size} more; send them again in {after} s",
                f"text：最多 {MAX_WAITING} 个字符等待朗读，已有 {self.waiting} 个，本次 {size} 个；"
                f"请在 {after} 秒后重发",
                {"Retry-After": str(after)},
            )

    def _check(self, sentences: list[str]) -> tuple[list[str], float]:
        """Names of tags without effect, seconds of pauses. Raises a 400 Problem for a wrong tag."""
        names: dict[str, None] = {}
        try:
            for sentence in sentences:
                names |= dict.fromkeys(left_out_tags(sentence))
            pauses = sum(clean(sentence).objects.pause_seconds for sentence in sentences)
            check_silence(self.silence + pauses)
        except TextError as error:
            raise in_field("text", error) from error
        return list(names), pauses

    def _take(self, sentences: list[str], size: int):
        if sentences and self.first_whole is None:
            self.first_whole = time.monotonic()
        self.sentences.extend(sentences)
        self.characters += size
        self.speech.record.characters = self.characters
        self.last_sign = time.monotonic()
        self.changed.notify_all()

    # the thread that makes sound

    def _chunks(self, check: Check) -> Chunks:
        try:
            yield from chained(self._parts(), self.prepared.engine.sample_rate, check)
        except Exception as error:  # told by the state also when nobody listens
            self.speech.record.change(outcome=as_problem(error).code)
            raise
        finally:
            self.end()
            if not self.has_listener:
                timer = threading.Timer(IDLE, self._drop_unheard)
                timer.daemon = True
                timer.start()

    def _drop_unheard(self):
        if not self.has_listener:
            self.drop()

    def _parts(self) -> Iterator[Part]:
        """A part for each sentence; those for which none comes any more are empty."""
        number = 0
        while not self._is_over():
            yield Part(functools.partial(self._speak, number))
            number += 1

    def _speak(self, number: int, check: Check) -> Chunks:
        """Wait for a sentence, then for the model, and speak it."""
        yield NOTHING  # what was spoken before goes to the listener
        while (sentence := self._next()) is None:
            check()
            if self._is_over():
                return
            yield NOTHING
        cleaned = clean(sentence)
        if not is_speakable(cleaned.text.text):  # a pause, or punctuation
            if seconds := cleaned.objects.pause_seconds:
                yield silent_chunk(seconds, self.prepared.engine.sample_rate)
            return
        seed = seed_of(self.job.seed, number)
        job = replace(self.job, tts_text=sentence, seed=seed, stream=True)
        self._take_slot(check)
        try:
            with closing(self.prepared.speak(job, check)) as chunks:
                for chunk in chunks:
                    yield chunk
                    self._note_first_sound()
        finally:
            self.speech.release_slot()
        with self.changed:
            self.last_sign = time.monotonic()

    def _note_first_sound(self):
        if self.speech.record.first_chunk is None and self.first_whole is not None:
            self.speech.record.change(first_chunk=time.monotonic() - self.first_whole)

    def _is_over(self) -> bool:
        with self.changed:
            return self.has_ended and not self.sentences

    def _take_slot(self, check: Check):
        began = time.monotonic()

        def still_wanted():
            check()
            self.speech.spool.sign()

        self.speech.take_slot(still_wanted, is_patient=True)
        self.speech.idle_seconds += time.monotonic() - began

    def _next(self) -> str | None:
        """The next sentence, or None after a while without one; an idle stream ends here."""
        began = time.monotonic()
        with self.changed:
            self.changed.wait_for(lambda: self.sentences or self.has_ended, POLL)
            self.speech.idle_seconds += time.monotonic() - began
            if self.sentences:
                return self.sentences.popleft()
        if time.monotonic() - self.last_sign > IDLE:
            self.end()
        return None


NOTHING = silent_chunk(0, 1)  # a chunk without sound: what is encoded by now can be sent


def ended_error() -> Problem:
    return Problem(
        409,
        "stream_ended",
        "id",
        f"this stream has ended; one ends by POST .../end or DELETE, when its listener leaves, and "
        f"after {IDLE:g} s without text; open another one with POST /streams",
        f"该流已结束（调用 end 或 DELETE、接收方断开，或 {IDLE:g} 秒没有文本）；"
        "请用 POST /streams 另开一个",
    )


class TextStreams:
    """The streams of this process by id. Thread-safe."""

    def __init__(self) -> None:
        self.open: dict[str, TextStream] = {}
        self.ended: OrderedDict[str, tuple[str, str]] = OrderedDict()  # id -> caller, user
        self.guard = threading.Lock()

    def check_room(self):
        """Raises a 503 Problem when there are too many."""
        if len(self.open) >= MAX_STREAMS:
            raise Problem(
                503,
                "busy",
                None,
                f"{MAX_STREAMS} streams are open, which is the most; try again in {IDLE:g} s",
                f"已有 {MAX_STREAMS} 个流，达到上限；请在 {IDLE:g} 秒后重试",
                {"Retry-After": f"{IDLE:g}"},
            )

    def add(self, stream: TextStream):
        with self.guard:
            self.open[stream.speech.record.id] = stream
            self.ended.pop(stream.speech.record.id, None)

    def close(self):
        """Stop all."""
        for stream in list(self.open.values()):
            stream.stop()
            stream.drop()

    def forget(self, stream: TextStream):
        """The stream is gone; its id stays known for a while."""
        record = stream.speech.record
        with self.guard:
            if self.open.get(record.id) is stream:
                del self.open[record.id]
            self.ended[record.id] = record.caller, record.user_id
            while len(self.ended) > REMEMBERED:
                self.ended.popitem(last=False)
