"""How a request is doing: its state and the times of its sentences, also as subtitles.

Callers choose their X-Request-ID themselves so that they can ask before the first sound. A state
belongs to the caller who made it, which is the key and the user it acts for: only keys that may act
for that user read it, and without a user only the same key. The key of API_KEY reads all. The
states are small files, written whole, so that any process of the service can answer; KEEP seconds
after the last change they are removed. A request whose process has ended in the middle is "failed".
"""

import contextlib
import errno
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

from filelock import lock_descriptor
from flask import Blueprint, Response, jsonify

from cosyvoice.serve.http import access
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.record import Record
from cosyvoice.serve.storage.work_folders import WorkFolders
from cosyvoice.text.language import without_sound_marks
from cosyvoice.utils.whole_file import whole_file

log = logging.getLogger(__name__)
KEEP = 3600  # seconds
SWEEP = 60  # seconds between two looks for old files
SWEEP_CLAIMS = 1000  # requests after which the next look comes earlier
MOST = 10_000  # files that are kept
PAUSE = 0.25  # seconds between two rounds of writing
PATIENCE = 2.0  # seconds to wait for another process
STATES = {
    "reading": "queued",
    "waiting": "queued",
    "speaking": "running",
    "spoken": "done",
    "done": "done",
}
RUNNING = ("queued", "running")
OUTCOMES = {"": None, "done": "done", "client_gone": "cancelled"}  # anything else: failed


