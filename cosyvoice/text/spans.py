"""Spans: the parts of a text that belong to one class, each with its words.

A class of written things (the field says semiotic class: Taylor, "Text-to-Speech Synthesis",
chapter 5; Ebden and Sproat 2014) has one recogniser and one rule that says it in words. Where two
candidates overlap, the longer one is taken; of two that are equally long, the one whose class comes
first in CLASSES.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass

# From the most specific to the least.
CLASSES = (
    "pronunciation",  # the caller's own list
    "address",  # mail, web, file
    "date",
    "year",
    "time",
    "duration",
    "telephone",
    "money",
    "percent",
    "temperature",
    "measure",
    "score",
    "ordinal",
    "code",  # models, flights, plates, licences, versions
    "fraction",
    "range",
    "roman",
    "list item",
    "mathematics",
    "decimal",
    "cardinal",
    "abbreviation",
    "initials",
    "digits",  # any other figures, one by one
    "symbol",
)
RANK = {kind: rank for rank, kind in enumerate(CLASSES)}

Say = Callable[[re.Match[str]], str | None]


@dataclass(frozen=True)
class Reader:
    """How one class is found and said in one language.

    pattern: finds candidates; a group named "span" is the candidate where the match has context
    around it. say: the words of a match, or None when its context shows that it is something else.
    """

    kind: str
    pattern: re.Pattern[str]
    say: Say


@dataclass(frozen=True)
class Candidate:
    start: int
    end: int
    kind: str
    spoken: str


def reader(kind: str, pattern: str, say: Say | str, flags: int = 0) -> Reader:
    """One line of a language's table. say may be the words themselves."""
    assert kind in RANK, kind
    words = say if callable(say) else (lambda match, fixed=say: fixed)
    return Reader(kind, re.compile(pattern, flags), words)


def candidates(readers: Iterable[Reader], text: str, start: int, end: int) -> Iterable[Candidate]:
    """All that the readers find between start and end; they see the whole text around it."""
    for each in readers:
        group: int | str = "span" if "span" in each.pattern.groupindex else 0
        for match in each.pattern.finditer(text, start):
            if match.start(group) >= end:
                break
            if match.end(group) <= end and match.end(group) > match.start(group):
                spoken = each.say(match)
                if spoken is not None:
                    yield Candidate(match.start(group), match.end(group), each.kind, spoken)


def chosen(found: Iterable[Candidate]) -> list[Candidate]:
    """Candidates that do not overlap, in the order of the text: longest, then most specific."""
    taken: list[Candidate] = []
    starts: list[int] = []
    for each in sorted(found, key=lambda c: (c.start - c.end, RANK[c.kind], c.start)):
        at = bisect_right(starts, each.start)
        free = (at == 0 or taken[at - 1].end <= each.start) and (
            at == len(taken) or each.end <= starts[at]
        )
        if free:
            taken.insert(at, each)
            starts.insert(at, each.start)
    return taken


def before(match: re.Match[str], pattern: str, width: int = 16, group: int | str = "span") -> bool:
    """Whether the text just before the candidate ends with the pattern."""
    start = match.start(_group(match, group))
    return re.search(rf"(?:{pattern})\Z", match.string[max(0, start - width) : start]) is not None


def after(match: re.Match[str], pattern: str, width: int = 16, group: int | str = "span") -> bool:
    """Whether the text just after the candidate begins with the pattern."""
    end = match.end(_group(match, group))
    return re.match(pattern, match.string[end : end + width]) is not None


def _group(match: re.Match[str], group: int | str) -> int | str:
    return group if group in match.re.groupindex else 0
