"""ARPAbet, the phonemes of the CMU dictionary -> misaki's symbols, which the model reads.

>>> from_arpabet("HH AH0 L OW1")
'həlˈO'
"""

import re

CONSONANTS = dict(
    pair.split(":")
    for pair in "B:b CH:ʧ D:d DH:ð F:f G:ɡ HH:h JH:ʤ K:k L:l M:m N:n NG:ŋ P:p R:ɹ S:s SH:ʃ T:t"
    " TH:θ V:v W:w Y:j Z:z ZH:ʒ".split()
)
VOWELS = dict(
    pair.split(":")
    for pair in "AA:ɑ AE:æ AH:ʌ AO:ɔ AW:W AY:I EH:ɛ ER:ɜɹ EY:A IH:ɪ IY:i OW:O OY:Y UH:ʊ"
    " UW:u".split()
)
UNSTRESSED = {"AH": "ə", "ER": "əɹ"}
STRESS = {"0": "", "1": "ˈ", "2": "ˌ", "": ""}
# A t between vowels, the second unstressed, is the American flap; schwas before l and n are short.
FLAP = re.compile("(?<=[AIOWYiuæɑɔəɛɜɪʊʌɹ])t(?=[AIOWYiuæɑəɛɪʊʌ])")
SHORT_SCHWA = re.compile("(?<=[bpfvθðszʃʒʧʤkɡtdT])ə(?=l$|lz$|n$|nz$|nt$)")


def from_arpabet(phonemes: str) -> str:
    """Misaki's spelling of symbols apart by spaces; a vowel has its stress (0, 1, 2) behind it.

    Raises ValueError for a symbol that ARPAbet does not have.
    """
    spelt = "".join(spell(symbol) for symbol in phonemes.split())
    return SHORT_SCHWA.sub("ᵊ", FLAP.sub("T", spelt))


def is_arpabet(symbols: list[str]) -> bool:
    return all(re.fullmatch("([A-Z]+)[012]?", symbol) and is_symbol(symbol) for symbol in symbols)


def is_symbol(symbol: str) -> bool:
    return symbol in CONSONANTS or symbol.rstrip("012") in VOWELS


def spell(symbol: str) -> str:
    match = re.fullmatch("([A-Z]+)([012]?)", symbol.upper())
    name, stress = match.groups() if match else ("", "")
    if name in CONSONANTS and not stress:
        return CONSONANTS[name]
    if name not in VOWELS:
        known = " ".join((*CONSONANTS, *VOWELS))
        raise ValueError(
            f"{symbol!r} is no ARPAbet symbol; use {known}, vowels with a stress of 0, 1 or 2"
        )
    plain = stress in ("", "0")
    return STRESS[stress] + (UNSTRESSED.get(name, VOWELS[name]) if plain else VOWELS[name])
