"""Chinese words of what a tag names a class for."""

import re
from collections.abc import Callable

from cosyvoice.text.chinese import numbers
from cosyvoice.text.numbers import chinese_digits, telephone_digits


def digits(text: str) -> str:
    return chinese_digits(text)


def characters(text: str) -> str:
    """Each character by itself, apart from its neighbours."""
    return "，".join(chinese_digits(char) for char in text if not char.isspace())


def telephone(text: str) -> str:
    return telephone_digits(re.sub(r"[^\d\w]", "", text))


def cardinal(text: str) -> str:
    return re.sub(rf"-?{numbers.NUMBER}", lambda match: numbers.number(match[0]), text)


def ordinal(text: str) -> str:
    words = re.sub(r"\d+", lambda match: numbers.ordinal(match[0]), text)
    return words if words.startswith("第") else "第" + words


def read_alone(text: str) -> str:
    from cosyvoice.text.chinese import GRAMMAR
    from cosyvoice.text.spans import candidates, chosen

    words, at = "", 0
    for each in chosen(candidates(GRAMMAR.readers, text, 0, len(text))):
        words += text[at : each.start] + each.spoken
        at = each.end
    return words + text[at:]


SAY_AS: dict[str, Callable[[str], str]] = {
    "characters": characters,
    "digits": digits,
    "telephone": telephone,
    "cardinal": cardinal,
    "ordinal": ordinal,
    "date": read_alone,
    "time": read_alone,
}
