"""Grammars: what a language's tables offer to the reader of a text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module

from cosyvoice.text.spans import Reader

MODULES = {
    "zh": "chinese",
    "en": "english",
    "yue": "cantonese",
    "ja": "japanese",
    "ko": "korean",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "ru": "russian",
}


@dataclass(frozen=True)
class Grammar:
    """The readers of one language, and how it reads what a tag names a class for.

    say_as: "characters", "digits", "telephone", "cardinal", "ordinal", "date" and "time" -> words.
    """

    readers: tuple[Reader, ...]
    say_as: Mapping[str, Callable[[str], str]] = field(default_factory=dict)


@lru_cache
def grammar(language: str) -> Grammar:
    """The grammar of one of language.CODES, whose module is imported when it is first needed."""
    return import_module(f"cosyvoice.text.{MODULES[language]}").GRAMMAR
