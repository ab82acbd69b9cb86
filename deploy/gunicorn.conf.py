"""gunicorn -c deploy/gunicorn.conf.py all_api:app

One worker, because there is one model. Many threads, because a client holds one from the first byte
to the last. The worker loads the model itself: with preload, a forked process would inherit torch's
threads. A gthread worker is not killed in the middle of a long stream, as a sync worker is.
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
# bytes, as many as nginx takes: 900 Chinese characters in the query of GET /generate_audio_get
limit_request_line = 8190
accesslog = None  # all_api writes one line per request, without query strings
control_socket_disable = True  # gunicorn 27 would put a socket into the home directory


def on_starting(server):
    """Remove the metrics of an earlier run."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for path in Path(folder).glob("*.db"):
            path.unlink()


def post_worker_init(worker):
    """Answer requests that gunicorn itself refuses in the form of the app's errors."""
    util.write_error = write_error


def write_error(connection, status, reason, detail):
    # never in OpenAI's form: gunicorn does not say which address the request was for
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
    """Stop counting the waiting and running requests of a worker that has ended."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)
