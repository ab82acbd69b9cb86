"""Whether the client of a request is still there, asked without writing to it."""
import contextlib
import multiprocessing.connection
import socket
import ssl
from collections.abc import Callable


def presence(environ: dict) -> Callable[[], bool]:
    """A cheap function that says whether this request's client has closed its connection.

    gunicorn and werkzeug hand over the socket: a closed one is readable and has no byte. waitress watches its sockets itself
    and has a question of its own. Anything else: never gone, the next write will tell.
    """
    if "waitress.client_disconnected" in environ:
        return environ["waitress.client_disconnected"]
    connection = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if connection is None or isinstance(connection, ssl.SSLSocket):
        return lambda: False
    return lambda: _is_closed(connection)


def _is_closed(connection: socket.socket) -> bool:
    try:
        return bool(multiprocessing.connection.wait([connection], 0)) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):                                  # reset, or closed on our side
        return True


def hang_up(environ: dict):
    """Make sure that the server cannot end a broken answer as if it were whole."""
    connection = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
