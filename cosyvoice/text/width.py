"""Forms of characters: full-width, compatibility and digits of other scripts -> the plain ones.

After it, a rule has to know only one form of each character. Its length does not always stay: ㎏
becomes kg.
"""

import re
import unicodedata

from cosyvoice.text.aligned import Aligned

# Kept: NFKC would lose what they mean (m² is not m2, ½ is not 1/2), or they are punctuation of
# their own.
KEPT = frozenset("²³¹⁰⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄₅₆₇₈₉½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞，…ºª¨´¯¸–—™℠")
PLAIN = {
    "㎡": "m²",
    "㎢": "km²",
    "㎥": "m³",
    "㎤": "cm³",
    "㎠": "cm²",
    "㏄": "cc",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "‒": "–",
    "―": "—",
    "’": "'",
    "‘": "'",
    "ʼ": "'",
    "µ": "μ",
    "∶": ":",
    "〜": "~",
    "∼": "~",
    "⁄": "/",
    "∕": "/",
    "․": ".",
    "﹣": "-",
    "㈱": "株式会社",
    "™": "",
    "℠": "",
}
CANDIDATE = re.compile("[^\x00-\x7f\u4e00-\u9fff\u3041-\u30ff\uac00-\ud7a3，。、]")
# A comma between two full-width digits was typed with them.
WIDE_COMMA = re.compile("(?<=[０-９])，(?=[０-９]{3}(?![０-９]))")


def plain_forms(text: Aligned) -> Aligned:
    """The text in plain forms; what was written stays known."""
    text = text.sub(WIDE_COMMA, ",")
    return text.edit(
        (match.start(), match.end(), plain, text.written[match.start()])
        for match in CANDIDATE.finditer(text.text)
        if (plain := plain_form(match[0])) != match[0]
    )


def plain_form(character: str) -> str:
    """Ａ -> A, ٣ -> 3, ㎏ -> kg; a character without another form is itself."""
    if character in PLAIN:
        return PLAIN[character]
    if character in KEPT or unicodedata.category(character) in ("Mn", "Mc", "Me"):
        return character
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.digit(character))
    if "①" <= character <= "⓿" or "㈠" <= character <= "㊰" or "❶" <= character <= "➓":
        return character  # numbered items: read as such
    plain = unicodedata.normalize("NFKC", character)
    if character.isalnum() and not any(char.isalnum() for char in plain):
        return character  # ﱣ would be accents alone
    return plain if plain.strip() or not character.strip() else character
