"""Text in: any text -> cleaned, spoken out (numbers, dates, money ...) and cut into sentences of a length the LM handles well.

Lengths of sentences are counted in characters for Chinese, in text tokens otherwise, as upstream's frontend does.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from itertools import groupby

from cosyvoice.text.signs import CHINESE_SIGNS, ENGLISH_SIGNS, one_by_one
from cosyvoice.text.simplified import simplified

MARKS = re.compile(
    r"(<\|[^|<>]{1,40}\|>|\[[a-z_-]{1,40}\]|</?[a-z]{1,40}>)"
)  # <|en|>, [laughter], <strong>: never taken apart
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe00-\ufe0f\u20e3]")
ITEM = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3}|[A-Za-z])[.．、)）](?!\d)|[（(]\w{1,2}[)）]|[-•·*●]\s|[①-⑳]"
LAST_LINE = re.compile(
    rf"(?<=\w)[ \t]*\r?\n[ \t]*(?:\r?\n\s*|(?={ITEM}))"
)  # its end: before an empty line or the next item of a list
# A short line is a verse or a title; a longer one was wrapped.
LINE = {
    language: re.compile(rf"^(.{{,{longest}}}\w)[ \t]*\r?\n\s*(?=\w)", re.M)
    for language, longest in {"zh": 23, "en": 39}.items()
}

LONGEST, LONG_ENOUGH, TOO_SHORT = (
    80,
    60,
    20,
)  # of a sentence: upper bound, content with, joined to the last
UNBROKEN = 120  # a stretch without a stop that is longer is cut inside
WETEXT_CHARS = 300  # given to wetext at once: its time grows faster than the length

# A stop in running text, not the dot of 3.14, example.com or J. Smith.
ASCII_STOP = r"\.{2,}|(?<!(?a:\b)[A-Za-z])\.(?![A-Za-z0-9/])|[?!;:](?![A-Za-z0-9/])"
STOP = {"zh": rf"[。？！；：、]|{ASCII_STOP}", "en": rf"[。？！；：]|{ASCII_STOP}"}
FULL_STOP, COMMA = {"zh": "。", "en": "."}, {"zh": "，", "en": ", "}

VERSION = re.compile(
    r"(?<![\d.])(?!(?:19|20)\d\d\.\d{1,2}\.\d{1,2}(?!\d))\d+(?:\.\d+){2}(?![\d.]*\d)"
)  # 1.2.3, no date
LONG_NUMBER = re.compile(
    r"(?:\+\d{1,3}[ -]?|\b1-)?(?<!\d)\d{3,4}[ -]\d{3,4}[ -]\d{4}(?!\d)|\d{12,}X?"
)  # telephone, card, identity
THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3}|，000)+(?![\d,])")  # 1,234,567
NUMBER_WORD = (
    "(?:[a-z]*(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|teen|ty)|hundred)"
)
ENGLISH_DIGITS = dict(
    zip("0123456789", "zero one two three four five six seven eight nine".split())
)


def contains_chinese(text: str) -> bool:
    return re.search("[\u4e00-\u9fff]", text) is not None


def is_speakable(text: str) -> bool:
    """Whether there is anything but blanks, punctuation, symbols and marks such as <|en|>."""
    return any(char.isalnum() for char in re.sub(r"<\|[^|<>]*\|>", "", text))


def without_punctuation(text: str) -> str:
    """Words and marks only."""
    return between_marks(lambda part: re.sub(r"\W+", " ", part), text).strip()


def between_marks(change: Callable[[str], str], text: str) -> str:
    parts = MARKS.split(text)  # text, mark, text, mark, ... text
    return "".join(part if i % 2 else change(part) for i, part in enumerate(parts))


def language_of(text: str) -> str:
    """Numbers and units with a Chinese comma between them are Chinese too."""
    return (
        "zh"
        if contains_chinese(text)
        or re.search("[，。、；：？！]", text)
        and not re.search("[A-Za-z]{3}", text)
        else "en"
    )


def normalize(text: str) -> str:
    """The spoken form of a text on one line. Inline marks stay as they are. Thread-safe."""
    language = language_of(text)
    text = re.sub(
        "[¼-¾⅐-⅞]", lambda m: " " + unicodedata.normalize("NFKC", m[0]).replace("⁄", "/"), text
    )  # ½ -> 1/2
    text = LINE[language].sub(
        r"\1" + COMMA[language], LAST_LINE.sub(FULL_STOP[language] + " ", text)
    )
    text = simplified(drop_unspoken(text))  # opencc takes no lone surrogates
    return (normalize_chinese if language == "zh" else normalize_english)(text)


def drop_unspoken(text: str) -> str:
    """Without emoji and invisible characters; control characters and runs of blanks become one blank."""
    kinds = [(char, unicodedata.category(char)) for char in EMOJI.sub("", text)]
    text = "".join(
        " " if kind == "Cc" else char
        for char, kind in kinds
        if kind not in ("Cf", "Cs", "Co", "Cn")
    )
    return re.sub(r"\s+", " ", text).strip()


def normalize_chinese(text: str) -> str:
    text = rewrite(CHINESE_SIGNS, THOUSANDS.sub(lambda m: re.sub("[,，]", "", m[0]), text))
    text = LONG_NUMBER.sub(lambda m: one_by_one(re.sub("[+ -]", "", m[0])), text)
    text = VERSION.sub(lambda m: m[0].replace(".", "点"), text)
    text = replace_corner_mark(replace_blank(spoken(text.replace("～", "~"), "zh")))
    text = re.sub(r"(?<!(?a:\b)[A-Za-z])\.(?![A-Za-z0-9/])", "。", text).replace(" - ", "，")
    return re.sub(r"[，,、]+$", "。", remove_bracket(text).strip())


def normalize_english(text: str) -> str:
    text = LONG_NUMBER.sub(
        lambda m: " ".join(ENGLISH_DIGITS.get(c, c) for c in m[0] if c not in "+ -"), text
    )
    text = VERSION.sub(lambda m: m[0].replace(".", " point "), rewrite(ENGLISH_SIGNS, text).strip())
    return one_thousand(text, spoken(text, "en"))


def rewrite(rules: list, text: str) -> str:
    def change(part):
        for pattern, replacement in rules:
            part = re.sub(pattern, replacement, part)
        return part

    return between_marks(change, text)


def one_thousand(written: str, words: str) -> str:
    """wetext says "thousand two hundred" for 1,200: with "one", unless the word was in the text."""
    if "thousand" in written.lower():
        return words
    return re.sub(
        rf"(?<!\w)({NUMBER_WORD} )?thousand\b", lambda m: (m[1] or "one ") + "thousand", words
    )


def replace_blank(text: str) -> str:
    """Without the blanks that touch a Chinese character."""
    return re.sub(r"(?<![!-~]) +| +(?![!-~])", "", text)


def replace_corner_mark(text: str) -> str:
    return text.replace("²", "平方").replace("³", "立方")


def remove_bracket(text: str) -> str:
    return re.sub("[（）【】`]", "", text).replace("——", " ")


def spoken(text: str, language: str) -> str:
    """Numbers, dates, money, units, fractions, telephone numbers and abbreviations in words, marks untouched."""
    return between_marks(lambda part: verbalize(part, language), text)


def verbalize(text: str, language: str) -> str:
    """wetext's words for a text, blanks at its ends kept; in halves where it is too long or not understood."""
    if not is_speakable(text):
        return text
    before, body, after = re.fullmatch(r"(\s*)(.*?)(\s*)", text, re.S).groups()
    words = wetext(body, language) if len(body) <= WETEXT_CHARS else None
    if words is None:
        words = (
            "".join(verbalize(part, language) for part in halves(body)) if len(body) > 1 else body
        )
    return before + words + after


