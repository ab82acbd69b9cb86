"""Slots of the model: a bounded queue in order, and no slot is lost or held without need."""

import threading
import time
from concurrent.futures import Future

import numpy as np
import pytest

from cosyvoice.encoders.wav import PcmStream
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking import speech as speeches
from cosyvoice.serve.speaking.engine import Utterance
from cosyvoice.serve.speaking.record import Record
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.speaking.speech import ClientGone, Speech
from tests.support.waiting import wait_for


class Leaver:
    """A client that can leave."""

    left = False

    def gone(self) -> bool:
        return self.left


def chunk(samples: int = 100) -> dict:
    sound = np.zeros((1, samples), np.float32)
    return {"tts_speech": sound, "sentence": 0, "sentences": [("1", "一")]}


def speech_of(chunks, slots: Slots, stall: float = 5.0, client=None) -> Speech:
    record = Record("request-1", sample_rate=100)
    return Speech(Utterance(None, chunks), PcmStream(), slots, record, stall, client)


def test_a_higher_limit_lets_waiting_callers_begin():
    slots, begun = Slots(1, 3), threading.Event()
    with slots.take():
        wait = threading.Thread(target=lambda: (slots.take().release(), begun.set()))
        wait.start()
        wait_for(lambda: slots.queue)
        slots.set_limit(2)
        assert begun.wait(5)
        wait.join()
    slots.set_limit(1)
    with slots.take():
        assert slots.running == slots.limit == 1


def test_waiting_is_in_order_and_bounded():
    slots, order, places = Slots(1, 3), [], []
    held = slots.take()

    def wait(name):
        with slots.take(on_position=lambda place: places.append((name, place))):
            order.append(name)

    threads = []
    for name in "abc":
        threads.append(threading.Thread(target=wait, args=(name,)))
        threads[-1].start()
        wait_for(lambda: len(slots.queue) == len(threads))
    with pytest.raises(Problem) as raised:
        slots.take()
    assert raised.value.status == 503 and int(raised.value.headers["Retry-After"]) >= 1
    held.release()
    for thread in threads:
        thread.join()
    assert order == ["a", "b", "c"] and {("a", 1), ("b", 2), ("c", 3), ("c", 0)} <= set(places)
    assert slots.running == 0 and not slots.queue


