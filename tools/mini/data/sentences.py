"""What the teacher is to say: WORK/sentences.jsonl, and the held-out sentences, WORK/heldout.json.

A line is {"id", "lang", "kind", "text", "instruct", "style"}. `lang`: zh, en or mixed, which
decides the prosody of the voice. `style`: one of the styles of phrases.json, with its instruction
in `instruct`, or "" for both. The order is shuffled over all kinds by the seed, so that any
beginning is balanced; single interjections are at the end.

heldout.json is {"zh": [100 texts], "en": [100 texts]}. They are kept for evaluation: none of them
is in the list, alone or within another text.

Sources: hsk-sentences-audio (CC-BY-SA-4.0, with English translations), the templates of
phrases.json, and random words (jieba's dictionary by frequency, characters by syllable, wordfreq's
English list), so that rare syllables and words occur too.

    python -m tools.mini.data.sentences --work WORK [--count 14000] [--seed 1]
"""

import argparse
import json
import re
from collections import defaultdict
from importlib.resources import files
from itertools import cycle
from pathlib import Path

import numpy as np

from cosyvoice.tokenizer.english import look_up
from cosyvoice.tokenizer.mandarin import word_pinyin

HELD_OUT = 100  # sentences a language
ENGLISH_SHARE, MIXED_SHARE, INSTRUCT_SHARE = 0.42, 0.06, 0.12
KINDS = {
    "sentence": 0.40,
    "template": 0.18,
    "words": 0.16,
    "syllables": 0.04,
    "short": 0.06,
    "two": 0.10,
    "many": 0.06,
}
LONGEST = {"zh": 70, "en": 36}  # characters, words
CALLS = "啊呀哦嗯唉哎哈喂嘿爱"  # single interjections: sounds without a context to tell them by
CALLED = 800  # of them in all, at the end of the list
# Templates with their slots, short sentences, instructions, and the styles: each has its share of
# the instructions, and its words in Chinese and in English.
PHRASES = json.loads(Path(__file__).with_name("phrases.json").read_text("utf-8"))
STYLES = PHRASES["styles"]
DIGITS = {
    "zh": list("零一二三四五六七八九"),
    "en": "zero one two three four five six seven eight nine".split(),
}


