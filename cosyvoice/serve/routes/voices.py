"""A user's saved voices: list, make without speaking, hear, delete; and a look at a reference before it is used.

POST   /voices                    a voice from a reference audio and its transcript; 409 when the name is taken, unless `overwrite`
GET    /voices?user_id=           names with date, consent and family, newest first
GET    /voices/<name>/preview     a sentence spoken with it
DELETE /voices/<name>
POST   /voices/doctor             what is good and bad about a reference; nothing is stored. Also under /voices/check
"""

import functools
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from flask import Blueprint, Response, g, jsonify, request
from werkzeug.datastructures import FileStorage

from cosyvoice.cli.reference_doctor import Report, examine_file
from cosyvoice.serve.http import access as guard
from cosyvoice.serve.http.connection import Client
from cosyvoice.serve.http.fields import (
    bad,
    missing,
    read_flag,
    read_name,
    read_reference,
    read_text,
    read_voice_name,
)
from cosyvoice.serve.http.names import voice_key
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.parts import Parts
from cosyvoice.serve.speaking.speech import ClientGone
from cosyvoice.utils.errors import VoiceError

log = logging.getLogger(__name__)
SENTENCES = {
    "zh": "你好，这就是我的声音，很高兴认识你。",
    "en": "Hello, this is my voice. It is nice to meet you.",
}
FETCHES = 8  # voices looked into at once


READ = {
    "user_id": read_name,
    "name": read_voice_name,
    "prompt_text": read_text(1000),
    "prompt_speech_16k": read_reference,
    "consent": read_text(2000),
    "overwrite": read_flag,
}


@dataclass(frozen=True)
class Form:
    """The checked fields of one request."""

    user_id: str = ""
    name: str = ""
    prompt_text: str = ""
    prompt_speech_16k: str | FileStorage = ""
    consent: str = ""
    overwrite: bool = False


def read_form(values: dict, *needed: str) -> Form:
    """Raises a Problem that names the first wrong or missing field, 403 for a user the key may not act for."""
    form = Form(**{name: read(name, values[name]) for name, read in READ.items() if name in values})
    for name in needed:
        if not str(getattr(form, name)).strip():
            raise missing(name)
    guard.check_user(form.user_id)
    return form


class Shelf:
    """The voices of all users: in the store, and as copies in output/ that an operator keeps."""

    def __init__(self, parts: Parts):
        self.parts = parts
        self.about = functools.lru_cache(maxsize=10_000)(
            self._look
        )  # by the file's date and size: a new file is looked into again

    def exists(self, form: Form) -> bool:
        return bool(self._copy(form)) or self.parts.store.exists(self._key(form))

    def push(self, voice: dict, form: Form):
        self.parts.push_voice(voice, form.user_id, form.name)
        self.about.cache_clear()  # a store's dates may be whole seconds

    def delete(self, form: Form) -> bool:
        """Forget a voice, its copy too; False when there was none."""
        copy, stored = self._copy(form), self.parts.store.delete(self._key(form))
        if copy:
            copy.unlink(missing_ok=True)
        return stored or bool(copy)

    def voices_of(self, user_id: str) -> list[dict]:
        """What is told about each voice of a user, newest first."""
        prefix = voice_key(user_id, "").removesuffix(".pt")
        found = {
            entry.key.removeprefix(prefix): (entry.modified, entry.size)
            for entry in self.parts.store.list(prefix)
        }
        found |= {
            path.name: (path.stat().st_mtime, path.stat().st_size) for path in self._copies(user_id)
        }
        files = sorted(
            (
                (modified, size, name)
                for name, (modified, size) in found.items()
                if name.endswith(".pt") and "/" not in name
            ),
            reverse=True,
        )
        with ThreadPoolExecutor(FETCHES) as pool:
            told = pool.map(
                lambda file: self.about(user_id, file[2].removesuffix(".pt"), *file[:2]), files
            )
            return [voice for voice in told if voice]

    def _look(self, user_id: str, name: str, modified: float, size: int) -> dict | None:
        """One voice; one that cannot be used says why. None when it has just been deleted."""
        try:
            meta = self.parts.fetch_voice(user_id, name)["meta"]
        except VoiceError as error:
            return {
                "name": name,
                "created": None,
                "consent": "",
                "family": None,
                "problem": str(error),
            }
        except Problem as problem:
            if problem.status == 404:
                return None
            raise
        return {
            "name": name,
            "created": meta["created"] or None,
            "consent": meta["consent"],
            "family": meta["family"],
            "problem": None,
        }

    def _key(self, form: Form) -> str:
        return voice_key(form.user_id, form.name)

    def _copies(self, user_id: str) -> list[Path]:
        return [
            path
            for path in self.parts.config.output_dir.glob("*/*.pt")
            if path.parent.name == user_id and not path.is_symlink()
        ]

    def _copy(self, form: Form) -> Path | None:
        return next(
            (path for path in self._copies(form.user_id) if path.name == f"{form.name}.pt"), None
        )


