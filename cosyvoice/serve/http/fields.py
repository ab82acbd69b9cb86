"""Kinds of request fields: each reads a value from JSON, a form or a query, and describes itself.

A Field's reader returns the checked value or raises a Problem that says what is allowed. Its
schema is what /openapi.json shows, made from the same limits.
"""

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import FileStorage

from cosyvoice.serve.http.names import MAX_NAME, check_key, check_name
from cosyvoice.serve.http.problem import field_error, missing_field_error
from cosyvoice.text.tags import pause_seconds

MAX_SEED = 2**32 - 1
MAX_MIXED, MAX_WEIGHT = 8, 1000  # voices of a mixture, and the weight of one
NO_VOICE = "无"  # spk_customize: no saved voice
TAG = re.compile("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")  # of BCP 47
SAME_SOUND = "the same seed gives the same sound"


@dataclass(frozen=True)
class Field:
    """One field. read: (name of the field, value) -> checked value. schema: JSON Schema 2020-12."""

    read: Callable[[str, Any], Any]
    schema: dict


Fields = dict[str, Field]
PAIR = {"word": {"type": "string"}, "said": {"type": "string"}}  # of a pronunciation list


def read_values(fields: Fields, values: dict, required: Iterable[str] = ()) -> dict:
    """The checked values of the fields that are given; unknown fields are ignored.

    Raises a Problem that names the first wrong field, or else the first required one that is
    missing or blank.
    """
    checked = {
        name: field.read(name, values[name]) for name, field in fields.items() if name in values
    }
    require(checked, required)
    return checked


def require(values: dict, names: Iterable[str]) -> None:
    """Raises a Problem that names the first field without a value."""
    for name in names:
        if not str(values.get(name, "")).strip():
            raise missing_field_error(name)


def text(limit: int, about: str, **schema) -> Field:
    """A string of at most `limit` characters."""

    def read(name: str, value) -> str:
        if len(string := read_string(name, value)) > limit:
            raise field_error(
                name,
                f"must be at most {limit} characters, got {len(string)}; send it in parts",
                f"共 {len(string)} 个字符，最多 {limit} 个，请分段发送",
                "text_too_long",
                413,
            )
        return string

    return Field(read, {"type": "string", "description": about, "maxLength": limit, **schema})


def string(about: str, **schema) -> Field:
    """A string that is checked later, against what the service has."""
    return Field(read_string, {"type": "string", "description": about, **schema})


def choice(options: Iterable[str], about: str, **schema) -> Field:
    """One of some strings."""
    options = list(options)

    def read(name: str, value) -> str:
        if not isinstance(value, str) or value not in options:
            raise field_error(
                name,
                f"must be one of {', '.join(options)}, got {short(value)}",
                f"未知的值 {short(value)}，可选：{'、'.join(options)}",
            )
        return value

    return Field(read, {"type": "string", "enum": options, "description": about, **schema})


def language_tag(about: str) -> Field:
    """A tag of BCP 47, such as en-US."""

    def read(name: str, value) -> str:
        if not TAG.fullmatch(read_string(name, value)):
            raise field_error(
                name,
                f"must be a language tag such as en-US or zh-CN, got {short(value)}",
                "必须是语言标签，如 en-US、zh-CN",
            )
        return value

    return Field(read, {"type": "string", "pattern": f"^{TAG.pattern}$", "description": about})


def number(lowest: float, highest: float, about: str, default: float) -> Field:
    """A number, also as a string."""

    def read(name: str, value) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not lowest <= number <= highest:
            raise field_error(
                name,
                f"must be a number from {lowest} to {highest}, got {short(value)}",
                f"必须是 {lowest} 到 {highest} 的数字",
            )
        return number

    schema = {"type": "number", "minimum": lowest, "maximum": highest, "default": default}
    return Field(read, {**schema, "description": about})


