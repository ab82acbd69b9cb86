"""Dates, years, times of day and durations in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.numbers import (
    END,
    LETTER,
    START,
    TO,
    last_pair,
    number,
    plural,
    whole_number,
)
from cosyvoice.text.english.numbers import year as year_words
from cosyvoice.text.numbers import english_number, ordinal
from cosyvoice.text.spans import after, before, reader

MONTHS = (
    "January February March April May June July August September October November December"
).split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

# May and March are also words: only with a capital letter
MONTH = (
    r"(?:(?i:jan(?:uary)?|feb(?:ruary)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)|M(?:ay|AY|ar(?:ch)?|AR(?:CH)?))\b\.?"
)
ANY_MONTH = rf"(?:{MONTH}|mar(?:ch)?\b\.?|may\b)"
DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:(?i:st|nd|rd|th)\b|(?![\d:]))"
YEAR = r"(?:1\d{3}|20\d\d|21\d\d)"
WEEKDAY = r"(?:(?i:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?\b\.?)"
UNITS_OF_COUNT = r" ?(?:people|percent|%|miles|hours|days|minutes|years|points|dollars|times|of (?:us|them|you))\b"


def month_name(written: str) -> str:
    start = written[:3].lower()
    return next(name for name in MONTHS if name.lower().startswith(start))


def day_name(written: str) -> str:
    return ordinal(int(re.match(r"\d+", written)[0]))  # type: ignore[index]


def weekday_name(written: str) -> str:
    start = written[:2].lower()
    return next(name for name in WEEKDAYS if name.lower().startswith(start))


def with_year(words: str, year: str | None) -> str:
    if not year:
        return words
    return f"{words}, {two_digit_year(year) if len(year.lstrip(chr(39))) == 2 else year_words(year)}"


def two_digit_year(written: str) -> str:
    """05 -> oh five, 98 -> ninety eight."""
    pair = written.lstrip("'")
    return "two thousand" if pair == "00" else last_pair(pair)


# Dates


def say_month_first(match: re.Match[str]) -> str | None:
    """Nov 22-24, 2026 -> November twenty second to twenty fourth, twenty twenty six."""
    if not match["year"] and after(match, UNITS_OF_COUNT):
        return None
    words = f"{month_name(match['month'])} {day_name(match['day'])}"
    if match["last_day"]:
        month = f"{month_name(match['last_month'])} " if match["last_month"] else ""
        words += f" to {month}{day_name(match['last_day'])}"
    return weekday_before(match) + with_year(words, match["year"])


def say_day_first(match: re.Match[str]) -> str | None:
    """22 Nov 2026 -> the twenty second of November, twenty twenty six."""
    days = day_name(match["day"])
    if match["last_day"]:
        days += f" to {day_name(match['last_day'])}"
    has_article = match["article"] or before(match, r"\b[Tt]he ")
    words = f"{'' if has_article and not match['article'] else 'the '}{days} of {month_name(match['month'])}"
    return weekday_before(match) + with_year(words, match["year"])


def weekday_before(match: re.Match[str]) -> str:
    return f"{weekday_name(match['weekday'])}, " if match["weekday"] else ""


def say_month_and_year(match: re.Match[str]) -> str:
    months = month_name(match["month"])
    if match["last_month"]:
        months += f" to {month_name(match['last_month'])}"
    return f"{months} {with_year('', match['year']).lstrip(', ')}"


def say_numeric_date(match: re.Match[str]) -> str | None:
    """2026-11-22, 11/22/2026 and 22.11.2026; None where it is no date."""
    sign = match["sign"] or match["sign2"]
    if match["first"]:
        first, second, year = match["first"], match["second"], match["last"]
        day_first = int(first) > 12 or (sign == "." and int(second) <= 12)
        month, day = (second, first) if day_first else (first, second)
    else:
        year, month, day, day_first = match["year"], match["month"], match["day"], False
        if int(month) > 12:
            month, day = day, month
    if not is_date(month, day):
        return None
    words = f"{MONTHS[int(month) - 1]} {ordinal(int(day))}"
    if day_first:
        words = f"the {ordinal(int(day))} of {MONTHS[int(month) - 1]}"
    return with_year(words, year)


def say_timestamp(match: re.Match[str]) -> str | None:
    """2026-11-22T10:30:00Z -> November twenty second, twenty twenty six, ten thirty."""
    if not is_date(match["month"], match["day"]):
        return None
    words = f"{MONTHS[int(match['month']) - 1]} {ordinal(int(match['day']))}"
    return f"{with_year(words, match['year'])}, {time_words(match['hour'], match['minute'], None, None)}"


def is_date(month: str, day: str) -> bool:
    longest = (31, 30, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= int(month) <= 12 and 1 <= int(day) <= longest[int(month) - 1]


def say_short_date(match: re.Match[str]) -> str | None:
    """12/25 -> December twenty fifth, where the words around it say that it is a date."""
    if not is_date(match["month"], match["day"]):
        return None
    return f"{MONTHS[int(match['month']) - 1]} {ordinal(int(match['day']))}"


def say_quarter(match: re.Match[str]) -> str:
    """2Q22 -> the second quarter of twenty two, H1 2024 -> H one twenty twenty four."""
    part = {"Q": "quarter", "H": "half"}[match["part"]]
    return f"the {ordinal(int(match['count']))} {part} of {year_or_pair(match['year'])}"


def year_or_pair(written: str) -> str:
    return last_pair(written) if len(written) == 2 else year_words(written)


DATES = (
    reader(
        "date",
        rf"(?<![{LETTER}])(?:(?P<weekday>{WEEKDAY}),? )?(?P<month>{MONTH}) ?[- ]?(?:the )?(?P<day>{DAY})"
        rf"(?:{TO}(?:(?P<last_month>{MONTH}) ?)?(?P<last_day>{DAY}))?(?![\d/%]|[.,]\d)"
        rf"(?:(?:,? ?| of |-)(?P<year>{YEAR}|'\d\d)(?![\d{LETTER}]|,\d))?",
        say_month_first,
    ),
    reader(
        "date",
        rf"(?<![{LETTER}])(?:(?P<weekday>{WEEKDAY}),? )?(?P<article>the )?{START}(?P<day>{DAY})(?:{TO}(?P<last_day>{DAY}))?"
        rf"(?: of )?[ -]?(?P<month>{MONTH})(?:(?:,? ?| of |-)(?P<year>{YEAR}|'\d\d)(?![\d{LETTER}]|,\d))?(?![{LETTER}])",
        say_day_first,
    ),
    reader(
        "date",
        rf"(?P<weekday>)(?P<article>)(?P<last_day>){START}(?P<day>{DAY}) (?P<month>{ANY_MONTH}),? (?P<year>{YEAR})(?!\d)",
        say_day_first,
    ),
    reader(
        "date",
        rf"(?<![{LETTER}])(?P<month>{MONTH})(?:{TO}(?P<last_month>{MONTH}))?(?:,| of)? ?-?(?P<year>{YEAR}|'\d\d)(?![\d{LETTER}]|,\d)",
        say_month_and_year,
    ),
    reader("date", rf"\b(?P<month>may|march|mar\.?) (?P<last_month>)(?P<year>{YEAR})(?![\d{LETTER}]|,\d)", say_month_and_year),
    reader(
        "date",
        rf"{START}(?:(?P<year>{YEAR})(?P<sign>[-/.])(?P<month>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}})"
        rf"|(?P<first>\d{{1,2}})(?P<sign2>[-/.])(?P<second>\d{{1,2}})(?P=sign2)(?P<last>{YEAR}|(?<=/)\d\d))(?=T\d|(?![\d{LETTER}_/-]|\.\d))",
        say_numeric_date,
    ),
    reader(
        "date",
        rf"(?:\b(?:(?i:on|since|until|till|due|dated?)|{WEEKDAY}|Tu|Th),? \(?|\()(?P<span>(?P<month>1[0-2]|0?[1-9])/(?P<day>3[01]|[12]\d|0?[1-9]))(?![\d/.]*\d|-?[ -](?:inch|of|cup|the)\b|[{LETTER}%])",
        say_short_date,
    ),
    reader(
        "date",
        rf"\b(?i:by|before|after|from|to) (?P<span>(?P<month>1[0-2]|[1-9])/(?P<day>3[01]|2\d|1[1-57-9]|1|0[1-9]))(?![\d/.]*\d|-?[ -](?:inch|of|cup|the)\b|[{LETTER}%])",
        say_short_date,
    ),
    reader(
        "date",
        rf"{START}(?P<year>{YEAR})-(?P<month>\d\d)-(?P<day>\d\d)T(?P<hour>\d\d):(?P<minute>\d\d)(?::\d\d(?:\.\d+)?)?(?:Z\b|[+-]\d\d:?\d\d)?",
        say_timestamp,
    ),
    reader("date", rf"{START}(?P<count>[1-4])(?P<part>[QH])(?P<year>{YEAR}|\d\d){END}", say_quarter),
    reader("date", rf"{START}9/11(?![\d/.{LETTER}])", "nine eleven"),
)


# Names of months and weekdays


def say_names(match: re.Match[str]) -> str | None:
    name = month_name if match["kind"] else weekday_name
    return name(match["name"])


def stop_of(match: re.Match[str]) -> str:
    return "." if match[0].endswith(".") and after(match, r"$|\s+[\"'(]?[A-Z]") else ""


SHORT_MONTH = r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
SHORT_DAY = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"
NAMES = (
    reader("abbreviation", rf"\b(?P<name>{SHORT_MONTH})\.(?=$|[ ,;)-])", lambda m: month_name(m["name"]) + stop_of(m)),
    reader("abbreviation", rf"\b(?P<name>{SHORT_DAY})\.(?=$|[ ,;)-])", lambda m: weekday_name(m["name"]) + stop_of(m)),
    reader(
        "abbreviation",
        rf"\b(?P<name>{SHORT_DAY}|Tu|Th)(?=,? (?:\d|\(\d|{MONTH}|at \d|(?:morning|afternoon|evening|night)\b))",
        lambda m: weekday_name(m["name"]),
    ),
    reader(
        "range",
        rf"\b(?P<first>{WEEKDAY}){TO}(?P<last>{WEEKDAY})(?![{LETTER}])",
        lambda m: f"{weekday_name(m['first'])} to {weekday_name(m['last'])}" + stop_of(m),
    ),
    reader(
        "range",
        rf"\b(?P<first>{MONTH}){TO}(?P<last>{MONTH})(?![{LETTER}])(?! ?\d)",
        lambda m: f"{month_name(m['first'])} to {month_name(m['last'])}" + stop_of(m),
    ),
)


# Years


DECADE_BEFORE = r"\b(?i:the|his|her|their|my|your|our|in|of|from|late|early|mid)[ -]"


def say_decades(match: re.Match[str]) -> str | None:
    """1990s -> nineteen nineties, '80s -> eighties, 1960s-80s -> nineteen sixties to eighties."""
    is_bare = re.fullmatch(r"\d0s", match[0]) is not None
    if is_bare and not before(match, DECADE_BEFORE):
        return None  # thirty seconds
    part = f"{match['part'].lower()} " if match["part"] else ""
    words = part + decade(match["first"])
    return f"{words} to {decade(match['last'])}" if match["last"] else words


