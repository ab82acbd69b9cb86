"""The two stores behind one interface: round trips, and failures, which leave no half-made file."""

import errno
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cosyvoice.serve.config import StartError
from cosyvoice.serve.http.problem import Problem, as_problem
from cosyvoice.serve.storage import store as stores
from cosyvoice.serve.storage.store import (
    LocalStore,
    NoObject,
    ObjectExists,
    OssStore,
    decode_key,
    encode_key,
    open_store,
)
from cosyvoice.serve.storage.work_folders import WorkFolders
from tests.support.fake_oss import ACCESS

KEYS = [
    "learn-wave/1321/model/cosyvoice/妈妈.pt",
    "a",
    "A",
    "Ａ",
    "é",
    "e\u0301",
    "a/b",
    "a/b.",
    "a/.b",
    "con",
    "con.pt",
    "CON",
    "x/nul/y",
    "a b",
    "a%20b",
    "a%b",
    "a//b",
    "a/",
    "a.b",
    "a.b/c",
    "a.b/c.d",
    "a%/",
    "long" * 100,
    "long" * 100 + "/x",
    "long." * 100,
    "长" * 150,
    "a:b",
    "q?x=1&y",
    "a+",
    "a+/b",
    "ﬁ",
    "fi",
    "\u4e00",
    "\uf900",
    "%",
    "a/%/b",
]
ODD = ["", "/", "/a", ".", "..", "a/../b"]  # no keys of OSS, but nothing may go wrong with them
LIMIT = 100_000


@pytest.fixture(params=["local", "oss"])
def store(request, tmp_path):
    if request.param == "oss":
        return open_store(tmp_path / "unused", None, request.getfixturevalue("oss").environ)
    return open_store(tmp_path / "store", WorkFolders(tmp_path), {})


def put(store, tmp_path, key: str, data: bytes = b"data"):
    (tmp_path / "in").write_bytes(data)
    store.push(tmp_path / "in", key)


def get(store, tmp_path, key: str, limit: int = LIMIT) -> bytes:
    (tmp_path / "out").unlink(missing_ok=True)
    store.fetch(key, tmp_path / "out", limit)
    return (tmp_path / "out").read_bytes()


def test_what_goes_in_comes_out(store, tmp_path):
    for key in KEYS:
        put(store, tmp_path, key, key.encode())
    assert all(get(store, tmp_path, key) == key.encode() for key in KEYS)
    assert [entry.key for entry in store.list("")] == sorted(KEYS)
    assert [(entry.key, entry.size) for entry in store.list("a/b")] == [("a/b", 3), ("a/b.", 4)]
    assert next(store.list("long")).modified > 1.7e9 - 1e8


def test_overwrite_and_delete(store, tmp_path):
    put(store, tmp_path, "k", b"old")
    put(store, tmp_path, "k", b"new")
    assert get(store, tmp_path, "k") == b"new"
    assert store.exists("k") and not store.exists("K") and not store.exists("k/x")
    assert store.delete("k") and not store.delete("k") and not store.exists("k")
    with pytest.raises(NoObject):
        get(store, tmp_path, "k")


def test_absent_objects(store, tmp_path):
    put(store, tmp_path, "a/b")
    for key in ("none", "a", "a/b/c"):
        with pytest.raises(NoObject):
            get(store, tmp_path, key)


def test_limit_holds_and_leaves_no_file(store, tmp_path):
    put(store, tmp_path, "k", b"x" * 1001)
    assert len(get(store, tmp_path, "k", 1001)) == 1001
    with pytest.raises(Problem) as raised:
        get(store, tmp_path, "k", 1000)
    assert raised.value.status == 413 and not (tmp_path / "out").exists()


def test_paths_of_keys_differ_on_every_file_system():
    import unicodedata

    keys = KEYS + ODD
    paths = [unicodedata.normalize("NFKC", encode_key(key)).casefold() for key in keys]
    assert len(set(paths)) == len(keys)
    assert [decode_key(encode_key(key)) for key in keys] == keys
    assert all(
        len(part.encode()) < 255 and part not in ("", ".", "..")
        for key in keys
        for part in encode_key(key).split("/")
    )
    assert not any(c in encode_key("".join(KEYS)) for c in ':*?"<>|\\')


def test_failed_local_push_keeps_the_old_object(tmp_path, monkeypatch):
    store = LocalStore(tmp_path / "store", WorkFolders(tmp_path))
    put(store, tmp_path, "k", b"old")
    monkeypatch.setattr(
        os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "no space left"))
    )
    with pytest.raises(OSError) as raised:
        put(store, tmp_path, "k", b"new")
    assert as_problem(raised.value).status == 507
    assert get(store, tmp_path, "k") == b"old"
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["k%"]


