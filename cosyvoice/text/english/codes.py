"""Telephone numbers, codes, models, flights, versions and postal addresses in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.amounts import COUNTED_NOUN
from cosyvoice.text.english.numbers import (
    END,
    LETTER,
    START,
    digits,
    grouped,
    in_pairs,
    ordinal_of,
    whole_number,
)
from cosyvoice.text.numbers import english_number
from cosyvoice.text.spans import after, before, reader

# Telephone numbers


def say_telephone(match: re.Match[str]) -> str:
    """+1 (555) 123-4567 ext. 9 -> plus one, five five five, ..., extension nine."""
    written = match["span"] if "span" in match.re.groupindex else match[0]
    number, _, extension = re.sub(r"(?i)\s*(?:,|;)?\s*(?:ext?\.?|extension|x)\s*(?=\d+$)", "~", written).partition("~")
    words = ", ".join(telephone_group(group) for group in re.findall(r"\d+|[A-Z]+", number))
    plus = "plus " if number.lstrip("(").startswith("+") else ""
    return plus + words + (f", extension {digits(extension)}" if extension else "")


def telephone_group(group: str) -> str:
    """Digits one by one; letters as the word that they make; 800 as a number."""
    if group.isalpha():
        return group
    return f"{english_number(int(group[0]))} hundred" if re.fullmatch("[89]00", group) else digits(group)


EXTENSION = r"(?:,? ?(?:(?i:ext?\.?|extension)|x) ?\d{1,6})?"
NOT_BEFORE = rf"(?<![{LETTER}\d_.,/$€£#+-])"
NOT_AFTER = rf"(?![{LETTER}\d_/]|[-.,]\d)"
GAP = r"[ .-]"
CALL = r"(?i:call|dial|phone|tel|telephone|fax|text|cell|mobile|ring|whatsapp|number|hotline|contact|helpline)\b[^\d]{0,16}"
TELEPHONES = (
    reader("telephone", rf"(?<![\w])\+\d{{1,3}}(?:[ .-]?\(\d{{1,4}}\)|[ .-]?\d{{1,4}})(?:[ .-]?\d{{2,4}}){{1,4}}{EXTENSION}{NOT_AFTER}", say_telephone),
    reader("telephone", rf"{NOT_BEFORE}(?:1{GAP})?\(?\d{{3}}\)?{GAP}?(?<=[ .)-])\d{{3}}{GAP}\d{{4}}(?:-\d{{1,4}})?{EXTENSION}{NOT_AFTER}", say_telephone),
    reader("telephone", rf"(?:(?<=\d)|{NOT_BEFORE})\(\d{{3}}\) ?-?\d{{3}}{GAP}\d{{4}}(?:-\d{{1,4}})?{EXTENSION}{NOT_AFTER}", say_telephone),
    reader("telephone", rf"{NOT_BEFORE}1-?8[0-8]{{2}}-(?:[A-Z\d]{{1,8}}-?){{1,4}}(?<!-){NOT_AFTER}", say_telephone),
    reader("telephone", rf"\b(?:{CALL})(?P<span>\d{{3}}-\d{{4}}{EXTENSION}){NOT_AFTER}", say_telephone),
    reader("telephone", rf"{NOT_BEFORE}555-\d{{4}}{NOT_AFTER}", say_telephone),
    reader("telephone", rf"\b(?i:call|dial|text|phone|ring)\b[^\d]{{0,8}}(?P<span>\d{{3}})(?![\d,.]\d|[-/%]|\d| (?:people|times|more))", lambda m: digits(m["span"])),
    reader("telephone", rf"{NOT_BEFORE}0\d{{2,4}} \d{{3,4}} ?\d{{3,4}}{NOT_AFTER}", say_telephone),
    reader("telephone", rf"(?:{START})(?:(?<=\b)911|999|112)(?= (?:call|operator|dispatch|emergency))", lambda m: digits(m[0])),
)

# Numbers read digit by digit

SECRET = (
    r"(?i:\bending in|\bpin|\botp|\bpasscode|\bpassword|\bcode|\bid|\baccount|\bserial|\btracking|\border|\binvoice"
    r"|\bconfirmation|\bssn|\bzip|\breference|\bticket|\bcase|\bpolicy|\bmember|\bcard|\bbooking|\bpnr|\bextension|\bext\.?)"
    r"(?: (?:number|no\.?|code|id))?(?: is|:| #|#|=)? ?#?"
)
LONG = (
    reader("code", rf"{SECRET}{START}(?P<span>\d{{3,}})(?![\d{LETTER}]|[.,:/-]\d|%| [a-z]+s\b)", lambda m: digits(m["span"])),
    reader("code", rf"{NOT_BEFORE}\d{{3}}-\d{{2}}-\d{{4}}{NOT_AFTER}", lambda m: grouped(m[0])),
    reader("code", rf"{NOT_BEFORE}\d{{4}}(?:[ -]\d{{4}}){{2,3}}{NOT_AFTER}", lambda m: grouped(m[0])),
    reader("code", rf"{NOT_BEFORE}(?:97[89][ -])?\d{{1,5}}[ -]\d{{1,7}}[ -]\d{{1,7}}[ -][\dX]{NOT_AFTER}", lambda m: isbn(m)),
    reader("code", rf"{START}\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?:/\d{{1,2}})?(?::\d{{2,5}})?(?![\d.]*\d)", lambda m: dotted(m[0], " dot ")),
    reader("code", rf"{START}\d{{1,4}}(?:\.\d{{1,5}}){{2,4}}(?![\d.]*\d)", lambda m: dotted(m[0], " point ")),
    reader("code", rf"{START}\d{{5}}-\d{{4}}{NOT_AFTER}", lambda m: grouped(m[0])),
)


def isbn(match: re.Match[str]) -> str | None:
    if len(re.sub("[^\dX]", "", match[0])) not in (10, 13):
        return None
    return grouped(match[0].replace("X", "")) + (" X" if match[0][-1] == "X" else "")


def dotted(written: str, dot: str) -> str:
    """192.168.0.1 -> one nine two dot one six eight ..., 1.2.3 -> one point two point three."""
    names = {".": dot, "/": " slash ", ":": " port "}
    say = digits if dot == " dot " else version_part
    return "".join(names.get(part) or say(part) for part in re.split(r"([./:])", written))


def version_part(written: str) -> str:
    return whole_number(written)


# Codes of letters and digits

AIRLINES = (
    "AA AC AF AI AM AS AY AZ B6 BA BR CA CI CX CZ DL EK ET EY F9 FM FR GA HA HU HX IB JL JQ KE KL LH LO LX MF MH MU NH NK "
    "NZ OS OZ PK PR QF QR SA SC SK SN SQ SU TG TK TP TR TW U2 UA UL UX VN VS VY WN ZH 3U 9C"
).split()
BY_DIGITS = r"(?i:\b(?:flight|plate|licen[sc]e|registration|vin|pnr|otp|code|serial|booking|confirmation|tracking|train)s?\b[^.!?\d]{0,16})"
CAPITAL_WORDS = frozenset("COVID NASA SARS NATO APEC".split())


# A word and a number with a hyphen: 3-year-old, 19th-century, 133-ABC, post-1990s
WORD_WITH_NUMBER = re.compile(r"\d+(?:st|nd|rd|th)?-[A-Za-z]{2,}(?:-[A-Za-z]+)*$|[A-Za-z]+-'?\d{1,3}0s$")


def say_code(match: re.Match[str]) -> str | None:
    """UA417 -> U A four one seven, B2A23C -> B two A twenty three C, GPT-4 -> GPT four."""
    written = match[0]
    if re.fullmatch(r"[\d.–-]+[KkMB]", written) and after(match, COUNTED_NOUN):
        return None
    if WORD_WITH_NUMBER.match(written):
        return None
    one_by_one = before(match, BY_DIGITS, 32) or re.fullmatch(rf"(?:{'|'.join(AIRLINES)})[- ]?\d{{3,4}}", written)
    return code_words(written, one_by_one is not None and one_by_one is not False)


def code_words(written: str, one_by_one: bool) -> str:
    words: list[str] = []
    parts = re.findall(rf"\d+(?:\.\d+)?|[₀-₉]+|[A-Z]+(?![a-z])|[{LETTER}]+|[^{LETTER}\d\s]", written)
    for part in parts:
        if part.translate(SUBSCRIPTS).isascii() and part.translate(SUBSCRIPTS)[0].isdigit():
            words.append(code_number(part.translate(SUBSCRIPTS), one_by_one))
        elif part[0].isalpha():
            words.append(code_letters(part))
        else:
            words.append({"_": "underscore", ".": "point", "/": "slash", "+": "plus", "#": "hash"}.get(part, ""))
    return " ".join(word for word in words if word)


SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def code_number(written: str, one_by_one: bool) -> str:
    whole, _, decimals = written.partition(".")
    words = digits(whole) if one_by_one and len(whole) > 2 else in_pairs(whole)
    return f"{words} point {digits(decimals)}" if decimals else words


def code_letters(part: str) -> str:
    """One or two capitals are said as letters; more as they are written."""
    return " ".join(part) if part.isupper() and len(part) < 3 else part


NUMBERED = (
    "Boeing Airbus Room Rm Suite Ste Apt Apartment Unit Route Rte Highway Hwy Interstate Flight Bus Form Error HTTP "
    "Model Nokia RTX GTX Ryzen Series Porsche Peugeot Channel Gate Train Studio Class Cessna BMW Audi Ferrari "
    "Galaxy Pixel Radeon GeForce Line Exit Locker Engine Lot Terminal Area Locomotive Concorde Sony Canon Nikon Hall Status Port Intel Core "
    "Tram Platform Building Bldg Floor room flight gate bus route apartment suite train highway error locker exit tram"
).split()
CODES = (
    reader("code", rf"(?<![{LETTER}\d_])(?<![{LETTER}\d_]-)(?<!\d[.,])(?=[{LETTER}\d₀-₉-]*[\d₀-₉])(?=[\d₀-₉-]*[{LETTER}])[{LETTER}\d₀-₉]+(?:-[{LETTER}\d₀-₉]+)*(?:(?<=\d)\.\d+)?(?![{LETTER}\d_])", say_code),
    reader("code", rf"\b(?:{'|'.join(NUMBERED)})[ -]#?(?P<span>\d{{3,4}})(?![\d{LETTER}]|[.,:/-]\d|%)", lambda m: in_pairs(m["span"]) ),
    reader("code", rf"\b(?:{'|'.join(AIRLINES)}) (?P<span>\d{{3,4}})(?![\d{LETTER}]|[.,:/-]\d|%)", lambda m: digits(m["span"]) if before(m, r"(?i:flight)\b.{0,8}") else None),
    reader("code", r"\b(?:v|V|ver\.?|version )(?P<span>\d{1,4}(?:\.\d{1,5}){1,4})(?![\d.]*\d)", lambda m: dotted(m["span"], " point ")),
    reader("code", r"(?<![\w])(?P<span>v|V)(?=\d{1,4}\.\d)", "v"),
    reader("code", r"(?<![\d\w])(?P<number>\d{3})\((?P<letters>[a-z])\)(?:\((?P<more>\d)\))?", lambda m: " ".join(x for x in (in_pairs(m["number"]), m["letters"], m["more"] and english_number(int(m["more"]))) if x)),
    reader("code", rf"{START}(?:24/7|24-7){END}", "twenty four seven"),
    reader("code", rf"{START}(?:50[/-]50){END}", "fifty fifty"),
    reader("code", rf"{START}(?:20/20)(?= (?:vision|hindsight|eyesight))", "twenty twenty"),
    reader("code", r"(?i:\b(?:plate|licen[sc]e)\b[^.!?\d]{0,24}?)\b(?P<span>[A-Z]{2,3}[ -]\d{3,4}|\d{3,4}[ -][A-Z]{2,3})\b", lambda m: " ".join(re.sub("[ -]", "", m["span"]).translate(str.maketrans({})) ) if False else code_words(m["span"], True)),
)

# Postal addresses

STATES = dict(
    pair.split(":")
    for pair in (
        "AL:Alabama AK:Alaska AZ:Arizona AR:Arkansas CA:California CO:Colorado CT:Connecticut DE:Delaware FL:Florida GA:Georgia "
        "HI:Hawaii ID:Idaho IL:Illinois IN:Indiana IA:Iowa KS:Kansas KY:Kentucky LA:Louisiana ME:Maine MD:Maryland "
        "MA:Massachusetts MI:Michigan MN:Minnesota MS:Mississippi MO:Missouri MT:Montana NE:Nebraska NV:Nevada "
        "NH:New_Hampshire NJ:New_Jersey NM:New_Mexico NY:New_York NC:North_Carolina ND:North_Dakota OH:Ohio OK:Oklahoma "
        "OR:Oregon PA:Pennsylvania RI:Rhode_Island SC:South_Carolina SD:South_Dakota TN:Tennessee TX:Texas UT:Utah "
        "VT:Vermont VA:Virginia WA:Washington WV:West_Virginia WI:Wisconsin WY:Wyoming DC:D_C"
    ).split()
)
WORDS_TOO = frozenset("HI IN ME OH OK OR PA MA LA ID AL".split())
STREETS = {
    "St": "Street", "Ave": "Avenue", "Av": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dr": "Drive", "Ln": "Lane",
    "Ct": "Court", "Hwy": "Highway", "Pkwy": "Parkway", "Pl": "Place", "Sq": "Square", "Ter": "Terrace", "Cir": "Circle",
    "Expy": "Expressway", "Fwy": "Freeway", "Tpke": "Turnpike", "Way": "Way", "Trl": "Trail", "Aly": "Alley",
}  # fmt: skip
DIRECTIONS = {
    "N": "North", "S": "South", "E": "East", "W": "West", "NE": "Northeast", "NW": "Northwest", "SE": "Southeast",
    "SW": "Southwest",
}  # fmt: skip
STREET = "(?:" + "|".join(sorted({f"(?i:{s})" for s in STREETS} | {f"(?i:{s})" for s in STREETS.values()}, key=len, reverse=True)) + r")\b"
DIRECTION = rf"(?:{'|'.join(DIRECTIONS)}|North|South|East|West)"


def say_house(match: re.Match[str]) -> str:
    """708 N 1st St -> seven oh eight North First Street."""
    names = [street_word(word) for word in re.findall(r"[^\s.]+", match["street"])]
    dot = "." if match["street"].endswith(".") and after(match, r"$|\s+[\"'(]?[A-Z\d]") and not after(match, r",") else ""
    return f"{code_words(match['house'], False)} {' '.join(names)}{dot}"


def street_word(word: str) -> str:
    if word in DIRECTIONS:
        return DIRECTIONS[word]
    if m := re.fullmatch(r"(\d+)(?:st|nd|rd|th)", word):
        return ordinal_of(m[1])
    return STREETS.get(word.capitalize(), word)


def say_state(match: re.Match[str]) -> str | None:
    code = match["state"]
    if code in WORDS_TOO and not match["zip"] and not after(match, r"\.?$|[.,;)] "):
        return None
    if code not in STATES:
        return None
    zip_code = f" {grouped(match['zip'])}" if match["zip"] else ""
    return STATES[code].replace("_", " ") + (match["comma"] or "").strip() + zip_code


POSTAL = (
    reader("code", rf"{START}(?P<house>\d{{1,5}}[A-Z]?) (?P<street>(?:{DIRECTION}\.? )?(?:[A-Z][\w']*\.? |\d{{1,3}}(?:st|nd|rd|th) ){{1,3}}{STREET}\.?(?: {DIRECTION}\b)?)", lambda m: say_house(m)),
    reader("code", rf"(?<=[a-z]), (?P<span>(?P<state>[A-Z]{{2}})(?P<comma>,? )?(?P<zip>(?<= )\d{{5}}(?:-\d{{4}})?)?)(?![{LETTER}\d])", say_state),
    reader("code", rf"\b(?P<comma>)(?P<state>[A-Z]{{2}}) (?P<zip>\d{{5}}(?:-\d{{4}})?)(?![{LETTER}\d]|[.,-]\d)", say_state),
)
