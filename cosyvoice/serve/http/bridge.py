"""A WSGI app behind an asynchronous server: slow clients hold no thread.

A request's body is received before the app is called, within limits of size, time and memory. The
app runs in a thread, and what it answers waits in an Outbox until the client reads it; the thread
waits only when that is full. Source: PEP 3333, and the ASGI specification, HTTP version 2.3.
"""

import asyncio
import itertools
import logging
import re
import sys
import tempfile
import threading
from asyncio import Future, Task
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import unquote_to_bytes

from cosyvoice.serve.http.gate import (
    BODY_SECONDS,
    BODY_SECONDS_IN_ALL,
    SEND_SECONDS,
    Connection,
    json_answer,
)
from cosyvoice.serve.http.problem import Problem, status_error
from cosyvoice.serve.http.websocket import WebSocket, run_socket

log = logging.getLogger(__name__)
PROBES = ("/health", "/ready")
PAGES = ("/", "/docs", "/openapi.json")
STREAMS = re.compile(r"/streams/[^/]+/audio/?")
WEBSOCKETS = re.compile(r"/v1/text-to-speech/[^/]+/stream-input/?")
MAX_STREAMS = 100  # text streams at once; the thread of each listener mostly sleeps
SPARE = 8  # threads to refuse those that are too many
BODY_IN_MEMORY = 1 << 16  # bytes of one body kept in memory; more go to a file
ALL_BODIES = 300_000_000  # bytes of all bodies that are held at once
PIECE = 1 << 16  # bytes sent at a time
OUTBOX = 8_000_000  # bytes of one answer that may wait for its client; 11 minutes of MP3


class ClientDisconnected(ConnectionError):
    """The client is gone: the app stops iterating."""


class Bridge:
    """The ASGI app that serves a WSGI app. limit(content type, path) -> bytes of a body.

    threads: requests that the app works on at once. scratch: folder for big bodies.
    """

    def __init__(
        self,
        app: Callable,
        threads: int,
        limit: Callable[[str, str], int],
        scratch: Path | None = None,
    ):
        self.app, self.limit, self.scratch = app, limit, scratch
        self.threads = ThreadPoolExecutor(threads, "request")
        # What is answered from memory has few threads of its own: many that compete for Python's
        # lock would let a probe wait behind a stranger's thousand page files.
        self.pages = ThreadPoolExecutor(2, "page")
        self.probes = ThreadPoolExecutor(1, "probe")
        self.streams = ThreadPoolExecutor(MAX_STREAMS + SPARE, "stream")
        self.held_bytes = 0  # of all bodies

    def pool(self, scope: dict) -> ThreadPoolExecutor:
        """The threads for that request. With a query or a body a page may have to be spoken."""
        path = scope["path"]
        if path in PROBES:
            return self.probes
        if STREAMS.fullmatch(path):
            return self.streams
        is_plain = scope["method"] in ("GET", "HEAD") and not scope["query_string"]
        is_page = path in PAGES and is_plain or path.startswith("/page/")
        return self.pages if is_page else self.threads

    async def __call__(self, scope, receive, send):
        connection: Connection = scope["connection"]
        if scope["type"] == "websocket":
            await self._talk(scope, receive, send)
            return
        with closing(Body(self, scope)) as body:
            try:
                await body.receive(receive, connection)
            except Problem as problem:
                await send_problem(send, problem, scope["path"])
                return
            except ClientDisconnected:
                return
            await self._answer(scope, body, receive, send)

    async def _answer(self, scope, body: "Body", receive, send):
        """Run the app in a thread and send what it answers."""
        loop = asyncio.get_running_loop()
        outbox = Outbox(loop)
        environ = make_environ(scope, body)
        environ["cosyvoice.client"] = outbox
        work = loop.run_in_executor(self.pool(scope), run_app, self.app, environ, outbox)
        watch = loop.create_task(close_when_gone(receive, outbox))
        await self._deliver(scope["connection"], outbox, send, work, watch)

    async def _talk(self, scope, receive, send):
        """Run the app in a thread for a WebSocket. Other addresses than WEBSOCKETS have none."""
        await receive()  # the wish to connect
        if not WEBSOCKETS.fullmatch(scope["path"]):
            headers, error = json_answer(status_error(404, ""), scope["path"])
            begin = {"type": "websocket.http.response.start", "status": 404, "headers": headers}
            await send(begin)
            await send({"type": "websocket.http.response.body", "body": error})
            return
        loop = asyncio.get_running_loop()
        outbox = Outbox(loop)
        socket = WebSocket(outbox)
        scheme = scope["scheme"].replace("ws", "http")
        with closing(Body(self, scope)) as body:
            environ = make_environ({**scope, "method": "GET", "scheme": scheme}, body)
            environ["cosyvoice.client"] = outbox
            environ.pop("HTTP_UPGRADE", None)  # else werkzeug looks for routes of its own kind
            work = loop.run_in_executor(self.streams, run_socket, self.app, environ, socket)
            watch = loop.create_task(socket.read(receive))
            await self._deliver(scope["connection"], outbox, send, work, watch)

    async def _deliver(
        self, connection: Connection, outbox: "Outbox", send, work: Future, watch: Task
    ):
        """Send what the app puts out, until it ends; watch closes the outbox of a client gone."""
        try:
            while (message := await outbox.get()) is not None:
                for part in pieces(message):
                    await connection.gate.wait_for(connection, send(part), SEND_SECONDS)
            await work
            if outbox.is_broken:
                connection.hang_up()
        finally:
            outbox.close()
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.shield(work)


