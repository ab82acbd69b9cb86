"""The saved voices of all users: in the store, and as copies in output/ that an operator keeps."""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cosyvoice.serve.http.names import voice_key
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.storage.store import Store
from cosyvoice.utils.errors import VoiceError

FETCHES = 8  # voices read at once for a list
REMEMBERED = 10_000  # voices whose description is kept in memory


class VoiceShelf:
    """Thread-safe.

    fetch(user_id, name) -> voice, or a 404 Problem. push(voice, user_id, name, overwrite) stores
    one; without overwrite it raises ObjectExists for a name that is taken.
    """

    def __init__(self, store: Store, output_dir: Path, fetch: Callable, push: Callable):
        self.store, self.output_dir, self.fetch, self._push = store, output_dir, fetch, push
        # By the file's date and size: a new file is read again.
        self._describe = functools.lru_cache(maxsize=REMEMBERED)(self._read)

    def exists(self, user_id: str, name: str) -> bool:
        return bool(self._copy(user_id, name)) or self.store.exists(voice_key(user_id, name))

    def push(self, voice: dict, user_id: str, name: str, overwrite: bool):
        self._push(voice, user_id, name, overwrite)
        self._describe.cache_clear()  # a store's dates may be whole seconds

    def delete(self, user_id: str, name: str) -> bool:
        """Forget a voice, its copy too; False when there was none."""
        copy, stored = self._copy(user_id, name), self.store.delete(voice_key(user_id, name))
        if copy:
            copy.unlink(missing_ok=True)
        return stored or bool(copy)

    def names(self, user_id: str) -> list[str]:
        """The names of a user's voices in the store."""
        return [name for name, _, _ in self._stored(user_id)]

    def descriptions(self, user_id: str) -> list[dict]:
        """Name, date, consent, family and problem of each voice of a user, newest first."""
        found = {name: (modified, size) for name, modified, size in self._stored(user_id)}
        for path in self._copies(user_id):
            found[path.stem] = (path.stat().st_mtime, path.stat().st_size)
        newest_first = sorted(found.items(), key=lambda item: item[1], reverse=True)
        with ThreadPoolExecutor(FETCHES) as pool:
            described = pool.map(
                lambda item: self._describe(user_id, item[0], *item[1]), newest_first
            )
            return [voice for voice in described if voice]

    def _read(self, user_id: str, name: str, modified: float, size: int) -> dict | None:
        """One voice; one that cannot be used says why. None when it has just been deleted."""
        unknown = {"name": name, "created": None, "consent": "", "family": None, "problem": None}
        try:
            meta = self.fetch(user_id, name)["meta"]
        except VoiceError as error:
            return {**unknown, "problem": str(error)}
        except Problem as problem:
            if problem.status == 404:
                return None
            raise
        return {
            **unknown,
            "created": meta["created"] or None,
            "consent": meta["consent"],
            "family": meta["family"],
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

    def _copies(self, user_id: str) -> list[Path]:
        return [
            path
            for path in self.output_dir.glob("*/*.pt")
            if path.parent.name == user_id and not path.is_symlink()
        ]

    def _copy(self, user_id: str, name: str) -> Path | None:
        return next((path for path in self._copies(user_id) if path.name == f"{name}.pt"), None)
