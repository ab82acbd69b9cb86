"""OpenAI's speech API, so that programs written for it use this service by changing their base URL.

POST /v1/audio/speech, GET /v1/models, GET /v1/models/<id>, GET /v1/audio/voices; errors in OpenAI's
form. Source: developers.openai.com/api/reference, "Create speech", and the types of the `openai`
Python package.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Blueprint, jsonify, request

from cosyvoice.serve.http import access
from cosyvoice.serve.http.fields import read_name, read_values, short
from cosyvoice.serve.http.jobs import (
    INSTRUCT,
    OPENAI_FIELDS,
    OPENAI_VOICES,
    PRESET,
    Job,
    read_body,
)
from cosyvoice.serve.http.problem import Problem, as_problem, field_error, openai_body
from cosyvoice.serve.speaking.answer import PCM_RATE, Answers, follow, stream_response
from cosyvoice.serve.speaking.engine import Engine, Utterance
from cosyvoice.serve.speaking.engines import Instruct
from cosyvoice.serve.speaking.speech import Speech
from cosyvoice.serve.storage.voice_shelf import VoiceShelf
from cosyvoice.text.language import contains_chinese

ENGINE_SPEED = (0.5, 2.0)
MODELS = ("gpt-4o-mini-tts", "tts-1", "tts-1-hd", "cosyvoice")
DATED = re.compile(r"(gpt-4o-mini-tts|tts-1|tts-1-hd)-[0-9-]{4,10}")


@dataclass(frozen=True)
class SpeechRequest:
    """One checked request."""

    job: Job
    response_format: str
    is_sse: bool
    headers: dict[str, str]  # of the answer


def blueprint(
    engine: Engine,
    instruct_model: Instruct,
    shelf: VoiceShelf,
    answers: Answers,
    read_job: Callable[[dict], Job],
    prepare: Callable[[Job], Utterance],
) -> Blueprint:
    """read_job: checks the fields of POST /generate_audio. prepare: fetches what a job needs."""
    openai = Blueprint("openai", __name__)

    @openai.post("/v1/audio/speech")
    def speech():
        """Speak `input`, as bytes of `response_format` or as server-sent events."""
        wanted = read_speech(read_body())
        utterance = prepare(wanted.job)
        rate = PCM_RATE if wanted.response_format == "pcm" else utterance.engine.sample_rate
        headers = {"X-Sample-Rate": str(rate), **wanted.headers}
        if wanted.is_sse:
            sound = answers.start(utterance, wanted.response_format)
            events = server_sent_events(sound, utterance.engine.token_rate)
            return stream_response(sound, events, "text/event-stream", headers)
        answer = answers.stream if wanted.job.stream else answers.whole
        return answer(utterance, wanted.response_format, headers)

    @openai.get("/v1/models")
    def models():
        return jsonify(object="list", data=[model(id) for id in known_models()])

    @openai.get("/v1/models/<id>")
    def one_model(id: str):
        return jsonify(model(read_model(id)))

    @openai.get("/v1/audio/voices")
    def voices():
        """Speakers, OpenAI's names, and the saved voices of the user."""
        user_id = the_user(request.args.get("user_id", ""))
        saved = shelf.names(user_id) if user_id else []
        speakers = engine.list_available_spks()
        names = dict.fromkeys([*speakers, *(OPENAI_VOICES if speakers else ()), *saved])
        return jsonify(
            voices=[{"id": name, "name": name, "object": "audio.voice"} for name in names]
        )

    def read_speech(values: dict) -> SpeechRequest:
        """Raises a Problem that names the first wrong field."""
        given = {name: value for name, value in values.items() if value != ""}
        fields = read_values(OPENAI_FIELDS, given, ("model", "input", "voice"))
        read_model(fields["model"])
        instructions = fields.get("instructions", "")
        has_instructions = bool(instructions.strip())
        speaker_engine = speaking_engine(engine, instruct_model, instructions)
        user_id = the_user(fields.get("user_id", ""))
        voice = read_voice(fields["voice"], fields["input"], speaker_engine, user_id, shelf)
        mode = {"mode": INSTRUCT, "prompt_text": instructions}
        if not has_instructions:
            mode = {"mode": PRESET}
        speed, headers = nearest_speed(fields.get("speed", 1.0))
        is_sse = fields.get("stream_format") == "sse"
        stream = is_sse or fields.get("stream", True)
        job = read_job(
            {
                **mode,
                **voice,
                "user_id": user_id,
                "tts_text": fields["input"],
                "speed": speed,
                "seed": fields.get("seed", 0),
                "stream": stream,
            }
        )
        return SpeechRequest(job, fields.get("response_format", "mp3"), is_sse, headers)

    def read_model(name: str) -> str:
        """The name of a model, or a 404 Problem."""
        if name not in known_models() and not DATED.fullmatch(name):
            known = known_models()
            raise field_error(
                "model",
                f"there is no {short(name)}; use one of {', '.join(known)}",
                f"没有模型 {short(name)}，可选：{'、'.join(known)}",
                "model_not_found",
                404,
            )
        return name

    def known_models() -> list[str]:
        return list(dict.fromkeys([*MODELS, engine.model_family]))

    return openai


