"""Reading recordings: a few are decoded and examined at once, the others wait in order."""

import contextvars
import ctypes
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flask import request

from cosyvoice.serve.http.connection import client_of
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.speaking.speech import ClientGone

RUNNING = 2  # recordings read at once; one may take 0.5 GB for some seconds
WAITING = 32  # requests that wait for that; more are refused with 503
SECONDS = 0.5  # that one takes, as a first guess

T = TypeVar("T")
# glibc keeps freed memory, here 75 MB after recordings of all kinds, unless it is told to trim.
MALLOC_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


class Analyses:
    """Thread-safe."""

    def __init__(self, running: int = RUNNING, waiting: int = WAITING):
        self.slots = Slots(running, waiting, SECONDS)
        # In a few threads of its own: every thread that works on sound keeps memory for the next.
        self.threads = ThreadPoolExecutor(running, "read")

    def run(self, read: Callable[..., T], audio) -> T:
        """What read(audio) returns, when it is the current request's turn.

        Raises a 503 Problem when too many wait, and ClientGone when the client leaves meanwhile.
        """
        client = client_of(request.environ)

        def check_client():
            if client.gone():
                raise ClientGone()

        with self.slots.take(check_client) as slot:
            begin = time.monotonic()
            try:
                context = contextvars.copy_context()
                return self.threads.submit(context.run, read, audio).result()
            finally:
                slot.seconds = time.monotonic() - begin
                if MALLOC_TRIM:
                    MALLOC_TRIM(0)
