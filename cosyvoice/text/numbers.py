"""Numbers: digits, number words and ordinals of Chinese and English, Roman numerals.

The tables and the plain readings. Which reading fits a context is decided by the readers of each
language.
"""

import re

CHINESE_DIGITS = "零一二三四五六七八九"
CHINESE_TO_TEN = CHINESE_DIGITS[1:] + "十"  # as items of a list are numbered
ENGLISH_DIGITS = "zero one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = {  # those that are not the number and "th"
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
THOUSANDS = (
    "thousand million billion trillion quadrillion quintillion sextillion septillion octillion "
    "nonillion decillion"
).split()
ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}

FIGURES = "0123456789"
TO_CHINESE = str.maketrans(dict(zip(FIGURES, CHINESE_DIGITS)))
TO_TELEPHONE = TO_CHINESE | str.maketrans("1", "幺")

DECIMAL = r"\d+(?:\.\d+)?"
VULGAR = {  # fractions that are one character: numerator, denominator
    "½": (1, 2),
    "⅓": (1, 3),
    "⅔": (2, 3),
    "¼": (1, 4),
    "¾": (3, 4),
    "⅕": (1, 5),
    "⅖": (2, 5),
    "⅗": (3, 5),
    "⅘": (4, 5),
    "⅙": (1, 6),
    "⅚": (5, 6),
    "⅛": (1, 8),
    "⅜": (3, 8),
    "⅝": (5, 8),
    "⅞": (7, 8),
}


def chinese_digits(number: str) -> str:
    """Digit by digit, as a year is read: 1998 -> 一九九八. Other characters stay."""
    return number.translate(TO_CHINESE)


def telephone_digits(number: str) -> str:
    """Digit by digit, as telephone numbers and codes are read: 110 -> 幺幺零."""
    return number.translate(TO_TELEPHONE)


def chinese_number(n: int) -> str:
    """10 -> 十, 105 -> 一百零五, 200 -> 两百, 20000 -> 两万; below 10^16."""
    words, gap = "", False
    if n >= 10**8:
        high = n // 10**8
        words = ("两" if high == 2 else chinese_number(high)) + "亿"
    for unit, name in ((10**4, "万"), (1, "")):
        group = n // unit % 10**4
        if group:
            zero = "零" if words and (gap or group < 1000) else ""
            words += zero + _chinese_group(group, not words, name) + name
        gap = not group
    return words or "零"


def _chinese_group(n: int, leads: bool, name: str) -> str:
    """Below 10,000. leads: nothing stands before it. name: 万, 亿 or nothing, which follow it."""
    if n == 2 and name:
        return "两"
    words, gap = "", False
    for place, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = n // place % 10
        if digit:
            two = digit == 2 and (place == 1000 or (place == 100 and leads and not words))
            words += "零" * (gap and words != "")
            words += ("两" if two else CHINESE_DIGITS[digit]) + unit
        gap = not digit
    return re.sub("^一十", "十", words) if leads or name else words


def english_number(n: int) -> str:
    """105 -> one hundred and five; any size below 10^36."""
    if n < 100:
        return _below_hundred(n)
    if n < 1000:
        words, rest = f"{ENGLISH_DIGITS[n // 100]} hundred", n % 100
    else:
        power = (len(str(n)) - 1) // 3
        many, rest = divmod(n, 1000**power)
        words = f"{english_number(many)} {THOUSANDS[power - 1]}"
    if not rest:
        return words
    return f"{words} {'and ' if rest < 100 else ''}{english_number(rest)}"


def _below_hundred(n: int) -> str:
    if n < 20:
        return (ENGLISH_DIGITS + TEENS)[n]
    return " ".join([TENS[n // 10 - 2], *([ENGLISH_DIGITS[n % 10]] if n % 10 else [])])


def ordinal(n: int) -> str:
    """21 -> twenty first."""
    *rest, last = english_number(n).split(" ")
    return " ".join([*rest, ORDINALS.get(last) or re.sub("y$", "ie", last) + "th"])


def roman(numeral: str) -> int:
    """XIV -> 14."""
    values = [ROMAN[letter] for letter in numeral]
    return sum(-a if a < b else a for a, b in zip(values, values[1:] + [0]))


def read_number(number: str, chinese: bool) -> str:
    """The words of a number without a context; decimals and long numbers are read by digits.

    A number of more than eight digits, or one with a leading zero, is a telephone or card number.
    """
    whole, _, decimals = number.partition(".")
    digits = CHINESE_DIGITS if chinese else ENGLISH_DIGITS
    join = "".join if chinese else " ".join
    by_digits = len(whole) > 8 or (len(whole) > 1 and whole[0] == "0")
    words = (
        join(digits[int(d)] for d in whole)
        if by_digits
        else (chinese_number if chinese else english_number)(int(whole))
    )
    if not decimals:
        return words
    return join([words, "点" if chinese else "point", *(digits[int(d)] for d in decimals)])