def seed(about: str = SAME_SOUND) -> Field:
    """The seed of a request, also as a string of digits."""

    def read(name: str, value) -> int:
        if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,20}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SEED:
            raise field_error(
                name,
                f"must be an integer from 0 to {MAX_SEED}, got {short(value)}",
                f"必须是 0 到 {MAX_SEED} 的整数",
            )
        return value

    schema = {"type": "integer", "minimum": 0, "maximum": MAX_SEED, "default": 0}
    return Field(read, {**schema, "description": about})


def flag(about: str, default: bool) -> Field:
    """True or False as a string in any letter case, or as a JSON boolean."""

    def read(name: str, value) -> bool:
        word = str(value).lower() if isinstance(value, (bool, str)) else ""
        if word not in ("true", "false"):
            raise field_error(
                name,
                f'must be "True" or "False", got {short(value)}',
                '必须是 "True" 或 "False"',
            )
        return word == "true"

    schema = {"type": ["string", "boolean"], "enum": ["True", "False", True, False]}
    return Field(read, {**schema, "default": str(default), "description": about})


def switch(about: str) -> Field:
    """0 or 1, also as a string or as a flag's value."""
    as_flag = flag(about, False)

    def read(name: str, value) -> bool:
        word = {"0": "False", "1": "True"}.get(str(value) if not isinstance(value, bool) else "")
        return as_flag.read(name, word or value)

    return Field(read, {"type": ["integer", "string", "boolean"], "description": about})


def name(about: str) -> Field:
    """A name that is one part of a path, or ""."""
    return Field(read_name, {"type": "string", "description": about, "maxLength": MAX_NAME})


def new_voice(about: str) -> Field:
    """The name of a voice to save, or ""."""

    def read(name: str, value) -> str:
        if value == NO_VOICE:
            raise field_error(
                name,
                f"{NO_VOICE!r} means no voice; choose another name",
                f"“{NO_VOICE}”表示不使用音色，请换一个名称",
                "bad_name",
            )
        return read_name(name, value)

    return Field(read, {"type": "string", "description": about, "maxLength": MAX_NAME})


def saved_voice(about: str) -> Field:
    """The name of a saved voice, or NO_VOICE."""

    def read(name: str, value) -> str:
        return NO_VOICE if value in ("", NO_VOICE) else read_name(name, value)

    return Field(read, {"type": "string", "description": about, "default": NO_VOICE})


def reference(about: str) -> Field:
    """A recording: a relative path, or as a multipart field the uploaded file itself."""

    def read(name: str, value) -> str | FileStorage:
        if isinstance(value, FileStorage):
            return value
        return check_key(value, name) if read_string(name, value) else ""

    return Field(read, {"type": "string", "description": about})


def mixture(about: str) -> Field:
    """{name of a voice: its weight}, also as a string of JSON; read as weights that sum to 1."""

    def read(name: str, value) -> dict[str, float]:
        value = read_json(name, value) if isinstance(value, str) else value
        if not isinstance(value, dict) or not 2 <= len(value) <= MAX_MIXED:
            raise field_error(
                name,
                f'must be 2 to {MAX_MIXED} voices with weights, such as {{"a": 0.6, "b": 0.4}}, '
                f"got {short(value)}",
                f'必须是 2 至 {MAX_MIXED} 个音色及其权重，例如 {{"a": 0.6, "b": 0.4}}',
            )
        given = {read_string(name, key): read_weight(name, key, value[key]) for key in value}
        total = sum(given.values())
        if not total:
            raise field_error(
                name, "the weights sum to nothing; make one of them positive", "权重之和不能为 0"
            )
        return {voice: weight / total for voice, weight in given.items()}

    weights = {"type": "number", "minimum": 0, "maximum": MAX_WEIGHT}
    schema = {"type": "object", "additionalProperties": weights, "maxProperties": MAX_MIXED}
    return Field(read, {**schema, "description": about})


def read_weight(name: str, voice: str, value) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MAX_WEIGHT:
        raise field_error(
            name,
            f"the weight of {short(voice)} must be a number from 0 to {MAX_WEIGHT}, "
            f"got {short(value)}",
            f"{short(voice)} 的权重必须是 0 到 {MAX_WEIGHT} 的数字",
        )
    return float(value)


