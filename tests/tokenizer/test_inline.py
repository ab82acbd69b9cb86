"""Pronunciations inside a text, and marks that the small model cannot act on."""

import pytest

from cosyvoice.tokenizer.arpabet import from_arpabet
from cosyvoice.tokenizer.phoneme import get_tokenizer, phonemes
from cosyvoice.utils.errors import TextError


@pytest.mark.parametrize(
    "text, same",
    [
        ("他<|py:zhang3 da4|>了。", "他长大了。"),
        ("<|py:chong2 qing4|>", "重庆"),
        ("<|py:nǚ ér|>", "女儿"),
        ("<|py:nv3 er2|>", "女儿"),
        ("<|py:nu:3 er2|>", "女儿"),
        ("<|py:ma0|>", "<|py:ma5|>"),
        ("say <|ph:HH AH0 L OW1|>!", "say hello!"),
        ("say <|ph:həlˈO|>!", "say hello!"),
        ("我用<|ph:pˈIθˌɑn|>写", "我用Python写"),
    ],
)
def test_a_pronunciation_in_the_text_is_said_as_written(text, same):
    assert phonemes(text) == phonemes(same)


def test_pinyin_in_the_text_has_no_sandhi():
    assert phonemes("<|py:ni3 hao3|>") == "ni↓xau↓"


@pytest.mark.parametrize(
    "text, named",
    [
        ("<|py:zhang|>", "'zhang'"),
        ("<|py:zhang3 foo4|>", "'foo4'"),
        ("<|py:zhang6|>", "'zhang6'"),
        ("<|py:你好|>", "'你好'"),
        ("<|py: |>", "<|py:|>"),
        ("<|ph:|>", "<|ph:|>"),
        ("<|ph:HH AH9|>", "9"),
        ("<|ph:日本|>", "日 本"),
    ],
)
def test_an_unknown_pronunciation_is_refused_by_name(text, named):
    with pytest.raises(TextError, match="你|读音|拼音|音素") as error:
        phonemes(f"好 {text} 好")
    assert named in error.value.en and named in error.value.zh


@pytest.mark.parametrize(
    "mark", ["[laughter]", "[quick_breath]", "[vocalized-noise]", "<strong>", "</strong>", "<|en|>"]
)
def test_marks_of_other_models_are_not_read(mark):
    assert phonemes(f"真的{mark}吗？") == phonemes("真的吗？")
    assert phonemes(f"Hello {mark} world") == phonemes("Hello world")


def test_other_words_in_brackets_are_read():
    assert phonemes("the [old] car").split()[1] == phonemes("old")


def test_a_pronunciation_passes_the_tokenizer():
    ids = get_tokenizer().encode("说得慢一点<|endofprompt|>他<|py:zhang3 da4|>了")
    assert ids == get_tokenizer().encode("说得慢一点<|endofprompt|>他长大了")


def test_arpabet_is_spelt_as_the_model_reads_it():
    assert from_arpabet("W AO1 T ER0") == "wˈɔTəɹ" and from_arpabet("B AH1 T AH0 N") == "bˈʌTᵊn"
    with pytest.raises(ValueError, match="'XX'"):
        from_arpabet("HH XX")
