"""The server: uvicorn under a Gate, by itself as `python all_api.py` or as gunicorn's worker.

An event loop receives requests and sends answers, so that no client, however slow, holds a thread;
see http/gate.py and http/bridge.py.
"""

import logging
import signal
import socket
import sys
from typing import Any

import uvicorn
from flask import Flask

from cosyvoice.serve.config import Config
from cosyvoice.serve.http.gate import MAX_CONNECTIONS, MAX_HEAD_BYTES, Gate, protocol
from cosyvoice.serve.http.websocket import MAX_MESSAGE, GatedWebSocket

log = logging.getLogger(__name__)
KEEP_ALIVE = 5  # seconds that a connection may wait for its next request
STOP_SECONDS = 3  # that running answers get when the service stops
OTHER_FILES = 200  # files that the process needs beside its connections


def settings() -> dict[str, Any]:
    """What uvicorn is told, by itself and in gunicorn. Raises the limit of open files."""
    return {
        "http": protocol(Gate(open_files() - OTHER_FILES)),
        "interface": "asgi3",
        "ws": GatedWebSocket,
        "ws_max_size": MAX_MESSAGE,
        "ws_per_message_deflate": False,  # sound does not become smaller
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": KEEP_ALIVE,
        "h11_max_incomplete_event_size": MAX_HEAD_BYTES,
    }


def open_files() -> int:
    """How many files the process may open, after raising that as far as needed and possible."""
    wanted = MAX_CONNECTIONS + OTHER_FILES
    try:
        import resource
    except ImportError:  # Windows, where sockets are not limited like this
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def serve(app: Flask, config: Config):
    """Serve until interrupted. Exits with a sentence when the address cannot be had."""
    try:
        listener = listen(config.host, config.port)
    except OSError as error:
        sys.exit(
            f"cannot listen on {config.host}:{config.port}: {error.strerror}; "
            "is the service running already? Choose another port with --port"
            " / 无法监听该端口，服务可能已在运行；可用 --port 指定其他端口"
        )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    options = uvicorn.Config(
        app.extensions["bridge"], timeout_graceful_shutdown=STOP_SECONDS, **settings()
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # what uvicorn raises again at its end
    log.info("listening on http://%s:%d", config.host, config.port)
    try:
        uvicorn.Server(options).run([listener])
    except KeyboardInterrupt:
        sys.exit(0)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError, also when another process listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=MAX_CONNECTIONS)
