"""The object store: Aliyun OSS with credentials, a local folder without. Both have one interface.

fetch(key, path, limit)   writes the object to a new file; raises NoObject if there is none
push(path, key, overwrite)  stores the file as an object, complete or not at all; without overwrite
                          raises ObjectExists if there is one, and of two pushes at once one wins
exists(key)               True if there is such an object
delete(key)               deletes the object; True if there was one
list(prefix)              yields Entry(key, size, modified), in order of the keys

Failures are Problems: 502 the store failed, 504 it did not answer in time, 413 the object is larger
than the limit, 507 the disk is full.
"""

import errno
import logging
import os
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from cosyvoice.serve.http.names import DEVICES
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.places import has_oss
from cosyvoice.serve.storage.work_folders import WorkFolders

log = logging.getLogger(__name__)
BUCKET, ENDPOINT, REGION = "learn-wave", "https://oss-cn-beijing.aliyuncs.com", "cn-beijing"
TIMEOUTS = (3.0, 10.0)  # seconds to connect, and between two bytes
DEADLINE = 40.0  # seconds for one operation with its retries
TRIES = 3  # of one operation
FIRST_PAUSE = 0.2  # seconds before the second try; each further pause is four times as long
BLOCK = 1 << 16  # bytes read at a time
IS_WINDOWS = os.name == "nt"
READER_SECONDS = 2.0  # that Windows may keep a file from being replaced while it is read
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}  # FAT has no hard links


class NoObject(Exception):
    """The store has no object of that key."""


class ObjectExists(Exception):
    """The store has an object of that key already, which was not to be overwritten."""


@dataclass(frozen=True)
class Entry:
    key: str
    size: int
    modified: float  # seconds since 1970


class Store(Protocol):
    """The interface of both stores; see the head of this module."""

    name: str

    def fetch(self, key: str, path: Path, limit: int) -> None: ...
    def push(self, path: Path, key: str, overwrite: bool = True) -> None: ...
    def exists(self, key: str) -> bool: ...
    def delete(self, key: str) -> bool: ...
    def list(self, prefix: str) -> Iterable[Entry]: ...


def open_store(folder: Path, work_folders: WorkFolders, environ=os.environ) -> Store:
    """OSS if OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET are set, else the local folder.

    Raises a StartError if one of them alone is set.
    """
    return OssStore(environ) if has_oss(environ) else LocalStore(folder, work_folders)


class LocalStore:
    """Objects as files under a folder, with names by encode_key."""

    name = "local"

    def __init__(self, folder: Path, work_folders: WorkFolders):
        self.folder, self.work_folders = folder, work_folders

    def fetch(self, key: str, path: Path, limit: int):
        try:
            with open(self._path(key), "rb") as file:
                _copy(lambda: file.read(BLOCK), path, limit)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise NoObject(key) from error

    def push(self, path: Path, key: str, overwrite: bool = True):
        target = self._path(key)
        with self.work_folders.folder(self.folder) as work:
            with open(path, "rb") as file:
                _copy(lambda: file.read(BLOCK), work / "object")
            target.parent.mkdir(parents=True, exist_ok=True)
            if overwrite:
                _when_unread(lambda: os.replace(work / "object", target))
            else:
                _create(work / "object", target)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete(self, key: str) -> bool:
        try:
            _when_unread(self._path(key).unlink)
            return True
        except (FileNotFoundError, NotADirectoryError):
            return False

    def list(self, prefix: str) -> Iterator[Entry]:
        *folders, _ = prefix.split("/")
        folder = self.folder.joinpath(*(_encode_part(part, "") for part in folders))
        entries = []
        for path, status in _files(folder):
            key = decode_key(Path(path).relative_to(self.folder).as_posix())
            if key.startswith(prefix):
                entries.append(Entry(key, status.st_size, status.st_mtime))
        yield from sorted(entries, key=lambda entry: entry.key)

    def _path(self, key: str) -> Path:
        return self.folder / encode_key(key)


