"""Turns: the most urgent request works, and the others wait without a deadlock."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cosyvoice.cli.turns import Turns
from tests.support.waiting import wait_for


def start(pool, turns, due, order):
    def work():
        with turns.turn(due):
            order.append(due)

    waiting = len(turns.waiting)
    future = pool.submit(work)
    wait_for(lambda: len(turns.waiting) > waiting)
    return future


def test_those_who_wait_work_in_the_order_in_which_they_run_dry():
    turns, order = Turns(), []
    with ThreadPoolExecutor() as pool:
        with turns.turn(0):
            for due in (3.0, 1.0, 2.0):
                start(pool, turns, due, order)
    assert order == [1.0, 2.0, 3.0]


def test_a_worker_gives_way_only_to_the_more_urgent():
    turns, order = Turns(), []
    with ThreadPoolExecutor() as pool:
        with turns.turn(2.0) as turn:
            turn.give_way()
            start(pool, turns, 3.0, order)
            turn.give_way()
            assert order == []
            start(pool, turns, 1.0, order)
            turn.give_way()
            assert order == [1.0]
    assert order == [1.0, 3.0]


def test_an_error_ends_the_turn():
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        with turns.turn(0):
            raise ZeroDivisionError
    with turns.turn(0):
        assert turns.free == 0


def test_no_more_than_the_limit_work_at_once():
    turns, together, most = Turns(2), [], []
    both_inside = threading.Barrier(2)

    def work(due):
        with turns.turn(due):
            together.append(due)
            both_inside.wait(5)
            most.append(len(together))
            both_inside.wait(5)
            together.remove(due)

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, range(4)))
    assert most == [2, 2, 2, 2]
