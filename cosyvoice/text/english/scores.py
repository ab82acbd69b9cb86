"""Scores, ratios and verses in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.numbers import LETTER, START, TO, number
from cosyvoice.text.spans import after, before, reader

BOOKS = "|".join(
    """
    Genesis Exodus Leviticus Numbers Deuteronomy Joshua Judges Ruth Samuel Kings Chronicles Ezra
    Nehemiah Esther Job Psalms? Proverbs Ecclesiastes Isaiah Jeremiah Lamentations Ezekiel
    Daniel Hosea Joel Amos Obadiah Jonah Micah Nahum Habakkuk Zephaniah Haggai Zechariah Malachi
    Matthew Mark Luke John Acts Romans Corinthians Galatians Ephesians Philippians Colossians
    Thessalonians Timothy Titus Philemon Hebrews James Peter Jude Revelation Quran Surah""".split()
)
NUMBERED_BOOKS = "Samuel|Kings|Chronicles|Corinthians|Thessalonians|Timothy|Peter|John"
SCORE_BEFORE = (
    r"\b(?i:won|wins?|winning|beat|beats|lost|loses?|leads?|leading|led|scored?|scores|final"
    r"|victory"
    r"|defeat|defeated|draw|drew|tied?|trail|trailed|trailing|ahead|up|down|record|match|sets?)\b"
    r"[^.!?;\d]{0,30}"
)
SCORE_AFTER = (
    r" (?:win|victory|defeat|loss|draw|lead|home win|away|record|on aggregate|at half|thriller"
    r"|scoreline|tie|result|final)\b"
)
PICTURES = frozenset(("16:9", "4:3", "16:10", "21:9", "9:16", "3:4", "4:5"))


def say_verse(match: re.Match[str]) -> str:
    """John 3:16 -> three sixteen."""
    words = f"{number(match['chapter'])} {number(match['verse'])}"
    return words + (f" to {number(match['last'])}" if match["last"] else "")


def say_ratio(match: re.Match[str]) -> str:
    """3:2 -> three to two; pictures are sixteen by nine."""
    is_picture = match[0] in PICTURES and not before(match, r"\b(?i:ratio of|odds) ")
    join = " by " if is_picture else " to "
    return join.join(number(part) for part in re.split(" ?: ?", match[0]))


def say_score(match: re.Match[str]) -> str | None:
    """Won 3-2 -> three to two, a record of 7-3-2."""
    parts = re.split("[-–]", match[0])
    if len(parts) < 3 and not (before(match, SCORE_BEFORE, 48) or after(match, SCORE_AFTER, 32)):
        return None
    return (" " if len(parts) > 2 else " to ").join(number(part) for part in parts)


def say_book(match: re.Match[str]) -> str:
    return {"1": "First", "2": "Second", "3": "Third"}[match[0]]


SCORES = (
    reader(
        "score",
        rf"\b(?:{BOOKS}) (?P<span>(?P<chapter>\d{{1,3}}):(?P<verse>\d{{1,3}})"
        rf"(?:{TO}(?P<last>\d{{1,3}}))?)(?![\d:])",
        say_verse,
    ),
    reader("ordinal", rf"(?<!\d)[123](?= (?:{NUMBERED_BOOKS})\b)", say_book),
    reader(
        "score",
        rf"{START}\d{{1,5}}(?:\.\d+)?(?: ?: ?\d{{1,5}}(?:\.\d+)?){{1,3}}(?![\d:{LETTER}]|[.,]\d)",
        say_ratio,
    ),
    reader(
        "score",
        rf"{START}\d{{1,3}}(?:[-–]\d{{1,3}}){{1,2}}(?![\d{LETTER}%/:–-]|[.,]\d)",
        say_score,
    ),
)
