"""Amounts in English: money, percentages, temperatures, measures, fractions and plain numbers."""

from __future__ import annotations

import re

from cosyvoice.text.english.calendar import DECADE_BEFORE
from cosyvoice.text.english.numbers import (
    END,
    FRACTION,
    LETTER,
    NUMBER,
    QUANTITY,
    SIGN,
    SIGNS,
    START,
    TO,
    VALUE,
    VULGAR,
    digits,
    ends_of_range,
    fraction,
    in_pairs,
    is_one,
    number,
    ordinal_of,
    quantity,
    value,
    whole_number,
)
from cosyvoice.text.english.units import (
    COUNTED,
    CURRENCIES,
    PER,
    UNIT,
    any_of,
    money_name,
    unit_words,
)
from cosyvoice.text.spans import after, before, reader

# "a 5 km run", "a $20 bill": before a noun the unit is in the singular.
ARTICLE = r"\b[Aa]n? "
NOUN = (
    rf"-| (?!(?:of|in|on|at|to|from|for|and|or|per|by|with|is|was|as|than|long|wide|tall|high|deep|old|"
    rf"away|ago|a|an|the|each|more|less|when|if|every|thick|off|across|apart)\b)[{LETTER}]{{3}}"
)

# Money

SCALES = {
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "mn": "million",
    "mm": "million",
    "M": "million",
    "MM": "million",
    "mil": "million",
    "b": "billion",
    "bn": "billion",
    "B": "billion",
    "Bn": "billion",
    "t": "trillion",
    "tn": "trillion",
    "T": "trillion",
}
SCALE = r"(?: ?(?:hundred|thousand|million|billion|trillion)\b| ?(?:mm|MM|mn|mil|bn|Bn|tn|[kKmMbBtT])(?![A-Za-z\d]))?"
CURRENCY = rf"(?:{any_of(code for code in CURRENCIES if not code.isalpha() or code.isupper() or code == 'Rs')})"
NAMED = rf"(?:{any_of(code for code in CURRENCIES if code.isalpha() and code != 'Rs')}|[€£¥₩₹₽₺₫₱₪฿₿])"
PER_WHAT = rf"(?:\s?/\s?(?P<per>{any_of(PER)}|[a-z]{{3,12}})(?![{LETTER}\d/]))?"


def amount(currency: str, written: str, scale: str) -> str:
    """$20.50 -> twenty dollars and fifty cents, $2.5M -> two point five million dollars."""
    name, part = CURRENCIES[currency]
    scale = SCALES.get(scale.strip(), scale.strip())
    if scale:
        return f"{number(written)} {scale} {money_name(name, False)}"
    whole, _, decimals = written.partition(".")
    cents = decimals.rstrip("0").ljust(2, "0") if part else decimals
    if decimals and (len(cents) > 2 or not part):
        return f"{number(written.rstrip('0'))} {money_name(name, False)}"
    words = []
    if whole.strip("0,") or not int(cents or 0):
        words.append(f"{currency_number(whole or '0')} {money_name(name, whole == '1')}")
    if int(cents or 0):
        words.append(f"{number(str(int(cents)))} {money_name(part, int(cents) == 1)}")
    return " and ".join(words)


def currency_number(written: str) -> str:
    """As a cardinal, however long it is without commas."""
    return whole_number(f"{int(written.replace(',', '')):,}") if len(written) <= 36 else digits(written)


def say_money(match: re.Match[str]) -> str:
    currency, low, high = match["currency"], match["low"], match["high"]
    sign = SIGNS.get(match["sign"] or match["inner"] or "", "")
    if high and not match["again"]:
        scale = match["scale2"] or match["scale"]
        words = f"{number(low)} to {amount(currency, high, scale)}"
    elif high:
        words = f"{amount(currency, low, match['scale'])} to {amount(match['again'], high, match['scale2'])}"
    else:
        words = amount(currency, low, match["scale"])
    if before(match, ARTICLE) and after(match, NOUN) and "." not in low:
        words = re.sub(r"(dollar|pound|euro|cent|rupee|bitcoin)s$", r"\1", words)
    plus = " plus" if match["plus"] else ""
    return sign + words + plus + per_words(match["per"])


def per_words(what: str | None) -> str:
    return f" per {PER.get(what, what)}" if what else ""


def say_money_after(match: re.Match[str]) -> str | None:
    """100 EUR, 500 kr, 3-5 €."""
    ends = ends_of_range(match["number"])
    words = amount(match["currency"], ends[-1], match["scale"])
    low = f"{number(ends[0])} to " if len(ends) == 2 else ""
    return SIGNS.get(match["sign"], "") + low + words + per_words(match["per"])


