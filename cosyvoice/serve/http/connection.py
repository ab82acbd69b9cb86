"""The connection of a request: whether the client is still there, and how to cut it off."""

import contextlib
import multiprocessing.connection
import socket
import ssl


class Client:
    """The connection behind a WSGI environment.

    gunicorn and werkzeug hand over the socket: a closed one is readable and has no byte. waitress
    watches its sockets itself and answers by a function. With any other server a client counts as
    there until a write fails.
    """

    def __init__(self, environ: dict):
        self.ask = environ.get("waitress.client_disconnected")
        self.socket = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")

    def gone(self) -> bool:
        if self.ask:
            return self.ask()
        if self.socket is None or isinstance(self.socket, ssl.SSLSocket):
            return False
        try:
            return bool(multiprocessing.connection.wait([self.socket], 0)) and not self.socket.recv(
                1, socket.MSG_PEEK
            )
        except (OSError, ValueError):  # reset, or closed on our side
            return True

    def hang_up(self):
        """Make sure that the server cannot end a broken answer as if it were whole."""
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
