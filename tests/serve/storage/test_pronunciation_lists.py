"""Pronunciation lists: what speaks often does not ask the store each time."""

from cosyvoice.serve.storage import pronunciation_lists
from cosyvoice.serve.storage.pronunciation_lists import PronunciationLists
from cosyvoice.serve.storage.store import open_store
from cosyvoice.serve.storage.work_folders import WorkFolders


class CountingStore:
    def __init__(self, store):
        self.store, self.fetches = store, 0

    def __getattr__(self, name):
        return getattr(self.store, name)

    def fetch(self, *arguments):
        self.fetches += 1
        return self.store.fetch(*arguments)


def lists_in(tmp_path) -> PronunciationLists:
    work_folders = WorkFolders(tmp_path / "work")
    store = CountingStore(open_store(tmp_path / "store", work_folders))
    return PronunciationLists(store, work_folders, tmp_path / "work")


def test_a_list_is_read_once_in_a_while(tmp_path, monkeypatch):
    lists = lists_in(tmp_path)
    assert lists.recent("ann") == lists.recent("ann") == {}
    assert lists.store.fetches == 1
    lists.put("ann", {"Nguyen": "win"})  # seen at once
    assert lists.recent("ann") == lists.recent("ann") == {"Nguyen": "win"}
    assert lists.store.fetches == 2
    monkeypatch.setattr(pronunciation_lists, "KEPT_SECONDS", 0.0)
    assert lists.recent("ann") == {"Nguyen": "win"} and lists.store.fetches == 3


def test_few_lists_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(pronunciation_lists, "KEPT_LISTS", 2)
    lists = lists_in(tmp_path)
    for user in ("a", "b", "c"):
        lists.recent(user)
    assert list(lists.kept) == ["b", "c"]
