"""Working folders that vanish: with their request, or, when a process was killed, at the next start.

A folder's name carries the token of the process that made it; that process holds an operating-system lock on a
file of that token, which a killed process loses. `sweep` removes folders whose process is dead, and touches nothing else.
"""

import contextlib
import logging
import os
import re
import secrets
import shutil
import threading
import time
from pathlib import Path

log = logging.getLogger(__name__)
FOLDER = re.compile(r"\.work-([0-9a-f]{16})-[0-9a-f]{16}$")
UNKNOWN_AGE = 24 * 3600  # seconds after which a folder without any lock file counts as left behind


class Leases:
    """Makes and removes working folders of this process; usable from any thread. home holds the lock files."""

    def __init__(self, home: Path):
        self.home = home / ".leases"
        self.pid = self.lock = self.token = None
        self.guard = threading.Lock()

    @contextlib.contextmanager
    def folder(self, parent: Path):
        """A new empty folder under parent, removed at the end with all that is in it."""
        path = self.scratch(parent)
        try:
            yield path
        finally:
            _remove(path)

    def scratch(self, parent: Path) -> Path:
        """A new empty folder under parent that stays until this process ends."""
        self._hold_lock()
        path = parent / f".work-{self.token}-{secrets.token_hex(8)}"
        path.mkdir(parents=True)
        return path

    def sweep(self, *roots: Path):
        """Remove what dead processes left directly under the roots."""
        for path in [path for root in roots for path in root.glob(".work-*")]:
            match = FOLDER.match(path.name)
            if match and path.is_dir() and not path.is_symlink() and self._is_left(match[1], path):
                log.info("removing %s, left by a process that has ended", path.name)
                _remove(path)
        for lock in self.home.glob("*.lock"):
            if _is_unlocked(lock):
                lock.unlink(missing_ok=True)

    def close(self):
        """Give up this process's lock: the next sweep may remove its folders."""
        if self.lock and self.pid == os.getpid():
            self.lock.close()
            (self.home / f"{self.token}.lock").unlink(missing_ok=True)
        self.lock = self.pid = None

    def _is_left(self, token: str, path: Path) -> bool:
        lock = self.home / f"{token}.lock"
        if lock.exists():
            return _is_unlocked(lock)
        with contextlib.suppress(FileNotFoundError):
            return time.time() - path.stat().st_mtime > UNKNOWN_AGE
        return False

    def _hold_lock(self):
        """Take this process's lock at first use; a forked child takes one of its own."""
        with self.guard:
            while self.pid != os.getpid():
                self.home.mkdir(parents=True, exist_ok=True)
                self.token = secrets.token_hex(8)
                self.lock = open(self.home / f"{self.token}.lock", "wb")
                with contextlib.suppress(OSError):  # a sweep looks at it right now: take another
                    lock_file(self.lock)
                    self.pid = os.getpid()


def lock_file(file):
    """Lock an open file for this process, or raise OSError if another one holds it; the system frees it at the end."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_unlocked(path: Path) -> bool:
    try:
        with open(path, "r+b") as file:
            lock_file(file)
        return True
    except OSError:
        return False


def _remove(path: Path):
    shutil.rmtree(
        path, onerror=lambda _, name, info: log.warning("cannot remove %s: %s", name, info[1])
    )
