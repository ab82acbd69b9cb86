"""What stands around a candidate, as several classes of English ask for it."""

from __future__ import annotations

import re

from cosyvoice.text.english.numbers import LETTER
from cosyvoice.text.spans import after, before

NEXT_SENTENCE = r"$|\s+[\"'(]?[A-Z]|[\"')]*$"
ARTICLE = r"\b(?i:an?|the|this|that|his|her|my|your|our|their|each|every) "
# After an amount these begin no noun that it describes: a 5 km run, but a 5 km in length.
NO_NOUN = (
    "of|in|on|at|to|from|for|and|or|per|by|with|is|was|as|than|long|wide|tall|high|deep|old"
    "|away|ago"
    "|a|an|the|each|more|less|when|if|every|thick|off|across|apart|that|which|who|between|left"
    "|you|we|they|he|she|it"
)
NOUN = rf"-| (?!(?:{NO_NOUN})\b)[{LETTER}]{{3}}"
TERM = r"[\s\d.+*/×÷()^-]{0,30}"
EQUALITY = "[=≈≠]"


def group(match: re.Match[str], name: str) -> str:
    """What a group matched; "" where the pattern has none of this name or it took no part."""
    return match.groupdict().get(name) or ""


def stop(match: re.Match[str]) -> str:
    """The full stop of the sentence, where an abbreviation at its end took it."""
    return "." if match[0].endswith(".") and after(match, NEXT_SENTENCE) else ""


def describes_noun(match: re.Match[str]) -> bool:
    """Whether an amount stands before its noun, so that its unit is in the singular: a 5 km run."""
    return before(match, ARTICLE) and after(match, NOUN)


def in_equation(match: re.Match[str]) -> bool:
    """Whether a sign of equality stands beside it: 10-2=8."""
    return after(match, TERM + EQUALITY, 32) or before(match, EQUALITY + TERM, 32)
