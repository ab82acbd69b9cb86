"""Books: long texts that are spoken part by part, and survive the end of the process.

The API calls them jobs, which Job in serve/http/jobs.py, one request to speak, is not.

A book's record is in one SQLite file, which all processes of the service share; its plan, its voice
and its sound are files in a folder of its own:

    <folder>/books.sqlite
    <folder>/<id>/plan.json, voice.pt, 000000.flac ..., book.mp3 or book.m4b when it is finished

A part counts as finished when its file is on the disk and its row is written, in this order. A
process works on a book while it holds its lease, which is the token of the process in the record; a
lease of a process that has ended, also one that was killed, is void (see WorkFolders).
"""

import json
import logging
import os
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosyvoice.cli.long_speech import Plan, SoundFiles
from cosyvoice.serve.storage.work_folders import WorkFolders
from cosyvoice.utils.files import read_dict, save_whole
from cosyvoice.utils.whole_file import write_whole

log = logging.getLogger(__name__)
PATIENCE = 10.0  # seconds to wait for another process
DAY = 24 * 3600  # seconds
ORPHAN_AGE = 3600  # seconds after which a folder without a record is removed
TABLES = """
CREATE TABLE IF NOT EXISTS books (
    id TEXT PRIMARY KEY, caller TEXT, user_id TEXT, title TEXT, form TEXT, speech TEXT,
    model TEXT, sample_rate INTEGER, characters INTEGER, parts INTEGER, created REAL,
    state TEXT DEFAULT 'queued', error TEXT DEFAULT '', done INTEGER DEFAULT 0,
    done_characters INTEGER DEFAULT 0, samples INTEGER DEFAULT 0, worked REAL DEFAULT 0,
    tries INTEGER DEFAULT 0, not_before REAL DEFAULT 0, turn INTEGER DEFAULT 0,
    process TEXT DEFAULT '', ended REAL);
CREATE TABLE IF NOT EXISTS parts (
    book TEXT, number INTEGER, samples INTEGER, sentences TEXT, skipped TEXT,
    PRIMARY KEY (book, number));
"""
# Callers take turns, and so do the books of a caller
TURNS = """SELECT * FROM books WHERE ended IS NULL AND not_before <= ? ORDER BY
    (SELECT max(turn) FROM books AS other
     WHERE other.caller = books.caller AND other.user_id = books.user_id), turn, created"""


class BookGone(Exception):
    """The book was deleted, or another process has taken it over."""


@dataclass(frozen=True)
class Book:
    """A record; what may change is as it was when it was read."""

    id: str
    caller: str  # digest of the key it was made with; "" without keys
    user_id: str
    title: str
    form: str  # of cosyvoice.cli.long_speech.FORMATS
    speech: dict[str, Any]  # fields of its Job, and "pronunciations"
    model: str  # family of the model that speaks it
    sample_rate: int  # Hz
    characters: int
    parts: int
    created: float  # seconds since 1970, as all times here
    state: str = "queued"  # queued, running, waiting, joining, done, failed
    error: dict[str, str] | None = None  # {"code", "error"}: why it waits or has failed
    done: int = 0  # parts
    done_characters: int = 0
    samples: int = 0
    worked: float = 0.0  # seconds that the finished parts took
    tries: int = 0  # of the next part, that failed
    not_before: float = 0.0  # when a waiting book is tried again
    turn: int = 0  # of all turns, the number of its last one
    process: str = ""  # that works on it
    ended: float | None = None


@dataclass(frozen=True)
class Spoken:
    """A finished part. sentences: [{"text", "spoken", "start", "end"}], samples from its begin."""

    number: int
    samples: int
    sentences: list[dict]
    skipped: str  # the text of a part that held nothing to speak, else ""


