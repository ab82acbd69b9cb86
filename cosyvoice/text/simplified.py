"""Traditional Chinese characters -> simplified ones, which the number grammar and the dictionary of readings know."""

from functools import lru_cache

OWN = set("原編编專专名論论巨拙土譯译遺遗合")  # 原著 remains, where 看著 becomes 看着


def simplified(text: str) -> str:
    """The same text, character by character; one in simplified characters stays as it is. Thread-safe."""
    if converter("t2s").convert(text) == text:
        return text
    changed = (
        converter("tw2s").convert(text).replace("甚么", "什么")
    )  # as t2s, and 著 to 着, which would spoil 显著 in simplified text
    return "".join(map(keep, text, changed, " " + text)) if len(changed) == len(text) else changed


def keep(old: str, new: str, before: str) -> str:
    """The new character, but for those so rare that nothing here reads them."""
    return old if new > "\uffff" or old == "著" and before in OWN else new


@lru_cache
def converter(name: str):
    from opencc import OpenCC

    return OpenCC(name)