def without_words(voice: dict) -> dict:
    """The voice without what was said: timbre and manner, as cross-lingual speech uses a reference."""
    nothing = torch.zeros(1, 0, dtype=torch.int32)
    length = torch.zeros(1, dtype=torch.int32)
    return {
        **voice,
        **{name: nothing for name in ("prompt_text", "llm_prompt_speech_token")},
        **{f"{name}_len": length for name in ("prompt_text", "llm_prompt_speech_token")},
    }


def make_voice(parts: Parts, form: Form, report: Report) -> dict:
    """Wait for the model and let it make the voice. The transcript of a take that was cut does not fit it: it is left out."""
    client, record = Client(request.environ), g.record

    def check_client():
        if client.gone():
            raise ClientGone()

    record.change(mode="voice", user_id=form.user_id, state="waiting")
    parts.slots.take(check_client, lambda place: record.change(position=place))
    try:
        record.change(state="speaking")
        voice = parts.engine.make_voice(form.prompt_text, report.reference, form.consent)
        return without_words(voice) if report.trimmed else voice
    finally:
        parts.slots.free()


def taken(form: Form) -> Problem:
    return bad(
        "name",
        f"there is a voice {form.name!r} already; choose another name, or send overwrite=True",
        f"已有名为“{form.name}”的音色，请换名，或发送 overwrite=True",
        "voice_exists",
        409,
    )


def blueprint(parts: Parts) -> Blueprint:
    voices, shelf = Blueprint("voices", __name__), Shelf(parts)

    @voices.get("/voices")
    def list_voices() -> Response:
        return jsonify(voices=shelf.voices_of(read_form(request.args.to_dict(), "user_id").user_id))

    @voices.post("/voices")
    def make():
        """Make and store a voice without speaking; the answer has what the doctor says about the reference."""
        form = read_form(parts.read_fields(), "user_id", "name", "prompt_text", "prompt_speech_16k")
        refuse_taken(form)
        report = doctor_report(form)
        if report.error:
            raise report.error
        voice = make_voice(parts, form, report)
        refuse_taken(form)  # another may have made it meanwhile
        shelf.push(voice, form)
        return jsonify(name=form.name, reference=report.body()), 201

    @voices.post("/voices/doctor")
    @voices.post("/voices/check")
    def check() -> Response:
        """Look at a reference; nothing is stored."""
        return jsonify(doctor_report(read_form(parts.read_fields(), "prompt_speech_16k")).body())

    @voices.get("/voices/<name>/preview")
    def preview(name: str) -> Response:
        """A fixed sentence in the listener's language, as MP3."""
        form = named(name)
        if request.method == "HEAD":
            return Response(
                mimetype="audio/mpeg"
            )  # a look at the headers must not make the model work
        sentence = SENTENCES[request.accept_languages.best_match(SENTENCES, "zh")]
        return parts.answer(
            parts.read_job(
                {
                    "mode": "预训练音色",
                    "tts_text": sentence,
                    "spk_customize": form.name,
                    "user_id": form.user_id,
                }
            )
        )

    @voices.delete("/voices/<name>")
    def delete(name: str) -> Response:
        form = named(name)
        if not shelf.delete(form):
            raise bad(
                "name",
                f"user {form.user_id} has no voice {form.name!r}",
                f"用户没有音色“{form.name}”",
                "unknown_voice",
                404,
            )
        log.info("a voice was deleted")
        return jsonify(name=form.name)

    def named(name: str) -> Form:
        return read_form({**request.args.to_dict(), "name": name}, "user_id", "name")

    def refuse_taken(form: Form):
        if not form.overwrite and shelf.exists(form):
            raise taken(form)

    def doctor_report(form: Form) -> Report:
        return parts.fetch_reference(
            form,
            functools.partial(examine_file, transcript=form.prompt_text, scratch=parts.scratch),
        )

    return voices
