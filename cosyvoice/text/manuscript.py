"""Manuscripts: plain text, Markdown or an EPUB -> a title, and chapters with their titles.

In Markdown chapters begin at headings, in plain text at lines such as 第三章 风雪 or Chapter 3.
A chapter's text has its heading as first line. EPUBs are read in text/epub.py.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from cosyvoice.text.epub import read_epub
from cosyvoice.utils.errors import ManuscriptError

MAX_TITLE = 200  # characters that are kept of a title
ZIP = b"PK\x03\x04"  # the first bytes of an EPUB
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}

FENCE = re.compile(r"[ \t]*(?:```|~~~)")
HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*?)[ \t]*#*[ \t]*$")
NUMBER = "[0-9０-９零〇一二两三四五六七八九十百千]{1,8}"
ENGLISH_NUMBER = (
    r"\d{1,4}|[ivxlc]{1,8}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty"
)
CHAPTER_LINE = re.compile(
    rf"\s*(?:第{NUMBER}(?:[章回卷](?P<chinese>.*)|[节部篇集幕](?:[\s　:：、.．].*)?)"
    r"|(?:序章|序言|前言|楔子|引子|尾声|后记|终章|番外)(?:[\s　:：].*)?"
    rf"|(?i:chapter|part|book)\s+(?i:{ENGLISH_NUMBER})(?:[\s.:—–-].*)?"
    r"|(?i:prologue|epilogue|preface|foreword|afterword)[.:]?)\s*"
)
LONGEST_CHAPTER_LINE = 60  # characters
SENTENCE_MARK = re.compile("[，。！？；]|[,;!?](?=\\s)|[.]\\s*$(?<!\\d[.])")


@dataclass(frozen=True)
class Chapter:
    """title: "" for what stands before the first heading. text: all that is to be spoken."""

    title: str
    text: str


@dataclass(frozen=True)
class Manuscript:
    title: str
    chapters: tuple[Chapter, ...]

    @property
    def characters(self) -> int:
        return sum(len(chapter.text) for chapter in self.chapters)


def read_manuscript(content: bytes | str, name: str = "") -> Manuscript:
    """A manuscript of any of the three kinds. name: of its file, which gives a title if need be.

    Raises ManuscriptError for bytes that are neither an EPUB nor text, and for no words at all.
    """
    if isinstance(content, bytes) and (content.startswith(ZIP) or name.lower().endswith(".epub")):
        title, chapters = read_epub(content)
        found = Manuscript(
            title, tuple(Chapter(short_title(name), text) for name, text in chapters)
        )
    else:
        found = read_text(decode(content) if isinstance(content, bytes) else content)
    if not any(chapter.text.strip() for chapter in found.chapters):
        raise ManuscriptError("there is no text in it: send words", "其中没有文字，请发送文本")
    title = found.title or PurePath(name.replace("\\", "/")).stem
    return Manuscript(short_title(title or first_line(found.chapters)), found.chapters)


def decode(content: bytes) -> str:
    """Text in UTF-8, in UTF-16 with a mark at its head, or in GB 18030 as many Chinese books are.

    Raises ManuscriptError.
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return decoded(content, encoding)
    try:
        return decoded(content, "utf-8")
    except ManuscriptError:
        return decoded(content, "gb18030")


def decoded(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise not_text_error() from error
    if "\0" in text:
        raise not_text_error()
    return text


def not_text_error() -> ManuscriptError:
    return ManuscriptError(
        "it is neither text in UTF-8, UTF-16 or GB 18030 nor an EPUB: save it as one of these",
        "它既不是 UTF-8、UTF-16 或 GB 18030 文本，也不是 EPUB，请另存为其中一种",
    )


def read_text(text: str) -> Manuscript:
    """Markdown if it has headings, else plain text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    headings = markdown_headings(lines)
    if headings:
        level = chapter_level(level for level, _ in headings.values())
        starts = {line: title for line, (at, title) in headings.items() if at <= level}
        top = [title for at, title in headings.values() if at == 1]
        return Manuscript(top[0] if len(top) == 1 else "", without_contents(cut(lines, starts)))
    starts = {number: line.strip() for number, line in enumerate(lines) if is_chapter_line(line)}
    return Manuscript("", without_contents(cut(lines, starts)))


def markdown_headings(lines: list[str]) -> dict[int, tuple[int, str]]:
    """{number of the line: (level, title)}, not of what stands in a fence."""
    found, fenced = {}, False
    for number, line in enumerate(lines):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and (match := HEADING.match(line)):
            found[number] = len(match[1]), match[2]
    return found


def chapter_level(levels: Iterable[int]) -> int:
    """The highest level of which there are several: a single heading above is the book's title."""
    levels = list(levels)
    return min((level for level in levels if levels.count(level) > 1), default=min(levels))


def is_chapter_line(line: str) -> bool:
    """Whether a line of plain text is a chapter's heading and not a sentence."""
    if len(line.strip()) > LONGEST_CHAPTER_LINE or not CHAPTER_LINE.fullmatch(line):
        return False
    return not SENTENCE_MARK.search(line.strip())


def cut(lines: list[str], starts: dict[int, str]) -> Iterator[Chapter]:
    """The chapters that begin at these lines; a heading's marks are not spoken."""
    title, begin = "", 0
    for start in [*sorted(starts), len(lines)]:
        body = "\n".join(lines[begin:start]).strip()
        if title or body:
            yield Chapter(short_title(title), f"{title}\n{body}".strip())
        title, begin = starts.get(start, ""), start + 1


def without_contents(chapters: Iterable[Chapter]) -> tuple[Chapter, ...]:
    """Without headings that have no words of their own and come again: a table of contents."""
    kept: list[Chapter] = []
    later: set[str] = set()
    for chapter in reversed(list(chapters)):
        if chapter.text != chapter.title or chapter.title not in later:
            kept.append(chapter)
        later.add(chapter.title)
    return tuple(reversed(kept))


def short_title(title: str) -> str:
    return " ".join(title.split())[:MAX_TITLE]


def first_line(chapters: Iterable[Chapter]) -> str:
    return next((chapter.text.split("\n")[0][:40] for chapter in chapters if chapter.text), "")
