"""Text normalization: any text -> its spoken form on one line.

Numbers, dates, money, units and signs become words of the text's language.
"""

import re
import unicodedata
from collections.abc import Iterator

from cosyvoice.text.chinese import normalize_chinese
from cosyvoice.text.english import normalize_english
from cosyvoice.text.grammar import Note, unnoted
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


PASSAGE = 300  # characters; a passage ends with the first sentence that makes it longer
# Between two sentences, where no rule of the language looks from one into the other
BREAK = {
    "zh": re.compile(r"(?<!\d)[。！？] ?(?=[“「]?[^\W\d_])"),
    "en": re.compile(r"(?<=[a-z]{4})\. (?=[A-Z])"),
}


def normalize(text: str, note: Note = unnoted) -> str:
    """The spoken form of a text. Marks such as <|en|> and [laughter] stay. Thread-safe.

    note is called with the words of every few sentences; it stops the work by raising.
    """
    language = language_of(text)
    return normalize_line(one_line(text, language), language, note)


def normalize_passages(text: str, language: str, note: Note = unnoted) -> Iterator[str]:
    """The spoken form, passage by passage, each made when it is asked for.

    Together they are the spoken form of the whole. language: that of the whole text.
    """
    passages = passages_of(one_line(text, language), language)
    for index, passage in enumerate(passages):
        blank = " " if index and language == "en" else ""
        yield blank + normalize_line(passage, language, note)


def passages_of(line: str, language: str) -> list[str]:
    """The line in passages of one or more sentences, each at least PASSAGE characters long."""
    if language == "en" and "thousand" in line.lower():
        return [line]  # whether it is written there changes how all numbers are read
    passages, begin = [], 0
    for stop in BREAK[language].finditer(line):
        if stop.end() - begin > PASSAGE:
            passages.append(line[begin : stop.end()])
            begin = stop.end()
    return [*passages, line[begin:]]


def one_line(text: str, language: str) -> str:
    """The text on one line, in simplified characters; ends of lines and items become pauses."""
    text = re.sub("[¼-¾⅐-⅞]", written_fraction, text)
    text = LAST_LINE.sub(FULL_STOP[language] + " ", text)
    text = LINE[language].sub(r"\1" + COMMA[language], text)
    return simplified(drop_unspoken(text))  # opencc takes no lone surrogates


def normalize_line(line: str, language: str, note: Note) -> str:
    return (normalize_chinese if language == "zh" else normalize_english)(line, note)


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
