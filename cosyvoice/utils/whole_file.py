"""Files that are written whole or not at all: readers see the old file or the new one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PRIVATE = 0o600  # the mode that mkstemp gives


@contextmanager
def whole_file(path: Path, mode: int = PRIVATE, sync: bool = False) -> Iterator[IO[bytes]]:
    """A new file beside `path`, which takes its place at the end of the block.

    When the block raises, the old file stays. sync: the content is on the disk before that, so that
    it also survives a loss of power.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if mode != PRIVATE:
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes) -> None:
    """The content is on the disk when this returns."""
    with whole_file(path, sync=True) as file:
        file.write(content)
