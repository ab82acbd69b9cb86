"""Who may call: keys, users, origins and host names; and the headers every answer carries.

A page elsewhere on the web must not drive a service on somebody's own computer, so requests that a
browser sends for a foreign page are refused even where no key is set.
"""

import hashlib
import hmac
import json
import logging
import re
import secrets
import stat
import threading
import time
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flask import Flask, Response, g, request

from cosyvoice.serve.addresses import host_of, is_loopback, is_of_host, origin_of
from cosyvoice.serve.config import Config, StartError
from cosyvoice.serve.http.limits import Allowance
from cosyvoice.serve.http.problem import Problem

log = logging.getLogger(__name__)
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
OPEN = {"/", "/health", "/ready", "/docs", "/openapi.json"}  # without a key: nothing personal
PAGES = {"/", "/docs"}  # a link elsewhere may lead here
OWNER = re.compile(r"learn-wave/([^/]+)/")  # keys and paths that belong to a user
EXPOSED = (  # to pages elsewhere
    "X-Request-ID",
    "Retry-After",
    "X-Text-Warnings",
    "X-AI-Generated",
    "X-Verify",
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
ELEVENLABS = "xi-api-key"  # the header that clients written for its API send
PREFLIGHT_SECONDS = "600"  # a browser may remember the answer for so long
REREAD_SECONDS = 1.0  # API_KEYS_FILE is read so often though it looks unchanged
LIMITS = ("requests_per_minute", "characters_per_day")  # of a key
MAX_KEYS_BYTES = 16_000_000  # of API_KEYS_FILE
# A browser that is led to a sound makes a page around it, whose player loads the address again.
SOUND_POLICY = "default-src 'none'; media-src 'self'; frame-ancestors 'none'"


SOUND = {"X-AI-Generated": "true"}  # headers of every answer that is sound


@dataclass(frozen=True)
class Rights:
    """What a key may do: act for these users, or for all; and how much."""

    users: Set[str] | Literal["*"] = "*"
    allowance: Allowance = Allowance()


class Keys:
    """The keys of API_KEY and API_KEYS_FILE. Thread-safe.

    The file is read again when it changes. While it cannot be used, the keys that were read last
    stay good and each change is an error in the log. Raises a StartError if the first reading
    fails.
    """

    def __init__(self, key: str, file: str):
        self.fixed = {_digest(key): Rights()} if key else {}
        self.file = Path(file) if file else None
        self.from_file: dict = {}
        self.stamp: tuple | None = None  # of the file when it was read
        self.digest = ""  # of what was read
        self.next_reading = 0.0  # when it is read also if the stamp is the same
        self.reading = threading.Lock()
        if self.file:
            self.from_file = self._read_changed(self.file)

    @property
    def wanted(self) -> bool:
        return bool(self.fixed or self.file)

    def rights_of(self, key: str) -> Rights | None:
        """None for an unknown key."""
        self._renew()
        given, found = _digest(key), None
        for digest, users in {**self.from_file, **self.fixed}.items():
            if hmac.compare_digest(digest, given):
                found = users
        return found

    def _renew(self):
        """Read the file if it has changed. Never waits for another thread that reads it."""
        if self.file is None or not self.reading.acquire(blocking=False):
            return
        try:
            if (keys := self._read_changed(self.file)) is not None:
                self.from_file = keys
                log.info("API_KEYS_FILE has changed: %d keys", len(keys))
        except StartError as error:
            log.error("%s; the keys of before stay good / 继续使用之前的密钥", error)
        finally:
            self.reading.release()

    def _read_changed(self, file: Path):
        """The keys of a file whose content is not that of the last reading, else None.

        Raises a StartError for a content that cannot be used, once.
        """
        stamp, now = _stamp(file), time.monotonic()
        if stamp == self.stamp and now < self.next_reading:
            return None
        self.stamp, self.next_reading = stamp, now + REREAD_SECONDS
        content, before = _content(file), self.digest
        self.digest = _digest(content)
        return None if self.digest == before else parse_keys(file, content)


def _stamp(file: Path) -> tuple | None:
    """What changes with most changes of a file; None for none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _content(file: Path) -> bytes | str:
    """The bytes of a file of keys, or why it cannot be read."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return "it is not a file"
        with open(file, "rb") as opened:
            content = opened.read(MAX_KEYS_BYTES + 1)
    except OSError as error:
        return error.strerror or type(error).__name__
    return content if len(content) <= MAX_KEYS_BYTES else "it is too large"


def parse_keys(file: Path, content: bytes | str) -> dict:
    """{digest of key: Rights}. Raises a StartError for another content."""
    if isinstance(content, str):
        raise StartError(
            f"API_KEYS_FILE {file} cannot be read ({content}): "
            "correct the path or the file's permissions",
            f"无法读取 API_KEYS_FILE {file}，请检查路径和权限",
        )
    try:
        keys = json.loads(content.decode("utf-8-sig"))
        assert isinstance(keys, dict)
        assert all(keys)
        return {_digest(key): read_rights(value) for key, value in keys.items()}
    except (ValueError, AssertionError, RecursionError) as error:
        example = (
            '{"key": ["user id"], "other key": "*", "third": {"users": ["user id"], '
            '"requests_per_minute": 60, "characters_per_day": 100000}}'
        )
        raise StartError(
            f"API_KEYS_FILE {file} is wrong or half written: it must hold JSON like {example}",
            f"API_KEYS_FILE {file} 有误或不完整，内容须为 JSON，形如 {example}",
        ) from error


def read_rights(value) -> Rights:
    """Of "*", a list of users, or an object that has also limits; AssertionError for another."""
    given = value if isinstance(value, dict) else {"users": value}
    assert given.keys() <= {"users", *LIMITS} and "users" in given
    users = given["users"]
    assert users == "*" or isinstance(users, list) and all(isinstance(u, str) for u in users)
    limits = {name: given.get(name) for name in LIMITS}
    assert all(most is None or type(most) is int and most >= 0 for most in limits.values())
    return Rights("*" if users == "*" else frozenset(users), Allowance(**limits))


def _digest(data: str | bytes) -> str:
    data = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return hashlib.sha256(data).hexdigest()


def install(app: Flask, config: Config, keys: Keys):
    """Check every request before it is read, and give every answer its id and headers."""

    @app.before_request
    def check():
        g.request_id = _request_id()
        g.users, g.allowance = "*", Allowance()
        g.caller, g.is_master = "", False
        _check_host(config)
        _check_origin(config)
        if request.method == "OPTIONS":
            return Response(status=204)
        is_open = address() in OPEN and not asks_for_speech(config)
        if keys.wanted and not is_open and not request.path.startswith("/page/"):
            rights = _check_key(keys)
            g.users, g.allowance = rights.users, rights.allowance

    @app.after_request
    def finish(answer: Response) -> Response:
        answer.headers["X-Request-ID"] = g.get("request_id") or secrets.token_hex(8)
        kind = answer.mimetype or ""
        if kind.startswith("audio/"):
            answer.headers.setdefault("Content-Security-Policy", SOUND_POLICY)
        if kind.startswith("audio/") or kind == "text/event-stream":
            answer.headers.update(SOUND)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if config.cors_origins:
            answer.headers.add("Vary", "Origin")
        if _is_allowed_origin(request.headers.get("Origin"), config):
            answer.headers.update(_cors_headers())
        return answer


def address() -> str:
    """The path of the current request without a slash at its end."""
    return request.path.rstrip("/") or "/"


def _cors_headers() -> dict[str, str]:
    """Headers that let a page of an allowed origin read the answer and send what it asks for."""
    headers = {
        "Access-Control-Allow-Origin": request.headers["Origin"],
        "Access-Control-Expose-Headers": ", ".join(EXPOSED),
    }
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
        headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
        if wanted := request.headers.get("Access-Control-Request-Headers"):
            headers["Access-Control-Allow-Headers"] = wanted
    return headers


def _is_allowed_origin(origin: str | None, config: Config) -> bool:
    if origin is None:
        return False
    return "*" in config.cors_origins or origin_of(origin) in config.cors_origins


def check_user(user_id: str):
    """Raises a 403 Problem when the caller's key may not act for that user."""
    if user_id and g.users != "*" and user_id not in g.users:
        raise Problem(
            403,
            "foreign_user",
            "user_id",
            "your key may not act for this user_id",
            "您的密钥无权代表该 user_id",
        )


def check_reader(caller: str, user_id: str):
    """Raises a 403 Problem for what another caller made, unless the key may act for its user.

    caller: g.caller of the request that made it. The key of API_KEY reads all.
    """
    check_user(user_id)
    if not (user_id or caller == g.caller or g.is_master):
        raise Problem(
            403,
            "foreign_request",
            "id",
            "that request was made with another key; ask with the key that made it",
            "该请求由其他密钥发出，请使用发出该请求的密钥查询",
        )


def owner(user_id: str) -> str:
    """Whose a request is: the user's it names, else one's that the key may act for."""
    return user_id or ("" if g.users == "*" else min(g.users, default=""))


def sole_user(user_id: str) -> str:
    """The user whose things are meant: the named one, or the only one the key may act for."""
    is_only_one = g.users != "*" and len(g.users) == 1
    return user_id or (next(iter(g.users)) if is_only_one else "")


def check_reference_owner(path: str, field: str = "prompt_speech_16k"):
    """Raises a 403 Problem for a recording of a user whom the caller's key may not act for."""
    found = OWNER.match(path)
    if found and g.users != "*" and found[1] not in g.users:
        raise Problem(
            403,
            "foreign_user",
            field,
            "that reference belongs to a user your key may not act for",
            "该参考音频属于您的密钥无权代表的用户",
        )


def check_reference_key(key: str, user_id: str, prefix: str, field: str = "prompt_speech_16k"):
    """Raises a 404 Problem for an object that OSS_PROMPT_PREFIX does not allow as a recording."""
    if not key.startswith(prefix.replace("{user_id}", user_id)):
        raise Problem(404, "no_reference", field, "no such recording", "没有这个音频文件")


def _request_id() -> str:
    given = request.headers.get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _check_host(config: Config):
    """Listening on a loopback address, serve only its own names.

    The domain of a page elsewhere may have been pointed at this address (DNS rebinding).
    """
    host = host_of(request.headers.get("Host", ""))
    allowed = config.allowed_hosts or (() if is_loopback(host_of(config.host)) else ("*",))
    if not ("*" in allowed or host in allowed or is_loopback(host)):
        raise Problem(
            403,
            "foreign_host",
            None,
            "this host name is not served here; the operator can add it to ALLOWED_HOSTS",
            "不接受该主机名；管理员可将其加入 ALLOWED_HOSTS",
        )


def _check_origin(config: Config):
    """Refuse what a browser sends for a page of another origin, unless the operator allows it.

    Browsers send Sec-Fetch-Site to loopback addresses and over TLS, and media elements send no
    Origin; so the Referer counts where there is no Origin.
    """
    site = request.headers.get("Sec-Fetch-Site")
    is_foreign = site in ("cross-site", "same-site")
    origin = request.headers.get("Origin")
    if origin is None:
        if is_link_to_page() and not asks_for_speech(config):
            return
        referer = request.headers.get("Referer", "")
        origin = origin_of(referer) if "://" in referer else None
    if site == "same-origin" or _is_allowed_origin(origin, config):
        return
    host = request.headers.get("Host", "")
    if is_foreign or origin is not None and not is_of_host(origin, host):
        raise Problem(
            403,
            "foreign_origin",
            None,
            "pages of this origin may not call the service; "
            "the operator can add it to CORS_ORIGINS",
            "不允许该来源的网页调用；管理员可将其加入 CORS_ORIGINS",
        )


def asks_for_speech(config: Config) -> bool:
    """Whether a request to the page's address is one to speak, see routes/legacy.py."""
    is_page = request.method in ("GET", "HEAD") and "text" not in request.args
    return bool(config.legacy_api) and address() == "/" and not is_page


def is_link_to_page() -> bool:
    """Whether a browser may be following a link to one of PAGES, which hold nothing personal."""
    destination = request.headers.get("Sec-Fetch-Dest", "document")
    return request.method == "GET" and address() in PAGES and destination == "document"


def _check_key(keys: Keys) -> Rights:
    given = request.headers.get("Authorization") or f"Bearer {request.headers.get(ELEVENLABS, '')}"
    scheme, _, key = given.partition(" ")
    rights = keys.rights_of(key.strip()) if scheme.lower() == "bearer" and key else None
    if rights is None:
        raise Problem(
            401,
            "no_key",
            None,
            "send your key as `Authorization: Bearer <key>`",
            "请在请求头中发送密钥：Authorization: Bearer <密钥>",
            {"WWW-Authenticate": 'Bearer realm="cosyvoice"'},
        )
    g.caller = _digest(key.strip())
    g.is_master = g.caller in keys.fixed
    return rights
