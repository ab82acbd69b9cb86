import json
from pathlib import Path

import pytest

from cosyvoice.tokenizer.sounds import BOOK, SoundBook, groups_of_text, runs
from cosyvoice.utils.files import read_weights

MODEL = Path(__file__).parents[2] / "pretrained_models/CosyVoice-Mini-25Hz"


def test_tones_stress_and_blanks_make_no_sound():
    assert groups_of_text("妈骂") == groups_of_text("马麻")
    assert groups_of_text("你好，世界") == groups_of_text("你好世界")


def test_a_word_more_is_more_sounds():
    assert len(groups_of_text("我们去公园散步")) > len(groups_of_text("我们公园散步"))


def test_a_run_is_one_sound_unless_silence_parts_it():
    assert runs([1, 1, 2, 0, 2, 2, 1, 0]) == [1, 2, 2, 1]


def test_the_book_of_the_small_model_names_every_token():
    book = SoundBook(MODEL / BOOK)
    size = read_weights(str(MODEL / "llm.pt"))["speech_embedding.weight"].shape[0]
    assert len(book.pairs) * book.levels == size
    token = book.levels * 7
    assert book.groups([token]) == book.groups([token + book.levels - 1])


def test_a_book_of_other_sounds_is_refused(tmp_path):
    path = tmp_path / BOOK
    path.write_text(json.dumps({"levels": 8, "sounds": ["a"], "pairs": [["a", "a"]]}))
    with pytest.raises(ValueError, match="other sounds"):
        SoundBook(path)
