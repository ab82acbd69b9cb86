"""Bytes on their way from the thread that makes sound to the one that sends it."""

import tempfile
import threading
import time
from pathlib import Path

IN_MEMORY = 1 << 20  # bytes kept in memory per request; more go to a file


class Spool:
    """One writer and one reader; bytes are in memory first, in a file of `scratch` if many."""

    def __init__(self, scratch: Path | None = None):
        self.file = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(scratch) if scratch else None)
        self.changed = threading.Condition()
        self.written = self.read_to = 0
        self.ended = False
        self.error: BaseException | None = None
        self.last_sign = time.monotonic()

    def write(self, data: bytes):
        """Append; an empty write is still a sign of life."""
        with self.changed:
            self.file.seek(self.written)
            self.file.write(data)
            self.written += len(data)
            self._sign()

    def finish(self, error: BaseException | None = None):
        """No more will come. The reader gets the error after what was written before it.

        Only the first call counts.
        """
        with self.changed:
            if not self.ended:
                self.ended, self.error = True, error
                self._sign()

    def sign(self):
        """The writer lives, though it has nothing to write."""
        with self.changed:
            self._sign()

    def _sign(self):
        self.last_sign = time.monotonic()
        self.changed.notify_all()

    def wait_beyond(self, written: int, seconds: float):
        """Wait until there are more bytes than `written`, read or not, or the end."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended or self.written > written, seconds)

    def wait(self, seconds: float) -> bool:
        """Wait for something to read or for the end; True when there is one."""
        with self.changed:
            return self.changed.wait_for(lambda: self.ended or self.written > self.read_to, seconds)

    def read(self) -> bytes:
        """All that was written and not read yet; b"" if nothing."""
        with self.changed:
            self.file.seek(self.read_to)
            data = self.file.read(self.written - self.read_to)
            self.read_to += len(data)
            return data

    def close(self):
        with self.changed:
            self.ended = True
            self.file.close()
