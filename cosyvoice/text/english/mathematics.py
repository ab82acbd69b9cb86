"""Mathematics in English: signs between and before numbers, powers, functions."""

from __future__ import annotations

import re

from cosyvoice.text.english.numbers import LETTER, number
from cosyvoice.text.english.tables import any_of
from cosyvoice.text.spans import after, before, reader

COMPARISONS = {
    ">": "greater than",
    "<": "less than",
    ">=": "greater than or equal to",
    "<=": "less than or equal to",
    "≥": "greater than or equal to",
    "≤": "less than or equal to",
    "≈": "approximately",
    "=": "equals",
    "±": "plus or minus",
}
BETWEEN = COMPARISONS | {
    "==": "equals",
    "===": "equals",
    "≠": "is not equal to",
    "!=": "is not equal to",
    "+": "plus",
    "×": "times",
    "·": "times",
    "÷": "divided by",
    "&&": "and",
    "||": "or",
    "∈": "in",
    "⇒": "implies",
    "→": "to",
    "->": "to",
    "=>": "to",
}
BEFORE_NUMBER = COMPARISONS | {"~": "about", "√": "the square root of", "@": "at"}
ALONE = {
    "√": "the square root of",
    "∞": "infinity",
    "∑": "the sum of",
    "∫": "the integral of",
}
POWERS = {"2": "squared", "3": "cubed"}
SMALL = "[⁰¹²³⁴⁵⁶⁷⁸⁹]"
SMALL_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
EXPRESSION = r"[\s\w.+*/×÷()^²³-]{0,30}"


def say_power(match: re.Match[str]) -> str:
    """² -> squared, ^6 -> to the power of six."""
    power = match["power"].translate(SMALL_DIGITS)
    if power in POWERS:
        return POWERS[power]
    return f"to the power of {power if power.isalpha() else number(power)}"


def say_minus(match: re.Match[str]) -> str | None:
    """10-2=8, x - 1; elsewhere it is a dash."""
    is_equation = after(match, rf"{EXPRESSION}[=≈≠]", 40) or before(
        match, rf"[=≈≠]{EXPRESSION}", 40
    )
    is_variable = (
        before(match, rf"(?<![{LETTER}\d])[a-zA-Z²³)] ?")
        and after(match, rf" ?(?:\d+|[a-zA-Z])(?![{LETTER}\d-])")
        and not before(match, r"\b[aAI] ")
    )
    return "minus" if is_equation or is_variable else None


def say_stars(match: re.Match[str]) -> str:
    return "times" if match["span"] == "*" else "to the power of"


def say_function(match: re.Match[str]) -> str:
    """f(x) -> f of x, f'(x) -> f prime of x."""
    prime = " prime" if match["prime"] else ""
    return f"{match['name']}{prime} of {match['of']}"


MATHEMATICS = (
    reader(
        "mathematics",
        rf"(?<=[{LETTER}\d)²³%\]]) ?(?P<span>{any_of(BETWEEN)})(?= ?[-+({LETTER}\d√$€£¥{{\"'])",
        lambda match: BETWEEN[match["span"]],
    ),
    reader(
        "mathematics",
        rf"(?<![{LETTER}\d<>=-]){any_of(BEFORE_NUMBER)}(?= ?[-+]?[$€£¥]?\.?\d)",
        lambda match: BEFORE_NUMBER[match[0]],
    ),
    reader(
        "mathematics",
        r"(?<=\s)(?:>=|<=|[<>≥≤=])(?=\s)",
        lambda match: COMPARISONS[match[0]],
    ),
    reader("mathematics", rf"(?<=[{LETTER}\d)²³]) ?(?P<span>-)(?= ?[({LETTER}\d])", say_minus),
    reader("mathematics", r"(?<=[\w)]) ?(?P<span>\*{1,2}) ?(?=[\d(A-Za-z])", say_stars),
    reader(
        "mathematics",  # 6 x 7 = 42, 100 / 4 = 25
        r"(?<=[\d)]) ?(?P<span>[x/]) ?(?=[(\d]*\d[^=]{0,12}=)",
        lambda match: "times" if match["span"] == "x" else "over",
    ),
    reader(
        "mathematics",
        r"\b[A-Za-z]/[A-Za-z](?= ?=)",
        lambda match: match[0].replace("/", " over "),
    ),
    reader("mathematics", rf"(?<=[{LETTER}\d)])(?P<power>[⁻⁺]?{SMALL}+)", say_power),
    reader(
        "mathematics",
        rf"(?<=[{LETTER}\d)])\^[{{(]?(?P<power>[-+]?\d+|[a-zA-Z])[}})]?",
        say_power,
    ),
    reader("mathematics", r"\b(?P<name>[fgh])(?P<prime>')?\((?P<of>[a-z])\)", say_function),
    reader("mathematics", r"(?<=\d)!(?= ?[=+*/×-])", "factorial"),
    reader("mathematics", r"(?<=UTC|GMT)-(?=\d)", "minus"),
    reader(
        "mathematics", r"(?<=\b[35])'(?=-[35]'| (?:end|UTR|to [35]'|direction|strand))", "prime"
    ),
    *(reader("mathematics", sign, words) for sign, words in ALONE.items()),
)
