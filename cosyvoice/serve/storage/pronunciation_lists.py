"""Each user's pronunciation list, one object of the store."""

import json
import logging
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


class PronunciationLists:
    """Thread-safe. scratch: where working folders are made."""

    def __init__(self, store: Store, work_folders: WorkFolders, scratch: Path):
        self.store, self.work_folders, self.scratch = store, work_folders, scratch

    def get(self, user_id: str) -> dict[str, str]:
        """A user's words and how each is said; none without a user or a list.

        Raises the store's Problems, and a 422 Problem for a list that cannot be read.
        """
        if not user_id:
            return {}
        with self.work_folders.folder(self.scratch) as folder:
            try:
                self.store.fetch(pronunciations_key(user_id), path := folder / "list", MAX_BYTES)
            except NoObject:
                return {}
            return parse(path.read_bytes())

    def put(self, user_id: str, pronunciations: dict[str, str]) -> None:
        """Keep a list in place of the one before; an empty one is none."""
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
