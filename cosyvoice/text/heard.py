"""Two texts compared by their words: what was to be spoken, and what was heard.

Speech recognition confuses homophones, so Mandarin is compared by its syllables without tones.
Other languages that put blanks between words are compared by words in lower case, the rest by
characters. Figures and signs are read in words first, so that 20 and twenty are equal.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from cosyvoice.text.language import HAN, HANGUL, KANA, MARKS, SOUND_MARK
from cosyvoice.text.pinyin import syllables_of
from cosyvoice.text.read import read
from cosyvoice.text.simplified import simplified

ANY = "*"  # a word given by its phonemes: heard as anything, or not at all
BY_SYLLABLE = ("zh", "yue")
BY_CHARACTER = ("ja", "ko")
# A part of a syllable or a phoneme, as CosyVoice3 is told a sound: [ch][óng], [W][IH1][N]
SOUND_PART = re.compile(
    r"\[(?:[bpmfdtnlgkhjqxzcsryw]|[zcs]h|[A-Z]{1,2}[0-9]?|\w*[^\W\x00-\x7f]\w*)\]"
)
OTHER_THAN_WORDS = f"{HAN}{KANA}{HANGUL}"
PIECE = re.compile(
    rf"\*|[{HAN}]+|[{KANA}{HANGUL}]|[^\W_{OTHER_THAN_WORDS}]+(?:'[^\W_{OTHER_THAN_WORDS}]+)*"
)


def error_rate(spoken: str, heard: str, language: str) -> float:
    """Words missing, added or replaced, for each word of the text; 0 for a text without words.

    spoken: a text in words, with marks as the models take them. heard: as it was written down.
    """
    expected = units(spoken, language)
    return edit_distance(expected, units(heard, language)) / len(expected) if expected else 0.0


def units(text: str, language: str) -> list[str]:
    """The syllables, words or characters of a text, as they are compared."""
    text = " ".join(passage.spoken for passage in read(text, near=language))
    text = SOUND_PART.sub(f" {ANY} ", SOUND_MARK.sub(_sound, text))
    text = MARKS.sub(" ", text)
    text = unicodedata.normalize("NFKC", text.replace("’", "'")).lower()
    if language in BY_SYLLABLE:
        text = simplified(text)
    return [unit for piece in PIECE.findall(text) for unit in _units(piece, language)]


def _sound(mark: re.Match[str]) -> str:
    """<|py:zhang3 da4|> -> zhang da, <|ph:HH AH0 L OW1|> -> a word that is not compared."""
    syllables = [syllable[:-1].replace("ü", "v") for syllable in syllables_of(mark[1])]
    return f" {' '.join(syllables) or ANY} "


def _units(piece: str, language: str) -> Iterator[str]:
    if language in BY_SYLLABLE and re.match(f"[{HAN}]", piece):
        from pypinyin import Style, lazy_pinyin

        yield from lazy_pinyin(piece, style=Style.NORMAL)
    elif language in BY_CHARACTER or re.match(f"[{HAN}]", piece):
        yield from piece
    else:
        yield piece


def edit_distance(expected: Sequence, found: Sequence) -> int:
    """Fewest insertions, deletions and replacements that turn one sequence into the other."""
    row = list(range(len(found) + 1))
    for wanted in expected:
        cost = 0 if wanted == ANY else 1
        last, row[0] = row[0], row[0] + cost
        for j, got in enumerate(found, 1):
            replaced = last + (cost if wanted != got else 0)
            last, row[j] = row[j], min(row[j] + cost, row[j - 1] + 1, replaced)
    return row[-1]
