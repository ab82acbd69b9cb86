"""Text in: any text -> cleaned, spoken out (numbers, dates, money ...) and cut into sentences of a length the LM handles well.

Lengths of sentences are counted in characters for Chinese, in text tokens otherwise, as upstream's frontend does.
"""
import re
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Callable

MARKS = re.compile(r"(<\|[^|<>]{1,40}\|>|\[[a-z_-]{1,40}\]|</?[a-z]{1,40}>)")   # <|en|>, [laughter], <strong>: never taken apart
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe00-\ufe0f\u20e3]")
PARAGRAPH = re.compile(r"(?<=\w)[ \t]*\r?\n[ \t]*\r?\n\s*")        # an empty line after a word

LONGEST, LONG_ENOUGH, TOO_SHORT = 80, 60, 20                       # of a sentence: upper bound, content with, joined to the last
UNBROKEN = 120                            # a stretch without a stop that is longer is cut inside
WETEXT_CHARS = 300                        # given to wetext at once: its time grows faster than the length

# A stop in running text, not the dot of 3.14, example.com or J. Smith.
ASCII_STOP = r"\.{2,}|(?<!(?a:\b)[A-Za-z])\.(?![A-Za-z0-9/])|[?!;:](?![A-Za-z0-9/])"
STOP = {"zh": rf"[。？！；：、]|{ASCII_STOP}", "en": rf"[。？！；：]|{ASCII_STOP}"}
FULL_STOP = {"zh": "。", "en": "."}

VERSION = re.compile(r"(?<![\d.])(?!(?:19|20)\d\d\.\d{1,2}\.\d{1,2}(?!\d))\d+(?:\.\d+){2}(?![\d.]*\d)")   # 1.2.3, no date
LONG_NUMBER = re.compile(r"(?:\+\d{1,3}[ -]?|\b1-)?(?<!\d)\d{3,4}[ -]\d{3,4}[ -]\d{4}(?!\d)|\d{12,}X?")    # telephone, card, identity
THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3}|，000)+(?![\d,])")  # 1,234,567
DECIMAL = r"\d+(?:\.\d+)?"
MANY = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50}
CHINESE_SIGNS = [                         # what wetext's Chinese grammar reads as another number, or not at all
    (r"(?<![\d/.])(?:24[/×*]7|7[×*]24)(?![\d/.])(?:小时)?", "七乘二十四小时"),
    (r"第(\d+)/(\d+)([页章集关步])", r"第\1\3，共\2\3"), (r"(血压\D{0,4}\d{2,3})/(?=\d{2,3}(?!\d))", r"\1，"),
    (r"(?<![\d/.])(\d\d?)/(\d\d?)(?=[日号])", r"\1月\2"), (r"(?<![\d/.])(1[0-2]|[1-9])/1(?![\d/.])", r"\1月1日"),
    (r"(?<![\d/.])(1[0-2]|[1-9])/(1[3-9]|2\d|3[01]|\1)(?![\d/.]|[的 ]?[一-鿿]?[寸份杯])", r"\1月\2日"),       # no fraction anyone writes
    (r"(?<![-=<>])[>＞] ?(?=-?\d)", "大于"), (r"(?<![-=<>])[<＜] ?(?=-?\d)", "小于"),
    (r"((?:周|星期|礼拜)[一二三四五六日天]) ?[-–—~～] ?(?=(?:周|星期|礼拜)?[一二三四五六日天])", r"\1至"),
    (r"(%|\d\.\d+|\d(?=.[￥¥$€£]))[-–—~～](?=[￥¥$€£]?\d)(?![\d.]+=)", r"\1到"),
    (r"(比分\D{0,3}\d{1,3})[-–—](?=\d)", r"\1比"), (r"(?<=\d)[-–—](?=\d{1,3}(?:[大小险完]?[胜负平]|战[胜平]|击败|领先|落后|逆转))", "比"),
    (r"(?<=\d)[-–—~～](?=\d\d?[点时])", "到"), (r"(?<=[\d年月日号])[–—](?=\d)", "-"),
    (r"[Ⅰ-Ⅻ]", lambda m: unicodedata.normalize("NFKC", m[0])),
    (r"(?<![A-Za-z])([VX]*I[IVX]*)(?=[型期级类章卷])", lambda m: str(roman(m[1]))),
    (rf"(?<=[￥¥$€£])({DECIMAL})([KMBT])(?![A-Za-z])", lambda m: in_ten_thousands(float(m[1]) * MANY[m[2]])),
    ("㎡", "m²"), (r"(?<=\d) ?kWh", "千瓦时"), (r"(?<=\d) ?V(?![A-Za-z\d])", "伏"), (r"(?<=\d) ?W(?![A-Za-z\d])", "瓦"),
    (rf"({DECIMAL})‰", r"千分之\1"), (r"(?<=\d)w(?![A-Za-z])", "万"), (r"(?<=[\d万])\+(?!\d)", "加"),
    (r"(?<![\d.])((?:19|20)\d0)s", r"\1年代"),
    (r"(?:(?<=[号栋幢座室])|(?<=房间))(\d{1,4})-(?=\d{1,5}(?![\d月日号点时:：]))", r"\1杠"), (r"(?<=[A-Z])-(?=\d)", " "),            # 3栋8-302, COVID-19
    (r"(?<![\d.A-Za-z/+*×=-])(0|[1-9]\d{0,2})[-–—]([1-9]\d{0,2})(?=[，。！？；、）]|[,.!?;)](?!\d)|$|之间|左右|上下|不等|以[内上下])",
     lambda m: f"{m[1]}到{m[2]}" if int(m[1]) < int(m[2]) else m[0]),
    (r"((?:[拨叫呼警救号]|打(?!折)|报(?![价告名])|电话|热线)[^\d，。]{0,3})?(?<![\d.A-Za-z/+=~-])(110|119|120)"
     r"(?=[一-鿿，。！？；、”’）]|[,.!?;)](?!\d)|$)(?!.{0,2}(?:急救|救护|报警|火警|电话|热线|来了))",
     lambda m: m[0] if m[1] else {"110": "一百一十", "119": "一百一十九", "120": "一百二十"}[m[2]]),              # nobody calls it
    (r"(?<=\d) (?=\d\d?/\d\d?(?![\d/]))", "又"),                 # 1 1/2
    (r"(?<![\d/.])(\d{1,3})/(\d{1,3})(?![\d/.])", lambda m: f"{fraction_part(m[2])}分之{fraction_part(m[1])}"),
    *((rf"{sign}({DECIMAL}[百千万亿]+)(?:{name})?", rf"\1{name}") for sign, name in
      {"[￥¥]": "元", r"\$": "美元", "€": "欧元", "£": "英镑"}.items()),
    (r"\b([Nn][Oo])\.\s*(?=\d)", r"\1 "), (r"(?<=\d)v(?=\d)", "V"),
    (r"(?<=\d)[,，](?=\d)", "， "),                                 # 10，1 is no 101
]
YEAR = r"(?:1[5-9]|20)\d\d"
COUNTED = "War|Chapter|Part|Volume|Book|Act|Scene|Type|Phase|Stage|Class|Division|Section|Article|Episode|Season|Bowl|Rocky"
RULERS = "|".join("""Henry Elizabeth Charles Louis George Edward Richard William James Philip John Paul Pius Benedict Gregory Leo Innocent
    Clement Urban Alexander Nicholas Catherine Napoleon Frederick Wilhelm Ferdinand Francis Ramses Otto Gustav Leopold""".split())
