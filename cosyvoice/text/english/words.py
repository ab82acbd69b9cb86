"""Abbreviations and initials in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.context import stop
from cosyvoice.text.english.numbers import LETTER
from cosyvoice.text.english.tables import any_of, table
from cosyvoice.text.spans import after, reader

# Abbreviations

# Before a name
TITLES = table("""
    Doctor: Dr; Mister: Mr; Missus: Mrs; Ms: Ms; Mx: Mx; Professor: Prof; Governor: Gov
    Senator: Sen; Representative: Rep; President: Pres; General: Gen; Colonel: Col
    Lieutenant: Lt; Sergeant: Sgt; Captain: Capt; Commander: Cmdr; Admiral: Adm; Major: Maj
    Corporal: Cpl; Private: Pvt; Reverend: Rev; Honorable: Hon; Father: Fr; Superintendent: Supt
    Detective: Det; Inspector: Insp; Messieurs: Messrs; Saint: St; Mount: Mt; Fort: Ft
""")
SAINTS = """
    Louis Paul Petersburg John Peter Mary James George Andrew Patrick Helens Lucia Kitts Tropez
    Moritz Albans Pancras Thomas Francis""".split()
# Before a number, a letter or a Roman numeral
NUMBERED = table("""
    figure: fig; figures: figs; page: p pg; pages: pp pgs; numbers: nos; volume: vol
    volumes: vols; chapter: ch chap; section: sec sect; equation: eq; article: art; table: tab
    apartment: apt; suite: ste; building: bldg; floor: fl; room: rm; extension: ext
    version: ver; episode: ep; paragraph: para; appendix: app; reference: ref; minimum: min
    maximum: max; approximately: approx; circa: ca c; population: pop; established: est
    route: rte; highway: hwy
""")
COMMON = table("""
    approximately: approx; department: dept; government: govt; university: univ
    association: assn; associate: assoc; management: mgmt; manager: mgr; appointment: appt
    account: acct; address: addr; average: avg; building: bldg; continued: cont; definition: def
    district: dist; estimated: est; excluding: excl; including: incl; international: intl
    maximum: max; minimum: min; language: lang; miscellaneous: misc; national: natl
    original: orig; package: pkg; previous: prev; quantity: qty; recommended: rec
    temperature: temp; versus: vs; volume: vol; edition: ed; editors: eds; et al: et_al
    compare: cf; namely: viz; et cetera: etc; apartment: apt; telephone: tel; hours: hrs
    minutes: mins; years: yrs; pounds: lbs; junior: Jr; senior: Sr; esquire: Esq
""")
COMPANIES = table("""
    Incorporated: Inc; Limited: Ltd; Corporation: Corp; Company: Co; Brothers: Bros
""")
PHRASES = {
    r"e\.g\.,?": "for example",
    r"i\.e\.,?": "that is",
    r"a\.k\.a\.": "AKA",
    r"w\.r\.t\.": "with respect to",
    r"Ph\.? ?D\b\.?": "PhD",
    r"w/(?= ?[\w$])": "with",
    r"w/o\b": "without",
    r"b/c\b": "because",
    r"c/o\b": "care of",
    r"[nN]/[aA]\b": "N A",
    r"and/or\b": "and or",
    r"he/she\b": "he or she",
    r"s?he/he\b|s/he\b": "she or he",
    r"his/her\b": "his or her",
    r"him/her\b": "him or her",
    r"vs\b(?!\.)": "versus",
    r"etc\b(?!\.)": "et cetera",
}


def in_case_of(written: str, words: str) -> str:
    return words.capitalize() if written[0].isupper() else words


def say_numbered(match: re.Match[str]) -> str:
    """fig. 3 -> figure; the number is a span of its own."""
    return in_case_of(match[0], NUMBERED[match["word"].lower()])


COMMON_LOWER = {form.lower(): words for form, words in COMMON.items()}


def say_common(match: re.Match[str]) -> str:
    return in_case_of(match[0], COMMON_LOWER[match["word"].lower()]) + stop(match)


def say_company(match: re.Match[str]) -> str:
    """Smith & Co. Ltd. -> Company Limited."""
    return COMPANIES[match["word"]] + ("" if after(match, " (?:Ltd|Inc|LLC)") else stop(match))


def say_title(match: re.Match[str]) -> str:
    return TITLES[match[0].rstrip(".")]


ABBREVIATIONS = (
    reader(
        "abbreviation",
        rf"\b{any_of(TITLES)}\.(?= ?[A-Z]| (?:and|&) [A-Z]|(?<!Dr\.)(?<!St\.)$)",
        say_title,
    ),
    reader("abbreviation", r"\b(?:Mrs?|Ms|Dr|Prof|Sgt|Capt|Lt)(?= [A-Z][a-z])", say_title),
    reader("abbreviation", rf"\bSt(?= {any_of(SAINTS)}\b)", "Saint"),
    reader(
        "abbreviation",
        rf"\b(?P<word>(?i:{any_of(NUMBERED)}))\.(?= ?(?:#?\(?\d|[IVXLivxl]+\b|[A-Z]\b))",
        say_numbered,
    ),
    reader("abbreviation", r"(?<=[a-z] )v\.(?= [A-Z])", "versus"),
    reader("abbreviation", r"\bpp(?= ?\d)", "pages"),
    reader("abbreviation", r"\bb\.(?= \d{4}\b)", "born"),
    reader("abbreviation", r"\bd\.(?= \d{4}\b)", "died"),
    reader(
        "abbreviation",
        r"\b[Nn]o\.?(?= ?\d)|\bN[Oo]\.(?= ?#?[A-Z]{0,4}-?\d)|№(?= ?\d)",
        "number",
    ),
    reader("abbreviation", rf"\b(?P<word>(?i:{any_of(COMMON)}))\.(?!\w)", say_common),
    reader("abbreviation", rf"(?<=[A-Za-z&.,] )(?P<word>{any_of(COMPANIES)})\.(?!\w)", say_company),
    reader("abbreviation", r"(?<=\dth |\dst |\dnd |\drd )c\.(?= [a-z]|$|,)", "century"),
    *(
        reader("abbreviation", rf"(?<![{LETTER}\d/.]){pattern}", words)
        for pattern, words in PHRASES.items()
    ),
)

# Initials

NOT_INSIDE = rf"(?<![{LETTER}\d.])"
# After "U.S." these begin a sentence; other words with a capital may be a part of the name.
BEGINNING = (
    r"$|\s*$|\s+[\"'(]?(?:The|A|An|He|She|It|We|They|I|In|On|But|And|This|That|You|There|His|Her|If"
    r"|As|When)\b"
)


def say_initials(match: re.Match[str]) -> str:
    """U.S.A. -> USA, J. K. -> J K."""
    join = " " if " " in match[0] else ""
    letters = join.join(re.findall(f"[{LETTER}]", match[0])).upper()
    is_end = match[0].endswith(".") and after(match, r"\s*$" if join else BEGINNING)
    return letters + ("." if is_end else "")


INITIALS = (
    reader("initials", rf"{NOT_INSIDE}(?:[A-Z]\.){{2,}}(?:[A-Z]\b)?", say_initials),
    reader("initials", rf"{NOT_INSIDE}(?:[a-z]\.){{2,}}(?:[a-z]\b)?", say_initials),
    reader("initials", rf"{NOT_INSIDE}(?:[A-Z]\. )+[A-Z]\.(?!\w)", say_initials),
    reader("initials", rf"(?<![{LETTER}\d'])tv(?![{LETTER}\d])", "TV"),
)