def decade(written: str) -> str:
    years = re.sub(r"\D", "", written)
    words = year_words(years) if len(years) == 4 else english_number(int(years))
    return plural(words)


def say_years(match: re.Match[str]) -> str | None:
    """2024-25 -> twenty twenty four to twenty five."""
    first, last = match["first"], match["last"]
    if len(last) == 4 and int(last) < int(first):
        return None
    if len(last) == 2 and int(last) <= int(first[2:]):
        return None
    return f"{year_words(first)} to {year_or_pair(last)}"


def say_era(match: re.Match[str]) -> str:
    letters = match["era"].upper().replace(".", "").replace(" ", "")
    years = " to ".join(year_words(year) for year in re.split(TO, match["years"]))
    if match["before"]:
        return f"{match['before'].upper().replace('.', '').strip()} {years}"
    return f"{years} {letters}{stop_of(match)}"


# After these a number of four digits is a year even before a plural noun.
YEAR_BEFORE = (
    r"(?:\b(?i:in|since|by|until|till|during|from|before|after|circa|ca\.|c\.|of|year|fiscal|FY|and|to|or|early|late|mid|spring|summer"
    r"|autumn|fall|winter|the|this|our|their|its|his|her|my|vintage|class|copyright|©|born|died|b\.|d\.)|'s|©)[ -]\(?"
)
COUNTED_AFTER = (
    r"\s?(?:(?!was|is|has|as|its|this|us|plus|thus|always|does|sees|says|perhaps|yes)[a-z]+s\b|people\b|men\b|women\b|children\b|feet\b"
    r"|(?:new|more|different|other|small|large|old|young|million|extra|additional|square|cubic|active|free|of|people|male|female) |%)"
)
AMOUNT_BEFORE = r"\b(?i:about|over|than|nearly|almost|around|approximately|roughly|some|exactly|total of|up to|only|least|most) "


