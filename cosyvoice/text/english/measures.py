"""Percentages, temperatures and measures in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.context import describes_noun, in_equation, stop
from cosyvoice.text.english.numbers import (
    END,
    LETTER,
    NUMBER,
    QUANTITY,
    SIGN,
    SIGNS,
    START,
    TO,
    VALUE,
    VULGAR,
    fraction_over,
    in_pairs,
    is_one,
    number,
    plural,
    quantity,
)
from cosyvoice.text.english.tables import any_of
from cosyvoice.text.english.units import PER, UNIT, unit_words
from cosyvoice.text.english.years import DECADE_BEFORE
from cosyvoice.text.spans import after, before, reader

# Percentages

PERCENT_NAMES = {
    "%": "percent",
    "‰": "per thousand",
    "pp": "percentage points",
    "bps": "basis points",
}


def say_percent(match: re.Match[str]) -> str:
    """10-20% and 10%-20% -> ten to twenty percent."""
    ends = [SIGNS.get(match["sign"], "") + quantity(match["low"])]
    if match["high"]:
        ends.append(quantity(match["high"]))
    return f"{' to '.join(ends)} {PERCENT_NAMES[match['unit']]}"


PERCENT = (
    reader(
        "percent",
        rf"(?P<sign>{SIGN}){START}(?P<low>{QUANTITY}) ?%?"
        rf"(?:{TO}(?P<high>{NUMBER}))? ?(?P<unit>[%‰])",
        say_percent,
    ),
    reader(
        "percent",
        rf"(?P<sign>{SIGN}){START}(?P<low>\d{{1,3}}(?:\.\d+)?)(?P<high>)? ?(?P<unit>bps|pp){END}",
        say_percent,
    ),
)

# Temperatures and angles

DEGREE = "[°º]"
SCALES = {"C": " Celsius", "F": " Fahrenheit", "K": " kelvin"}
SIDES = {"N": " north", "S": " south", "E": " east", "W": " west"}
PART_OF_DEGREE = r"\d{1,2}(?:\.\d+)?"


def say_temperature(match: re.Match[str]) -> str:
    low, high = match["low"], match["high"]
    ends = [SIGNS.get(match["sign"], "") + quantity(low)]
    if high:
        ends.append(number(high))
    name = "degree" if low == "1" and not high else "degrees"
    return f"{' to '.join(ends)} {name}{SCALES[match['scale'].upper()]}"


def say_angle(match: re.Match[str]) -> str:
    """90°, 45°30′, 40°26′46″N."""
    units = ("degree", "minute", "second")
    parts = [
        f"{number(match[unit])} {unit}{'s' * (match[unit] != '1')}" for unit in units if match[unit]
    ]
    return SIGNS.get(match["sign"], "") + " ".join(parts) + SIDES.get(match["side"], "")


TEMPERATURE = (
    reader(
        "temperature",
        rf"(?P<sign>{SIGN}){START}(?P<low>{QUANTITY}) ?(?:{DEGREE} ?[CF]?)?"
        rf"(?:{TO}(?P<high>-?{NUMBER}))? ?{DEGREE} ?(?P<scale>[CFKcf]){END}",
        say_temperature,
    ),
    reader(
        "temperature",
        rf"(?P<sign>{SIGN}){START}(?P<low>\d{{1,3}}(?:{TO}\d{{1,3}})?)(?P<high>)?"
        rf" ?(?P<scale>F){END}",
        say_temperature,
    ),
    reader(
        "measure",
        rf"(?P<sign>{SIGN}){START}(?P<degree>{NUMBER}){DEGREE}(?: ?(?P<minute>{PART_OF_DEGREE})['′]"
        rf"(?: ?(?P<second>{PART_OF_DEGREE})(?:[\"″]|''|′′))?)?(?: ?(?P<side>[NSEW])\b)?",
        say_angle,
    ),
)

# Measures

# Units that are also words or letters -> what has to follow them
DOUBTFUL = {
    "in": r"$|[.,;:)]|\s(?:wide|long|tall|high|deep|thick|by|x|of (?:rain|snow)|across|diameter)\b",
    "m": r"(?! ?\d)",
    "t": r"$|[.,;:)]|\s(?:of|per|a)\b",
    "us": "(?!)",
    "N": r"$|[.,;:)]|\s(?:of|force)\b",
    "A": r" (?:current|fuse|circuit|breaker|charger|outlet|max)\b",
    "bar": "(?! (?:exam|chart|graph|stool|code|area|owner))",
}
BY = r"(?: ?[x×*] ?| by )"
DIMENSIONS = rf"{VALUE}(?:{BY}{VALUE}){{1,2}}"
OF_PICTURES = r" (?:pixels?|photos?|prints?|grids?|tables?|matri|arrays?)"


def say_measure(match: re.Match[str]) -> str | None:
    """5 km, 2-3 lbs, 2x8 m², 9.8 m/s², 1½ cups, 100 million kg."""
    unit, value = match["unit"].rstrip("."), match["value"]
    if not is_unit(match):
        return None
    one = is_one(value) or match["gap"] == "-" or ("/" not in unit and describes_noun(match))
    sign, scale = SIGNS.get(match["sign"], ""), match["scale"] or ""
    return f"{sign}{size_in(unit, value)}{scale} {unit_words(unit, one)}{stop(match)}"


def is_unit(match: re.Match[str]) -> bool:
    """Whether the letters after a number are a unit here: 5 in. tall, but 5 in the morning."""
    unit = match["unit"]
    if unit == "s":
        return not (is_decade(match) or "x" in match["value"])
    if unit == "in.":
        return not after(match, r"\s+[A-Z]")
    return unit not in DOUBTFUL or after(match, DOUBTFUL[unit])


def is_decade(match: re.Match[str]) -> bool:
    """1980 s, in his 40s."""
    value = match["value"]
    if re.fullmatch(r"\d{3}0", value):
        return True
    return re.fullmatch(r"\d0", value) is not None and before(match, DECADE_BEFORE)


def size_in(unit: str, written: str) -> str:
    """Words of a size; a race is fifteen hundred meters, blood pressure is 120 over 80."""
    if unit == "m" and re.fullmatch("1[1-9]00", written):
        return in_pairs(written)
    if unit == "mmHg" and "/" in written:
        return fraction_over(written)
    return size(written)


def size(written: str) -> str:
    """A number, a range, or several dimensions: 2x8 -> two by eight."""
    return " by ".join(quantity(side) for side in re.split(BY, written))


def say_rate(match: re.Match[str]) -> str:
    """12/kg -> twelve per kilogram."""
    return f"{quantity(match['value'])} per {PER[match['unit']]}"


def say_height(match: re.Match[str]) -> str:
    """6'2" -> six foot two, 5ft 11in -> five feet eleven inches."""
    feet, inches = number(match["feet"]), quantity(match["inches"])
    if not match["unit"]:
        return f"{feet} foot {inches}"
    unit = "foot" if match["feet"] == "1" else "feet"
    return f"{feet} {unit} {inches} {'inch' if match['inches'] == '1' else 'inches'}"


