"""gunicorn's worker: the same server as `python all_api.py` has, see server.py."""

import logging
import os
import signal
import sys
from typing import Any

from uvicorn_worker import UvicornWorker

from cosyvoice.serve.server import settings

NOTIFY_SECONDS = 0.5  # between two signs of life to the master


class Worker(UvicornWorker):
    """Serves all_api:app by its bridge."""

    def __init__(self, *args, **options):
        type(self).CONFIG_KWARGS = {**settings(), "timeout_notify": NOTIFY_SECONDS}
        super().__init__(*args, **options)
        self.config.timeout_graceful_shutdown = max(1, self.cfg.graceful_timeout - 2)
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)

    def load_wsgi(self):
        super().load_wsgi()
        self.wsgi: Any = self.wsgi.extensions["bridge"]

    async def callback_notify(self):
        await super().callback_notify()
        if os.getppid() != self.ppid:  # the master was killed: do not hold its port
            signal.raise_signal(signal.SIGTERM)

    def init_signals(self):
        super().init_signals()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it at its end