def test_no_more_than_the_limit_at_once():
    slots, now, peak, guard = Slots(3, 50), [0], [0], threading.Lock()

    def work():
        with slots.take():
            with guard:
                now[0] += 1
                peak[0] = max(peak[0], now[0])
            time.sleep(0.01)
            with guard:
                now[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert peak[0] == 3 and slots.running == 0


def test_a_slot_is_given_back_once_and_whole_uses_set_the_guess():
    slots = Slots(1, 0)
    with slots.take() as slot:
        slot.release()
        slots.take().release()
    assert slots.running == 0 and slots.mean_seconds == 10.0
    with slots.take() as slot:
        slot.seconds = 5.0
    assert slots.mean_seconds == 9.0


def test_client_that_leaves_the_queue_makes_room():
    slots, client = Slots(1, 1), Leaver()
    slots.take()
    threading.Timer(0.1, lambda: setattr(client, "left", True)).start()
    with pytest.raises(ClientGone):
        speech_of(lambda check: iter([]), slots, client=client).start()
    assert not slots.queue and slots.running == 1


def test_slow_reader_does_not_hold_the_model():
    slots = Slots(1, 0)
    speech = speech_of(lambda check: (chunk() for _ in range(50)), slots).start()
    wait_for(lambda: slots.running == 0)
    assert len(b"".join(speech)) == 50 * 200
    assert (
        speech.record.samples == 5000
        and speech.record.seconds == 50.0
        and speech.record.sentence_times == [("1", "一", 0, 5000)]
    )


def test_spool_of_many_bytes_goes_to_a_file_and_back():
    speech = speech_of(lambda check: (chunk(400_000) for _ in range(5)), Slots(1, 0)).start()
    assert sum(len(part) for part in speech) == 4_000_000
    speech.close()
    assert speech.spool.file.closed


def test_engine_error_reaches_the_reader_after_the_sound_before_it():
    def broken(check):
        yield chunk()
        raise ZeroDivisionError

    slots = Slots(1, 0)
    speech, got = speech_of(broken, slots).start(), []
    with pytest.raises(ZeroDivisionError):
        for part in speech:
            got.append(part)
    assert len(b"".join(got)) == 200
    wait_for(lambda: slots.running == 0)


@pytest.mark.parametrize("made, error", [([], Problem), ([chunk(0)], Problem)])
def test_no_sound_is_an_error(made, error):
    with pytest.raises(error):
        speech_of(lambda check: (c for c in made), Slots(1, 0)).start()


def test_stalled_engine_is_told_and_stopped_at_its_next_step():
    stopped = threading.Event()

    def slow(check):
        try:
            while True:
                check()
                time.sleep(0.02)
        finally:
            stopped.set()
        yield

    slots = Slots(1, 0)
    with pytest.raises(Problem) as raised:
        speech_of(slow, slots, stall=0.3).start()
    assert raised.value.status == 504 and stopped.wait(5)
    wait_for(lambda: slots.running == 0)


def test_stall_in_mid_stream_is_an_error_too():
    def stops(check):
        yield chunk()
        while True:
            check()
            time.sleep(0.02)

    with pytest.raises(Problem):
        list(speech_of(stops, Slots(1, 0), stall=0.3).start())


def test_client_that_leaves_stops_the_engine():
    closed, client, slots = threading.Event(), Leaver(), Slots(1, 0)

    def endless(check):
        try:
            while True:
                time.sleep(0.02)
                yield chunk()
        finally:
            closed.set()

    speech = speech_of(endless, slots, client=client).start()
    next(iter(speech))
    speech.close()
    assert closed.wait(5)
    wait_for(lambda: slots.running == 0)


def test_engine_deaf_to_everything_loses_its_slot_once(monkeypatch):
    monkeypatch.setattr(speeches, "GRACE", 0.2)
    wake = threading.Event()

    def deaf(check):
        wake.wait(20)
        yield chunk()

    slots = Slots(1, 0)
    with pytest.raises(Problem):
        speech_of(deaf, slots, stall=0.2).start()
    wait_for(lambda: slots.running == 0)
    wake.set()
    time.sleep(0.1)
    assert slots.running == 0


def test_the_encoder_is_closed_however_the_speech_ends():
    class Encoder(PcmStream):
        closed = 0

        def close(self):
            self.closed += 1

    def broken(check):
        yield chunk()
        raise ZeroDivisionError

    for chunks in (lambda check: (chunk() for _ in range(3)), broken):
        speech = speech_of(chunks, Slots(1, 0))
        speech.encoder = encoder = Encoder()
        speech.start().close()
        speech.thread.join(5)
        assert encoder.closed == 1


def test_what_cannot_be_stored_ends_the_speech_before_its_answer():
    def speaks(check):
        utterance.pushes.append(failing)
        while True:
            check()
            yield chunk()

    slots, failing = Slots(1, 0), Future()
    failing.set_exception(Problem(502, "store_failed", None, "the store failed", "存储出错"))
    speech = speech_of(speaks, slots)
    utterance = speech.utterance
    with pytest.raises(Problem) as raised:
        speech.start()
    assert raised.value.status == 502
    wait_for(lambda: slots.running == 0)


def test_threads_stay_flat():
    slots, before = Slots(2, 0), threading.active_count()
    for _ in range(100):
        speech = speech_of(lambda check: (chunk() for _ in range(3)), slots).start()
        list(speech)
        speech.close()
    wait_for(lambda: threading.active_count() <= before)


def waiting(slots: Slots, order: list, caller: str, name: str, **options) -> threading.Thread:
    """A thread in the queue, which notes its name when it has its turn, or "busy"."""
    before = slots.arrivals

    def wait():
        try:
            with slots.take(caller=caller, **options):
                order.append(name)
        except Problem:
            order.append(f"{name} busy")

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    wait_for(lambda: slots.arrivals > before)
    return thread


def test_callers_take_turns():
    slots, order = Slots(1, 20), []
    held = slots.take(caller="a")
    threads = [waiting(slots, order, "a", f"a{n}") for n in range(4)]
    threads += [waiting(slots, order, caller, f"{caller}{n}") for n in (0, 1) for caller in "bc"]
    assert [ticket.caller for ticket in slots.order()] == list("bcabcaaa")
    held.release()
    for thread in threads:
        thread.join()
    assert order == ["b0", "c0", "a0", "b1", "c1", "a1", "a2", "a3"]
    assert slots.running == 0 and not slots.at_work


def test_a_full_queue_makes_room_for_a_caller_with_less():
    slots, order = Slots(1, 3), []
    held = slots.take(caller="a")
    threads = [waiting(slots, order, "a", f"a{n}") for n in range(3)]
    threads.append(waiting(slots, order, "b", "b0"))
    with pytest.raises(Problem):
        slots.take(caller="a")
    with pytest.raises(Problem):  # as many as a now
        slots.take(caller="b")
    wait_for(lambda: order)
    held.release()
    for thread in threads:
        thread.join()
    assert order == ["a2 busy", "b0", "a0", "a1"]


def test_the_patient_wait_beside_a_full_queue_and_take_their_turn():
    slots, order = Slots(1, 1), []
    held = slots.take(caller="a")
    threads = [waiting(slots, order, "a", "a0")]
    threads += [waiting(slots, order, "b", f"b{n}", is_patient=True) for n in range(3)]
    with pytest.raises(Problem):
        slots.take(caller="c")
    assert [ticket.caller for ticket in slots.order()] == list("babb")
    held.release()
    for thread in threads:
        thread.join()
    assert order == ["b0", "a0", "b1", "b2"]
    slots.take(caller="c").release()


def test_the_patient_take_no_place_of_others():
    slots, order = Slots(1, 1), []
    held = slots.take(caller="a")
    threads = [waiting(slots, order, "b", f"b{n}", is_patient=True) for n in range(3)]
    threads.append(waiting(slots, order, "c", "c0"))
    held.release()
    for thread in threads:
        thread.join()
    assert sorted(order) == ["b0", "b1", "b2", "c0"]


def test_the_guess_of_the_waiting_time_grows_with_the_place():
    slots = Slots(2, 9, seconds=10)
    assert [slots.wait_seconds(place) for place in (1, 2, 4)] == [5, 10, 20]


def test_work_that_can_wait_lets_all_others_go_first():
    slots, order = Slots(2, 3), []
    held = slots.take(), slots.take()
    waiting = threading.Thread(target=lambda: order.append(slots.take_spare()))
    waiting.start()
    listener = threading.Thread(target=lambda: order.append(slots.take()))
    listener.start()
    wait_for(lambda: slots.queue)
    held[0].release()
    listener.join()
    assert waiting.is_alive() and len(order) == 1  # one of two slots is in use
    held[1].release()
    time.sleep(0.3)
    assert waiting.is_alive()
    order[0].release()
    waiting.join(5)
    assert len(order) == 2 and slots.running == 1
    with slots.take():  # a listener starts beside it
        assert slots.running == 2
    order[1].release()
    assert slots.running == 0


def test_work_that_can_wait_stops_waiting_when_it_is_no_longer_wanted():
    slots = Slots(1, 0)

    def check():
        raise InterruptedError

    with slots.take(), pytest.raises(InterruptedError):
        slots.take_spare(check)
