"""Who may use the model: a bounded number at once, a bounded queue in order of arrival, the rest are refused."""

import threading
from collections import deque
from collections.abc import Callable

from cosyvoice.serve.http.problem import Problem

LOOK_AROUND = 0.25  # seconds between two looks whether a waiting client is still there


class Slots:
    """`take` waits for a slot, `free` gives it back; both from any thread."""

    def __init__(self, running: int, waiting: int):
        self.limit, self.max_waiting = running, waiting
        self.running, self.queue = 0, deque()
        self.mean_seconds = 10.0  # of recent generations, to say when to come back
        self.changed = threading.Condition()

    def take(
        self,
        still_wanted: Callable[[], None] = lambda: None,
        on_position: Callable[[int], None] = lambda n: None,
    ):
        """Returns when the caller holds a slot. Raises a 503 Problem when the queue is full.

        still_wanted is called now and then while waiting; what it raises ends the wait. on_position hears the
        place in the queue (1 is next) whenever it changes, and 0 at the end.
        """
        ticket, shown = object(), None
        with self.changed:
            if self.running + len(self.queue) >= self.limit + self.max_waiting:
                raise self._busy()
            self.queue.append(ticket)
            try:
                while self.queue[0] is not ticket or self.running >= self.limit:
                    place = self.queue.index(ticket) + 1
                    if place != shown:
                        on_position(shown := place)
                    self.changed.wait(LOOK_AROUND)
                    still_wanted()
                self.running += 1
            finally:
                self.queue.remove(ticket)
                self.changed.notify_all()
        on_position(0)

    def free(self, seconds: float | None = None):
        """Give a slot back, with the time it was used when that says something about the next one."""
        with self.changed:
            self.running -= 1
            if seconds is not None:
                self.mean_seconds += 0.2 * (seconds - self.mean_seconds)
            self.changed.notify_all()

    def wait_seconds(self) -> int:
        """A guess at how long a newcomer would wait."""
        return max(1, round(self.mean_seconds * (len(self.queue) + 1) / self.limit))

    def _busy(self) -> Problem:
        after = self.wait_seconds()
        return Problem(
            503,
            "busy",
            None,
            f"the service is busy: {self.running} generating, {len(self.queue)} waiting; try again in {after} s",
            f"服务繁忙：{self.running} 个正在生成，{len(self.queue)} 个排队；请在 {after} 秒后重试",
            {"Retry-After": str(after)},
        )