def test_of_many_pushes_without_overwrite_one_wins_and_is_whole(store, tmp_path):
    gate = threading.Barrier(8)

    def push(i: int) -> bytes:
        (tmp_path / f"in{i}").write_bytes(data := bytes([i]) * 50_000)
        gate.wait()
        try:
            store.push(tmp_path / f"in{i}", key, overwrite=False)
            return data
        except ObjectExists:
            return b""

    with ThreadPoolExecutor(8) as pool:
        for key in ("a/b.pt", "c", "long" * 100):
            won = [data for data in pool.map(push, range(8)) if data]
            assert [get(store, tmp_path, key)] == won
    put(store, tmp_path, "c", b"new")
    assert get(store, tmp_path, "c") == b"new"
    store.delete("c")
    store.push(tmp_path / "in", "c", overwrite=False)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_disk_without_hard_links_takes_a_name_once(tmp_path, monkeypatch, number):
    def link(*_):
        raise OSError(number, "no links here")

    monkeypatch.setattr(os, "link", link)
    store = LocalStore(tmp_path / "store", WorkFolders(tmp_path))
    (tmp_path / "in").write_bytes(b"data")
    store.push(tmp_path / "in", "k", overwrite=False)
    with pytest.raises(ObjectExists):
        store.push(tmp_path / "in", "k", overwrite=False)
    assert get(store, tmp_path, "k") == b"data"
    monkeypatch.setattr(os, "replace", link)
    with pytest.raises(OSError):
        store.push(tmp_path / "in", "other", overwrite=False)
    assert [entry.key for entry in store.list("")] == ["k"]


def test_windows_waits_for_a_reader(tmp_path, monkeypatch):
    store, replace, refused = LocalStore(tmp_path / "s", WorkFolders(tmp_path)), os.replace, []

    def busy(*paths):
        if len(refused) < 3:
            refused.append(paths)
            raise PermissionError(errno.EACCES, "used by another process")
        replace(*paths)

    monkeypatch.setattr(os, "replace", busy)
    with pytest.raises(PermissionError):
        put(store, tmp_path, "k")
    monkeypatch.setattr(stores, "IS_WINDOWS", True)
    put(store, tmp_path, "k")
    assert get(store, tmp_path, "k") == b"data" and len(refused) == 3


def test_a_list_looks_only_under_its_prefix(tmp_path, monkeypatch):
    store, scandir, seen = LocalStore(tmp_path / "s", WorkFolders(tmp_path)), os.scandir, []
    for key in ("w/a/v.pt", "w/a/deep/v.pt", "w/b/v.pt", "w/a.pt", "w/A/v.pt"):
        put(store, tmp_path, key)

    def look(path):
        seen.append(os.path.relpath(path, store.folder))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", look)
    assert [entry.key for entry in store.list("w/a/")] == ["w/a/deep/v.pt", "w/a/v.pt"]
    assert seen == ["w/a", "w/a/deep"]
    assert [entry.key for entry in store.list("w/a")] == ["w/a.pt", "w/a/deep/v.pt", "w/a/v.pt"]
    assert list(store.list("none/")) == list(store.list("w/a.pt/")) == []


def test_what_vanishes_during_a_list_is_not_there(tmp_path, monkeypatch):
    store = LocalStore(tmp_path / "s", WorkFolders(tmp_path))
    for key in ("w/a", "w/b/x", "w/c"):
        put(store, tmp_path, key)
    scandir = os.scandir

    def look(path):
        entries = list(scandir(path))
        for name in ("w/a%", "w/b/x%"):
            (store.folder / name).unlink(missing_ok=True)
        if (store.folder / "w/b").exists():
            (store.folder / "w/b").rmdir()
        return entries

    monkeypatch.setattr(os, "scandir", look)
    assert [entry.key for entry in store.list("w/")] == ["w/c"]


def test_half_a_credential_is_told(tmp_path):
    with pytest.raises(StartError, match="OSS_ACCESS_KEY_SECRET is not set"):
        open_store(tmp_path, WorkFolders(tmp_path), {"OSS_ACCESS_KEY_ID": "x"})


# OSS and how it fails


@pytest.mark.parametrize("fault", ["500", "503", "429", "reset", "slow", "cut", "crc", "corrupt"])
def test_one_failure_is_made_good(oss, tmp_path, fault):
    store, oss.objects["k"] = OssStore(oss.environ), b"data" * 5000
    oss.faults = [fault]
    assert get(store, tmp_path, "k") == b"data" * 5000
    assert len(oss.seen) == 2


