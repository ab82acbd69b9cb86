"""Long work: a chapter or a book, spoken behind all who listen, kept over restarts.

POST   /jobs                          plain text, Markdown or an EPUB, with a voice and a format
GET    /jobs?user_id=                 a user's, newest first
GET    /jobs/<id>                     state, progress, expected end, chapters
GET    /jobs/<id>/audio               the sound so far as MP3; when it is done, the finished file
GET    /jobs/<id>/file                the finished file, MP3 or M4B with chapters
GET    /jobs/<id>/subtitles.<format>  of what is spoken so far
DELETE /jobs/<id>                     ends it and removes its files

A job is its owner's, as states of requests are; to all others it is a 404.
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

from flask import Blueprint, Response, g, jsonify, request, send_file

from cosyvoice.cli.long_speech import TYPES, Plan, SoundFiles, chapter_marks, plan_of
from cosyvoice.encoders.formats import ContinuousMp3
from cosyvoice.encoders.mark import Mark
from cosyvoice.serve.config import Config
from cosyvoice.serve.http import access
from cosyvoice.serve.http.fields import read_values
from cosyvoice.serve.http.jobs import (
    VOICE_FIELDS,
    BookRequest,
    Job,
    book_fields,
    read_body,
    read_book_request,
)
from cosyvoice.serve.http.problem import Problem, field_error, in_field
from cosyvoice.serve.routes.request_states import FORMATS as SUBTITLES
from cosyvoice.serve.speaking.book_worker import BookWorker
from cosyvoice.serve.speaking.engine import Engine
from cosyvoice.serve.storage.books import DAY, Book, Books, new_id
from cosyvoice.text.language import without_sound_marks
from cosyvoice.text.manuscript import Manuscript, read_manuscript
from cosyvoice.utils.errors import InputError, ManuscriptError

MOST_OF_ONE = 20  # jobs of one caller that are not finished
MOST = 200  # of all callers
FORBIDDEN_IN_NAMES = re.compile(r'[\x00-\x1f/\\:*?"<>|]')  # of files
RETRY_SECONDS = 600  # until there may be room again


def blueprint(
    books: Books,
    worker: BookWorker,
    config: Config,
    scratch: Path,
    fetch_speaker: Callable[[Job], tuple[Engine, dict]],
    said_by: Callable[[str], dict[str, str]],
    claim: Callable[[str, int], None],
) -> Blueprint:
    """fetch_speaker: the engine that speaks a job, and the voice, as plain tensors, to be kept.

    said_by(user_id): the pronunciation list. claim(user_id, characters): counts the request and
    takes its id, or raises a Problem.
    """
    jobs, fields = Blueprint("jobs", __name__), book_fields(config.max_job_chars)

    @jobs.post("/jobs")
    def make():
        wanted = read_book_request(fields, read_body())
        with text_named(wanted):
            manuscript = read_text(wanted, config.max_job_chars)
            plan = plan_of(manuscript)
            if not plan.parts:
                raise ManuscriptError(
                    "the text holds nothing that can be spoken: send words",
                    "文本中没有可以朗读的内容，请发送文字",
                )
        plan = replace(plan, title=wanted.title or plan.title)
        user_id = access.owner(wanted.job.user_id)
        refuse_too_many(user_id)
        claim(user_id, manuscript.characters)
        g.record.change(mode="job", user_id=user_id, characters=manuscript.characters)
        engine, voice = fetch_speaker(wanted.job)
        speech = asdict(replace(wanted.job, tts_text="", prompt_speech_16k=""))
        speech["pronunciations"] = said_by(access.sole_user(wanted.job.user_id))
        book = Book(
            id=new_id(),
            caller=g.caller,
            user_id=user_id,
            title=plan.title,
            form=wanted.format,
            speech=speech,
            model=engine.model_family,
            sample_rate=engine.sample_rate,
            characters=plan.characters,
            parts=len(plan.parts),
            created=time.time(),
        )
        books.add(book, plan, voice)
        worker.wake()
        return jsonify(describe(book, 1)), 201

    @jobs.get("/jobs")
    def list_jobs() -> Response:
        asked = read_values(VOICE_FIELDS, request.args.to_dict())
        user_id = asked.get("user_id", "")
        access.check_user(user_id)
        user_id = access.sole_user(user_id)
        read_values(VOICE_FIELDS, {"user_id": user_id}, ("user_id",))
        unfinished = len(books.unfinished())
        return jsonify(jobs=[describe(book, unfinished) for book in books.of_user(user_id)])

    @jobs.get("/jobs/<id>")
    def state(id: str) -> Response:
        book, spoken = owned(id), books.spoken(id)
        lengths = [part.samples for part in spoken]
        marks = chapter_marks(read_plan(id), lengths, book.sample_rate)
        skipped = [{"index": part.number, "text": part.skipped} for part in spoken if part.skipped]
        chapters = [{"title": mark.title, "start": round(mark.start, 3)} for mark in marks]
        about = describe(book, len(books.unfinished()))
        return jsonify({**about, "chapters": chapters, "skipped": skipped})

    @jobs.get("/jobs/<id>/audio")
    def audio(id: str) -> Response:
        book = owned(id)
        return finished(book) if book.state == "done" else so_far(book)

    def so_far(book: Book) -> Response:
        """What is spoken by now, to its end, also when the job is done meanwhile."""
        with contextlib.ExitStack() as until_heard:
            now = until_heard.enter_context(books.reading(book.id))
            if now is None:
                raise unknown_job_error()
            if now.state == "done":
                return finished(now)
            marked = Mark.now(now.model).ffmpeg_options()
            encoder = ContinuousMp3(now.sample_rate, config.mp3_bitrate, scratch, marked)
            until_heard.callback(encoder.close)
            response = Response(
                sound_so_far(books.sounds(now), now.done, encoder),
                mimetype=encoder.mimetype,
                headers={"Accept-Ranges": "none", "X-Accel-Buffering": "no"},
            )
            response.call_on_close(until_heard.pop_all().close)
            return response

    @jobs.get("/jobs/<id>/file")
    def file(id: str) -> Response:
        book = owned(id)
        if book.state != "done":
            raise Problem(
                409,
                "job_unfinished",
                "id",
                f"the job is not finished ({book.done} of {book.parts} sentences); "
                "GET /jobs/<id>/audio has the sound so far",
                f"任务尚未完成（{book.done}/{book.parts} 句）；"
                "可用 GET /jobs/<id>/audio 收听已完成的部分",
            )
        return finished(book)

    @jobs.get("/jobs/<id>/subtitles.<any(srt, vtt, json):form>")
    def subtitles(id: str, form: str) -> Response:
        sentences = list(sentence_times(books, owned(id)))
        if form == "json":
            return jsonify(id=id, sentences=sentences)
        write, content_type = SUBTITLES[form]
        return Response(write(sentences), content_type=content_type)

    @jobs.delete("/jobs/<id>")
    def delete(id: str) -> Response:
        owned(id)
        books.delete(id)
        return jsonify(id=id)

    def owned(id: str) -> Book:
        """The caller's job, or a 404 Problem."""
        book = books.get(id)
        try:
            if book is None:
                raise unknown_job_error()
            access.check_reader(book.caller, book.user_id)
        except Problem as problem:
            raise unknown_job_error() from problem
        return book

    def read_plan(id: str) -> Plan:
        try:
            return books.plan(id)
        except FileNotFoundError as error:  # deleted meanwhile
            raise unknown_job_error() from error

    def refuse_too_many(user_id: str):
        unfinished = books.unfinished()
        own = sum((book.caller, book.user_id) == (g.caller, user_id) for book in unfinished)
        if len(unfinished) >= MOST or own >= MOST_OF_ONE:
            raise Problem(
                503,
                "too_many_jobs",
                None,
                f"{own} of your jobs and {len(unfinished)} in all are not finished; at most "
                f"{MOST_OF_ONE} and {MOST} may be: delete some, or come back later",
                f"您有 {own} 个、全部共 {len(unfinished)} 个任务未完成；上限为 {MOST_OF_ONE} 个和 "
                f"{MOST} 个，请删除一些或稍后再来",
                {"Retry-After": str(RETRY_SECONDS)},
            )

    def finished(book: Book) -> Response:
        try:
            response = send_file(
                books.finished_file(book),
                mimetype=TYPES[book.form],
                download_name=f"{FORBIDDEN_IN_NAMES.sub('_', book.title) or 'book'}.{book.form}",
                conditional=True,
            )
        except FileNotFoundError as error:  # removed meanwhile
            raise unknown_job_error() from error
        response.headers["Cache-Control"] = access.HEADERS["Cache-Control"]
        return response

    def describe(book: Book, unfinished: int) -> dict:
        return {
            "id": book.id,
            "state": book.state,
            "error": book.error,
            "title": book.title,
            "format": book.form,
            "user_id": book.user_id,
            "mode": book.speech["mode"],
            "seed": book.speech["seed"],
            "characters": book.characters,
            "characters_done": book.done_characters,
            "sentences": book.parts,
            "sentences_done": book.done,
            "seconds": round(book.samples / book.sample_rate, 3),
            "created": iso(book.created),
            "ended": iso(book.ended),
            "expected_end": iso(expected_end(book, unfinished)),
            "kept_until": iso(book.ended and book.ended + books.days * DAY),
        }

    return jobs


