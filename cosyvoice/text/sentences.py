"""Sentences: where a text in words is cut, for the language model and for subtitles.

`segments` makes the segments that the LM speaks at once, of about 60 to 80 characters for Chinese
and text tokens otherwise, as upstream's frontend does. Each knows its sentences as they were
written and as they are spoken.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

from cosyvoice.text.aligned import Aligned
from cosyvoice.text.language import CODES, HAN, KANA, MARKS, is_speakable, language_of
from cosyvoice.text.objects import Pause
from cosyvoice.text.read import Passage, Span, is_spaced_word

# Lengths of a segment, in characters or tokens
LONGEST = 80  # a clause that would make it longer begins the next one
LONG_ENOUGH = 60  # but only when it has more than this
TOO_SHORT = 20  # a shorter last one joins the one before it
UNBROKEN = 120  # a clause that is longer is cut inside

BY_CHARACTERS = ("zh", "yue", "ja", "ko")  # languages whose characters are syllables
FULL_STOP = {"zh": "。", "yue": "。", "ja": "。"}

WIDE_LAST = re.compile(rf"[{HAN}{KANA}]\Z")
COMMAS = "，、, "

# A stop in running text, not the dot of 3.14, example.com or J. Smith
ASCII_STOP = r"\.{2,}|(?<!(?a:\b)[A-Za-z])\.(?![A-Za-z0-9/])|[?!;:](?![A-Za-z0-9/])"
STOP = rf"[。？！；：]|{ASCII_STOP}"
STOPS = {"zh": rf"[。？！；：、]|{ASCII_STOP}", "yue": rf"[。？！；：、]|{ASCII_STOP}"}

# The dot at the end of a sentence, not that of 3.5, J. Smith, Mr. Smith or etc.
TITLES = r"(?<!\b(?:Mr|Ms|Dr|St))(?<!\bMrs)(?<!\bProf)"
LAST_DOT = rf"(?<!\b[A-Za-z]){TITLES}\.(?![A-Za-z0-9_]|\s+[a-z])"
SENTENCE = re.compile(rf".+?(?:(?:[。！？；!?;\n]|{LAST_DOT})+[”’」』）】\"')]*|\Z)", re.S)
CLAUSE = re.compile(r".+?(?:[，：,:]+|\Z)", re.S)
LANGUAGE_MARK = re.compile(rf"<\|(?:{'|'.join(CODES)})\|>")


@dataclass(frozen=True)
class Sentence:
    """What the language model speaks at once: one or more sentences, or a part of a long one.

    pieces: (written, spoken) of each sentence in it; together they are all of it.
    """

    spoken: str
    written: str
    pieces: tuple[tuple[str, str], ...]


def segments(
    passages: Iterable[Passage], encode: Callable[[str], list[int]]
) -> Iterator[Sentence | Pause]:
    """The segments and pauses of a text that comes in passages, each as early as possible.

    A segment is complete when enough text follows it: a last one that is too short joins it.
    """
    before = current = Aligned("")  # the segment that may still grow, and the clauses after it
    marks = LanguageMarks()
    for clause in _clauses(passages, encode):
        if isinstance(clause, Pause):
            yield from (marks.sentence(part) for part in rest_of(before, current))
            before = current = Aligned("")
            yield clause
            continue
        length = clause.length
        joined = join(current, clause.words)
        if current and length(joined.text) > LONGEST and length(current.text) > LONG_ENOUGH:
            before, current = current, clause.words
        else:
            current = joined
        if before and length(current.text) >= TOO_SHORT:
            yield marks.sentence(before)
            before = Aligned("")
    yield from (marks.sentence(part) for part in rest_of(before, current))


def one_by_one(segment: Sentence, is_enough: Callable[[str], bool]) -> list[Sentence]:
    """The sentences of a segment, to be spoken one by one.

    One that is_enough says no to is spoken with those after it, or before it if it is the last.
    """
    groups: list[list[tuple[str, str]]] = []
    enough = True
    for piece in segment.pieces:
        groups += [[]] if enough else []
        groups[-1].append(piece)
        enough = is_enough(joined(spoken for _, spoken in groups[-1]))
    if not enough and len(groups) > 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return list(_with_marks(groups))


def _with_marks(groups: list[list[tuple[str, str]]]) -> Iterator[Sentence]:
    """A Sentence of each group; a mark such as <|ja|> holds until the next one."""
    mark = ""
    for pieces in groups:
        spoken = joined(spoken for _, spoken in pieces)
        found = LANGUAGE_MARK.findall(spoken)
        if mark and not LANGUAGE_MARK.match(spoken):
            spoken = mark + spoken
        mark = found[-1] if found else mark
        yield Sentence(spoken, joined(written for written, _ in pieces), tuple(pieces))


def joined(parts: Iterable[str]) -> str:
    return reduce(join, map(Aligned, parts), Aligned("")).text


def split_sentences(text: str, encode: Callable[[str], list[int]]) -> list[Sentence]:
    """Segments of a text that is spoken as it is written."""
    language = language_of(text)
    passage = Passage(language, [Span("text", language, Aligned(text))])
    return [part for part in segments([passage], encode) if isinstance(part, Sentence)]


def rest_of(before: Aligned, current: Aligned) -> list[Aligned]:
    """The last segments; one that has been waiting is followed by too little for another."""
    return [part for part in [join(before, current)] if part]


def join(first: Aligned, second: Aligned) -> Aligned:
    """Both, with a blank between words of a script that has them."""
    if not first or not second:
        return first or second
    apart = (first.text[-1] in ".!?;:,\"'" or is_spaced_word(first.text[-1])) and is_spaced_word(
        second.text[0]
    )
    return first + (Aligned(" ") if apart else Aligned("")) + second


class LanguageMarks:
    """Repeats a mark such as <|ja|> at the head of each segment that it holds for."""

    def __init__(self) -> None:
        self.current = ""

    def sentence(self, words: Aligned) -> Sentence:
        found = LANGUAGE_MARK.findall(words.text)
        if self.current and not LANGUAGE_MARK.match(words.text):
            words = Aligned.of_word(self.current, "") + words
        self.current = found[-1] if found else self.current
        pieces = tuple((piece.as_written.strip(), piece.text) for piece in sentences_of(words))
        return Sentence(words.text, words.as_written.strip(), pieces)


@dataclass(frozen=True)
class Clause:
    words: Aligned
    length: Callable[[str], int]


def _clauses(
    passages: Iterable[Passage], encode: Callable[[str], list[int]]
) -> Iterator[Clause | Pause]:
    is_first = True
    for passage in passages:
        length = length_in(passage.language, encode)
        for part in _between_pauses(passage.spans):
            if isinstance(part, Pause):
                is_first = True
                yield part
                continue
            if is_first:
                part = part.edit(_leading_stops(part, passage.language))
            is_first = False
            for whole in split_at_stops(part, passage.language):
                for words in cut(whole, length):
                    yield Clause(words, length)


def length_in(language: str, encode: Callable[[str], list[int]]) -> Callable[[str], int]:
    """How long a part of a text is: in characters, or in tokens."""

    def length(part: str) -> int:
        tokens = len(encode(part))
        # A rare character is many tokens.
        return max(len(part), tokens // 2) if language in BY_CHARACTERS else tokens

    return length


def _between_pauses(spans: list[Span]) -> Iterator[Aligned | Pause]:
    words: list[Span] = []
    for span in spans:
        if span.kind == "pause":
            yield from _all_words(words)
            yield Pause(span.pause)
            words = []
        else:
            words.append(span)
    yield from _all_words(words)


def _all_words(spans: list[Span]) -> Iterator[Aligned]:
    text = "".join(span.spoken for span in spans)
    if text.strip():
        yield Aligned(text, [char for span in spans for char in span.words.written])


def _leading_stops(words: Aligned, language: str) -> list[tuple[int, int, str, str]]:
    match = re.match(rf"(?:{STOPS.get(language, STOP)}|\s)+", words.text)
    return [(0, match.end(), "", words[: match.end()].as_written)] if match else []


def split_at_stops(words: Aligned, language: str) -> list[Aligned]:
    """Clauses that end with one stop each and its closing quote; further stops are dropped."""
    stop = STOPS.get(language, STOP)
    found = re.finditer(rf"(.+?)({stop}|\Z)(?:{stop})*(?=([\"”]?))\3", words.text, re.S)
    return [_clause(words, match, language) for match in found]


def _clause(words: Aligned, match: re.Match[str], language: str) -> Aligned:
    """A clause without a stop gets one, in place of a comma: before a pause a part ends so."""
    words_said = match[1] if match[2] else match[1].rstrip(COMMAS)
    body, quote = match.start() + len(words_said), match.start(3)
    full_stop = "。" if WIDE_LAST.search(words_said) else FULL_STOP.get(language, ".")
    new = match[2][:1] or ("" if words_said.endswith(".") else full_stop)
    part = words[match.start() : match.end()]
    written = words[body:quote].as_written
    return part.edit([(body - match.start(), quote - match.start(), new, written)])


def cut(words: Aligned, length: Callable[[str], int]) -> list[Aligned]:
    """A clause longer than UNBROKEN in halves: at a comma, at a blank, or else outside a mark."""
    if length(words.text) <= UNBROKEN:
        return [words]
    for pattern, margin in (("[，,、]", 0.25), (" ", 0.25), (rf"{MARKS.pattern}|.", 0.0)):
        if at := middle(pattern, words.text, margin * len(words)):
            return cut(words[:at], length) + cut(words[at:], length)
    return [words]


def middle(pattern: str, text: str, margin: float = 0) -> int | None:
    """The end of the match nearest the middle, not within the margin of either end."""
    ends = [
        m.end() for m in re.finditer(pattern, text, re.S) if margin < m.end() < len(text) - margin
    ]
    return min(ends, key=lambda end: abs(end - len(text) / 2), default=None)


def sentences_of(words: Aligned) -> list[Aligned]:
    """The sentences of a text, at least one; nothing is dropped but blanks at their ends."""
    return [piece.strip() for piece in _pieces(SENTENCE, words)]


def clauses_of(sentence: str) -> list[str]:
    """The parts of a sentence that end with a comma or colon, at least one."""
    return [piece.text.strip() for piece in _pieces(CLAUSE, Aligned(sentence))]


def _pieces(pattern: re.Pattern[str], words: Aligned) -> list[Aligned]:
    """What cannot be spoken stays with the piece before it."""
    pieces: list[Aligned] = []
    for match in pattern.finditer(words.text):
        piece = words[match.start() : match.end()]
        if pieces and not is_speakable(piece.text):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces or [Aligned("")]
