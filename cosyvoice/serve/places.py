"""Folders and addresses that the service uses: tried before they are needed.

Standard library only, since the self-check reads it before any package is installed.
"""

import errno
import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cosyvoice.serve.config import StartError

CREDENTIALS = ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET")


def has_oss(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether voices are kept in OSS. Raises a StartError when one of its variables is missing."""
    unset = [name for name in CREDENTIALS if not environ.get(name)]
    if len(unset) == 1:
        raise StartError(
            f"{unset[0]} is not set: set it to keep voices in OSS, "
            "or unset the other one to keep them in STORE_DIR",
            f"未设置 {unset[0]}：如需把音色存入 OSS 请设置它，否则请取消另一个变量，改用 STORE_DIR",
        )
    return not unset


def check_folder(name: str, folder: Path):
    """Make the folder if need be and write a file in it. Raises a StartError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"probe")
            file.flush()
    except OSError as error:
        raise StartError(
            f"no file can be written in {name} {folder} ({error.strerror}): "
            "give write access, free some space, or set another folder",
            f"{name} {folder} 无法写入文件：请检查权限和磁盘空间，或改用其他目录",
        ) from error


def check_port(host: str, port: int):
    """Raises a StartError when the service cannot listen there. The server itself says so later."""
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        failures = [failure for place in places if (failure := bind_error(place))]
    except OSError as error:  # of getaddrinfo
        places, failures = [], [error]
    fatal = [failure for failure in failures if failure.errno in (errno.EADDRINUSE, errno.EACCES)]
    if len(failures) == len(places) or not places:  # of two addresses, one may be missing
        fatal += failures
    if fatal:
        raise StartError(
            f"cannot listen on {host}:{port} ({fatal[0].strerror}): "
            "is the service running already? Choose another port with --port, or another HOST",
            f"无法监听 {host}:{port}：服务可能已在运行；可用 --port 指定其他端口，或修改 HOST",
        )


def bind_error(place: tuple) -> OSError | None:
    family, kind, protocol, _, address = place
    try:
        with socket.socket(family, kind, protocol) as trial:
            if family == socket.AF_INET6:
                trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # elsewhere than on Windows, where it would share the port of another program
            if os.name != "nt":
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        return error
    return None
