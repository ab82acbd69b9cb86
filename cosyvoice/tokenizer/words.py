"""The Chinese dictionary: words with their costs and kinds, and text cut into words.

>>> cut_words("今天天气不错")
['今天', '天气', '不错']
>>> word_kind("天气")
'N'
"""

import lzma
import math
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from pypinyin.constants import PHRASES_DICT

from cosyvoice.tokenizer.contexts import contexts
from cosyvoice.tokenizer.phrases import PHRASES

LONGEST_WORD = 4  # characters, in chinese.txt.xz
# In the dictionary's unit, a quarter of a natural-log unit
UNKNOWN_COST = 72  # of a character that the dictionary lacks
PHRASE_COST = 40  # of a phrase that the dictionary lacks


@cache
def dictionary() -> dict[str, tuple[int, str]]:
    """Each word with its cost, in a quarter of a natural-log unit, and its kind.

    Kinds: N noun, V verb, A adjective, D adverb, R pronoun, T time, P place, H person, "-" others.
    """
    data = lzma.decompress(
        files(__package__).joinpath("assets/chinese.txt.xz").read_bytes()
    ).decode()
    groups = (line.split("\t") for line in data.splitlines())
    known = {word: (int(cost), kind) for cost, kind, words in groups for word in words.split(" ")}
    return dict.fromkeys(phrases(), (PHRASE_COST, "-")) | known


def phrases() -> Iterable[str]:
    """Words whose reading is known as a whole, with a character that has several.

    Pypinyin's of two characters are left out: they would cut other words apart.
    """
    several = contexts().keys()
    yield from (
        word
        for word in PHRASES_DICT
        if 2 < len(word) <= LONGEST_WORD and not several.isdisjoint(word)
    )
    yield from PHRASES


def word_kind(word: str) -> str:
    return dictionary().get(word, (0, ""))[1]


def cut_words(text: str) -> list[str]:
    """Cut text into its most probable words (unigram model, shortest path)."""
    words, best = dictionary(), [(0.0, 0)]  # best[end] = (cost so far, start of the last word)
    for end in range(1, len(text) + 1):
        best.append(
            min(
                (best[start][0] + word_cost(words, text[start:end]), start)
                for start in range(max(0, end - LONGEST_WORD), end)
            )
        )
    cut, end = [], len(text)
    while end:
        cut.append(text[best[end][1] : end])
        end = best[end][1]
    return cut[::-1]


def word_cost(words: dict[str, tuple[int, str]], word: str) -> float:
    if word in words:
        return words[word][0]
    return UNKNOWN_COST if len(word) == 1 else math.inf
