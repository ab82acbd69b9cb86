"""Books are spoken in one thread of each process, part by part, behind all who listen.

A turn is one part of one book, with a slot of its own (see Slots.take_spare). A book whose parts
are all spoken is joined in a thread of its own, one at a time, while others are spoken. What cannot
be helped by waiting ends the book as failed.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from cosyvoice.cli.long_speech import (
    SKIPPED_SECONDS,
    Plan,
    SoundFiles,
    join,
    seed_of,
    silence,
    spoken,
)
from cosyvoice.encoders.mark import Mark, Watermark, with_watermark
from cosyvoice.serve.http.jobs import Job
from cosyvoice.serve.http.problem import as_problem
from cosyvoice.serve.speaking.engine import Check, Engine, chunks_of
from cosyvoice.serve.speaking.record import Record
from cosyvoice.serve.speaking.sentence_times import SentenceTime
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.storage.books import Book, BookGone, Books, Spoken
from cosyvoice.utils.errors import TextError

log = logging.getLogger(__name__)
POLL = 2.0  # seconds between two looks for a book to work on
LOOK = 1.0  # seconds between two looks whether the book being spoken is still wanted
RETRY = 60.0  # seconds until a book that had to wait is tried again
MOST_TRIES = 3  # of one part
OPEN = 4  # books whose plan and voice are kept in memory
STOP_SECONDS = 5.0  # to wait for the thread when the process ends


class Stopped(Exception):
    """The process ends."""


@dataclass(frozen=True)
class OpenBook:
    """A book's files, read."""

    plan: Plan
    voice: dict[str, Any]
    sounds: SoundFiles


