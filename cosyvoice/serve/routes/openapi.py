"""The description of every endpoint: GET /openapi.json for programs, GET /docs for people.

OpenAPI 3.1. The fields come from the tables that check them, serve/http/jobs.py. The page works
offline and without scripts.
"""

import base64
import hashlib
from pathlib import Path

from flask import Blueprint, Response, jsonify, render_template_string

from cosyvoice.serve.http import jobs
from cosyvoice.serve.http.fields import Fields

PAGE = Path(__file__).with_name("docs.html").read_text("utf-8")
STYLE = Path(__file__).with_name("docs.css").read_text("utf-8")

ANSWERS = {
    "400": "a value is missing or wrong",
    "401": "the key is missing or unknown",
    "403": "not for this key, origin or host",
    "404": "unknown speaker, voice, reference or request, or no model for this mode",
    "409": "the name or the X-Request-ID is taken",
    "413": "too long or too large",
    "415": "neither JSON nor a form",
    "422": "the reference audio or the voice cannot be used",
    "500": "the service failed; the log has the reason",
    "502": "the object store failed",
    "429": "a limit of the key is reached; Retry-After says when there is more",
    "503": "busy or not ready; Retry-After says when to come back",
    "504": "the store or the model was too slow",
    "507": "the disk is full",
}
ALWAYS = ("401", "403", "500")
BODY = ("400", "413", "415")  # of endpoints that read a body
STORED = ("422", "502", "504", "507")  # of what reads or writes a small thing in the store
WORK = ("404", "422", "429", "502", "503", "504", "507")  # of what uses the model or the store

BINARY = {"type": "string", "format": "binary"}
JSON = ("application/json",)
SOUND = ("audio/mpeg", "audio/wav")
OPENAI_SOUND = (*SOUND, "audio/pcm", "audio/ogg", "audio/flac", "audio/aac", "text/event-stream")
SUBTITLES = ("application/x-subrip", "text/vtt", *JSON)
HEADERS = {  # name -> what it says
    "X-Request-ID": "the request's id, the caller's own if one was sent",
    "X-AI-Generated": "true: a machine made this sound",
    "X-Text-Warnings": "names of tags in the text that had no effect; without any, not sent",
    "X-Verify": "of a whole file, with VERIFY: how much of each sentence is wrong, and its tries",
    "X-Sample-Rate": "Hz of the sound",
}
SPOKEN = (
    "X-Request-ID",
    "X-Text-Warnings",
    "X-AI-Generated",
    "X-Verify",
)  # headers of answers that speak a caller's text


def string(about: str, **rules) -> dict:
    return {"type": "string", "description": about, **rules}


def schemas(fields: Fields, *names: str) -> dict:
    """The JSON Schema of the named fields, or of all."""
    return {name: fields[name].schema for name in names or fields}


def body(properties: dict, *required: str, multipart=False) -> dict:
    """A JSON body; with multipart also a form whose recording is a file."""

    def content(fields: dict) -> dict:
        return {"schema": {"type": "object", "properties": fields, "required": list(required)}}

    kinds = {"application/json": content(properties)}
    if multipart:
        file = {**properties["prompt_speech_16k"], **BINARY}
        kinds["multipart/form-data"] = content({**properties, "prompt_speech_16k": file})
    return {"required": True, "content": kinds}


def parameters(place: str, properties: dict, *required: str) -> list[dict]:
    """Parameters in the "query" or the "path", where all are required."""
    return [
        {
            "name": name,
            "in": place,
            "required": place == "path" or name in required,
            "description": schema.get("description", ""),
            "schema": schema,
        }
        for name, schema in properties.items()
    ]


def call(
    summary: str,
    statuses: tuple[str, ...] = (),
    types: tuple[str, ...] = JSON,
    success: str = "200",
    error: str = "Error",
    inputs: list[dict] | None = None,
    body: dict | None = None,
    headers: tuple[str, ...] = (),
) -> dict:
    """One endpoint: what it does, the media types of its answers, the errors it can give."""

    def answer(kind: str) -> dict:
        return {"schema": {"type": "object"} if kind.endswith("json") else BINARY}

    failure = {"schema": {"$ref": f"#/components/schemas/{error}"}}
    done: dict = {"description": "done", "content": {t: answer(t) for t in types}}
    if headers:
        done["headers"] = {name: header(HEADERS[name]) for name in headers}
    responses = {success: done}
    for status in sorted({*statuses, *ALWAYS}):
        content = {"application/json": failure}
        responses[status] = {"description": ANSWERS[status], "content": content}
    described: dict = {"summary": summary, "responses": responses}
    if inputs:
        described["parameters"] = inputs
    if body:
        described["requestBody"] = body
    return described


