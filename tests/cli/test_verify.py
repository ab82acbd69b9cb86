"""Sentences that are read back and spoken again, with readers that hear a fault when told to."""

from pathlib import Path

import pytest
import torch

from cosyvoice.cli import verify
from cosyvoice.cli.cosyvoice import CosyVoice
from cosyvoice.cli.verify import SoundReader, Verifier, a_sentence_ahead, first_seed, try_seed
from cosyvoice.text.objects import Pause
from cosyvoice.text.sentences import Sentence
from cosyvoice.utils.errors import InputError

MINI = Path(__file__).parents[2] / "pretrained_models/CosyVoice-Mini-25Hz"
FIRST, SECOND = "今天天气很好，我们去公园。", "然后去吃一顿丰盛的晚餐。"


class FakeReader:
    """Hears the given error rates, try after try, and remembers what it was to hear."""

    def __init__(self, *rates: float):
        self.rates, self.read = iter(rates), []

    def error_rate(self, spoken, made, sample_rate):
        assert made["tts_speech"].shape[1] and made["speech_token"] and sample_rate == 22050
        self.read.append(spoken)
        return next(self.rates)


@pytest.fixture
def speak(engine, monkeypatch):
    """A function that speaks a text whose tries are heard with the given error rates."""

    def speak(text, *rates, limit=0.1, **options):
        reader = FakeReader(*rates)
        monkeypatch.setattr(engine, "verifier", Verifier(reader, limit))
        chunks = list(engine.inference_sft(text, "中文女", **{"seed": 5, **options}))
        assert next(reader.rates, None) is None
        return chunks

    return speak


def plain(engine, text, seed):
    engine.verifier = None
    (chunk,) = engine.inference_sft(text, "中文女", seed=seed)
    return chunk["tts_speech"]


def test_a_word_missing_in_the_first_try_is_spoken_again_with_the_next_seed(engine, speak):
    (chunk,) = speak(FIRST, 0.2, 0.0)
    assert (chunk["score"], chunk["tries"]) == (0.0, 2)
    assert torch.equal(chunk["tts_speech"], plain(engine, FIRST, seed=6))


def test_what_is_right_at_once_is_what_it_is_without_the_check(engine, speak):
    (chunk,) = speak(FIRST, 0.1)
    assert (chunk["score"], chunk["tries"]) == (0.1, 1)
    assert torch.equal(chunk["tts_speech"], plain(engine, FIRST, seed=5))


def test_of_three_tries_the_best_is_sent(engine, speak):
    (chunk,) = speak(FIRST, 0.5, 0.2, 0.3)
    assert (chunk["score"], chunk["tries"]) == (0.2, 3)
    assert torch.equal(chunk["tts_speech"], plain(engine, FIRST, seed=6))


def test_sentences_are_read_back_one_by_one(speak):
    chunks = speak(FIRST + SECOND, 0.5, 0.0, 0.0)
    assert [chunk["sentence"] for chunk in chunks] == [0, 1]
    assert [chunk["tries"] for chunk in chunks] == [2, 1]
    assert [chunk["text"] for chunk in chunks] == [FIRST, SECOND]


def test_a_stream_has_the_sound_of_the_whole_without_hops(speak):
    rates = 0.5, 0.0, 0.5, 0.4, 0.6
    whole, stream = (
        speak(FIRST + SECOND, *rates, stream=stream, seed=2**64 - 1) for stream in (False, True)
    )
    assert [chunk["tries"] for chunk in whole] == [2, 3]
    assert len(stream) == 2
    for chunk, other in zip(stream, whole):
        assert torch.equal(chunk["tts_speech"], other["tts_speech"])


def test_pauses_stay_and_are_not_read(speak):
    chunks = speak(f"{FIRST}[pause 500ms]{SECOND}", 0.0, 0.0)
    assert [chunk.get("tries") for chunk in chunks] == [1, None, 1]
    assert chunks[1]["tts_speech"].shape == (1, 11025) and not chunks[1]["tts_speech"].any()


