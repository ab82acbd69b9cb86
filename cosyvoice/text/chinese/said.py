"""Chinese words of what a tag names a class for."""

import re
from collections.abc import Callable, Iterable

from cosyvoice.text.chinese import addresses, calendar, numbers
from cosyvoice.text.numbers import chinese_digits, telephone_digits
from cosyvoice.text.spans import Reader, candidates, chosen


def characters(text: str) -> str:
    """Each character by itself, apart from its neighbours."""
    return "，".join(
        chinese_digits(addresses.SIGNS.get(char, char)) for char in "".join(text.split())
    )


def telephone(text: str) -> str:
    return telephone_digits(re.sub(r"\W", "", text))


def cardinal(text: str) -> str:
    return re.sub(rf"-?{numbers.NUMBER}", lambda match: numbers.number(match[0]), text)


def ordinal(text: str) -> str:
    words = re.sub(r"\d+", lambda match: numbers.ordinal(match[0]), text)
    return words if words.startswith("第") else "第" + words


def date(text: str) -> str:
    return read_with(calendar.DATE_READERS + calendar.YEAR_READERS, text, "日期：")


def time(text: str) -> str:
    return read_with(calendar.TIME_READERS, text)


def read_with(readers: Iterable[Reader], text: str, context: str = "") -> str:
    """The text with what these readers find in it in words; other figures as numbers."""
    line, words, at = context + text, "", len(context)
    for each in chosen(candidates(readers, line, at, len(line))):
        words += line[at : each.start] + each.spoken
        at = each.end
    return cardinal(words + line[at:])


SAY_AS: dict[str, Callable[[str], str]] = {
    "characters": characters,
    "digits": chinese_digits,
    "telephone": telephone,
    "cardinal": cardinal,
    "ordinal": ordinal,
    "date": date,
    "time": time,
}
