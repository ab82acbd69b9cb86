"""The description of every endpoint: GET /openapi.json for programs, GET /docs for people.

OpenAPI 3.1. The fields come from the tables that check them, serve/http/jobs.py. The page works
offline, and without scripts but for the forms that try a call, serve/page/docs.js.
"""

import base64
import hashlib
from pathlib import Path

from flask import Blueprint, Response, jsonify, render_template_string, request

from cosyvoice.serve.http import jobs
from cosyvoice.serve.http.fields import Fields

PAGE = Path(__file__).with_name("docs.html").read_text("utf-8")
STYLE = Path(__file__).with_name("docs.css").read_text("utf-8")

ANSWERS = {
    "400": "a value is missing or wrong",
    "401": "the key is missing or unknown",
    "403": "not for this key, origin or host",
    "404": "unknown speaker, voice, reference, request or job, or no model for this mode",
    "409": "the name or the X-Request-ID is taken, the stream has ended, or the job goes on",
    "413": "too long or too large",
    "415": "neither JSON nor a form",
    "421": "another process of the service has that stream",
    "422": "the audio or the voice cannot be used",
    "426": "this address speaks WebSocket only",
    "500": "the service failed; the log has the reason",
    "502": "the object store failed",
    "429": "a limit of the key is reached; Retry-After says when there is more",
    "503": "busy or not ready; Retry-After says when to come back",
    "504": "the store or the model was too slow",
    "507": "the disk is full",
}
STREAM = ("404", "409", "421")  # of what belongs to a text stream
ALWAYS = ("401", "403", "500")
BODY = ("400", "413", "415")  # of endpoints that read a body
STORED = ("422", "502", "504", "507")  # of what reads or writes a small thing in the store
WORK = ("404", "422", "429", "502", "503", "504", "507")  # of what uses the model or the store

BINARY = {"type": "string", "format": "binary"}
JSON = ("application/json",)
SOUND = ("audio/mpeg", "audio/wav")
BOOK_SOUND = ("audio/mpeg", "audio/mp4")
OPENAI_SOUND = (*SOUND, "audio/pcm", "audio/ogg", "audio/flac", "audio/aac", "text/event-stream")
SUBTITLES = ("application/x-subrip", "text/vtt", *JSON)
HEADERS = {  # name -> what it says
    "X-Request-ID": "the request's id, the caller's own if one was sent",
    "X-AI-Generated": "true: a machine made this sound",
    "X-Text-Warnings": "names of tags in the text that had no effect; without any, not sent",
    "X-Verify": "of a whole file, with VERIFY: how much of each sentence is wrong, and its tries",
    "X-Sample-Rate": "Hz of the sound",
}
# headers of answers that speak a caller's text
SPOKEN = ("X-Request-ID", "X-Text-Warnings", "X-Verify")


def string(about: str, **rules) -> dict:
    return {"type": "string", "description": about, **rules}


def schemas(fields: Fields, *names: str) -> dict:
    """The JSON Schema of the named fields, or of all."""
    return {name: fields[name].schema for name in names or fields}


FILES = (  # of a form, as files
    "prompt_speech_16k",
    "source_speech_16k",
    "voice_file",
    "audio_sample",
    "recording",
)


def body(properties: dict, *required: str, multipart=False, files: dict | None = None) -> dict:
    """A JSON body; with multipart also a form whose recordings are files.

    files: further fields of the form.
    """

    def content(fields: dict) -> dict:
        return {"schema": {"type": "object", "properties": fields, "required": list(required)}}

    kinds = {"application/json": content(properties)}
    if multipart:
        found = {name: {**properties[name], **BINARY} for name in FILES if name in properties}
        kinds["multipart/form-data"] = content({**properties, **found, **(files or {})})
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
    if any(kind.startswith("audio/") for kind in types):
        headers = (*headers, "X-AI-Generated")
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