def test_a_short_sentence_is_read_with_its_neighbour(speak):
    chunks = speak(f"好。{FIRST}是的。", 0.0)
    assert [chunk["text"] for chunk in chunks] == [f"好。{FIRST}是的。"]


def test_a_request_that_is_given_up_stops_inside_a_try(engine, monkeypatch):
    reader = FakeReader(0.5)
    monkeypatch.setattr(engine, "verifier", Verifier(reader, 0.1))

    class Stop(Exception):
        pass

    def check():
        if reader.read:
            raise Stop

    with pytest.raises(Stop):
        list(engine.inference_sft(FIRST, "中文女", seed=5, check=check))
    assert reader.read == [FIRST]


def test_the_seed_of_a_try_follows_from_request_sentence_and_try():
    assert [try_seed(5, 0, k) for k in range(3)] == [5, 6, 7]
    assert try_seed(5, 2, 1) == 12
    assert try_seed(2**64 - 1, 0, 1) == 0
    torch.manual_seed(1)
    drawn = first_seed(None)
    torch.manual_seed(1)
    assert first_seed(None) == drawn != first_seed(None)
    with pytest.raises(InputError):
        first_seed(-1)


def sentence(syllables: int) -> Sentence:
    return Sentence("好" * syllables, "", ())


class Clock:
    """Time that passes only while a sentence is made: a second for each syllable of a try."""

    def __init__(self, monkeypatch, seconds_per_syllable: float):
        self.now, self.pace, self.events = 1.0, seconds_per_syllable, []
        monkeypatch.setattr(verify.time, "monotonic", lambda: self.now)

    def speak(self, index, part):
        """A quarter of a second of sound for each syllable, at 4 Hz."""
        self.events.append(f"make {index}")
        if isinstance(part, Pause):
            return {"tts_speech": torch.zeros(1, round(4 * part.seconds)), "index": index}
        count = len(part.spoken)
        self.now += self.pace * count
        return {"tts_speech": torch.zeros(1, count), "index": index, "tries": 1}

    def run(self, *parts):
        for chunk in a_sentence_ahead(parts, self.speak, 4):
            self.events.append(f"send {chunk['index']}")
        return self.events


def test_a_fast_engine_sends_each_sentence_at_once(monkeypatch):
    events = Clock(monkeypatch, 0.01).run(sentence(10), sentence(20))
    assert events == ["make 0", "send 0", "make 1", "send 1"]


def test_a_slow_engine_is_a_sentence_ahead(monkeypatch):
    events = Clock(monkeypatch, 0.2).run(sentence(10), sentence(20), sentence(20))
    assert events[:4] == ["make 0", "make 1", "send 0", "send 1"]


def test_a_pause_is_sound_that_a_listener_has(monkeypatch):
    events = Clock(monkeypatch, 0.2).run(sentence(10), Pause(30.0), sentence(20))
    assert events[:4] == ["make 0", "make 1", "send 0", "send 1"]
    events = Clock(monkeypatch, 0.2).run(sentence(10), Pause(0.5), sentence(20), sentence(9))
    assert events[:4] == ["make 0", "make 1", "make 2", "send 0"]


def test_the_small_models_tokens_name_the_sounds_of_their_text():
    reader, mini = SoundReader.of(MINI), CosyVoice(str(MINI), precision="float32")
    (chunk,) = mini.inference_sft(SECOND, "中文女", seed=0)
    assert reader.error_rate(SECOND, chunk, 22050) < 0.05
    assert reader.error_rate(SECOND.replace("丰盛的", "很"), chunk, 22050) > 0.15
    tokens = chunk["speech_token"]
    half = {**chunk, "speech_token": tokens[: len(tokens) // 2]}
    assert reader.error_rate(SECOND, half, 22050) > 0.3


def test_a_model_whose_tokens_name_nothing_has_no_sound_reader(tmp_path):
    assert SoundReader.of(tmp_path) is None
