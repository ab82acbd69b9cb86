"""One change of a saved voice at a time, in all processes that share the service's folder."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from zlib import crc32

from filelock import FileLock, Timeout

from cosyvoice.serve.http.problem import Problem

FILES = 64  # voices whose keys lead to the same file wait for each other
PATIENCE = 60.0  # seconds to wait for another change; a store may be slow


class VoiceLocks:
    """Thread-safe. A thread may hold a voice several times."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.files = [FileLock(folder / f"{number:02}") for number in range(FILES)]

    @contextmanager
    def hold(self, *keys: str) -> Iterator[None]:
        """Let nobody else change the voices of these keys. Raises a 503 Problem after PATIENCE.

        Who holds one voice must not ask for another.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            for number in sorted({crc32(key.encode()) % FILES for key in keys}):
                try:
                    held.enter_context(self.files[number].acquire(PATIENCE))
                except Timeout as error:
                    raise busy_error() from error
            yield


def busy_error() -> Problem:
    return Problem(
        503,
        "busy",
        None,
        "another change of this voice has not ended; try again in 5 s",
        "该音色正在被另一个请求修改；请在 5 秒后重试",
        {"Retry-After": "5"},
    )