def _files(folder: str | Path) -> Iterator[tuple[str, os.stat_result]]:
    """The objects' files under a folder. What vanishes meanwhile is not there."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith("."):  # a working folder; encoded names never begin so
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.is_file():
                yield entry.path, entry.stat()
        except FileNotFoundError:
            continue


def _create(path: Path, target: Path):
    """Move a file to a name that is free. Raises ObjectExists; of two at once one wins."""
    try:
        if IS_WINDOWS:
            os.rename(path, target)  # which Windows refuses for a name that is taken
        else:
            _link(path, target)
    except FileExistsError as error:
        raise ObjectExists(target.name) from error


def _link(path: Path, target: Path):
    try:
        os.link(path, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        target.touch(exist_ok=False)  # takes the name; for a moment the object is empty
        try:
            os.replace(path, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _when_unread(change: Callable[[], None]):
    """Replace or delete a file; Windows refuses that while somebody reads it, so wait a little."""
    end = time.monotonic() + READER_SECONDS
    while True:
        try:
            return change()
        except PermissionError:
            if not IS_WINDOWS or time.monotonic() > end:
                raise
            time.sleep(0.01)


def encode_key(key: str) -> str:
    """A relative path for any key. No file system takes the paths of two keys for the same.

    Lower-case letters, digits, '-', '_', the common Chinese characters and, inside the last part,
    '.' stay as they are; the rest is percent-encoded. A last part without '.' ends with a '%', so
    that no file has the name of a folder. An empty part is '%'. Device names of Windows get
    their first character encoded. A part that is too long for a file name continues in a subfolder:
    'long+/rest'.
    """
    *folders, name = key.split("/")
    last = _encode_part(name, ".") + ("" if "." in name[1:-1] else "%")
    return "/".join([*(_encode_part(part, "") for part in folders), last])


def decode_key(path: str) -> str:
    parts = path.replace("+/", "").removesuffix("%").split("/")
    return "/".join("" if part == "%" else unquote(part) for part in parts)


def _encode_part(part: str, plain: str) -> str:
    if not part:
        return "%"
    encoded = [
        _encode_character(c, plain if 0 < i < len(part) - 1 else "") for i, c in enumerate(part)
    ]
    if DEVICES.match(part):
        encoded[0] = f"%{ord(part[0]):02x}"
    names, size = [""], 0
    for text in encoded:
        size += len(text.encode())
        if size > 200:  # bytes; file systems allow 255
            names.append("")
            size = len(text.encode())
        names[-1] += text
    return "+/".join(names)


def _encode_character(c: str, plain: str) -> str:
    if c in "abcdefghijklmnopqrstuvwxyz0123456789-_" + plain or "\u4e00" <= c <= "\u9fff":
        return c
    return "".join(f"%{byte:02x}" for byte in c.encode())


def _copy(read: Callable[[], bytes], path: Path, limit: int | None = None) -> int:
    """Write blocks from read() to a new file and return its size. An error leaves no file."""
    size = 0
    try:
        with open(path, "xb") as file:
            while block := read():
                size += len(block)
                if limit is not None and size > limit:
                    raise too_large_error(limit)
                file.write(block)
        return size
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class OssStore:
    """Aliyun OSS by oss2 with V4 signatures. Credentials are read at the first use, never shown."""

    name = "oss"

    def __init__(self, environ=os.environ):
        self.environ, self._bucket = environ, None

    def fetch(self, key: str, path: Path, limit: int):
        self._retry("fetch", lambda deadline: self._download(key, path, limit, deadline))

    def push(self, path: Path, key: str, overwrite: bool = True):
        """In a bucket with versions OSS always overwrites, and keeps the earlier version."""
        token = secrets.token_hex(8)
        headers = {} if overwrite else {"x-oss-forbid-overwrite": "true", "x-oss-meta-push": token}
        try:
            self._retry("push", lambda deadline: self._upload(path, key, headers))
        except ObjectExists:
            if not self._is_pushed(key, token):
                raise

    def exists(self, key: str) -> bool:
        return self._retry("exists", lambda deadline: self.bucket.object_exists(key))

    def delete(self, key: str) -> bool:
        there = self.exists(key)
        if there:
            self._retry("delete", lambda deadline: self.bucket.delete_object(key))
        return there

    def list(self, prefix: str) -> Iterator[Entry]:
        import oss2

        found = self._retry(
            "list",
            lambda deadline: list(oss2.ObjectIteratorV2(self.bucket, prefix=prefix, max_retries=1)),
        )
        yield from (Entry(entry.key, entry.size, float(entry.last_modified)) for entry in found)

    @property
    def bucket(self):
        if self._bucket is None:
            self._bucket = _open_bucket(self.environ)
        return self._bucket

    def _upload(self, path: Path, key: str, headers: dict[str, str]):
        import oss2

        try:
            self.bucket.put_object_from_file(key, str(path), headers)
        except oss2.exceptions.InconsistentError:  # stored, but damaged on the way
            headers.pop("x-oss-forbid-overwrite", None)
            raise

    def _is_pushed(self, key: str, token: str) -> bool:
        """Whether the object is of the push with that token, whose first answer was lost."""
        try:
            head = self._retry("head", lambda deadline: self.bucket.head_object(key))
        except NoObject:
            return False
        return head.headers.get("x-oss-meta-push") == token

    def _download(self, key: str, path: Path, limit: int, deadline: float):
        import oss2

        answer = self.bucket.get_object(key)
        # a server that sends a byte now and then never meets the read timeout
        watchdog = threading.Timer(
            max(0.0, deadline - time.monotonic()), answer.resp.response.raw.shutdown
        )
        watchdog.daemon = True
        watchdog.start()
        try:
            if answer.content_length is not None and answer.content_length > limit:
                raise too_large_error(limit)
            size = _copy(lambda: answer.read(BLOCK), path, limit)
            if answer.content_length is not None and size != answer.content_length:
                raise oss2.exceptions.InconsistentError(
                    f"got {size} bytes of {answer.content_length}", answer.request_id
                )
            if answer.server_crc is not None and answer.client_crc != answer.server_crc:
                raise oss2.exceptions.InconsistentError("the checksum differs", answer.request_id)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if time.monotonic() > deadline:
                raise timed_out_error() from error
            raise
        finally:
            watchdog.cancel()
            answer.close()

    def _retry(self, what: str, work: Callable[[float], Any]) -> Any:
        """Run work(deadline), and again after temporary failures.

        Raises NoObject, ObjectExists or a Problem.
        """
        import oss2
        import requests

        deadline = time.monotonic() + DEADLINE
        for attempt in range(1, TRIES + 1):
            try:
                return work(deadline)
            except (oss2.exceptions.OssError, requests.exceptions.RequestException) as error:
                if getattr(error, "status", 0) == 404 and _code(error) in ("", "NoSuchKey"):
                    raise NoObject() from error
                if _code(error) == "FileAlreadyExists":
                    raise ObjectExists() from error
                pause = FIRST_PAUSE * 4 ** (attempt - 1) * random.uniform(0.75, 1.25)
                log.warning(
                    "store: %s failed, try %d of %d: %s", what, attempt, TRIES, describe(error)
                )
                if (
                    attempt == TRIES
                    or not _is_temporary(error)
                    or time.monotonic() + pause > deadline
                ):
                    raise _as_problem(error) from error
                time.sleep(pause)


def _open_bucket(environ):
    import oss2

    logging.getLogger("oss2").setLevel(logging.ERROR)  # it logs keys and answers
    provider = oss2.StaticCredentialsProvider(
        environ["OSS_ACCESS_KEY_ID"],
        environ["OSS_ACCESS_KEY_SECRET"],
        environ.get("OSS_SESSION_TOKEN"),
    )
    return oss2.Bucket(
        oss2.ProviderAuthV4(provider),
        environ.get("OSS_ENDPOINT") or ENDPOINT,
        environ.get("OSS_BUCKET") or BUCKET,
        region=(environ.get("OSS_REGION") or REGION).removeprefix("oss-"),
        connect_timeout=TIMEOUTS,
        app_name="cosyvoice",
    )


def describe(error: Exception) -> str:
    """The error for the log, without address or credentials."""
    status, request = getattr(error, "status", None), getattr(error, "request_id", "")
    return f"{type(error).__name__} {status or ''} {_code(error)} {request or ''}".strip()


def _code(error: Exception) -> str:
    """OSS's code of an error; "" for an error of the network."""
    return getattr(error, "code", "") or ""


def _is_temporary(error: Exception) -> bool:
    """True for a failure of the network or the server, throttling and a wrong checksum."""
    status = getattr(error, "status", -2)  # oss2: -1 wrong use, -2 the network, -3 a wrong checksum
    return status < -1 or status >= 500 or status == 429


def _is_timeout(error: BaseException | None) -> bool:
    import requests

    while error is not None:
        if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error).lower():
            return True
        error = getattr(error, "exception", None) or error.__cause__
    return False


def _as_problem(error: Exception) -> Problem:
    if _is_timeout(error):
        return timed_out_error()
    return Problem(
        502,
        "store_failed",
        None,
        "the object store failed; try again, and tell the operator if it keeps failing",
        "对象存储出错；请重试，若持续出现请联系管理员",
    )


def timed_out_error() -> Problem:
    return Problem(
        504,
        "store_timeout",
        None,
        "the object store did not answer in time; try again",
        "对象存储超时；请重试",
    )


def too_large_error(limit: int) -> Problem:
    return Problem(
        413,
        "object_too_large",
        None,
        f"the stored file is larger than {limit / 1e6:.0f} MB",
        f"存储的文件超过 {limit / 1e6:.0f} MB",
    )
