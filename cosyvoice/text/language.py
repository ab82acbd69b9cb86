"""Languages and scripts: which language each part of a text is read in.

The words around a figure decide, not the text as a whole: in 它重5kg, about 3 miles, the first unit
is read in Chinese and the second in English. A clause is judged by its script and by its stop
words. One without evidence takes the language of its neighbours, then that of the request's (the
voice's own text, the speaker's name), else Chinese.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from cosyvoice.text.objects import OBJECT

CODES = ("zh", "en", "yue", "ja", "ko", "de", "fr", "es", "it", "ru")

# Scripts, as ranges for a character class of a regular expression.
# HAN has 〇, extension A, the unified and the compatibility ideographs, and planes 2 and 3.
HAN = "〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3041-\u3096\u30a1-\u30fa\u30fc"
HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
CYRILLIC = "\u0400-\u04ff"
LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"

# Characters that only written Cantonese has, and words that Chinese has and Japanese has not.
CANTONESE = re.compile("[嘅咗喺冇哋啲嚟嗰嘢噉攞瞓]|唔[係好使知想該]|係咪|邊[個度]|乜|佢|而家|幾多")
CHINESE_WORDS = re.compile("[的了吗呢吧么这们说没很让给]")
STOP_WORDS = {
    "en": """the a an of and to in is are was were be been at by for from with on it its this that
        these those you he she we they i my your his her our not have has had will would can could
        about over under than then there here what when where who how please call see do does
        did or but if so as up out all one""",
    "de": """der die das den dem des und ist sind war nicht ein eine einen einem einer ich sie wir
        ihr mit auf für von zu zum zur im am um bis aus bei nach vor über hat haben kostet uhr es
        wird werden auch nur noch sich als dass""",
    "fr": """le la les l et est sont une un des du au aux à pour dans il elle nous vous ils sur
        avec que qui ne pas ce cette coûte heures été a en par plus de d j y""",
    "es": """el la los las y es son una un unos de del al en por para con que se su no hay está
        cuesta horas a las más este esta fue como le lo""",
    "it": """il lo la gli le è sono e di che per con una un uno della del nel nella alle alla dalle
        al dal costa ore non si anche questo questa ha i a da su come più""",
}
LETTERS = {  # that one of these languages has and the others lack
    "de": "äöüß",
    "fr": "çêëîïôœùâû",
    "es": "ñ¿¡",
    "it": "ìò",
}

CLAUSE_END = re.compile(r"[。！？；，、：!?;:\n]+|[,.](?!\d)")
WORD = re.compile(rf"(?<![{LATIN}\d=+*/^<>²³≤≥≠≈$])[{LATIN}]+(?![{LATIN}\d=+*/^<>²³≤≥≠≈$、\[(])")  # no variable: x=1
# Letters of no one language: 8:00 am, U.S.
INITIALS = re.compile(r"(?<=\d) ?[ap]m(?![a-z])|(?<![A-Za-z])[a-z](?:\.[a-z])+(?![a-z])\.?", re.I)
NOT_HAN = re.compile(rf"[^{HAN}{KANA}]*[{LATIN}][^{HAN}{KANA}]*")


@dataclass(frozen=True)
class Run:
    """A part of a text, text[start:end], that is read in one language."""

    start: int
    end: int
    language: str


def runs(text: str, near: str = "", given: dict[int, str] | None = None) -> list[Run]:
    """The parts of a text by language, which together are the whole text.

    near: the language of what stands around the text, "" when nothing is known. given: positions
    from which a mark such as <|ja|> decides the language.
    """
    words = INITIALS.sub(lambda match: " " * len(match[0]), text)
    clauses = list(_clauses(words))
    judged = [language_of_clause(words[start:end]) for start, end in clauses]
    common = _most_common(judged, clauses) or near or _fallback(text)
    found: list[Run] = []
    for (start, end), own in zip(clauses, judged):
        language = _settled(own, common)
        if language in ("zh", "yue", "ja"):
            found += _with_english_parts(text, start, end, language)
        else:
            found.append(Run(start, end, language))
    return joined(_as_given(found, given or {}))


def language_of(text: str, near: str = "") -> str:
    """The language of most of a text."""
    weights: Counter[str] = Counter()
    for run in runs(text, near):
        weights[run.language] += run.end - run.start
    return max(weights, key=lambda code: weights[code]) if weights else near or "zh"


def without_sound_marks(spoken: str) -> str:
    """For people: <|py:zhang3 da4|> -> zhang3 da4."""
    return SOUND_MARK.sub(r"\1", spoken)


def hint(text: str, near: str) -> str:
    """The language of the voice, for a text that does not tell its own; "" for one that does.

    Figures and units are of any language. Words in Latin letters are of a voice's language when it
    is written so.
    """
    text = re.sub(r"<[^<>]*>|\[[^\[\]]*\]", "", text)
    if re.search(f"[{HAN}{KANA}{HANGUL}{CYRILLIC}]", text):
        return ""
    return near if near in STOP_WORDS or not re.search(f"[{LATIN}]{{3}}", text) else ""


def language_of_transcript(transcript: str) -> str:
    """The language of what a reference says; "" where nothing tells it."""
    return language_of(transcript) if any(map(str.isalpha, transcript)) else ""


def language_of_clause(clause: str) -> str:
    """One of CODES, or "" where script and words do not tell."""
    han = len(re.findall(f"[{HAN}]", clause))
    kana = len(re.findall(f"[{KANA}]", clause))
    hangul = len(re.findall(f"[{HANGUL}]", clause))
    if hangul and hangul >= han + kana:
        return "ko"
    if kana and not (CHINESE_WORDS.search(clause) and kana < han):
        return "ja"
    if han:
        return "yue" if CANTONESE.search(clause) else "zh"
    if len(re.findall(f"[{CYRILLIC}]", clause)) > len(re.findall(f"[{LATIN}]", clause)):
        return "ru"
    return language_of_words(clause)


def language_of_words(clause: str) -> str:
    """The language of text in Latin letters, by its stop words and special letters, or ""."""
    words = [word.lower() for word in WORD.findall(clause)]
    scores = {code: sum(word in stop_words(code) for word in words) for code in STOP_WORDS}
    for code, letters in LETTERS.items():
        scores[code] += 2 * any(letter in letters for letter in clause.lower())
    best = max(scores, key=lambda code: scores[code])
    if best != "en" and scores[best] <= sum(word in ENGLISH_TOO for word in words):
        return ""
    return best if scores[best] else ""


@lru_cache
def stop_words(code: str) -> frozenset[str]:
    return frozenset(STOP_WORDS[code].split())


def is_english(part: str) -> bool:
    """Whether Latin text inside Chinese is an English clause and not a name: iPhone 15 Pro Max."""
    words = WORD.findall(part)
    stops = sum(word in stop_words("en") for word in words)
    return len(words) >= 3 and stops >= 1


def joined(parts: list[Run]) -> list[Run]:
    """Neighbours of one language as one run."""
    found: list[Run] = []
    for part in parts:
        if found and found[-1].language == part.language:
            found[-1] = Run(found[-1].start, part.end, part.language)
        elif part.end > part.start:
            found.append(part)
    return found


def _clauses(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for stop in CLAUSE_END.finditer(text):
        yield start, stop.end()
        start = stop.end()
    if start < len(text):
        yield start, len(text)


def _most_common(judged: list[str], clauses: list[tuple[int, int]]) -> str:
    weights: Counter[str] = Counter()
    for language, (start, end) in zip(judged, clauses):
        if language:
            weights[language] += end - start
    return max(weights, key=lambda code: weights[code]) if weights else ""


def _fallback(text: str) -> str:
    """Without any evidence: English for words in Latin letters, else Chinese."""
    return (
        "en"
        if re.search(rf"[{LATIN}]{{3}}", text) and not re.search("[，。、；：？！]", text)
        else "zh"
    )


def _settled(own: str, common: str) -> str:
    """The language of a clause among others: one in Chinese characters only may be Japanese."""
    if own == "zh" and common in ("ja", "yue"):
        return common
    return own or common


def _with_english_parts(text: str, start: int, end: int, language: str) -> Iterator[Run]:
    at = start
    for part in NOT_HAN.finditer(text, start, end):
        if is_english(part[0]):
            yield Run(at, part.start(), language)
            yield Run(part.start(), part.end(), "en")
            at = part.end()
    yield Run(at, end, language)


def _as_given(parts: list[Run], given: dict[int, str]) -> list[Run]:
    """Each mark decides from its place to the next mark."""
    if not given:
        return parts
    edges = [*sorted(given), parts[-1].end if parts else 0]
    before = [
        Run(part.start, min(part.end, edges[0]), part.language)
        for part in parts
        if part.start < edges[0]
    ]
    return before + [Run(a, b, given[a]) for a, b in zip(edges, edges[1:])]


# What of a text can be spoken

TOKEN_MARK = r"<\|[^|<>]{1,120}\|>"  # <|en|>: a token of its own in the vocabularies
# Pinyin or phonemes for a model that takes them: <|py:zhang3 da4|>, <|ph:HH AH0 L OW1|>. Each
# syllable has one digit.
SOUND_MARK = re.compile(r"<\|p[yh]:([^|<>]{1,120})\|>")
# All inline marks: also [laughter] and <strong>. They are never rewritten and never cut.
MARKS = re.compile(rf"({TOKEN_MARK}|\[[a-z_-]{{1,40}}\]|</?[a-z]{{1,40}}>)")


def contains_chinese(text: str) -> bool:
    return re.search(f"[{HAN}]", text) is not None


def is_speakable(text: str) -> bool:
    """Whether there is anything but blanks, punctuation, symbols and marks such as <|en|>."""
    text = re.sub(rf"{TOKEN_MARK}|{OBJECT}", "", SOUND_MARK.sub(r"\1", text))
    return any(char.isalnum() for char in text)


def without_punctuation(text: str) -> str:
    """Words and marks only."""
    parts = MARKS.split(text)  # text, mark, text, mark, ... text
    return "".join(
        part if index % 2 else re.sub(r"\W+", " ", part) for index, part in enumerate(parts)
    ).strip()


PACE = 4.5  # syllables and pauses that are spoken in a second, roughly
SYLLABLES_PER_WORD = 1.6  # of English, roughly
SYLLABLE_SIGN = re.compile(f"[{HAN}{KANA}{HANGUL}0-9]")
SPACED_WORD = re.compile(rf"[^\W\d_\u2e80-\u9fff{HANGUL}{HAN}]+(?:['’][^\W\d_]+)?")


def syllables(text: str) -> int:
    """An estimate: one for each Chinese character, kana, Hangul block and digit, 1.6 for a word."""
    text = SOUND_MARK.sub(lambda match: re.sub(r"\D", "", match[1]), text)
    words = len(SPACED_WORD.findall(text))
    return len(SYLLABLE_SIGN.findall(text)) + math.ceil(SYLLABLES_PER_WORD * words)
