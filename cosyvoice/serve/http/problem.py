"""Every error a caller can meet: one exception, English and Chinese in each message.

Two JSON forms: the service's own, and OpenAI's for addresses under /v1/.
"""

import logging
import sqlite3

from flask import Flask, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestedRangeNotSatisfiable

from cosyvoice.utils import errors

log = logging.getLogger(__name__)


class Problem(Exception):
    """An answer that is an error: HTTP status, a stable code word, the field, two messages."""

    def __init__(
        self,
        status: int,
        code: str,
        field: str | None,
        en: str,
        zh: str,
        headers: dict | None = None,
    ):
        super().__init__(f"{en} / {zh}")
        self.status, self.code, self.field, self.headers = status, code, field, headers or {}
        self.en, self.zh = en, zh

    def body(self) -> dict:
        return {"error": str(self), "code": self.code, "field": self.field}


def field_error(
    field: str, en: str, zh: str, code: str = "bad_value", status: int = 400
) -> Problem:
    """A Problem about one field, whose name begins the message."""
    return Problem(status, code, field, f"{field}: {en}", f"{field}：{zh}")


def in_field(field: str, error: BaseException) -> Problem:
    """The Problem of an error in a part of a request, told with that part's name."""
    problem = as_problem(error)
    en = f"{field}: {problem.en.removeprefix(f'{problem.field}: ')}"
    zh = f"{field}：{problem.zh.removeprefix(f'{problem.field}：')}"
    return Problem(problem.status, problem.code, field, en, zh, problem.headers)


def missing_field_error(field: str) -> Problem:
    return field_error(
        field, "is required here and must not be blank", "此处必填，不能为空", "missing_value"
    )


ENGINE: list[tuple[type[errors.InputError], int, str, str | None]] = [
    (errors.TextTooLong, 413, "text_too_long", "tts_text"),
    (errors.TextError, 400, "text_unusable", "tts_text"),
    (errors.PronunciationError, 400, "pronunciation_unusable", "pronunciations"),
    (errors.ReferenceAudioError, 422, "reference_unusable", "prompt_speech_16k"),
    (errors.SourceAudioError, 422, "source_unusable", "source_speech_16k"),
    (errors.VoiceError, 422, "voice_unusable", "spk_customize"),
    (errors.UnknownSpeaker, 404, "unknown_speaker", "spk_id"),
    (errors.InstructUnsupported, 404, "no_instruct_model", "mode"),
    (errors.ManuscriptError, 400, "manuscript_unusable", "file"),
    (errors.InputError, 400, "bad_input", None),
]

HTTP = {
    400: ("bad_request", "the request cannot be read", "请求无法读取"),
    404: ("no_such_path", "there is no such address", "没有这个地址"),
    405: ("wrong_method", "this address does not take that method", "该地址不支持此请求方法"),
    413: ("body_too_large", "the request body is too large", "请求体过大"),
    414: (
        "address_too_long",
        "the address is too long; send the fields as the body of POST /generate_audio",
        "地址过长，请改用 POST /generate_audio，把字段放在请求体中",
    ),
    415: (
        "wrong_content_type",
        "send application/json, multipart/form-data or application/x-www-form-urlencoded",
        "请发送 application/json、multipart/form-data 或 application/x-www-form-urlencoded",
    ),
    416: (
        "range_beyond_end",
        "the range begins after the end of the sound; ask for an earlier one, or for all",
        "请求的范围超出音频末尾；请改用更靠前的范围，或获取全部",
    ),
    431: ("headers_too_large", "the request headers are too large", "请求头过大"),
}


def status_error(status: int, reason: str) -> Problem:
    """The Problem that a plain HTTP status stands for."""
    code, en, zh = HTTP.get(status, ("http_error", reason, reason))
    return Problem(status, code, None, en, zh)


def as_problem(error: BaseException) -> Problem:
    """The Problem for any exception. An unknown one is a 500 without details."""
    if isinstance(error, Problem):
        return error
    for kind, status, code, field in ENGINE:
        if isinstance(error, kind):
            return Problem(status, code, field, error.en, error.zh)
    if is_disk_full(error):
        return Problem(
            507,
            "disk_full",
            None,
            "the service's disk is full; tell its operator",
            "服务器磁盘已满，请联系管理员",
        )
    if isinstance(error, sqlite3.OperationalError) and "database is locked" in str(error):
        return Problem(
            503,
            "busy",
            None,
            "another process of the service holds its records; try again in 5 s",
            "服务的另一个进程正在使用记录；请在 5 秒后重试",
            {"Retry-After": "5"},
        )
    if isinstance(error, HTTPException):
        return status_error(error.code or 500, error.name)
    return Problem(
        500,
        "internal_error",
        None,
        "the service failed; its log has the reason under this request's id",
        "服务内部错误，原因见日志中的同一请求编号",
    )


def is_disk_full(error: BaseException) -> bool:
    """Whether there was no room; SQLite says so in words alone before Python 3.11."""
    if isinstance(error, sqlite3.OperationalError):
        return "disk is full" in str(error)
    return isinstance(error, OSError) and error.errno in errors.DISK_FULL


def handle(error: Exception):
    """Flask error handler: the JSON answer, and a stack trace in the log when the fault is ours."""
    if isinstance(error, HTTPException) and error.code and error.code < 400:
        return error  # a redirect of Flask's own
    problem = as_problem(error)
    if problem.status == 500:
        log.error("the request failed", exc_info=error)
    g.outcome = problem.code
    answer = jsonify(body_for(request.path, problem))
    answer.status_code = problem.status
    answer.headers.extend(problem.headers)
    if problem.status == 409 and is_openai(request.path):
        answer.headers["X-Should-Retry"] = "false"  # its clients would send the same again
    if isinstance(error, MethodNotAllowed):
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or []))
    if isinstance(error, RequestedRangeNotSatisfiable) and error.length is not None:
        answer.headers["Content-Range"] = f"{error.units} */{error.length}"
    return answer


def install(app: Flask):
    app.register_error_handler(Exception, handle)


# OpenAI's form. Source: the error objects of developers.openai.com/api/reference.

OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
OPENAI_FIELDS = {  # a field of the service -> the one that stands for it there
    "tts_text": "input",
    "spk_id": "voice",
    "spk_customize": "voice",
    "prompt_text": "instructions",
    "prompt_speech_16k": "audio_sample",
    "mode": "instructions",
}


def is_openai(path: str) -> bool:
    """Whether errors at this address have OpenAI's form."""
    return path.startswith("/v1/")


def openai_body(problem: Problem) -> dict:
    """The JSON of a Problem in OpenAI's form."""
    other = "invalid_request_error" if problem.status < 500 else "server_error"
    return {
        "error": {
            "message": str(problem),
            "type": OPENAI_TYPES.get(problem.status, other),
            "param": OPENAI_FIELDS.get(problem.field or "", problem.field),
            "code": problem.code,
        }
    }


def body_for(path: str, problem: Problem) -> dict:
    """The JSON of a Problem in the form of that address."""
    return openai_body(problem) if is_openai(path) else problem.body()
