"""Limits of a key: counted once, shared by processes, and new with each minute and day."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cosyvoice.serve.http.limits import Allowance, Limits
from cosyvoice.serve.http.problem import Problem


@pytest.fixture
def clock(monkeypatch):
    """A time that the test sets: clock[0], in seconds."""
    now = [1_000_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_a_minute_and_a_day_begin_anew(tmp_path, clock):
    limits, allowance = Limits(tmp_path / "x" / "limits.sqlite"), Allowance(2, 10)
    limits.charge("k", allowance, 4)
    limits.charge("k", allowance, 4)
    with pytest.raises(Problem) as raised:
        limits.charge("k", allowance, 1)
    assert raised.value.status == 429 and raised.value.code == "too_many_requests"
    assert raised.value.headers["Retry-After"] == str(60 - 1_000_000_000 % 60)
    limits.charge("other", allowance, 10)
    clock[0] += 60
    with pytest.raises(Problem) as raised:
        limits.charge("k", allowance, 3)
    assert raised.value.code == "too_many_characters"
    limits.charge("k", allowance, 2)  # the refused ones were not counted
    clock[0] += 24 * 3600
    limits.charge("k", allowance, 10)


def test_a_key_without_limits_needs_no_file(tmp_path):
    limits = Limits(tmp_path / "limits.sqlite")
    limits.charge("k", Allowance(), 10**9)
    assert not limits.file.exists()


def test_concurrent_requests_never_exceed_a_limit(tmp_path, clock):
    """Two objects on one file stand for two processes."""
    both = [Limits(tmp_path / "limits.sqlite") for _ in range(2)]

    def ask(number):
        try:
            both[number % 2].charge("k", Allowance(requests_per_minute=20), 1)
            return 1
        except Problem:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(60))) == 20
