"""Signs and items of a list in English."""

from __future__ import annotations

import re
import unicodedata

from cosyvoice.text.english.numbers import LETTER, whole_number
from cosyvoice.text.numbers import english_number
from cosyvoice.text.spans import before, reader

WORDS = {
    "&": "and",
    "@": "at",
    "%": "percent",
    "‰": "per thousand",
    "$": "dollar",
    "€": "euro",
    "£": "pound",
    "¥": "yen",
    "₩": "won",
    "₹": "rupee",
    "₿": "bitcoin",
    "¢": "cents",
    "§": "section",
    "©": "copyright",
    "°": "degrees",
    "+": "plus",
    "=": "equals",
}
GREEK = {
    letter: unicodedata.name(letter).rsplit(" ", 1)[-1].lower()
    for letter in "αβγδεζηθικμνξοπρστυφχψωΓΔΘΞΠΣΦΨΩ"
} | {"λ": "lambda", "Λ": "lambda"}  # Unicode calls it lamda


def say_grade(match: re.Match[str]) -> str | None:
    """Got a B- -> B minus."""
    is_grade = before(match, r"\b(?i:an?|got|grade|of|rated|the) ")
    return f"{match[0][0]} minus" if is_grade else None


SYMBOLS = (
    reader(
        "symbol",  # C#, F# minor
        rf"(?<![{LETTER}\d])[ACDFG]#(?!\w)",
        lambda match: f"{match[0][0]} sharp",
    ),
    reader("symbol", r"#(?=\d)", "number"),
    reader("symbol", r"(?<=\S)#(?=[A-Za-z])", "hash"),
    reader("symbol", r"(?<=[A-Za-z0-9])\+{1,2}(?![\w+])", lambda match: " plus" * len(match[0])),
    reader("symbol", r"\b[A-D]-(?=$|[\s,.;)])(?! \d)", say_grade),
    reader("symbol", f"[{re.escape(''.join(WORDS))}]", lambda match: WORDS[match[0]]),
    reader("symbol", r"(?<=[a-z]{2}) ?(?P<span>/) ?(?=[a-z]{2})|(?<=\d)/(?=\s|$)", "slash"),
    reader("symbol", r"~(?= ?\d)", "about"),
    reader("range", rf"(?<=[{LETTER}\d%°])(?:~| ~ )(?=[{LETTER}\d$€£])", "to"),
    reader("symbol", r"(?<![\w.])\.(?=[A-Z]{2,}\b)", "dot"),  # .NET
    reader(
        "symbol",
        rf"(?<![\u0370-\u03ff])[{''.join(GREEK)}](?![\u0370-\u03ff])",
        lambda match: GREEK[match[0]],
    ),
)

# Items of a list

ITEM_BEFORE = r"(?:(?<=\A)|(?<=[.:;,!?] ))"


def say_item(match: re.Match[str]) -> str:
    """2) -> two, with the pause that a reader makes."""
    return f"{whole_number(match['number'])},"


ITEMS = (
    reader(
        "list item",
        "[①-⑳❶-❿➀-➉⓵-⓾]",
        lambda match: f"{english_number(int(unicodedata.numeric(match[0])))},",
    ),
    reader("list item", rf"{ITEM_BEFORE}(?P<number>\d{{1,2}})[.)](?= [A-Za-z\"'])", say_item),
    reader("list item", rf"{ITEM_BEFORE}\((?P<number>\d{{1,2}})\)(?= ?[A-Za-z\"'])", say_item),
)
