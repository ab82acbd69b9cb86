"""`python all_api.py`: waitress, on every system."""

import json
import logging
import secrets
import signal
import sys

from flask import Flask
from waitress import create_server
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from cosyvoice.serve.config import Config
from cosyvoice.serve.http.problem import body_for, status_error

log = logging.getLogger(__name__)


class JsonError(ErrorTask):
    """The answer to a request that waitress refuses before the app sees it, in the app's form."""

    def execute(self):
        error = self.request.error
        problem = status_error(error.code, error.reason)
        path = getattr(self.request, "path", "")
        body = json.dumps(body_for(path, problem), ensure_ascii=False).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [
            ("Content-Type", "application/json"),
            ("X-Request-ID", secrets.token_hex(8)),
        ]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


HTTPChannel.error_task_class = JsonError


def serve(app: Flask, config: Config):
    """Serve until interrupted. One thread per listener.

    Bodies over the limit are refused before they are read.
    """
    try:
        server = create_server(
            app,
            host=config.host,
            port=config.port,
            threads=config.threads,
            connection_limit=1000,
            max_request_body_size=config.max_body_mb * 1_000_000 + 1,
            channel_request_lookahead=1,
            channel_timeout=120,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
    except OSError as error:
        sys.exit(
            f"cannot listen on {config.host}:{config.port}: {error.strerror}; "
            "is the service running already? Choose another port with --port"
            " / 无法监听该端口，服务可能已在运行；可用 --port 指定其他端口"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as Ctrl-C: let the streams go, clean up
    log.info("listening on http://%s:%d", config.host, config.port)
    server.run()
