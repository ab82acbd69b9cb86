"""The records of books: one process at a time works on one, in turns, and nothing counts twice."""

import os
import sqlite3
import time
from dataclasses import replace

import numpy as np
import pytest

from cosyvoice.cli.long_speech import Part, Plan
from cosyvoice.serve.storage.books import Book, BookGone, Books, Spoken, new_id
from cosyvoice.serve.storage.work_folders import WorkFolders

PLAN = Plan("山风", ("起",), (Part("一句。", 0), Part("二句。", 0, 0.5)))


@pytest.fixture
def processes(tmp_path):
    """Two processes of the service, as they see its folder."""
    folders = WorkFolders(tmp_path / "output"), WorkFolders(tmp_path / "output")
    yield [Books(tmp_path / "books", folder, 7) for folder in folders]
    for folder in folders:
        folder.close()


def add(books: Books, user_id="anna", created=0.0) -> Book:
    book = Book(
        id=new_id(),
        caller="",
        user_id=user_id,
        title="山风",
        form="mp3",
        speech={"mode": "x", "pronunciations": {"重庆": "山城"}},
        model="m",
        sample_rate=100,
        characters=PLAN.characters,
        parts=2,
        created=created or time.time(),
    )
    return books.add(book, PLAN, {})


def finish(books: Books, book: Book) -> None:
    books.sounds(book).write(book.done, np.ones(50, np.int16))
    books.finish_part(book, Spoken(book.done, 50, [], ""), 3, 1.0)


def test_a_book_comes_back_as_it_was_added(processes):
    book = add(processes[0])
    assert processes[1].get(book.id) == book and processes[1].plan(book.id) == PLAN
    assert processes[1].voice(book.id) == {} and processes[1].of_user("anna") == [book]
    assert not processes[1].of_user("other")


def test_only_one_process_works_on_a_book(processes):
    mine, other = processes
    book = add(mine)
    taken = mine.take_turn()
    assert taken and taken.id == book.id and other.take_turn() is None
    with pytest.raises(BookGone):
        finish(other, taken)
    finish(mine, taken)
    mine.release(book.id)
    assert other.take_turn().done == 1


def test_the_lease_of_a_process_that_has_ended_is_void(processes):
    mine, other = processes
    add(mine)
    mine.take_turn()
    mine.processes.close()  # as the system does for a killed one
    assert other.take_turn()


def test_a_part_counts_once(processes):
    book = add(processes[0])
    taken = processes[0].take_turn()
    finish(processes[0], taken)
    with pytest.raises(BookGone):
        finish(processes[0], taken)
    now = processes[0].get(book.id)
    assert (now.done, now.samples, now.done_characters, now.state) == (1, 50, 3, "running")
    assert [part.number for part in processes[0].spoken(book.id)] == [0]


def test_users_take_turns_and_so_do_the_books_of_a_user(processes):
    books = processes[0]
    names = {
        add(books, user, n).id: name
        for n, (user, name) in enumerate([("a", "a1"), ("a", "a2"), ("b", "b1")], 1)
    }
    order = []
    for _ in range(8):
        book = books.take_turn()
        order.append(names[book.id])
        books.release(book.id)
    assert order.count("b1") == 4 and order.count("a1") == order.count("a2") == 2


def test_a_waiting_book_lets_others_go_on(processes):
    books = processes[0]
    first = add(books, created=1.0)
    second = add(books, created=2.0)
    books.take_turn()
    books.wait(first.id, {"code": "disk_full", "error": "x"}, 60)
    books.release(first.id)
    assert books.take_turn().id == second.id and books.get(first.id).state == "waiting"


def test_parts_whose_files_are_lost_are_spoken_again(processes):
    books = processes[0]
    book = add(books)
    for _ in range(2):
        finish(books, books.take_turn())
        books.release(book.id)
    books.go_back(book, 1, PLAN)
    now = books.get(book.id)
    assert (now.done, now.samples, now.done_characters) == (1, 50, 3)
    assert len(books.spoken(book.id)) == 1


def ended(books: Books) -> Book:
    book = add(books)
    finish(books, books.take_turn())
    books.end(book.id)
    return books.get(book.id)


def sounds(books: Books, book: Book) -> list[str]:
    return [path.name for path in books.path(book.id).glob("*.flac")]


def test_the_sound_of_parts_stays_while_it_is_read_in_any_process(processes):
    mine, other = processes
    book = ended(mine)
    with mine.reading(book.id), other.reading(book.id) as seen:
        assert seen == book
        mine.sweep()
        assert sounds(mine, book)
    assert not sounds(mine, book) and not list(mine.path(book.id).glob(".work-*"))


def test_a_reader_whose_process_was_killed_keeps_nothing(processes):
    mine, other = processes
    book = ended(mine)
    reader = other.reading(book.id)
    reader.__enter__()
    other.processes.close()  # as the system does for a killed one
    mine.processes.home.joinpath(f"{other.processes.token}.lock").touch()
    mine.sweep()
    assert not sounds(mine, book) and not list(mine.path(book.id).glob(".work-*"))


def test_reading_what_has_just_been_deleted_leaves_no_folder(processes):
    books = processes[0]
    with books.reading("gone") as book:
        assert book is None
    assert not books.path("gone").exists()


def test_the_book_being_joined_and_others_to_be_joined_wait(processes):
    books = processes[0]
    first, second, third = add(books, "a", 1.0), add(books, "b", 2.0), add(books, "c", 3.0)
    for book in (first, second):
        for done in range(2):
            books.take_turn()
            finish(books, replace(book, done=done))
    assert books.take_turn(first.id).id == books.take_turn(first.id).id == third.id
    assert books.take_turn().id in (first.id, second.id)


def test_sweeping_removes_what_ended_long_ago_and_folders_without_a_record(processes):
    books = processes[0]
    kept, old = add(books), add(books, "b")
    books.take_turn(), books.take_turn()
    books.end(old.id)
    (orphan := books.path("orphan")).mkdir()
    os.utime(orphan, (0, 0))
    books.sweep()
    assert orphan.exists() is False and books.get(old.id)
    books.days = 0.0
    books.sweep()
    assert not books.get(old.id) and not books.path(old.id).exists()
    assert books.get(kept.id) and books.path(kept.id).exists()


def test_a_book_that_cannot_be_recorded_leaves_no_file(processes, monkeypatch):
    books = processes[0]

    def full():
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(books, "_transaction", full)
    with pytest.raises(sqlite3.OperationalError):
        add(books)
    assert not list(books.folder.iterdir())


def test_reading_makes_no_file(tmp_path):
    books = Books(tmp_path / "books", WorkFolders(tmp_path), 7)
    assert books.get("x") is None and books.take_turn() is None and books.unfinished() == []
    assert not (tmp_path / "books").exists()
