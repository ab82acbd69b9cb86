"""Telephone numbers in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.context import group
from cosyvoice.text.english.numbers import END, LETTER, START, digits
from cosyvoice.text.numbers import english_number
from cosyvoice.text.spans import reader

NOT_BEFORE = rf"(?<![{LETTER}\d_.,/$€£#+-])"
NOT_AFTER = rf"(?![{LETTER}\d_/]|[-.,]\d)"
GAP = "[ .-]"
EXTENSION = r"(?:,? ?(?:(?i:ext?\.?|extension)|x) ?\d{1,6})?"
LAST_PART = rf"\d{{3}}{GAP}\d{{4}}(?:-\d{{1,4}})?{EXTENSION}{NOT_AFTER}"
CALL = (
    r"(?i:call|dial|phone|tel|telephone|fax|text|cell|mobile|ring|whatsapp|number|hotline|contact"
    r"|helpline)\b[^\d]{0,16}"
)


def say_telephone(match: re.Match[str]) -> str:
    """+1 (555) 123-4567 ext. 9 -> plus one, five five five, ..., extension nine."""
    written = group(match, "span") or match[0]
    split = re.search(r"(?i)(?:ext?\.?|extension|x) ?(\d+)$", written)
    groups = re.findall(r"\d+|[A-Z]+", written[: split.start()] if split else written)
    plus = "plus " if written.startswith("+") else ""
    extension = f", extension {digits(split[1])}" if split else ""
    return plus + ", ".join(group_words(part) for part in groups) + extension


def group_words(part: str) -> str:
    """Digits one by one; letters as the word that they make; 800 as a number."""
    if part.isalpha():
        return part
    if re.fullmatch("[89]00", part):
        return f"{english_number(int(part[0]))} hundred"
    return digits(part)


def say_keys(match: re.Match[str]) -> str:
    """Press # -> press pound."""
    return "star" if match["span"] == "*" else "pound"


TELEPHONES = (
    reader(
        "telephone",  # +44 20 7946 0958
        rf"(?<!\w)\+\d{{1,3}}(?:{GAP}?\(\d{{1,4}}\)|{GAP}?\d{{1,4}})(?:{GAP}?\d{{2,4}}){{1,4}}"
        rf"{EXTENSION}{NOT_AFTER}",
        say_telephone,
    ),
    reader(
        "telephone",  # 1-555-123-4567
        rf"{NOT_BEFORE}(?:1{GAP})?\d{{3}}{GAP}{LAST_PART}",
        say_telephone,
    ),
    reader(
        "telephone",  # (555) 123-4567
        rf"(?:(?<=\d)|{NOT_BEFORE})(?:1{GAP})?\(\d{{3}}\){GAP}?{LAST_PART}",
        say_telephone,
    ),
    reader(
        "telephone",  # 1-800-FLOWERS
        rf"{NOT_BEFORE}1-?8[0-8]{{2}}-(?:[A-Z\d]{{1,8}}-?){{1,4}}(?<!-){NOT_AFTER}",
        say_telephone,
    ),
    reader("telephone", rf"{NOT_BEFORE}0\d{{2,4}} \d{{3,4}} ?\d{{3,4}}{NOT_AFTER}", say_telephone),
    reader("telephone", rf"{NOT_BEFORE}555-\d{{4}}{NOT_AFTER}", say_telephone),
    reader("telephone", rf"\b{CALL}(?P<span>\d{{3}}-\d{{4}}{EXTENSION}){NOT_AFTER}", say_telephone),
    reader(
        "telephone",  # call 112
        r"\b(?i:call|dial|text|phone|ring)\b[^\d]{0,8}(?P<span>\d{3})"
        r"(?![\d,.]\d|[-/%]|\d| (?:people|times|more))",
        lambda match: digits(match["span"]),
    ),
    reader(
        "telephone",
        rf"{START}(?:911|999|112)(?= (?:call|operator|dispatch|emergency))",
        lambda match: digits(match[0]),
    ),
    reader("telephone", rf"{START}9-1-1{END}", "nine one one"),
    reader("telephone", r"\b(?i:press|dial|hit) (?P<span>[*#])", say_keys),
)
