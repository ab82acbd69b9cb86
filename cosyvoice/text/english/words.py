"""Abbreviations, initials and Roman numerals in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.numbers import LETTER, year
from cosyvoice.text.numbers import english_number, ordinal, roman
from cosyvoice.text.spans import Reader, after, before, reader

# Before a name
TITLES = {
    "Dr": "Doctor", "Mr": "Mister", "Mrs": "Missus", "Ms": "Ms", "Prof": "Professor", "Gov": "Governor", "Sen": "Senator",
    "Rep": "Representative", "Pres": "President", "Gen": "General", "Col": "Colonel", "Lt": "Lieutenant", "Sgt": "Sergeant",
    "Capt": "Captain", "Cmdr": "Commander", "Adm": "Admiral", "Maj": "Major", "Cpl": "Corporal", "Pvt": "Private", "Rev": "Reverend",
    "Hon": "Honorable", "Fr": "Father", "Supt": "Superintendent", "Det": "Detective", "Insp": "Inspector", "St": "Saint",
    "Mt": "Mount", "Ft": "Fort", "Messrs": "Messieurs", "Mx": "Mx",
}  # fmt: skip
# Before a number, a letter or a Roman numeral
NUMBERED = {
    "fig": "figure", "figs": "figures", "p": "page", "pp": "pages", "pg": "page", "pgs": "pages", "nos": "numbers",
    "vol": "volume", "vols": "volumes", "ch": "chapter", "chap": "chapter", "sec": "section", "sect": "section", "eq": "equation",
    "art": "article", "tab": "table", "apt": "apartment", "ste": "suite", "bldg": "building", "fl": "floor", "rm": "room",
    "ext": "extension", "ver": "version", "ep": "episode", "para": "paragraph", "app": "appendix", "ref": "reference", "min": "minimum",
    "max": "maximum", "approx": "approximately", "ca": "circa", "c": "circa", "est": "established", "rte": "route", "hwy": "highway",
}  # fmt: skip
# Anywhere
COMMON = {
    "approx": "approximately", "dept": "department", "govt": "government", "univ": "university", "assn": "association",
    "assoc": "associate", "mgmt": "management", "mgr": "manager", "appt": "appointment", "acct": "account", "addr": "address",
    "avg": "average", "bldg": "building", "cont": "continued", "def": "definition", "dist": "district", "est": "estimated",
    "excl": "excluding", "incl": "including", "info": "info", "intl": "international", "lang": "language", "max": "maximum", "min": "minimum",
    "misc": "miscellaneous", "natl": "national", "orig": "original", "pkg": "package", "prev": "previous", "qty": "quantity",
    "rec": "recommended", "temp": "temperature", "vs": "versus", "vol": "volume", "ed": "edition", "eds": "editors", "et al": "et al",
    "cf": "compare", "viz": "namely", "etc": "et cetera", "apt": "apartment", "tel": "telephone", "hrs": "hours", "mins": "minutes",
    "yrs": "years", "lbs": "pounds",
}  # fmt: skip
COMPANIES = {"Inc": "Incorporated", "Ltd": "Limited", "Corp": "Corporation", "Co": "Company", "Bros": "Brothers"}
SUFFIXES = {"Jr": "Junior", "Sr": "Senior", "Esq": "Esquire"}
STREETS = {
    "St": "Street", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dr": "Drive", "Ln": "Lane", "Hwy": "Highway", "Pkwy": "Parkway",
    "Sq": "Square", "Pl": "Place", "Ct": "Court",
}  # fmt: skip
PHRASES = {
    r"e\.g\.,?": "for example", r"i\.e\.,?": "that is", r"w/o\b": "without", r"w/(?= ?[a-z])": "with", r"b/c\b": "because",
    r"c/o\b": "care of", r"w\.r\.t\.": "with respect to", r"n/a\b": "N A", r"N/A\b": "N A", r"and/or\b": "and or", r"he/she\b": "he or she",
    r"his/her\b": "his or her", r"him/her\b": "him or her", r"she/he\b": "she or he", r"s/he\b": "she or he", r"vs\b(?!\.)": "versus",
    r"etc\b(?!\.)": "et cetera", r"tbsp\b": "tablespoons", r"tsp\b": "teaspoons", r"Ph\.? ?D\b\.?": "PhD", r"a\.k\.a\.": "AKA",
    r"o'clock\b": "o'clock", r"y/o\b": "year old", r"et al\.": "et al", r"Jan\. ": "January ",
}  # fmt: skip


def table(words: dict[str, str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


def stop(match: re.Match[str]) -> str:
    """The full stop of the sentence, which the abbreviation took."""
    return "." if match[0].endswith(".") and after(match, r"$|\s+[\"'(]?[A-Z]|[\"')]*$") else ""


def like(written: str, words: str) -> str:
    return words.capitalize() if written[0].isupper() else words


def say_common(match: re.Match[str]) -> str:
    return like(match[0], COMMON[match["word"].lower()]) + stop(match)


def say_street(match: re.Match[str]) -> str | None:
    """Park Ave. -> Avenue, Main St. in -> Street; Main St. Louis is a saint's."""
    if match["word"] in ("St", "Dr") and after(match, r" [A-Z]") and match["dot"]:
        return None
    return STREETS[match["word"]] + stop(match)


