"""Sentences of each kind of ambiguous reading: nearly all of a kind are read right.

The tables were written before the rules that read them; the lines of kind "talk" after the first
rules, to try them. A kind that falls below its bar has lost something.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from cosyvoice.tokenizer.contexts import alternatives, contexts
from cosyvoice.tokenizer.mandarin import spell
from tests.support import readings

TABLES = {
    "mandarin": (readings.mandarin_is_right, 0.97),
    "english": (readings.english_is_right, 0.95),
}


@pytest.mark.parametrize("language", TABLES)
def test_nearly_all_readings_of_each_kind_are_right(language):
    is_right, bar = TABLES[language]
    rows = readings.table(Path(__file__).with_name(f"{language}_readings.tsv"))
    wrong, total = readings.wrong(rows, is_right), Counter(kind for kind, _, _ in rows)
    assert {
        kind: lines for kind, lines in wrong.items() if len(lines) > (1 - bar) * total[kind]
    } == {}


def test_the_table_of_contexts_names_syllables_and_places():
    for found in contexts().values():
        assert ("", "") in found
        for (left, right), (_, reading) in found.items():
            assert spell(reading)
            assert re.fullmatch(r"[\u4e00-\u9fffA-Z^$]*", left + right)


def test_a_set_in_a_context_stands_for_each_of_its_characters():
    assert alternatives("{三四}_个") == [("三", "个"), ("四", "个")]
