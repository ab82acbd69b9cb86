"""Mandarin text -> phonemes: words, pinyin with tone sandhi, then IPA symbols with tone arrows.

    >>> mandarin_phonemes("你好世界")
    'ni↗xau↓ ʂɨ↘ʨje↘'

The spelling is that of misaki's first Chinese front end, which Kokoro v1.0 was trained with: no
mark between the syllables of a word, a space between words, the tone arrow after the vowel (before
a final n or ŋ), no arrow for the neutral tone. Unlike there, sandhi is written out: third tones, 一
and 不 carry the tone they are spoken with.
"""

import re
from functools import lru_cache
from itertools import pairwise

from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT

from cosyvoice.text.numbers import CHINESE_DIGITS
from cosyvoice.text.simplified import simplified
from cosyvoice.tokenizer.contexts import usual_reading
from cosyvoice.tokenizer.phrases import ALWAYS, PHRASES, READINGS
from cosyvoice.tokenizer.polyphones import (
    NUMERALS,
    reading_in_context,
    surname_reading,
)
from cosyvoice.tokenizer.words import cut_words

KEPT_WORDS = 20_000  # whose reading is kept in memory
NEIGHBOURS = 5  # words on either side that a context may see

INITIALS = {
    "b": "p",
    "p": "pʰ",
    "m": "m",
    "f": "f",
    "d": "t",
    "t": "tʰ",
    "n": "n",
    "l": "l",
    "g": "k",
    "k": "kʰ",
    "h": "x",
    "j": "ʨ",
    "q": "ʨʰ",
    "x": "ɕ",
    "zh": "ꭧ",
    "ch": "ꭧʰ",
    "sh": "ʂ",
    "r": "ɻ",
    "z": "ʦ",
    "c": "ʦʰ",
    "s": "s",
    "": "",
}
FINALS = {  # 0 marks the place of the tone arrow
    "a": "a0",
    "ai": "ai0",
    "an": "a0n",
    "ang": "a0ŋ",
    "ao": "au0",
    "e": "ɤ0",
    "ei": "ei0",
    "en": "ə0n",
    "eng": "ə0ŋ",
    "i": "i0",
    "ia": "ja0",
    "ian": "jɛ0n",
    "iang": "ja0ŋ",
    "iao": "jau0",
    "ie": "je0",
    "in": "i0n",
    "ing": "i0ŋ",
    "iong": "jʊ0ŋ",
    "iou": "jou0",
    "o": "wo0",
    "ong": "ʊ0ŋ",
    "ou": "ou0",
    "u": "u0",
    "ua": "wa0",
    "uai": "wai0",
    "uan": "wa0n",
    "uang": "wa0ŋ",
    "uei": "wei0",
    "uen": "wə0n",
    "ueng": "wə0ŋ",
    "uo": "wo0",
    "ü": "y0",
    "üan": "ɥɛ0n",
    "üe": "ɥe0",
    "ün": "y0n",
}
APICAL = "ɨ0"  # the vowel of zhi, chi, shi, ri, zi, ci, si
WHOLE_SYLLABLES = {  # interjections and syllabic consonants
    "er": "ɚ0",
    "o": "ɔ0",
    "ê": "ɛ0",
    "io": "jɔ0",
    "yo": "jɔ0",
    "m": "m0",
    "n": "n0",
    "ng": "ŋ0",
    "hm": "hm0",
    "hng": "hŋ0",
}
SPELT_FINALS = {"iu": "iou", "ui": "uei", "un": "uen"}  # after an initial
SPELT_SYLLABLES = {  # without one: y and w stand for i, u and ü
    "yi": "i",
    "yin": "in",
    "ying": "ing",
    "you": "iou",
    "yu": "ü",
    "yue": "üe",
    "yuan": "üan",
    "yun": "ün",
    "wu": "u",
    "wei": "uei",
    "wen": "uen",
    "weng": "ueng",
}
TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}

