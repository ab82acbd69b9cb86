"""Pronunciations inside a text: pinyin, <|py:zhang3 da4|>, and phonemes, <|ph:HH AH0 L OW1|>.

Such a mark stands in the place of a word and is said as it is written: without sandhi, and without
influence on the words around it. No written text holds `<|`, so no text is taken for one.

py: Mandarin syllables with blanks between them, each with its tone: zhang3 or zhǎng. 5 or 0 is the
neutral tone; ü may be written v or u:.

ph: ARPAbet, symbols with blanks between them (HH AH0 L OW1), or the model's own symbols (həlˈO,
ni↗xau↓). It is ARPAbet if every part is.

    >>> inline_phonemes("py", "ni3 hao3")
    'ni↓xau↓'
    >>> inline_phonemes("ph", "HH AH0 L OW1"), inline_phonemes("ph", "həlˈO")
    ('həlˈO', 'həlˈO')
"""

import re
from functools import cache

from pypinyin.constants import PINYIN_DICT
from pypinyin.contrib.tone_convert import to_normal, to_tone3

from cosyvoice.tokenizer.arpabet import from_arpabet, is_arpabet
from cosyvoice.tokenizer.mandarin import spell
from cosyvoice.tokenizer.symbols import SYMBOLS
from cosyvoice.utils.errors import TextError

MARK = re.compile(r"<\|(py|ph):([^|<>]*)\|>")


def inline_phonemes(kind: str, said: str) -> str:
    """The model's symbols of what a mark says; kind is "py" or "ph".

    Raises TextError where nothing is said, and for a syllable or symbol that does not exist.
    """
    parts = said.split()
    if not parts:
        raise TextError(
            f"<|{kind}:|> says nothing; write a pronunciation after the colon",
            f"<|{kind}:|> 里没有读音；请在冒号后写上读音",
        )
    if kind == "py":
        return "".join(map(pinyin_syllable, parts))
    return from_arpabet(said) if is_arpabet(parts) else own_symbols(said)


def pinyin_syllable(written: str) -> str:
    """The symbols of one syllable with its tone as a number or a mark."""
    syllable = written.lower().replace("u:", "ü").replace("v", "ü")
    if not syllable[-1].isdigit():
        syllable = to_tone3(syllable, v_to_u=True)
    if syllable.endswith("0"):
        syllable = syllable[:-1] + "5"
    match = re.fullmatch("([a-zêü]+)([1-5])", syllable)
    if not match or match[1] not in syllables():
        raise TextError(
            f"{written!r} in <|py:...|> is no pinyin syllable with a tone; write it as zhang3",
            f"<|py:...|> 里的 {written!r} 不是带声调的拼音；请写成 zhang3 这样",
        )
    return spell(syllable)


@cache
def syllables() -> frozenset[str]:
    """All syllables of Mandarin, without tones, that the model has symbols for."""
    readings = {reading for value in PINYIN_DICT.values() for reading in value.split(",")}
    names = {to_normal(reading, v_to_u=True) for reading in readings}
    return frozenset(name for name in names if spell(f"{name}1"))


def own_symbols(said: str) -> str:
    unknown = [symbol for symbol in dict.fromkeys(said) if symbol not in SYMBOLS]
    if unknown:
        raise TextError(
            f"{' '.join(unknown)} in <|ph:{said}|> is no symbol of the model;"
            " write ARPAbet (HH AH0 L OW1) or the symbols of cosyvoice/tokenizer/symbols.py",
            f"<|ph:{said}|> 里的 {' '.join(unknown)} 不是模型的音素；"
            "请用 ARPAbet（HH AH0 L OW1）或 cosyvoice/tokenizer/symbols.py 里的符号",
        )
    return said
