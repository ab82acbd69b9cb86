"""A machine that is slower than speech starts late instead of stuttering."""

import time

import numpy as np
import pytest
import torch

from cosyvoice.encoders.wav import WavStream
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.engine import Utterance
from cosyvoice.serve.speaking.pace import Pace, lasts
from cosyvoice.serve.speaking.record import Record
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.speaking.speech import Speech
from tests.support.fake_engine import RATE, FakeEngine

CHUNK = 0.1  # seconds of sound


def speech_of(chunks: int, delay: float, expected: float, pace: Pace | None = None) -> Speech:
    """Chunks of CHUNK seconds, each made in `delay` seconds."""

    def make(check):
        for _ in range(chunks):
            time.sleep(delay)
            check()
            sound = torch.from_numpy(np.full((1, int(CHUNK * RATE)), 0.1, np.float32))
            yield {"tts_speech": sound, "sentence": 0, "sentences": []}

    utterance = Utterance(FakeEngine("model"), make, expected_seconds=expected)
    record = Record("r", sample_rate=RATE)
    return Speech(utterance, WavStream(RATE), Slots(1, 1), record, 5.0, pace=pace)


@pytest.mark.parametrize("rate", [0.25, 0.5, 0.9, 2.0])
def test_who_begins_then_hears_no_gap(rate):
    expected = 10.0
    made = next(made for made in np.arange(0, 10.01, 0.01) if lasts(made, expected, rate))
    for heard in np.arange(0, expected, 0.1):
        assert made + rate * heard >= heard - 0.01
    assert rate >= 1 or not lasts(made - 0.1, expected, rate)


def test_a_slow_stream_is_held_until_it_lasts():
    speech = speech_of(chunks=10, delay=0.12, expected=1.0).start()
    speech.hold_back(30.0)
    assert speech.spool.ended or lasts(speech.record.seconds, 1.0, 0.9)
    speech.close()


def test_a_fast_stream_and_one_of_unknown_length_begin_at_once():
    for speech in (speech_of(40, 0.02, 4.0), speech_of(10, 0.15, 0.0)):
        speech.start()
        begin = time.monotonic()
        speech.hold_back(30.0)
        assert time.monotonic() - begin < 1.0 and not speech.spool.ended
        speech.close()


def test_a_stream_is_held_for_so_long_at_most():
    speech = speech_of(chunks=40, delay=0.15, expected=1000.0)
    speech.pace.note(0.5)
    speech.start()
    begin = time.monotonic()
    speech.hold_back(0.3)
    assert time.monotonic() - begin > 0.25 and not speech.spool.ended
    speech.close()


def test_the_pace_of_earlier_requests_counts_for_the_first_chunk():
    pace = Pace()
    first = speech_of(3, 0.2, 0.3, pace).start()
    first.hold_back(0.0)
    assert first.whole() and 0 < pace.rate < 0.55
    first.close()
    second = speech_of(5, 0.2, 0.5, pace).start()
    second.hold_back(30.0)
    assert second.record.seconds >= 2 * CHUNK - 1e-3
    second.close()


def test_a_text_without_sound_says_nothing_of_the_pace():
    speech = speech_of(chunks=0, delay=0.0, expected=1.0)
    speech.pace.note(3.0)
    with pytest.raises(Problem, match="gave no sound"):
        speech.start()
    assert speech.pace.rate == 3.0


def test_an_error_while_a_stream_is_held_is_told():
    speech = speech_of(chunks=2, delay=0.2, expected=100.0)
    speech.pace.note(0.1)
    chunks = speech.utterance.chunks

    def failing(check):
        yield from chunks(check)
        time.sleep(0.2)
        raise RuntimeError("no more")

    object.__setattr__(speech.utterance, "chunks", failing)
    speech.start()
    with pytest.raises(RuntimeError, match="no more"):
        speech.hold_back(30.0)
    speech.close()
