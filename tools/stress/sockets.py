"""Hostile sockets of each kind, held open while the service is asked to answer and to speak."""

import contextlib
import json
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import requests

from tools.stress import Row

SOCKETS = 200
IDLE = 1100  # what once locked a server out
SECONDS = 8.0  # for which the sockets of one kind are held
HEALTH = 0.1  # seconds, 95th percentile
STRANGER = "127.0.0.2"  # every Linux has it; elsewhere all sockets come from one address
PATIENCE = 30.0  # seconds in which a caller must have been served

HEAD = b"POST /generate_audio HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET /page/main.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
JOB = {"mode": "预训练音色", "tts_text": "你好。", "spk_id": "中文女"}


def unfinished_head(connection: socket.socket, key: bytes):
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")


def unfinished_body(connection: socket.socket, key: bytes):
    authorization = b"Authorization: Bearer " + key
    connection.sendall(HEAD + authorization + b"\r\nContent-Length: 5000\r\n\r\n{")


def unfinished_body_without_key(connection: socket.socket, key: bytes):
    connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\n{")


def unread_pages(connection: socket.socket, key: bytes):
    """Many requests on one connection, whose answers are never read."""
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError, ConnectionError):
        for _ in range(200):
            connection.sendall(GET)


def unread_speech(connection: socket.socket, key: bytes):
    """A caller with a key who never reads the sound."""
    body = json.dumps(JOB).encode()
    head = HEAD + b"Authorization: Bearer " + key
    connection.sendall(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def nothing(connection: socket.socket, key: bytes):
    pass


KINDS: dict[Callable, int] = {
    nothing: IDLE,
    unfinished_head: SOCKETS,
    unfinished_body: SOCKETS,
    unfinished_body_without_key: SOCKETS,
    unread_pages: SOCKETS,
    unread_speech: SOCKETS,
}


def connect(host: str, port: int) -> socket.socket:
    """A connection from another address than the callers', where this system has one."""
    try:
        return socket.create_connection((host, port), timeout=2, source_address=(STRANGER, 0))
    except OSError:
        return socket.create_connection((host, port), timeout=2)


@contextlib.contextmanager
def hostile(url: str, key: str, behave: Callable, count: int) -> Iterator[None]:
    """So many connections that behave like this; those that slow down go on in a thread."""
    address = urlsplit(url)
    connections: list[socket.socket] = []
    stop = threading.Event()

    def drip():
        """A byte a second on each, as a patient attacker sends."""
        while not stop.wait(1.0):
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.send(b"x")

    try:
        for _ in range(count):
            with contextlib.suppress(OSError):
                connection = connect(address.hostname or "", address.port or 80)
                connections.append(connection)
                behave(connection, key.encode())
        if behave in (unfinished_head, unfinished_body, unfinished_body_without_key):
            threading.Thread(target=drip, daemon=True).start()
        yield
    finally:
        stop.set()
        for connection in connections:
            connection.close()


def health_times(url: str, seconds: float) -> list[float]:
    """Seconds of each question about health, ten a second, each on a connection of its own."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        try:
            ok = requests.get(f"{url}/health", timeout=5).ok
        except requests.RequestException:
            ok = False
        times.append(time.monotonic() - begin if ok else 5.0)
        time.sleep(0.1)
    return times


def speaks(url: str, key: str) -> float:
    """Seconds until a key holder has a short sentence; infinite when it fails."""
    begin = time.monotonic()
    headers = {"Authorization": f"Bearer {key}"}
    job = {**JOB, "stream": "False"}
    while time.monotonic() - begin < PATIENCE:
        with contextlib.suppress(requests.RequestException):
            answer = requests.post(
                f"{url}/generate_audio", json=job, headers=headers, timeout=PATIENCE
            )
            if answer.ok:
                return time.monotonic() - begin
            if answer.status_code == 503:  # busy with what the strangers asked for
                time.sleep(1)
                continue
            break
    return float("inf")


def run(url: str, pid: int) -> list[Row]:
    """One row for each kind of socket; pid is not used."""
    key = os.environ.get("API_KEY", "")
    rows = []
    for behave, count in KINDS.items():
        with hostile(url, key, behave, count):
            times = health_times(url, SECONDS)
            spoken = speaks(url, key)
        worst = statistics.quantiles(times, n=20)[-1]
        rows.append(
            Row(
                f"{count} sockets: {behave.__name__.replace('_', ' ')}",
                f"/health p95 < {HEALTH} s, a key holder speaks",
                f"p95 {worst:.3f} s, speech after {spoken:.1f} s",
                worst < HEALTH and spoken < PATIENCE,
            )
        )
        time.sleep(1)
    return rows
