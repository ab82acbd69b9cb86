"""Reading: a text -> its words, passage by passage, each part with its class and language.

A text is cleaned, cut into spans of known classes, and each span is put into words by the one rule
of its class and language. All else is left as it is. Every span knows what was written and what is
spoken.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from cosyvoice.text import punctuation
from cosyvoice.text.aligned import Aligned
from cosyvoice.text.clean import Cleaned, clean
from cosyvoice.text.grammar import grammar
from cosyvoice.text.language import CODES, HAN, HANGUL, KANA, Run, runs
from cosyvoice.text.objects import OBJECT, Mark, Objects, Pause, Said
from cosyvoice.text.simplified import simplified_characters
from cosyvoice.text.spans import Candidate, candidates, chosen

PASSAGE = 300  # characters; a passage ends with the first sentence that makes it longer
LONGEST_PASSAGE = 2000  # characters; then it ends at a blank or anywhere
OBJECT_PATTERN = re.compile(OBJECT)
UNSPACED = f"{HAN}{KANA}"  # scripts that put no blanks between words
SENTENCE_END = re.compile(
    rf"[。！？][”’」』）】\"')]*(?=\S)|(?<=[{HAN}{KANA}])[!?][”’」』）】\"')]*|\n"
    r"|(?<=[a-z]{4})[.!?][\"')”’]*\s(?=[\"'(“‘]?[A-ZÀ-ÞА-Я])|\n"
)

Note = Callable[[str], None]  # called with the words of each passage; stops the work by raising


def unnoted(words: str) -> None:
    """The Note of a caller who has none."""


@dataclass(frozen=True)
class Span:
    """A part of a text: its class, its language, and its words with what was written for them.

    kind is one of CLASSES, or "text" for what is left alone, "mark", "pause", or "said" for a tag.
    """

    kind: str
    language: str
    words: Aligned
    pause: float = 0.0  # seconds

    @property
    def written(self) -> str:
        return self.words.as_written

    @property
    def spoken(self) -> str:
        return self.words.text


@dataclass(frozen=True)
class Passage:
    """One or more sentences that were read, and the language of most of them."""

    language: str
    spans: list[Span] = field(default_factory=list)

    @property
    def spoken(self) -> str:
        return "".join(span.spoken for span in self.spans)


def read(
    text: str,
    near: str = "",
    pronunciations: Mapping[str, str] | None = None,
    note: Note = unnoted,
) -> Iterator[Passage]:
    """The passages of a text, each read when it is asked for. Thread-safe.

    near: the language of what stands around the text, such as the voice's own. pronunciations:
    words and how each is said. note is called with the words of each passage; it stops the work by
    raising. Raises TextError for a tag of ours that cannot be understood.
    """
    given = ""
    for part in passages_of(text):
        passage, given = read_passage(part, near, given, pronunciations or {})
        near = passage.language or near
        note(passage.spoken)
        yield passage


def passages_of(text: str) -> Iterator[str]:
    """The text in parts of whole sentences, each at least PASSAGE characters long but the last."""
    begin = 0
    while len(text) - begin > PASSAGE:
        stop = SENTENCE_END.search(text, begin + PASSAGE, begin + LONGEST_PASSAGE)
        if stop is None and len(text) - begin <= LONGEST_PASSAGE:
            break
        end = stop.end() if stop else _forced_end(text, begin + LONGEST_PASSAGE)
        yield text[begin:end]
        begin = end
    yield text[begin:]


def _forced_end(text: str, longest: int) -> int:
    """Where a passage without any end of a sentence is cut: not inside a number, where it can."""
    for end in range(longest, longest - 200, -1):
        if text[end - 1].isspace() or text[end - 1] in "，、,;；":
            return end
    return longest


class Builder:
    """Puts the spans of one line together, in their order, with blanks between words."""

    def __init__(self, cleaned: Cleaned, parts: list[Run]):
        self.line, self.objects, self.parts = cleaned.text, cleaned.objects, parts
        self.edits = punctuation.edits(self.line)
        self.spans: list[Span] = []
        self.at = 0  # in the line
        self.next_edit = 0
        self.last = ""  # the last character spoken

    def add_words(self, words: Candidate) -> None:
        """A span with the words of its class; what stands before it is left alone."""
        self._leave_until(words.start)
        written = self.line[words.start : words.end].as_written
        self._add(words.kind, self._language_at(words.start), words.spoken.strip(), written)
        self.at = words.end

    def finish(self) -> list[Span]:
        self._leave_until(len(self.line))
        return self.spans

    def _leave_until(self, end: int) -> None:
        """The text up to there as it is, but for its punctuation; each object is a span."""
        while self.at < end:
            found = OBJECT_PATTERN.search(self.line.text, self.at, end)
            stop = found.start() if found else end
            if stop > self.at:
                self._leave(stop)
            if found:
                self._add_object(found[0])
                self.at += 1

    def _leave(self, end: int) -> None:
        """Without objects: changed where punctuation is, each language in a span of its own."""
        while self.next_edit < len(self.edits) and self.edits[self.next_edit][1] <= self.at:
            self.next_edit += 1  # inside words
        inside = []
        while self.next_edit < len(self.edits) and self.edits[self.next_edit][0] < end:
            start, stop, new, _ = self.edits[self.next_edit]
            start, stop = max(start, self.at), min(stop, end)  # words may have taken a part
            written = self.line[start:stop].as_written
            if self.line.text[start:stop].isspace():  # and the sign itself
                new = new and " "
            inside.append((start - self.at, stop - self.at, new, written))
            self.next_edit += 1
        words = self.line[self.at : end].edit(inside)
        if words and self._needs_blank(words.text):
            words = Aligned(" ", [""]) + words
        if words:
            self._append(Span("text", self._language_at(self.at), words))
        else:
            self._join_written(self.line[self.at : end].as_written)
        self.at = end

    def _add_object(self, character: str) -> None:
        item = self.objects.get(character)
        written = self.line.written[self.at]
        code = self._language_at(self.at)
        if isinstance(item, Mark):
            self.spans.append(Span("mark", code, Aligned.of_word(item.text, written)))
        elif isinstance(item, Pause):
            self.spans.append(Span("pause", code, Aligned("\n", [written]), item.seconds))
            self.last = ""
        elif isinstance(item, Said):
            self._add("said", code, said_words(item, code), written)

    def _add(self, kind: str, code: str, spoken: str, written: str) -> None:
        if not spoken:
            self._join_written(written)
            return
        if self._needs_blank(spoken):
            spoken = " " + spoken
        self._append(Span(kind, code, Aligned.of_word(spoken, written)))

    def _append(self, span: Span) -> None:
        self.spans.append(span)
        self.last = span.spoken[-1]

    def _join_written(self, written: str) -> None:
        """What has no words belongs to the span before it."""
        if self.spans and written:
            self.spans[-1].words.written[-1] += written

    def _needs_blank(self, spoken: str) -> bool:
        """Whether two words of a script with blanks would run together."""
        return is_spaced_word(self.last) and is_spaced_word(spoken[0]) if self.last else False

    def _language_at(self, at: int) -> str:
        index = bisect_right(self.parts, at, key=lambda part: part.start) - 1
        return self.parts[max(index, 0)].language if self.parts else "zh"


def said_words(item: Said, code: str) -> str:
    """The words that a tag gives, or of the class that it names."""
    if item.alias is not None:
        return item.alias
    say = grammar(code).say_as.get(item.interpret_as or "")
    return say(item.written) if say else item.written


def read_passage(
    text: str, near: str, given: str, pronunciations: Mapping[str, str]
) -> tuple[Passage, str]:
    """One passage, and the language that a mark such as <|ja|> gives to what follows it."""
    cleaned = clean(text)
    line = cleaned.text.text
    marks = language_marks(line, cleaned.objects, given)
    parts = runs(line, near, marks)
    listed = list(listed_words(line, pronunciations))
    found = [
        each
        for each in found_in(line, parts)
        if not any(each.start < own.end and own.start < each.end for own in listed)
    ]
    builder = Builder(cleaned, parts)
    for each in chosen(listed + found):
        builder.add_words(each)
    return Passage(main_language(parts), builder.finish()), marks[max(marks)] if marks else ""


def found_in(line: str, parts: list[Run]) -> Iterator[Candidate]:
    """What the grammar of each part's language recognises in it."""
    simple = simplified_characters(line) if any(part.language == "zh" for part in parts) else line
    for part in parts:
        source = simple if part.language == "zh" else line
        yield from candidates(grammar(part.language).readers, source, part.start, part.end)


