"""The client of a request: whether it is still there, and how to cut it off."""

import contextlib
import multiprocessing.connection
import socket
import ssl
from typing import Protocol


class Client(Protocol):
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""

    def hang_up(self) -> None:
        """Make sure that the server cannot end a broken answer as if it were whole."""


def client_of(environ: dict) -> Client:
    """The client behind a WSGI environment.

    Our server hands over an object of its own (http/bridge.py), werkzeug and gunicorn's threads the
    socket.
    """
    return environ.get("cosyvoice.client") or SocketClient(
        environ.get("werkzeug.socket") or environ.get("gunicorn.socket")
    )


class SocketClient:
    """The client behind a socket: a closed one is readable and has no byte.

    Without a socket the client counts as there until a write fails.
    """

    def __init__(self, connection: socket.socket | None):
        self.socket = connection

    def gone(self) -> bool:
        if self.socket is None or isinstance(self.socket, ssl.SSLSocket):
            return False
        try:
            readable = bool(multiprocessing.connection.wait([self.socket], 0))
            return readable and not self.socket.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):  # reset, or closed on our side
            return True

    def hang_up(self):
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
