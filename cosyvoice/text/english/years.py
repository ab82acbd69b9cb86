"""Years, decades and eras in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.context import group, stop
from cosyvoice.text.english.numbers import END, LETTER, START, TO, last_pair, plural, year
from cosyvoice.text.numbers import english_number
from cosyvoice.text.spans import after, before, reader

YEAR = r"(?:1\d{3}|20\d\d|21\d\d)"
SHORT_YEAR = r"'\d\d"
DECADE = r"'?(?:[12]\d\d0|[1-9]0)'?s"
DECADE_BEFORE = r"\b(?i:the|his|her|their|my|your|our|in|of|from|late|early|mid)[ -]"
ERA = r"B\.? ?C\.? ?E?\b\.?|A\.? ?D\b\.?|C\.? ?E\b\.?"


def short_year(written: str) -> str:
    """'05 -> oh five, 98 -> ninety eight."""
    pair = written.lstrip("'")
    return "two thousand" if pair == "00" else last_pair(pair)


def any_year(written: str) -> str:
    """Of two digits or four."""
    return short_year(written) if len(written.lstrip("'")) == 2 else year(written)


def say_decades(match: re.Match[str]) -> str | None:
    """1990s -> nineteen nineties, '80s -> eighties, 1960s-80s -> nineteen sixties to eighties."""
    if re.fullmatch(r"\d0s", match[0]) and not before(match, DECADE_BEFORE):
        return None  # thirty seconds
    words = " to ".join(decade(each) for each in (match["first"], group(match, "last")) if each)
    return f"{group(match, 'part').lower()} {words}".strip()


def decade(written: str) -> str:
    years = re.sub(r"\D", "", written)
    return plural(year(years) if len(years) == 4 else english_number(int(years)))


def say_years(match: re.Match[str]) -> str | None:
    """2024-25 -> twenty twenty four to twenty five; None where the second comes first."""
    first, last = match["first"], match["last"]
    if int(last) <= int(first[-len(last) :]):
        return None
    return f"{year(first)} to {any_year(last)}"


def say_era(match: re.Match[str]) -> str:
    """476 A.D. -> four seventy six AD."""
    years = " to ".join(year(each) for each in re.split(TO, match["years"]))
    return f"{years} {re.sub('[^A-Z]', '', match['era'].upper())}{stop(match)}"


# Words before a year, also before a plural noun: the 2024 results
SURE_BEFORE = (
    "in|since|until|till|during|from|before|after|circa|ca\\.|c\\.|year|fiscal|FY|early|late|mid"
    "|[QH][1-4]|spring|summer|autumn|fall|winter|vintage|class|copyright|born|died"
    "|b\\.|d\\.|the|this|our|their|its|his|her|my|by"
)
SURE = rf"(?:\b(?i:{SURE_BEFORE})|'s|©)[ -]\(?"
LIKELY = rf"(?:\b(?i:{SURE_BEFORE}|of|and|to|or)|'s|©)[ -]\(?"
DOUBTFUL = r"\b(?:to|by|and|or|from|its|his|the) "
COUNTED_AFTER = (
    r"\s?(?:(?!was|is|has|as|its|this|us|plus|thus|always|does|sees|says|perhaps|yes)[a-z]+s\b"
    r"|(?:people|men|women|children|feet)\b|(?:new|more|different|other|small|large|old|young"
    r"|million"
    r"|extra|additional|square|cubic|active|free|of|people|male|female) |%)"
)
AMOUNT_BEFORE = (
    r"\b(?i:about|over|than|nearly|almost|around|approximately|roughly|some|exactly|total of|up to"
    r"|only|least|most) "
)
PART_OF_NUMBER = r" ?[-+*/×÷=^°]\s?\d|[.,]\d"


def say_year(match: re.Match[str]) -> str | None:
    """A number of four digits, unless something is counted: in 2020, but 2020 people."""
    if after(match, COUNTED_AFTER) and not before(match, SURE):
        return None
    if before(match, AMOUNT_BEFORE) or after(match, PART_OF_NUMBER):
        return None
    is_alone = match[0] == match.string.strip(" .,!?()") and int(match["year"]) >= 1100
    is_recent = 1900 <= int(match["year"]) <= 2099
    return year(match["year"]) if is_recent or is_alone or has_year_before(match) else None


def has_year_before(match: re.Match[str]) -> bool:
    """Whether the word before a number makes it a year of any century."""
    is_round = before(match, r"\bof ") and match["year"].endswith("0")
    return before(match, LIKELY) and not before(match, DOUBTFUL) and not is_round


YEARS = (
    reader(
        "year",
        rf"(?<![{LETTER}\d])(?:(?P<part>(?i:mid|early|late))[- ])?(?P<first>{DECADE}){END}"
        rf"(?:{TO}(?P<last>{DECADE}){END})?",
        say_decades,
    ),
    reader("year", r"\b(?P<first>[12]\d\d0 s)\b", say_decades),
    reader(
        "year",
        rf"{START}(?P<first>{YEAR})(?:{TO}|/)(?P<last>{YEAR}|\d\d)"
        rf"(?![{LETTER}\d_]|[-–/.,]\d)(?! ?(?:kg|km|people|%))",
        say_years,
    ),
    reader(
        "year",
        rf"{START}(?P<years>\d{{1,4}}(?:{TO}\d{{1,4}})?) ?(?P<era>{ERA})(?![{LETTER}\d])",
        say_era,
    ),
    reader(
        "year",
        rf"\bA\.?D\.? (?P<year>\d{{1,4}}){END}",
        lambda match: f"AD {year(match['year'])}",
    ),
    reader(
        "year",
        rf"(?<![{LETTER}\d_.,#$€£/+:=-])(?P<year>[12]\d{{3}})(?![{LETTER}\d_]|[.,:/]\d|-\d)",
        say_year,
    ),
    reader(
        "year",
        rf"(?<![{LETTER}\d]){SHORT_YEAR}(?![{LETTER}\d'\"])",
        lambda match: short_year(match[0]),
    ),
)
