"""Scores, ratios, verses, mathematics, signs and items of a list in English."""

from __future__ import annotations

import re
import unicodedata

from cosyvoice.text.english.numbers import LETTER, NUMBER, START, TO, number, whole_number
from cosyvoice.text.english.units import UNIT
from cosyvoice.text.numbers import english_number
from cosyvoice.text.spans import after, before, reader

# Scores, ratios, verses

BOOKS = (
    "Genesis Exodus Leviticus Numbers Deuteronomy Joshua Judges Ruth Samuel Kings Chronicles Ezra Nehemiah Esther Job Psalms? Proverbs "
    "Ecclesiastes Isaiah Jeremiah Lamentations Ezekiel Daniel Hosea Joel Amos Obadiah Jonah Micah Nahum Habakkuk Zephaniah Haggai Zechariah "
    "Malachi Matthew Mark Luke John Acts Romans Corinthians Galatians Ephesians Philippians Colossians Thessalonians Timothy Titus Philemon "
    "Hebrews James Peter Jude Revelation Quran Surah"
).split()
SCORE_BEFORE = (
    r"\b(?i:won|win|wins|winning|beat|beats|lost|lose|loses|lead|leads|leading|led|score|scored|scores|final|victory|defeat|defeated|draw|drew|tied|"
    r"tie|trail|trailed|trailing|ahead|up|down|record|match|set|sets)\b[^.!?;\d]{0,30}"
)
SCORE_AFTER = r" (?:win|victory|defeat|loss|draw|lead|home win|away|record|on aggregate|at half|thriller|record|scoreline|tie|result|final)\b"


def say_verse(match: re.Match[str]) -> str:
    words = f"{number(match['chapter'])} {number(match['verse'])}"
    return words + (f" to {number(match['last'])}" if match["last"] else "")


def say_ratio(match: re.Match[str]) -> str:
    """3:2 -> three to two; pictures are sixteen by nine."""
    parts = match[0].replace(" ", "").split(":")
    is_picture = match[0] in ("16:9", "4:3", "16:10", "21:9", "9:16", "3:4", "4:5") and not before(match, r"\b(?i:ratio of|odds) ")
    return (" by " if is_picture else " to ").join(number(part) for part in parts)


SCORES = (
    reader("score", rf"\b(?:{'|'.join(BOOKS)}) (?P<span>(?P<chapter>\d{{1,3}}):(?P<verse>\d{{1,3}})(?:{TO}(?P<last>\d{{1,3}}))?)(?![\d:])", say_verse),
    reader("ordinal", r"(?P<book>[123])(?= (?:Samuel|Kings|Chronicles|Corinthians|Thessalonians|Timothy|Peter|John)\b)", lambda m: {"1": "First", "2": "Second", "3": "Third"}[m[0]]),
    reader("score", rf"{START}\d{{1,5}}(?:\.\d+)?(?: ?: ?\d{{1,5}}(?:\.\d+)?){{1,3}}(?![\d:{LETTER}]|[.,]\d)", say_ratio),
    reader(
        "score",
        rf"{START}(?P<left>\d{{1,3}})[-–](?P<right>\d{{1,3}})(?:[-–](?P<third>\d{{1,3}}))?(?![\d{LETTER}%/:-]|[.,]\d)",
        lambda m: " to ".join(number(x) for x in (m["left"], m["right"], m["third"]) if x) if m["third"] or before(m, SCORE_BEFORE, 48) or after(m, SCORE_AFTER, 32) else None,
    ),
)

# Mathematics

OPERAND_BEFORE = rf"(?<=[{LETTER}\d)²³%\]])"
BETWEEN = {  # between two operands, with or without blanks
    "+": "plus", "×": "times", "÷": "divided by", "=": "equals", "==": "equals", "===": "equals", "≈": "approximately", "≠": "is not equal to", "!=": "is not equal to",
    ">": "greater than", "<": "less than", ">=": "greater than or equal to", "<=": "less than or equal to", "≥": "greater than or equal to",
    "≤": "less than or equal to", "±": "plus or minus", "→": "to", "->": "to", "=>": "to", "∈": "in", "⇒": "implies", "·": "times",
}  # fmt: skip
BEFORE_NUMBER = {
    ">": "greater than", "<": "less than", ">=": "greater than or equal to", "<=": "less than or equal to", "≥": "greater than or equal to",
    "≤": "less than or equal to", "~": "about", "≈": "approximately", "√": "the square root of", "±": "plus or minus", "@": "at", "=": "equals",
}  # fmt: skip
POWERS = {"2": "squared", "3": "cubed"}
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"
TO_DIGITS = str.maketrans(SUPERSCRIPTS, "0123456789-+")


def signs(table: dict[str, str]) -> str:
    return "|".join(re.escape(sign) for sign in sorted(table, key=len, reverse=True))


def say_between(match: re.Match[str]) -> str:
    return BETWEEN[match["sign"]]


def say_power(match: re.Match[str]) -> str:
    """² -> squared, ⁶ -> to the power of six."""
    power = match["power"].translate(TO_DIGITS)
    return POWERS.get(power) or f"to the power of {number(power) if re.fullmatch('[-+]?[0-9]+', power) else power}"


def say_minus(match: re.Match[str]) -> str | None:
    """10-2=8, x - 1; elsewhere it is a dash."""
    equation = after(match, r"[\s\w.+*/×÷()^²³-]{0,30}[=≈≠]", 40) or before(match, r"[=≈≠][\s\w.+*/×÷()^²³-]{0,30}", 40)
    letter = before(match, rf"(?<![{LETTER}\d])[a-zA-Z²³)] ?") and after(match, rf" ?(?:\d+|[a-zA-Z])(?![{LETTER}\d-])") and not before(match, r"\b[aAI] ")
    return "minus" if equation or letter else None


