"""Latin letters in Chinese text: abbreviations and initials."""

import re

from cosyvoice.text.chinese.numbers import any_of
from cosyvoice.text.spans import reader

# Said letter by letter, also where they are written small.
INITIALS = any_of(
    """
    nba cba vip ufo gpu cpu wto mvp iq eq mba atm ceo cfo cto coo cmo pk dj ppt usb lcd gps dna rna
    hiv ktv mv cd dvd pc tv api sdk url html css sql vpn kpi hr pdf diy suv bmw apec wha imf nasa
    fbi cia ai ar vr ip bgm cp npc rpg fps pua ootd gdp cpi ppi ipo bbc cnn hbo espn ufc nfl mlb
    oem odm llm tts asr nlp ocr
    """
)
BEGIN, END = r"(?<![A-Za-z\d])", r"(?![A-Za-z\d])"
TO = any_of("O2O B2B B2C C2C P2P F2F C2M B2G D2C A2A C2B V2X o2o b2b b2c p2p")
BEFORE_NUMBER = any_of("v V ver Ver Lv lv LV Vol vol VOL EP Ep Ch ch P p pp")


def apart(match: re.Match[str]) -> str:
    """U.S.A. -> U S A."""
    return re.sub(r"[. ]+", " ", match[0]).strip()


READERS = (
    reader("initials", rf"{BEGIN}[A-Za-z](?:\. ?[A-Za-z])+\.?{END}(?!\.)", apart),
    reader("initials", rf"{BEGIN}{INITIALS}{END}", lambda match: match[0].upper()),
    reader(
        "initials",
        r"(?<![A-Za-z\d] )(?<![A-Za-z\d])[a-z](?: [a-z]){2,4}(?! ?[A-Za-z\d])",
        lambda match: match[0].upper(),
    ),
    reader("abbreviation", rf"{BEGIN}(?:vs|VS|Vs)\.?{END}", "对"),
    reader(
        "abbreviation", rf"{BEGIN}(?:{TO}){END}", lambda match: f"{match[0][0]} to {match[0][2]}"
    ),
    reader("abbreviation", rf"{BEGIN}{BEFORE_NUMBER}\.(?= ?\d)", lambda match: match[0][:-1]),
)
