"""Languages other than Chinese and English: what holds for all figures."""

import random
import re

import pytest

from cosyvoice.text.cantonese import CANTONESE
from cosyvoice.text.european import parsed
from cosyvoice.text.french import FRENCH
from cosyvoice.text.german import GERMAN
from cosyvoice.text.grammar import grammar
from cosyvoice.text.italian import ITALIAN
from cosyvoice.text.japanese import JAPANESE
from cosyvoice.text.korean import KOREAN
from cosyvoice.text.read import read
from cosyvoice.text.russian import CASES, RUSSIAN, SMALL
from cosyvoice.text.spanish import SPANISH

LANGUAGES = {
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "it": ITALIAN,
    "ru": RUSSIAN,
    "ja": JAPANESE,
    "ko": KOREAN,
    "yue": CANTONESE,
}
# Scripts that no word of the language is written in
FOREIGN = {
    "ru": "[A-Za-z\u4e00-\u9fff\uac00-\ud7a3]",
    "ko": "[A-Za-z\u4e00-\u9fff\u0400-\u04ff]",
    "ja": "[A-Za-z\uac00-\ud7a3\u0400-\u04ff]",
    "yue": "[A-Za-z\u3041-\u30ff\uac00-\ud7a3\u0400-\u04ff]",
}
AMOUNTS = ("5 km", "2.5 kg", "-5 °C", "20 %", "3:2", "1/2", "14:30", "2024-03-05", "€5", "2+3=5")


def spoken(text: str, language: str) -> str:
    return "".join(passage.spoken for passage in read(text, near=language))


@pytest.mark.parametrize("code", LANGUAGES)
def test_different_numbers_have_different_words(code):
    numbers = [*range(2000), *(10**power for power in range(4, 13)), 21_000, 101_101, 2_000_001]
    assert len({LANGUAGES[code].cardinal(n) for n in numbers}) == len(numbers)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("1.234,5", "eintausendzweihundertvierunddreißig Komma fünf"),
        ("1 234,5", "eintausendzweihundertvierunddreißig Komma fünf"),
        ("1'234,5", "eintausendzweihundertvierunddreißig Komma fünf"),
        ("1,234.5", "eintausendzweihundertvierunddreißig Punkt fünf"),
        ("007", "null null sieben"),
        ("1111111111111111", " ".join(["eins"] * 16)),
    ],
)
def test_the_usual_ways_to_group_figures_are_understood(written, words):
    assert GERMAN.number(parsed(written)) == words


def test_every_russian_case_has_its_words():
    assert all(set(words) == set(CASES) and all(words.values()) for words in SMALL.values())
    assert [RUSSIAN.cardinal(21, "f", case) for case in "nga"] == [
        "двадцать одна",
        "двадцати одной",
        "двадцать одну",
    ]
    assert RUSSIAN.cardinal(1342, "m", "d") == "тысяче трёмстам сорока двум"
    assert RUSSIAN.ordinal(2024, "m", "g") == "две тысячи двадцать четвёртого"
    assert RUSSIAN.ordinal(2000, "m", "g") == "двухтысячного"


def test_nouns_agree_with_numbers():
    assert [spoken(text, "es") for text in ("1 casa", "21 libros", "200 casas", "500 libros")] == [
        "una casa",
        "veintiún libros",
        "doscientas casas",
        "quinientos libros",
    ]
    assert [spoken(f"{n} руб.", "ru") for n in (1, 2, 5, 11, 21)] == [
        "один рубль",
        "два рубля",
        "пять рублей",
        "одиннадцать рублей",
        "двадцать один рубль",
    ]


@pytest.mark.parametrize("code", FOREIGN)
@pytest.mark.parametrize("written", AMOUNTS)
def test_words_are_in_the_characters_of_the_language(code, written):
    assert not re.search(FOREIGN[code], spoken(written, code))


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_figure_is_left_and_nothing_raises(code):
    draw = random.Random(code)
    signs = "0123456789" * 4 + ".,:;/-–~%€$¥₩°²½×+=<>()'№§#@ xhIVXkmгч年월일円個万억ªº"
    for _ in range(300):
        text = "".join(draw.choices(signs, k=draw.randrange(1, 30)))
        assert not re.search(r"\d", spoken(f"<|{code}|>{text}", code)), text


@pytest.mark.parametrize("code", LANGUAGES)
def test_classes_that_a_tag_names(code):
    say_as = grammar(code).say_as
    assert say_as["cardinal"]("25") == LANGUAGES[code].cardinal(25)
    texts = {"characters": "A1", "telephone": "110", "date": "2024-03-05", "time": "14:30"}
    assert not any(re.search(r"\d", say_as[kind](text)) for kind, text in texts.items())
