import random
import re

import pytest

from cosyvoice.text.chinese import GRAMMAR
from cosyvoice.text.numbers import CHINESE_DIGITS, chinese_number
from cosyvoice.text.read import read

UNITS = {"十": 10, "百": 100, "千": 1000}


def value(words: str) -> int:
    """What a number in words is worth."""
    for name, unit in (("亿", 10**8), ("万", 10**4)):
        high, found, low = words.rpartition(name)
        if found:
            return value(high) * unit + (value(low) if low else 0)
    total, digit = 0, 0
    words = words.replace("两", "二").lstrip("零")
    for char in "一" + words if words.startswith("十") else words:
        if char in UNITS:
            total, digit = total + digit * UNITS[char], 0
        else:
            digit = CHINESE_DIGITS.index(char)
    return total + digit


def test_a_number_in_words_is_worth_as_much():
    random_numbers = random.Random(0)
    numbers = [random_numbers.randrange(10 ** random_numbers.randint(1, 16)) for _ in range(2000)]
    numbers += [10**size + rest for size in range(15) for rest in (0, 1, 10, 200)]
    assert [value(chinese_number(n)) for n in numbers] == numbers


@pytest.mark.parametrize(
    "n, words",
    [
        (200, "两百"),
        (12_222, "一万两千二百二十二"),
        (110, "一百一十"),
        (50_010, "五万零一十"),
        (1_234_500_000_000, "一万两千三百四十五亿"),
        (10_000_100_000, "一百亿零十万"),
    ],
)
def test_zeros_and_twos_stand_where_people_put_them(n, words):
    assert chinese_number(n) == words


@pytest.mark.parametrize(
    "kind, written, words",
    [
        ("characters", "A1-b", "A，一，杠，b"),
        ("digits", "110", "一一零"),
        ("telephone", "010-6234 5678", "零幺零六二三四五六七八"),
        ("cardinal", "-1,250.5", "负一千二百五十点五"),
        ("ordinal", "200", "第二百"),
        ("date", "2024-03-15", "二零二四年三月十五日"),
        ("date", "3/4", "三月四日"),
        ("time", "14:05", "十四点零五分"),
    ],
)
def test_a_tag_can_name_the_class(kind, written, words):
    assert GRAMMAR.say_as[kind](written) == words


PIECES = list(
    "0123456789.,-–~:/%°+=<>()^*×÷√²₂½Ⅱ¥$#@_'\"′xXwkKmMabIV年月日号点时分秒元第个米至到"
) + [
    *("kg", "km/h", "°C", "www.", ".com", "比分", "电话", "尾号", "2024", "No.", "a.m.", "血压"),
    *("用时", "AD", "vs", "O2O", " ", "，", "。", "110", "1/2", "10-20", "1,234", "9" * 20, "0x"),
]


def test_no_figure_remains_or_is_lost():
    """Of any mixture of figures, signs and units; one number in must be one number out."""
    choose = random.Random(1)
    for _ in range(400):
        text = "".join(choose.choice(PIECES) for _ in range(choose.randint(1, 12)))
        spans = [span for passage in read("中" + text, near="zh") for span in passage.spans]
        spoken = "".join(span.spoken for span in spans)
        assert not re.search(r"\d", spoken), text
        assert all(span.spoken.strip() for span in spans if re.search(r"\d", span.written)), text


def read_all(text: str) -> str:
    return "".join(passage.spoken for passage in read(text, near="zh"))
