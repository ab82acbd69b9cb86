"""Sentences: where a text is cut, for the language model, for subtitles and for the grammar.

`segments` makes the segments that the LM speaks at once, of about 60 to 80 characters for Chinese
and text tokens otherwise, as upstream's frontend does. `sentences_of` and `clauses_of` find
the sentences in such a segment. `halves` cuts what is too long for the grammar.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from cosyvoice.text.language import FULL_STOP, MARKS, is_speakable, language_of

# Lengths of a segment, in characters or tokens
LONGEST = 80  # a clause that would make it longer begins the next one
LONG_ENOUGH = 60  # but only when it has more than this
TOO_SHORT = 20  # a shorter last one joins the one before it
UNBROKEN = 120  # a clause that is longer is cut inside

# A stop in running text, not the dot of 3.14, example.com or J. Smith
ASCII_STOP = r"\.{2,}|(?<!(?a:\b)[A-Za-z])\.(?![A-Za-z0-9/])|[?!;:](?![A-Za-z0-9/])"
STOP = {"zh": rf"[。？！；：、]|{ASCII_STOP}", "en": rf"[。？！；：]|{ASCII_STOP}"}

# The dot at the end of a sentence, not that of 3.5, J. Smith, Mr. Smith or etc.
TITLES = r"(?<!\b(?:Mr|Ms|Dr|St))(?<!\bMrs)(?<!\bProf)"
LAST_DOT = rf"(?<!\b[A-Za-z]){TITLES}\.(?!\w|\s+[a-z])"
SENTENCE = re.compile(rf".+?(?:(?:[。！？；!?;\n]|{LAST_DOT})+[”’」』）】\"')]*|\Z)", re.S)
CLAUSE = re.compile(r".+?(?:[，：,:]+|\Z)", re.S)


def split_sentences(text: str, encode: Callable[[str], list[int]]) -> list[str]:
    """Segments of whole clauses, each short enough for the LM whatever the text is."""
    return list(segments([text], language_of(text), encode))


def segments(
    passages: Iterable[str], language: str, encode: Callable[[str], list[int]]
) -> Iterator[str]:
    """The segments of a text that comes in passages of whole sentences, each as early as possible.

    A segment is complete when enough text follows it: a last one that is too short joins it.
    """

    def length(part: str) -> int:
        tokens = len(encode(part))
        # A rare character is many tokens.
        return tokens if language == "en" else max(len(part), tokens // 2)

    before = current = ""  # the segment that may still grow, and the clauses after it
    for clause in _clauses(passages, language, length):
        if current and length(current + clause) > LONGEST and length(current) > LONG_ENOUGH:
            before, current = current, ""
        current += clause
        if before and length(current) >= TOO_SHORT:
            yield before
            before = ""
    if before and current:  # it is too short
        yield before + current
    elif before or current:
        yield before or current


def _clauses(passages: Iterable[str], language: str, length: Callable[[str], int]) -> Iterator[str]:
    is_first = True
    for passage in passages:
        if is_first:
            passage = re.sub(rf"\A(?:{STOP[language]}|\s)+", "", passage)
        is_first = False
        for whole in split_at_stops(passage, language):
            yield from cut(whole, length)


def split_at_stops(text: str, language: str) -> list[str]:
    """Clauses that end with one stop each and its closing quote; further stops are dropped."""
    stop = STOP[language]
    found = re.findall(rf"(.+?)({stop}|\Z)(?:{stop})*([\"”]?)", text, re.S)
    return [
        body + (end[:1] or ("" if body.endswith(".") else FULL_STOP[language])) + quote
        for body, end, quote in found
    ]


def cut(text: str, length: Callable[[str], int]) -> list[str]:
    """A clause longer than UNBROKEN in halves: at a comma, at a blank, or else outside a mark."""
    if length(text) <= UNBROKEN:
        return [text]
    for pattern, margin in (("[，,、]", 0.25), (" ", 0.25), (rf"{MARKS.pattern}|.", 0.0)):
        if at := middle(pattern, text, margin * len(text)):
            return cut(text[:at], length) + cut(text[at:], length)
    return [text]


def halves(text: str) -> list[str]:
    """Two parts, cut near the middle after a sentence, a comma or a blank.

    Where there is none: the runs of one kind of character, or else two halves.
    """
    for pattern in (r"[。！？!?；;]|[a-z]{4}\.\s", r"[，、]|,(?!\d)", " "):
        if at := middle(pattern, text):
            return [text[:at], text[at:]]
    runs = ["".join(run) for _, run in groupby(text, key=lambda c: c.isalnum() or c in ".,'")]
    return runs if len(runs) > 1 else [text[: len(text) // 2], text[len(text) // 2 :]]


def middle(pattern: str, text: str, margin: float = 0) -> int | None:
    """The end of the match nearest the middle, not within the margin of either end."""
    ends = [
        m.end() for m in re.finditer(pattern, text, re.S) if margin < m.end() < len(text) - margin
    ]
    return min(ends, key=lambda end: abs(end - len(text) / 2), default=None)


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, at least one; nothing is dropped but blanks at their ends."""
    return _pieces(SENTENCE, text)


def clauses_of(sentence: str) -> list[str]:
    """The parts of a sentence that end with a comma or colon, at least one."""
    return _pieces(CLAUSE, sentence)


def _pieces(pattern: re.Pattern[str], text: str) -> list[str]:
    """What cannot be spoken stays with the piece before it."""
    pieces: list[str] = []
    for piece in pattern.findall(text):
        if pieces and not is_speakable(piece):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return [piece.strip() for piece in pieces] or [""]