class RequestStates:
    """The states of requests in one folder, which several processes may share. Thread-safe.

    note() only remembers which record changed; a thread of its own writes the files, so that a slow
    disk never slows the thread that makes sound. A file holds what describe() makes, and "process":
    the token of the process that works on the request, "" when it has ended.
    """

    def __init__(self, folder: Path, processes: WorkFolders):
        self.folder, self.processes = folder, processes
        self.live: dict[str, Record] = {}  # by id, until the end of the request is written
        self.unwritten: dict[str, Record] = {}  # changed since they were last written
        self.changed = threading.Condition()
        self.writing = threading.Lock()
        self.flushing = threading.Lock()
        self.writer: threading.Thread | None = None
        self.swept = 0.0  # when old files were last looked for
        self.claimed = 0  # requests since then

    def claim(self, record: Record, caller: str, user_id: str):
        """Give the record its id, before anything is done for it. Raises a 409 Problem.

        An id that another request uses, or whose kept state belongs to another caller or user, is
        not given. Callers may use theirs again; the earlier state stays until the new request has
        its turn or a place in the queue.
        """
        with self.writing, self._other_processes_waiting():
            with self.changed:
                old = self.live.get(record.id)
            state = self._load(record.id) if old is None else self._stored_form(old)
            if state and (self._is_running(state) or owner_of(state) != (caller, user_id)):
                raise taken_id_error()
            record.caller, record.user_id, record.earlier = caller, user_id, state
            with self.changed:
                if old is not None:
                    old.is_kept = True
                    self.unwritten.pop(record.id, None)
                self.live[record.id] = record
                self.claimed += 1
            self._write_safely(record)

    def note(self, record: Record):
        """A request that speaks has changed."""
        if record.mode == "-" or record.is_kept:
            return
        if record.state in ("speaking", "spoken") or record.position:
            record.earlier = None
        with self.changed:
            if self.live.setdefault(record.id, record) is not record:
                return
            self.unwritten[record.id] = record
            if self.writer is None:
                self.writer = threading.Thread(
                    target=self._write_always, name="states", daemon=True
                )
                self.writer.start()
            self.changed.notify()

    def read(self, request_id: str) -> dict:
        """The state as describe() makes it. Raises a 404 Problem when none is kept."""
        with self.changed:
            record = self.live.get(request_id)
        state = self._load(request_id) if record is None else self._stored_form(record)
        if state is None:
            raise Problem(
                404,
                "unknown_request",
                "id",
                "no request of that id is known; it has not begun, or ended long ago",
                "没有该编号的请求：尚未开始，或早已结束",
            )
        del state["process"]
        return state

    def elsewhere(self, request_id: str) -> tuple[str, str] | None:
        """Whose request another process of the service works on under this id; None for none."""
        with self.changed:
            is_here = request_id in self.live
        state = None if is_here else self._load(request_id)
        return owner_of(state) if state and self._is_running(state) else None

    def flush(self):
        """Write what has changed by now; a disk that fails costs the state, not the sound.

        Returns when it is written, whichever thread writes it.
        """
        with self.flushing:
            with self.changed:
                records, self.unwritten = self.unwritten, {}
            for record in records.values():
                with self.writing:
                    self._write_state(record)
            try:
                self._sweep()
            except OSError as error:
                log.warning("old states are not removed: %s", error.strerror)

    def _write_always(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.unwritten)
            self.flush()
            time.sleep(PAUSE)

    def _write_state(self, record: Record):
        has_ended = record.state == "done"
        if record.is_kept:  # a later request has its id
            return
        self._write_safely(record)
        with self.changed:
            if has_ended and self.unwritten.get(record.id) is not record:
                record.is_kept = True
                self.live.pop(record.id, None)

    def _write_safely(self, record: Record):
        try:
            self._write(self._path(record.id), self._stored_form(record))
        except OSError as error:
            log.warning("the state of %s is not written: %s", record.id, error.strerror)

    def _stored_form(self, record: Record) -> dict:
        """What the record's file holds."""
        process = "" if record.state == "done" else self.processes.hold()
        return {**(record.earlier or describe(record)), "process": process}

    def _is_running(self, state: dict) -> bool:
        return bool(state["process"]) and self.processes.is_alive(state["process"])

    def _load(self, request_id: str) -> dict | None:
        """The content of a request's file, None when there is none or it is too old."""
        path = self._path(request_id)
        try:
            age = time.time() - path.stat().st_mtime
            state = {"caller": "", "process": "", **json.loads(path.read_text("utf-8"))}
        except (OSError, ValueError):
            return None
        is_running = self._is_running(state)
        if not is_running and state["state"] in RUNNING:  # its process has ended
            state["state"] = "failed"
        return state if age <= KEEP or is_running else None

    def _path(self, request_id: str) -> Path:
        """A name that any file system keeps apart, and that does not reveal the id."""
        digest = hashlib.sha256(request_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder / f"{digest}.json"

    def _write(self, path: Path, state: dict):
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(json.dumps(state).encode())

    @contextlib.contextmanager
    def _other_processes_waiting(self) -> Iterator[None]:
        """Only one process at a time claims ids or removes files. A disk that fails stops none."""
        with contextlib.ExitStack() as stack:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(open(self.folder.with_suffix(".guard"), "wb"))
                end = time.monotonic() + PATIENCE
                while not lock_descriptor(file.fileno(), blocking=False):
                    if time.monotonic() > end:
                        raise TimeoutError(errno.ETIMEDOUT, "another process holds the states")
                    time.sleep(0.005)
            except OSError as error:
                log.warning("the states are not locked: %s", error.strerror)
            yield

    def _sweep(self):
        """Remove old files now and then, also what a killed process left half written.

        No more than MOST files stay, and what is claimed until the next look; the oldest go first.
        """
        if self.swept and time.monotonic() - self.swept < SWEEP and self.claimed < SWEEP_CLAIMS:
            return
        self.swept, self.claimed = time.monotonic(), 0
        with self._other_processes_waiting():
            newest_first = sorted(self._dates(), reverse=True)
            for place, (date, name) in enumerate(newest_first):
                if place >= MOST or time.time() - date > KEEP:
                    self._remove_ended(self.folder / name)

    def _dates(self) -> Iterator[tuple[float, str]]:
        """(last change, name) of each file."""
        for entry in os.scandir(self.folder):
            with contextlib.suppress(FileNotFoundError):  # another process has removed it
                yield entry.stat().st_mtime, entry.name

    def _remove_ended(self, path: Path):
        """Remove a file unless its request still runs."""
        with contextlib.suppress(OSError):
            try:
                state = json.loads(path.read_text("utf-8"))
                is_running = self._is_running({"process": "", **state})
            except ValueError:  # half written
                is_running = False
            if not is_running:
                path.unlink()


def owner_of(state: dict) -> tuple[str, str]:
    """Whose a state is: the caller's key and the user it acted for."""
    return state["caller"], state["user_id"]


def taken_id_error() -> Problem:
    return Problem(
        409,
        "request_id_taken",
        None,
        "this X-Request-ID is in use by a running request or belongs to another caller; "
        "choose another one, or send none",
        "该 X-Request-ID 正被运行中的请求使用，或属于其他调用者；请换一个，或不发送",
    )


def describe(record: Record) -> dict:
    """The state of a request, and whose it is. Times are seconds in the sound as it is sent."""

    def seconds(samples):
        return round(samples / record.sample_rate, 3)

    factor = record.real_time_factor
    state = OUTCOMES.get(record.outcome, "failed") or STATES[record.state]
    sentences = [
        {
            "index": index,
            "text": sentence.text,
            "spoken": without_sound_marks(sentence.spoken),
            "start": seconds(sentence.start),
            "end": seconds(sentence.end),
            **({"speaker": name} if (name := record.speaker_at(sentence.start)) else {}),
        }
        for index, sentence in enumerate(record.sentence_times)
    ]
    for state_of, (score, tries) in zip(sentences, record.readings):
        state_of |= {"score": score, "tries": tries}
    return {
        "id": record.id,
        "user_id": record.user_id,
        "caller": record.caller,
        "state": state,
        "queue_position": record.position or None,
        "starts_in": record.starts_in,
        "seconds": round(record.seconds, 3),
        "total_seconds": record.total_seconds,
        "seed": record.seed,
        "rtf": None if factor is None else round(factor, 3),
        "sentences": sentences,
    }


def srt(sentences: list[dict]) -> str:
    """SubRip: numbered cues, times with a comma; a speaker's name stands before the words."""
    cues = (
        f"{n}\n{clock(s['start'], ',')} --> {clock(s['end'], ',')}\n"
        f"{named('{}: ', s)}{line(s['text'])}\n"
        for n, s in enumerate(cued(sentences), 1)
    )
    return "\n".join(cues)


def vtt(sentences: list[dict]) -> str:
    """WebVTT, with what its text may not hold escaped, and speakers as voice spans.

    Source: W3C WebVTT, section 4.2.2.
    """
    cues = (
        f"{clock(s['start'], '.')} --> {clock(s['end'], '.')}\n"
        f"{named('<v {}>', s, escape)}{escape(line(s['text']), quote=False)}\n"
        for s in cued(sentences)
    )
    return "\n".join(["WEBVTT\n", *cues])


def cued(sentences: list[dict]) -> list[dict]:
    """Only what can be shown: some time and some text."""
    return [s for s in sentences if s["end"] > s["start"] and s["text"].strip()]


def named(form: str, sentence: dict, escaped: Callable[[str], str] = str) -> str:
    """The form with the speaker's name in it; "" for the only speaker."""
    name = line(sentence.get("speaker", ""))
    return form.format(escaped(name)) if name else ""


def line(text: str) -> str:
    """One line: an empty one would end the cue, and an arrow would start another."""
    return " ".join(text.split()).replace("-->", "→")


def clock(seconds: float, mark: str) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{mark}{milliseconds:03}"


FORMATS = {
    "srt": (srt, "application/x-subrip; charset=utf-8"),
    "vtt": (vtt, "text/vtt; charset=utf-8"),
}


def blueprint(states: RequestStates) -> Blueprint:
    """GET /requests/<id> and its subtitles."""
    requests = Blueprint("requests", __name__)

    @requests.get("/requests/<id>")
    @requests.get("/requests/<id>/subtitles.json")
    def state(id: str) -> Response:
        """What is known about a request by now."""
        return jsonify(known(id))

    @requests.get("/requests/<id>/subtitles.<any(srt, vtt):form>")
    def subtitles(id: str, form: str) -> Response:
        """The sentences spoken so far as subtitles."""
        write, content_type = FORMATS[form]
        return Response(write(known(id)["sentences"]), content_type=content_type)

    def known(id: str) -> dict:
        state = states.read(id)
        access.check_reader(state.pop("caller"), state.pop("user_id"))
        return state

    return requests