def header(about: str) -> dict:
    return {"description": about, "schema": {"type": "string"}}


def paths(max_text_chars: int) -> dict:
    speech = schemas(jobs.generate_audio_fields(max_text_chars))
    heard = {name: schema for name, schema in speech.items() if name not in jobs.STORING}
    voice = schemas(jobs.VOICE_FIELDS)
    reference = schemas(jobs.VOICE_FIELDS, "prompt_speech_16k", "prompt_text", "user_id")
    user = schemas(jobs.VOICE_FIELDS, "user_id")
    whose = parameters("query", user, "user_id")
    named = parameters("path", schemas(jobs.VOICE_FIELDS, "name")) + whose
    list_of = parameters("query", schemas(jobs.PRONUNCIATION_FIELDS, "user_id"), "user_id")
    request_id = parameters("path", {"id": string("the request's X-Request-ID")})
    subtitle_format = parameters(
        "path", {"format": string("kind of file", enum=["srt", "vtt", "json"])}
    )
    look = body(reference, "prompt_speech_16k", multipart=True)
    return {
        "/generate_audio": {
            "post": call(
                "Speak a text / 合成语音",
                (*BODY, *WORK, "409"),
                SOUND,
                body=body(speech, "mode", "tts_text", multipart=True),
                headers=SPOKEN,
            )
        },
        "/generate_audio_get": {
            "get": call(
                "The same with query parameters, for <audio src>; nothing is kept; "
                "without any, a demonstration / 查询参数版本，不保存音色",
                ("400", "413", *WORK, "409"),
                SOUND,
                inputs=parameters("query", heard),
                headers=SPOKEN,
            )
        },
        "/speakers": {"get": call("Speakers of the models that are loaded / 预置音色")},
        "/instructions": {
            "get": call("Instructions that the model is known to follow / 可用的指令示例")
        },
        "/voices": {
            "get": call(
                "Saved voices of a user, newest first / 已保存的音色", ("400", *WORK), inputs=whose
            ),
            "post": call(
                "Make and keep a voice without speaking / 创建音色",
                (*BODY, *WORK, "409"),
                success="201",
                body=body(
                    voice, "user_id", "name", "prompt_text", "prompt_speech_16k", multipart=True
                ),
            ),
        },
        "/voices/check": {
            "post": call(
                "What is good and bad about a reference; nothing is kept / 检查参考音频",
                BODY + WORK,
                body=look,
            )
        },
        "/voices/doctor": {
            "post": call("The same as /voices/check / 同上", BODY + WORK, body=look)
        },
        "/voices/{name}": {
            "delete": call("Forget a voice / 删除音色", ("400", *WORK), inputs=named)
        },
        "/voices/{name}/preview": {
            "get": call(
                "A sentence spoken with it / 试听音色", ("400", *WORK, "409"), SOUND, inputs=named
            )
        },
        "/text/preview": {
            "post": call(
                "How a text is read, without sound: spans with class, language, written and "
                "spoken form; sentences; estimated seconds / 预览文本的读法，不合成",
                (*BODY, *STORED),
                body=body(schemas(jobs.preview_fields(max_text_chars)), "tts_text"),
            )
        },
        "/pronunciations": {
            "get": call(
                "A user's words and how each is said / 发音表", ("400", *STORED), inputs=list_of
            ),
            "put": call(
                "Replace the list; it holds in every request of the user / 保存发音表",
                (*BODY, *STORED),
                inputs=list_of,
                body=body(schemas(jobs.PRONUNCIATION_FIELDS, "pronunciations"), "pronunciations"),
            ),
        },
        "/requests/{id}": {
            "get": call(
                "State, place in the queue, seconds made and sentences of a request / 请求状态",
                ("404",),
                inputs=request_id,
            )
        },
        "/requests/{id}/subtitles.{format}": {
            "get": call(
                "The sentences spoken so far as subtitles / 字幕",
                ("404",),
                SUBTITLES,
                inputs=request_id + subtitle_format,
            )
        },
        "/v1/audio/speech": {
            "post": call(
                "OpenAI's speech API / OpenAI 语音接口",
                (*BODY, *WORK, "409"),
                OPENAI_SOUND,
                error="OpenAIError",
                body=body(schemas(jobs.OPENAI_FIELDS), "model", "input", "voice"),
                headers=(*SPOKEN, "X-Sample-Rate"),
            )
        },
        "/v1/models": {"get": call("OpenAI's list of models / 模型列表", error="OpenAIError")},
        "/v1/models/{id}": {
            "get": call(
                "One of them / 模型信息",
                ("404",),
                error="OpenAIError",
                inputs=parameters("path", {"id": string("the name of a model")}),
            )
        },
        "/v1/audio/voices": {
            "get": call(
                "Speakers, OpenAI's names and saved voices / 全部音色",
                ("400", *WORK),
                error="OpenAIError",
                inputs=parameters("query", user),
            )
        },
        "/health": {"get": call("The process is up / 存活检查")},
        "/ready": {"get": call("The model answers, with its real-time factor / 就绪检查")},
        "/metrics": {"get": call("Figures for Prometheus / 监控指标", types=("text/plain",))},
        "/change_instruct": {
            "get": call(
                "Load the model of 自然语言控制 now; kept for old callers / 加载指令模型",
                ("404", "503"),
            )
        },
        "/": {"get": call("A page to try it / 试听页面", types=("text/html",))},
        "/docs": {"get": call("This description as a page / 接口文档", types=("text/html",))},
        "/openapi.json": {"get": call("This description / 接口描述")},
    }


