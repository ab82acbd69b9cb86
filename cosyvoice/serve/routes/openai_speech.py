"""OpenAI's speech API, so that programs written for it speak with this service by changing their base URL.

POST /v1/audio/speech, GET /v1/models, GET /v1/audio/voices; errors in OpenAI's form.
Source: developers.openai.com/api/reference, "Create speech", and the types of the `openai` Python package.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from cosyvoice.encoders.formats import FFMPEG, FfmpegStream, ResampledPcm
from cosyvoice.encoders.mp3 import Mp3Stream
from cosyvoice.encoders.wav import WavStream
from cosyvoice.serve.http import access as guard
from cosyvoice.serve.http import problem
from cosyvoice.serve.http.fields import (
    bad,
    missing,
    read_choice,
    read_name,
    read_string,
    read_text,
    short,
)
from cosyvoice.serve.http.names import voice_key
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.parts import Parts

MAX_INPUT = 4096  # characters
PCM_RATE = 24000  # Hz, of OpenAI's `pcm`
ENGINE_SPEED = (0.5, 2.0)
TOKEN_RATE = 25  # speech tokens per second, for `usage`
MODELS = ("gpt-4o-mini-tts", "tts-1", "tts-1-hd", "cosyvoice")
DATED = re.compile(r"(gpt-4o-mini-tts|tts-1|tts-1-hd)-[0-9-]{4,10}")
FORMATS = ("mp3", "wav", "pcm", *FFMPEG)
VOICES = {
    "alloy": "女",
    "ash": "男",
    "ballad": "男2",
    "cedar": "男",
    "coral": "女2",
    "echo": "男",
    "fable": "男2",
    "marin": "女2",
    "nova": "女",
    "onyx": "男",
    "sage": "女2",
    "shimmer": "女",
    "verse": "男2",
}  # -> how the names of speakers end, after a language
HAN = re.compile(r"[\u3400-\u9fff]")
FIELDS = {
    "tts_text": "input",
    "spk_id": "voice",
    "spk_customize": "voice",
    "prompt_text": "instructions",
    "mode": "instructions",
}
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def blueprint(parts: Parts) -> Blueprint:
    openai = Blueprint("openai", __name__)
    openai.register_error_handler(Exception, openai_error)

    @openai.post("/v1/audio/speech")
    def speech():
        """Speak `input`, as bytes of `response_format` or as server-sent events."""
        fields = {name: value for name, value in parts.read_fields().items() if value != ""}
        kind, form, warning, job = read_speech(fields, parts)
        make = parts.chunks(job)
        return answer(parts, make, parts.rate(job), kind, form, warning)

    @openai.get("/v1/models")
    def models():
        names = dict.fromkeys([*MODELS, parts.engine.model_family])
        return jsonify(
            object="list",
            data=[
                {"id": name, "object": "model", "created": 0, "owned_by": "cosyvoice"}
                for name in names
            ],
        )

    @openai.get("/v1/audio/voices")
    def voices():
        """Speakers, OpenAI's names, and the saved voices of the user."""
        names = [
            *parts.engine.list_available_spks(),
            *VOICES,
            *saved_voices(parts, the_user(request.args.get("user_id", ""))),
        ]
        return jsonify(
            voices=[
                {"id": name, "name": name, "object": "audio.voice"} for name in dict.fromkeys(names)
            ]
        )

    @openai.app_errorhandler(NotFound)
    @openai.app_errorhandler(MethodNotAllowed)
    def elsewhere(error):
        return openai_error(error) if request.path.startswith("/v1/") else problem.handle(error)

    return openai


def openai_error(error: Exception) -> Response:
    """The service's error in OpenAI's form."""
    answer = problem.handle(error)
    answer.set_data(json.dumps(error_body(problem.as_problem(error)), ensure_ascii=False))
    return answer


def error_body(told: Problem) -> dict:
    kind = TYPES.get(told.status, "invalid_request_error" if told.status < 500 else "server_error")
    return {
        "error": {
            "message": str(told),
            "type": kind,
            "param": FIELDS.get(told.field, told.field),
            "code": told.code,
        }
    }


# what a request may hold


def read_speech(fields: dict, parts: Parts) -> tuple:
    """Check every field. Returns (response format, stream format, warning, Job). Raises a Problem that names the first wrong one."""
    for name in ("model", "input", "voice"):
        if name not in fields or isinstance(fields[name], str) and not fields[name].strip():
            raise missing(name)
    read_model(fields["model"], parts)
    text = read_text(MAX_INPUT)("input", fields["input"])
    instructions = read_text(1000)("instructions", fields.get("instructions", ""))
    kind = read_choice(*FORMATS)("response_format", fields.get("response_format", "mp3"))
    form = read_choice("audio", "sse")("stream_format", fields.get("stream_format", "audio"))
    speed, warning = read_speed(fields.get("speed", 1.0))
    engine = parts.instruct.get() if instructions.strip() else parts.engine
    voice = read_voice(
        fields["voice"], text, engine.list_available_spks(), the_user(fields.get("user_id", ""))
    )
    mode = (
        {"mode": "自然语言控制", "prompt_text": instructions}
        if instructions.strip()
        else {"mode": "预训练音色"}
    )
    return (
        kind,
        form,
        warning,
        parts.read_job(
            {
                **mode,
                **voice,
                "tts_text": text,
                "speed": speed,
                "seed": fields.get("seed", 0),
                "stream": True,
            }
        ),
    )