def say_year(match: re.Match[str]) -> str | None:
    """A number of four digits, unless something is counted."""
    written = match["year"]
    has_context = before(match, YEAR_BEFORE)
    if after(match, COUNTED_AFTER) and not before(match, YEAR_BEFORE.replace("|and|to|or", "").replace("|of", "")):
        return None
    if before(match, AMOUNT_BEFORE) or after(match, r" ?[-+*/×÷=^°]\s?\d|[.,]\d"):
        return None
    alone = match[0] == match.string.strip(" .,!?()")
    doubtful = before(match, r"\b(?:to|by|and|or|from|its|his|the) ") or (
        before(match, r"\bof ") and written.endswith("0")
    )
    likely = 1900 <= int(written) <= 2099 or (has_context and not doubtful)
    return year_words(written) if likely or alone else None


YEARS = (
    reader(
        "year",
        rf"(?<![{LETTER}\d])(?:(?P<part>(?i:mid|early|late))[- ])?(?P<first>'?{START}(?:[12]\d\d0|[1-9]0)'?s){END}"
        rf"(?:{TO}(?P<last>'?(?:[12]\d\d0|[1-9]0)'?s){END})?",
        say_decades,
    ),
    reader("year", rf"(?P<part>)(?P<last>)\b(?P<first>[12]\d\d0 s)\b", say_decades),
    reader("year", rf"{START}(?P<first>{YEAR})(?:{TO}|/)(?P<last>{YEAR}|\d\d)(?![{LETTER}\d_]|[-–/.,]\d)(?! ?(?:kg|km|people|%))", say_years),
    reader(
        "year",
        rf"(?P<before>\b(?:A\.?D\.? ))?{START}(?P<years>\d{{1,4}}(?:{TO}\d{{1,4}})?) ?(?P<era>B\.? ?C\.? ?E?\b\.?|A\.? ?D\b\.?|C\.? ?E\b\.?)(?![{LETTER}\d])",
        say_era,
    ),
    reader("year", rf"\bA\.?D\.? (?P<year>\d{{1,4}}){END}", lambda m: f"AD {year_words(m['year'])}"),
    reader("year", rf"(?<![{LETTER}\d_.,#$€£/+:=-])(?P<year>1\d{{3}}|2\d{{3}})(?![{LETTER}\d_]|[.,:/]\d|-\d)", say_year),
    reader("year", rf"(?<![{LETTER}\d])'(?P<pair>\d\d)(?![{LETTER}\d'\"])", lambda m: two_digit_year(m["pair"])),
)


