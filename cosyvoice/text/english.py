"""English: any text without Chinese in it -> its spoken form.

The sign rules rewrite what wetext's English grammar reads as something else or not at all: numbers,
units, dates and signs. They are (pattern, replacement) and are applied in this order.
"""

import re

from cosyvoice.text.grammar import Note, spoken, unnoted
from cosyvoice.text.language import FILES, Rule, rewrite
from cosyvoice.text.numbers import (
    DECIMAL,
    ENGLISH_DIGITS,
    LONG_NUMBER,
    POWER,
    TEENS,
    VERSION,
    YEAR,
    english_digits,
    ordinal_figure,
    roman,
)

# Number words that stand before "thousand"
NUMBER_WORD = f"(?:[a-z]*(?:{'|'.join(ENGLISH_DIGITS[1:] + TEENS[:3])}|teen|ty)|hundred)"
# Before a Roman numeral: a cardinal after these, an ordinal after the names of rulers
COUNTED = (
    "War|Chapter|Part|Volume|Book|Act|Scene|Type|Phase|Stage|Class|Division|Section|Article|"
    "Episode|Season|Bowl|Rocky"
)
RULERS = "|".join(
    """Henry Elizabeth Charles Louis George Edward Richard William James Philip John Paul Pius
    Benedict Gregory Leo Innocent Clement Urban Alexander Nicholas Catherine Napoleon Frederick
    Wilhelm Ferdinand Francis Ramses Otto Gustav Leopold""".split()
)
# Not the pronoun I
NUMERAL = r"([IVX]{2,}|[VX]|L[IVX]+|I(?=[.,;:!?)]|['’]s|$| (?:of|is|and|or|error)\b))\b"
HERTZ = {None: "", "k": "kilo", "M": "mega", "G": "giga"}
UNITS = {
    "m": "meter",
    "l": "liter",
    "L": "liter",
    "V": "volt",
    "W": "watt",
    "kWh": "kilowatt hour",
    "hrs?": "hour",
    "secs?": "second",
}
MONTHS = (
    "January February March April May June July August September October November December".split()
)
SHORT = {
    r"vs\b\.?": "versus",
    r"e\.g\.,?": "for example",
    r"i\.e\.,?": "that is",
    r"w/o\b": "without",
    r"etc\b(?:\.(?=,| [a-z]))?": "et cetera",
}
POWERS = {"²": "squared", "³": "cubed"}
SIGNS: list[Rule] = [
    *((rf"\b{short}", words) for short, words in SHORT.items()),
    (r"\bSt\. (?=[A-Z])", "Saint "),
    (r"(?<=[a-z] )St\.(?=,| [a-z])|(?<=[a-z] )St\b(?=\.$)", "Street"),
    # a date; after "by" and the like only where it is no fraction such as "by 1/3"
    *(
        (
            rf"\b((?i:{before})) (1[0-2]|[1-9])/({day})(?![\d/.]*\d|-?[ -](?:inch|of|cup|the)\b)",
            lambda m: f"{m[1]} {MONTHS[int(m[2]) - 1]} {ordinal_figure(int(m[3]))}",
        )
        for before, day in {
            "on|since|until|due": r"3[01]|[12]?\d",
            "by|before|after|from|to": r"3[01]|2\d|1[1-57-9]|1",
        }.items()
    ),
    (
        r"(?i)\b((?:call|dial|phone|tel|fax|number)\b[^\d.]{0,16})(\d{3})-(\d{4})(?![\d-])",
        lambda m: f"{m[1]}{' '.join(m[2])}, {' '.join(m[3])}",
    ),
    (r"\bhttps?://(?=\w)", ""),
    (rf"(?<![/.\w])([\w-]+)\.((?:{FILES})\b)(?![/.]\w)", r"\1 dot \2"),
    (r"\bw/ ?(?=[a-z])", "with "),
    (r"(?<=\d) ?y/o\b", " years old"),
    (r"\b([CF])#", r"\1 sharp"),
    (r"(?<=\d)(?<!\b0) ?x ?(?=\d)", " by "),
    (POWER, r" to the power of \1"),
    (r"(?<!\d)(?<!\d )\b([A-Za-z])([²³])", lambda m: f"{m[1]} {POWERS[m[2]]}"),
    *(
        (f" ?{sign} ?", f" {words} ")
        for sign, words in {
            "≈": "approximately",
            "≠": "is not equal to",
            "(?<=[A-Za-z])=": "equals",
            "√": "the square root of",
            "∞": "infinity",
        }.items()
    ),
    (r"(?<![\d/.])9/11(?![\d/.])", "9 11"),
    (
        rf"\b({'|'.join(MONTHS)}) (\d\d?)(?=, {YEAR}\b| {YEAR}\b|[,.;!?](?!\d)|$)",
        lambda m: f"{m[1]} {ordinal_figure(int(m[2]))}",
    ),
    (r"(?<![\d.])(\d+) ?m (\d+) ?s\b", r"\1 min \2 seconds"),
    (r"\b(\d)['’′] ?(\d\d?)(?:[\"”″]|''|’’)", r"\1 foot \2"),
    (r"(?<=\d) ?(?:ft|feet|foot) (\d\d?) ?in\b", r" feet \1 inches"),
    (r"(?<=\d) ?(k|M|G)?Hz\b", lambda m: f" {HERTZ[m[1]]}hertz"),
    # 5M users, but 4K videos
    *(
        (rf"(?<![$€£\w.])({DECIMAL}){short}(?= [a-z]+s\b)(?<!\b[48]K)", rf"\1 {word}")
        for short, word in {"K": "thousand", "M": "million", "B": "billion"}.items()
    ),
    (rf"\b({YEAR}) ?[-–~～] ?({YEAR})\b", r"\1 to \2"),
    (r"\b24/7\b", "24 7"),
    (r"\b[Nn]o\. ?(?=\d)", "number "),
    (r"\bN[oO]\.", "no."),
    # "A. B. C." -> "A B C.", where wetext says "ABC"
    (r"\b([A-Z])\.(?=\s+[A-Z]\.)", r"\1"),
    # the 1990s
    (r"\b(1\d|20)([1-9]0)s\b", r"\1 '\2s"),
    (r"(?<=\d) ?[–~～] ?(?=\d)", "-"),
    (r"(?<=\d) ?[-–~～] ?(?=[$€£])|(?<=\w)[~～](?=\w)", " to "),
    (r"[~～](?=\d)", "about "),
    (r"(?<=[A-Za-z])[~～]", ""),
    (r"#(?=\d)", "number "),
    *(
        (rf" ?{sign} ?(?=[-$€£]?\d)", f" {words} ")
        for sign, words in {
            ">=": "greater than or equal to",
            "≥": "greater than or equal to",
            "<=": "less than or equal to",
            "≤": "less than or equal to",
            "(?<![-=])>": "greater than",
            "<": "less than",
            "±": "plus or minus",
        }.items()
    ),
    *(
        (rf"{sign}({DECIMAL}) ?(?:{short}\b|{word})", rf"\1 {word} {name}")
        for short, word in {"[Kk]": "thousand", "T": "trillion"}.items()
        for sign, name in {r"\$": "dollars", "€": "euros", "£": "pounds"}.items()
    ),
    (rf"\b((?i:{COUNTED})) {NUMERAL}", lambda m: f"{m[1]} {roman(m[2])}"),
    (
        rf"\b({RULERS}) {NUMERAL}(?!(?<= [A-Z])\. [A-Z])",
        lambda m: f"{m[1]} the {ordinal_figure(roman(m[2]))}",
    ),
    (r"(?<=\d) ?m/s\b", " meters per second"),
    *(
        (
            rf"(?<![\d.,$€£h])(?<!h )(1|\d[\d,]*(?:\.\d+)?) ?{unit}\b(?!/| ?\d)",
            lambda m, name=name: f"{m[1]} {name}{'s' * (m[1] != '1')}",
        )
        for unit, name in UNITS.items()
    ),
    (r"\b(\d+)/\1\b(?!/)", r"\1 out of \1"),
    (r"(?<=\d)\+(?![\d+])", " plus"),
    (r"(?<=[Cc]all )(?:911|112|999)\b", lambda m: " ".join(m[0])),
]


def normalize_english(text: str, note: Note = unnoted) -> str:
    """The spoken form of one line of English. Thread-safe."""
    text = LONG_NUMBER.sub(lambda m: english_digits(re.sub("[+ -]", "", m[0])), text)
    text = VERSION.sub(lambda m: m[0].replace(".", " point "), rewrite(SIGNS, text).strip())
    return one_thousand(text, spoken(text, "en", note))


def one_thousand(written: str, words: str) -> str:
    """wetext says "thousand two hundred" for 1,200: with "one", unless the word was written."""
    if "thousand" in written.lower():
        return words
    return re.sub(
        rf"(?<!\w)({NUMBER_WORD} )?thousand\b", lambda m: (m[1] or "one ") + "thousand", words
    )