def say_cents(match: re.Match[str]) -> str:
    name = "cent" if match["sign"] == "¢" else "pence"
    return f"{quantity(match['number'])} {money_name(name, match['number'] == '1')}"


MONEY = (
    reader(
        "money",
        rf"(?P<sign>{SIGN})(?<![{LETTER}\d])(?P<currency>{CURRENCY}) ?(?P<inner>[-+]?)(?P<low>{NUMBER})(?P<scale>{SCALE})"
        rf"(?:{TO}(?P<again>{CURRENCY})? ?(?P<high>{NUMBER})(?P<scale2>{SCALE}))?(?P<plus>\+)?{PER_WHAT}",
        say_money,
    ),
    reader(
        "money",
        rf"(?P<sign>{SIGN}){START}(?P<number>{NUMBER}(?:{TO}{NUMBER})?)(?P<scale>{SCALE}) ?(?P<currency>{NAMED})(?![{LETTER}\d$]){PER_WHAT}",
        say_money_after,
    ),
    reader("money", rf"{START}(?P<number>{NUMBER}(?:{TO}{NUMBER})?)(?P<sign>¢|p(?![{LETTER}\d]))", lambda m: None if m["sign"] == "p" and after_resolution(m) else say_cents(m)),
)
RESOLUTIONS = frozenset("144 240 360 480 540 576 720 1080 1440 2160 4320".split())


def after_resolution(match: re.Match[str]) -> bool:
    """720p is a resolution, not pence."""
    return match["number"] in RESOLUTIONS


# Percentages and temperatures


def say_percent(match: re.Match[str]) -> str:
    ends = [SIGNS.get(match["sign"], "") + quantity(match["low"])]
    if match["high"]:
        ends.append(quantity(match["high"]))
    names = {"%": "percent", "‰": "per thousand", "pp": "percentage points", "bps": "basis points"}
    return " to ".join(ends) + " " + names[match["unit"]]


PERCENT = (
    reader(
        "percent",
        rf"(?P<sign>{SIGN}){START}(?P<low>{QUANTITY}) ?%?(?:{TO}(?P<high>{NUMBER}))? ?(?P<unit>[%‰])",
        say_percent,
    ),
    reader(
        "percent",
        rf"(?P<sign>{SIGN}){START}(?P<low>\d{{1,3}}(?:\.\d+)?)(?P<high>)? ?(?P<unit>bps|pp){END}",
        say_percent,
    ),
)
SCALES_OF_TEMPERATURE = {"C": " Celsius", "F": " Fahrenheit", "K": " kelvin", "": ""}


def say_temperature(match: re.Match[str]) -> str:
    low, high = match["low"], match["high"]
    ends = [SIGNS.get(match["sign"], "") + quantity(low)]
    if high:
        ends.append(number(high))
    name = "degree" if low == "1" and not high else "degrees"
    return f"{' to '.join(ends)} {name}{SCALES_OF_TEMPERATURE[(match['scale'] or '').upper()]}"


def say_angle(match: re.Match[str]) -> str:
    degrees, minutes, seconds = match["degrees"], match["minutes"], match["seconds"]
    words = f"{SIGNS.get(match['sign'], '')}{number(degrees)} degree{'s' * (degrees != '1')}"
    if minutes:
        words += f" {number(minutes)} minute{'s' * (minutes != '1')}"
    if seconds:
        words += f" {number(seconds)} second{'s' * (seconds != '1')}"
    side = {"N": " north", "S": " south", "E": " east", "W": " west"}
    return words + side.get(match["side"] or "", "")


DEGREE = "[°º]"
TEMPERATURE = (
    reader(
        "temperature",
        rf"(?P<sign>{SIGN}){START}(?P<low>{QUANTITY}) ?(?:{DEGREE} ?[CF]?)?(?:{TO}(?P<high>-?{NUMBER}))? ?{DEGREE} ?(?P<scale>[CFKcf]){END}",
        say_temperature,
    ),
    reader(
        "temperature",
        rf"(?P<sign>{SIGN}){START}(?P<low>\d{{1,3}}(?:{TO}\d{{1,3}})?)(?P<high>)? ?(?P<scale>F){END}",
        say_temperature,
    ),
    reader(
        "measure",
        rf"(?P<sign>{SIGN}){START}(?P<degrees>{NUMBER}){DEGREE}(?: ?(?P<minutes>\d{{1,2}}(?:\.\d+)?)['′](?: ?(?P<seconds>\d{{1,2}}(?:\.\d+)?)(?:[\"″]|''))?)?(?: ?(?P<side>[NSEW])\b)?",
        say_angle,
    ),
)

