"""Cleaning: a text as people type, paste or generate it -> plain text that can be read.

Markdown, HTML and emoji leave no trace in what is spoken; ends of lines and cells of tables become
the pauses that a reader makes. Tags and marks become single characters (see objects.py).
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html.entities import html5

from cosyvoice.text import tags
from cosyvoice.text.aligned import Aligned, Edit
from cosyvoice.text.language import HAN, HANGUL, KANA
from cosyvoice.text.objects import OBJECT, Objects
from cosyvoice.text.width import plain_forms

CJK = f"{HAN}{KANA}，。、！？：；（）"
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,24});")
EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u2638\u263b-\u265f\u2668-\u2775\u2794-\u27bf\u2b05-\u2b07\u2b1b-\u2b55"
    "\ufe00-\ufe0f\u20e3\U000e0020-\U000e007f]"
)
EMOTICON = re.compile(
    r"(?<![\w:;=])(?:(?:[:;=][-']?|8-)[)(DPpO|\]\[}{/\\*]+|[xX]D+|\^[_.-]?\^|T[_.]T|[oO]rz)"
    r"(?![\w/])"
)
BULLET = r"[-*+•·●○◦▪■□◆▶►‣★☆✓✔]"
NUMBERED = (
    r"(?:\d{1,2}|[一二三四五六七八九十]{1,3}|[A-Za-z])[.．、)）](?!\d)"
    r"|[（(]\w{1,2}[)）]|[①-⓿㈠-㊰❶-➓]"
)
ITEM = re.compile(rf"\s*(?:{BULLET}\s|{NUMBERED})")

# Markdown. Each pattern's groups are the markup, which is dropped.
RULE = r"-[ -]*-[ -]*-|\*[ *]*\*[ *]*\*|_[ _]*_[ _]*_|={3,}"
UNDER_TABLE_HEAD = r"\|?(?:[ \t]*:?-{2,}:?[ \t]*\|)+(?:[ \t]*:?-{2,}:?)?"
LINK_TARGET = r"[^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+[\"'][^\"'\n]*[\"'])?"
STARRED = r"(?=[^\s*])[^*\n]*?[^\s*]"
UNSPACED = rf"{HAN}{KANA}{HANGUL}，。、："
MARKDOWN = [
    re.compile(pattern, re.M)
    for pattern in (
        r"(^[ \t]*(?:```|~~~)[^\n`]*$)",  # a fence
        rf"(^[ \t]*(?:{RULE})[ \t]*$)",
        rf"(^[ \t]*{UNDER_TABLE_HEAD}[ \t]*$)",
        r"(^[ \t]{0,3}#{1,6}[ \t]+)[^\n]*?([ \t]*#*)$",  # a heading
        r"(^[ \t]*(?:>(?![=\d])[ \t]?)+)",  # a quotation
        rf"(^[ \t]*{BULLET}[ \t]+(?:\[[ xX]\][ \t]+)?)(?=\S)",  # an item
        rf"(!?\[)[^\[\]\n]*(\]\({LINK_TARGET}\))",
        r"(<)(?:https?://|mailto:)?[^\s<>]+[.@][^\s<>]+(>)",  # <https://example.com>
        r"(\[\^\w{1,20}\]:?)",  # a footnote
        r"(`{1,3})[^`\n]+(`{1,3})",
        rf"(?<![\w*\\])(\*{{1,3}}){STARRED}(\*{{1,3}})(?![\w*])",
        rf"(?<=[{UNSPACED}])(\*{{1,3}}){STARRED}(\*{{1,3}})",
        rf"(\*{{2,3}}){STARRED}(\*{{2,3}})",
        rf"(\*)(?=[^\s*\d])[^*\n]*?[^\s*\d](\*)(?=[{UNSPACED}])",
        r"(?<![\w_])(_{1,3})(?=[^\s_])[^_\n]*?[^\s_](_{1,3})(?![\w_])",
        r"(~~)(?=\S)[^~\n]*?(~~)",
        r"(==)(?=[^\s=])[^=\n]*?[^\s=](==)",
        r"(\\)[\\`*_{}\[\]()#+.!|<>~-]",  # an escaped sign
    )
]
TABLE_ROW = re.compile(
    r"^[ \t]*\|.*\|[ \t]*$|^[^|\n]*\S[ \t]+\|[ \t]+\S[^|\n]*(?:\|[^|\n]*)*$", re.M
)

# A line of at most so many columns is a verse, a title or an item; a longer one was wrapped. A
# Chinese character takes two columns.
LONGEST_VERSE = 46


@dataclass(frozen=True)
class Cleaned:
    """Plain text on one line, and what its private characters stand for."""

    text: Aligned
    objects: Objects


def clean(text: str) -> Cleaned:
    """Plain text. Raises TextError for a tag of ours that cannot be understood."""
    objects = Objects()
    aligned = without_invisible(Aligned(text))
    aligned = tags.replace(aligned, objects)
    aligned = aligned.sub(ENTITY, entity)
    aligned = without_markdown(aligned)
    aligned = without_emoji(aligned)
    aligned = plain_forms(aligned)
    aligned = on_one_line(aligned)
    return Cleaned(one_blank(aligned), objects)


def without_invisible(text: Aligned) -> Aligned:
    """Without characters that are not text: controls, private use, lone surrogates."""
    return text.edit(
        (index, index + 1, new, "")
        for index, char in enumerate(text.text)
        if not (" " <= char <= "~") and (new := visible(char)) != char
    )


def visible(char: str) -> str:
    if char in "\n\t":
        return char
    if char in "\x0b\x0c\x85\u2028\u2029":
        return "\n"
    category = unicodedata.category(char)
    if category == "Zs" and char != "\u3000":
        return " "
    return "" if category in ("Cc", "Cf", "Cs", "Co", "Cn") else char


def printable(text: str) -> str:
    return "".join(" " if char.isspace() else visible(char) for char in text)


def entity(match: re.Match[str]) -> str:
    """&amp; -> &, as HTML names it; any other name stays."""
    known = match[0][1] == "#" or match[0][1:] in html5
    return printable(html.unescape(match[0])) if known else match[0]


def without_markdown(text: Aligned) -> Aligned:
    for pattern in MARKDOWN:
        text = text.drop(markup(pattern, text.text))
    return text.edit(list(table_edits(text)))


def markup(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text):
        for group in range(1, pattern.groups + 1):
            if match.end(group) > match.start(group):
                yield match.span(group)


def table_edits(text: Aligned) -> Iterator[Edit]:
    """Bars between the cells of a row become commas; those at its ends go."""
    for row in TABLE_ROW.finditer(text.text):
        for bar in re.finditer(r"[ \t]*\|[ \t]*", row[0]):
            start, end = row.start() + bar.start(), row.start() + bar.end()
            outer = (
                not text.text[row.start() : start].strip() or not text.text[end : row.end()].strip()
            )
            yield start, end, "" if outer else comma_after(text.text[:start]), ""


def without_emoji(text: Aligned) -> Aligned:
    """Emoji and emoticons are seen, not spoken."""
    for pattern in (EMOJI, EMOTICON):
        text = text.sub(pattern, "")
    return text


# Lines


def on_one_line(text: Aligned) -> Aligned:
    """Ends of lines become a full stop, a comma, a blank or nothing."""
    lines = text.text.split("\n")
    if len(lines) == 1:
        return text
    wrapped = wrapped_lines(lines)
    edits: list[Edit] = []
    at = 0
    for index, line in enumerate(lines[:-1]):
        at += len(line)
        if edits and edits[-1][1] > at:
            pass  # among the empty lines that the break before it took
        else:
            start, end, after = break_around(text.text, at)
            if after:
                new = join_of(
                    text.text[:start],
                    after,
                    wrapped[index],
                    end > at + 1 + _indent(text.text, at + 1),
                )
                edits.append((start, end, new, " "))
            else:
                edits.append((start, len(text.text), "", ""))
                break
        at += 1
    return text.edit(edits)


def break_around(text: str, newline: int) -> tuple[int, int, str]:
    """Where the blanks around a line's end begin and end, and the text after them."""
    start = newline
    while start and text[start - 1] in " \t\n\u3000":
        start -= 1
    end = newline
    while end < len(text) and text[end] in " \t\n\u3000":
        end += 1
    return start, end, text[end : end + 80]


