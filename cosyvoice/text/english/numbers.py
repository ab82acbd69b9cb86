"""Numbers as English writes them, and their words.

Patterns are pieces of the tables of readers; functions take what such a piece matched.
"""

from __future__ import annotations

import re
import unicodedata

from cosyvoice.text.language import LATIN
from cosyvoice.text.numbers import ENGLISH_DIGITS, english_number, ordinal

LETTER = LATIN
START = rf"(?<![{LETTER}\d_^])(?<!\d[.,])"  # a number begins here
END = rf"(?![{LETTER}\d_])"
WHOLE = r"(?:\d{1,3}(?:,\d{2,3})*,\d{3}(?!\d)|\d+)"  # 1,000,000 and 10,00,000
NUMBER = rf"(?:{WHOLE}(?:\.\d+)?|(?<!\.)\.\d+)"
SIGN = r"(?:(?<![^\s(\[{=<>≤≥≈:;!?/~\"'])[-+±])?"  # at the start of a word only
TO = r"\s?[-–—~]\s?"  # between the ends of a range

VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
FRACTION = rf"(?:\d+(?: |-|-and-| and )\d+/\d+|\d+/\d+|(?:\d+ ?)?[{VULGAR}])"

VALUE = rf"(?:{FRACTION}|{NUMBER})"
QUANTITY = rf"(?:{VALUE}(?:{TO}{VALUE})?)"
SIGNS = {"-": "minus ", "+": "plus ", "±": "plus or minus "}

LONGEST_CARDINAL = 8  # digits without commas; a longer number is a telephone or card number
LARGEST = 10**36


def number(written: str) -> str:
    """-1,234.50 -> minus one thousand two hundred and thirty four point five zero."""
    sign = SIGNS.get(written[:1], "")
    whole, _, decimals = written.lstrip("+-±").partition(".")
    words = [whole_number(whole)] if whole else []
    if decimals:
        words += ["point", digits(decimals)]
    return sign + " ".join(words)


def whole_number(written: str) -> str:
    """1,002 -> one thousand and two, 007 -> zero zero seven; digit by digit where it is a code."""
    plain = written.replace(",", "")
    is_code = len(plain) > LONGEST_CARDINAL and plain == written and not plain.endswith("000")
    if is_code or (len(plain) > 1 and plain[0] == "0") or len(plain) > 36:
        return digits(plain)
    return english_number(int(plain))


def ordinal_of(written: str) -> str:
    """1,000 -> one thousandth; digit by digit where the number is too long for words."""
    value = int(written.replace(",", "")[:37])
    return ordinal(value) if value < LARGEST else digits(written) + " th"


def digits(written: str) -> str:
    """Digit by digit: 705 -> seven zero five. Other characters are left out."""
    return " ".join(ENGLISH_DIGITS[int(char)] for char in written if "0" <= char <= "9")


def grouped(written: str) -> str:
    """Digit by digit, with a pause between the groups: 555-1234."""
    return ", ".join(digits(group) for group in re.findall(r"\d+", written))


def in_pairs(written: str) -> str:
    """As models, routes and houses are named: 737 -> seven thirty seven, 4090 -> forty ninety."""
    plain = written.replace(",", "")
    if plain[0] == "0" or len(plain) > 4:
        return digits(plain)
    if len(plain) < 3 or plain.endswith("00") and (len(plain) == 3 or plain[1] == "0"):
        return english_number(int(plain))
    left, right = plain[:-2], plain[-2:]
    return f"{english_number(int(left))} {last_pair(right)}"


def last_pair(pair: str) -> str:
    """The last two digits of a year or a model: 00 -> hundred, 05 -> oh five, 24 -> twenty four."""
    if pair == "00":
        return "hundred"
    if pair[0] == "0":
        return f"oh {ENGLISH_DIGITS[int(pair[1])]}"
    return english_number(int(pair))


def year(written: str) -> str:
    """1905 -> nineteen oh five, 2005 -> two thousand five, 2026 -> twenty twenty six."""
    plain = written.replace(",", "").lstrip("0") or "0"
    if len(plain) < 3 or len(plain) > 4:
        return whole_number(plain)
    if len(plain) == 4 and plain[1:3] == "00":
        thousands = f"{ENGLISH_DIGITS[int(plain[0])]} thousand"
        return thousands if plain[3] == "0" else f"{thousands} {ENGLISH_DIGITS[int(plain[3])]}"
    return f"{english_number(int(plain[:-2]))} {last_pair(plain[-2:])}"


def plural(words: str) -> str:
    """half -> halves, sixty -> sixties, inch -> inches; of the last word."""
    if words.endswith(("half", "foot", "person")):
        return words[:-4] + {"half": "halves", "foot": "feet", "rson": "ople"}[words[-4:]]
    if words.endswith("y") and words[-2] not in "aeou":
        return words[:-1] + "ies"
    return words + ("es" if words.endswith(("s", "x", "ch", "sh")) else "s")


def fraction(written: str) -> str:
    """1/2 -> one half, 2 1/2 -> two and a half, ¾ -> three quarters, 1/2007 -> one over ..."""
    if character := re.search(f"[{VULGAR}]", written):
        parts = unicodedata.normalize("NFKC", character[0]).replace("⁄", "/")
        written = f"{written[: character.start()].strip()} {parts}".strip()
    *whole, above, below = re.findall(r"\d+", written)
    words = simple_fraction(above, below)
    if not whole:
        return words
    return f"{whole_number(whole[0])} and {re.sub('^one half', 'a half', words)}"


def simple_fraction(above: str, below: str) -> str:
    over = f"{whole_number(above)} over {whole_number(below)}"
    if len(below) > 6 or len(above) > 6 or int(below) < 2 or below[0] == "0":
        return over
    if int(above) > int(below) >= 20:
        return over
    if int(below) > 100 and not re.fullmatch("10+", below):
        return over
    name = {"2": "half", "4": "quarter"}.get(below) or ordinal(int(below))
    return f"{whole_number(above)} {name if int(above) == 1 else plural(name)}"


def fraction_over(written: str) -> str:
    """120/80 of blood pressure -> one hundred and twenty over eighty."""
    return " over ".join(number(part) for part in written.split("/"))


def value(written: str) -> str:
    """A number, a fraction or a mixed number."""
    return fraction(written) if re.search(f"[/{VULGAR}]", written) else number(written)


def ends_of_range(written: str) -> list[str]:
    """The two ends of a range, or the one value that it is."""
    if re.fullmatch(FRACTION, written):
        return [written]
    return re.split(rf"(?<=[\d{VULGAR}]){TO}(?=[\d.{VULGAR}])", written, maxsplit=1)


def quantity(written: str) -> str:
    """2-3 -> two to three, 1½ -> one and a half, 2.50 -> two point five zero."""
    return " to ".join(value(end) for end in ends_of_range(written))


def is_one(written: str) -> bool:
    """Whether a unit after it is in the singular: 1 and 3/4, not 1.0, 0.5 and 1½."""
    if part := re.fullmatch(r"(\d+)/(\d+)", written):
        return int(part[1][:9]) < int(part[2][:9])
    return re.fullmatch(rf"[-+±]?1|[{VULGAR}]", written) is not None