class Body:
    """The body of one request, in memory or in a file, complete before the app sees it."""

    def __init__(self, bridge: Bridge, scope: dict):
        self.bridge = bridge
        headers = dict(scope["headers"])
        self.limit = bridge.limit(
            headers.get(b"content-type", b"").decode("latin-1"), scope["path"]
        )
        self.declared = int(headers.get(b"content-length", 0))  # h11 has checked it
        self.size = 0
        self._file: IO[bytes] | None = None

    @property
    def file(self) -> IO[bytes]:
        if self._file is None:
            scratch = str(self.bridge.scratch) if self.bridge.scratch else None
            self._file = cast(IO, tempfile.SpooledTemporaryFile(BODY_IN_MEMORY, dir=scratch))
        return self._file

    async def receive(self, receive, connection: Connection):
        """Raises a 413 or 503 Problem, or ClientDisconnected."""
        self._check(self.declared)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + BODY_SECONDS_IN_ALL
        more = True
        while more:
            seconds = min(BODY_SECONDS, deadline - loop.time())
            message = await connection.gate.wait_for(connection, receive(), seconds)
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            if data := message.get("body", b""):
                self._check(self.size + len(data))
                self.file.write(data)
                self.size += len(data)
                self.bridge.held_bytes += len(data)
            more = message.get("more_body", False)
        self.file.seek(0)

    def _check(self, size: int):
        if size > self.limit:
            raise status_error(413, "")
        if self.bridge.held_bytes + size - self.size > ALL_BODIES:
            raise Problem(
                503,
                "busy",
                None,
                "too many uploads at once; try again in 10 s",
                "同时上传的数据过多；请在 10 秒后重试",
                {"Retry-After": "10"},
            )

    def close(self):
        self.bridge.held_bytes -= self.size
        if self._file is not None:
            self._file.close()


