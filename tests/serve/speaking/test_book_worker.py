"""The workers of two processes on one folder: each part once, by whichever is there."""

import threading
import time

import pytest

from cosyvoice.cli.long_speech import plan_of
from cosyvoice.serve.speaking import book_worker
from cosyvoice.serve.speaking.book_worker import BookWorker
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.storage.books import Book, Books, new_id
from cosyvoice.serve.storage.work_folders import WorkFolders
from cosyvoice.text.manuscript import read_manuscript
from tests.support.fake_engine import RATE, FakeEngine
from tests.support.waiting import wait_for

SPEECH = {"mode": "预训练音色", "spk_id": "中文女", "prompt_text": "", "seed": 3, "speed": 1.0}


@pytest.fixture
def workers(tmp_path, monkeypatch):
    monkeypatch.setattr(book_worker, "POLL", 0.02)
    monkeypatch.setattr(book_worker, "LOOK", 0.02)
    FakeEngine.calls = []
    made, folders = [], []
    for _ in range(2):
        folders.append(WorkFolders(tmp_path / "output"))
        books = Books(tmp_path / "books", folders[-1], 7)
        engine = FakeEngine(tmp_path)
        made.append(BookWorker(books, Slots(2, 2), lambda mode, engine=engine: engine, "64k"))
    yield made
    for worker, folder in zip(made, folders):
        worker.stop()
        folder.close()


def add(books: Books, text: str) -> str:
    plan = plan_of(read_manuscript(text))
    speech = {**SPEECH, "pronunciations": {}}
    book = Book(
        *(new_id(), "", "anna", "t", "mp3", speech, "CosyVoice-300M-25Hz", RATE),
        *(plan.characters, len(plan.parts), time.time()),
    )
    return books.add(book, plan, {}).id


def texts() -> list[str]:
    return [call["text"] for _, call in FakeEngine.calls]


def test_two_processes_speak_each_part_of_their_books_once(workers):
    lines = [[f"{{chunks=1 size=500}}第{b}本第{n}句。" for n in range(6)] for b in range(2)]
    books = workers[0].books
    ids = [add(books, "\n".join(each)) for each in lines]
    for worker in workers:
        worker.wake()
    wait_for(lambda: not books.unfinished(), 30)
    assert sorted(texts()) == sorted(lines[0] + lines[1])
    for id, each in zip(ids, lines):
        assert books.get(id).state == "done" and len(books.spoken(id)) == 6
        assert [text for text in texts() if text in each] == each


def test_a_process_that_stops_gives_its_book_to_another(workers):
    books = workers[0].books
    id = add(books, "{chunks=1 size=500}一句。\n{chunks=2 size=500 delay=0.5}二句。")
    workers[0].wake()
    wait_for(lambda: len(texts()) == 2)
    workers[0].stop()
    assert books.get(id).process == "" and books.get(id).done == 1
    workers[1].resume()
    wait_for(lambda: books.get(id).ended, 30)
    assert [text[-3:] for text in texts()] == ["一句。", "二句。", "二句。"]
    seeds = [call["seed"] for _, call in FakeEngine.calls]
    assert seeds[1] == seeds[2] != seeds[0]


@pytest.fixture
def joins(monkeypatch):
    """Joins that begin and wait to be let go: (those begun, an event that lets them all go)."""
    begun, go_on, whole = [], threading.Event(), book_worker.join

    def held(sounds, plan, form, bitrate, path, *others):
        begun.append(path)
        check = others[-1]
        while not go_on.wait(0.01):
            check()
        whole(sounds, plan, form, bitrate, path, *others)

    monkeypatch.setattr(book_worker, "join", held)
    return begun, go_on


def test_a_book_is_spoken_while_another_is_joined(workers, joins):
    begun, go_on = joins
    books = workers[0].books
    ids = [add(books, "{chunks=1 size=500}一句。")]
    workers[0].wake()
    wait_for(lambda: len(begun) == 1)
    ids += [
        add(books, f"{{chunks=1 size=500}}第{n}本。\n{{chunks=1 size=500}}完。") for n in (2, 3)
    ]
    wait_for(lambda: [books.get(id).done for id in ids] == [1, 2, 2])
    time.sleep(0.1)
    assert len(begun) == 1 and books.get(ids[0]).state == "joining"
    go_on.set()
    wait_for(lambda: not books.unfinished(), 30)
    assert [books.get(id).state for id in ids] == ["done"] * 3 and len(begun) == 3


def test_joining_ends_with_its_process_and_is_done_by_another(workers, joins):
    begun, go_on = joins
    books = workers[0].books
    id = add(books, "{chunks=1 size=500}一句。")
    workers[0].wake()
    wait_for(lambda: len(begun) == 1)
    workers[0].stop()
    assert not workers[0].joiner.is_alive() and books.get(id).process == ""
    go_on.set()
    workers[1].resume()
    wait_for(lambda: books.get(id).ended, 30)
    assert books.get(id).state == "done" and len(begun) == 2 and len(texts()) == 1


def test_a_book_that_is_deleted_is_not_joined_on(workers, joins):
    begun, _ = joins
    books = workers[0].books
    id = add(books, "{chunks=1 size=500}一句。")
    workers[0].wake()
    wait_for(lambda: len(begun) == 1)
    books.delete(id)
    wait_for(lambda: not workers[0].joiner.is_alive())
    wait_for(lambda: workers[0].thread is None)
    assert not books.path(id).exists()


def test_parts_that_were_lost_before_joining_are_spoken_again(workers, monkeypatch):
    books, lost = workers[0].books, []

    def lose(book):
        if not lost:
            lost.append(books.sounds(book).path(1).unlink())
        begin(book)

    begin = workers[0]._begin_joining
    monkeypatch.setattr(workers[0], "_begin_joining", lose)
    id = add(books, "\n".join(f"{{chunks=1 size=500}}第{n}句。" for n in range(3)))
    workers[0].wake()
    wait_for(lambda: books.get(id).ended, 30)
    assert books.get(id).state == "done" and [text[-3:-2] for text in texts()] == [*"01212"]


def test_a_failure_after_its_end_leaves_a_book_done(workers, monkeypatch, caplog):
    books = workers[0].books
    monkeypatch.setattr(books, "sweep", lambda: 1 / 0)
    id = add(books, "{chunks=1 size=500}一句。")
    workers[0].wake()
    wait_for(lambda: "division" in caplog.text)
    wait_for(lambda: not workers[0].joiner.is_alive())
    assert books.get(id).state == "done" and books.get(id).ended


def test_a_thread_that_has_nothing_to_do_ends(workers):
    add(workers[0].books, "{chunks=1 size=500}一句。")
    workers[0].wake()
    wait_for(lambda: not workers[0].books.unfinished(), 30)
    wait_for(lambda: workers[0].thread is None)
    workers[0].resume()
    assert workers[0].thread is None