ABBREVIATIONS: tuple[Reader, ...] = (
    reader("abbreviation", rf"\b(?P<word>{table(TITLES)})\.(?= ?[A-Z]| and [A-Z]|(?<!Dr\.)(?<!St\.)$)", lambda m: TITLES[m["word"]]),
    reader("abbreviation", r"\b(?P<word>Mrs?|Ms|Dr|Prof|Sgt|Capt|Lt)(?= [A-Z][a-z])", lambda m: TITLES[m["word"]]),
    reader("abbreviation", r"\bSt(?= (?:Louis|Paul|Petersburg|John|Peter|Mary|James|George|Andrew|Patrick|Helens|Lucia|Kitts|Tropez|Moritz|Albans|Pancras|Thomas|Francis)\b)", "Saint"),
    reader("abbreviation", rf"\b(?i:(?P<word>{table(NUMBERED)}))\. ?(?=#?\d|[IVXLivxl]+\b|[A-Z]\b)", lambda m: like(m[0], NUMBERED[m["word"].lower()])),
    reader("abbreviation", r"\b[Nn][o]\.? ?(?=\d)|№ ?(?=\d)", "number"),
    reader("abbreviation", rf"\b(?i:(?P<word>{table(COMMON)}))\.(?!\w)", say_common),
    reader("abbreviation", rf"(?<=[A-Za-z&] )(?P<word>{table(COMPANIES)})\.(?!\w)", lambda m: COMPANIES[m["word"]] + ("" if after(m, r" (?:Ltd|Inc|LLC)") else stop(m))),
    reader("abbreviation", rf"(?<=[a-z],? )(?P<word>{table(SUFFIXES)})\.?(?![\w])", lambda m: SUFFIXES[m["word"]] + stop(m)) if False else reader("abbreviation", rf"\b(?P<word>{table(SUFFIXES)})\.(?!\w)", lambda m: SUFFIXES[m["word"]] + stop(m)),
    reader("abbreviation", rf"\b[A-Z][a-z'-]+ (?P<span>(?P<word>{table(STREETS)})(?P<dot>\.)?)(?=[,;:)?!.]|$| [a-z]| (?:[A-Z]))(?!\w)", say_street),
    *(reader("abbreviation", rf"(?<![{LETTER}\d/.]){pattern}", words) for pattern, words in PHRASES.items()),
)

# Initials


def say_initials(match: re.Match[str]) -> str:
    """U.S.A. -> USA, J. K. -> J K."""
    joined = " " if " " in match[0].strip() else ""
    letters = joined.join(re.findall(f"[{LETTER}]", match[0])).upper()
    is_end = match[0].endswith(".") and not joined and after(match, r"$|\s+[\"'(]?(?:The|A|An|He|She|It|We|They|I|In|On|But|And|This|That|You|There|His|Her|If|As|When)\b")
    return letters + ("." if is_end or (match[0].endswith(".") and after(match, r"\s*$")) else "")


INITIALS = (
    reader("initials", rf"(?<![{LETTER}\d.])(?:[A-Z]\.){{2,}}(?:[A-Z]\b)?", say_initials),
    reader("initials", rf"(?<![{LETTER}\d.])(?:[a-z]\.){{2,}}(?:[a-z]\b)?", say_initials),
    reader("initials", rf"(?<![{LETTER}\d.])(?:[A-Z]\. )+[A-Z]\.(?!\w)", say_initials),
    reader("initials", rf"(?<![{LETTER}\d'])tv(?![{LETTER}\d])", "TV"),
)