def model(id: str) -> dict:
    return {"id": id, "object": "model", "created": 0, "owned_by": "cosyvoice"}


def nearest_speed(speed: float) -> tuple[float, dict[str, str]]:
    """A speed that the engine has, and a Warning header when it is not the wanted one."""
    nearest = min(max(speed, ENGINE_SPEED[0]), ENGINE_SPEED[1])
    if nearest == speed:
        return speed, {}
    warning = f'299 cosyvoice "speed {speed:g} is not available, {nearest:g} was used"'
    return nearest, {"Warning": warning}


def the_user(user_id: str) -> str:
    """The user whose voices are meant: the named one, or the only one the key may act for."""
    user_id = read_name("user_id", user_id)
    access.check_user(user_id)
    return access.sole_user(user_id)


def read_voice(voice, text: str, engine: Engine, user_id: str, shelf: VoiceShelf) -> dict:
    """The fields of a Job that choose the voice. engine: the one that will speak.

    A name and {"id": name} may be any kind of voice that GET /v1/audio/voices lists. Of two with
    one name, the name is the speaker and the object the saved voice.
    """
    speakers = engine.list_available_spks()
    name = voice["id"] if isinstance(voice, dict) else voice
    if isinstance(voice, dict) and user_id and shelf.exists(user_id, read_name("voice", name)):
        return {"spk_customize": name}
    if name in speakers:
        return {"spk_id": name}
    if name in OPENAI_VOICES and speakers:
        return {"spk_id": speaker_like(OPENAI_VOICES[name], text, speakers)}
    if not name.strip() or not user_id:
        raise unknown_voice_error(name, speakers)
    return {"spk_customize": read_name("voice", name)}


def speaking_engine(engine: Engine, instruct_model: Instruct, instructions: str) -> Engine:
    """The engine that speaks with or without instructions."""
    return instruct_model.get() if instructions.strip() else engine


def unknown_voice_error(name: str, speakers: list[str]) -> Problem:
    if not speakers:
        return field_error(
            "voice",
            f"{short(name)} is unknown, and this model has no speakers of its own: use a saved "
            "voice and its user_id; POST /voices makes one from a recording",
            f"没有音色 {short(name)}，且该模型没有预训练音色：请使用已保存的音色及其 user_id，"
            "可用 POST /voices 从录音创建",
            "unknown_voice",
            404,
        )
    names = [*speakers, *OPENAI_VOICES]
    return field_error(
        "voice",
        f"{short(name)} is unknown; use one of {', '.join(names)}, "
        "or a saved voice and its user_id",
        f"没有音色 {short(name)}，可选：{'、'.join(names)}，或已保存的音色及其 user_id",
        "unknown_voice",
        404,
    )


def speaker_like(ending: str, text: str, speakers: list[str]) -> str:
    """The speaker for one of OpenAI's names.

    Of the text's language and the name's ending if there is one, else the nearest.
    """
    language = "中文" if contains_chinese(text) else "英文"
    wanted = [language + ending, language + ending[0], "中文" + ending[0], "英文" + ending[0]]
    return next((name for name in wanted if name in speakers), speakers[0])


def server_sent_events(speech: Speech, token_rate: int) -> Iterator[str]:
    """OpenAI's events: the sound in base64, then its usage. A failure is the last event."""
    try:
        for data in follow(speech):
            audio = base64.b64encode(data).decode()
            yield event({"type": "speech.audio.delta", "audio": audio})
    except Exception as error:  # follow has logged it
        yield event({"type": "error", **openai_body(as_problem(error))})
        return
    read, made = speech.record.characters, round(speech.record.seconds * token_rate)
    usage = {"input_tokens": read, "output_tokens": made, "total_tokens": read + made}
    yield event({"type": "speech.audio.done", "usage": usage})


def event(content: dict) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"