class Books:
    """Thread-safe; several processes may share the folder. days: that an ended book is kept."""

    def __init__(self, folder: Path, processes: WorkFolders, days: float):
        self.folder, self.processes, self.days = folder, processes, days
        self.guard = threading.Lock()

    # making and removing

    def add(self, book: Book, plan: Plan, voice: dict) -> Book:
        """Keep a new book and what it needs. voice: plain tensors, {} for a model's speaker."""
        with self.processes.folder(self._made_folder()) as work:
            write_whole(work / "plan.json", plan.json().encode())
            save_whole(voice, work / "voice.pt")
            os.rename(work, self.path(book.id))
            work.mkdir()  # to be removed in its place
        values = (
            *(book.id, book.caller, book.user_id, book.title, book.form),
            *(json.dumps(book.speech, ensure_ascii=False), book.model, book.sample_rate),
            *(book.characters, book.parts, book.created),
        )
        try:
            with self._transaction() as database:
                database.execute(
                    "INSERT INTO books (id, caller, user_id, title, form, speech, model, "
                    "sample_rate, characters, parts, created) "
                    f"VALUES ({', '.join('?' * len(values))})",
                    values,
                )
        except BaseException:
            shutil.rmtree(self.path(book.id), ignore_errors=True)
            raise
        return book

    def delete(self, id: str) -> bool:
        """Forget a book and remove its files; a process that works on it stops."""
        with self._transaction() as database:
            database.execute("DELETE FROM parts WHERE book = ?", (id,))
            found = database.execute("DELETE FROM books WHERE id = ?", (id,)).rowcount
        shutil.rmtree(self.path(id), ignore_errors=True)
        return bool(found)

    def sweep(self) -> None:
        """Remove what ended long ago, and folders without a record."""
        if not self.file.exists():
            return
        known = {book.id: book for book in self._select("SELECT * FROM books")}
        for book in known.values():
            if book.ended is not None and time.time() - book.ended > self.days * DAY:
                log.info("book %s ended %g days ago and is removed", book.id, self.days)
                self.delete(book.id)
            elif book.state == "done":
                self.remove_sounds(book)
        for path in self.folder.iterdir():
            if path.is_dir() and path.name[0] != "." and path.name not in known and is_old(path):
                shutil.rmtree(path, ignore_errors=True)
        self.processes.sweep(self.folder)

    # reading

    def get(self, id: str) -> Book | None:
        found = self._select("SELECT * FROM books WHERE id = ?", id)
        return found[0] if found else None

    def of_user(self, user_id: str) -> list[Book]:
        """Newest first."""
        return self._select("SELECT * FROM books WHERE user_id = ? ORDER BY created DESC", user_id)

    def unfinished(self) -> list[Book]:
        return self._select("SELECT * FROM books WHERE ended IS NULL")

    def spoken(self, id: str) -> list[Spoken]:
        """The finished parts, in order."""
        if not self.file.exists():
            return []
        with self._transaction() as database:
            rows = database.execute("SELECT * FROM parts WHERE book = ? ORDER BY number", (id,))
            return [
                Spoken(row["number"], row["samples"], json.loads(row["sentences"]), row["skipped"])
                for row in rows
            ]

    def plan(self, id: str) -> Plan:
        return Plan.of_json((self.path(id) / "plan.json").read_text("utf-8"))

    def voice(self, id: str) -> dict[str, Any]:
        """What add() was given."""
        return read_dict(self.path(id) / "voice.pt")

    def sounds(self, book: Book) -> SoundFiles:
        return SoundFiles(self.path(book.id), book.sample_rate)

    @contextmanager
    def reading(self, id: str) -> Iterator[Book | None]:
        """The record as it is now; the sound of the parts it counts stays during `with`.

        Of a book that is done there may be no parts. A reader is a working folder in that of the
        book, so that other processes know of it, also when this one is killed.
        """
        with self.processes.folder(self.path(id)):
            yield self.get(id)
        book = self.get(id)
        if book is None:  # the reader's folder was made when the book had just been deleted
            shutil.rmtree(self.path(id), ignore_errors=True)
        elif book.state == "done":
            self.remove_sounds(book)

    def remove_sounds(self, book: Book) -> None:
        """Remove the sound of a finished book's parts, unless somebody reads it."""
        if self._has_reader(book.id):
            self.processes.sweep(self.path(book.id))
        if not self._has_reader(book.id):
            self.sounds(book).remove()

    def _has_reader(self, id: str) -> bool:
        return any(self.path(id).glob(".work-*"))

    def finished_file(self, book: Book) -> Path:
        return self.path(book.id) / f"book.{book.form}"

    def path(self, id: str) -> Path:
        return self.folder / id

    @property
    def file(self) -> Path:
        return self.folder / "books.sqlite"

    # working

    def take_turn(self, joined="") -> Book | None:
        """The book whose turn it is, with its lease, to be given back by release(); None for none.

        Every call is a turn, so that books are spoken in turns of one part. Called by one thread of
        a process, which has no other lease by then. joined: the book that another thread of this
        process joins; until it has done so, no other to be joined has its turn.
        """
        if not self.file.exists():
            return None
        token = self.processes.hold()
        with self._transaction() as database:
            for row in database.execute(TURNS, (time.time(),)).fetchall():
                if row["process"] not in ("", token) and self.processes.is_alive(row["process"]):
                    continue
                if joined and (row["id"] == joined or row["done"] == row["parts"]):
                    continue
                database.execute(
                    "UPDATE books SET process = ?, turn = (SELECT max(turn) + 1 FROM books) "
                    "WHERE id = ?",
                    (token, row["id"]),
                )
                return book_of(row)
        return None

    def release(self, id: str) -> None:
        self._change(id, "process = ''")

    def finish_part(self, book: Book, part: Spoken, characters: int, seconds: float) -> None:
        """Note a part whose file is written. Raises BookGone without the lease."""
        with self._transaction() as database:
            changed = database.execute(
                "UPDATE books SET done = done + 1, samples = samples + ?, worked = worked + ?, "
                "done_characters = done_characters + ?, tries = 0, error = '', state = 'running' "
                "WHERE id = ? AND process = ? AND done = ?",
                (
                    *(part.samples, seconds, characters),
                    *(book.id, self.processes.hold(), part.number),
                ),
            ).rowcount
            if not changed:
                raise BookGone()
            database.execute(
                "INSERT INTO parts VALUES (?, ?, ?, ?, ?)",
                (
                    *(book.id, part.number, part.samples),
                    *(json.dumps(part.sentences, ensure_ascii=False), part.skipped),
                ),
            )

    def go_back(self, book: Book, number: int, plan: Plan) -> None:
        """Part `number` and those after it count as not spoken: their files are lost."""
        characters = sum(len(part.text) for part in plan.parts[:number])
        with self._transaction() as database:
            database.execute("DELETE FROM parts WHERE book = ? AND number >= ?", (book.id, number))
            database.execute(
                "UPDATE books SET done = ?, done_characters = ?, samples = "
                "(SELECT coalesce(sum(samples), 0) FROM parts WHERE book = ?) WHERE id = ?",
                (number, characters, book.id, book.id),
            )

    def set_state(self, id: str, state: str) -> None:
        self._change(id, "state = ?, error = ''", state)

    def wait(self, id: str, error: dict[str, str], seconds: float, tried=False) -> None:
        """Try the book again later. tried: count this as a failure of its next part."""
        self._change(
            id,
            "state = 'waiting', error = ?, not_before = ?, tries = tries + ?",
            *(json.dumps(error, ensure_ascii=False), time.time() + seconds, int(tried)),
        )

    def end(self, id: str, error: dict[str, str] | None = None) -> None:
        """The book is done, or has failed with an error."""
        self._change(
            id,
            "state = ?, error = ?, ended = ?",
            *("failed" if error else "done", json.dumps(error) if error else "", time.time()),
        )

    # SQLite

    def _change(self, id: str, values: str, *arguments) -> None:
        """Set some fields of a book. Raises BookGone without its lease."""
        with self._transaction() as database:
            changed = database.execute(
                f"UPDATE books SET {values} WHERE id = ? AND process = ?",
                (*arguments, id, self.processes.hold()),
            ).rowcount
        if not changed:
            raise BookGone()

    def _select(self, query: str, *arguments) -> list[Book]:
        if not self.file.exists():
            return []
        with self._transaction() as database:
            return [book_of(row) for row in database.execute(query, arguments)]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._made_folder()
        with self.guard, closing(sqlite3.connect(self.file, timeout=PATIENCE)) as database:
            database.row_factory = sqlite3.Row
            database.isolation_level = None
            database.executescript(TABLES)
            database.execute("BEGIN IMMEDIATE")
            with database:
                yield database

    def _made_folder(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder


def is_old(folder: Path) -> bool:
    """Whether a folder has been there longer than the making of a book takes."""
    try:
        return time.time() - folder.stat().st_mtime > ORPHAN_AGE
    except FileNotFoundError:  # another process has removed it
        return False


def new_id() -> str:
    return secrets.token_hex(12)


def book_of(row: sqlite3.Row) -> Book:
    values = dict(row)
    values["speech"] = json.loads(values["speech"])
    values["error"] = json.loads(values["error"]) if values["error"] else None
    return Book(**values)
