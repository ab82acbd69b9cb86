"""Recordings in which speakers agree to the use of their voices: two objects of the store for each.

`<id>.json` has its id, date, language and label, `<id>.audio` the recording as it came, for the
operator. The ids of a user sort by date.
"""

import json
import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from werkzeug.datastructures import FileStorage

from cosyvoice.serve.http.names import consent_key
from cosyvoice.serve.http.problem import Problem, field_error
from cosyvoice.serve.storage.store import NoObject, Store
from cosyvoice.serve.storage.work_folders import WorkFolders

ID = re.compile("cons_[0-9a-f]{26}")
MAX_BYTES = 10_000  # of the JSON
FETCHES = 8  # read at once for a list


class Consents:
    """Thread-safe. scratch: where working folders are made."""

    def __init__(self, store: Store, work_folders: WorkFolders, scratch: Path):
        self.store, self.work_folders, self.scratch = store, work_folders, scratch

    def keep(self, user_id: str, name: str, language: str, recording: FileStorage) -> dict:
        """Keep a recording; returns what is known of it. Raises the store's Problems."""
        created = int(time.time())
        consent = {
            "id": f"cons_{created:010x}{secrets.token_hex(8)}",
            "created_at": created,
            "language": language,
            "name": name,
        }
        with self.work_folders.folder(self.scratch) as folder:
            recording.save(folder / "audio")
            self.store.push(folder / "audio", consent_key(user_id, f"{consent['id']}.audio"))
        self._write(user_id, consent)
        return consent

    def get(self, user_id: str, id: str) -> dict:
        """What is known of one, or a 404 Problem."""
        if (consent := self._read(user_id, id)) is None:
            raise unknown_consent_error(id)
        return consent

    def listed(self, user_id: str, after: str, limit: int) -> tuple[list[dict], bool]:
        """Those before the one with the id `after`, newest first, and whether there are more."""
        prefix = consent_key(user_id, "")
        keys = [entry.key.removeprefix(prefix) for entry in self.store.list(prefix)]
        ids = sorted((key[:-5] for key in keys if key.endswith(".json")), reverse=True)
        ids = [id for id in ids if not after or id < after]
        with ThreadPoolExecutor(FETCHES) as pool:
            found = pool.map(lambda id: self._read(user_id, id), ids[:limit])
            return [consent for consent in found if consent], len(ids) > limit

    def rename(self, user_id: str, id: str, name: str) -> dict:
        """Give one another label, or a 404 Problem."""
        self._write(user_id, consent := {**self.get(user_id, id), "name": name})
        return consent

    def delete(self, user_id: str, id: str) -> None:
        """Forget one with its recording, or a 404 Problem."""
        self.get(user_id, id)
        for kind in ("json", "audio"):
            self.store.delete(consent_key(user_id, f"{id}.{kind}"))

    def _read(self, user_id: str, id: str) -> dict | None:
        if not ID.fullmatch(id):
            return None
        with self.work_folders.folder(self.scratch) as folder:
            try:
                path = folder / "consent"
                self.store.fetch(consent_key(user_id, f"{id}.json"), path, MAX_BYTES)
                return json.loads(path.read_text("utf-8"))
            except NoObject:
                return None

    def _write(self, user_id: str, consent: dict) -> None:
        with self.work_folders.folder(self.scratch) as folder:
            content = json.dumps(consent, ensure_ascii=False)
            (folder / "consent").write_text(content, "utf-8")
            self.store.push(folder / "consent", consent_key(user_id, f"{consent['id']}.json"))


def unknown_consent_error(id: str) -> Problem:
    return field_error(
        "consent",
        f"there is no consent recording {id[:60]!r}: make one by POST /v1/audio/voice_consents, "
        "or write the speaker's agreement in words",
        f"没有授权录音 {id[:60]!r}：请先用 POST /v1/audio/voice_consents 上传，或直接写明授权",
        "unknown_consent",
        404,
    )