# Measures

# Units that are also words or letters: read only where the rest of the text allows it
DOUBTFUL = {
    "in": r"$|[.,;:)]|\s(?:wide|long|tall|high|deep|thick|by|x|x\s?\d|of (?:rain|snow)|across|diameter)\b",
    "m": r"(?! ?\d)",
    "t": r"$|[.,;:)]|\s(?:of|per|a)\b",
    "us": "(?!)",
    "N": r"$|[.,;:)]|\s(?:of|force)\b",
    "bar": "(?! (?:exam|chart|graph|stool|code|area|owner))",
    "min": "",
}


def say_measure(match: re.Match[str]) -> str | None:
    unit, written = match["unit"].rstrip("."), match["value"]
    if unit in DOUBTFUL and not after(match, DOUBTFUL[unit]):
        return None
    if unit == "s" and is_decade(match):
        return None
    one = is_one(written) or (
        match["gap"] == "-" or (before(match, ARTICLE) and after(match, NOUN) and "/" not in unit)
    )
    words = hundreds(written) if unit == "m" else size(written)
    words = f"{SIGNS.get(match['sign'], '')}{words}{match['scale'] or ''} {unit_words(unit, one)}"
    return words + stop_after(match)


def is_decade(match: re.Match[str]) -> bool:
    written = match["value"]
    return re.fullmatch(r"\d{3}0", written) is not None or (
        re.fullmatch(r"\d0", written) is not None and before(match, DECADE_BEFORE)
    )


def stop_after(match: re.Match[str]) -> str:
    """The full stop of the sentence, where an abbreviation took it: it weighs 5 lbs."""
    return "." if match[0].endswith(".") and after(match, r"$|\s+[\"'(]?[A-Z]|\s*[\"')]") else ""


def size(written: str) -> str:
    """Words of a number, a range, or several dimensions: 2x8 -> two by eight."""
    return " by ".join(quantity(side) for side in re.split(r" ?[x×*] ?| by ", written))


def hundreds(written: str) -> str:
    """1500 -> fifteen hundred, as distances of races are said."""
    return in_pairs(written) if re.fullmatch("1[1-9]00", written) else size(written)


DIMENSIONS = rf"{VALUE}(?:(?: ?[x×*] ?| by ){VALUE}){{1,2}}"


def say_rate(match: re.Match[str]) -> str:
    return f"{quantity(match['value'])} per {PER[match['unit']]}"


def say_height(match: re.Match[str]) -> str | None:
    """6'2" -> six foot two, 5ft 11in -> five feet eleven inches."""
    feet, inches = number(match["feet"]), quantity(match["inches"])
    if match["unit"]:
        names = f"feet {inches} inch{'es' * (match['inches'] != '1')}"
        return f"{feet} {names if match['feet'] != '1' else names.replace('feet', 'foot')}"
    return f"{feet} foot {inches}"


def say_primes(match: re.Match[str]) -> str | None:
    """20' -> twenty feet, 12" -> twelve inches; not the end of a quotation."""
    quotes = match.string.count('"', 0, match.start())
    if match["mark"] == '"' and (quotes % 2 or before(match, '"')):
        return None
    one = is_one(match["value"])
    names = ("foot", "feet") if match["mark"] in "'′" else ("inch", "inches")
    return f"{size(match['value'])} {names[not one]}"


def say_dimensions(match: re.Match[str]) -> str | None:
    """4x6 -> four by six, 1920×1080; None for a product."""
    if in_equation(match):
        return None
    is_product = re.search("[×*]", match[0]) and not re.fullmatch(r"\d{3,} ?[×*] ?\d{3,}", match[0])
    if is_product and not after(match, r" (?:pixels?|photos?|prints?|grids?|tables?|matri|array|pixel)"):
        return None
    return " by ".join(pixels(side) for side in re.split(r" ?[x×*] ?| by ", match["value"]))


def pixels(written: str) -> str:
    """1920 -> nineteen twenty, as sizes of pictures are said."""
    return in_pairs(written) if re.fullmatch(r"\d{3,4}", written) else quantity(written)


