"""wetext's number grammars: written numbers, dates, money, units and abbreviations -> words."""

import re
from collections.abc import Callable
from functools import lru_cache

from cosyvoice.text.language import between_marks, is_speakable
from cosyvoice.text.sentences import halves

WETEXT_CHARS = 300  # given to wetext at once: its time grows faster than the length


Note = Callable[[str], None]  # called with the words of each part; stops the work by raising


def unnoted(words: str) -> None:
    """The Note of a caller who has none."""


def spoken(text: str, language: str, note: Note = unnoted) -> str:
    """The text in words, with marks untouched; language is "zh" or "en". Thread-safe."""
    return between_marks(lambda part: verbalize(part, language, note), text)


def verbalize(text: str, language: str, note: Note = unnoted) -> str:
    """wetext's words, with the blanks at both ends kept.

    A text that is too long or that wetext does not know is given to it in parts.
    """
    if not is_speakable(text):
        return text
    body = text.strip()
    before, _, after = text.partition(body)
    words = wetext(body, language) if len(body) <= WETEXT_CHARS else None
    if words is None:
        words = body
        if len(body) > 1:
            words = "".join(verbalize(part, language, note) for part in halves(body))
    else:
        note(words)
    return before + words + after


def wetext(text: str, language: str) -> str | None:
    """None for a text with a symbol that the English grammar does not know: wetext asserts then."""
    try:
        words = normalizer(language).normalize(text)
    except AssertionError:
        return None
    return re.sub(r'\\(["\\])', r"\1", words)  # it escapes quotes


@lru_cache
def normalizer(language: str):
    from wetext import Normalizer  # slow to import

    return Normalizer(lang=language, remove_erhua=False)
