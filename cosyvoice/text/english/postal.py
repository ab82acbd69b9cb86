"""Postal addresses in English: house numbers, streets, states and their codes."""

from __future__ import annotations

import re

from cosyvoice.text.english.codes import code_words
from cosyvoice.text.english.numbers import LETTER, START, grouped, ordinal_of
from cosyvoice.text.english.tables import table
from cosyvoice.text.spans import after, reader

STATES = table("""
    Alabama: AL; Alaska: AK; Arizona: AZ; Arkansas: AR; California: CA; Colorado: CO
    Connecticut: CT; Delaware: DE; Florida: FL; Georgia: GA; Hawaii: HI; Idaho: ID; Illinois: IL
    Indiana: IN; Iowa: IA; Kansas: KS; Kentucky: KY; Louisiana: LA; Maine: ME; Maryland: MD
    Massachusetts: MA; Michigan: MI; Minnesota: MN; Mississippi: MS; Missouri: MO; Montana: MT
    Nebraska: NE; Nevada: NV; New Hampshire: NH; New Jersey: NJ; New Mexico: NM; New York: NY
    North Carolina: NC; North Dakota: ND; Ohio: OH; Oklahoma: OK; Oregon: OR; Pennsylvania: PA
    Rhode Island: RI; South Carolina: SC; South Dakota: SD; Tennessee: TN; Texas: TX; Utah: UT
    Vermont: VT; Virginia: VA; Washington: WA; West Virginia: WV; Wisconsin: WI; Wyoming: WY
    D C: DC
""")
WORDS_TOO = frozenset("HI IN ME OH OK OR PA MA LA ID AL".split())  # Hello, HI there.
STREETS = table("""
    Street: St; Avenue: Ave Av; Boulevard: Blvd; Road: Rd; Drive: Dr; Lane: Ln; Court: Ct
    Highway: Hwy; Parkway: Pkwy; Place: Pl; Square: Sq; Terrace: Ter; Circle: Cir
    Expressway: Expy; Freeway: Fwy; Turnpike: Tpke; Way: Way; Trail: Trl; Alley: Aly
""")
DIRECTIONS = table("""
    North: N; South: S; East: E; West: W; Northeast: NE; Northwest: NW; Southeast: SE
    Southwest: SW
""")
STREET = rf"(?i:{'|'.join(sorted({*STREETS, *STREETS.values()}, key=len, reverse=True))})\b"
DIRECTION = rf"(?:{'|'.join(DIRECTIONS)}|North|South|East|West)"
NUMBERED_STREET = r"\d{1,3}(?:st|nd|rd|th)"
ZIP = r"\d{5}(?:-\d{4})?"


def say_house(match: re.Match[str]) -> str:
    """708 N 1st St -> seven oh eight North First Street."""
    street = match["street"]
    names = " ".join(street_word(word) for word in re.findall(r"[^\s.]+", street))
    stop = "." if street.endswith(".") and after(match, r"$|\s+[\"'(]?[A-Z\d]") else ""
    return f"{code_words(match['house'], by_digits=False)} {names}{stop}"


def street_word(word: str) -> str:
    if re.fullmatch(NUMBERED_STREET, word):
        return ordinal_of(word[:-2])
    return DIRECTIONS.get(word) or STREETS.get(word.capitalize(), word)


def say_street(match: re.Match[str]) -> str | None:
    """Park Ave. -> Avenue, Main St. in -> Street; Main St. Louis is a saint's."""
    word = match["word"]
    has_dot = match["span"].endswith(".")
    if has_dot and word in ("St", "Dr") and after(match, " [A-Z]"):
        return None
    return STREETS[word] + ("." if has_dot and after(match, r"$|\s+[\"'(]?[A-Z]") else "")


def say_state(match: re.Match[str]) -> str | None:
    """, CA 90210 -> California nine zero two one zero; None for a word."""
    code, number = match["state"], match["zip"]
    if code not in STATES:
        return None
    if code in WORDS_TOO and not number and not after(match, r"\.?$|[.,;)] "):
        return None
    comma = "," if match["comma"] and match["comma"] != " " else ""
    return STATES[code] + comma + (f" {grouped(number)}" if number else "")


POSTAL = (
    reader(
        "code",
        rf"{START}(?P<house>\d{{1,5}}[A-Z]?) (?P<street>(?:{DIRECTION}\.? )?"
        rf"(?:[A-Z][{LETTER}']*\.? |{NUMBERED_STREET} ){{1,3}}{STREET}\.?(?: {DIRECTION}\b)?)",
        say_house,
    ),
    reader(
        "abbreviation",
        rf"\b(?:[A-Z][a-z'-]+|{NUMBERED_STREET}) "
        r"(?P<span>(?P<word>St|Ave|Blvd|Rd|Dr|Ln|Hwy|Pkwy|Sq|Pl|Ct)\.?)(?=[,;:)?!.]|$| [A-Za-z])",
        say_street,
    ),
    reader(
        "code",
        rf"(?<=[a-z]), (?P<span>(?P<state>[A-Z]{{2}})(?P<comma>,? )?(?P<zip>(?<= ){ZIP})?)"
        rf"(?![{LETTER}\d])",
        say_state,
    ),
    reader(
        "code",
        rf"\b(?P<state>[A-Z]{{2}})(?P<comma> )(?P<zip>{ZIP})(?![{LETTER}\d]|[.,-]\d)",
        say_state,
    ),
)
