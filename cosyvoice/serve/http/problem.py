"""Every error a caller can meet: one exception, one JSON form, English and Chinese in each message."""

import errno
import logging

from flask import Flask, g, jsonify
from werkzeug.exceptions import HTTPException

from cosyvoice.utils import errors

log = logging.getLogger(__name__)
DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Problem(Exception):
    """An answer that is an error: HTTP status, a stable code word, the field it is about, the message twice."""

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

    def body(self) -> dict:
        return {"error": str(self), "code": self.code, "field": self.field}


ENGINE = [
    (errors.TextError, 400, "text_unusable", "tts_text"),
    (errors.ReferenceAudioError, 422, "reference_unusable", "prompt_speech_16k"),
    (errors.VoiceError, 422, "voice_unusable", "spk_customize"),
    (errors.UnknownSpeaker, 404, "unknown_speaker", "spk_id"),
    (errors.InstructUnsupported, 404, "no_instruct_model", "mode"),
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
    431: ("headers_too_large", "the request headers are too large", "请求头过大"),
}


def of_status(status: int, reason: str) -> Problem:
    """The Problem that a plain HTTP status stands for."""
    code, en, zh = HTTP.get(status, ("http_error", reason, reason))
    return Problem(status, code, None, en, zh)


def as_problem(error: BaseException) -> Problem:
    """The Problem that tells a caller about any exception; what we do not know is a 500 without details."""
    if isinstance(error, Problem):
        return error
    for kind, status, code, field in ENGINE:
        if isinstance(error, kind):
            return Problem(status, code, field, error.en, error.zh)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return Problem(
            507,
            "disk_full",
            None,
            "the service's disk is full; tell its operator",
            "服务器磁盘已满，请联系管理员",
        )
    if isinstance(error, HTTPException):
        return of_status(error.code or 500, error.name)
    return Problem(
        500,
        "internal_error",
        None,
        "the service failed; its log has the reason under this request's id",
        "服务内部错误，原因见日志中的同一请求编号",
    )


def handle(error: Exception):
    """Flask error handler: the JSON answer, and a stack trace in the log when the fault is ours."""
    if isinstance(error, HTTPException) and error.code and error.code < 400:
        return error  # a redirect of Flask's own
    problem = as_problem(error)
    if problem.status == 500:
        log.error("the request failed", exc_info=error)
    g.outcome = problem.code
    answer = jsonify(problem.body())
    answer.status_code = problem.status
    answer.headers.extend(problem.headers)
    if isinstance(error, HTTPException) and error.code == 405:
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or []))
    return answer


def install(app: Flask):
    app.register_error_handler(Exception, handle)
