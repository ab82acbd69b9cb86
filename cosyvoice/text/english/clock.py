"""Times of day and durations in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.context import group, stop
from cosyvoice.text.english.numbers import END, LETTER, START, TO, last_pair, number
from cosyvoice.text.numbers import english_number
from cosyvoice.text.spans import after, reader

HALF = r"(?: ?[AaPp](?:\. ?[Mm]\b\.?|[Mm]\b))"  # am, p.m.
HOUR = r"(?:[01]?\d|2[0-4])"
MINUTE = r"[0-5]\d"
# After "p.m." a sentence goes on with a zone, a weekday or a month.
GOES_ON = (
    r"\s+(?:[A-Z]{2,4}\b|Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Ju|Aug|Sep|Oct|Nov|Dec)"
)


def time_words(hour: str, minute: str = "", second: str = "", half: str = "") -> str:
    """14:05 -> fourteen oh five, 2:00 pm -> two PM, 9:00 -> nine o'clock."""
    suffix = " " + re.sub("[^APM]", "", half.upper()) if half else ""
    if second:
        return duration(hour, minute, second) + suffix
    words = english_number(int(hour))
    if minute and int(minute):
        return f"{words} {last_pair(minute)}{suffix}"
    if half or not minute:
        return words + suffix
    if int(hour) in (0, 24):
        return "midnight"
    return f"{words} hundred" if int(hour) > 12 else f"{words} o'clock"


def duration(hours: str, minutes: str, seconds: str) -> str:
    """The parts that are not empty: one hour five minutes and thirty seconds."""
    units = ((hours, "hour"), (minutes, "minute"), (seconds, "second"))
    parts = [counted(written, unit) for written, unit in units if written]
    return " ".join([*parts[:-1], "and", parts[-1]] if len(parts) == 3 else parts)


def counted(written: str, unit: str) -> str:
    """1 hour, 1.5 seconds."""
    plain = re.sub(r"^0+(?=\d)", "", written)
    return f"{number(plain)} {unit if plain == '1' else unit + 's'}"


def say_time(match: re.Match[str]) -> str | None:
    hour, minute, half = match["hour"], group(match, "minute"), group(match, "half")
    if not (half or minute) or (half and int(hour) == 0 and not minute):
        return None
    return time_words(hour, minute, group(match, "second"), half) + stop_of_time(match)


def say_times(match: re.Match[str]) -> str | None:
    """9am-5pm, 9-11am, 9:00-17:30."""
    if not (match["last_half"] or (match["minute"] and match["last_minute"])):
        return None
    first = time_words(match["hour"], group(match, "minute"), half=group(match, "half"))
    last = time_words(
        match["last_hour"], group(match, "last_minute"), half=group(match, "last_half")
    )
    return f"{first} to {last}{stop_of_time(match)}"


def stop_of_time(match: re.Match[str]) -> str:
    return "" if after(match, GOES_ON) else stop(match)


def say_military(match: re.Match[str]) -> str:
    """0800 hours -> oh eight hundred hours."""
    return f"{last_pair(match['hour'])} {last_pair(match['minute'])}"


TIMES = (
    reader(
        "time",
        rf"{START}(?P<hour>{HOUR})(?::(?P<minute>{MINUTE})(?::(?P<second>{MINUTE}))?)?"
        rf"(?P<half>{HALF})?(?![\d%]|:\d|[.,]\d)",
        say_time,
    ),
    reader(
        "time", rf"{START}(?P<hour>1[0-2]|0?\d)\.(?P<minute>{MINUTE})(?P<half>{HALF})", say_time
    ),
    reader(
        "time",
        rf"{START}(?P<hour>{HOUR})(?::(?P<minute>{MINUTE}))?(?P<half>{HALF})?{TO}"
        rf"(?P<last_hour>{HOUR})(?::(?P<last_minute>{MINUTE}))?(?P<last_half>{HALF})?"
        rf"(?![\d%{LETTER}]|:\d|[.,]\d)",
        say_times,
    ),
    reader(
        "time",
        rf"(?<=\bat |\bby )(?P<hour>[01]\d|2[0-4])(?P<minute>{MINUTE})(?= (?:hours|hrs)\b)",
        say_military,
    ),
    reader("time", rf"\b(?P<hour>0\d)(?P<minute>{MINUTE})(?= (?:hours|hrs)\b)", say_military),
)


def say_duration(match: re.Match[str]) -> str:
    """1:05:30 and 5m 30s -> five minutes thirty seconds."""
    return duration(group(match, "hours"), group(match, "minutes"), group(match, "seconds"))


H, M, S = r" ?(?:h|hrs?)", r" ?(?:m|mins?)", r" ?(?:s|secs?)"
DURATIONS = (
    reader(
        "duration",
        rf"{START}(?P<hours>\d{{1,3}}):(?P<minutes>{MINUTE}):(?P<seconds>{MINUTE}(?:\.\d+)?){END}",
        say_duration,
    ),
    reader(
        "duration",
        rf"{START}(?P<minutes>\d{{1,2}}):(?P<seconds>{MINUTE}\.\d+){END}",
        say_duration,
    ),
    reader(
        "duration",
        rf"{START}(?P<minutes>\d{{1,2}}):(?P<seconds>{MINUTE}) ?(?:mins?|minutes){END}",
        say_duration,
    ),
    reader(
        "duration",
        rf"{START}(?P<hours>\d{{1,2}}):(?P<minutes>{MINUTE}) ?(?:h|hrs?|hours){END}",
        say_duration,
    ),
    reader(
        "duration",
        rf"{START}(?:(?P<hours>\d{{1,3}}){H} ?)?(?P<minutes>\d{{1,2}}){M} ?"
        rf"(?P<seconds>\d{{1,2}}(?:\.\d+)?){S}{END}",
        say_duration,
    ),
    reader(
        "duration",
        rf"{START}(?P<hours>\d{{1,3}}){H} ?(?P<minutes>\d{{1,2}})(?:{M})?{END}",
        say_duration,
    ),
)
