"""Traditional Chinese -> simplified characters, as the dictionary of readings knows them."""

from functools import lru_cache

OWN = set("原編编專专名論论巨拙土譯译遺遗合")  # 原著 remains, where 看著 becomes 看着


def simplified(text: str) -> str:
    """The same text in simplified characters, one for one. Thread-safe."""
    if converter("t2s").convert(text) == text:
        return text
    # As t2s, and 著 to 着, which would spoil 显著 in a text that is simplified already.
    changed = converter("tw2s").convert(text).replace("甚么", "什么")
    return "".join(map(keep, text, changed, " " + text)) if len(changed) == len(text) else changed


def keep(old: str, new: str, before: str) -> str:
    """The new character, unless it is so rare that the dictionary and the models lack it."""
    return old if new > "\uffff" or old == "著" and before in OWN else new


@lru_cache
def converter(name: str):
    from opencc import OpenCC

    return OpenCC(name)


def simplified_characters(text: str) -> str:
    """Each character by itself, so that the length stays: for rules that look for Chinese words."""
    return "".join(char if char < "\u3400" else simplified_character(char) for char in text)


@lru_cache(maxsize=8192)
def simplified_character(char: str) -> str:
    changed = converter("t2s").convert(char)
    return changed if len(changed) == 1 else char