# 著 where it is no zhù: `simplified` leaves it in a text without other traditional characters
ZHE = re.compile("(?<![原編编專专名論论巨拙土譯译遺遗合显顯卓昭])著(?![名作者称稱述书書录錄有])")
FULL_ZI_AFTER = set("孔老电女男原分王量弟君质离光核中孟庄")  # 孔子, 电子, 女子: a third tone
ORDINAL_MARKS = {"第", "初"}  # 一 after these counts in order, and keeps its tone
# It also does before these, and in numbers read digit by digit.
ORDINAL_NOUNS = (*"月号日楼层班级", "年级", *CHINESE_DIGITS)
DECIMALS = {"点" + digit for digit in CHINESE_DIGITS}


def mandarin_phonemes(text: str) -> str:
    """Spell Chinese characters (nothing else in `text`) as phonemes, words apart by spaces."""
    return " ".join("".join(map(spell, word)) for word in spoken_pinyin(text))


def spoken_pinyin(text: str) -> list[list[str]]:
    """The syllables of each word with the tone numbers they have in this context."""
    text = ZHE.sub("着", simplified(text))
    words = cut_words(text)
    words, syllables = join_single_numerals(words, [read_word(words, w) for w in range(len(words))])
    tone_of_yi_and_bu(text, words, syllables)
    third_tones(syllables)
    return syllables


def join_single_numerals(
    words: list[str], syllables: list[list[str]]
) -> tuple[list[str], list[list[str]]]:
    """Write digits read one by one, and 不 or 一 with what follows, as one word."""
    joined: list[str] = []
    joined_syllables: list[list[str]] = []
    for word, spoken in zip(words, syllables):
        previous = joined[-1] if joined else ""
        digits = set(previous + word) <= NUMERALS
        if previous and (digits or (previous in ("不", "一") and len(word) == 1)):
            joined[-1] += word
            joined_syllables[-1] += spoken
        else:
            joined.append(word)
            joined_syllables.append(spoken)
    return joined, joined_syllables


def read_word(words: list[str], w: int) -> list[str]:
    """Pinyin of words[w] between its neighbours, before sandhi."""
    parts, start = known_parts(words[w]), max(0, w - NEIGHBOURS)
    around = [*words[start:w], *parts, *words[w + 1 : w + 1 + NEIGHBOURS]]
    syllables = [
        syllable for part in range(len(parts)) for syllable in read_part(around, w - start + part)
    ]
    surname = surname_reading(words, w)
    return [surname, *syllables[1:]] if surname else neutral_suffix(words[w], syllables)


def read_part(words: list[str], w: int) -> list[str]:
    """Pinyin of words[w], a word that the phrases have or one character."""
    syllables = list(word_pinyin(words[w]))
    if words[w] in PHRASES or len(syllables) != len(words[w]):  # or a character without reading
        return syllables
    return [
        reading_in_context(words, w, place) or syllable for place, syllable in enumerate(syllables)
    ]


@lru_cache(maxsize=KEPT_WORDS)
def known_parts(word: str) -> list[str]:
    """Cut a word into those that the phrases have, the longest first, and characters."""
    parts, start = [], 0
    while start < len(word):
        end = next(
            (end for end in range(len(word), start + 1, -1) if is_phrase(word[start:end])),
            start + 1,
        )
        parts.append(word[start:end])
        start = end
    return parts


def is_phrase(word: str) -> bool:
    return word in PHRASES or word in PHRASES_DICT


@lru_cache(maxsize=KEPT_WORDS)
def word_pinyin(word: str) -> list[str]:
    """Pinyin of a phrase or a character as it is read alone, with tone numbers (5: neutral)."""
    if word in PHRASES:
        return PHRASES[word].split()
    usual = READINGS.get(word) or usual_reading(word)
    if usual:
        return [usual]
    pinyin = lazy_pinyin(
        word, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=True, errors="ignore"
    )
    return [ALWAYS.get(character, syllable) for character, syllable in zip(word, pinyin)]


