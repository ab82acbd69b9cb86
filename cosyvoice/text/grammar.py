"""Grammars: what a language's tables offer to the reader of a text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
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


def say_as_by_class(
    readers: Sequence[Reader], characters: Callable[[str], str]
) -> dict[str, Callable[[str], str]]:
    """The ways of a tag by the readers of its class; what none of them takes stays as written.

    characters: says a text character by character, as a telephone number of no known form is read.
    """

    def say(kinds: tuple[str, ...], text: str) -> str:
        for each in readers:
            match = each.pattern.fullmatch(text) if each.kind in kinds else None
            words = each.say(match) if match else None
            if words is not None:
                return words
        return characters(text) if kinds == ("telephone",) else text

    return {
        "characters": characters,
        "digits": characters,
        "cardinal": partial(say, ("range", "cardinal")),
        **{kind: partial(say, (kind,)) for kind in ("telephone", "date", "time", "ordinal")},
    }


@lru_cache
def grammar(language: str) -> Grammar:
    """The grammar of one of language.CODES, whose module is imported when it is first needed."""
    return import_module(f"cosyvoice.text.{MODULES[language]}").GRAMMAR
