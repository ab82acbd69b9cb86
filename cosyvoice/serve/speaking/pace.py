"""How fast sound is made, and how much of it a listener must have to hear no gap."""

NEWEST = 0.3  # what the newest request counts for in the mean


class Pace:
    """rate: seconds of sound that recent requests made in a second; None before the first one."""

    def __init__(self):
        self.rate: float | None = None

    def note(self, rate: float):
        before = rate if self.rate is None else self.rate
        self.rate = before + NEWEST * (rate - before)


def lasts(made: float, expected: float, rate: float) -> bool:
    """Whether a listener who begins now hears no gap.

    made: seconds of sound there are. expected: of the whole. rate: seconds of sound made in a
    second. What is left takes (expected - made) / rate seconds, and there are `expected` to hear.
    """
    return rate >= 1 or made >= (1 - rate) * expected