NUMERAL = r"([IVX]{2,}|[VX]|L[IVX]+|I(?=[.,;:!?)]|['’]s|$| (?:of|is|and|or|error)\b))\b"                  # the pronoun I is none
HERTZ = {None: "", "k": "kilo", "M": "mega", "G": "giga"}
UNITS = {"m": "meter", "l": "liter", "L": "liter", "V": "volt", "W": "watt", "kWh": "kilowatt hour", "hrs?": "hour", "secs?": "second"}
MONTHS = "January February March April May June July August September October November December".split()
SHORT = {r"vs\b\.?": "versus", r"e\.g\.,?": "for example", r"i\.e\.,?": "that is", r"w/o\b": "without", r"etc\b(?:\.(?=,| [a-z]))?": "et cetera"}
ENGLISH_SIGNS = [                         # likewise of its English grammar
    *((rf"\b{short}", words) for short, words in SHORT.items()),
    (r"\bSt\. (?=[A-Z])", "Saint "), (r"(?<=[a-z] )St\.(?=,| [a-z])|(?<=[a-z] )St\b(?=\.$)", "Street"),
    *((rf"\b((?i:{before})) (1[0-2]|[1-9])/({day})(?![\d/.]*\d|-?[ -](?:inch|of|cup|the)\b)",
       lambda m: f"{m[1]} {MONTHS[int(m[2]) - 1]} {ordinal(int(m[3]))}")
      for before, day in {"on|since|until|due": r"3[01]|[12]?\d", "by|before|after|from|to": r"3[01]|2\d|1[1-57-9]|1"}.items()),    # no "by 1/3"
    (r"(?<![\d/.])9/11(?![\d/.])", "9 11"),
    (rf"\b({'|'.join(MONTHS)}) (\d\d?)(?=, {YEAR}\b| {YEAR}\b|[,.;!?](?!\d)|$)", lambda m: f"{m[1]} {ordinal(int(m[2]))}"),
    (r"(?<![\d.])(\d+) ?m (\d+) ?s\b", r"\1 min \2 seconds"), (r"\b(\d)['’′] ?(\d\d?)(?:[\"”″]|''|’’)", r"\1 foot \2"),
    (r"(?<=\d) ?(?:ft|feet|foot) (\d\d?) ?in\b", r" feet \1 inches"), (r"(?<=\d) ?(k|M|G)?Hz\b", lambda m: f" {HERTZ[m[1]]}hertz"),
    *((rf"(?<![$€£\w.])({DECIMAL}){short}(?= [a-z]+s\b)(?<!\b[48]K)", rf"\1 {word}") for short, word in
      {"K": "thousand", "M": "million", "B": "billion"}.items()),                 # 5M users, but 4K videos
    (rf"\b({YEAR}) ?[-–~～] ?({YEAR})\b", r"\1 to \2"), (r"\b24/7\b", "24 7"), (r"\b[Nn]o\. ?(?=\d)", "number "), (r"\bN[oO]\.", "no."),
    (r"\b([A-Z])\.(?=\s+[A-Z]\.)", r"\1"),                       # "A. B. C." -> "A B C.", where wetext says "ABC"
    (r"\b(1\d|20)([1-9]0)s\b", r"\1 '\2s"),                      # the 1990s
    (r"(?<=\d) ?[–~～] ?(?=\d)", "-"), (r"(?<=\d) ?[-–~～] ?(?=[$€£])|(?<=\w)[~～](?=\w)", " to "),
    (r"[~～](?=\d)", "about "), (r"(?<=[A-Za-z])[~～]", ""), (r"#(?=\d)", "number "),
    *((rf" ?{sign} ?(?=[-$€£]?\d)", f" {words} ") for sign, words in {
        ">=": "greater than or equal to", "≥": "greater than or equal to", "<=": "less than or equal to", "≤": "less than or equal to",
        "(?<![-=])>": "greater than", "<": "less than", "±": "plus or minus"}.items()),
    *((rf"{sign}({DECIMAL}) ?(?:{short}\b|{word})", rf"\1 {word} {name}") for short, word in {"[Kk]": "thousand", "T": "trillion"}.items()
      for sign, name in {r"\$": "dollars", "€": "euros", "£": "pounds"}.items()),
    (rf"\b((?i:{COUNTED})) {NUMERAL}", lambda m: f"{m[1]} {roman(m[2])}"),
    (rf"\b({RULERS}) {NUMERAL}(?!(?<= [A-Z])\. [A-Z])", lambda m: f"{m[1]} the {ordinal(roman(m[2]))}"),
    (r"(?<=\d) ?m/s\b", " meters per second"),
    *((rf"(?<![\d.,$€£h])(?<!h )(1|\d[\d,]*(?:\.\d+)?) ?{unit}\b(?!/| ?\d)", lambda m, name=name: f"{m[1]} {name}{'s' * (m[1] != '1')}")
      for unit, name in UNITS.items()),
    (r"\b(\d+)/\1\b(?!/)", r"\1 out of \1"), (r"(?<=\d)\+(?![\d+])", " plus"),
    (r"(?<=[Cc]all )(?:911|112|999)\b", lambda m: " ".join(m[0])),
]
NUMBER_WORD = "(?:[a-z]*(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|teen|ty)|hundred)"
CHINESE_DIGITS = dict(zip("0123456789", "零幺二三四五六七八九"))
ENGLISH_DIGITS = dict(zip("0123456789", "zero one two three four five six seven eight nine".split()))