def listed_words(line: str, pronunciations: Mapping[str, str]) -> Iterator[Candidate]:
    """The words of the caller's own list; those in Latin letters as whole words, in any case."""
    if not pronunciations:
        return
    folded = line.casefold()
    here = {word.casefold(): word for word in pronunciations if word.casefold() in folded}
    words = "|".join(re.escape(word) for word in sorted(here.values(), key=len, reverse=True))
    for match in re.finditer(words, line, re.I) if here else ():
        word = here.get(match[0].casefold())  # none for ı, which re takes for an i
        if word and not (_joins(line, match.start()) or _joins(line, match.end())):
            yield Candidate(match.start(), match.end(), "pronunciation", pronunciations[word])


def _joins(line: str, at: int) -> bool:
    """Whether the characters on both sides of a place belong to one word."""
    return 0 < at < len(line) and is_spaced_word(line[at - 1]) and is_spaced_word(line[at])


def is_spaced_word(character: str) -> bool:
    """A letter or digit of a script that puts blanks between words."""
    return character.isalnum() and re.match(f"[{UNSPACED}{HANGUL}]", character) is None


def language_marks(line: str, objects: Objects, given: str) -> dict[int, str]:
    """Where a mark such as <|ja|> decides the language of what follows."""
    found = {0: given} if given else {}
    for index, char in enumerate(line):
        item = objects.get(char)
        if isinstance(item, Mark) and item.text[2:-2] in CODES and item.text[:2] == "<|":
            found[index] = item.text[2:-2]
    return found


def main_language(parts: list[Run]) -> str:
    """The language of most of a passage."""
    weights = {part.language: 0 for part in parts}
    for part in parts:
        weights[part.language] += part.end - part.start
    return max(weights, key=lambda code: weights[code]) if weights else ""