def _indent(text: str, start: int) -> int:
    end = start
    while end < len(text) and text[end] in " \t\u3000":
        end += 1
    return end - start


def join_of(before: str, after: str, is_wrapped: bool, empty_line: bool) -> str:
    """What stands between two lines in place of the line's end."""
    last = before[-1:]
    if not last:
        return ""
    cjk = re.match(f"[{CJK}]", last) is not None
    if not (last.isalnum() or last in "%°)）]】\"”’'»›」』" or re.match(OBJECT, last)):
        return "" if cjk else " "
    if empty_line or ITEM.match(after):
        return "。" if cjk else ". "
    if not is_wrapped:
        return "，" if cjk else ", "
    return "" if cjk or re.match(f"[{CJK}]", after) else " "


def wrapped_lines(lines: list[str]) -> list[bool]:
    """For each line, whether its end is none: the paragraph was set in a column."""
    found: list[bool] = []
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line.strip() and not (paragraph and ITEM.match(line)):
            paragraph.append(line.strip())
            continue
        found += _wrapped_in(paragraph)
        paragraph = [line.strip()] if line.strip() else []
        if not line.strip():
            found.append(False)
    return found[: len(lines)]


def _wrapped_in(paragraph: list[str]) -> list[bool]:
    widths = [columns(line) for line in paragraph]
    column = is_column(paragraph, widths)
    return [column or width > LONGEST_VERSE for width in widths]


def is_column(paragraph: list[str], widths: list[int]) -> bool:
    """Whether a paragraph is narrow but wrapped: its lines are full and sentences end inside."""
    if len(paragraph) < 2 or max(widths) < 16:
        return False
    full = all(
        width + columns(first_word(following)) + 1 > max(widths)
        for width, following in zip(widths, paragraph[1:])
    )
    open_ends = [line[-1].isalnum() for line in paragraph[:-1]]
    inside = any(re.search(r"[，。！？；,.!?;]\s*\S", line[:-1]) for line in paragraph)
    goes_on = all(
        line[0].islower() and line.count(" ") >= 2
        for line, is_open in zip(paragraph[1:-1], open_ends)
        if is_open
    )
    return full and (inside or goes_on) and 2 * sum(open_ends) >= len(open_ends)


def first_word(line: str) -> str:
    match = re.match(f"[{CJK}]{{1,2}}|[^\\s{CJK}]+", line)
    return match[0] if match else ""


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def comma_after(before: str) -> str:
    return "，" if re.search(rf"[{CJK}]\s*\Z", before[-8:]) else ", "


def one_blank(text: Aligned) -> Aligned:
    """Runs of blanks as one; none at the ends."""
    return text.sub(r"[ \t\u3000]{2,}|[\t\u3000]", " ").strip()
