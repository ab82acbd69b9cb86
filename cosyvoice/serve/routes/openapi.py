"""GET /openapi.json: every endpoint in OpenAPI 3.1, for programs; GET /docs: the same as a page, for people, offline."""

import base64
import hashlib

from flask import Blueprint, Response, jsonify, render_template_string

from cosyvoice.encoders.formats import FFMPEG
from cosyvoice.serve.http.fields import MAX_SEED
from cosyvoice.serve.http.names import MAX_NAME
from cosyvoice.serve.parts import Parts
from cosyvoice.serve.routes.openai_speech import MAX_INPUT, VOICES

MODES = ["预训练音色", "3s极速复刻", "跨语种复刻", "自然语言控制"]
BINARY = {"type": "string", "format": "binary"}
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h2{font:600 1.05rem ui-monospace,monospace;margin:2rem 0 .3rem;border-top:1px solid #ccc;padding-top:1rem;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #ddd;vertical-align:top}
code{font-family:ui-monospace,monospace}b,a{color:#06c}td{overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}b,a{color:#6af}}"""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>CosyVoice: the HTTP API</title>
<style>{{ style|safe }}</style><h1>CosyVoice: the HTTP API</h1><p>{{ spec.info.description }} <a href="openapi.json">openapi.json</a> · <a href=".">the page / 试听页面</a></p>
{% for path, item in spec.paths.items() %}{% for method, call in item.items() %}<h2><b>{{ method|upper }}</b> {{ path }}</h2><p>{{ call.summary }}</p>
{% set fields = fields_of(call) %}{% if fields %}<table><tr><th>field<th>type<th>rule</tr>
{% for name, kind, rule, needed in fields %}<tr><td><code>{{ name }}</code>{{ " *" if needed }}<td>{{ kind }}<td>{{ rule }}</tr>{% endfor %}</table>{% endif %}
<p>{% for status, answer in call.responses.items() %}<code>{{ status }}</code> {{ answer.description }}{{ "; " if not loop.last }}{% endfor %}</p>
{% endfor %}{% endfor %}</html>"""


def text(about: str, **rules) -> dict:
    return {"type": "string", "description": about, **rules}


def seed() -> dict:
    return {
        "type": "integer",
        "minimum": 0,
        "maximum": MAX_SEED,
        "default": 0,
        "description": "the same seed gives the same sound",
    }


def name(about: str) -> dict:
    return text(about, maxLength=MAX_NAME)


USER, VOICE = name("whose voices"), name("a saved voice")
CONSENT = text("the speaker's agreement, in your words; kept in the voice", maxLength=2000)
REFERENCE = {
    "prompt_speech_16k": text(
        "recording of 0.5 to 30 s: a path under 参考音频/, else an object's key; as multipart, the file itself"
    ),
    "prompt_text": text("what is said in it", maxLength=1000),
    "user_id": USER,
}
ANSWERS = {
    "400": "a value is missing or wrong",
    "401": "the key is missing or unknown",
    "403": "not for this key, origin or host",
    "404": "unknown speaker, voice, reference or request, or no model for this mode",
    "409": "the name is taken",
    "413": "too long or too large",
    "415": "neither JSON nor a form",
    "422": "the reference audio or the voice cannot be used",
    "500": "ours; the log has the reason",
    "502": "the object store failed",
    "503": "busy or not ready; Retry-After says when to come back",
    "504": "the store or the model was too slow",
    "507": "the disk is full",
}
ALWAYS, BODY = ("401", "403", "500"), ("400", "413", "415")
WORK = ("404", "422", "502", "503", "504", "507")  # of what uses the model or the store


def speech_fields(limit: int) -> dict:
    return {
        "mode": {"type": "string", "enum": MODES, "description": "how to speak"},
        "tts_text": text("what to speak", minLength=1, maxLength=limit),
        "spk_id": text(
            "a speaker of GET /speakers; 预训练音色 and 自然语言控制 need one or spk_customize"
        ),
        "spk_customize": text("a saved voice of user_id", default="无"),
        "prompt_text": text(
            "3s极速复刻: what is said in the recording; 自然语言控制: how to speak", maxLength=1000
        ),
        "prompt_speech_16k": REFERENCE["prompt_speech_16k"],
        "seed": seed(),
        "stream": {
            "type": ["string", "boolean"],
            "enum": ["True", "False", True, False],
            "default": "True",
            "description": "True: MP3 while it is made; False: one WAV",
        },
        "speed": {
            "type": "number",
            "minimum": 0.5,
            "maximum": 2,
            "default": 1,
            "description": "the pitch is kept",
        },
        "user_id": USER,
        "exp_name": name("3s极速复刻: keep the voice under this name"),
        "consent": text(
            "kept in that voice: the speaker's agreement, in your words", maxLength=2000
        ),
    }


def openai_fields() -> dict:
    return {
        "model": text("tts-1, tts-1-hd, gpt-4o-mini-tts or cosyvoice"),
        "input": text("what to speak", minLength=1, maxLength=MAX_INPUT),
        "voice": {
            "type": ["string", "object"],
            "description": f'a speaker, one of {", ".join(VOICES)}, or a saved voice, also as {{"id": name}}',
        },
        "instructions": text("how to speak (自然语言控制)", maxLength=1000),
        "response_format": {
            "type": "string",
            "enum": ["mp3", "wav", "pcm", *FFMPEG],
            "default": "mp3",
            "description": "pcm is 16-bit mono at 24,000 Hz",
        },
        "speed": {
            "type": "number",
            "minimum": 0.25,
            "maximum": 4,
            "default": 1,
            "description": "used within 0.5 to 2; a Warning header says when that differs",
        },
        "stream_format": {
            "type": "string",
            "enum": ["audio", "sse"],
            "default": "audio",
            "description": "sse: server-sent events with base64",
        },
        "seed": seed(),
        "user_id": name("whose saved voices; not needed with a key of one user"),
    }


def body(fields: dict, *needed: str, multipart=False) -> dict:
    schema = {"type": "object", "properties": fields, "required": list(needed)}
    kinds = {"application/json": {"schema": schema}}
    if multipart:
        kinds["multipart/form-data"] = {
            "schema": {
                **schema,
                "properties": {
                    **fields,
                    "prompt_speech_16k": {
                        **BINARY,
                        **REFERENCE["prompt_speech_16k"],
                        "format": "binary",
                    },
                },
            }
        }
    return {"requestBody": {"required": True, "content": kinds}}


def inputs(place: str, fields: dict, *needed: str) -> list[dict]:
    return [
        {
            "name": key,
            "in": place,
            "required": place == "path" or key in needed,
            "description": schema.get("description", ""),
            "schema": schema,
        }
        for key, schema in fields.items()
    ]


def call(
    summary: str,
    *statuses: str,
    answer=("application/json",),
    created=False,
    errors="Error",
    parameters=(),
    **more,
) -> dict:
    """One endpoint: what it does, in which media types it answers, which errors it can give."""
    good = {
        "description": "made" if created else "done",
        "content": {
            kind: {"schema": {"type": "object"} if kind.endswith("json") else BINARY}
            for kind in answer
        },
    }
    bad = {
        status: {
            "description": ANSWERS[status],
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{errors}"}}},
        }
        for status in sorted({*statuses, *ALWAYS})
    }
    return {
        "summary": summary,
        **({"parameters": list(parameters)} if parameters else {}),
        **more,
        "responses": {"201" if created else "200": good, **bad},
    }


SOUND = ("audio/mpeg", "audio/wav")
OPENAI_SOUND = (*SOUND, "audio/pcm", "audio/ogg", "audio/flac", "audio/aac", "text/event-stream")


def paths(limit: int) -> dict:
    fields, whose = speech_fields(limit), inputs("query", {"user_id": USER}, "user_id")
    recording = body(REFERENCE, "prompt_speech_16k", multipart=True)
    named, request_id = (
        inputs("path", {"name": VOICE}) + whose,
        inputs("path", {"id": text("the request's X-Request-ID")}),
    )
    return {
        "/generate_audio": {
            "post": call(
                "Speak a text / 合成语音",
                *BODY,
                *WORK,
                answer=SOUND,
                **body(fields, "mode", "tts_text", multipart=True),
            )
        },
        "/generate_audio_get": {
            "get": call(
                "The same with query parameters, for <audio src>; without any, a demonstration / 查询参数版本",
                "400",
                "413",
                *WORK,
                answer=SOUND,
                parameters=inputs("query", fields),
            )
        },
        "/speakers": {"get": call("Speakers of the models that are loaded / 预置音色")},
        "/voices": {
            "get": call(
                "Saved voices of a user, newest first / 已保存的音色",
                "400",
                *WORK,
                parameters=whose,
            ),
            "post": call(
                "Make and keep a voice without speaking / 创建音色",
                *BODY,
                *WORK,
                "409",
                created=True,
                **body(
                    {
                        **REFERENCE,
                        "name": VOICE,
                        "consent": CONSENT,
                        "overwrite": {
                            "type": ["string", "boolean"],
                            "enum": ["True", "False", True, False],
                            "default": "False",
                            "description": "replace a voice of that name",
                        },
                    },
                    "user_id",
                    "name",
                    "prompt_text",
                    "prompt_speech_16k",
                    multipart=True,
                ),
            ),
        },
        "/voices/check": {
            "post": call(
                "What is good and bad about a reference; nothing is kept / 检查参考音频",
                *BODY,
                *WORK,
                **recording,
            )
        },
        "/voices/doctor": {
            "post": call("The same as /voices/check / 同上", *BODY, *WORK, **recording)
        },
        "/voices/{name}": {
            "delete": call("Forget a voice / 删除音色", "400", *WORK, parameters=named)
        },
        "/voices/{name}/preview": {
            "get": call(
                "A sentence spoken with it / 试听音色", "400", *WORK, answer=SOUND, parameters=named
            )
        },
        "/requests/{id}": {
            "get": call(
                "State, place in the queue, seconds made and sentences of a request / 请求状态",
                "404",
                parameters=request_id,
            )
        },
        "/requests/{id}/subtitles.{format}": {
            "get": call(
                "The sentences spoken so far as subtitles / 字幕",
                "404",
                answer=("application/x-subrip", "text/vtt", "application/json"),
                parameters=request_id
                + inputs(
                    "path",
                    {
                        "format": {
                            "type": "string",
                            "enum": ["srt", "vtt", "json"],
                            "description": "kind of file",
                        }
                    },
                ),
            )
        },
        "/v1/audio/speech": {
            "post": call(
                "OpenAI's speech API / OpenAI 语音接口",
                *BODY,
                *WORK,
                answer=OPENAI_SOUND,
                errors="OpenAIError",
                **body(openai_fields(), "model", "input", "voice"),
            )
        },
        "/v1/models": {"get": call("OpenAI's list of models / 模型列表", errors="OpenAIError")},
        "/v1/audio/voices": {
            "get": call(
                "Speakers, OpenAI's names and saved voices / 全部音色",
                "400",
                *WORK,
                errors="OpenAIError",
                parameters=inputs("query", {"user_id": USER}),
            )
        },
        "/health": {"get": call("The process is up / 存活检查")},
        "/ready": {"get": call("The model answers, with its real-time factor / 就绪检查")},
        "/metrics": {"get": call("Figures for Prometheus / 监控指标", answer=("text/plain",))},
        "/change_instruct": {
            "get": call(
                "Load the model of 自然语言控制 now; kept for old callers / 加载指令模型", "404"
            )
        },
        "/": {"get": call("A page to try it / 试听页面", answer=("text/html",))},
        "/docs": {"get": call("This description as a page / 接口文档", answer=("text/html",))},
        "/openapi.json": {"get": call("This description / 接口描述")},
    }


def specification(limit: int) -> dict:
    """The whole description; limit: longest tts_text."""
    word = {"type": ["string", "null"]}
    described = paths(limit)
    described["/ready"]["get"]["responses"]["503"] = {
        **described["/ready"]["get"]["responses"]["200"],
        "description": "not ready yet",
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CosyVoice",
            "version": "1",
            "description": "Text to speech and voice cloning over HTTP. Fields marked * are required.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {}],
        "paths": described,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "where the operator has set keys",
                }
            },
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error", "code", "field"],
                    "properties": {
                        "error": text("English / 中文"),
                        "code": text("a stable word"),
                        "field": word,
                    },
                },
                "OpenAIError": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["message", "type", "param", "code"],
                            "properties": {
                                "message": {"type": "string"},
                                "type": {"type": "string"},
                                "param": word,
                                "code": word,
                            },
                        }
                    },
                },
            },
        },
    }


def fields_of(call: dict) -> list[tuple]:
    """(name, type, rule, required) of each parameter and body field, for the page."""
    schema = (
        call.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("schema", {"properties": {}, "required": []})
    )
    fields = [
        (item["name"], item["schema"], item["required"]) for item in call.get("parameters", ())
    ]
    fields += [
        (key, value, key in schema["required"]) for key, value in schema["properties"].items()
    ]
    return [
        (key, kind_of(value), value.get("description", ""), needed) for key, value, needed in fields
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


def blueprint(parts: Parts) -> Blueprint:
    openapi, spec = Blueprint("openapi", __name__), specification(parts.config.max_text_chars)
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

    @openapi.get("/openapi.json")
    def description():
        return jsonify(spec)

    @openapi.get("/docs")
    def docs() -> Response:
        """The page: no script, nothing loaded from elsewhere."""
        answer = Response(
            render_template_string(PAGE, spec=spec, style=STYLE, fields_of=fields_of),
            mimetype="text/html",
        )
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"
        )
        return answer

    return openapi