class BookWorker:
    """engine_for: the engine for a mode; it may load a model. bitrate: of the finished files.

    watermark(sample_rate): the watermark of one part.
    """

    def __init__(
        self,
        books: Books,
        slots: Slots,
        engine_for: Callable[[str], Engine],
        bitrate: str,
        watermark: Callable[[int], Watermark] | None = None,
    ):
        self.books, self.slots = books, slots
        self.engine_for, self.bitrate, self.watermark = engine_for, bitrate, watermark
        self.open: dict[str, OpenBook] = {}
        self.thread: threading.Thread | None = None
        self.joiner: threading.Thread | None = None
        self.joined = ""  # the book of the last joiner
        self.changing = threading.Lock()  # of `thread`
        self.woken = threading.Event()
        self.stopping = False

    def wake(self) -> None:
        """There may be something to do."""
        with self.changing:
            self.woken.set()
            if self.thread is None and not self.stopping:
                self.thread = threading.Thread(target=self._run, name="books", daemon=True)
                self.thread.start()

    def resume(self) -> None:
        """At the start of the process: go on with what an earlier one has left.

        Records that cannot be read stop no other part of the service.
        """
        try:
            self.books.sweep()
            if self.books.unfinished():
                self.wake()
        except (sqlite3.Error, OSError):
            log.error("the records of long jobs cannot be read", exc_info=True)

    def stop(self) -> None:
        """Stop at the engine's next step; the part being spoken is spoken again later."""
        self.stopping = True
        self.woken.set()
        for thread in (self.thread, self.joiner):
            if thread:
                thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self.stopping:
            try:
                if self._take_turn():
                    continue
                with self.changing:
                    if not self.woken.is_set() and not self.books.unfinished():
                        self.thread = None
                        return
                self.woken.wait(POLL)
            except Exception:  # of the record itself: a full disk, a folder that was removed
                log.error("long jobs cannot be worked on", exc_info=True)
                self.woken.wait(RETRY)
            self.woken.clear()
        self.thread = None

    def _take_turn(self) -> bool:
        """Work on the book whose turn it is; False when there is none."""
        is_joining = self.joiner is not None and self.joiner.is_alive()
        book = self.books.take_turn(self.joined if is_joining else "")
        if book is None:
            return False
        if book.state == "queued":
            log.info("book %s: %d parts, %d characters", book.id, book.parts, book.characters)
        if book.done < book.parts:
            self._work(book, self._speak)
        else:
            self._begin_joining(book)
        return True

    def _begin_joining(self, book: Book) -> None:
        self.open.pop(book.id, None)
        self.joined = book.id
        self.joiner = threading.Thread(
            target=self._work, args=(book, self._join), name="joiner", daemon=True
        )
        self.joiner.start()

    def _work(self, book: Book, step: Callable[[Book], None]) -> None:
        """Do a step of a book and give back its lease."""
        try:
            step(book)
            self.books.release(book.id)
        except BookGone:
            self.open.pop(book.id, None)
        except Stopped:
            with suppress(BookGone):
                self.books.release(book.id)
        except Exception as error:
            self._note_failure(book, error)

    def _speak(self, book: Book) -> None:
        engine = self.engine_for(book.speech["mode"])
        if (engine.model_family, engine.sample_rate) != (book.model, book.sample_rate):
            return self.books.wait(book.id, other_model_error(book.model, engine), RETRY)
        opened = self._opened(book)
        if opened is None:
            return
        number, begin = book.done, time.monotonic()
        part = opened.plan.parts[number]
        record, skipped = Record(book.id, sample_rate=book.sample_rate), ""
        with self.slots.take_spare(self._check_of(book.id)):
            job, said = part_job(book, number, part.text), book.speech["pronunciations"]
            chunks = chunks_of(engine, job, opened.voice, said, self._check_of(book.id))
            try:
                with closing(chunks):
                    pcm = spoken(chunks, part.pause, book.sample_rate, record.add_chunk)
            except TextError as error:
                log.warning("book %s: part %d is left out: %s", book.id, number, error.en)
                pcm, skipped = silence(part.pause or SKIPPED_SECONDS, book.sample_rate), part.text
        record.finish_segment()
        if self.watermark:
            pcm = with_watermark(pcm, self.watermark(book.sample_rate))
        opened.sounds.write(number, pcm)
        self.books.finish_part(
            book,
            Spoken(number, len(pcm), [described(time) for time in record.finished_times], skipped),
            len(part.text),
            time.monotonic() - begin,
        )

    def _join(self, book: Book) -> None:
        plan, sounds = self.books.plan(book.id), self.books.sounds(book)
        if self._has_lost_parts(book, plan, sounds):
            return
        self.books.set_state(book.id, "joining")
        check, path = self._check_of(book.id), self.books.finished_file(book)
        join(sounds, plan, book.form, self.bitrate, path, Mark.now(book.model), check)
        self.books.end(book.id)
        log.info("book %s is done: %.0f s", book.id, book.samples / book.sample_rate)
        self.books.remove_sounds(book)
        self.books.sweep()

    def _opened(self, book: Book) -> OpenBook | None:
        """The book's files. None when finished parts were lost, which are spoken again."""
        if book.id not in self.open:
            opened = OpenBook(
                self.books.plan(book.id), self.books.voice(book.id), self.books.sounds(book)
            )
            if self._has_lost_parts(book, opened.plan, opened.sounds):
                return None
            while len(self.open) >= OPEN:
                self.open.pop(next(iter(self.open)))
            self.open[book.id] = opened
        return self.open[book.id]

    def _has_lost_parts(self, book: Book, plan: Plan, sounds: SoundFiles) -> bool:
        """Whether finished parts are not there any more; then they count as not spoken."""
        for part in self.books.spoken(book.id):
            if sounds.samples(part.number) != part.samples:
                log.warning("book %s: part %d is lost", book.id, part.number)
                self.books.go_back(book, part.number, plan)
                return True
        return False

    def _check_of(self, id: str) -> Check:
        """A function that raises when the book is no longer wanted or the process ends."""
        next_look = time.monotonic() + LOOK

        def check():
            nonlocal next_look
            if self.stopping:
                raise Stopped()
            if time.monotonic() > next_look:
                next_look = time.monotonic() + LOOK
                if self.books.get(id) is None:
                    raise BookGone()

        return check

    def _note_failure(self, book: Book, error: Exception) -> None:
        """Wait and try again, or give up."""
        self.open.pop(book.id, None)
        problem = as_problem(error)
        is_unknown = problem.code == "internal_error"
        reason = {
            "code": problem.code,
            "error": unknown_error(book) if is_unknown else str(problem),
        }
        try:
            now = self.books.get(book.id)
            if now is None:  # deleted, and its files with it
                return
            log.error("book %s, part %d: %s", book.id, book.done, problem, exc_info=is_unknown)
            if now.ended:  # its file is there
                return
            if problem.status in (502, 503, 504, 507):
                self.books.wait(book.id, reason, RETRY)
            elif is_unknown and book.tries + 1 < MOST_TRIES:
                self.books.wait(book.id, reason, RETRY, tried=True)
            else:
                self.books.end(book.id, reason)
            self.books.release(book.id)
        except BookGone:
            pass
        except (sqlite3.Error, OSError):  # the disk is full for the record too
            log.error("the state of book %s is not written", book.id, exc_info=True)
            self.woken.wait(POLL)


def part_job(book: Book, number: int, text: str) -> Job:
    """One part of a book as a request."""
    fields = {name: value for name, value in book.speech.items() if name != "pronunciations"}
    part = {"tts_text": text, "seed": seed_of(fields["seed"], number), "stream": False}
    return Job(**{**fields, **part})


def described(time: SentenceTime) -> dict:
    return {"text": time.text, "spoken": time.spoken, "start": time.start, "end": time.end}


def unknown_error(book: Book) -> str:
    place = f"at sentence {book.done + 1}", f"在第 {book.done + 1} 句"
    if book.done == book.parts:
        place = "while it made the file", "在合成文件时"
    return (
        f"the service failed {place[0]}; its log has the reason under the job's id"
        f" / 服务{place[1]}出错，原因见日志中的任务编号"
    )


def other_model_error(model: str, engine: Engine) -> dict[str, str]:
    return {
        "code": "other_model",
        "error": f"it was begun with {model} and waits for that model: "
        f"the service runs {engine.model_family} now"
        f" / 该任务由 {model} 开始，正等待该模型：服务当前使用 {engine.model_family}",
    }
