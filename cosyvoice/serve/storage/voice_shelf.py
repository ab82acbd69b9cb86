"""The saved voices of all users: in the store, and as copies in output/ that an operator keeps."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cosyvoice.serve.http.names import exact, voice_key
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.storage.store import Store
from cosyvoice.serve.storage.voice_locks import VoiceLocks
from cosyvoice.utils.errors import VoiceError

FETCHES = 8  # voices read at once for a list
REMEMBERED = 10_000  # voices whose description is kept in memory


class VoiceShelf:
    """Thread-safe.

    fetch(user_id, name) -> voice, or a 404 Problem. push(voice, user_id, name, overwrite) stores
    one; without overwrite it raises ObjectExists for a name that is taken. fetch_file and push_file
    do the same with a file as it is: -> bytes, and (write(path), user_id, name, overwrite). Both
    pushes hold the voice in `locks`.
    """

    def __init__(
        self,
        store: Store,
        output_dir: Path,
        fetch: Callable,
        push: Callable,
        fetch_file: Callable,
        push_file: Callable,
        locks: VoiceLocks,
    ):
        self.store, self.output_dir, self.locks = store, output_dir, locks
        self.fetch, self._push = fetch, push
        self.fetch_file, self._push_file = fetch_file, push_file
        # By the file's date and size: a new file is read again.
        self._describe = functools.lru_cache(maxsize=REMEMBERED)(self._read)

    def exists(self, user_id: str, name: str) -> bool:
        return bool(self._copy(user_id, name)) or self.store.exists(voice_key(user_id, name))

    def push(self, voice: dict, user_id: str, name: str, overwrite: bool):
        self._push(voice, user_id, name, overwrite)
        self._describe.cache_clear()  # a store's dates may be whole seconds

    def rename(self, user_id: str, name: str, new_name: str, overwrite: bool):
        """Give a voice another name. Raises ObjectExists, or a 404 Problem without the voice.

        Of two at once the second sees what the first has left.
        """
        with self.locks.hold(voice_key(user_id, name), voice_key(user_id, new_name)):
            data = self.fetch_file(user_id, name)
            self._push_file(lambda path: path.write_bytes(data), user_id, new_name, overwrite)
            self.delete(user_id, name)
        self._describe.cache_clear()

    def delete(self, user_id: str, name: str) -> bool:
        """Forget a voice, its copy too; False when there was none."""
        with self.locks.hold(key := voice_key(user_id, name)):
            copy, stored = self._copy(user_id, name), self.store.delete(key)
            if copy:
                copy.unlink(missing_ok=True)
            return stored or bool(copy)

    def names(self, user_id: str) -> list[str]:
        """The names of a user's voices in the store."""
        return [name for name, _, _ in self._stored(user_id)]

    def descriptions(self, user_id: str) -> list[dict]:
        """What is known of each voice of a user, newest first."""
        found = {name: (modified, size) for name, modified, size in self._stored(user_id)}
        found.update({name: (modified, size) for name, modified, size in self._copies(user_id)})
        newest_first = sorted(found.items(), key=lambda item: item[1], reverse=True)
        with ThreadPoolExecutor(FETCHES) as pool:
            described = pool.map(lambda item: self._look(user_id, item[0], *item[1]), newest_first)
            return [voice for voice in described if voice]

    def _look(self, user_id: str, name: str, modified: float, size: int) -> dict | None:
        """What _describe returns; None when the voice has just been deleted."""
        try:
            return self._describe(user_id, name, modified, size)
        except Problem as problem:
            if problem.status == 404:  # not remembered: the name may be used again
                return None
            raise

    def _read(self, user_id: str, name: str, modified: float, size: int) -> dict:
        """One voice; one that cannot be used says why.

        Raises a 404 Problem for one that is not there, and the store's Problems.
        """
        unknown: dict = {"name": name, "created": None, "consent": "", "family": None}
        unknown |= {"language": None, "problem": None}
        try:
            meta = self.fetch(user_id, name)["meta"]
        except VoiceError as error:
            return {**unknown, "problem": str(error)}
        except Problem as problem:
            if problem.status != 400:  # 400: the copy is a symbolic link
                raise
            return {**unknown, "problem": str(problem)}
        return {
            **unknown,
            "created": meta["created"] or None,
            "consent": meta["consent"],
            "family": meta["family"],
            "language": meta["language"] or None,
        }

    def _stored(self, user_id: str) -> list[tuple[str, float, int]]:
        """(name, date, bytes) of each voice of a user in the store."""
        prefix = voice_key(user_id, "").removesuffix(".pt")
        found = []
        for entry in self.store.list(prefix):
            name = entry.key.removeprefix(prefix)
            if name.endswith(".pt") and "/" not in name:
                found.append((name.removesuffix(".pt"), entry.modified, entry.size))
        return found

    def _copies(self, user_id: str) -> Iterator[tuple[str, float, int]]:
        """(name, date, bytes) of each copy of a user's voices. What vanishes is not there."""
        try:
            entries = list(os.scandir(folder)) if (folder := self._folder(user_id)) else []
        except FileNotFoundError:
            return
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.name.endswith(".pt") and entry.is_file(follow_symlinks=False):
                    status = entry.stat()
                    yield entry.name.removesuffix(".pt"), status.st_mtime, status.st_size

    def _copy(self, user_id: str, name: str) -> Path | None:
        folder = self._folder(user_id)
        path = folder and exact(folder, f"{name}.pt")
        return path if path and path.is_file() and not path.is_symlink() else None

    def _folder(self, user_id: str) -> Path | None:
        """A user's folder in output/, None without one."""
        path = exact(self.output_dir, user_id)
        return path if path and path.is_dir() and not path.is_symlink() else None