def paths(max_text_chars: int, max_job_chars: int) -> dict:
    speech = schemas(jobs.generate_audio_fields(max_text_chars))
    heard = {name: schema for name, schema in speech.items() if name not in jobs.STORING}
    voice = schemas(jobs.VOICE_FIELDS)
    reference = schemas(
        jobs.VOICE_FIELDS, "prompt_speech_16k", "prompt_text", "transcribe", "user_id"
    )
    user = schemas(jobs.VOICE_FIELDS, "user_id")
    whose = parameters("query", user, "user_id")
    named = parameters("path", schemas(jobs.VOICE_FIELDS, "name")) + whose
    list_of = parameters("query", schemas(jobs.PRONUNCIATION_FIELDS, "user_id"), "user_id")
    request_id = parameters("path", {"id": string("the request's X-Request-ID")})
    stream_id = parameters("path", {"id": string("of the stream, from POST /streams")})
    socket_inputs = [
        *parameters("path", {"voice": string("a speaker or a saved voice")}),
        *parameters(
            "query",
            {
                "output_format": string("mp3, wav, opus, flac, aac, pcm_16000 or another rate"),
                **{name: heard[name] for name in ("seed", "user_id")},
            },
        ),
    ]
    subtitle_format = parameters(
        "path", {"format": string("kind of file", enum=["srt", "vtt", "json"])}
    )
    long_text = schemas(jobs.book_fields(max_job_chars))
    files = {"file": long_text.pop("file")}
    job_id = parameters("path", {"id": string("the id of a long job")})
    whose_openai = parameters("query", schemas(jobs.OPENAI_VOICE_FIELDS, "user_id"))
    consent_id = parameters("path", {"id": string("of a consent recording")})
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
        "/dialogue": {
            "post": call(
                "Several speakers in one answer, line after line; the body may be the list of "
                "lines alone / 多人对话",
                (*BODY, *WORK, "409"),
                OPENAI_SOUND[:-1],
                body=body(schemas(jobs.dialogue_fields(max_text_chars)), "lines"),
                headers=SPOKEN,
            )
        },
        "/streams": {
            "post": call(
                "Open a stream for text that comes in pieces / 打开文本流",
                (*BODY, *WORK, "409"),
                success="201",
                body=body(schemas(jobs.stream_fields(max_text_chars)), multipart=True),
            )
        },
        "/streams/{id}": {"delete": call("Stop a stream at once / 停止", STREAM, inputs=stream_id)},
        "/streams/{id}/text": {
            "post": call(
                "The next piece of its text, cut anywhere; whole sentences are spoken at once / "
                "追加文本",
                (*BODY, *STREAM, "429"),
                inputs=stream_id,
                body=body(schemas(jobs.piece_fields(max_text_chars))),
            )
        },
        "/streams/{id}/end": {
            "post": call("No more text comes / 结束文本", STREAM, inputs=stream_id)
        },
        "/streams/{id}/audio": {
            "get": call(
                "Its sound from the beginning, to one listener / 获取声音",
                STREAM,
                OPENAI_SOUND[:-1],
                inputs=stream_id,
            )
        },
        jobs.CONVERSION_PATH: {
            "post": call(
                "Say what a recording says with another voice / 变声",
                (*BODY, *WORK, "409"),
                SOUND,
                body=body(schemas(jobs.CONVERSION_FIELDS), "source_speech_16k", multipart=True),
                headers=("X-Request-ID",),
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
                "Make and keep a voice without speaking: of a recording and its prompt_text, "
                "of a mix, or of a voice_file / 创建音色：用录音及其文字、混合或音色文件",
                (*BODY, *WORK, "409"),
                success="201",
                body=body(voice, "user_id", "name", multipart=True),
            ),
        },
        "/voices/check": {
            "post": call(
                "What is good and bad about a reference; with transcribe also what is said in it; "
                "nothing is kept / 检查参考音频，可听写",
                (*BODY, *WORK, "409"),
                body=look,
            )
        },
        "/voices/doctor": {
            "post": call("The same as /voices/check / 同上", (*BODY, *WORK, "409"), body=look)
        },
        "/voices/{name}": {
            "patch": call(
                "Give a voice another name / 重命名音色",
                (*BODY, *WORK, "409"),
                inputs=parameters("path", schemas(jobs.VOICE_FIELDS, "name")),
                body=body(
                    schemas(jobs.RENAME_FIELDS, "user_id", "new_name", "overwrite"),
                    "user_id",
                    "new_name",
                ),
            ),
            "delete": call("Forget a voice / 删除音色", ("400", *WORK), inputs=named),
        },
        "/voices/{name}/file": {
            "get": call(
                "The voice as a file, which POST /voices takes / 导出音色文件",
                ("400", *WORK),
                ("application/octet-stream",),
                inputs=named,
            )
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
        "/jobs": {
            "get": call(
                "Long jobs of a user, newest first / 长文本任务列表", ("400",), inputs=whose
            ),
            "post": call(
                "Speak a chapter or a book behind all who listen; the text as tts_text, or as a "
                "file in a multipart form: plain text, Markdown, EPUB / 提交长文本任务",
                (*BODY, *WORK, "409"),
                success="201",
                body=body(long_text, "mode", multipart=True, files=files),
            ),
        },
        "/jobs/{id}": {
            "get": call(
                "State, sentences, seconds, expected end and chapters of a job / 任务进度",
                ("404",),
                inputs=job_id,
            ),
            "delete": call("End a job and remove its files / 删除任务", ("404",), inputs=job_id),
        },
        "/jobs/{id}/audio": {
            "get": call(
                "The sound so far as MP3, or the finished file / 收听已完成的部分",
                ("404",),
                BOOK_SOUND,
                inputs=job_id,
            )
        },
        "/jobs/{id}/file": {
            "get": call(
                "The finished file with its chapters / 下载成品",
                ("404", "409"),
                BOOK_SOUND,
                inputs=job_id,
            )
        },
        "/jobs/{id}/subtitles.{format}": {
            "get": call(
                "The sentences spoken so far as subtitles / 字幕",
                ("404",),
                SUBTITLES,
                inputs=job_id + subtitle_format,
            )
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
        "/v1/text-to-speech/{voice}/stream-input": {
            "get": call(
                "A text stream by WebSocket, with ElevenLabs' messages / WebSocket 文本流",
                ("400", *WORK, "409", "426"),
                success="101",
                error="OpenAIError",
                inputs=socket_inputs,
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
            ),
            "post": call(
                "Make a voice of a recording and keep it; its id is its name / 用录音创建音色",
                (*BODY, *WORK, "409"),
                error="OpenAIError",
                body=body(
                    schemas(jobs.OPENAI_VOICE_FIELDS),
                    "name",
                    "audio_sample",
                    "consent",
                    multipart=True,
                ),
            ),
        },
        "/v1/audio/voices/{id}": {
            "delete": call(
                "Forget a voice / 删除音色",
                ("400", *WORK),
                error="OpenAIError",
                inputs=parameters("path", {"id": string("the voice's id")}) + whose_openai,
            )
        },
        "/v1/audio/voice_consents": {
            "get": call(
                "Consent recordings of a user, newest first / 授权录音列表",
                ("400", *STORED),
                error="OpenAIError",
                inputs=parameters("query", schemas(jobs.CONSENT_LIST_FIELDS)),
            ),
            "post": call(
                "Keep a recording in which the speaker agrees; nobody checks what it says / "
                "保存授权录音，内容不作核验",
                (*BODY, *WORK, "409"),
                error="OpenAIError",
                body=body(
                    schemas(jobs.CONSENT_FIELDS), "name", "language", "recording", multipart=True
                ),
            ),
        },
        "/v1/audio/voice_consents/{id}": {
            "get": call(
                "One of them / 授权录音信息",
                ("400", "404", *STORED),
                error="OpenAIError",
                inputs=consent_id + whose_openai,
            ),
            "post": call(
                "Give it another label / 修改名称",
                (*BODY, "404", *STORED),
                error="OpenAIError",
                inputs=consent_id,
                body=body(schemas(jobs.CONSENT_FIELDS, "name", "user_id"), "name"),
            ),
            "delete": call(
                "Forget it; voices that were made with it stay / 删除授权录音，音色保留",
                ("400", "404", *STORED),
                error="OpenAIError",
                inputs=consent_id + whose_openai,
            ),
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


def specification(max_text_chars: int, max_job_chars: int) -> dict:
    """The whole description."""
    word = {"type": ["string", "null"]}
    text: dict = {"type": "string"}
    openai_error = record(message=text, type=text, param=word, code=word)
    described = paths(max_text_chars, max_job_chars)
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


def anchor(method: str, path: str) -> str:
    """The id of a call's section on the page: post-generate_audio."""
    words = path.strip("/").replace("/", "-").translate({ord(mark): None for mark in "{}"})
    return f"{method}-{words or 'page'}"


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


def blueprint(max_text_chars: int, max_job_chars: int) -> Blueprint:
    """GET /openapi.json and GET /docs. Longest tts_text of a request, and of a long job."""
    openapi = Blueprint("openapi", __name__)
    spec = specification(max_text_chars, max_job_chars)
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

    @openapi.get("/openapi.json")
    def description():
        return jsonify(spec)

    @openapi.get("/docs")
    def docs() -> Response:
        page = render_template_string(
            PAGE,
            spec=spec,
            style=STYLE,
            fields_of=fields_of,
            anchor=anchor,
            address=request.host_url,
        )
        answer = Response(page, mimetype="text/html")
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'sha256-{digest}'; script-src 'self'; "
            "connect-src 'self'; media-src blob:; img-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return answer

    return openapi