def neutral_suffix(word: str, syllables: list[str]) -> list[str]:
    """们 and most 子 at the end of a word are neutral."""
    neutral = len(word) == len(syllables) > 1 and (
        word[-1] == "们" or (word[-1] == "子" and word[-2] not in FULL_ZI_AFTER)
    )
    return [*syllables[:-1], syllables[-1][:-1] + "5"] if neutral else syllables


def tone_of_yi_and_bu(text: str, words: list[str], syllables: list[list[str]]) -> None:
    """Set the tones of 一 and 不 by what follows them. Changes `syllables`."""
    places = [(w, s) for w, word in enumerate(syllables) for s in range(len(word))]
    if len(places) != len(text):  # a character without reading: leave all as they are
        return
    for i, (w, s) in enumerate(places):
        following = syllables[places[i + 1][0]][places[i + 1][1]] if i + 1 < len(places) else ""
        if text[i] == "不" and following[-1:] == "4":
            syllables[w][s] = "bu2"
        if (
            text[i] == "一"
            and syllables[w][s] == "yi1"
            and following
            and not counts_in_order(text, i, s, words[w])
        ):
            syllables[w][s] = "yi2" if following[-1] in "45" else "yi4"
        if text[i] in "一不" and 0 < i < len(text) - 1 and text[i - 1] == text[i + 1]:
            syllables[w][s] = syllables[w][s][:-1] + "5"  # 看一看, 好不好


def counts_in_order(text: str, i: int, place: int, word: str) -> bool:
    """Whether the 一 at text[i] keeps its first tone: a digit, an ordinal, the end of a word."""
    before, after = text[max(0, i - 1) : i], text[i + 1 : i + 3]
    ends_word = place == len(word) - 1 and len(word) > 1
    in_number = before in NUMERALS and after[0] not in "百千万亿"
    return (
        ends_word
        or in_number
        or before in ORDINAL_MARKS
        or after.startswith(ORDINAL_NOUNS)
        or after in DECIMALS
    )


def third_tones(syllables: list[list[str]]) -> None:
    """A third tone before a third tone becomes a second.

    First inside words, then between words, from the last to the first.
    """
    for word in syllables:
        for i in range(len(word) - 1):
            if word[i][-1] == "3" and word[i + 1][-1] == "3":
                word[i] = word[i][:-1] + "2"
    for left, right in reversed(list(pairwise(syllables))):
        if left and right and left[-1][-1] == "3" and right[0][-1] == "3":
            left[-1] = left[-1][:-1] + "2"


@lru_cache(maxsize=KEPT_WORDS)
def spell(syllable: str) -> str:
    """One pinyin syllable with its tone number -> phonemes; "" for one Mandarin does not have."""
    name, tone = syllable[:-1].replace("v", "ü"), TONES.get(syllable[-1:], "")
    if name in WHOLE_SYLLABLES:
        return WHOLE_SYLLABLES[name].replace("0", tone)
    initial, final = split_syllable(name)
    if final not in FINALS:
        return ""
    apical = final == "i" and initial in ("zh", "ch", "sh", "r", "z", "c", "s")
    return INITIALS[initial] + (APICAL if apical else FINALS[final]).replace("0", tone)


def split_syllable(name: str) -> tuple[str, str]:
    """Pinyin letters -> (initial, final), the final in its full spelling: "jun" -> ("j", "ün")."""
    if name[:1] in ("y", "w"):
        return "", SPELT_SYLLABLES.get(name, {"y": "i", "w": "u"}[name[0]] + name[1:])
    initial = re.match("[zcs]h|[bpmfdtnlgkhjqxrzcs]|", name)[0]  # type: ignore[index]
    final = name[len(initial) :]
    if initial in ("j", "q", "x"):
        final = re.sub("^u", "ü", final)  # "un" after these is "ün", not "uen"
    elif final == "ue":
        final = "üe"
    return initial, SPELT_FINALS.get(final, final)