# Times of day

HALF = r"(?: ?[AaPp](?:\. ?[Mm]\b\.?|[Mm]\b))"
CLOCK = r"(?:[01]?\d|2[0-4])"


def time_words(hour: str, minute: str | None, second: str | None, half: str | None) -> str:
    """14:05 -> fourteen oh five, 2:00 pm -> two PM, 9:00 -> nine o'clock."""
    suffix = " " + re.sub(r"[^APM]", "", half.upper()) if half else ""
    if second:
        return clock_with_seconds(hour, minute or "0", second) + suffix
    if minute and int(minute):
        return f"{hour_word(hour, half)} {last_pair(minute)}{suffix}"
    if suffix or minute is None:
        return hour_word(hour, half) + suffix
    if int(hour) in (0, 24):
        return "midnight"
    return f"{english_number(int(hour))} {'hundred' if int(hour) > 12 else chr(111) + chr(39) + 'clock'}"


def hour_word(hour: str, half: str | None) -> str:
    return english_number(int(hour))


def clock_with_seconds(hour: str, minute: str, second: str) -> str:
    parts = [counted(value, unit) for value, unit in ((hour, "hour"), (minute, "minute"), (second, "second"))]
    return f"{parts[0]} {parts[1]} and {parts[2]}"


def counted(written: str, unit: str) -> str:
    """1 hour, 1.5 seconds."""
    value = written.lstrip("0") or "0"
    value = f"0{value}" if value[0] == "." else value
    return f"{number(value)} {unit if value == '1' else unit + 's'}"