class Texts:
    """Endless, seeded supply of texts of every kind."""

    def __init__(
        self, sentences: dict[str, list[str]], held_out: set[str], rng: np.random.Generator
    ):
        self.rng, self.held_out = rng, held_out
        self.sentences = {
            lang: cycle(rng.permutation(texts).tolist()) for lang, texts in sentences.items()
        }
        self.zh_words, self.zh_weights = chinese_words()
        self.en_words, self.en_weights = english_words()
        self.characters = characters_by_syllable()
        self.next_syllable = cycle(rng.permutation(list(self.characters)).tolist())

    def draw(self, lang: str) -> tuple[str, str]:
        """(kind, text) of a language, never a held-out text or one that is too long."""
        while True:
            kind = "mixed" if lang == "mixed" else self.choice(list(KINDS), list(KINDS.values()))
            text = getattr(self, kind)(lang)
            if self.allowed(text, lang):
                return kind, text

    def allowed(self, text: str, lang: str) -> bool:
        size = len(text.split()) if lang == "en" else len(text)
        return size <= LONGEST.get(lang, 60) and not any(held in text for held in self.held_out)

    def choice(self, items, weights=None):
        p = None if weights is None else np.asarray(weights) / np.sum(weights)
        return items[int(self.rng.choice(len(items), p=p))]

    def sentence(self, lang: str) -> str:
        return next(self.sentences[lang])

    def template(self, lang: str) -> str:
        return self.fill(self.choice(PHRASES[lang]["templates"]), lang)

    def fill(self, template: str, lang: str) -> str:
        """The template with a random word in each {slot}."""
        text = re.sub(r"\{(.+?)\}", lambda match: self.slot(match[1], lang), template)
        return text[0].upper() + text[1:]

    def slot(self, name: str, lang: str) -> str:
        if name in ("码", "code"):
            digits = self.rng.integers(0, 10, size=int(self.rng.integers(4, 9)))
            return space(lang).join(DIGITS[lang][digit] for digit in digits)
        return self.choice(PHRASES[lang]["slots"][name])

    def mixed(self, lang: str) -> str:
        if self.rng.random() < 0.25:
            return self.foreign_word()
        template = self.choice(PHRASES["mixed"]["templates"])
        template = template.replace("{en_sentence}", self.sentence("en"))
        template = re.sub(r"\{en\}", lambda _: self.english_insert(), template)
        return self.fill(template, "zh")

    def foreign_word(self) -> str:
        """A Chinese sentence with one of its words, at random, in English."""
        text = self.sentence("zh")
        place = int(self.rng.integers(0, len(text)))
        return text[:place] + self.english_insert() + text[place:]

    def english_insert(self) -> str:
        if self.rng.random() < 0.6:
            return self.choice(PHRASES["mixed"]["english"])
        return self.pick(self.en_words, self.en_weights)

    def words(self, lang: str) -> str:
        """One to twelve random words with some commas and an end mark."""
        words, weights = (
            (self.zh_words, self.zh_weights) if lang == "zh" else (self.en_words, self.en_weights)
        )
        drawn = [self.pick(words, weights) for _ in range(1 + int(self.rng.integers(0, 12)))]
        return self.punctuated(drawn, lang)

    def pick(self, words: list[str], cumulated: np.ndarray) -> str:
        return words[int(np.searchsorted(cumulated, self.rng.random() * cumulated[-1]))]

    def syllables(self, lang: str) -> str:
        """Characters of every toned syllable equally often; in English, words of any frequency."""
        size = 2 + int(self.rng.integers(0, 9))
        if lang == "en":
            return self.punctuated([self.choice(self.en_words) for _ in range(size)], lang)
        drawn = [self.choice(self.characters[next(self.next_syllable)]) for _ in range(size)]
        return self.punctuated(drawn, lang)

    def punctuated(self, words: list[str], lang: str) -> str:
        joints = [space(lang), "，" if lang == "zh" else ", "]
        text = words[0] + "".join(
            joints[int(self.rng.random() < 0.12)] + word for word in words[1:]
        )
        ends = "。。。。？！" if lang == "zh" else "....?!"
        end = "" if self.rng.random() < 0.1 else self.choice(ends)
        return (text if lang == "zh" else text[0].upper() + text[1:]) + end

    def short(self, lang: str) -> str:
        return self.choice(PHRASES[lang]["short"])

    def two(self, lang: str) -> str:
        return self.joined(lang, 2)

    def many(self, lang: str) -> str:
        return self.joined(lang, int(self.rng.integers(3, 6)))

    def joined(self, lang: str, count: int) -> str:
        kinds, shares = ("sentence", "template", "short"), (0.5, 0.35, 0.15)
        drawn = [self.choice(kinds, shares) for _ in range(count)]
        return space(lang).join(getattr(self, kind)(lang) for kind in drawn)

    def instruction(self, lang: str) -> tuple[str, str]:
        """(style, instruction), the instruction mostly in the language of the text."""
        style = self.choice(list(STYLES), [entry["share"] for entry in STYLES.values()])
        chinese = self.rng.random() < (0.2 if lang == "en" else 0.8)
        parts = style.split()
        if self.rng.random() < 0.5:
            parts.reverse()
        return style, (self.zh_instruction(parts) if chinese else self.en_instruction(parts))

    def zh_instruction(self, parts: list[str]) -> str:
        asked = [
            self.choice(zh_frames(part)).format(self.choice(STYLES[part]["zh"])) for part in parts
        ]
        return self.choice(PHRASES["zh"]["joints"]).join(asked) + self.choice(["", "。", "", "吧"])

    def en_instruction(self, parts: list[str]) -> str:
        joint = self.choice(PHRASES["en"]["joints"])
        asked = joint.join(self.choice(STYLES[part]["en"]) for part in parts)
        text = self.choice(PHRASES["en"]["instructions"]).format(asked).replace(" ,", ",")
        text = text[0].upper() + text[1:] if self.rng.random() < 0.5 else text
        return text + self.choice(["", "."])


def space(lang: str) -> str:
    """What stands between words and between sentences."""
    return "" if lang == "zh" else " "


def zh_frames(part: str) -> list[str]:
    """The Chinese instructions, with a place for a word, that fit a part of a style."""
    kind = {"slow": "speed", "fast": "speed", "neutral": "neutral"}.get(part, "pitch")
    return PHRASES["zh"]["instructions"][kind]


