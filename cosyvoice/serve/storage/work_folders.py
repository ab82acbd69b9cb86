"""Working folders that vanish with their request, or at the next start if the process was killed.

The name of a folder holds the token of the process that made it. That process holds an operating
system's lock on a file of that token, which the system frees when the process ends, also when it is
killed. `sweep` removes the folders of processes that have ended, and nothing else.
"""

import contextlib
import logging
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from filelock import lock_descriptor

log = logging.getLogger(__name__)
TOKEN = re.compile(r"[0-9a-f]{16}")  # of a process
FOLDER = re.compile(r"\.work-([0-9a-f]{16})-[0-9a-f]{16}$")
UNKNOWN_AGE = 24 * 3600  # seconds after which a folder without a lock file counts as left behind


class WorkFolders:
    """Makes and removes working folders of this process. Thread-safe.

    home: the folder whose subfolder `.leases` holds the lock files.
    """

    def __init__(self, home: Path):
        self.home = home / ".leases"
        self.pid: int | None = None  # of the process that holds `lock`
        self.lock: BinaryIO | None = None
        self.token = ""
        self.guard = threading.Lock()

    @contextlib.contextmanager
    def folder(self, parent: Path) -> Iterator[Path]:
        """A new empty folder under parent, removed at the end with everything in it."""
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
        """Remove the folders directly under the roots whose process has ended."""
        for path in [path for root in roots for path in root.glob(".work-*")]:
            match = FOLDER.match(path.name)
            if match and path.is_dir() and not path.is_symlink() and self._is_left(match[1], path):
                log.info("removing %s, left by a process that has ended", path.name)
                _remove(path)
        for lock in self.home.glob("*.lock"):
            _remove_unlocked(lock)

    def hold(self) -> str:
        """The token of this process, whose lock it holds from now on."""
        self._hold_lock()
        return self.token

    def is_alive(self, token: str) -> bool:
        """Whether the process of that token still runs."""
        if token == self.token and self.pid == os.getpid():
            return True
        lock = self.home / f"{token}.lock"
        return bool(TOKEN.fullmatch(token)) and lock.exists() and not _is_unlocked(lock)

    def close(self):
        """Release this process's lock. A folder that is left then goes by its age."""
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
        """Take this process's lock at the first use. A forked child takes one of its own."""
        with self.guard:
            while self.pid != os.getpid():
                self.home.mkdir(parents=True, exist_ok=True)
                self.token = secrets.token_hex(8)
                self.lock = open(self.home / f"{self.token}.lock", "wb")
                # False while another process's sweep tests this file: take another one,
                # also when it has removed the file
                if lock_descriptor(self.lock.fileno(), blocking=False) and _is_there(self.lock):
                    self.pid = os.getpid()


def _is_there(file: BinaryIO) -> bool:
    """Whether the open file is still in its folder."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(file.name))
    except FileNotFoundError:
        return False


def _is_unlocked(path: Path) -> bool:
    try:
        with open(path, "r+b") as file:
            return lock_descriptor(file.fileno(), blocking=False)
    except OSError:
        return False


def _remove_unlocked(path: Path):
    """Remove a lock file unless a process holds it; no process takes it meanwhile."""
    with contextlib.suppress(OSError):
        with open(path, "r+b") as file:
            if not lock_descriptor(file.fileno(), blocking=False):
                return
            if os.name != "nt":
                return path.unlink()
        path.unlink()  # Windows removes no open file, neither ours nor that of another process


def _remove(path: Path):
    def note(_, name: str, info: tuple):
        if not isinstance(info[1], FileNotFoundError):  # removed with the folder it is in
            log.warning("cannot remove %s: %s", name, info[1])

    shutil.rmtree(path, onerror=note)
