"""A user's saved voices: list, make, hear, rename, take along, delete; a look at a reference.

POST   /voices                    a voice from a reference and its transcript, from a mixture, or
                                  from a voice's file; 409 for a taken name
GET    /voices?user_id=           names with date, consent and family, newest first
GET    /voices/<name>/preview     a sentence spoken with it
GET    /voices/<name>/file        the voice as a file
PATCH  /voices/<name>             another name
DELETE /voices/<name>
POST   /voices/doctor             what is good and bad about a reference, and what is said in it if
                                  that is asked; nothing is stored
POST   /voices/check              the same
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request

from cosyvoice.cli import mixing
from cosyvoice.cli.model_list import FAMILY_3, PITCHED_MINI
from cosyvoice.cli.verify import Transcript
from cosyvoice.cli.voice import MAX_FILE_BYTES, read_voice
from cosyvoice.serve.http.fields import read_name
from cosyvoice.serve.http.jobs import (
    PRESET,
    RENAME_FIELDS,
    VoiceRequest,
    read_body,
    read_voice_request,
)
from cosyvoice.serve.http.problem import Problem, field_error, missing_field_error
from cosyvoice.serve.speaking.answer import sound_headers
from cosyvoice.serve.speaking.engine import Engine
from cosyvoice.serve.speaking.voice_maker import VoiceMaker, taken_name_error
from cosyvoice.serve.storage.store import ObjectExists
from cosyvoice.serve.storage.voice_shelf import VoiceShelf
from cosyvoice.utils.errors import VoiceError

log = logging.getLogger(__name__)
SENTENCES = {
    "zh": "你好，这就是我的声音，很高兴认识你。",
    "en": "Hello, this is my voice. It is nice to meet you.",
    "yue": "你好，呢個就係我嘅聲，好高興認識你。",
    "ja": "こんにちは、これが私の声です。お会いできてうれしいです。",
    "ko": "안녕하세요, 이것이 제 목소리입니다. 만나서 반갑습니다.",
    "de": "Hallo, das ist meine Stimme. Schön, dich kennenzulernen.",
    "fr": "Bonjour, voici ma voix. Je suis heureux de vous rencontrer.",
    "es": "Hola, esta es mi voz. Encantado de conocerte.",
    "it": "Ciao, questa è la mia voce. È un piacere conoscerti.",
    "ru": "Здравствуйте, это мой голос. Приятно познакомиться.",
}


def blueprint(
    engine: Engine, shelf: VoiceShelf, maker: VoiceMaker, speak: Callable[[dict], Response]
) -> Blueprint:
    """speak: the fields of POST /generate_audio -> the answer."""
    voices = Blueprint("voices", __name__)

    @voices.get("/voices")
    def list_voices() -> Response:
        wanted = read_voice_request(request.args.to_dict(), "user_id")
        return jsonify(voices=shelf.descriptions(wanted.user_id))

    @voices.post("/voices")
    def make():
        """Make and store a voice without speaking.

        Of a mixture, of a voice's file, or of a recording, whose report the answer has.
        """
        values = read_body()
        if "mix" in values:
            return make_mixed(read_voice_request(values, "user_id", "name", "mix"))
        if "voice_file" in values:
            return make_of_file(read_voice_request(values, "user_id", "name", "voice_file"))
        wanted = read_voice_request(values, "user_id", "name", "prompt_speech_16k")
        if not wanted.prompt_text.strip():
            check_can_hear(wanted)
        made = maker.make(wanted)
        return jsonify(name=wanted.name, reference=made.report.body(), **heard(made.heard)), 201

    def check_can_hear(wanted: VoiceRequest):
        """Refuse a recording without its words, unless they are to be heard and can be."""
        if not wanted.transcribe:
            raise missing_field_error("prompt_text")
        if not maker.hearing:
            raise no_hearing_error()

    def make_mixed(wanted: VoiceRequest):
        maker.refuse_taken_name(wanted)
        maker.begin(wanted)
        parts = {name: (find(name, wanted), weight) for name, weight in wanted.mix.items()}
        voice = mixing.mix(parts, wanted.consent)
        maker.keep(voice, wanted)
        return jsonify(name=wanted.name, **about_mixture(parts, voice)), 201

    def find(name: str, wanted: VoiceRequest) -> dict:
        """A preset speaker, else a saved voice of the user. Raises a 404 Problem."""
        if name in engine.list_available_spks():
            return engine.speaker_voice(name)
        with voice_named("mix", wanted.user_id, name):
            return shelf.fetch(wanted.user_id, read_name("mix", name))

    def make_of_file(wanted: VoiceRequest):
        """Keep a voice that was taken elsewhere; its meta stays as it is."""
        assert wanted.voice_file
        maker.refuse_taken_name(wanted)
        maker.begin(wanted)
        data = wanted.voice_file.stream.read(MAX_FILE_BYTES + 1)
        try:
            voice = read_voice(data, engine.model_family)
        except VoiceError as error:
            raise Problem(422, "voice_unusable", "voice_file", error.en, error.zh) from error
        if wanted.consent:
            voice["meta"]["consent"] = wanted.consent
        maker.keep(voice, wanted)
        return jsonify(name=wanted.name, **shown_meta(voice)), 201

    @voices.patch("/voices/<name>")
    def rename(name: str) -> Response:
        """Give a voice another name."""
        values = {**request.args.to_dict(), **read_body(), "name": name}
        required = ("user_id", "name", "new_name")
        wanted = read_voice_request(values, *required, fields=RENAME_FIELDS)
        if wanted.new_name == wanted.name:
            if not shelf.exists(wanted.user_id, wanted.name):
                raise unknown_voice_error("name", wanted.user_id, wanted.name)
            return jsonify(name=wanted.name)
        if not wanted.overwrite and shelf.exists(wanted.user_id, wanted.new_name):
            raise taken_name_error(wanted.new_name, "new_name")
        try:
            with voice_named("name", wanted.user_id, wanted.name):
                shelf.rename(wanted.user_id, wanted.name, wanted.new_name, wanted.overwrite)
        except ObjectExists as error:  # another has made it meanwhile
            raise taken_name_error(wanted.new_name, "new_name") from error
        return jsonify(name=wanted.new_name)

    @voices.get("/voices/<name>/file")
    def file(name: str) -> Response:
        """The voice as a file, which POST /voices takes as voice_file."""
        wanted = read_named(name)
        with voice_named("name", wanted.user_id, wanted.name):
            data = shelf.fetch_file(wanted.user_id, wanted.name)
        answer = Response(data, mimetype="application/octet-stream")
        answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}.pt"
        return answer

    @voices.post("/voices/doctor")
    @voices.post("/voices/check")
    def check() -> Response:
        """Examine a reference, and hear what is said in it if that is asked; nothing is stored."""
        report, words = maker.look(read_voice_request(read_body(), "prompt_speech_16k"))
        return jsonify(**report.body(), **heard(words))

    @voices.get("/voices/<name>/preview")
    def preview(name: str) -> Response:
        """A fixed sentence in the voice's language, else in the listener's, as MP3."""
        wanted = read_named(name)
        if request.method == "HEAD":
            return sound_headers("audio/mpeg")
        with voice_named("name", wanted.user_id, wanted.name):
            own = shelf.fetch(wanted.user_id, wanted.name)["meta"]["language"]
        listener = request.accept_languages.best_match(["zh", "en"]) or "zh"
        sentence = SENTENCES[own if own in languages_of(engine.model_family) else listener]
        fields = {"spk_customize": wanted.name, "user_id": wanted.user_id}
        return speak({"mode": PRESET, "tts_text": sentence, **fields})

    @voices.delete("/voices/<name>")
    def delete(name: str) -> Response:
        wanted = read_named(name)
        if not shelf.delete(wanted.user_id, wanted.name):
            raise unknown_voice_error("name", wanted.user_id, wanted.name)
        log.info("a voice was deleted")
        return jsonify(name=wanted.name)

    def read_named(name: str) -> VoiceRequest:
        return read_voice_request({**request.args.to_dict(), "name": name}, "user_id", "name")

    return voices


def heard(transcript: Transcript | None) -> dict:
    """The part of an answer that tells what was heard; nothing where nothing was."""
    return {"transcript": asdict(transcript)} if transcript else {}


def about_mixture(parts: mixing.Parts, voice: dict) -> dict:
    """The shares of a mixture, and whose prompt it has, also in words."""
    leader = mixing.heaviest(parts)
    en = f"the speaker vectors are mixed, the prompt is that of {leader!r}"
    zh = f"说话人向量按权重混合，提示音来自“{leader}”"
    if not mixing.has_prompt(voice):
        en = f"the speaker vectors are mixed; there is no prompt, as {leader!r} has none"
        zh = f"说话人向量按权重混合；“{leader}”没有提示音，因此不使用提示音"
    return {
        "mix": {name: round(weight, 4) for name, (_, weight) in parts.items()},
        "prompt_of": leader if mixing.has_prompt(voice) else None,
        "about": f"{en} / {zh}",
    }


def shown_meta(voice: dict) -> dict:
    """What GET /voices tells of a voice too."""
    meta = voice["meta"]
    shown = {name: meta[name] or None for name in ("created", "language", "family")}
    return {**shown, "consent": meta["consent"]}


def languages_of(family: str) -> frozenset[str]:
    """The languages of SENTENCES that a family speaks, by its publisher's description."""
    if family == PITCHED_MINI:
        return frozenset(("zh", "en"))
    if family == FAMILY_3.name:
        return frozenset(SENTENCES)
    return frozenset(("zh", "en", "yue", "ja", "ko"))


@contextlib.contextmanager
def voice_named(field: str, user_id: str, name: str) -> Iterator[None]:
    """A 404 Problem for a voice names the field that the caller has written."""
    try:
        yield
    except Problem as problem:
        if problem.status != 404:
            raise
        raise unknown_voice_error(field, user_id, name) from problem


def unknown_voice_error(field: str, user_id: str, name: str) -> Problem:
    return field_error(
        field,
        f"user {user_id} has no voice {name!r}",
        f"用户没有音色“{name}”",
        "unknown_voice",
        404,
    )


def no_hearing_error() -> Problem:
    return field_error(
        "transcribe",
        "this service cannot hear what is said; give it as prompt_text, or let the operator "
        "install requirements-verify.txt and a model for it",
        "该服务无法听写录音；请用 prompt_text 提供文字，"
        "或请管理员安装 requirements-verify.txt 及听写模型",
        "no_hearing",
        404,
    )
