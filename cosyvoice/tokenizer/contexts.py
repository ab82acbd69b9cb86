"""The table of contexts, `assets/polyphones.txt`; its head says how to read it."""

import re
from collections import defaultdict
from functools import cache
from importlib.resources import files
from itertools import product

LONGEST_SIDE = 4  # characters of a context on one side


@cache
def contexts() -> dict[str, dict[tuple[str, str], tuple[int, str]]]:
    """For each character: (left, right) of a context -> (rank, reading), the highest rank first."""
    found: dict[str, dict[tuple[str, str], tuple[int, str]]] = defaultdict(dict)
    lines = files(__package__).joinpath("assets/polyphones.txt").read_text("utf-8").splitlines()
    for line_number, line in enumerate(lines):
        if not line.startswith("#"):
            character, reading, *places = line.split()
            for place in places or ["_"]:
                for left, right in alternatives(place):
                    rank = len(lines) * weight(left + right) - line_number
                    found[character].setdefault((left, right), (rank, reading))
    return dict(found)


def usual_reading(character: str) -> str:
    """The reading of a character of the table where no context holds; "" for others."""
    return contexts().get(character, {}).get(("", ""), (0, ""))[1]


def alternatives(place: str) -> list[tuple[str, str]]:
    """The two sides of a context, once for each choice of its {sets}."""
    parts = [part or [text] for part, text in re.findall(r"\{(.*?)\}|([^{}]+)", place)]
    return [tuple("".join(choice).split("_")) for choice in product(*parts)]  # type: ignore[misc]


def weight(sides: str) -> int:
    """A character or an end counts twice what a kind of word does."""
    return sum(1 if letter.isascii() and letter.isupper() else 2 for letter in sides)
