"""Who may use the model: a bounded number at once, and a bounded queue that is fair to callers.

Callers take turns: one who sends fifty requests does not hold off one who sends one. When the queue
is full, a caller with fewer waiting requests takes the last place of the one with the most; any
other newcomer is refused.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cosyvoice.serve.http.problem import Problem

POLL = 0.25  # seconds between two looks whether a waiting client is still there
REMEMBERED = 1000  # callers whose last turn is known
SPARE = object()  # stands for the caller of work that can wait


@dataclass(eq=False)
class Ticket:
    """A place in the queue."""

    caller: Hashable
    number: int  # in the order of arrival
    is_patient: bool = False  # waits however full the queue is, and takes no place of others


class Slot:
    """The right to use the model, until the end of `with` or until release(), in any thread.

    seconds: set it to the time of a whole use, which then counts for the guess of waiting times.
    """

    def __init__(self, slots: "Slots", caller: Hashable):
        self.seconds: float | None = None
        self._slots, self._caller, self._is_held = slots, caller, threading.Lock()
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
        self._slots._free(self._caller, self.seconds)


class Slots:
    """Thread-safe. `with slots.take(): ...` waits for a slot and holds it."""

    def __init__(self, running: int, waiting: int, seconds: float = 10.0):
        self.limit, self.max_waiting = running, waiting
        self.at_work: Counter[Hashable] = Counter()  # slots held by each caller
        self.queue: list[Ticket] = []  # by arrival
        self.arrivals = 0
        self.begun = 0
        self.turns: OrderedDict[Hashable, int] = OrderedDict()  # `begun` at the last turn of each
        self.mean_seconds = seconds  # of recent uses, to say when to come back
        self.changed = threading.Condition()

    @property
    def running(self) -> int:
        return self.at_work.total()

    def is_busy(self) -> bool:
        """Whether anybody works or waits."""
        return bool(self.running or self.queue)

    def take(
        self,
        check: Callable[[], None] = lambda: None,
        on_position: Callable[[int], None] = lambda position: None,
        caller: Hashable = "",
        is_patient: bool = False,
    ) -> Slot:
        """Wait for a slot. Raises a 503 Problem when the queue is full, unless is_patient.

        check is called now and then while waiting and ends the wait by raising. on_position gets
        the place in the queue (1 is next) whenever it changes, and 0 at the end.
        """
        shown = None
        with self.changed:
            ticket = self._queued(caller, is_patient)
            try:
                while (position := self._place(ticket)) > 1 or self.running >= self.limit:
                    if position != shown:
                        on_position(shown := position)
                    self.changed.wait(POLL)
                    check()
                self._begin(caller)
            finally:
                if ticket in self.queue:
                    self.queue.remove(ticket)
                self.changed.notify_all()
        on_position(0)
        return Slot(self, caller)

    def take_spare(self, check: Callable[[], None] = lambda: None) -> Slot:
        """A slot for work that can wait: while nobody waits and most of the slots are free.

        It stands in no queue, so that those who listen always come first. check as in take().
        """
        with self.changed:
            while self.queue or 2 * self.running >= self.limit:
                self.changed.wait(POLL)
                check()
            self._begin(SPARE)
        return Slot(self, SPARE)

    def set_limit(self, running: int):
        """Let so many use the model at once from now on; those at work go on."""
        with self.changed:
            self.limit = running
            self.changed.notify_all()

    def order(self) -> list[Ticket]:
        """Who is next: those with the least at work, then those whose turn was longest ago."""
        at_work, turns, begun = self.at_work.copy(), dict(self.turns), self.begun
        waiting, order = list(self.queue), []
        while waiting:
            following = min(
                waiting, key=lambda t: (at_work[t.caller], turns.get(t.caller, 0), t.number)
            )
            waiting.remove(following)
            order.append(following)
            begun += 1
            at_work[following.caller] += 1
            turns[following.caller] = begun
        return order

    def _place(self, ticket: Ticket) -> int:
        """1 is next. Raises a 503 Problem when the place was given to another caller."""
        if ticket not in self.queue:
            raise self._busy_error()
        return self.order().index(ticket) + 1

    def _queued(self, caller: Hashable, is_patient: bool) -> Ticket:
        impatient = sum(not ticket.is_patient for ticket in self.queue)
        if not is_patient and self.running + impatient >= self.limit + self.max_waiting:
            self._make_room(caller)
        self.arrivals += 1
        self.queue.append(ticket := Ticket(caller, self.arrivals, is_patient))
        return ticket

    def _make_room(self, caller: Hashable):
        """Refuse the last ticket of the caller with the most, unless the newcomer has as many."""
        impatient = [ticket for ticket in self.queue if not ticket.is_patient]
        waiting = Counter(ticket.caller for ticket in impatient)
        most = max(waiting.values(), default=0)
        if most < waiting[caller] + 2:
            raise self._busy_error()
        self.queue.remove(
            max(
                (ticket for ticket in impatient if waiting[ticket.caller] == most),
                key=lambda ticket: ticket.number,
            )
        )
        self.changed.notify_all()

    def _begin(self, caller: Hashable):
        self.at_work[caller] += 1
        self.begun += 1
        self.turns[caller] = self.begun
        self.turns.move_to_end(caller)
        if len(self.turns) > REMEMBERED:
            self.turns.popitem(last=False)

    def _free(self, caller: Hashable, seconds: float | None):
        with self.changed:
            self.at_work[caller] -= 1
            self.at_work += Counter()  # drops those at 0
            if seconds is not None:
                self.mean_seconds += 0.2 * (seconds - self.mean_seconds)
            self.changed.notify_all()

    def wait_seconds(self, place: int | None = None) -> int:
        """A guess at how long the one at this place of the queue, or a newcomer, will wait."""
        place = len(self.queue) + 1 if place is None else place
        return max(1, round(self.mean_seconds * place / self.limit))

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