def say_time(match: re.Match[str]) -> str | None:
    if not (match["half"] or match["minute"]):
        return None
    if match["half"] and not 0 < int(match["hour"]) <= 24:
        return None
    return time_words(match["hour"], match["minute"], match["second"], match["half"]) + stop_of_half(match)


def stop_of_half(match: re.Match[str]) -> str:
    zone = rf"\s+(?:[A-Z]{{2,4}}\b|{WEEKDAY}|{MONTH})"
    return stop_of(match) if not after(match, zone) else ""


def say_times(match: re.Match[str]) -> str | None:
    """9am-5pm, 9-11am, 9:00-17:30."""
    if not (match["half2"] or (match["minute"] and match["minute2"])):
        return None
    first = time_words(match["hour"], match["minute"], None, match["half"])
    last = time_words(match["hour2"], match["minute2"], None, match["half2"])
    return f"{first} to {last}{stop_of_half(match)}"


TIMES = (
    reader(
        "time",
        rf"{START}(?P<hour>{CLOCK})(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?)?(?P<half>{HALF})?(?![\d%]|:\d|[.,]\d)",
        say_time,
    ),
    reader("time", rf"{START}(?P<hour>1[0-2]|0?\d)\.(?P<minute>[0-5]\d)(?P<second>)(?P<half>{HALF})", say_time),
    reader(
        "time",
        rf"{START}(?P<hour>{CLOCK})(?::(?P<minute>[0-5]\d))?(?P<half>{HALF})?{TO}(?P<hour2>{CLOCK})(?::(?P<minute2>[0-5]\d))?(?P<half2>{HALF})?(?![\d%{LETTER}]|:\d|[.,]\d)",
        say_times,
    ),
)


# Durations


def say_duration(match: re.Match[str]) -> str:
    """1:05:30 -> one hour five minutes and thirty seconds, 5m 30s -> five minutes thirty seconds."""
    hours, minutes, seconds = match["hours"], match["minutes"], match["seconds"]
    parts = [
        counted(value, unit)
        for value, unit in ((hours, "hour"), (minutes, "minute"), (seconds, "second"))
        if value
    ]
    return " ".join([*parts[:-1], "and", parts[-1]]) if ":" in match[0] else " ".join(parts)


DURATIONS = (
    reader("duration", rf"{START}(?P<hours>\d{{1,3}}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d(?:\.\d+)?){END}", say_duration),
    reader("duration", rf"{START}(?P<hours>)(?P<minutes>\d{{1,2}}):(?P<seconds>[0-5]\d\.\d+){END}", say_duration),
    reader(
        "duration",
        rf"{START}(?:(?P<hours>\d{{1,3}}) ?(?:h|hr|hrs) ?)?(?P<minutes>\d{{1,2}}) ?(?:m|min|mins) ?(?P<seconds>\d{{1,2}}(?:\.\d+)?) ?(?:s|sec|secs){END}",
        say_duration,
    ),
    reader("duration", rf"{START}(?P<hours>\d{{1,3}}) ?(?:h|hr|hrs) ?(?P<minutes>\d{{1,2}}) ?(?:m|min|mins)?(?P<seconds>){END}", say_duration),
)