def wetext(text: str, language: str) -> str | None:
    """None for a text with a symbol that the English grammar does not know: wetext then asserts."""
    try:
        return re.sub(
            r'\\(["\\])', r"\1", normalizer(language).normalize(text)
        )  # it escapes quotes
    except AssertionError:
        return None


def halves(text: str) -> list[str]:
    """Cut near the middle: after a sentence, a comma or a blank; else between runs of one kind of character."""
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


@lru_cache
def normalizer(language: str):
    from wetext import Normalizer

    return Normalizer(lang=language, remove_erhua=False)


def split_sentences(text: str, encode: Callable[[str], list[int]]) -> list[str]:
    """Cut at stops into sentences of about 60 to 80 characters (Chinese) or tokens; the rest of a short end joins the last.

    Raises nothing; every sentence is short enough for the LM whatever the text is.
    """
    language = language_of(text)

    def length(part):
        tokens = len(encode(part))
        return (
            tokens if language == "en" else max(len(part), tokens // 2)
        )  # rare characters are many tokens each

    sentences, current = [], ""
    for clause in (part for clause in clauses(text, language) for part in cut(clause, length)):
        if current and length(current + clause) > LONGEST and length(current) > LONG_ENOUGH:
            sentences.append(current)
            current = ""
        current += clause
    if sentences and length(current) < TOO_SHORT:
        sentences[-1] += current
    elif current:
        sentences.append(current)
    return sentences


def clauses(text: str, language: str) -> list[str]:
    """Pieces that end with one stop each, a closing quote kept with it; further stops are dropped."""
    stop = STOP[language]
    text = re.sub(rf"\A(?:{stop}|\s)+", "", text)
    found = re.findall(rf"(.+?)({stop}|\Z)(?:{stop})*([\"”]?)", text, re.S)
    return [
        body + (end[:1] or ("" if body.endswith(".") else FULL_STOP[language])) + quote
        for body, end, quote in found
    ]


def cut(text: str, length: Callable[[str], int]) -> list[str]:
    """A piece longer than UNBROKEN in halves, at a comma, a blank or, failing that, anywhere outside a mark."""
    if length(text) <= UNBROKEN:
        return [text]
    for pattern, margin in (("[，,、]", 0.25), (" ", 0.25), (rf"{MARKS.pattern}|.", 0)):
        if at := middle(pattern, text, margin * len(text)):
            return cut(text[:at], length) + cut(text[at:], length)
    return [text]
