"""Text normalization: any text -> its spoken form on one line.

Numbers, dates, money, units and signs become words of the text's language.
"""

import re
import unicodedata

from cosyvoice.text.chinese import normalize_chinese
from cosyvoice.text.english import normalize_english
from cosyvoice.text.language import COMMA, FULL_STOP, language_of
from cosyvoice.text.numbers import CHINESE_TO_TEN
from cosyvoice.text.simplified import simplified

EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe00-\ufe0f\u20e3]")
NUMBER_OF_ITEM = rf"(?:\d{{1,2}}|[{CHINESE_TO_TEN}]{{1,3}}|[A-Za-z])[.．、)）](?!\d)"
ITEM = rf"{NUMBER_OF_ITEM}|[（(]\w{{1,2}}[)）]|[-•·*●]\s|[①-⑳]"
# The end of a line before an empty line or the next item of a list
LAST_LINE = re.compile(rf"(?<=\w)[ \t]*\r?\n[ \t]*(?:\r?\n\s*|(?={ITEM}))")
# A short line is a verse or a title; a longer one was wrapped.
LINE = {
    language: re.compile(rf"^(.{{,{longest}}}\w)[ \t]*\r?\n\s*(?=\w)", re.M)
    for language, longest in {"zh": 23, "en": 39}.items()
}


def normalize(text: str) -> str:
    """The spoken form of a text. Marks such as <|en|> and [laughter] stay. Thread-safe."""
    language = language_of(text)
    text = re.sub("[¼-¾⅐-⅞]", written_fraction, text)
    text = LAST_LINE.sub(FULL_STOP[language] + " ", text)
    text = LINE[language].sub(r"\1" + COMMA[language], text)
    text = simplified(drop_unspoken(text))  # opencc takes no lone surrogates
    return (normalize_chinese if language == "zh" else normalize_english)(text)


def written_fraction(character: re.Match[str]) -> str:
    """½ -> 1/2, apart from a number before it."""
    return " " + unicodedata.normalize("NFKC", character[0]).replace("⁄", "/")


def drop_unspoken(text: str) -> str:
    """One line without emoji and invisible characters; a run of blanks becomes one."""
    kinds = [(char, unicodedata.category(char)) for char in EMOJI.sub("", text)]
    text = "".join(
        " " if kind == "Cc" else char
        for char, kind in kinds
        if kind not in ("Cf", "Cs", "Co", "Cn")
    )
    return re.sub(r"\s+", " ", text).strip()