def record(**properties: dict) -> dict:
    """The schema of an object whose properties are all required."""
    return {"type": "object", "required": list(properties), "properties": properties}


def specification(max_text_chars: int) -> dict:
    """The whole description."""
    word = {"type": ["string", "null"]}
    text: dict = {"type": "string"}
    openai_error = record(message=text, type=text, param=word, code=word)
    described = paths(max_text_chars)
    ready = described["/ready"]["get"]["responses"]
    ready["503"] = {**ready["200"], "description": "not ready yet"}
    about = "Text to speech and voice cloning over HTTP. Fields marked * are required."
    key = {"type": "http", "scheme": "bearer", "description": "where the operator has set keys"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "CosyVoice", "version": "1", "description": about},
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {}],
        "paths": described,
        "components": {
            "securitySchemes": {"key": key},
            "schemas": {
                "Error": record(
                    error=string("English / 中文"), code=string("a stable word"), field=word
                ),
                "OpenAIError": record(error=openai_error),
            },
        },
    }


def fields_of(call: dict) -> list[tuple]:
    """(name, type, rule, required) of each parameter and body field, for the page."""
    fields = [
        (item["name"], item["schema"], item["required"]) for item in call.get("parameters", ())
    ]
    if "requestBody" in call:
        schema = call["requestBody"]["content"]["application/json"]["schema"]
        fields += [
            (name, value, name in schema["required"])
            for name, value in schema["properties"].items()
        ]
    return [
        (name, kind_of(schema), schema.get("description", ""), required)
        for name, schema, required in fields
    ]


def kind_of(schema: dict) -> str:
    if "enum" in schema:
        return ", ".join(dict.fromkeys(str(value) for value in schema["enum"]))
    limits = [
        f"{word} {schema[rule]}"
        for rule, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"))
        if rule in schema
    ]
    kind = schema["type"] if isinstance(schema["type"], str) else " or ".join(schema["type"])
    return " ".join([kind, *limits])


def blueprint(max_text_chars: int) -> Blueprint:
    """GET /openapi.json and GET /docs. max_text_chars: longest tts_text."""
    openapi, spec = Blueprint("openapi", __name__), specification(max_text_chars)
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

    @openapi.get("/openapi.json")
    def description():
        return jsonify(spec)

    @openapi.get("/docs")
    def docs() -> Response:
        page = render_template_string(PAGE, spec=spec, style=STYLE, fields_of=fields_of)
        answer = Response(page, mimetype="text/html")
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"
        )
        return answer

    return openapi
