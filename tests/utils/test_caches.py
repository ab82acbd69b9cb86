"""What a caller chooses cannot fill the memory: every cache has a limit."""

import functools
import importlib
import inspect
import pkgutil

import pytest

import cosyvoice
from cosyvoice.tokenizer import english, mandarin, words

CACHED = type(functools.cache(len))


def cached_functions():
    for module in pkgutil.walk_packages(cosyvoice.__path__, "cosyvoice."):
        if module.name.rpartition(".")[2] == "__main__":
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if type(value) is CACHED:
                yield name, value


def test_every_cache_with_arguments_is_bounded():
    found = dict(cached_functions())
    assert {"sinc_kernel", "_pronounce", "spell", "lexicon"} <= set(found)
    for name, function in found.items():
        if inspect.signature(function).parameters:
            assert function.cache_info().maxsize is not None, name


def test_long_words_are_read_but_not_kept():
    before = english._pronounce.cache_info().misses
    assert english.pronounce("b" * 1000)
    assert english._pronounce.cache_info().misses == before


@pytest.mark.parametrize("text", ["一" * 1000, "龘" * 1000, "重庆" * 500])
def test_chinese_words_that_are_kept_are_short(text):
    assert len(sum(mandarin.spoken_pinyin(text), [])) == 1000
    assert max(map(len, words.cut_words(text))) <= words.LONGEST_WORD