def contains_chinese(text: str) -> bool:
    return re.search("[\u4e00-\u9fff]", text) is not None


def is_speakable(text: str) -> bool:
    """Whether there is anything but blanks, punctuation, symbols and marks such as <|en|>."""
    return any(char.isalnum() for char in re.sub(r"<\|[^|<>]*\|>", "", text))


def without_punctuation(text: str) -> str:
    """Words and marks only."""
    return between_marks(lambda part: re.sub(r"\W+", " ", part), text).strip()


def between_marks(change: Callable[[str], str], text: str) -> str:
    parts = MARKS.split(text)                                      # text, mark, text, mark, ... text
    return "".join(part if i % 2 else change(part) for i, part in enumerate(parts))


def language_of(text: str) -> str:
    return "zh" if contains_chinese(text) else "en"


def normalize(text: str) -> str:
    """The spoken form of a text on one line. Inline marks stay as they are. Thread-safe."""
    language = language_of(text)
    text = re.sub("[¼-¾⅐-⅞]", lambda m: " " + unicodedata.normalize("NFKC", m[0]).replace("⁄", "/"), text)     # ½ -> 1/2
    text = drop_unspoken(PARAGRAPH.sub(FULL_STOP[language] + " ", text))
    return (normalize_chinese if language == "zh" else normalize_english)(text)


