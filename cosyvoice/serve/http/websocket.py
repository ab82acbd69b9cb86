"""WebSockets: a connection of the event loop, as the thread of the app uses it.

The opening request of a WebSocket runs through the app as any GET does, with all its checks; the
view finds the WebSocket in environ["cosyvoice.websocket"] and accepts it. Source: RFC 6455, and the
ASGI specification, WebSocket version 2.4.
"""

import asyncio
import queue
from collections.abc import Callable
from contextlib import closing
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_MESSAGE = 1 << 18  # bytes
WAITING_MESSAGES = 16  # that are read ahead; then the client must wait
REFUSED, BROKEN = 1008, 1011  # codes that close a WebSocket: policy, unexpected condition


class GatedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, over a connection that the Gate goes on to count."""

    connection: Any  # see gate.Connection.handle_websocket_upgrade

    def connection_lost(self, exc):
        self.connection.gate.closed(self.connection)
        super().connection_lost(exc)


class WebSocket:
    """One WebSocket. Its methods but `read` are for the threads of the app.

    outbox: the bridge's Outbox, by which messages reach the event loop.
    """

    def __init__(self, outbox: Any):
        self.outbox = outbox
        self.inbox: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.is_accepted = False

    def accept(self, headers: dict[str, str]):
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.outbox.put({"type": "websocket.accept", "headers": encoded})
        self.is_accepted = True

    def receive(self) -> str | None:
        """The next message, "" for one that is no text; None when the client has left."""
        return self.inbox.get()

    def send(self, text: str):
        """Raises ClientDisconnected when nobody reads any more."""
        self.outbox.put({"type": "websocket.send", "text": text})

    def close(self, code: int = 1000, reason: str = ""):
        self.outbox.put({"type": "websocket.close", "code": code, "reason": reason})

    async def read(self, receive: Callable):
        """Take the client's messages until it leaves; runs in the event loop."""
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                self.inbox.put(message.get("text") or "")
                while self.inbox.qsize() >= WAITING_MESSAGES and not self.outbox.is_closed:
                    await asyncio.sleep(0.05)
        finally:  # also when the service stops
            self.inbox.put(None)
            self.outbox.close()


def run_socket(app: Callable, environ: dict, socket: WebSocket):
    """Call a WSGI app for a WebSocket; what it answers without accepting it refuses it."""
    start: dict = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info=None):
        encoded = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers]
        start.update(status=int(status[:3]), headers=encoded)

    try:
        answer = app({**environ, "cosyvoice.websocket": socket}, start_response)
        with closing(answer):
            body = b"".join(answer)
        if not socket.is_accepted:
            begin = {"type": "websocket.http.response.start", **start}
            socket.outbox.put(begin, {"type": "websocket.http.response.body", "body": body})
        elif start["status"] >= 400:  # an error that the view did not tell
            socket.close(BROKEN)
    finally:
        socket.outbox.end()
