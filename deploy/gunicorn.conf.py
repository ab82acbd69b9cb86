"""gunicorn -c deploy/gunicorn.conf.py all_api:app

One worker, because the model is one; many threads, because a listener holds one from the first byte to the last. The worker
loads the model itself (no preload: a forked process must not inherit torch's threads). gthread is not killed in the middle
of a long stream, as the sync worker is.
"""

import json
import os
import secrets
from pathlib import Path

from gunicorn import util

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '9883')}"
worker_class = "gthread"
workers = 1
threads = int(os.environ.get("THREADS", "40"))
preload_app = False
timeout = 120  # seconds without a sign of life from the worker
graceful_timeout = 60  # seconds that running streams get when the service stops
keepalive = 5
limit_request_line = 8190  # bytes, as much as nginx takes: 900 Chinese characters in the query of GET /generate_audio_get
accesslog = None  # all_api writes one line per request, without query strings
control_socket_disable = True  # gunicorn 27 would put a socket into the home directory


def on_starting(server):
    """Figures of an earlier run are not this one's."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for path in Path(folder).glob("*.db"):
            path.unlink()


def post_worker_init(worker):
    """What gunicorn refuses before the app sees it gets an answer in the app's form."""
    util.write_error = write_error


def write_error(connection, status, reason, detail):
    # Always in the service's form, not OpenAI's: gunicorn does not say which address it could not read.
    from cosyvoice.serve.http.problem import status_error

    body = json.dumps(status_error(status, reason).body(), ensure_ascii=False).encode()
    head = [
        f"HTTP/1.1 {status} {reason}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-Request-ID: {secrets.token_hex(8)}",
        "",
        "",
    ]
    util.write_nonblock(connection, "\r\n".join(head).encode() + body)


def child_exit(server, worker):
    """What an ended worker had waiting or running counts no more."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)