@pytest.mark.parametrize("fault", ["500", "503", "429", "reset", "slow", "crc"])
def test_one_failed_push_is_made_good(oss, tmp_path, fault):
    oss.faults = [fault]
    put(OssStore(oss.environ), tmp_path, "k", b"data" * 5000)
    assert oss.objects["k"] == b"data" * 5000 and len(oss.seen) == 2


@pytest.mark.parametrize(
    "fault, status, tries",
    [
        ("500", 502, 3),
        ("reset", 502, 3),
        ("slow", 504, 3),
        ("cut", 502, 3),
        ("crc", 502, 3),
        ("corrupt", 502, 3),
        ("403", 502, 1),
        ("403skew", 502, 1),
        ("404bucket", 502, 1),
    ],
)
def test_lasting_failure_is_told_and_leaves_no_file(oss, tmp_path, fault, status, tries):
    store, oss.objects["k"], oss.faults = OssStore(oss.environ), b"data" * 5000, [fault] * 9
    with pytest.raises(Problem) as raised:
        get(store, tmp_path, "k")
    assert (raised.value.status, len(oss.seen)) == (status, tries)
    assert not (tmp_path / "out").exists()
    told = str(raised.value.body())
    assert not any(secret in told for secret in (*ACCESS.values(), "127.0.0.1"))


@pytest.mark.parametrize(
    "fault, status", [("500", 502), ("slow", 504), ("403", 502), ("404bucket", 502), ("reset", 502)]
)
def test_lasting_push_failure_is_told(oss, tmp_path, fault, status):
    oss.faults = [fault] * 9
    with pytest.raises(Problem) as raised:
        put(OssStore(oss.environ), tmp_path, "k")
    assert raised.value.status == status and oss.objects == {}


@pytest.mark.parametrize("fault", ["500", "reset", "lost", "crc"])
def test_a_push_without_overwrite_knows_its_own_object_again(oss, tmp_path, fault):
    store, oss.faults = OssStore(oss.environ), [fault]
    (tmp_path / "in").write_bytes(b"data")
    store.push(tmp_path / "in", "k", overwrite=False)
    assert oss.objects == {"k": b"data"}
    oss.faults = [fault] if fault in ("500", "reset") else []
    with pytest.raises(ObjectExists):
        store.push(tmp_path / "in", "k", overwrite=False)


def test_drip_ends_at_the_deadline(oss, tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "DEADLINE", 1.0)
    store, oss.objects["k"], oss.faults = OssStore(oss.environ), b"d" * 2000, ["drip"]
    begin = time.monotonic()
    with pytest.raises(Problem) as raised:
        get(store, tmp_path, "k")
    assert (
        raised.value.status == 504
        and time.monotonic() - begin < 3
        and not (tmp_path / "out").exists()
    )


def test_limit_holds_without_a_length(oss, tmp_path):
    store, oss.objects["k"], oss.faults = OssStore(oss.environ), b"d" * 2000, ["endless"]
    with pytest.raises(Problem) as raised:
        get(store, tmp_path, "k")
    assert raised.value.status == 413 and not (tmp_path / "out").exists()


def test_wrong_secret_is_refused(oss, tmp_path):
    with pytest.raises(Problem) as raised:
        put(OssStore({**oss.environ, "OSS_ACCESS_KEY_SECRET": "wrong"}), tmp_path, "k")
    assert raised.value.status == 502 and len(oss.seen) == 1


def test_nobody_listens(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "FIRST_PAUSE", 0.01)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = OssStore({**ACCESS, "OSS_ENDPOINT": f"http://127.0.0.1:{taken.getsockname()[1]}"})
        with pytest.raises(Problem) as raised:
            put(store, tmp_path, "k")
    assert raised.value.status == 502


def test_session_token_is_sent(oss, tmp_path):
    put(OssStore({**oss.environ, "OSS_SESSION_TOKEN": "token-of-test"}), tmp_path, "k")
    assert oss.objects == {"k": b"data"}


def test_credentials_stay_out_of_the_log(oss, tmp_path, caplog):
    caplog.set_level("INFO")
    oss.faults = ["403"]
    with pytest.raises(Problem):
        put(OssStore(oss.environ), tmp_path, "secret-key-name")
    assert "AccessDenied" in caplog.text
    assert not any(
        secret in caplog.text for secret in ("id-of-test", "secret-of-test", "secret-key-name")
    )