MATHEMATICS = (
    reader("mathematics", rf"{OPERAND_BEFORE} ?(?P<span>(?P<sign>{signs(BETWEEN)}))(?= ?[-+({LETTER}\d√$€£¥{{\"'])", say_between),
    reader("mathematics", rf"(?<![{LETTER}\d<>=-])(?P<sign>{signs(BEFORE_NUMBER)})(?= ?[-+]?[$€£¥]?\.?\d)", lambda m: BEFORE_NUMBER[m["sign"]]),
    reader("mathematics", r"(?<=\s)(?P<sign>>=|<=|[<>≥≤=])(?=\s)", lambda m: BETWEEN[m["sign"]]),
    reader("mathematics", r"√(?=[A-Za-z(])", "the square root of"),
    reader("mathematics", rf"(?<=[{LETTER}\d)])(?P<power>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", say_power),
    reader("mathematics", rf"(?<=[{LETTER}\d)])\^[{{(]?(?P<power>[-+]?(?:\d+|[a-zA-Z]))[}})]?", say_power),
    reader("mathematics", rf"(?<=[{LETTER}\d)²³])(?P<span> ?- ?)(?=[({LETTER}\d])", say_minus),
    reader("mathematics", r"(?<=[\w)]) ?(?P<span>\*{1,2}) ?(?=[\d(A-Za-z])", lambda m: "times" if len(m["span"]) == 1 else "to the power of"),
    reader("mathematics", r"(?<=[\d)]) ?(?P<span>[x/]) ?(?=[(\d]*\d[^=]{0,12}=)", lambda m: "times" if m["span"] == "x" else "over"),
    reader("measure", r"(?<=[a-z\"'] )[x×](?= \d)", lambda m: "by" if before(m, rf"\d ?(?:{UNIT}|[\"']) ") else None),
    reader("mathematics", r"\b(?P<name>[fgh])\((?P<of>[a-z])\)", lambda m: f"{m['name']} of {m['of']}"),
    reader("mathematics", r"(?P<a>\b[A-Za-z])/(?P<b>[A-Za-z])(?= ?=)", lambda m: f"{m['a']} over {m['b']}"),
    reader("mathematics", r"∞", "infinity"),
    reader("mathematics", r"∑", "the sum of"),
    reader("mathematics", r"∫", "the integral of"),
)

# Signs

WORDS = {
    "&": "and", "@": "at", "%": "percent", "$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₩": "won", "§": "section", "©": "copyright",
    "°": "degrees", "‰": "per thousand", "+": "plus", "=": "equals", "¢": "cents", "₹": "rupee", "₿": "bitcoin",
}  # fmt: skip
GREEK = {letter: unicodedata.name(letter).rsplit(" ", 1)[-1].lower() for letter in "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΦΨΩ"}
GREEK["λ"] = GREEK["Λ"] = "lambda"


def say_sharp(match: re.Match[str]) -> str:
    return f"{match['letter']} sharp"


SYMBOLS = (
    reader("symbol", rf"(?<![{LETTER}\d])(?P<letter>[CFGD])#(?!\w)", say_sharp),
    reader("symbol", r"#(?=\d)", "number"),
    reader("symbol", r"\b(?P<word>[A-Za-z])(?P<pluses>\+{1,2})(?![\w+])", lambda m: m["word"] + " plus" * len(m["pluses"])),
    reader("symbol", r"(?<=[A-Za-z0-9])(?P<pluses>\+{1,2})(?![\w+])", lambda m: " plus" * len(m["pluses"])),
    reader("symbol", r"\b(?P<grade>[A-D])-(?=$|[\s,.;)])(?! \d)", lambda m: f"{m['grade']} minus" if before(m, r"\b(?i:an?|got|grade|of|rated|the) ") else None),
    reader("symbol", rf"[{re.escape(''.join(WORDS))}]", lambda m: WORDS[m[0]]),
    reader("symbol", rf"(?<=[a-z]{{2}}) ?(?P<span>/) ?(?=[a-z]{{2}})", "slash"),
    reader("symbol", r"(?<=\d)/(?=\s|$)", "slash"),
    reader("symbol", r"(?<=\S)#(?=[A-Za-z])", "hash"),
    reader("symbol", rf"(?<![\u0370-\u03ff])[{''.join(GREEK)}](?![\u0370-\u03ff])", lambda m: GREEK[m[0]]),
    reader("symbol", r"~(?= ?\d)", "about"),
    reader("range", rf"(?<=[{LETTER}\d%°])(?P<span>~| ~ )(?=[{LETTER}\d$€£])", "to"),
    reader("symbol", r"(?<![\w.])\.(?=[A-Z]{2,}\b)", "dot"),
)


# Items of a list


def say_circled(match: re.Match[str]) -> str:
    return english_number(int(unicodedata.numeric(match[0]))) + ","


ITEMS = (
    reader("list item", "[①-⑳❶-❿➀-➉⓵-⓾]", say_circled),
    reader("list item", r"(?:(?<=\A)|(?<=[.:;,!?] ))(?P<number>\d{1,2})[.)](?= [A-Za-z\"'])", lambda m: whole_number(m["number"]) + ","),
    reader("list item", r"(?:(?<=\A)|(?<=[.:;,!?] ))\((?P<number>\d{1,2})\)(?= ?[A-Za-z\"'])", lambda m: whole_number(m["number"]) + ","),
)