def say_primes(match: re.Match[str]) -> str | None:
    """20' -> twenty feet, 12" -> twelve inches; not the end of a quotation."""
    if match["mark"] == '"' and before(match, r'(?:^|[\s(])"[^"]*', 200):
        return None
    name = "foot" if match["mark"] in "'′" else "inch"
    one = is_one(match["value"]) or describes_noun(match)
    return f"{size(match['value'])} {name if one else plural(name)}"


def say_dimensions(match: re.Match[str]) -> str | None:
    """4x6 -> four by six, 1920×1080; None for a product."""
    if in_equation(match) or after(match, "\\^|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]"):
        return None
    is_product = re.search("[×*]", match[0]) and not re.fullmatch(r"\d{3,} ?[×*] ?\d{3,}", match[0])
    if is_product and not after(match, OF_PICTURES):
        return None
    words = " by ".join(pixels(side) for side in re.split(BY, match["value"]))
    return plural(words) if match["plural"] else words


def pixels(written: str) -> str:
    """1920 -> nineteen twenty, as sizes of pictures are said."""
    return in_pairs(written) if re.fullmatch(r"\d{3,4}", written) else quantity(written)


MEASURE = (
    reader(
        "measure",
        rf"(?P<sign>{SIGN}){START}(?P<value>{DIMENSIONS}|{QUANTITY})"
        rf"(?P<scale> (?:hundred|thousand|million|billion|trillion))?(?P<gap>[ -]?)"
        rf"(?P<unit>{UNIT})",
        say_measure,
    ),
    reader(
        "measure",
        rf"{START}(?P<value>{QUANTITY}) ?/ ?(?P<unit>{any_of(PER)})(?![{LETTER}\d])",
        say_rate,
    ),
    reader(
        "measure",
        rf"{START}(?P<feet>\d{{1,2}})(?:['′] ?|(?P<unit> ?(?:ft\.?|feet|foot) ?))"
        rf"(?P<inches>\d{{1,2}}(?:\.\d+|[{VULGAR}]| \d/\d)?) ?"
        rf"(?(unit)in(?:ches|\.(?! [A-Z]))?{END}|(?:\"|″|''))",
        say_height,
    ),
    reader(
        "measure",
        rf"{START}(?P<feet>[3-7])'(?P<unit>)?(?P<inches>\d|1[01])(?![\d'\"{LETTER}])",
        say_height,
    ),
    reader(
        "measure",
        rf"{START}(?P<value>{DIMENSIONS}|{QUANTITY})(?P<mark>\"|″|′)(?![{LETTER}\d])",
        say_primes,
    ),
    reader("measure", rf"{START}(?P<value>{DIMENSIONS}|\d+)(?P<mark>')(?= |$|[,.;)])", say_primes),
    reader("measure", rf"{START}(?P<value>{DIMENSIONS})(?P<plural>s?){END}", say_dimensions),
    reader(
        "measure",  # 3 m x 4 m
        r"(?<=[a-z\"'] )[x×](?= \d)",
        lambda match: "by" if before(match, rf"\d ?(?:{UNIT}|[\"']) ") else None,
    ),
)
