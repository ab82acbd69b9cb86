"""Each user's pronunciation list, one object of the store."""

import json
import logging
import time
from collections import OrderedDict
from pathlib import Path

from cosyvoice.serve.http.names import pronunciations_key
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.storage.store import NoObject, Store
from cosyvoice.serve.storage.work_folders import WorkFolders
from cosyvoice.text.pronunciations import MAX_ENTRIES, MAX_SAID, MAX_WORD, checked
from cosyvoice.utils.errors import PronunciationError

log = logging.getLogger(__name__)
# An entry as JSON: at most four bytes for each character, and its names and marks.
MAX_BYTES = MAX_ENTRIES * (4 * (MAX_WORD + MAX_SAID) + 40)
KEPT_SECONDS = 10.0  # a list is kept, so that not each sentence asks the store
KEPT_LISTS = 1000


class PronunciationLists:
    """Thread-safe. scratch: where working folders are made."""

    def __init__(self, store: Store, work_folders: WorkFolders, scratch: Path):
        self.store, self.work_folders, self.scratch = store, work_folders, scratch
        self.kept: OrderedDict[str, tuple[float, dict[str, str]]] = OrderedDict()

    def recent(self, user_id: str) -> dict[str, str]:
        """The same as get, from memory when it was read within KEPT_SECONDS.

        A list that another process stores is used after that time at the latest.
        """
        read_at, said = self.kept.get(user_id, (float("-inf"), {}))
        return said if time.monotonic() - read_at < KEPT_SECONDS else self.get(user_id)

    def get(self, user_id: str) -> dict[str, str]:
        """A user's words and how each is said; none without a user or a list.

        Raises the store's Problems, and a 422 Problem for a list that cannot be read.
        """
        if not user_id:
            return {}
        begin = time.monotonic()
        said = self._fetch(user_id)
        self.kept[user_id] = begin, said
        while len(self.kept) > KEPT_LISTS:
            self.kept.popitem(last=False)
        return said

    def _fetch(self, user_id: str) -> dict[str, str]:
        with self.work_folders.folder(self.scratch) as folder:
            try:
                self.store.fetch(pronunciations_key(user_id), path := folder / "list", MAX_BYTES)
            except NoObject:
                return {}
            return parse(path.read_bytes())

    def put(self, user_id: str, pronunciations: dict[str, str]) -> None:
        """Keep a list in place of the one before; an empty one is none."""
        try:
            self._store(user_id, pronunciations)
        finally:
            self.kept.pop(user_id, None)

    def _store(self, user_id: str, pronunciations: dict[str, str]) -> None:
        if not pronunciations:
            self.store.delete(pronunciations_key(user_id))
            return
        with self.work_folders.folder(self.scratch) as folder:
            content = json.dumps({"pronunciations": listed(pronunciations)}, ensure_ascii=False)
            (folder / "list").write_text(content, encoding="utf-8")
            self.store.push(folder / "list", pronunciations_key(user_id))


def listed(pronunciations: dict[str, str]) -> list[dict[str, str]]:
    """As JSON has them, in their order."""
    return [{"word": word, "said": said} for word, said in pronunciations.items()]


def parse(content: bytes) -> dict[str, str]:
    """The content of a list's object. Raises a 422 Problem."""
    try:
        entries = json.loads(content)["pronunciations"]
        return checked((entry["word"], entry["said"]) for entry in entries)
    except (ValueError, KeyError, TypeError, AttributeError, PronunciationError) as error:
        log.error("a stored pronunciation list cannot be used: %s", type(error).__name__)
        raise Problem(
            422,
            "pronunciations_damaged",
            "user_id",
            "the stored pronunciation list of this user cannot be read; save it again",
            "该用户保存的发音表无法读取，请重新保存",
        ) from error
