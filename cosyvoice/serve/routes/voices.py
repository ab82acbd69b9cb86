"""A user's saved voices: list, make without speaking, hear, delete; and a look at a reference.

POST   /voices                    a voice from a reference and its transcript; 409 for a taken name
GET    /voices?user_id=           names with date, consent and family, newest first
GET    /voices/<name>/preview     a sentence spoken with it
DELETE /voices/<name>
POST   /voices/doctor             what is good and bad about a reference; nothing is stored
POST   /voices/check              the same
"""

import functools
import logging
from collections.abc import Callable
from pathlib import Path

import torch
from flask import Blueprint, Response, g, jsonify, request

from cosyvoice.cli.reference_doctor import Report, examine_file
from cosyvoice.serve.http.connection import client_of
from cosyvoice.serve.http.jobs import PRESET, VoiceRequest, read_body, read_voice_request
from cosyvoice.serve.http.problem import Problem, field_error
from cosyvoice.serve.speaking.engine import Engine
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.speaking.speech import ClientGone
from cosyvoice.serve.storage.store import ObjectExists
from cosyvoice.serve.storage.voice_shelf import VoiceShelf

log = logging.getLogger(__name__)
SENTENCES = {
    "zh": "你好，这就是我的声音，很高兴认识你。",
    "en": "Hello, this is my voice. It is nice to meet you.",
}
REFERENCE_TEXT = ("prompt_text", "llm_prompt_speech_token")  # parts of a voice that hold its words


def blueprint(
    engine: Engine,
    slots: Slots,
    shelf: VoiceShelf,
    scratch: Path,
    fetch_reference: Callable,
    speak: Callable[[dict], Response],
    claim: Callable[[str], None],
) -> Blueprint:
    """fetch_reference(request, read): what read(file) makes of the recording.

    speak: the fields of POST /generate_audio -> the answer. claim(user_id): takes the request's id,
    or raises a 409 Problem.
    """
    voices = Blueprint("voices", __name__)

    @voices.get("/voices")
    def list_voices() -> Response:
        wanted = read_voice_request(request.args.to_dict(), "user_id")
        return jsonify(voices=shelf.descriptions(wanted.user_id))

    @voices.post("/voices")
    def make():
        """Make and store a voice without speaking; the answer has the doctor's report."""
        wanted = read_voice_request(
            read_body(), "user_id", "name", "prompt_text", "prompt_speech_16k"
        )
        refuse_taken_name(wanted)
        report = examine(wanted)
        if report.error:
            raise report.error
        voice = make_voice(engine, slots, wanted, report, claim)
        try:
            shelf.push(voice, wanted.user_id, wanted.name, wanted.overwrite)
        except ObjectExists as error:  # another has made it meanwhile
            raise taken_name_error(wanted.name) from error
        return jsonify(name=wanted.name, reference=report.body()), 201

    @voices.post("/voices/doctor")
    @voices.post("/voices/check")
    def check() -> Response:
        """Examine a reference; nothing is stored."""
        return jsonify(examine(read_voice_request(read_body(), "prompt_speech_16k")).body())

    @voices.get("/voices/<name>/preview")
    def preview(name: str) -> Response:
        """A fixed sentence in the listener's language, as MP3."""
        wanted = read_named(name)
        if request.method == "HEAD":
            return Response(mimetype="audio/mpeg")  # a look at the headers costs no speech
        sentence = SENTENCES[request.accept_languages.best_match(SENTENCES) or "zh"]
        fields = {"spk_customize": wanted.name, "user_id": wanted.user_id}
        return speak({"mode": PRESET, "tts_text": sentence, **fields})

    @voices.delete("/voices/<name>")
    def delete(name: str) -> Response:
        wanted = read_named(name)
        if not shelf.delete(wanted.user_id, wanted.name):
            raise field_error(
                "name",
                f"user {wanted.user_id} has no voice {wanted.name!r}",
                f"用户没有音色“{wanted.name}”",
                "unknown_voice",
                404,
            )
        log.info("a voice was deleted")
        return jsonify(name=wanted.name)

    def read_named(name: str) -> VoiceRequest:
        return read_voice_request({**request.args.to_dict(), "name": name}, "user_id", "name")

    def refuse_taken_name(wanted: VoiceRequest):
        if not wanted.overwrite and shelf.exists(wanted.user_id, wanted.name):
            raise taken_name_error(wanted.name)

    def examine(wanted: VoiceRequest) -> Report:
        read = functools.partial(examine_file, transcript=wanted.prompt_text, scratch=scratch)
        return fetch_reference(wanted, read)

    return voices


def make_voice(
    engine: Engine,
    slots: Slots,
    wanted: VoiceRequest,
    report: Report,
    claim: Callable[[str], None],
) -> dict:
    """Wait for the model and let it make the voice.

    The transcript of a recording that was cut does not fit it and is left out.
    """
    client, record = client_of(request.environ), g.record

    def check_client():
        if client.gone():
            raise ClientGone()

    claim(wanted.user_id)
    record.change(mode="voice", user_id=wanted.user_id, state="waiting")
    with slots.take(
        check_client, lambda position: record.change(position=position), record.turn_of
    ):
        record.change(state="speaking")
        voice = engine.make_voice(wanted.prompt_text, report.reference, wanted.consent)
    return without_words(voice) if report.trimmed else voice


def without_words(voice: dict) -> dict:
    """The voice without what was said: timbre and manner, as cross-lingual speech uses it."""
    changed = dict(voice)
    for name in REFERENCE_TEXT:
        changed[name] = torch.zeros(1, 0, dtype=torch.int32)
        changed[f"{name}_len"] = torch.zeros(1, dtype=torch.int32)
    return changed


def taken_name_error(name: str) -> Problem:
    return field_error(
        "name",
        f"there is a voice {name!r} already; choose another name, or send overwrite=True",
        f"已有名为“{name}”的音色，请换名，或发送 overwrite=True",
        "voice_exists",
        409,
    )
