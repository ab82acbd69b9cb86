"""Sounds: what the phonemes of a text and the speech tokens of the small model have in common.

A sound is a phoneme without its tone or stress; diphthongs and affricates are two sounds, their
halves. A speech token of the small model names a pair of them, see tools/mini/data/tokens.py; its
directory has the pairs in codebook.json.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from cosyvoice.tokenizer.phoneme import phonemes

BOOK = "codebook.json"  # the file in a model's directory
SILENCE = "_"
ALIKE = [  # sounds that are hard to tell apart
    SILENCE,
    "i ɪ y ᵻ ɨ Y2 A2 I2",
    "e ɛ æ A1",
    "a ɑ ʌ ɐ I1 W1",
    "ə ɜ ɚ ᵊ ɤ",
    "o ɔ u ʊ O1 O2 Y1 W2",
    "j ɥ",
    "w",
    "ɹ ɻ",
    "l",
    "m",
    "n ŋ",
    "p b",
    "t d T",
    "k ɡ",
    "f v",
    "s z",
    "ʃ ʒ ʂ ɕ",
    "θ ð",
    "h x ʰ",
    "ʧ1 ʤ1 ꭧ1 ʦ1 ʨ1",
    "ʧ2 ʤ2 ꭧ2 ʦ2 ʨ2",
]
SOUNDS = [sound for group in ALIKE for sound in group.split()]
GROUP = np.array([number for number, group in enumerate(ALIKE) for _ in group.split()])
INDEX = {sound: i for i, sound in enumerate(SOUNDS)}
TONES, STRESSES = "→↗↓↘ː", "ˈˌ"
QUIET = int(GROUP[INDEX[SILENCE]])


class SoundBook:
    """The sounds that each speech token of a model names. path: its codebook.json.

    Raises ValueError for a book of other sounds.
    """

    def __init__(self, path: Path):
        stored = json.loads(path.read_text("utf-8"))
        if stored["sounds"] != SOUNDS:
            raise ValueError(f"{path} has other sounds than cosyvoice/tokenizer/sounds.py")
        self.levels: int = stored["levels"]  # of pitch: tokens of one pair
        self.pairs = np.array([[INDEX[a], INDEX[b]] for a, b in stored["pairs"]])

    def groups(self, tokens: Sequence[int]) -> list[int]:
        """The groups of sounds that speech tokens name, each run once, without silence."""
        pairs = self.pairs[np.array(tokens, dtype=np.int64) // self.levels]
        return runs(GROUP[pairs].ravel().tolist())


def groups_of_text(text: str) -> list[int]:
    """The groups of sounds of a text in words, each run once, without silence."""
    symbols = [SILENCE, *phonemes(text), SILENCE]
    spoken = [i for i, symbol in enumerate(symbols) if symbol not in TONES + STRESSES + " "]
    return runs(int(GROUP[INDEX[sound]]) for i in spoken for sound in owner(symbols, i))


def runs(groups: Iterable[int]) -> list[int]:
    """Each run of equal groups once; silence ends a run and is left out."""
    found, last = [], QUIET
    for group in groups:
        if group != last and group != QUIET:
            found.append(group)
        last = group
    return found


def owner(symbols: list[str], i: int) -> tuple[str, str]:
    """The sounds of the two halves of symbol i's time."""
    symbol = symbols[i]
    if symbol in TONES:
        return last_half(symbols, i - 1)
    if symbol in STRESSES:
        return (owner(symbols, i + 1)[0],) * 2
    if symbol == " ":
        return last_half(symbols, i - 1)[1], owner(symbols, i + 1)[0]
    if symbol + "1" in INDEX:
        return symbol + "1", symbol + "2"
    return (symbol, symbol) if symbol in INDEX else (SILENCE, SILENCE)


def last_half(symbols: list[str], i: int) -> tuple[str, str]:
    """The sound that symbol i ends with, twice; marks are skipped."""
    while symbols[i] in TONES + STRESSES + " ":
        i -= 1
    return (owner(symbols, i)[1],) * 2
