"""The workers of two processes on one folder: each part once, by whichever is there."""

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


def test_a_thread_that_has_nothing_to_do_ends(workers):
    add(workers[0].books, "{chunks=1 size=500}一句。")
    workers[0].wake()
    wait_for(lambda: not workers[0].books.unfinished(), 30)
    wait_for(lambda: workers[0].thread is None)
    workers[0].resume()
    assert workers[0].thread is None
