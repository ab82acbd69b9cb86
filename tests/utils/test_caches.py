"""What a caller chooses cannot fill the memory: every cache has a limit."""

import functools
import importlib
import inspect
import pkgutil

import cosyvoice
from cosyvoice.tokenizer import english, mandarin

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
    before = english._pronounce.cache_info().misses, mandarin._word_pinyin.cache_info().misses
    assert english.pronounce("b" * 1000) and len(mandarin.word_pinyin("一" * 1000)) == 1000
    after = english._pronounce.cache_info().misses, mandarin._word_pinyin.cache_info().misses
    assert before == after
