"""Loads that a service must bear, one module for each kind, each with run(url, pid) -> list[Row].

They run against a service that already listens on loopback, are bounded in count and time, and stop
by themselves. A service with keys needs its API_KEY in the environment. All of them against each
server: python -m tools.stress.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: what was tried, what must hold, what was measured."""

    kind: str
    bar: str
    measured: str
    ok: bool
