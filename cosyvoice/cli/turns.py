"""Whose turn it is to make sound, where several requests want the same processor.

Two streams that share two cores evenly both fall silent. Here the one that runs dry first works
first, and gives way between two steps when another becomes more urgent.
"""

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turn:
    """The right to work, of one request for a while. due: the time at which its sound ends."""

    def __init__(self, turns: "Turns", due: float):
        self.turns, self.due = turns, due

    def give_way(self) -> None:
        """Let those with an earlier due time work first; call it between two steps."""
        if self.turns.is_wanted_before(self.due):
            self.turns.end()
            self.turns.begin(self.due)


class Turns:
    """At most `limit` requests work at once; those that wait are taken by due time. Thread-safe."""

    def __init__(self, limit: int = 1):
        self.free = limit
        self.changed = threading.Condition()
        self.waiting: list[tuple[float, int]] = []  # a heap of (due, ticket)
        self.tickets = itertools.count()

    @contextmanager
    def turn(self, due: float) -> Iterator[Turn]:
        self.begin(due)
        try:
            yield Turn(self, due)
        finally:
            self.end()

    def begin(self, due: float) -> None:
        entry = (due, next(self.tickets))
        with self.changed:
            heapq.heappush(self.waiting, entry)
            self.changed.wait_for(lambda: self.free and self.waiting[0] == entry)
            heapq.heappop(self.waiting)
            self.free -= 1
            self.changed.notify_all()

    def end(self) -> None:
        with self.changed:
            self.free += 1
            self.changed.notify_all()

    def is_wanted_before(self, due: float) -> bool:
        with self.changed:
            return bool(self.waiting) and not self.free and self.waiting[0][0] < due
