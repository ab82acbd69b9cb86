"""Connections of the server: deadlines for what a client owes, and a bound on their number.

A client owes something when the server waits for it: a request's head, its body, or that it reads
the answer. A client that lets a deadline pass is disconnected. When there are too many connections,
the one that has owed longest makes room, so strangers who do nothing cannot lock others out.
Everything here runs in the event loop, without a thread for each client.
"""

import asyncio
import json
import secrets
import socket
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from cosyvoice.serve.http.problem import Problem, body_for, status_error

HEAD_SECONDS = 15.0  # to send a request's head, counted from the connection or the last answer
BODY_SECONDS = 20.0  # between two parts of a body
BODY_SECONDS_IN_ALL = 300.0  # for a whole body, however steadily its parts come
SEND_SECONDS = 120.0  # without reading anything of an answer; a paused player may not read for long
MAX_CONNECTIONS = 1000
MAX_HEAD_BYTES = 32_768  # of a request's line and headers


class Gate:
    """The connections of one event loop; those that owe something by the time since when."""

    def __init__(self, limit: int = MAX_CONNECTIONS):
        self.limit = limit
        self.count = 0
        self.owing: dict[Connection, asyncio.TimerHandle] = {}  # in order of insertion

    def opened(self, connection: "Connection"):
        self.count += 1
        if self.count > self.limit and self.owing:
            next(iter(self.owing)).hang_up()
        self.owes(connection, HEAD_SECONDS)

    def closed(self, connection: "Connection"):
        self.count -= 1
        self.is_served(connection)

    def owes(self, connection: "Connection", seconds: float):
        """From now on the client has so many seconds; a call again starts anew."""
        self.is_served(connection)
        loop = asyncio.get_running_loop()
        self.owing[connection] = loop.call_later(seconds, connection.hang_up)

    def is_served(self, connection: "Connection"):
        """The client owes nothing: the server is at work for it, or it is gone."""
        if timer := self.owing.pop(connection, None):
            timer.cancel()

    async def wait_for(self, connection: "Connection", what: Awaitable, seconds: float):
        """What the client does next; it is disconnected when it takes longer."""
        self.owes(connection, seconds)
        try:
            return await what
        finally:
            self.is_served(connection)


class Connection(H11Protocol):
    """One connection of uvicorn under a Gate. Its requests have it in scope["connection"]."""

    gate: Gate  # set by protocol()

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.serve, self.app = self.app, self._serve_one
        self.head_bytes = 0  # received since the last request

    def connection_made(self, transport):
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            # asyncio sets it only where the listening socket names its protocol.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self.gate.opened(self)

    def connection_lost(self, exc):
        self.gate.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes):
        self.head_bytes += len(data)
        super().data_received(data)

    def handle_websocket_upgrade(self, event):
        """Go on as a WebSocket, which is still this connection of the gate."""
        self.gate.is_served(self)
        super().handle_websocket_upgrade(event)
        socket: Any = self.transport.get_protocol()
        socket.connection = self
        if hasattr(socket, "scope"):  # none where the handshake was wrong
            socket.scope["connection"] = self

    async def _serve_one(self, scope, receive, send):
        """Serve one request; then the client owes the next one."""
        self.gate.is_served(self)
        self.head_bytes = 0
        try:
            await self.serve({**scope, "connection": self}, receive, send)
        finally:
            if not self.transport.is_closing():
                self.gate.owes(self, HEAD_SECONDS)

    def on_response_complete(self):
        """Close the connection of a client that has sent its next request too early.

        No browser or library does; each such request would cost work whose answer nobody reads.
        """
        if self.conn.trailing_data[0]:
            self.transport.close()
        super().on_response_complete()

    def hang_up(self):
        """Disconnect at once, so that half an answer does not look like a whole one."""
        self.gate.is_served(self)
        self.transport.abort()

    def send_400_response(self, msg: str):
        """What h11 refuses before the app sees it gets an answer in the service's form."""
        status = 431 if self.head_bytes > MAX_HEAD_BYTES else 400
        head, body = json_answer(status_error(status, msg), "")
        reason = HTTPStatus(status).phrase.encode()
        headers = [*head, (b"connection", b"close")]
        response = h11.Response(status_code=status, headers=headers, reason=reason)
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def protocol(gate: Gate) -> type[Connection]:
    """The protocol class that uvicorn makes one of for each connection."""
    return type("GatedConnection", (Connection,), {"gate": gate})


def json_answer(problem: Problem, path: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of an error that no app has answered, in the form of that address."""
    body = json.dumps(body_for(path, problem), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Request-ID": secrets.token_hex(8),
        "X-Content-Type-Options": "nosniff",
        **problem.headers,
    }
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()], body