def drop_unspoken(text: str) -> str:
    """Without emoji and invisible characters; control characters and runs of blanks become one blank."""
    kinds = [(char, unicodedata.category(char)) for char in EMOJI.sub("", text)]
    text = "".join(" " if kind == "Cc" else char for char, kind in kinds if kind not in ("Cf", "Cs", "Co", "Cn"))
    return re.sub(r"\s+", " ", text).strip()


def normalize_chinese(text: str) -> str:
    text = rewrite(CHINESE_SIGNS, THOUSANDS.sub(lambda m: re.sub("[,，]", "", m[0]), text))
    text = LONG_NUMBER.sub(lambda m: "".join(CHINESE_DIGITS.get(c, c) for c in m[0] if c not in "+ -"), text)
    text = VERSION.sub(lambda m: m[0].replace(".", "点"), text)
    text = replace_corner_mark(replace_blank(spoken(text.replace("～", "~"), "zh")))
    text = re.sub(r"(?<!(?a:\b)[A-Za-z])\.(?![A-Za-z0-9/])", "。", text).replace(" - ", "，")
    return re.sub(r"[，,、]+$", "。", remove_bracket(text).strip())


def normalize_english(text: str) -> str:
    text = LONG_NUMBER.sub(lambda m: " ".join(ENGLISH_DIGITS.get(c, c) for c in m[0] if c not in "+ -"), text)
    text = VERSION.sub(lambda m: m[0].replace(".", " point "), rewrite(ENGLISH_SIGNS, text).strip())
    return one_thousand(text, spoken(text, "en"))


def rewrite(rules: list, text: str) -> str:
    def change(part):
        for pattern, replacement in rules:
            part = re.sub(pattern, replacement, part)
        return part
    return between_marks(change, text)


def in_ten_thousands(number: float) -> str:
    """2500000 -> 250万"""
    unit, name = next((unit, name) for unit, name in ((1e12, "万亿"), (1e8, "亿"), (1e4, "万"), (1, "")) if max(number, 1) >= unit)
    return f"{number / unit:.10g}{name}"


def roman(numeral: str) -> int:
    """XIV -> 14"""
    values = [ROMAN[letter] for letter in numeral]
    return sum(-a if a < b else a for a, b in zip(values, values[1:] + [0]))


def ordinal(number: int) -> str:
    return f"{number}{'th' if 10 < number < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def fraction_part(number: str) -> str:
    return "二" if number == "2" else number                       # wetext's 两 is for counting


def one_thousand(written: str, words: str) -> str:
    """wetext says "thousand two hundred" for 1,200: with "one", unless the word was in the text."""
    if "thousand" in written.lower():
        return words
    return re.sub(rf"(?<!\w)({NUMBER_WORD} )?thousand\b", lambda m: (m[1] or "one ") + "thousand", words)


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
        words = "".join(verbalize(part, language) for part in halves(body)) if len(body) > 1 else body
    return before + words + after


def wetext(text: str, language: str) -> str | None:
    """None for a text with a symbol that the English grammar does not know: wetext then asserts."""
    try:
        return re.sub(r'\\(["\\])', r"\1", normalizer(language).normalize(text))   # it escapes quotes
    except AssertionError:
        return None


def halves(text: str) -> list[str]:
    """Cut near the middle: after a sentence, a comma or a blank; else between runs of one kind of character."""
    for pattern in (r"[。！？!?；;]|[a-z]{4}\.\s", r"[，、]|,(?!\d)", " "):
        if at := middle(pattern, text):
            return [text[:at], text[at:]]
    runs = ["".join(run) for _, run in groupby(text, key=lambda c: c.isalnum() or c in ".,'")]
    return runs if len(runs) > 1 else [text[:len(text) // 2], text[len(text) // 2:]]


def middle(pattern: str, text: str, margin: float = 0) -> int | None:
    """The end of the match nearest the middle, not within the margin of either end."""
    ends = [m.end() for m in re.finditer(pattern, text, re.S) if margin < m.end() < len(text) - margin]
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
        return tokens if language == "en" else max(len(part), tokens // 2)   # rare characters are many tokens each

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
    return [body + (end[:1] or ("" if body.endswith(".") else FULL_STOP[language])) + quote for body, end, quote in found]


def cut(text: str, length: Callable[[str], int]) -> list[str]:
    """A piece longer than UNBROKEN in halves, at a comma, a blank or, failing that, anywhere outside a mark."""
    if length(text) <= UNBROKEN:
        return [text]
    for pattern, margin in (("[，,、]", 0.25), (" ", 0.25), (rf"{MARKS.pattern}|.", 0)):
        if at := middle(pattern, text, margin * len(text)):
            return cut(text[:at], length) + cut(text[at:], length)
    return [text]
