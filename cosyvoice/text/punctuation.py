"""Punctuation and signs that no class has taken: what of them is spoken as a pause, and what goes.

Brackets and dashes become the pause that a reader makes; quotation marks and stops stay; any other
sign, which no language has words for, is left out.
"""

import re
import unicodedata
from collections.abc import Iterator

from cosyvoice.text.aligned import Aligned, Edit
from cosyvoice.text.language import HAN, KANA
from cosyvoice.text.objects import OBJECT

STAYS = frozenset(",.!?;:'\"-，。、！？；：“”‘’「」『』《》〈〉…·¿¡«»„‚‹›・")
WIDE = f"{HAN}{KANA}，。、！？；：“”‘’「」『』《》〈〉…"
OPENING, CLOSING = "([{【〔〖｢", ")]}】〕〗｣"
BREAK = rf"[{re.escape(OPENING + CLOSING)}]|-{{2,}}|[—–―]+"
SIGN = re.compile(rf"\s*(?P<break>{BREAK})\s*|\s(?P<dash>-)\s|(?P<blank>\s+)|[^\w\s]|_")

BLANK_BEFORE_STOP = re.compile(r"[,.!?;:]+(?!\w)")


def edits(line: Aligned) -> list[Edit]:
    """The changes to what is left alone of a line, in the order of the text."""
    comma = "、" if re.search(f"[{KANA}]", line.text) else "，"
    return [edit for match in SIGN.finditer(line.text) for edit in _edit(line, match, comma)]


def _edit(line: Aligned, match: re.Match[str], comma: str) -> Iterator[Edit]:
    start, end = match.span()
    written = "".join(line.written[start:end])
    new = _spoken(match, written, comma)
    if new != match[0]:
        yield start, end, new, written


def _spoken(match: re.Match[str], written: str, comma: str) -> str:
    text, sign = match.string, match[0]
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    wide = _is_wide(before) or _is_wide(after)
    if match["blank"]:
        return "" if wide or BLANK_BEFORE_STOP.match(text, match.end()) else " "
    if match["break"] or match["dash"]:
        if _is_word(before) and _is_word(after):
            return comma if wide else ", " if sign != sign.strip() or sign[0] in "-—–―" else " "
        return "" if wide or not (before and after) else sign.replace(sign.strip(), "")[:1]
    if sign == "~" and wide and _is_word(before) and _is_word(after):
        return comma  # 你好~今天
    if sign in STAYS:
        return _as_typed(sign, written, before)
    if re.fullmatch(OBJECT, sign) or unicodedata.category(sign).startswith("M"):
        return sign
    return "" if wide else " "


def _is_word(char: str) -> bool:
    """Whether a word may end or begin with it; a sign such as € or % is said as one."""
    if not char or char.isalnum() or char in "%‰\"'”’":
        return bool(char)
    return re.match(OBJECT, char) is not None or unicodedata.category(char).startswith("S")


def _is_wide(char: str) -> bool:
    return re.match(f"[{WIDE}]", char) is not None if char else False


def _as_typed(sign: str, written: str, before: str) -> str:
    """Full-width punctuation as it was typed; an apostrophe after a letter stays plain."""
    typed = written[:1]
    if (
        not typed
        or typed.isascii()
        or typed == sign
        or not unicodedata.category(typed).startswith("P")
    ):
        return sign
    if sign == "'" and before.isalpha() and not _is_wide(before):
        return sign
    return typed
