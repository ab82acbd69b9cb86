"""Names from a request, and the paths they may stand for.

A name that could leave its folder, or alias another file on some system (Windows device names,
trailing dots, `file:stream`), is refused here. What passes is joined only by `inside`, which also
refuses symbolic links.
"""

import os
import re
from pathlib import Path

from cosyvoice.serve.http.problem import Problem

MAX_NAME = 64  # characters of a user, voice or experiment name
MAX_PART_BYTES = 200  # of one path part; file systems allow 255
MAX_KEY_BYTES = 1023  # of an object key: OSS's limit
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|\u2028\u2029\ufffe\uffff]')
DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?$", re.IGNORECASE
)


def check_name(value: str, field: str) -> str:
    """One path part such as a user id; returns it, or raises a 400 Problem."""
    fault = "has a slash" if "/" in value else _fault_of_part(value)
    if len(value) > MAX_NAME:
        fault = f"is {len(value)} characters long"
    if fault:
        raise Problem(
            400,
            "bad_name",
            field,
            f"{field} {fault}; use 1 to {MAX_NAME} letters, digits, spaces, '-', '_' or '.', "
            "not starting with '.'",
            f"{field} 不能用作名称；请使用 1 到 {MAX_NAME} 个字母、汉字、数字、空格、"
            "“-”、“_”或“.”，且不能以“.”开头",
        )
    return value


def check_key(value: str, field: str) -> str:
    """A relative path with '/' such as an object key; returns it, or raises a 400 Problem."""
    faults = [_fault_of_part(part) for part in value.split("/")]
    if len(value.encode()) > MAX_KEY_BYTES:
        faults = [f"is longer than {MAX_KEY_BYTES} bytes"]
    if any(faults):
        raise Problem(
            400,
            "bad_path",
            field,
            f"{field} {next(filter(None, faults))}; use a relative path such as 'folder/voice.wav'",
            f"{field} 不是可用的路径；请使用相对路径，例如“folder/voice.wav”",
        )
    return value


def _fault_of_part(part: str) -> str:
    """What is wrong with one part of a path, "" if nothing."""
    if not part or not part.strip():
        return "has an empty part"
    if part.startswith(".") or part != part.strip() or part.endswith("."):
        return "has a part that starts with '.' or a blank, or ends with one"
    if FORBIDDEN.search(part):
        return "has a character that paths cannot hold"
    if DEVICES.match(part):
        return "has a part that is a device name on Windows"
    if len(part.encode()) > MAX_PART_BYTES:
        return f"has a part longer than {MAX_PART_BYTES} bytes"
    return ""


def inside(folder: Path, key: str, field: str) -> Path | None:
    """The file that a checked key names under folder, or None when there is none.

    Letter case must agree even where the file system does not care, or one user could name
    another's file. A symbolic link on the way is a 400: it may lead anywhere.
    """
    path = folder
    for part in key.split("/"):
        found = exact(path, part)
        if found is None:
            return None
        path = found
        if path.is_symlink():
            raise Problem(
                400,
                "bad_path",
                field,
                f"{field} goes through a symbolic link, which is not followed",
                f"{field} 经过符号链接，不予访问",
            )
    return path if path.is_file() else None


def exact(folder: Path, name: str) -> Path | None:
    """The entry of a folder that has exactly this name, letter case included; None if none has.

    A file system may find a file by another spelling. So the names in the folder are compared, once
    something is found; the entries themselves are not looked at.
    """
    path = folder / name
    try:
        path.lstat()
        return path if name in os.listdir(folder) else None
    except (FileNotFoundError, NotADirectoryError):
        return None


def pronunciations_key(user_id: str) -> str:
    """Where the store keeps a user's pronunciation list."""
    return f"learn-wave/{user_id}/model/cosyvoice/pronunciations.json"


def voice_key(user_id: str, name: str) -> str:
    """Where the store keeps a user's voice."""
    return f"learn-wave/{user_id}/model/cosyvoice/{name}.pt"


def consent_key(user_id: str, file: str) -> str:
    """Where the store keeps a file of a user's consent recordings."""
    return f"learn-wave/{user_id}/model/cosyvoice/consents/{file}"
