import time

import pytest

from cosyvoice.text.english import GRAMMAR, READERS
from cosyvoice.text.spans import candidates, chosen


@pytest.mark.parametrize(
    ("way", "written", "spoken"),
    [
        ("characters", "AB-12", "A B dash one two"),
        ("digits", "2025", "two zero two five"),
        (
            "telephone",
            "+1 (800) 1234567",
            "plus one, eight hundred, one two three four five six seven",
        ),
        ("cardinal", "1002003004", "one billion two million three thousand and four"),
        ("cardinal", "twelve", "twelve"),
        ("ordinal", "21", "twenty first"),
        ("ordinal", "XIV", "fourteen"),
        ("date", "5/1", "May first"),
        ("date", "20261122", "November twenty second, twenty twenty six"),
        ("date", "13/45", "thirteen forty fifths"),
        ("time", "1530", "fifteen thirty"),
        ("time", "10:05pm", "ten oh five PM"),
        ("cardinal", "", ""),
    ],
)
def test_a_class_that_a_tag_names_is_read_so_where_the_text_fits_it(way, written, spoken):
    assert GRAMMAR.say_as[way](written) == spoken


@pytest.mark.parametrize(
    "unit",
    ["1", "1-", "1.", "1:", "1,", "1/", "a-1", "$1", "5'", '"1"', "a.", "/a", "_a", "--a", "V"],
)
def test_the_longest_passage_takes_little_time(unit):
    """2,000 characters are read at once, so no pattern may search them over and over."""
    assert cpu_seconds((unit * 2000)[:2000]) < 0.5


def cpu_seconds(text: str) -> float:
    start = time.process_time()
    list(chosen(candidates(READERS, text, 0, len(text))))
    return time.process_time() - start
