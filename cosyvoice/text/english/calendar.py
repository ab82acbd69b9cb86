"""Dates, months and weekdays in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.clock import time_words
from cosyvoice.text.english.context import NEXT_SENTENCE, group, stop
from cosyvoice.text.english.numbers import END, LETTER, START, TO
from cosyvoice.text.english.years import SHORT_YEAR, YEAR, any_year
from cosyvoice.text.numbers import ordinal
from cosyvoice.text.spans import after, before, reader

MONTHS = (
    "January February March April May June July August September October November December"
).split()
LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

# May and March are also words: only with a capital letter
MONTH = (
    r"(?:(?i:jan(?:uary)?|feb(?:ruary)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)|M(?:ay|AY|ar(?:ch)?|AR(?:CH)?))\b\.?"
)
ANY_MONTH = rf"(?:{MONTH}|mar(?:ch)?\b\.?|may\b)"
WEEKDAY = r"(?:(?i:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?\b\.?)"
SHORT_MONTH = r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
SHORT_DAY = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"
DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:(?i:st|nd|rd|th)\b|(?![\d:]))"
OF_YEAR = rf"(?:(?:,? ?| of |-)(?P<year>{YEAR}|{SHORT_YEAR})(?![\d{LETTER}]|,\d))?"
COUNTED = (
    r" ?(?:people|percent|%|miles|hours|days|minutes|years|points|dollars|times"
    r"|of (?:us|them|you))\b"
)


def month_name(written: str) -> str:
    """Sept., 9 and 09 -> September."""
    if written.isdigit():
        return MONTHS[int(written) - 1]
    return next(name for name in MONTHS if name.lower().startswith(written[:3].lower()))


def weekday_name(written: str) -> str:
    return next(name for name in WEEKDAYS if name.lower().startswith(written[:2].lower()))


def day_name(written: str) -> str:
    """22 and 22nd -> twenty second."""
    return ordinal(int(re.sub(r"\D", "", written)))


def is_date(month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= LENGTHS[int(month) - 1]


def date_words(month: str, day: str, year: str = "", day_first: bool = False) -> str:
    words = f"{month_name(month)} {day_name(day)}"
    if day_first:
        words = f"the {day_name(day)} of {month_name(month)}"
    return with_year(words, year)


def with_year(words: str, year: str) -> str:
    return f"{words}, {any_year(year)}" if year else words


def with_weekday(match: re.Match[str], words: str) -> str:
    weekday = group(match, "weekday")
    return f"{weekday_name(weekday)}, {words}" if weekday else words


def say_month_first(match: re.Match[str]) -> str | None:
    """Nov 22-24, 2026 -> November twenty second to twenty fourth, twenty twenty six."""
    if not match["year"] and after(match, COUNTED):
        return None
    words = date_words(match["month"], match["day"])
    if match["last_day"]:
        month = f"{month_name(match['last_month'])} " if match["last_month"] else ""
        words += f" to {month}{day_name(match['last_day'])}"
    return with_weekday(match, with_year(words, group(match, "year")))


def say_day_first(match: re.Match[str]) -> str:
    """22 Nov 2026 -> the twenty second of November, twenty twenty six."""
    days = day_name(match["day"])
    if last := group(match, "last_day"):
        days += f" to {day_name(last)}"
    article = "" if before(match, r"\b[Tt]he ") else "the "
    words = f"{article}{days} of {month_name(match['month'])}"
    return with_weekday(match, with_year(words, group(match, "year")))


def say_month_and_year(match: re.Match[str]) -> str:
    """Jan-Mar 2026 -> January to March twenty twenty six."""
    months = [match["month"], group(match, "last_month")]
    words = " to ".join(month_name(month) for month in months if month)
    return f"{words} {any_year(match['year'])}"


def say_numeric_date(match: re.Match[str]) -> str | None:
    """11/22/2026 and 22.11.2026: the month is first, but not with dots or where it is over 12."""
    first, second = match["first"], match["second"]
    day_first = int(first) > 12 or (match["sign"] == "." and int(second) <= 12)
    month, day = (second, first) if day_first else (first, second)
    return date_words(month, day, match["year"], day_first) if is_date(month, day) else None


def say_iso_date(match: re.Match[str]) -> str | None:
    """2026-11-22, 2026/22/11, 2026-11-22T10:30:00Z."""
    month, day = match["month"], match["day"]
    if int(month) > 12:
        month, day = day, month
    if not is_date(month, day):
        return None
    hour = group(match, "hour")
    time = f", {time_words(hour, match['minute'])}" if hour else ""
    return date_words(month, day, match["year"]) + time


def say_short_date(match: re.Match[str]) -> str | None:
    """12/25 -> December twenty fifth, where the words around it say that it is a date."""
    month, day = match["month"], match["day"]
    return date_words(month, day) if is_date(month, day) else None


def say_quarter(match: re.Match[str]) -> str:
    """2Q22 -> the second quarter of twenty two."""
    part = {"Q": "quarter", "H": "half"}[match["part"]]
    return f"the {day_name(match['count'])} {part} of {any_year(match['year'])}"


NO_FRACTION = rf"(?![\d/.]*\d|-?[ -](?:inch|of|cup|the)\b|[{LETTER}%])"
TIME = r"T(?P<hour>\d\d):(?P<minute>\d\d)(?::\d\d(?:\.\d+)?)?(?:Z\b|[+-]\d\d:?\d\d)?"
DATES = (
    reader(
        "date",
        rf"(?<![{LETTER}])(?:(?P<weekday>{WEEKDAY}),? )?(?P<month>{MONTH}) ?[- ]?(?:the )?"
        rf"(?P<day>{DAY})(?:{TO}(?:(?P<last_month>{MONTH}) ?)?(?P<last_day>{DAY}))?"
        rf"(?![\d/%]|[.,]\d){OF_YEAR}",
        say_month_first,
    ),
    reader(
        "date",
        rf"(?<![{LETTER}])(?:(?P<weekday>{WEEKDAY}),? )?(?:the )?{START}(?P<day>{DAY})"
        rf"(?:{TO}(?P<last_day>{DAY}))?(?: of )?[ -]?(?P<month>{MONTH}){OF_YEAR}(?![{LETTER}])",
        say_day_first,
    ),
    reader(
        "date",
        rf"{START}(?P<day>{DAY}) (?P<month>{ANY_MONTH}),? (?P<year>{YEAR})(?!\d)",
        say_day_first,
    ),
    reader(
        "date",
        rf"(?<![{LETTER}])(?P<month>{ANY_MONTH})(?:{TO}(?P<last_month>{MONTH}))?(?:,| of)? ?-?"
        rf"(?P<year>{YEAR}|{SHORT_YEAR})(?![\d{LETTER}]|,\d)",
        say_month_and_year,
    ),
    reader(
        "date",
        rf"{START}(?P<first>\d{{1,2}})(?P<sign>[-/.])(?P<second>\d{{1,2}})(?P=sign)"
        rf"(?P<year>{YEAR}|(?<=/)\d\d)(?![\d{LETTER}_/-]|\.\d)",
        say_numeric_date,
    ),
    reader(
        "date",
        rf"{START}(?P<year>{YEAR})(?P<sign>[-/.])(?P<month>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}})"
        rf"(?:{TIME}|(?![\d{LETTER}_/-]|\.\d))",
        say_iso_date,
    ),
    reader(
        "date",
        rf"(?:\b(?:(?i:on|since|until|till|due|dated?)|{WEEKDAY}|Tu|Th),? \(?|\()"
        rf"(?P<span>(?P<month>1[0-2]|0?[1-9])/(?P<day>3[01]|[12]\d|0?[1-9])){NO_FRACTION}",
        say_short_date,
    ),
    reader(
        "date",  # not "by 1/3"
        r"\b(?i:by|before|after|from|to) (?P<span>(?P<month>1[0-2]|[1-9])/"
        rf"(?P<day>3[01]|2\d|1[1-57-9]|1|0[1-9])){NO_FRACTION}",
        say_short_date,
    ),
    reader(
        "date",
        rf"{START}(?P<count>[1-4])(?P<part>[QH]) ?(?P<year>{YEAR}|\d\d){END}",
        say_quarter,
    ),
    reader("date", rf"{START}9/11(?![\d/.{LETTER}])", "nine eleven"),
)

# Months and weekdays

DAY_BEFORE = r"\b(?i:on|by|until|till|every|each|this|next|last|and|or|to|from|&|-),? ?"


def say_month(match: re.Match[str]) -> str:
    return month_name(match["name"]) + stop(match)


def say_short_day(match: re.Match[str]) -> str | None:
    """Sat. -> Saturday; None at the end of a sentence: we looked at the Sun."""
    if after(match, NEXT_SENTENCE) and not before(match, DAY_BEFORE):
        return None
    return weekday_name(match["name"]) + stop(match)


def say_weekdays(match: re.Match[str]) -> str:
    return f"{weekday_name(match['first'])} to {weekday_name(match['last'])}{stop(match)}"


def say_months(match: re.Match[str]) -> str:
    return f"{month_name(match['first'])} to {month_name(match['last'])}{stop(match)}"


DATE_AFTER = rf"(?=,? (?:\d|\(\d|{MONTH}|at \d|(?:morning|afternoon|evening|night)\b))"
NAMES = (
    reader("abbreviation", rf"\b(?P<name>{SHORT_MONTH})\.(?=$|[ ,;)-])", say_month),
    reader("abbreviation", rf"\b(?P<name>{SHORT_DAY})\.(?=$|[ ,;)-])", say_short_day),
    reader(
        "abbreviation",
        rf"\b(?:{SHORT_DAY}|Tu|Th){DATE_AFTER}",
        lambda match: weekday_name(match[0]),
    ),
    reader("range", rf"\b(?P<first>{WEEKDAY}){TO}(?P<last>{WEEKDAY})(?![{LETTER}])", say_weekdays),
    reader(
        "range", rf"\b(?P<first>{MONTH}){TO}(?P<last>{MONTH})(?![{LETTER}])(?! ?\d)", say_months
    ),
)
