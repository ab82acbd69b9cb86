"""Fractions, ranges, ordinals and plain numbers in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.context import in_equation
from cosyvoice.text.english.money import SCALES
from cosyvoice.text.english.numbers import (
    END,
    FRACTION,
    LETTER,
    NUMBER,
    SIGN,
    SIGNS,
    START,
    TO,
    VALUE,
    fraction,
    fraction_over,
    number,
    ordinal_of,
    quantity,
    value,
    whole_number,
)
from cosyvoice.text.english.tables import any_of
from cosyvoice.text.english.units import PER, UNIT, unit_words
from cosyvoice.text.spans import after, before, reader

# Fractions

RATED = r"(?i:rated?|scored?|rating:?|got|gave|give) (?:it |a |this |them )?"
PART = r"\b(?i:page|lap|part|step|slide|stage|round|day|week|chapter|lesson|question) "
PRESSURE = r"\b(?i:bp|pressure|vision)\b[^\d]{0,12}"


def say_fraction(match: re.Match[str]) -> str | None:
    """3/4 -> three quarters; 4/5 stars -> four out of five; BP 120/80 -> over."""
    written = match["fraction"]
    above, _, below = written.partition("/")
    if " / " in written and in_equation(match):
        return None  # a division
    if above.isdigit() and below.isdigit():
        if above == below or after(match, r" ?(?:stars?|points?)\b") or before(match, RATED, 24):
            return out_of(above, below)
        if before(match, PART):
            return f"{number(above)} of {number(below)}"
        if before(match, PRESSURE, 32):
            return fraction_over(written)
    return SIGNS.get(match["sign"], "") + fraction(written)


def out_of(above: str, below: str) -> str:
    return f"{number(above)} out of {number(below)}"


FRACTIONS = (
    reader(
        "fraction",
        rf"(?P<sign>{SIGN}){START}(?P<fraction>{FRACTION})(?i:(?:st|nd|rd|th)s?)?(?![{LETTER}\d/])",
        say_fraction,
    ),
    reader(
        "fraction",
        rf"{START}(?P<sign>)(?P<fraction>\d{{1,4}} / \d{{1,4}})(?![{LETTER}\d/])",
        say_fraction,
    ),
    reader(
        "fraction",  # 4.5/5
        rf"{START}(?P<above>\d{{1,2}}\.\d{{1,2}})/(?P<below>\d{{1,2}}(?:\.0)?)(?![{LETTER}\d/.])",
        lambda match: out_of(match["above"], match["below"]),
    ),
)

# Ranges

NAMED_BY_TWO = r"\b(?:Table|Figure|Fig\.|Exhibit|Appendix) "


def say_range(match: re.Match[str]) -> str | None:
    """2-3 -> two to three; not 10-2=8."""
    if in_equation(match):
        return None
    join = "dash" if before(match, NAMED_BY_TWO) else "to"
    words = f"{value(match['low'])} {join} {value(match['high'])}"
    return SIGNS.get(match["sign"], "") + words + (" x" if match["times"] else "")


RANGES = (
    reader(
        "range",
        rf"(?P<sign>{SIGN}){START}(?P<low>{VALUE}){TO}(?P<high>{VALUE})(?P<times>x?)"
        rf"(?![{LETTER}\d_]|[-–/]\d|\.\d)",
        say_range,
    ),
)

# Numbers

# 5M users, 50K in debt
COUNTED_NOUN = (
    r" (?:[a-z]+ ){0,2}[a-z]+s\b| people\b| in (?:cash|debt|revenue|sales|funding|savings)\b"
)
SMALL_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
POWER_OF_TEN = r"10(?:\^{?(?P<power>-?\d+)}?|(?P<small>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"


def say_short_scale(match: re.Match[str]) -> str | None:
    """5M users -> five million users; not 4K videos."""
    if match["number"] in ("4", "8") and match["scale"] in "Kk":
        return None
    plus = " plus" if match["plus"] else ""
    return f"{quantity(match['number'])} {SCALES[match['scale']]}{plus}"


def say_ordinal(match: re.Match[str]) -> str | None:
    """21st -> twenty first; None for 21th, which is no ordinal."""
    words = ordinal_of(match["number"])
    return words if words[-2:] == match["end"].lower() else None


def say_scientific(match: re.Match[str]) -> str:
    """1.5e-3 -> one point five times ten to the power of minus three; also 3×10^8 m/s."""
    groups = match.groupdict()
    power = (groups["power"] or groups["small"]).translate(SMALL_DIGITS).lstrip("+")
    unit = f" {unit_words(groups['unit'], one=False)}" if groups.get("unit") else ""
    if groups.get("per"):
        unit = f" per {PER[groups['per']]}"
    return (
        f"{number(match['sign'] + match['number'])} times ten to the power of {number(power)}{unit}"
    )


NUMBERS = (
    reader(
        "cardinal",
        rf"{START}(?P<number>{NUMBER}(?:{TO}{NUMBER})?) ?(?P<scale>[KkMB]|bn|mn)(?P<plus>\+?)"
        rf"(?={COUNTED_NOUN})",
        say_short_scale,
    ),
    reader(
        "ordinal",
        rf"{START}(?P<number>\d{{1,3}}(?:,\d{{3}})+|\d+)(?P<end>(?i:st|nd|rd|th)){END}",
        say_ordinal,
    ),
    reader("decimal", rf"{SIGN}{START}{NUMBER}", lambda match: number(match[0])),
    reader(
        "cardinal",
        rf"{SIGN}{START}(?P<number>{NUMBER})\+(?![\d+])",
        lambda match: f"{number(match[0][:-1])} plus",
    ),
    reader(
        "decimal",
        rf"(?P<sign>{SIGN}){START}(?P<number>{NUMBER})[eE](?P<power>[-+]?\d{{1,3}})"
        rf"(?![{LETTER}\d])",
        say_scientific,
    ),
    reader(
        "measure",
        rf"(?P<sign>{SIGN}){START}(?P<number>{NUMBER}) ?[x×*·] ?{POWER_OF_TEN}"
        rf"(?: ?(?P<unit>{UNIT})|/(?P<per>{any_of(PER)}){END})?",
        say_scientific,
    ),
    reader(
        "cardinal",  # 10 000
        rf"{SIGN}{START}\d{{1,3}}(?: 000)+(?! ?\d)",
        lambda match: number(match[0].replace(" ", ",")),
    ),
    reader("digits", r"\d+", lambda match: whole_number(match[0])),
)
