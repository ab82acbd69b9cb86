"""Who may call: keys, users, origins and host names; and the headers every answer carries.

A page elsewhere on the web must not drive a service on somebody's own computer, so requests that a
browser sends for a foreign page are refused even where no key is set.
"""

import hashlib
import hmac
import ipaddress
import json
import logging
import re
import secrets
import threading
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from flask import Flask, Response, g, request

from cosyvoice.serve.config import Config
from cosyvoice.serve.http.problem import Problem

log = logging.getLogger(__name__)
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
OPEN = {"/", "/health", "/ready", "/docs", "/openapi.json"}  # without a key: nothing personal
PAGES = {"/", "/docs"}  # a link elsewhere may lead here
OWNER = re.compile(r"learn-wave/([^/]+)/")  # keys and paths that belong to a user
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
PREFLIGHT_SECONDS = "600"  # a browser may remember the answer for so long


class Keys:
    """The keys of API_KEY and API_KEYS_FILE, which is read again when it changes."""

    def __init__(self, key: str, file: str):
        self.fixed = {_digest(key): "*"} if key else {}
        self.file = Path(file) if file else None
        self.stamp: int | None = None  # of the file when it was read
        self.from_file: dict = {}
        self.reading = threading.Lock()

    @property
    def wanted(self) -> bool:
        return bool(self.fixed or self.file)

    def users_of(self, key: str):
        """ "*" or the set of user ids that the key may act for; None for an unknown key."""
        given, found = _digest(key), None
        for digest, users in {**self._read(), **self.fixed}.items():
            if hmac.compare_digest(digest, given):
                found = users
        return found

    def _read(self) -> dict:
        with self.reading:
            if self.file and self.stamp != (stamp := self.file.stat().st_mtime_ns):
                self.from_file, self.stamp = parse_keys(self.file), stamp
            return self.from_file


def parse_keys(file: Path) -> dict:
    """{digest of key: "*" or set of user ids}. Raises ValueError for another content."""
    try:
        keys = json.loads(file.read_text("utf-8"))
        assert isinstance(keys, dict)
        assert all(
            key
            and (users == "*" or isinstance(users, list) and all(isinstance(u, str) for u in users))
            for key, users in keys.items()
        )
    except (ValueError, AssertionError) as error:
        raise ValueError(
            f'API_KEYS_FILE {file} must hold JSON like {{"key": ["user id"], "other key": "*"}}'
        ) from error
    return {
        _digest(key): users if users == "*" else frozenset(users) for key, users in keys.items()
    }


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def install(app: Flask, config: Config):
    """Check every request before it is read, and give every answer its id and headers."""
    keys = Keys(config.api_key, config.api_keys_file)
    if keys.file:
        keys._read()  # a wrong file is reported at start-up

    @app.before_request
    def check():
        g.request_id = _request_id()
        g.users = "*"
        _check_host(config)
        _check_origin(config)
        if request.method == "OPTIONS":
            return Response(status=204)
        if keys.wanted and address() not in OPEN and not request.path.startswith("/page/"):
            g.users = _check_key(keys)

    @app.after_request
    def finish(answer: Response) -> Response:
        answer.headers["X-Request-ID"] = g.get("request_id") or secrets.token_hex(8)
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
        "Access-Control-Expose-Headers": "X-Request-ID, Retry-After",
    }
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE, OPTIONS"
        headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
        if wanted := request.headers.get("Access-Control-Request-Headers"):
            headers["Access-Control-Allow-Headers"] = wanted
    return headers


def _is_allowed_origin(origin: str | None, config: Config) -> bool:
    return origin is not None and ("*" in config.cors_origins or origin in config.cors_origins)


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


def owner(user_id: str) -> str:
    """Whose a request is: the user's it names, else one's that the key may act for."""
    return user_id or ("" if g.users == "*" else min(g.users, default=""))


def check_reference_owner(path: str):
    """Raises a 403 Problem for a reference of a user whom the caller's key may not act for."""
    found = OWNER.match(path)
    if found and g.users != "*" and found[1] not in g.users:
        raise Problem(
            403,
            "foreign_user",
            "prompt_speech_16k",
            "that reference belongs to a user your key may not act for",
            "该参考音频属于您的密钥无权代表的用户",
        )


def check_reference_key(key: str, user_id: str, prefix: str):
    """Raises a 404 Problem for an object that OSS_PROMPT_PREFIX does not allow as a reference."""
    if not key.startswith(prefix.replace("{user_id}", user_id)):
        raise Problem(
            404, "no_reference", "prompt_speech_16k", "no such reference audio", "没有这个参考音频"
        )


def _request_id() -> str:
    given = request.headers.get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _check_host(config: Config):
    """Listening on a loopback address, serve only its own names.

    The domain of a page elsewhere may have been pointed at this address (DNS rebinding).
    """
    host = _split(f"//{request.headers.get('Host', '')}").hostname or ""
    allowed = config.allowed_hosts or (() if is_loopback(config.host) else ("*",))
    if not ("*" in allowed or host in allowed or is_loopback(host)):
        raise Problem(
            403,
            "foreign_host",
            None,
            "this host name is not served here; the operator can add it to ALLOWED_HOSTS",
            "不接受该主机名；管理员可将其加入 ALLOWED_HOSTS",
        )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # such as http://[
        return SplitResult("", "", "", "", "")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _check_origin(config: Config):
    """Refuse what a browser sends for a page of another origin, unless the operator allows it.

    Browsers send Sec-Fetch-Site to loopback addresses and over TLS, and media elements send no
    Origin; so the Referer counts where there is no Origin.
    """
    site = request.headers.get("Sec-Fetch-Site")
    is_foreign = site in ("cross-site", "same-site")
    origin = request.headers.get("Origin")
    if origin is None:
        if is_link_to_page():
            return
        origin = _origin_of(request.headers.get("Referer", ""))
    if site == "same-origin" or _is_allowed_origin(origin, config):
        return
    host = request.headers.get("Host", "").lower()
    if is_foreign or origin is not None and _split(origin).netloc.lower() != host:
        raise Problem(
            403,
            "foreign_origin",
            None,
            "pages of this origin may not call the service; "
            "the operator can add it to CORS_ORIGINS",
            "不允许该来源的网页调用；管理员可将其加入 CORS_ORIGINS",
        )


def is_link_to_page() -> bool:
    """Whether a browser may be following a link to one of PAGES, which hold nothing personal."""
    destination = request.headers.get("Sec-Fetch-Dest", "document")
    return request.method == "GET" and address() in PAGES and destination == "document"


def _origin_of(url: str) -> str | None:
    """The origin of a Referer; None for an address without a host."""
    parts = _split(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None


def _check_key(keys: Keys):
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    users = keys.users_of(key.strip()) if scheme.lower() == "bearer" and key else None
    if users is None:
        raise Problem(
            401,
            "no_key",
            None,
            "send your key as `Authorization: Bearer <key>`",
            "请在请求头中发送密钥：Authorization: Bearer <密钥>",
            {"WWW-Authenticate": 'Bearer realm="cosyvoice"'},
        )
    return users
