"""Which sounds an English word of several has, by the words around it: "to record", "a record".

A linear model adds weights of what stands beside the word. `assets/heteronyms.txt` has them: one
set for all words that are a verb with one stress and a noun or adjective with another, and one for
each word that was trained. tools/mini/data/heteronyms.py made it from the homographs of Gorman et
al. 2018 (WikipediaHomographData) and sentences of ours.

    >>> is_second_sense("record", ["please", "record", "it"], 1)
    True
    >>> is_second_sense("record", ["a", "record", "of", "it"], 1)
    False
"""

from functools import cache
from importlib.resources import files

CLASSES = {
    word: name
    for name, words in {
        "subject": "i you we they who",
        "third": "he she it",
        "object": "me him them us",
        "modal": "will would can could should must may might shall cannot ll d won't can't"
        " couldn't wouldn't shouldn't mustn't",
        "do": "do does did don't doesn't didn't",
        "to": "to",
        "be": "is are was were be been being am 's 're 'm isn't aren't wasn't weren't",
        "have": "have has had having haven't hasn't hadn't i've you've we've they've who've",
        "determiner": "the a an this that these those some any no every each all both another"
        " which what",
        "possessive": "my your his her our their its whose",
        "preposition": "of in on at for with by from into through about as between during under"
        " over against without within upon after before",
        "and": "and or but nor",
        "not": "not never always often also usually sometimes rarely seldom",
        "let": "let let's please help helps helped",
        "number": "one two three four five six seven eight nine ten hundred first second last",
        "degree": "very so too quite more most less",
    }.items()
    for word in words.split()
}
ARTICLES = set("the a an my your our their its every".split())
BEFORE_VERB = set("don't doesn't didn't please i we they he she".split())
ENDINGS = ("ly", "ing", "ed", "s", "er", "al", "ive", "ous", "ic", "tion", "ent", "ful", "able")
PAST = set(
    """yesterday ago last once earlier previously then was were had did said went came took gave
made saw sat found told got thought knew felt left heard stood began looked opened""".split()
)
HABIT = set("every often usually always sometimes never daily mornings evenings nights".split())
NEAR = 6  # words on either side that may tell the meaning
FAR = 25  # words on either side that may tell the time


@cache
def weights() -> dict[str, float]:
    text = files(__package__).joinpath("assets/heteronyms.txt").read_text("utf-8")
    lines = (line.split("\t") for line in text.splitlines())
    return {name: int(weight) / 100 for name, weight in lines}


def is_second_sense(word: str, sentence: list[str], place: int, shared: bool = True) -> bool:
    """Whether sentence[place] is the verb, or for a word with weights of its own, its second sense.

    sentence: words in small letters and commas. shared: whether the weights of all nouns and verbs
    count for this word.
    """
    if shared and (certain := certain_sense(sentence, place)) is not None:
        return certain
    known, names = weights(), features(sentence, place)
    total = sum(known.get(f"{word}|{name}", 0.0) for name in names)
    return total + shared * sum(known.get(name, 0.0) for name in names) > 0


def certain_sense(sentence: list[str], place: int) -> bool | None:
    """What grammar allows alone: a verb after can, don't, we or let me, none after a or my."""
    before, second = (sentence[place - n] if place >= n else "" for n in (1, 2))
    if kind(before) == "modal" or before in BEFORE_VERB:
        return True
    if second in ("let", "lets") and kind(before) in ("object", "third"):
        return True
    return False if before in ARTICLES else None


def features(sentence: list[str], place: int) -> list[str]:
    """Names of what stands beside the word."""
    start = max(0, place - FAR)
    sentence, place = sentence[start : place + FAR + 1], place - start
    at = dict(zip(range(-place, len(sentence) - place), sentence))
    words = {n: at.get(n, "^" if n < 0 else "$") for n in (-3, -2, -1, 1, 2, 3)}
    kinds = {n: kind(word) for n, word in words.items()}
    near = {word for n, word in at.items() if n and abs(n) <= NEAR and len(word) > 2}
    return [
        "bias",
        *(f"{n}={words[n]}" for n in (-2, -1, 1, 2)),
        *(f"{n}:{kinds[n]}" for n in (-3, -2, -1, 1, 2, 3)),
        f"-2-1={words[-2]} {words[-1]}",
        f"-1+1={words[-1]} {words[1]}",
        f"-2-1:{kinds[-2]} {kinds[-1]}",
        f"-1+1:{kinds[-1]} {kinds[1]}",
        f"+1+2:{kinds[1]} {kinds[2]}",
        f"-2-1+1:{kinds[-2]} {kinds[-1]} {kinds[1]}",
        *(f"~{word}" for word in sorted(near)),
        *(
            ["asked " + kinds[1]]
            if "do" in map(kind, sentence[max(0, place - NEAR) : place])
            else []
        ),
        *times(sentence, place),
        *(f"{time} {kinds[-1]}" for time in times(sentence, place)),
    ]


def times(sentence: list[str], place: int) -> list[str]:
    """Whether other words of the sentence speak of the past, or of what happens again and again."""
    others = [*sentence[:place], *sentence[place + 1 :]]
    past = any(word in PAST or (word.endswith("ed") and len(word) > 4) for word in others)
    return ["past" if past else "not past", *(["habit"] if HABIT.intersection(others) else [])]


def kind(word: str) -> str:
    """The class of a word: of a list, else by its ending."""
    if word.endswith("'s") and word not in CLASSES:
        return "possessive"
    if word in CLASSES or len(word) < 3:
        return CLASSES.get(word, word if not word[:1].isalpha() else "-")
    return next((ending for ending in ENDINGS if word.endswith(ending)), "-")