@contextlib.contextmanager
def text_named(wanted: BookRequest) -> Iterator[None]:
    """Errors of the text name the field in which it came."""
    try:
        yield
    except InputError as error:
        raise in_field("tts_text" if wanted.file is None else "file", error) from error


def read_text(wanted: BookRequest, most: int) -> Manuscript:
    """What is to be spoken. Raises ManuscriptError, or a 413 Problem when it is too long."""
    if wanted.file is None:
        return read_manuscript(wanted.job.tts_text)
    found = read_manuscript(wanted.file.stream.read(), wanted.file.filename or "")
    if found.characters > most:
        raise field_error(
            "file",
            f"has {found.characters} characters of text, at most {most} are spoken as one job: "
            "send it in parts",
            f"共有 {found.characters} 个字符，一个任务最多 {most} 个，请分成几个任务",
            "text_too_long",
            413,
        )
    return found


def sound_so_far(sounds: SoundFiles, count: int, encoder: ContinuousMp3) -> Iterator[bytes]:
    """The first `count` parts as MP3."""
    try:
        for number in range(count):
            if data := encoder.feed(sounds.read(number)):
                yield data
        yield encoder.end()
    finally:
        encoder.close()


def sentence_times(books: Books, book: Book) -> Iterator[dict]:
    """The sentences of the finished parts, as GET /requests/<id> has them."""
    at = index = 0
    for part in books.spoken(book.id):
        for sentence in part.sentences:
            yield {
                "index": index,
                "text": sentence["text"],
                "spoken": without_sound_marks(sentence["spoken"]),
                "start": round((at + sentence["start"]) / book.sample_rate, 3),
                "end": round((at + sentence["end"]) / book.sample_rate, 3),
            }
            index += 1
        at += part.samples


def expected_end(book: Book, unfinished: int) -> float | None:
    """When a book will probably be done: at its pace so far, in turns with the other books."""
    if book.ended or not book.done_characters:
        return None
    left = (book.characters - book.done_characters) * book.worked / book.done_characters
    return time.time() + left * max(1, unfinished)


def iso(seconds: float | None) -> str | None:
    """A time since 1970 as ISO 8601 in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def unknown_job_error() -> Problem:
    return Problem(
        404,
        "unknown_job",
        "id",
        "you have no job of that id; it may have been deleted, or ended long ago",
        "您没有该编号的任务，可能已被删除，或早已结束",
    )
