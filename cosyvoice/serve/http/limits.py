"""How much a key may have spoken: requests a minute and characters a day.

The counts are in one small SQLite file of the service's own folder, so that all its processes share
them and a restart keeps them. A minute and a day are those of the clock (UTC).
"""

import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cosyvoice.serve.http.problem import Problem

MINUTE, DAY = 60, 24 * 3600  # seconds
TABLE = """CREATE TABLE IF NOT EXISTS used
    (key TEXT, period INTEGER, begin INTEGER, amount INTEGER, PRIMARY KEY (key, period))"""
PATIENCE = 5.0  # seconds to wait for another process


@dataclass(frozen=True)
class Allowance:
    """What a key may use; None is without limit."""

    requests_per_minute: int | None = None
    characters_per_day: int | None = None


class Limits:
    """Counts what each key has used. Thread-safe; several processes may share the file."""

    def __init__(self, file: Path):
        self.file = file
        self.guard = threading.Lock()

    def charge(self, key: str, allowance: Allowance, characters: int, requests: int = 1):
        """Count a request and its characters; text that is added to one is no request of its own.

        Raises a 429 Problem, and counts nothing, when a limit is reached.
        """
        limits = (
            (MINUTE, requests, allowance.requests_per_minute),
            (DAY, characters, allowance.characters_per_day),
        )
        wanted = [(period, amount, most) for period, amount, most in limits if most is not None]
        if not wanted:
            return
        now = int(time.time())
        with self.guard, closing(self._open()) as database, database:
            database.execute("BEGIN IMMEDIATE")
            for period, amount, most in wanted:
                used = self._used(database, key, period, now)
                if used + amount > most:
                    raise limit_error(period, most, used, amount, period - now % period)
                database.execute(
                    "INSERT OR REPLACE INTO used VALUES (?, ?, ?, ?)",
                    (key, period, now // period, used + amount),
                )

    def _open(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.file, timeout=PATIENCE, isolation_level=None)
        database.execute(TABLE)
        return database

    @staticmethod
    def _used(database: sqlite3.Connection, key: str, period: int, now: int) -> int:
        row = database.execute(
            "SELECT amount FROM used WHERE key = ? AND period = ? AND begin = ?",
            (key, period, now // period),
        ).fetchone()
        return row[0] if row else 0


def limit_error(period: int, most: int, used: int, wanted: int, seconds: int) -> Problem:
    """A 429 Problem that says which limit, how much is left, and when there is more."""
    if period == MINUTE:
        en = f"your key allows {most} requests a minute"
        zh = f"您的密钥每分钟最多 {most} 次请求"
    else:
        en = f"your key allows {most} characters a day, {most - used} are left, got {wanted}"
        zh = f"您的密钥每天最多 {most} 字，剩余 {most - used} 字，本次 {wanted} 字"
    code = "too_many_requests" if period == MINUTE else "too_many_characters"
    return Problem(
        429,
        code,
        None,
        f"{en}; try again in {seconds} s",
        f"{zh}；请在 {seconds} 秒后重试",
        {"Retry-After": str(seconds)},
    )
