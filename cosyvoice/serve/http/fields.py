"""Readers of single request fields: what came -> a checked value, or a Problem that says what is allowed.

Each takes the field's name and the value as JSON, a form or a query gave it.
"""

import math
import re
from collections.abc import Callable

from werkzeug.datastructures import FileStorage

from cosyvoice.serve.http.names import check_key, check_name
from cosyvoice.serve.http.problem import Problem

MAX_SEED = 2**32 - 1
NONE = "无"  # spk_customize: no saved voice


def bad(field: str, en: str, zh: str, code: str = "bad_value", status: int = 400) -> Problem:
    return Problem(status, code, field, f"{field}: {en}", f"{field}：{zh}")


def missing(field: str) -> Problem:
    return bad(
        field, "is required here and must not be blank", "此处必填，不能为空", "missing_value"
    )


def read_string(name: str, value) -> str:
    if not isinstance(value, str):
        raise bad(name, f"{short(value)} is not a string", "必须是字符串")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad(
            name, "holds half of a surrogate pair; send valid Unicode", "包含无效的 Unicode 字符"
        )
    return value


def read_text(limit: int) -> Callable[[str, object], str]:
    """A reader of texts up to limit characters."""

    def read(name: str, value) -> str:
        if len(text := read_string(name, value)) > limit:
            raise bad(
                name,
                f"{len(text)} characters came, at most {limit} are allowed; send it in parts",
                f"共 {len(text)} 个字符，最多 {limit} 个，请分段发送",
                "text_too_long",
                413,
            )
        return text

    return read


def read_choice(*choices: str) -> Callable[[str, object], str]:
    def read(name: str, value) -> str:
        if not isinstance(value, str) or value not in choices:
            raise bad(
                name,
                f"{short(value)} is unknown; use one of {', '.join(choices)}",
                f"未知的值 {short(value)}，可选：{'、'.join(choices)}",
            )
        return value

    return read


def read_name(name: str, value) -> str:
    """One path part, or ""."""
    return check_name(value, name) if read_string(name, value) else ""


def read_voice_name(name: str, value) -> str:
    """The name of a voice to save, or ""."""
    if value == NONE:
        raise bad(
            name,
            f"{NONE!r} means no voice; choose another name",
            f"“{NONE}”表示不使用音色，请换一个名称",
            "bad_name",
        )
    return read_name(name, value)


def read_saved_voice(name: str, value) -> str:
    return NONE if value in ("", NONE) else read_name(name, value)


def read_reference(name: str, value) -> str | FileStorage:
    """A relative path, or the uploaded file itself."""
    if isinstance(value, FileStorage):
        return value
    return check_key(value, name) if read_string(name, value) else ""


def read_seed(name: str, value) -> int:
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,20}", value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SEED:
        raise bad(
            name,
            f"{short(value)} came; use an integer from 0 to {MAX_SEED}",
            f"必须是 0 到 {MAX_SEED} 的整数",
        )
    return value


def read_speed(name: str, value) -> float:
    try:
        speed = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        speed = math.nan
    if not 0.5 <= speed <= 2.0:
        raise bad(
            name, f"{short(value)} came; use a number from 0.5 to 2.0", "必须是 0.5 到 2.0 的数字"
        )
    return speed


def read_flag(name: str, value) -> bool:
    text = str(value).lower() if isinstance(value, (bool, str)) else ""
    if text not in ("true", "false"):
        raise bad(name, f'{short(value)} came; use "True" or "False"', '必须是 "True" 或 "False"')
    return text == "true"


def short(value) -> str:
    """repr for a message: at most 60 characters, also of a value that is huge."""
    try:
        text = repr(value[:60] if isinstance(value, (str, list)) else value)
    except ValueError:  # an integer of more digits than Python prints
        text = "a huge number"
    return text if len(text) <= 60 else text[:57] + "..."
