"""Stress of a running service, on this machine only: python -m tools.stress."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measured bar."""

    kind: str  # what was done
    bar: str  # what must hold
    measured: str
    ok: bool