class Outbox:
    """Messages from the thread of the app to the event loop, and word of the client in return."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.loop = loop
        self.messages: deque[dict] = deque()
        self.waiting_bytes = 0
        self.has_ended = self.is_closed = self.is_broken = False
        self.changed = threading.Condition()
        self.filled = asyncio.Event()

    # for the thread of the app

    def put(self, *messages: dict):
        """Raises ClientDisconnected when nobody reads any more."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting_bytes < OUTBOX or self.is_closed)
            if self.is_closed:
                raise ClientDisconnected
            self.messages.extend(messages)
            self.waiting_bytes += sum(map(size_of, messages))
        self._wake()

    def end(self):
        """Nothing more comes."""
        self.has_ended = True
        self._wake()

    def gone(self) -> bool:
        """Whether the client has left."""
        return self.is_closed

    def hang_up(self):
        """Break the connection after what was put, so that half an answer does not look whole."""
        self.is_broken = True

    def _wake(self):
        with suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(self.filled.set)

    # for the event loop

    async def get(self) -> dict | None:
        """The next message, or None at the end and when the client is gone."""
        while True:
            with self.changed:
                if self.is_closed:
                    return None
                if self.messages:
                    message = self.messages.popleft()
                    self.waiting_bytes -= size_of(message)
                    self.changed.notify_all()
                    return message
                if self.has_ended:
                    return None
                self.filled.clear()
            await self.filled.wait()

    def close(self):
        """The client is gone, or all was sent."""
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()
        self.filled.set()


def size_of(message: dict) -> int:
    """Bytes, or characters, of what a message carries."""
    return len(message.get("body") or message.get("text") or b"")


async def close_when_gone(receive, outbox: Outbox):
    """Wait for the client to leave; after the body nothing else comes from it."""
    while (await receive())["type"] != "http.disconnect":
        pass
    outbox.close()


def pieces(message: dict) -> Iterator[dict]:
    """A message whose body is cut so that a slow client gets each part within its deadline."""
    body = message.get("body", b"")
    if len(body) <= PIECE:
        yield message
        return
    *parts, last = (body[i : i + PIECE] for i in range(0, len(body), PIECE))
    for part in parts:
        yield {**message, "body": part, "more_body": True}
    yield {**message, "body": last}


async def send_problem(send, problem: Problem, path: str):
    headers, body = json_answer(problem, path)
    headers.append((b"connection", b"close"))  # the rest of its body is not read
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def run_app(app: Callable, environ: dict, outbox: Outbox):
    """Call a WSGI app and put its answer into the outbox; runs in a thread."""
    start: dict = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info=None):
        encoded = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers]
        start.update(type="http.response.start", status=int(status[:3]), headers=encoded)

    answer: Any = None
    try:
        answer = app(environ, start_response)
        chunks = iter(answer)
        first = next(chunks, b"")  # calls start_response, if the app has not done so
        missing = body_bytes(environ["REQUEST_METHOD"], start)
        begin = [start]  # sent with the first part, so that nothing comes between them
        for chunk in itertools.chain([first], chunks):
            if missing is not None:
                missing -= len(chunk)
            # The client takes an answer of known length as complete with its last byte, and may
            # send its next request: so that must not be followed by a message of its own.
            has_more = missing is None or missing > 0
            body = {"type": "http.response.body", "body": chunk, "more_body": has_more}
            outbox.put(*begin, body)
            begin = []
            if not has_more:
                break
        if missing is None and not outbox.is_broken:
            outbox.put({"type": "http.response.body", "body": b"", "more_body": False})
        elif missing:
            outbox.hang_up()  # the app made less than it said
    except ClientDisconnected:
        pass
    except Exception as error:
        if not isinstance(error, Problem):  # which is logged where it was raised
            log.debug("the app broke off its answer", exc_info=error)
        outbox.hang_up()
    finally:
        try:
            if hasattr(answer, "close"):
                answer.close()
        finally:
            outbox.end()


def body_bytes(method: str, start: dict) -> int | None:
    """How many bytes of body an answer has; None when that is not known yet."""
    if method == "HEAD" or start["status"] in (204, 304):
        return 0
    length = dict(start["headers"]).get(b"content-length")
    return None if length is None else int(length)


def make_environ(scope: dict, body: Body) -> dict:
    """The WSGI environment of a request; headers with an underscore are dropped, as others do."""
    server, client = scope["server"] or ("", None), scope["client"] or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body.file,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if b"_" in name:
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]}, {text}" if key in environ else text
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # the body is whole
    if body.size or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(body.size)
    return environ
