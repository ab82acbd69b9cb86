"""gunicorn -c deploy/gunicorn.conf.py all_api:app

One worker, because there is one model, and because a text stream lives in the process that opened
it. The worker loads the model itself: with preload, a forked process
would inherit torch's threads. The worker's event loop holds the connections, so that slow clients
hold no thread; THREADS is how many requests it works on at once.
"""

import os
from pathlib import Path

host = os.environ.get("HOST", "127.0.0.1")
bind = f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT', '9883')}"
worker_class = "cosyvoice.serve.gunicorn_worker.Worker"
workers = 1
preload_app = False
timeout = 120  # seconds without a sign of life from the worker
graceful_timeout = 60  # seconds that running streams get when the service stops
keepalive = 5
accesslog = None  # all_api writes one line per request, without query strings
control_socket_disable = True  # gunicorn 27 would put a socket into the home directory


def on_starting(server):
    """Remove the metrics of an earlier run."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for path in Path(folder).glob("*.db"):
            path.unlink()


def child_exit(server, worker):
    """Stop counting the waiting and running requests of a worker that has ended."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)
