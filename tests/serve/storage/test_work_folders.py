"""Working folders vanish with their request or after their process, and nothing else is touched."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cosyvoice.serve.storage import work_folders
from cosyvoice.serve.storage.work_folders import WorkFolders

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys; sys.path.insert(0, sys.argv[2])
from pathlib import Path
from cosyvoice.serve.storage.work_folders import WorkFolders
folders, home = WorkFolders(Path(sys.argv[1])), Path(sys.argv[1])
(folders.scratch(home) / "file").write_text("x")
with folders.folder(home) as folder:
    print(folder.name, flush=True)
    sys.stdin.read()
"""


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def other(tmp_path):
    """Another process that works in two folders under tmp_path."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path, ROOT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.folder = process.stdout.readline().strip()
    yield process
    process.kill()
    process.wait()


def test_folder_is_gone_after_its_request_also_after_an_error(tmp_path):
    folders = WorkFolders(tmp_path)
    with pytest.raises(KeyError), folders.folder(tmp_path) as folder:
        (folder / "deep").mkdir()
        (folder / "deep/file").write_text("x")
        raise KeyError
    assert names(tmp_path) == {".leases"}


def test_sweep_spares_the_living_and_everything_else(tmp_path, other):
    (tmp_path / "1321").mkdir()
    (tmp_path / "1321/keep.pt").write_text("x")
    (tmp_path / ".work-mine").mkdir()
    before, folders = names(tmp_path), WorkFolders(tmp_path)
    with folders.folder(tmp_path) as folder:
        folders.sweep(tmp_path)
        WorkFolders(tmp_path).sweep(tmp_path)
        assert names(tmp_path) == before | {folder.name}
        assert other.folder in before and (tmp_path / "1321/keep.pt").exists()


def test_sweep_removes_what_a_killed_process_left(tmp_path, other):
    (tmp_path / "keep.txt").write_text("x")
    other.kill()
    other.wait()
    assert len(names(tmp_path)) == 4
    WorkFolders(tmp_path).sweep(tmp_path)
    assert names(tmp_path) == {".leases", "keep.txt"} and names(tmp_path / ".leases") == set()


def test_folder_without_a_lock_goes_by_age(tmp_path):
    young, old = (tmp_path / f".work-{digit * 16}-{digit * 16}" for digit in "12")
    for folder in (young, old):
        folder.mkdir()
    os.utime(old, (time.time() - 90000,) * 2)
    WorkFolders(tmp_path).sweep(tmp_path)
    assert names(tmp_path) == {young.name}


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
def test_sweep_does_not_follow_links(tmp_path):
    (tmp_path / "target").mkdir()
    link = tmp_path / f".work-{'3' * 16}-{'3' * 16}"
    link.symlink_to(tmp_path / "target")
    os.utime(link, (time.time() - 90000,) * 2, follow_symlinks=False)
    WorkFolders(tmp_path).sweep(tmp_path)
    assert (tmp_path / "target").exists() and link.is_symlink()


def test_a_process_is_alive_until_it_ends(tmp_path, other):
    folders, token = WorkFolders(tmp_path), other.folder.split("-")[1]
    assert folders.is_alive(token) and folders.is_alive(folders.hold())
    assert not folders.is_alive("0" * 16) and not folders.is_alive("../x") and other.poll() is None
    other.kill()
    other.wait()
    assert not folders.is_alive(token)
    folders.close()
    assert not WorkFolders(tmp_path).is_alive(folders.token)


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no open file")
def test_a_lock_file_that_a_sweep_removes_in_the_making_is_made_again(tmp_path, monkeypatch):
    lock, removed = work_folders.lock_descriptor, []

    def sweep_comes_first(descriptor, blocking):
        if not removed:
            removed.extend((tmp_path / ".leases").iterdir())
            removed[0].unlink()
        return lock(descriptor, blocking=blocking)

    monkeypatch.setattr(work_folders, "lock_descriptor", sweep_comes_first)
    token = WorkFolders(tmp_path).hold()
    assert removed and names(tmp_path / ".leases") == {f"{token}.lock"}


FORK = """
import os, sys; sys.path.insert(0, sys.argv[2])
from pathlib import Path
from cosyvoice.serve.storage.work_folders import WorkFolders
home = Path(sys.argv[1])
folders = WorkFolders(home)
print(folders.scratch(home).name, flush=True)
if os.fork() == 0:
    print(folders.scratch(home).name, flush=True)
    sys.exit()  # an ordinary end, which closes everything inherited
os.wait()
WorkFolders(home).sweep(home)
print(*(path.name for path in home.glob(".work-*")), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_child_has_a_lock_of_its_own(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", FORK, tmp_path, ROOT]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    parent, child, left = ran.stdout.split()
    assert parent.split("-")[1] != child.split("-")[1] and left == parent


def test_testing_a_lock_does_not_disturb_its_owner(tmp_path):
    folders = WorkFolders(tmp_path)
    scratch = folders.scratch(tmp_path)
    for _ in range(3):
        WorkFolders(tmp_path).sweep(tmp_path)
    assert scratch.is_dir() and len(names(tmp_path / ".leases")) == 1


def test_many_threads_share_one_lock(tmp_path):
    folders = WorkFolders(tmp_path)

    def work():
        for _ in range(20):
            with folders.folder(tmp_path) as folder:
                assert folder.is_dir()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(tmp_path / ".leases")) == 1 and names(tmp_path) == {".leases"}
    folders.close()
    assert names(tmp_path / ".leases") == set()
