"""Host names and origins in one spelling each, so that they can be compared."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]+")  # of a host, or an address


def host_of(text: str) -> str:
    """The host of a Host header, as a name or an address; "" if it has none.

    In lower case, without port, brackets and final dot. A name in other letters is in the form in
    which browsers send it.
    """
    text = text.strip()
    if text.count(":") > 1 and not text.startswith("["):  # an IPv6 address alone
        text = f"[{text}]"
    host = (split(f"//{text}").hostname or "").removesuffix(".")
    try:
        return ipaddress.ip_address(host).compressed
    except ValueError:
        pass
    try:
        return host.encode("idna").decode().lower()
    except UnicodeError:
        return host.lower()


def origin_of(url: str) -> str:
    """The origin of an address, without a port that its scheme has anyway; "" if it has none.

    The origin "null", which browsers send for pages without one, stays as it is.
    """
    url = url.strip()
    if url == "null":
        return url
    parts = split(url)
    host = host_of(parts.netloc)
    if not parts.scheme or not host:
        return ""
    try:
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # not a number
        return ""
    suffix = "" if port == DEFAULT_PORTS.get(parts.scheme) else f":{port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{suffix}"


def is_host(host: str) -> bool:
    """Whether a host in the spelling of host_of can be one."""
    return bool(NAME.fullmatch(host))


def is_of_host(origin: str, host: str) -> bool:
    """Whether an origin is that of a service addressed by this Host header."""
    scheme = split(origin).scheme
    return bool(scheme) and origin_of(origin) == origin_of(f"{scheme}://{host}") != ""


def is_loopback(host: str) -> bool:
    """Whether a host in the spelling of host_of is this computer."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def split(url: str) -> SplitResult:
    """urlsplit, with an empty result for what it refuses, such as http://[."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")