def chinese_words() -> tuple[list[str], np.ndarray]:
    """Words of jieba's dictionary and their cumulated weights, the root of their frequency."""
    lines = (
        line.split(" ")
        for line in files("jieba").joinpath("dict.txt").read_text("utf-8").splitlines()
    )
    counts = {
        word: int(count)
        for word, count, _ in lines
        if re.fullmatch("[\u4e00-\u9fff]{2,4}", word) and int(count) > 10
    }
    return list(counts), np.cumsum(np.sqrt(list(counts.values())))


def english_words() -> tuple[list[str], np.ndarray]:
    """The 30,000 most frequent English words of the lexicon, and their cumulated weights.

    A weight is the frequency to the power 0.3.
    """
    import wordfreq

    words = [
        word
        for word in wordfreq.top_n_list("en", 40_000)
        if re.fullmatch("[a-z]{2,}(?:'[a-z]+)?", word) and look_up(word, None)
    ][:30_000]
    return words, np.cumsum([wordfreq.word_frequency(word, "en") ** 0.3 for word in words])


def characters_by_syllable() -> dict[str, list[str]]:
    """Toned syllable -> up to six of the most common characters with this reading."""
    import wordfreq

    characters = defaultdict(list)
    for character in wordfreq.top_n_list("zh", 60_000):
        if re.fullmatch("[\u4e00-\u9fff]", character):
            same = characters[word_pinyin(character)[0]]
            if len(same) < 6:
                same.append(character)
    return dict(characters)


def read_sentences(path: Path, rng: np.random.Generator) -> tuple[dict, dict]:
    """(sentences to say, sentences held out), by language.

    The held-out sentences of the two languages are no translations of each other.
    """
    rows = [
        (clean(row["chinese"]), clean(row["translation"]["en"]))
        for row in json.loads(path.read_text("utf-8"))
    ]
    rows = [rows[i] for i in rng.permutation(len(rows))]
    long_enough = [
        i for i, (zh, en) in enumerate(rows) if 8 <= len(zh) <= 30 and 5 <= len(en.split()) <= 16
    ]
    held_zh, held_en = long_enough[:HELD_OUT], long_enough[HELD_OUT : 2 * HELD_OUT]
    held = {"zh": [rows[i][0] for i in held_zh], "en": [rows[i][1] for i in held_en]}
    used = [row for i, row in enumerate(rows) if i not in set(held_zh + held_en)]
    return {"zh": [zh for zh, _ in used], "en": [en for _, en in used]}, held


def clean(text: str) -> str:
    """One line, without remarks in brackets."""
    return re.sub(r"\s+", " ", re.sub(r"[(（\[].*?[)）\]]", "", text)).strip()


def plan(texts: Texts, count: int) -> list[dict]:
    """The first `count` rows: all but the interjections."""
    languages = {
        "mixed": MIXED_SHARE,
        "en": ENGLISH_SHARE,
        "zh": 1 - ENGLISH_SHARE - MIXED_SHARE,
    }
    rows = []
    for number in range(count):
        lang = texts.choice(list(languages), list(languages.values()))
        kind, text = texts.draw(lang)
        instructed = texts.rng.random() < INSTRUCT_SHARE
        style, instruct = texts.instruction(lang) if instructed else ("", "")
        row = {"id": number, "lang": lang, "kind": kind, "text": text}
        rows.append({**row, "instruct": instruct, "style": style})
    return rows


def calls(first: int) -> list[dict]:
    """Rows of single interjections, numbered from `first`."""
    return [
        {
            "id": first + i,
            "lang": "zh",
            "kind": "call",
            "text": CALLS[i % len(CALLS)] + "。！？"[i // len(CALLS) % 3],
            "instruct": "",
            "style": "",
        }
        for i in range(CALLED)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=14_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    sentences, held = read_sentences(args.work / "teacher/sentences.json", rng)
    (args.work / "heldout.json").write_text(json.dumps(held, ensure_ascii=False, indent=1), "utf-8")
    rows = plan(Texts(sentences, set(held["zh"] + held["en"]), rng), args.count) + calls(args.count)
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    (args.work / "sentences.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