def read_model(value, parts: Parts):
    name = read_string("model", value)
    known = [*MODELS, parts.engine.model_family]
    if name not in known and not DATED.fullmatch(name):
        raise bad(
            "model",
            f"{short(name)} is not here; use one of {', '.join(known)}",
            f"没有模型 {short(name)}，可选：{'、'.join(known)}",
            "model_not_found",
            404,
        )


def read_speed(value) -> tuple[float, str]:
    """A speed that the engine has, and a warning when it is not the one that came."""
    try:
        speed = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        speed = math.nan
    if not 0.25 <= speed <= 4.0:
        raise bad(
            "speed",
            f"{short(value)} came; use a number from 0.25 to 4.0",
            "必须是 0.25 到 4.0 的数字",
        )
    nearest = min(max(speed, ENGINE_SPEED[0]), ENGINE_SPEED[1])
    return (
        nearest,
        ""
        if nearest == speed
        else f'299 cosyvoice "speed {speed:g} is not available, {nearest:g} was used"',
    )


def the_user(user_id) -> str:
    """The user whose voices are meant: the one that is named, or the only one that the key may act for."""
    user_id = read_name("user_id", user_id)
    guard.check_user(user_id)
    return user_id or (next(iter(g.users)) if g.users != "*" and len(g.users) == 1 else "")


def read_voice(value, text: str, speakers: list[str], user_id: str) -> dict:
    """The fields of a Job that say the voice. {"id": name} means a saved voice; a string may be any kind, speakers first."""
    saved = isinstance(value, dict)
    name = read_string("voice", value.get("id", "") if saved else value)
    if not saved and name in speakers:
        return {"spk_id": name}
    if not saved and name in VOICES and speakers:
        return {"spk_id": speaker_like(VOICES[name], text, speakers)}
    if not name.strip() or not user_id:
        raise bad(
            "voice",
            f"{short(name)} is unknown; use one of {', '.join([*speakers, *VOICES])}, or a saved voice and its user_id",
            f"没有音色 {short(name)}，可选：{'、'.join([*speakers, *VOICES])}，或已保存的音色及其 user_id",
            "unknown_voice",
            404,
        )
    return {"spk_customize": read_name("voice", name), "user_id": user_id}


def speaker_like(ending: str, text: str, speakers: list[str]) -> str:
    """The speaker for one of OpenAI's names: of the text's language and the name's ending if there is one, else the nearest."""
    language = "中文" if HAN.search(text) else "英文"
    wanted = [language + ending, language + ending[0], "中文" + ending[0], "英文" + ending[0]]
    return next((name for name in wanted if name in speakers), speakers[0])


def saved_voices(parts: Parts, user_id: str) -> list[str]:
    if not user_id:
        return []
    folder = voice_key(user_id, "").removesuffix(".pt")
    names = [entry.key.removeprefix(folder) for entry in parts.store.list(folder)]
    return [name.removesuffix(".pt") for name in names if name.endswith(".pt") and "/" not in name]


# the answer


def encoder_of(parts: Parts, kind: str, sample_rate: int):
    if kind == "mp3":
        return Mp3Stream(sample_rate, parts.config.mp3_bitrate, parts.scratch)
    if kind == "wav":
        return WavStream(sample_rate)
    return (
        ResampledPcm(sample_rate, PCM_RATE)
        if kind == "pcm"
        else FfmpegStream(kind, sample_rate, parts.scratch)
    )


def answer(
    parts: Parts, make: Callable, sample_rate: int, kind: str, form: str, warning: str
) -> Response:
    encoder = encoder_of(parts, kind, sample_rate)
    sound = parts.speak(closing_early(make, encoder), encoder, sample_rate)
    headers = {
        "X-Accel-Buffering": "no",
        "X-Sample-Rate": str(PCM_RATE if kind == "pcm" else sample_rate),
    }
    if warning:
        headers["Warning"] = warning
    if form == "sse":
        return Response(events(parts, sound), mimetype="text/event-stream", headers=headers)
    return Response(parts.follow(sound), mimetype=encoder.mimetype, headers=headers)


def closing_early(make: Callable, encoder) -> Callable[[Callable], Iterator[dict]]:
    """The same chunks; an encoder that holds a process is closed when they end before their time."""

    def chunks(check):
        try:
            yield from make(check)
        except BaseException:
            getattr(encoder, "close", lambda: None)()
            raise

    return chunks


def events(parts: Parts, sound) -> Iterator[str]:
    """OpenAI's events: the sound in base64, then what it took. A failure is the last event."""
    try:
        for data in parts.follow(sound):
            yield event({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()})
    except Exception as error:  # follow has logged it
        yield event({"type": "error", **error_body(problem.as_problem(error))})
        return
    heard, made = sound.record.characters, round(sound.record.seconds * TOKEN_RATE)
    yield event(
        {
            "type": "speech.audio.done",
            "usage": {"input_tokens": heard, "output_tokens": made, "total_tokens": heard + made},
        }
    )


def event(content: dict) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"
