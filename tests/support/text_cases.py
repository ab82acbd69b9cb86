"""Right readings of written text, as the tables under tests/text/cases give them.

A line is class <TAB> written <TAB> readings. Readings are separated by |; [x] may be missing, and
[x|y] is one of the two or missing. Punctuation, blanks, case and hyphens do not count.
"""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

CASES = Path(__file__).parents[1] / "text" / "cases"


def cases(language: str) -> Iterator[tuple[str, str, str]]:
    """(class, written, readings) of every line of a language's table."""
    for line in (CASES / f"{language}.tsv").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            kind, written, readings = line.split("\t")
            yield kind, written.replace("\\n", "\n"), readings


def is_right(spoken: str, readings: str) -> bool:
    """Whether the words are one of the readings."""
    return re.fullmatch(pattern_of(readings), plain(spoken)) is not None


def pattern_of(readings: str) -> str:
    pattern = ""
    for part in re.split(r"([\[\]|])", readings):
        pattern += {"[": "(?:", "]": ")?", "|": "|"}.get(part) or re.escape(plain(part))
    return pattern


def plain(text: str) -> str:
    """Letters, digits and signs only, in one case."""
    return "".join(
        char
        for char in text.casefold()
        if unicodedata.category(char)[0] not in "PZC" or char in "%@#&"
    )
