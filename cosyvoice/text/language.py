"""Languages, scripts and inline marks: what a text is written in, and what of it can be spoken."""

import math
import re
from collections.abc import Callable, Iterable

# Scripts, as ranges for a character class of a regular expression.
# HAN has 〇, extension A, the unified and the compatibility ideographs, and planes 2 and 3.
HAN = "〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3041-\u3096\u30a1-\u30fa"
HANGUL = "\uac00-\ud7af"

FULL_STOP, COMMA = {"zh": "。", "en": "."}, {"zh": "，", "en": ", "}

TOKEN_MARK = r"<\|[^|<>]{1,40}\|>"  # <|en|>: a token of its own in the vocabularies
# All inline marks: also [laughter] and <strong>. They are never rewritten and never cut.
MARKS = re.compile(rf"({TOKEN_MARK}|\[[a-z_-]{{1,40}}\]|</?[a-z]{{1,40}}>)")

# Endings of file names
FILES = "html?|js|py|php|txt|md|json|csv|pdf|docx?|xlsx?|jpg|png|zip|exe|mp[34]"

SYLLABLES_PER_WORD = 1.6  # of English, roughly
SYLLABLE_SIGN = re.compile(f"[{HAN}{KANA}{HANGUL}0-9]")
WORD = re.compile(rf"[^\W\d_\u2e80-\u9fff{HANGUL}{HAN}]+(?:['’][^\W\d_]+)?")

Rule = tuple[str, str | Callable[[re.Match[str]], str]]  # pattern, replacement


def contains_chinese(text: str) -> bool:
    return re.search(f"[{HAN}]", text) is not None


def language_of(text: str) -> str:
    """zh or en. Numbers and units with Chinese punctuation between them are Chinese too."""
    if contains_chinese(text):
        return "zh"
    chinese_stop = re.search("[，。、；：？！]", text)
    return "zh" if chinese_stop and not re.search("[A-Za-z]{3}", text) else "en"


def is_speakable(text: str) -> bool:
    """Whether there is anything but blanks, punctuation, symbols and marks such as <|en|>."""
    return any(char.isalnum() for char in re.sub(TOKEN_MARK, "", text))


def without_punctuation(text: str) -> str:
    """Words and marks only."""
    return between_marks(lambda part: re.sub(r"\W+", " ", part), text).strip()


def syllables(text: str) -> int:
    """An estimate: one for each Chinese character, kana, Hangul block and digit, 1.6 for a word."""
    words = len(WORD.findall(text))
    return len(SYLLABLE_SIGN.findall(text)) + math.ceil(SYLLABLES_PER_WORD * words)


def between_marks(change: Callable[[str], str], text: str) -> str:
    """The text with `change` applied to every part between two marks."""
    parts = MARKS.split(text)  # text, mark, text, mark, ... text
    return "".join(part if i % 2 else change(part) for i, part in enumerate(parts))


def rewrite(rules: Iterable[Rule], text: str) -> str:
    """Apply the rules in their order to every part between two marks."""

    def change(part: str) -> str:
        for pattern, replacement in rules:
            part = re.sub(pattern, replacement, part)
        return part

    return between_marks(change, text)
