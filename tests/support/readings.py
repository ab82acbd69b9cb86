"""Tables of readings: a text with a word in brackets, and how that word is read."""

import re
from collections.abc import Callable
from pathlib import Path

from cosyvoice.text.language import HAN
from cosyvoice.tokenizer.mandarin import spoken_pinyin
from cosyvoice.tokenizer.phoneme import phonemes

VOWELS = "AIOWYaiuæɑɔəɛɜɪʊʌ"
# Sounds that a listener does not tell apart, and secondary stress, which the table leaves out.
SAME_SOUND = str.maketrans({"ˌ": "", "T": "t", "ᵊ": "ə", "ᵻ": "ɪ", "ɐ": "ə"})


def table(path: Path) -> list[tuple[str, str, str]]:
    """(kind, reading, text) of each line; the first line says what the columns are."""
    lines = path.read_text("utf-8").splitlines()[1:]
    return [(kind, reading, text) for kind, reading, text in (line.split("\t") for line in lines)]


def wrong(rows: list[tuple[str, str, str]], right: Callable[[str, str], bool]) -> dict[str, list]:
    """The lines of each kind that are not read as they should be."""
    found: dict[str, list] = {kind: [] for kind, _, _ in rows}
    for kind, reading, text in rows:
        if not right(reading, text):
            found[kind].append((reading, text))
    return found


def mandarin_is_right(reading: str, text: str) -> bool:
    return any(
        all(map(same_syllable, expected.split(), read_in_brackets(text)))
        for expected in reading.split("|")
    )


def same_syllable(expected: str, spoken: str) -> bool:
    """A third tone is spoken as a second one before another third."""
    return spoken == expected or (expected[-1] == "3" and spoken == expected[:-1] + "2")


def read_in_brackets(text: str) -> list[str]:
    """The syllables of the bracketed characters; texts here have no Latin letters or figures."""
    before, inside, after = re.split(r"[\[\]]", text)
    pieces = re.findall(f"[{HAN}]+", before + inside + after)
    syllables = [syllable for piece in pieces for word in spoken_pinyin(piece) for syllable in word]
    start = len(re.findall(f"[{HAN}]", before))
    return syllables[start : start + len(inside)]


def english_is_right(reading: str, text: str) -> bool:
    spoken = phonemes(re.sub(r"(?<!\[)\[([^\[\]]+)\](?!\])", r"\1", text)).translate(SAME_SOUND)
    words = re.findall(r"[^\s,.!?;:—…\"()“”]+", spoken)
    if reading in ("1", "2") or reading[0] == "~":
        word = words[place_of_brackets(text)]
        return (
            word.endswith(reading[1:])
            if reading[0] == "~"
            else vowels_before_stress(word) == int(reading) - 1
        )
    return any(
        f" {expected.translate(SAME_SOUND)} " in f" {' '.join(words)} "
        for expected in reading.split("|")
    )


def place_of_brackets(text: str) -> int:
    return len(re.findall(r"[\w']+", text[: text.index("[")]))


def vowels_before_stress(word: str) -> int:
    return len(re.findall(f"[{VOWELS}]", word[: word.index("ˈ")])) if "ˈ" in word else -1