def read_json(name: str, text: str):
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise field_error(name, f"must be JSON, got {short(text)}", "必须是 JSON") from error


def upload(about: str) -> Field:
    """A file of a multipart form."""

    def read(name: str, value) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise field_error(
                name,
                "must be an uploaded file; send the fields as multipart/form-data",
                "必须是上传的文件，请用 multipart/form-data 发送",
            )
        return value

    return Field(read, {"type": "string", "format": "binary", "description": about})


def pronunciations(about: str) -> Field:
    """A list of {"word", "said"}, as pairs; whether they can be used is checked later."""

    def read(name: str, value) -> list[tuple[str, str]]:
        if not isinstance(value, list):
            raise field_error(
                name,
                f'must be a list of {{"word": "...", "said": "..."}}, got {short(value)}',
                '必须是 {"word": "……", "said": "……"} 的列表',
            )
        return [read_pair(f"{name}[{place}]", entry) for place, entry in enumerate(value)]

    entry = {"type": "object", "required": list(PAIR), "properties": PAIR}
    return Field(read, {"type": "array", "items": entry, "description": about})


def items(fields: Fields, limit: int, about: str) -> Field:
    """A list of objects with these fields, at least one and at most `limit`."""

    def read(name: str, value) -> list[dict]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise field_error(
                name,
                f"must be a list of objects, got {short(value)}",
                "必须是由对象组成的列表",
            )
        if not 1 <= len(value) <= limit:
            raise field_error(
                name,
                f"must be 1 to {limit} objects, got {len(value)}",
                f"必须有 1 到 {limit} 项，得到 {len(value)} 项",
            )
        return [read_item(f"{name}[{place}]", fields, item) for place, item in enumerate(value)]

    item = {"type": "object", "properties": {name: each.schema for name, each in fields.items()}}
    return Field(read, {"type": "array", "items": item, "maxItems": limit, "description": about})


def read_item(name: str, fields: Fields, values: dict) -> dict:
    """The checked values of one object of a list; errors name its place."""
    return {
        field: kind.read(f"{name}.{field}", values[field])
        for field, kind in fields.items()
        if values.get(field) is not None
    }


def pause(longest: float, about: str) -> Field:
    """A silence: seconds as a number, or a length as in a text, such as 500ms."""

    def read(name: str, value) -> float:
        try:
            seconds = pause_seconds(value) if isinstance(value, str) else None
            if seconds is None:
                seconds = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            seconds = math.nan
        if not 0 <= seconds <= longest:
            raise field_error(
                name,
                f"must be a pause of 0 to {longest:g} s: seconds as a number, or 500ms or 1.5s, "
                f"got {short(value)}",
                f"必须是 0 到 {longest:g} 秒的停顿：秒数，或 500ms、1.5s 这样的写法",
            )
        return seconds

    return Field(read, {"type": ["number", "string"], "default": 0, "description": about})


def read_pair(name: str, value) -> tuple[str, str]:
    """An entry of a pronunciation list."""
    given = value if isinstance(value, dict) else {}
    word, said = (read_string(f"{name}.{part}", given.get(part)) for part in PAIR)
    return word, said


def read_string(name: str, value) -> str:
    """A string of valid Unicode."""
    if not isinstance(value, str):
        raise field_error(name, f"must be a string, got {short(value)}", "必须是字符串")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise field_error(
            name, "has half of a surrogate pair; send valid Unicode", "包含无效的 Unicode 字符"
        ) from error
    return value


def read_name(name: str, value) -> str:
    """One path part, or ""."""
    return check_name(value, name) if read_string(name, value) else ""


def short(value) -> str:
    """repr for a message: at most 60 characters, also of a huge value."""
    try:
        text = repr(value[:60] if isinstance(value, (str, list)) else value)
    except ValueError:  # an integer of more digits than Python prints
        text = "a huge number"
    return text if len(text) <= 60 else text[:57] + "..."
