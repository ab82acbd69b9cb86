"""Codes in English: models, flights, plates, versions, card numbers, names in programs."""

from __future__ import annotations

import re

from cosyvoice.text.english.addresses import spell
from cosyvoice.text.english.numbers import (
    END,
    LETTER,
    START,
    digits,
    grouped,
    in_pairs,
    whole_number,
)
from cosyvoice.text.english.quantities import COUNTED_NOUN
from cosyvoice.text.english.telephones import NOT_AFTER, NOT_BEFORE
from cosyvoice.text.numbers import english_number
from cosyvoice.text.spans import after, before, reader

# Letters and digits in one word

AIRLINES = """
    AA AC AF AI AM AS AY AZ B6 BA BR CA CI CX CZ DL EK ET EY F9 FM FR GA HA HU HX IB JL JQ KE KL
    LH LO LX MF MH MU NH NK NZ OS OZ PK PR QF QR SA SC SK SN SQ SU TG TK TP TR TW U2 UA UL UX VN
    VS VY WN ZH 3U 9C""".split()
FLIGHT = re.compile(rf"(?:{'|'.join(AIRLINES)})-?\d{{3,4}}")
# Before a code whose digits are read one by one
BY_DIGITS = (
    r"\b(?i:flight|plate|licen[sc]e|registration|vin|pnr|otp|code|serial|booking|confirmation"
    r"|tracking|train)s?\b[^.!?\d]{0,16}"
)
# Not codes: 3-year-old, 19th-century, mid-19th, post-1990s, 2-3x, GMT-5, 1.5e-3, 9am-noon
NO_CODE = re.compile(
    r"\d+(?:st|nd|rd|th)?-[A-Za-z]+(?:-[A-Za-z]+)*(?:-\d+)?|[A-Za-z]+-'?\d{1,3}0s|\d+-\d+x"
    r"|(?:UTC|GMT)-\d+"
    r"|[\d.]+[eE][-+]?\d{1,3}|\d+[AaPp][Mm]-[a-z]+|S\d\dE\d\d|[A-Za-z]+-\d+(?:st|nd|rd|th)"
)
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def say_code(match: re.Match[str]) -> str | None:
    """UA417 -> U A four one seven, B2A23C -> B two A twenty three C, GPT-4 -> GPT four."""
    written = match[0]
    if NO_CODE.fullmatch(written):
        return None
    if re.fullmatch(r"[\d.–-]+[KkMB]", written) and after(match, COUNTED_NOUN):
        return None  # 5M users
    by_digits = before(match, BY_DIGITS, 32) or FLIGHT.fullmatch(written) is not None
    return code_words(written, by_digits)


def code_words(written: str, by_digits: bool) -> str:
    """The words of a code, part by part; what joins the parts is not said."""
    plain = written.translate(SUBSCRIPTS)
    parts = re.findall(rf"\d+(?:\.\d+)?|[A-Z]+(?![a-z])|[{LETTER}]+", plain)
    return " ".join(
        code_number(part, by_digits) if part[0].isdigit() else code_letters(part) for part in parts
    )


def code_number(written: str, by_digits: bool) -> str:
    whole, _, decimals = written.partition(".")
    words = digits(whole) if by_digits and len(whole) > 2 else in_pairs(whole)
    return f"{words} point {digits(decimals)}" if decimals else words


def code_letters(part: str) -> str:
    """One or two capitals are said as letters; more as they are written."""
    return " ".join(part) if part.isupper() and len(part) < 3 else part


def int_words(written: str) -> str:
    return english_number(int(written))