# Roman numerals

ROMAN = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b"
SMALL = r"(?=[ivxl])(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})\b"
COUNTED = (
    "War|Chapter|Ch|Part|Volume|Vol|Book|Act|Scene|Type|Phase|Stage|Class|Division|Section|Article|Episode|Season|Bowl|Rocky|Grade|Level|"
    "Mark|Title|Appendix|Table|Figure|Fig|Unit|Group|Schedule|Annex|Amendment|Fantasy|Games|Olympiad|Apollo|Wars|WrestleMania|Tier|Category|"
    "Quest|Civilization|Area|Zone|Lesson|Module|Canto|Psalm|Factor|Legion|Corps|Nerve|Iteration|Dynasty|GTA|Theft Auto|Creed|Part|Hotel|Symphony"
)
RULERS = "|".join(
    """Henry Elizabeth Charles Louis George Edward Richard William James Philip John Paul Pius Benedict Gregory Leo Innocent
    Clement Urban Alexander Nicholas Catherine Napoleon Frederick Wilhelm Ferdinand Francis Ramses Ramesses Otto Gustav Leopold
    Peter Ivan Mary Anne Albert Alfonso Carlos Felipe Juan Pedro Haakon Harald Olav Christian Margrethe Baudouin Umberto Victor
    Emmanuel Boniface Celestine Julius Sixtus Adrian Martin Eugene Honorius Stephen Robert David Edgar Kenneth Constantine
    Theodosius Darius Xerxes Artaxerxes Cyrus Philippe Thutmose Amenhotep Seti Ptolemy Cleopatra Mehmed Selim Murad Suleiman Abdul
    Sigismund Rudolf Maximilian Joseph Ludwig Franz Valdemar Eric Canute Sam Thomas Michael Rama Mohammed Hassan Abdullah""".split()
)
# Not the pronoun I
NUMERAL = rf"(?P<numeral>(?!I\b){ROMAN}|I(?=[.,;:!?)]|'s|$|--|[—–]| (?:of|is|and|or|error|was|trial|study|diabetes)\b))"


def value_of(numeral: str) -> int:
    return roman(numeral.upper())


def say_numeral(match: re.Match[str]) -> str | None:
    return english_number(value_of(match["numeral"])) if match["numeral"] else None


def say_ruler(match: re.Match[str]) -> str | None:
    """Louis XIV -> the fourteenth; not John V. Smith."""
    if not match["numeral"] or (len(match["numeral"]) == 1 and after(match, r"\. [A-Z]") and before(match, r"[A-Z]\w+ ", group="numeral")):
        return None
    return f"the {ordinal(value_of(match['numeral']))}"


ROMANS = (
    reader("roman", rf"\b(?:{COUNTED})\.? (?P<span>{NUMERAL})", say_numeral, re.I) if False else reader("roman", rf"\b(?i:{COUNTED})s?\.? (?P<span>{NUMERAL})", say_numeral),
    reader("roman", rf"\b(?i:scene|page|p\.|pp\.|act|chapter|part|item|section) (?P<span>(?P<numeral>{SMALL}))", say_numeral),
    reader("roman", rf"\b(?:{RULERS}) (?P<span>{NUMERAL})(?!-)", say_ruler),
    reader("roman", rf"\b[A-Z][A-Za-z]+ (?P<span>(?P<numeral>(?=[IVX]{{2}}){ROMAN}))", say_numeral),
    reader("roman", rf"(?<![{LETTER}\d])(?P<numeral>(?=[IVX]{{1,8}}(?:st|nd|rd|th)? [Cc]entur){ROMAN})", lambda m: ordinal(value_of(m["numeral"]))),
    reader("roman", rf"\b(?i:in|of|year|copyright|©) (?P<span>(?P<numeral>(?=MCM|MM){ROMAN}))", lambda m: year(str(value_of(m["numeral"])))),
    reader("roman", rf"\A(?P<numeral>(?=[IVX]{{2}}|[VX]){ROMAN})(?=\.? ?[A-Z]?|\Z)(?=\Z|\. )", say_numeral),
    reader("roman", rf"\((?P<span>(?P<numeral>(?=[ivx]{{2}}){SMALL}))(?=\))", say_numeral),
    reader("roman", r"(?P<numeral>[Ⅰ-Ⅻ])", lambda m: english_number(ord(m[0]) - ord("Ⅰ") + 1)),
)
