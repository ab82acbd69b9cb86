"""How a request is doing: its state, and which seconds of its sound belong to which sentence, also as subtitles.

Whoever knows a request's X-Request-ID may ask; callers choose one themselves so that they can ask before the first sound.
The states are small files, written whole, so that any worker can answer; after KEEP seconds without a change they are removed.
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

from cosyvoice.serve.http import access as guard
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.parts import Parts
from cosyvoice.serve.speaking.speech import Record

log = logging.getLogger(__name__)
KEEP = 3600  # seconds
SWEEP = 60  # seconds between two looks for old files
PAUSE = 0.25  # seconds, at least, between two writes that only tell more sound of one sentence
STATES = {
    "reading": "queued",
    "waiting": "queued",
    "speaking": "running",
    "spoken": "done",
    "done": "done",
}
OUTCOMES = {"": None, "done": "done", "client_gone": "cancelled"}  # anything else: failed


class States:
    """The state files in one folder. Thread-safe; several processes may share the folder."""

    def __init__(self, folder: Path):
        self.folder, self.lock = folder, threading.Lock()
        self.written, self.swept = {}, 0.0  # request id -> (what was told, when), while it runs

    def note(self, record: Record):
        """Write down a change of a request that speaks. A disk that fails costs the state, not the sound."""
        if record.mode == "-":
            return
        with self.lock:
            state = describe(record)
            told, last = self.written.get(record.id, (None, 0.0))
            new = (state["state"], state["queue_position"], len(state["sentences"]))
            if new == told and time.monotonic() - last < PAUSE and record.state != "done":
                return
            self.written[record.id] = (new, time.monotonic())
            if record.state == "done":
                del self.written[record.id]
            try:
                self._write(self._path(record.id), state)
                self._sweep()
            except OSError as error:
                log.warning("the state of %s is not written: %s", record.id, error.strerror)

    def read(self, request_id: str) -> dict:
        """The state as describe() made it. Raises a 404 Problem when none is kept."""
        with self.lock:
            try:
                path = self._path(request_id)
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

    def _path(self, request_id: str) -> Path:
        """A name that any file system keeps apart, and that does not give the id away."""
        return (
            self.folder
            / f"{hashlib.sha256(request_id.encode('utf-8', 'surrogatepass')).hexdigest()}.json"
        )

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
        """Remove what is too old, now and then; also what a killed process left half written."""
        if time.monotonic() - self.swept < SWEEP and self.swept:
            return
        self.swept = time.monotonic()
        for path in self.folder.iterdir():
            try:
                if time.time() - path.stat().st_mtime > KEEP:
                    path.unlink()
            except FileNotFoundError:  # another worker was faster
                pass


def describe(record: Record) -> dict:
    """What is told about a request, and whose it is. Times are seconds in the sound as it is sent."""

    def seconds(samples):
        return round(samples / record.sample_rate, 3)

    factor = record.real_time_factor
    state = OUTCOMES.get(record.outcome, "failed") or STATES[record.state]
    sentences = [
        {"index": index, "text": text, "start": seconds(start), "end": seconds(end)}
        for index, (text, start, end) in enumerate(record.marks)
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
        f"{clock(s['start'], '.')} --> {clock(s['end'], '.')}\n{escape(line(s['text']), quote=False)}\n"
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
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 3_600_000:02}:{milliseconds // 60_000 % 60:02}:{milliseconds // 1000 % 60:02}{mark}{milliseconds % 1000:03}"


FORMATS = {
    "srt": (srt, "application/x-subrip; charset=utf-8"),
    "vtt": (vtt, "text/vtt; charset=utf-8"),
}


def blueprint(parts: Parts) -> Blueprint:
    """GET /requests/<id> and its subtitles; from now on every request's changes are written down."""
    pages = Blueprint("requests", __name__)
    states = States(parts.work_folders.home / "requests")  # the service's own folder in output/
    parts.watchers.append(states.note)

    @pages.get("/requests/<id>")
    @pages.get("/requests/<id>/subtitles.json")
    def state(id: str) -> Response:
        """What is known about a request by now."""
        return jsonify(known(id))

    @pages.get("/requests/<id>/subtitles.<any(srt, vtt):form>")
    def subtitles(id: str, form: str) -> Response:
        """The sentences spoken so far as subtitles."""
        write, content_type = FORMATS[form]
        return Response(write(known(id)["sentences"]), content_type=content_type)

    def known(id: str) -> dict:
        state = states.read(id)
        guard.check_user(state.pop("user_id"))
        return state

    return pages
