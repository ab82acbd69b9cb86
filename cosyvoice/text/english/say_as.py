"""What <say-as> of SSML asks for in English: a class that is given instead of found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from cosyvoice.text.english.addresses import SIGNS
from cosyvoice.text.english.calendar import DATES, date_words, is_date
from cosyvoice.text.english.clock import TIMES, time_words
from cosyvoice.text.english.numbers import digits, number, ordinal_of
from cosyvoice.text.english.telephones import group_words
from cosyvoice.text.spans import Reader, candidates, chosen


def ways_to_say(readers: tuple[Reader, ...]) -> Mapping[str, Callable[[str], str]]:
    """The ways by their names; what does not fit one is read as the readers read it."""

    def otherwise(written: str) -> str:
        words, at = "", 0
        for each in chosen(candidates(readers, written, 0, len(written))):
            words += f"{written[at : each.start]} {each.spoken} "
            at = each.end
        return re.sub(r"\s+", " ", words + written[at:]).strip()

    ways: dict[str, Callable[[str], str | None]] = {
        "characters": say_characters,
        "digits": lambda written: digits(written) or None,
        "telephone": say_telephone,
        "cardinal": say_cardinal,
        "ordinal": say_ordinal,
        "date": say_date,
        "time": say_time,
    }
    return {
        name: lambda written, say=say: say(written.strip()) or otherwise(written)  # type: ignore[misc]
        for name, say in ways.items()
    }


def say_characters(written: str) -> str:
    """AB-12 -> A B dash one two."""
    parts = [digits(char) or SIGNS.get(char) or char.upper() for char in written]
    return " ".join(part for part in parts if part.strip())


def say_telephone(written: str) -> str | None:
    """Group by group, however it is grouped."""
    words = ", ".join(group_words(part) for part in re.findall(r"\d+|[A-Z]+", written))
    return f"plus {words}" if words and written.startswith("+") else words or None


def say_cardinal(written: str) -> str | None:
    """Also of a long number, which is read digit by digit where nothing is said about it."""
    if not re.fullmatch(r"[-+]?[\d,]+(?:\.\d+)?", written):
        return None
    sign, whole, decimals = re.findall(r"([-+]?)([\d,]+)((?:\.\d+)?)", written)[0]
    plain = whole.replace(",", "")
    if not plain or len(plain) > 36:
        return None
    return number(f"{sign}{int(plain):,}{decimals}")


def say_ordinal(written: str) -> str | None:
    found = re.fullmatch(r"([\d,]*\d)(?:st|nd|rd|th)?", written)
    return ordinal_of(found[1]) if found else None


def say_date(written: str) -> str | None:
    """In any form, also 5/1 and 20261122."""
    if short := re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})", written):
        return date_words(short[1], short[2]) if is_date(short[1], short[2]) else None
    if plain := re.fullmatch(r"(\d{4})(\d\d)(\d\d)", written):
        return date_words(plain[2], plain[3], plain[1]) if is_date(plain[2], plain[3]) else None
    return said_by(DATES, written)


def say_time(written: str) -> str | None:
    """In any form, also 1530."""
    if plain := re.fullmatch(r"([01]\d|2[0-4])([0-5]\d)", written):
        return time_words(plain[1], plain[2])
    return said_by(TIMES, written)


def said_by(readers: Iterable[Reader], written: str) -> str | None:
    """The words of the first reader that takes the whole."""
    for each in readers:
        match = each.pattern.fullmatch(written)
        if match and (words := each.say(match)):
            return words
    return None
