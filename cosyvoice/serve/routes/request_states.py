"""How a request is doing: its state and the times of its sentences, also as subtitles.

Whoever knows a request's X-Request-ID may ask; callers choose one themselves so that they can ask
before the first sound. The states are small files, written whole, so that any process of the
service can answer; KEEP seconds after the last change they are removed.
"""

import hashlib
import json
import logging
import os
import tempfile
import threading
import time
from html import escape
from pathlib import Path

from flask import Blueprint, Response, jsonify

from cosyvoice.serve.http import access
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.record import Record

log = logging.getLogger(__name__)
KEEP = 3600  # seconds
SWEEP = 60  # seconds between two looks for old files
PAUSE = 0.25  # seconds between two rounds of writing
STATES = {
    "reading": "queued",
    "waiting": "queued",
    "speaking": "running",
    "spoken": "done",
    "done": "done",
}
OUTCOMES = {"": None, "done": "done", "client_gone": "cancelled"}  # anything else: failed


class RequestStates:
    """The states of requests in one folder, which several processes may share. Thread-safe.

    note() only remembers which record changed; a thread of its own writes the files, so that a slow
    disk never slows the thread that makes sound.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.live: dict[str, Record] = {}  # by id, until the end of the request is written
        self.unwritten: dict[str, Record] = {}  # changed since they were last written
        self.changed = threading.Condition()
        self.writing = threading.Lock()
        self.writer: threading.Thread | None = None
        self.swept = 0.0  # when old files were last looked for

    def note(self, record: Record):
        """A request that speaks has changed."""
        if record.mode == "-":
            return
        with self.changed:
            self.live[record.id] = self.unwritten[record.id] = record
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
        if record is not None:
            return describe(record)
        path = self._path(request_id)
        try:
            if time.time() - path.stat().st_mtime <= KEEP:
                return json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            pass
        raise Problem(
            404,
            "unknown_request",
            "id",
            "no request of that id is known; it has not begun, or ended long ago",
            "没有该编号的请求：尚未开始，或早已结束",
        )

    def flush(self):
        """Write what has changed, now. A disk that fails costs the state, not the sound."""
        with self.writing:
            with self.changed:
                records, self.unwritten = self.unwritten, {}
            for record in records.values():
                self._write_state(record)

    def _write_always(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.unwritten)
            self.flush()
            time.sleep(PAUSE)

    def _write_state(self, record: Record):
        has_ended = record.state == "done"
        try:
            self._write(self._path(record.id), describe(record))
            self._sweep()
        except OSError as error:
            log.warning("the state of %s is not written: %s", record.id, error.strerror)
        with self.changed:
            if has_ended and self.unwritten.get(record.id) is not record:
                self.live.pop(record.id, None)

    def _path(self, request_id: str) -> Path:
        """A name that any file system keeps apart, and that does not reveal the id."""
        digest = hashlib.sha256(request_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder / f"{digest}.json"

    def _write(self, path: Path, state: dict):
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.folder, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(state, file, ensure_ascii=False)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _sweep(self):
        """Remove old files now and then, also what a killed process left half written."""
        if time.monotonic() - self.swept < SWEEP and self.swept:
            return
        self.swept = time.monotonic()
        for path in self.folder.iterdir():
            try:
                if time.time() - path.stat().st_mtime > KEEP:
                    path.unlink()
            except FileNotFoundError:  # another process was faster
                pass


def describe(record: Record) -> dict:
    """The state of a request, and whose it is. Times are seconds in the sound as it is sent."""

    def seconds(samples):
        return round(samples / record.sample_rate, 3)

    factor = record.real_time_factor
    state = OUTCOMES.get(record.outcome, "failed") or STATES[record.state]
    sentences = [
        {"index": index, "text": text, "start": seconds(start), "end": seconds(end)}
        for index, (text, start, end) in enumerate(record.sentence_times)
    ]
    return {
        "id": record.id,
        "user_id": record.user_id,
        "state": state,
        "queue_position": record.position or None,
        "seconds": round(record.seconds, 3),
        "seed": record.seed,
        "rtf": None if factor is None else round(factor, 3),
        "sentences": sentences,
    }


def srt(sentences: list[dict]) -> str:
    """SubRip: numbered cues, times with a comma."""
    cues = (
        f"{n}\n{clock(s['start'], ',')} --> {clock(s['end'], ',')}\n{line(s['text'])}\n"
        for n, s in enumerate(cued(sentences), 1)
    )
    return "\n".join(cues)


def vtt(sentences: list[dict]) -> str:
    """WebVTT, with what its text may not hold escaped. Source: W3C WebVTT, section 4.2.2."""
    cues = (
        f"{clock(s['start'], '.')} --> {clock(s['end'], '.')}\n"
        f"{escape(line(s['text']), quote=False)}\n"
        for s in cued(sentences)
    )
    return "\n".join(["WEBVTT\n", *cues])


def cued(sentences: list[dict]) -> list[dict]:
    """Only what can be shown: some time and some text."""
    return [s for s in sentences if s["end"] > s["start"] and s["text"].strip()]


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
        access.check_user(state.pop("user_id"))
        return state

    return requests