MEASURE = (
    reader(
        "measure",
        rf"(?P<sign>{SIGN}){START}(?P<value>{DIMENSIONS}|{QUANTITY})(?P<scale> (?:hundred|thousand|million|billion|trillion))?(?P<gap>[ -]?)(?P<unit>{UNIT})",
        say_measure,
    ),
    reader("measure", rf"{START}(?P<value>{QUANTITY}) ?/ ?(?P<unit>{any_of(PER)})(?![{LETTER}\d])", say_rate),
    reader(
        "measure",
        rf"{START}(?P<feet>\d{{1,2}})(?:['′] ?|(?P<unit> ?(?:ft\.?|feet|foot) ?))(?P<inches>\d{{1,2}}(?:\.\d+|[{VULGAR}]| \d/\d)?) ?(?(unit)in(?:ches|\.(?! [A-Z]))?{END}|(?:\"|″|''))",
        say_height,
    ),
    reader("measure", rf"{START}(?P<feet>[3-7])'(?P<unit>)?(?P<inches>\d|1[01])(?![\d'\"{LETTER}])", say_height),
    reader("measure", rf"{START}(?P<value>{DIMENSIONS}|{QUANTITY})(?P<mark>\"|″|′)(?![{LETTER}\d])", say_primes),
    reader("measure", rf"{START}(?P<value>{DIMENSIONS}|\d+)(?P<mark>')(?= |$|[,.;)])", say_primes),
    reader("measure", rf"{START}(?P<value>{DIMENSIONS}){END}", say_dimensions),
)

# Fractions


def say_fraction(match: re.Match[str]) -> str | None:
    written = match["fraction"]
    above, _, below = written.partition("/")
    if " / " in written and in_equation(match):
        return None
    if above.isdigit() and above == below:
        return f"{number(above)} out of {number(below)}"
    if after(match, r" ?(?:stars?\b|points?\b)") or before(match, r"(?i:rated|scored?|rating:?|got|gave it) (?:it |a )?"):
        return f"{number(above)} out of {number(below)}" if below.isdigit() else None
    if before(match, r"\b(?i:bp|pressure|vision)\b[^\d]{0,12}", 32) and above.isdigit():
        return f"{number(above)} over {number(below)}"
    return SIGNS.get(match["sign"], "") + fraction(written)


FRACTIONS = (
    reader("fraction", rf"(?P<sign>{SIGN}){START}(?P<fraction>{FRACTION})(?i:st|nd|rd|ths?)?(?![{LETTER}\d/])", say_fraction),
    reader("fraction", rf"{START}(?P<sign>)(?P<fraction>\d{{1,4}} / \d{{1,4}})(?![{LETTER}\d/])", say_fraction),
)

# Numbers


def say_short_scale(match: re.Match[str]) -> str | None:
    """5M users -> five million users; not 4K videos and a 10K run."""
    if match["number"] in ("4", "8") and match["scale"] in "Kk":
        return None
    return f"{quantity(match['number'])} {SCALES[match['scale']]}{' plus' if match['plus'] else ''}"


def say_range(match: re.Match[str]) -> str | None:
    if in_equation(match):
        return None
    return f"{SIGNS.get(match['sign'], '')}{value(match['low'])} to {value(match['high'])}{' x' * (match['times'] == 'x')}"


def in_equation(match: re.Match[str]) -> bool:
    """Whether a sign of equality stands beside it: 10-2=8."""
    return after(match, r"[\s\d.+*/×÷()^-]{0,30}[=≈≠]", 32) or before(match, r"[=≈≠][\s\d.+*/×÷()^-]{0,30}", 32)


# 5M users, 50K in debt
COUNTED_NOUN = (
    r" (?:[a-z]+ ){0,2}[a-z]+s\b| people\b| in (?:cash|debt|revenue|sales|funding|savings)\b"
)
NUMBERS = (
    reader(
        "cardinal",
        rf"{START}(?P<number>{NUMBER}(?:{TO}{NUMBER})?) ?(?P<scale>[KkMB]|bn|mn)(?P<plus>\+?)(?={COUNTED_NOUN})",
        say_short_scale,
    ),
    reader("range", rf"(?P<sign>{SIGN}){START}(?P<low>{VALUE}){TO}(?P<high>{VALUE})(?P<times>x?)(?![{LETTER}\d_]|[-–/]\d|\.\d)", say_range),
    reader("ordinal", rf"{START}(?P<number>\d{{1,3}}(?:,\d{{3}})+|\d+)(?P<end>(?i:st|nd|rd|th)){END}", lambda m: say_ordinal(m)),
    reader("decimal", rf"{SIGN}{START}(?:{NUMBER})", lambda m: number(m[0])),
    reader("cardinal", rf"{SIGN}{START}(?:{NUMBER})(?P<plus>\+)(?![\d+])", lambda m: number(m[0][:-1]) + " plus"),
    reader("digits", r"\d+", lambda m: whole_number(m[0])),
)


def say_ordinal(match: re.Match[str]) -> str | None:
    """21st; None for 21th, which is no ordinal."""
    words = ordinal_of(match["number"])
    return words if words[-2:] == match["end"].lower() else None
