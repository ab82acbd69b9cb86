"""Who may use the model: a bounded number at once, a bounded queue in order of arrival.

What comes when the queue is full is refused.
"""

import threading
from collections import deque
from collections.abc import Callable

from cosyvoice.serve.http.problem import Problem

POLL = 0.25  # seconds between two looks whether a waiting client is still there


class Slot:
    """The right to use the model, until the end of `with` or until release(), in any thread.

    seconds: set it to the time of a whole use, which then counts for the guess of waiting times.
    """

    def __init__(self, slots: "Slots"):
        self.seconds: float | None = None
        self._slots, self._is_held = slots, threading.Lock()
        self._is_held.acquire()

    def __enter__(self) -> "Slot":
        return self

    def __exit__(self, *exception):
        self.release()

    def release(self):
        """Give the slot back; a second call does nothing."""
        try:
            self._is_held.release()
        except RuntimeError:  # released already
            return
        self._slots._free(self.seconds)


class Slots:
    """Thread-safe. `with slots.take(): ...` waits for a slot and holds it."""

    def __init__(self, running: int, waiting: int, seconds: float = 10.0):
        self.limit, self.max_waiting = running, waiting
        self.running = 0
        self.queue: deque[object] = deque()
        self.mean_seconds = seconds  # of recent uses, to say when to come back
        self.changed = threading.Condition()

    def take(
        self,
        check: Callable[[], None] = lambda: None,
        on_position: Callable[[int], None] = lambda position: None,
    ) -> Slot:
        """Wait for a slot. Raises a 503 Problem when the queue is full.

        check is called now and then while waiting and ends the wait by raising. on_position gets
        the place in the queue (1 is next) whenever it changes, and 0 at the end.
        """
        ticket, shown = object(), None
        with self.changed:
            if self.running + len(self.queue) >= self.limit + self.max_waiting:
                raise self._busy_error()
            self.queue.append(ticket)
            try:
                while self.queue[0] is not ticket or self.running >= self.limit:
                    position = self.queue.index(ticket) + 1
                    if position != shown:
                        on_position(shown := position)
                    self.changed.wait(POLL)
                    check()
                self.running += 1
            finally:
                self.queue.remove(ticket)
                self.changed.notify_all()
        on_position(0)
        return Slot(self)

    def _free(self, seconds: float | None):
        with self.changed:
            self.running -= 1
            if seconds is not None:
                self.mean_seconds += 0.2 * (seconds - self.mean_seconds)
            self.changed.notify_all()

    def wait_seconds(self) -> int:
        """A guess at how long a newcomer would wait."""
        return max(1, round(self.mean_seconds * (len(self.queue) + 1) / self.limit))

    def _busy_error(self) -> Problem:
        after = self.wait_seconds()
        return Problem(
            503,
            "busy",
            None,
            f"the service is busy: {self.running} at work, {len(self.queue)} waiting; "
            f"try again in {after} s",
            f"服务繁忙：{self.running} 个正在处理，{len(self.queue)} 个排队；请在 {after} 秒后重试",
            {"Retry-After": str(after)},
        )