WORDS = (
    reader(
        "code",
        rf"(?<![{LETTER}\d_])(?<![{LETTER}\d_]-)(?<!\d[.,:])(?<![$€£¥₹])(?=[{LETTER}\d])"
        rf"(?=[{LETTER}\d₀-₉-]{{0,60}}[\d₀-₉])(?=[\d₀-₉-]{{0,60}}[{LETTER}])"
        rf"[{LETTER}\d₀-₉]+(?:-[{LETTER}\d₀-₉]+)*(?:(?<=\d)\.\d+)?(?![{LETTER}\d_])",
        say_code,
    ),
    reader(
        "code",  # licence plate ABC 1234
        r"\b(?i:plate|licen[sc]e)\b[^.!?\d]{0,24}?\b"
        r"(?P<span>[A-Z]{2,3}[ -]\d{3,4}|\d{3,4}[ -][A-Z]{2,3})\b",
        lambda match: code_words(match["span"], by_digits=True),
    ),
    reader(
        "code",  # 401(k), 501(c)(3)
        r"(?<!\w)\d{3}\([a-z]\)(?:\(\d\))?",
        lambda match: code_words(match[0], by_digits=False),
    ),
    reader(
        "code",  # H.264
        r"\b(?P<letter>[A-Z])\.(?P<number>\d{3})\b",
        lambda match: f"{match['letter']} dot {in_pairs(match['number'])}",
    ),
    reader(
        "code",
        r"\bS(?P<season>\d\d)E(?P<episode>\d\d)\b",
        lambda match: f"season {int_words(match['season'])} episode {int_words(match['episode'])}",
    ),
    reader("code", r"\b802\.11", "eight oh two dot eleven"),
    reader(
        "code",  # a standard and its year: ISO 9001:2015
        r"\b(?P<name>[A-Z]{2,6}) (?P<number>\d{3,5}):(?P<year>(?:19|20)\d\d)\b",
        lambda match: f"{match['name']} {whole_number(match['number'])}, {in_pairs(match['year'])}",
    ),
)

# Numbers after the name of what they number

NUMBERED = """
    Boeing Airbus Concorde Cessna Porsche Peugeot BMW Audi Ferrari Nokia RTX GTX GeForce Radeon
    Ryzen Intel Core Sony Canon Nikon Galaxy Pixel Model Series Class Room Rm Suite Ste Apt
    Apartment Unit Hall Floor Building Bldg Box Lot Route Rte Highway Hwy Interstate Exit Flight
    Gate Terminal Train Tram Bus Platform Line Locomotive Engine Form Error Status HTTP Port
    Channel Studio Locker Area room suite apartment route highway exit flight gate train tram
    bus error locker""".split()
# Things whose number is read digit by digit
SECRET = (
    r"\b(?i:ending in|pin|otp|passcode|password|code|id|account|serial|tracking|order|invoice"
    r"|confirmation|ssn|zip|reference|ticket|case|policy|member|card|booking|pnr|extension|ext\.?)"
    r"(?: (?:number|no\.?|code|id))?(?: is|:| #|#|=)? ?#?"
)


def say_airline(match: re.Match[str]) -> str | None:
    """Flight BA 117 -> BA one one seven."""
    return digits(match["span"]) if before(match, r"(?i:flight)\b.{0,8}") else None


def say_isbn(match: re.Match[str]) -> str | None:
    if len(re.sub(r"[ -]", "", match[0])) not in (10, 13):
        return None
    return grouped(match[0]) + (" X" if match[0].endswith("X") else "")


SERIAL = (
    reader(
        "code",
        rf"\b(?:{'|'.join(NUMBERED)})\.?[ -]#?(?P<span>\d{{3,4}}(?:-\d{{1,4}})?)"
        rf"(?![\d{LETTER}]|[.,:/-]\d|%)",
        lambda match: " ".join(in_pairs(part) for part in match["span"].split("-")),
    ),
    reader(
        "code",
        rf"\b(?:{'|'.join(AIRLINES)}) (?P<span>\d{{3,4}})(?![\d{LETTER}]|[.,:/-]\d|%)",
        say_airline,
    ),
    reader(
        "code",
        rf"{SECRET}{START}(?P<span>\d{{3,}})(?![\d{LETTER}]|[.,:/-]\d|%| [a-z]+s\b)",
        lambda match: digits(match["span"]),
    ),
    reader(
        "code",  # a social security number, a long postal code, a card
        rf"{NOT_BEFORE}(?:\d{{3}}-\d{{2}}-\d{{4}}|\d{{5}}-\d{{4}}|\d{{4}}(?:[ -]\d{{4}}){{2,3}})"
        rf"{NOT_AFTER}",
        lambda match: grouped(match[0]),
    ),
    reader(
        "code",
        rf"{NOT_BEFORE}(?:97[89][ -])?\d{{1,5}}[ -]\d{{1,7}}[ -]\d{{1,7}}[ -][\dX]{NOT_AFTER}",
        say_isbn,
    ),
)

