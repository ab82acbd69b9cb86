"""Pinyin as people type it, with the tone as a digit: zhang3 da4, lü4 or lv4, ma5 for no tone.

Source of all readings: pypinyin's dictionaries of characters and of phrases.
"""

import re
from collections import Counter, defaultdict
from functools import lru_cache

LIKE_SYLLABLE = re.compile(r"[a-zü:]{1,7}[0-9]", re.I)
CLEAR = 0.95  # share of the phrases with a character in which it has its usual reading
MOSTLY = 0.8  # the same, where no character is clear


def syllables_of(text: str) -> list[str]:
    """The syllables of what is meant as pinyin, whether they exist or not; none for other text."""
    parts = re.split(r"[\s'’-]+", text.strip())
    return (
        [plain(part) for part in parts]
        if all(LIKE_SYLLABLE.fullmatch(part) for part in parts)
        else []
    )


def plain(syllable: str) -> str:
    """Lu:4, lv4 -> lü4; ma0 -> ma5."""
    syllable = syllable.lower().replace("u:", "ü").replace("v", "ü")
    return syllable[:-1] + "5" if syllable[-1] == "0" else syllable


def is_syllable(syllable: str) -> bool:
    """Whether Mandarin has this syllable, in any tone."""
    return syllable[-1] in "12345" and syllable[:-1] in known_syllables()


def homophone(syllable: str, written: str = "") -> str:
    """A common character that is read so wherever it stands; "" where there is none.

    written: the character that is to be read so, which stays when it has no other reading.
    """
    if written and set(readings(written)) == {syllable}:
        return written
    return usual_characters().get(syllable, "")


INITIAL = re.compile("(?:zh|ch|sh|[bpmfdtnlgkhjqxzcsryw])?")


def initial_and_final(syllable: str) -> list[str]:
    """chong2 -> ch, óng; ai4 -> ài: the parts that CosyVoice3 has marks for."""
    from pypinyin.contrib.tone_convert import to_tone

    initial = INITIAL.match(syllable)[0]  # type: ignore[index]
    whole = to_tone(syllable.rstrip("5").replace("ü", "v")).replace("v", "ü")
    final = whole[len(initial) :].replace("üè", "vè")  # as its mark is written
    return [part for part in (initial, final) if part]


@lru_cache
def known_syllables() -> frozenset[str]:
    from pypinyin.constants import PINYIN_DICT

    return frozenset(
        with_digit(reading)[:-1] for found in PINYIN_DICT.values() for reading in found.split(",")
    )


def readings(character: str) -> list[str]:
    """The readings of a character, the most usual one first; none for an unknown one."""
    from pypinyin.constants import PINYIN_DICT

    found = PINYIN_DICT.get(ord(character), "")
    return [with_digit(reading) for reading in found.split(",")] if found else []


@lru_cache
def usual_characters() -> dict[str, str]:
    """For each syllable the most frequent character that is nearly always read so in phrases.

    Only the characters of GB 2312, which every model has seen often.
    """
    from pypinyin.constants import PHRASES_DICT

    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for phrase, found in PHRASES_DICT.items():
        if len(phrase) == len(found):
            for character, (reading, *_) in zip(phrase, found):
                counts[character][with_digit(reading)] += 1
    best: dict[str, tuple[bool, int, str]] = {}
    for character, uses in counts.items():
        syllable, count = uses.most_common(1)[0]
        share = count / uses.total()
        if is_common(character) and share >= MOSTLY and readings(character)[:1] == [syllable]:
            candidate = (share >= CLEAR, count, character)
            best[syllable] = max(best.get(syllable, candidate), candidate)
    return {syllable: character for syllable, (*_, character) in best.items()}


def is_common(character: str) -> bool:
    try:
        return len(character.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return False


@lru_cache(maxsize=4096)
def with_digit(reading: str) -> str:
    """zhǎng -> zhang3, lǜ -> lü4, ma -> ma5."""
    from pypinyin.contrib.tone_convert import to_tone3

    return to_tone3(reading, v_to_u=True, neutral_tone_with_five=True)
