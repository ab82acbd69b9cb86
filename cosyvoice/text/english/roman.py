"""Roman numerals in English: Chapter IV, Henry VIII, World War II."""

from __future__ import annotations

import re

from cosyvoice.text.english.numbers import LETTER, year
from cosyvoice.text.numbers import english_number, ordinal, roman
from cosyvoice.text.spans import after, before, reader

ROMAN = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b"
SMALL = r"(?=[ivxl])(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})\b"
# Not the pronoun I
NUMERAL = (
    rf"(?P<span>(?!I\b){ROMAN}"
    r"|I(?=[.,;:!?)]|'s|$|--|[—–]| (?:of|is|and|or|error|was|trial|study|diabetes)\b))"
)
# Before a cardinal
COUNTED = "|".join(
    """
    War Wars Chapter Ch Part Volume Vol Book Act Scene Canto Psalm Type Phase Stage Class Grade
    Level Tier Category Division Section Article Title Appendix Schedule Annex Amendment Table
    Figure Fig Unit Group Module Lesson Episode Season Bowl WrestleMania Olympiad Games Rocky
    Mark Apollo Fantasy Quest Civilization GTA Auto Creed Area Zone Factor Legion Corps Nerve
    Iteration Dynasty Hotel Symphony""".split()
)
# Before an ordinal: given names of rulers
RULERS = "|".join(
    """
    Henry Elizabeth Charles Louis George Edward Richard William James Philip John Paul Pius
    Benedict Gregory Leo Innocent Clement Urban Alexander Nicholas Catherine Napoleon Frederick
    Wilhelm Ferdinand Francis Ramses Ramesses Otto Gustav Leopold Peter Ivan Mary Anne Albert
    Alfonso Carlos Felipe Juan Pedro Haakon Harald Olav Christian Margrethe Baudouin Umberto
    Victor Emmanuel Boniface Celestine Julius Sixtus Adrian Martin Eugene Honorius Stephen
    Robert David Edgar Kenneth Constantine Theodosius Darius Xerxes Artaxerxes Cyrus Philippe
    Thutmose Amenhotep Seti Ptolemy Cleopatra Mehmed Selim Murad Suleiman Abdul Sigismund Rudolf
    Maximilian Joseph Ludwig Franz Valdemar Eric Canute Sam Thomas Michael Rama Mohammed Hassan
    Abdullah""".split()
)


def say_numeral(match: re.Match[str]) -> str:
    """Chapter IV -> four."""
    return english_number(roman(match["span"].upper()))


def say_ruler(match: re.Match[str]) -> str | None:
    """Louis XIV -> the fourteenth; not James V. Smith."""
    if len(match["span"]) == 1 and after(match, r"\. [A-Z]") and before(match, r"[A-Z]\w+ "):
        return None
    return f"the {ordinal(roman(match['span']))}"


ROMANS = (
    reader("roman", rf"\b(?i:{COUNTED})s?\.? {NUMERAL}", say_numeral),
    reader(
        "roman",
        rf"\b(?i:scene|page|p\.|pp\.|act|chapter|part|item|section) (?P<span>{SMALL})",
        say_numeral,
    ),
    reader("roman", rf"\b(?:{RULERS}) {NUMERAL}", say_ruler),
    reader("roman", rf"\b[A-Z][A-Za-z]+ (?P<span>(?=[IVX]{{2}}){ROMAN})", say_numeral),
    reader(
        "roman",  # the XIX century
        rf"(?<![{LETTER}\d])(?=[IVX]{{1,8}} [Cc]entur){ROMAN}",
        lambda match: ordinal(roman(match[0])),
    ),
    reader(
        "roman",  # copyright MMXXIV
        rf"\b(?i:in|of|year|copyright|©) (?P<span>(?=MCM|MM){ROMAN})",
        lambda match: year(str(roman(match["span"]))),
    ),
    reader("roman", rf"\A(?P<span>(?=[IVX]{{2}}|[VX]){ROMAN})(?=\Z|\. )", say_numeral),
    reader("roman", rf"\((?P<span>(?=[ivx]{{2}}){SMALL})(?=\))", say_numeral),
    reader("roman", "[Ⅰ-Ⅻ]", lambda match: english_number(ord(match[0]) - ord("Ⅰ") + 1)),
    reader("roman", r"\bWW(?:II|2)\b", "World War two"),
    reader("roman", r"\bWW(?:I|1)\b", "World War one"),
)