# Versions and addresses of machines


def say_version(match: re.Match[str]) -> str:
    """2.0.1 -> two point zero point one."""
    written = match["span"] if "span" in match.re.groupindex else match[0]
    return " point ".join(whole_number(part) for part in written.split("."))


def say_machine(match: re.Match[str]) -> str:
    """192.168.0.1:80 -> one nine two dot one six eight dot zero dot one port eight zero."""
    names = {".": "dot", "/": "slash", ":": "port"}
    return " ".join(names.get(part) or digits(part) for part in re.split(r"([./:])", match[0]))


VERSIONS = (
    reader(
        "code",
        r"\b(?:v|V|ver\.?|version )(?P<span>\d{1,4}(?:\.\d{1,5}){1,4})(?![\d.]*\d)",
        say_version,
    ),
    reader("code", r"(?<!\w)[vV](?=\d{1,4}\.\d)", "v"),
    reader(
        "code",
        rf"{START}\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?:/\d{{1,2}})?(?::\d{{2,5}})?(?![\d.]*\d)",
        say_machine,
    ),
    reader("code", rf"{START}\d{{1,4}}(?:\.\d{{1,5}}){{2,4}}(?![\d.]*\d)", say_version),
)

# Fixed expressions

EXPRESSIONS = (
    reader("code", rf"{START}24[/-]7{END}", "twenty four seven"),
    reader("code", rf"{START}24/7/365{END}", "twenty four seven three sixty five"),
    reader("code", rf"{START}50[/-]50{END}", "fifty fifty"),
    reader("range", r"\bA[-–]Z\b", "A to Z"),
    reader(
        "code",  # 20/20 vision
        r"20/(?P<part>\d\d)(?= (?:vision|hindsight|eyesight))",
        lambda match: f"twenty {english_number(int(match['part']))}",
    ),
)

# Names in programs


def separate_words(name: str) -> str:
    """ThrowbackThursday -> Throwback Thursday, snake_case -> snake case."""
    parts = re.findall(rf"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-zà-öø-ɏ]+|[{LETTER}]+", name)
    return " ".join(in_pairs(part) if part.isdecimal() else part for part in parts)


def say_option(match: re.Match[str]) -> str | None:
    """--verbose and -v; not the -based of "web -based"."""
    dashes, name = match["dashes"], match["name"]
    if dashes == "-" and len(name) > 1:
        return None
    return f"{'dash ' * len(dashes)}{spell(name)}"


PROGRAMS = (
    reader(
        "code",
        r"(?<![\w.-])[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+(?:\(\))?",
        lambda match: separate_words(match[0]),
    ),
    reader(
        "code",
        r"(?<![\w.-])[a-z]{2,}(?:[A-Z][a-z]+)+(?:\(\))?(?!\w)",
        lambda match: separate_words(match[0]),
    ),
    reader(
        "code", r"(?<![\w-])(?P<dashes>--?)(?P<name>[A-Za-z][\w-]*)(?==| |$|[,.;)])", say_option
    ),
    reader(
        "address",
        r"(?<![\w#&/])#(?P<tag>[A-Za-z_]\w*)",
        lambda match: f"hashtag {separate_words(match['tag'])}",
    ),
)
CODES = (*WORDS, *SERIAL, *VERSIONS, *EXPRESSIONS, *PROGRAMS)
