"""Languages and scripts: which language each part of a text is read in.

The words around a figure decide, not the text as a whole: in 它重5kg, about 3 miles, the first unit
is read in Chinese and the second in English. A clause is judged by its script and by its stop
words. One without evidence takes the language of its neighbours, then that of the request's (the
voice's own text, the speaker's name), else Chinese.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from cosyvoice.text.objects import OBJECT
from cosyvoice.text.vocabulary import COMMON_WORDS, ENDINGS, LETTERS

CODES = ("zh", "en", "yue", "ja", "ko", "de", "fr", "es", "it", "ru")

# Scripts, as ranges for a character class of a regular expression.
# HAN has 〇, extension A, the unified and the compatibility ideographs, and planes 2 and 3.
HAN = "〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3041-\u3096\u30a1-\u30fa\u30fc"
HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
CYRILLIC = "\u0400-\u04ff"
LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"

# Characters that only written Cantonese has, and words that Chinese has and Japanese has not.
CANTONESE = re.compile(
    "[嘅咗喺冇哋啲嚟嗰嘢噉咁攞瞓睇嗌佢乜冧嚿啱嘥俾畀嬲蚊㗎]|唔[係好使知想該]|係[咪唔]|邊[個度]"
    "|而家|幾多|[呢第]個|呢[度件間间杯本種种隻只條条張张位日次句邊边樣样班輛架支場场家份段首]"
    "|聽日|尋日|琴日"
)
CHINESE_WORDS = re.compile(
    "[你您她们嗎吗呢吧麼么這这說说沒没很讓让给]|給[你我他她]|[我他](?=[有在是的不想要])"
    "|的[时時人是]|不是|可以|因[為为]|所以"
    f"|[{KANA}]是|的意思"
)
JAPANESE_WORDS = re.compile("曜日|丁目|番地|四半期|午前|午後")
OTHER = f"{HAN}{KANA}{HANGUL}{CYRILLIC}"  # scripts other than the Latin one

CLAUSE_END = re.compile(r"[。！？；，、：!?;:\n]+(?!\d)|[,.](?!\w)")
SENTENCE_STOP = re.compile(r"[。！？；!?;\n]|(?:[^\W\d_]{3}|\d{3}|[)\"”])\.\s*\Z")
NOT_WORDS = re.compile(r"(?<!\S)\S*[@/]\S*|(?<!\w)\w+(?:\.\w{2,})+|\d ?[A-Za-z]{1,2}\b")
WORD = re.compile(rf"[{LATIN}]+(?:['-][{LATIN}]+)*")
PLAIN_WORD = re.compile(r"(?<![\w@./])[a-z]{4,}(?![\w@/])|(?<![\w@./])[a-z]{3} [a-z]{3}")
UNIT = re.compile(r"\d ?[A-Za-z%°μ²³/·]+")  # with the figure before it
ENGLISH_ENDING = re.compile("'(?:s|t|re|ve|ll|m|d)$")  # it's, don't
NOT_NATIVE = {  # parts of a clause in another script than that of its language
    code: re.compile(rf"[^{script}]*[{LATIN}][^{script}]*")
    for code, script in {
        "zh": HAN + KANA, "yue": HAN + KANA, "ja": HAN + KANA, "ko": HANGUL + HAN, "ru": CYRILLIC,
    }.items()
}  # fmt: skip
NOT_LATIN = re.compile(rf"\d*[{OTHER}](?:[{OTHER}\d]*[{OTHER}])?\d*")
QUOTED = re.compile('[「『“"‘《][^」』”"’》]{0,80}[」』”"’》]')

# What evidence a language needs against others, in words that only it has
CERTAIN = 1.5
LEAST = 0.2
LIKELY = 0.5  # in a text without any character of the language around
LEAST_OF_MANY = 0.6
SHARE = 0.3  # of all words
NEAR = 1.35  # what the language around counts for
WHOLE = 0.3  # and the other sentences


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
    clauses = list(_clauses(text))
    judged = judged_clauses([text[start:end] for start, end in clauses], near)
    common = _most_common(judged, clauses) or _without_evidence(text, near)
    common = _settled(text, common, common, near)
    found: list[Run] = []
    for (start, end), own in zip(clauses, judged):
        language = _settled(text[start:end], own, common, near)
        if language in NOT_NATIVE:
            found += _with_latin_parts(text, start, end, language)
        else:
            found += _with_other_parts(text, start, end, language)
    return joined(_as_given(found, given or {}))


def language_of(text: str, near: str = "") -> str:
    """The language of most of a text."""
    weights: Counter[str] = Counter()
    for run in runs(text, near):
        weights[run.language] += run.end - run.start
    return max(weights, key=lambda code: weights[code]) if weights else near or "zh"


def judged_clauses(clauses: list[str], near: str) -> list[str]:
    """The language of each clause; "" where script and words do not tell.

    Words in Latin letters are judged by the sentence that they stand in.
    """
    evidence = [word_scores(clause) for clause in clauses]
    whole = summed(evidence)
    judged: list[str] = []
    for sentence in _sentences(clauses):
        scores = summed([evidence[index] for index in sentence])
        written = " ".join(clauses[index] for index in sentence)
        latin = likeliest(scores, whole, near) if is_enough(scores, written, near) else ""
        judged += [language_of_clause(clauses[index], latin, evidence[index]) for index in sentence]
    return judged


def _sentences(clauses: list[str]) -> Iterator[range]:
    """The clauses of each sentence, by their indices."""
    start = 0
    for index, clause in enumerate(clauses):
        if SENTENCE_STOP.search(clause) or index == len(clauses) - 1:
            yield range(start, index + 1)
            start = index + 1


def language_of_clause(clause: str, latin: str, scores: dict[str, float]) -> str:
    """One of CODES, or "" where script and words do not tell.

    latin: the language of the words in Latin letters around it, if they tell.
    """
    han = len(re.findall(f"[{HAN}]", clause))
    kana = len(re.findall(f"[{KANA}]", clause))
    hangul = len(re.findall(f"[{HANGUL}]", clause))
    cyrillic = len(re.findall(f"[{CYRILLIC}]", clause))
    letters = len(re.findall(f"[{LATIN}]", clause))
    other = han + kana + hangul + cyrillic
    if latin and scores[latin] >= CERTAIN and letters > 2 * other and mentions(clause, OTHER):
        return latin
    if hangul > han + kana and not is_chinese(clause, han, HANGUL):
        return "ko"
    if kana and not is_chinese(clause, han, KANA):
        return "ja"
    if han and is_japanese(clause):
        return "ja"
    if han:
        return "yue" if CANTONESE.search(clause) else "zh"
    if cyrillic:
        return "ru"
    return latin if letters else ""


def mentions(clause: str, script: str) -> bool:
    """Whether there is one word at most in this script, or only quoted ones."""
    return len(re.findall(f"[{script}]+", QUOTED.sub("", clause))) <= 1


def is_chinese(clause: str, han: int, other: str) -> bool:
    """Whether a clause in Han only mentions another script: 日语的ありがとう是谢谢的意思."""
    if not han or (len(re.findall(f"[{other}]", clause)) >= han and not mentions(clause, other)):
        return False
    if any(not is_japanese_character(char) for char in re.findall(f"[{HAN}]", clause)):
        return True
    return CHINESE_WORDS.search(clause) is not None and mentions(clause, other)


def is_japanese(clause: str) -> bool:
    """Whether a clause in Han has characters that only Japanese has: 税込1,980円, 〒."""
    characters = re.findall(f"[{HAN}]", clause)
    return bool(
        (JAPANESE_WORDS.search(clause) or any(map(is_japanese_only, characters)))
        and all(is_japanese_character(char) for char in characters)
        and not CHINESE_WORDS.search(clause)
    )


@lru_cache(maxsize=8192)
def is_japanese_only(character: str) -> bool:
    """Whether only the character set of Japanese has it, not those of Chinese."""
    return (
        "\u4e00" <= character
        and is_japanese_character(character)
        and not (is_in(character, "gb2312") or is_in(character, "big5"))
    )


def is_in(character: str, character_set: str) -> bool:
    try:
        character.encode(character_set)
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=8192)
def is_japanese_character(character: str) -> bool:
    """Whether the character set of Japanese, JIS X 0208, has it; simplified forms are not in it."""
    return is_in(character, "shift_jis")


def word_scores(text: str) -> dict[str, float]:
    """For each language in Latin letters, how many words of a text point to it alone."""
    scores = dict.fromkeys(COMMON_WORDS, 0.0)
    for word in WORD.findall(NOT_WORDS.sub(" ", text)):
        if word.isupper() and len(word) in (2, 3, 4) and (len(text) < 12 or not text.isupper()):
            continue  # an abbreviation: US, IT, EUR
        for code, weight in word_evidence(word.lower()):
            scores[code] += weight
    if "¿" in text or "¡" in text:
        scores["es"] += 2
    return scores


@lru_cache(maxsize=16384)
def word_evidence(word: str) -> tuple[tuple[str, float], ...]:
    """The languages that a word points to, and how much."""
    weights: defaultdict[str, float] = defaultdict(float)
    if len(word) == 1 and word not in "aeoyàèéìòù":
        return ()  # a unit or an initial
    if ENGLISH_ENDING.search(word):
        return (("en", 1.0),)
    parts = {word, *word.split("'")} if "'" in word else {word}
    having = [code for code in COMMON_WORDS if parts & common_words(code)]
    for code in having:
        weights[code] += (0.15 if word in "aeoy" else 1) / len(having)
    for code, letters in LETTERS.items():
        if any(letter in letters for letter in word):
            weights[code] += 1
    if not having and len(word) >= 6:
        ending = [code for code in ENDINGS if word.endswith(ENDINGS[code])]
        for code in ending:
            weights[code] += 0.5 / len(ending)
    return tuple(weights.items())


@lru_cache
def common_words(code: str) -> frozenset[str]:
    return frozenset(COMMON_WORDS[code].split())


def summed(evidence: list[dict[str, float]]) -> dict[str, float]:
    total = dict.fromkeys(COMMON_WORDS, 0.0)
    for scores in evidence:
        for code, score in scores.items():
            total[code] += score
    return total


def is_enough(scores: dict[str, float], sentence: str, near: str) -> bool:
    """Whether the words of a sentence tell its language.

    Beside another script or English, a name with a figure does not: Vol.3, iPhone 16 Pro Max.
    """
    best = max(scores.values())
    if near not in NOT_NATIVE and near != "en":
        return best >= LEAST
    words = len(WORD.findall(sentence))
    is_more = near != "en" and (words >= 2 or not re.search(r"\d", sentence))
    return best >= CERTAIN or (is_more and best >= max(LEAST_OF_MANY, SHARE * words))


def likeliest(scores: dict[str, float], whole: dict[str, float], near: str) -> str:
    """The language of a sentence in Latin letters; where its words tell little, that around it."""
    best_of_all = max(whole.values())

    def score(code: str) -> float:
        return scores[code] + NEAR * (code == near) + WHOLE * whole[code] / best_of_all

    return max(scores, key=score)


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
    for code in ("ja", "yue"):  # they have clauses without any character of their own
        if weights[code] * 3 >= weights["zh"] > 0:
            weights[code] += weights.pop("zh")
    return max(weights, key=lambda code: weights[code]) if weights else ""


def _without_evidence(text: str, near: str) -> str:
    """The language around; but words such as "over 45,000 fans" are no Chinese."""
    if re.search(f"[{OTHER}，。、；：？！]", text):
        return near or "zh"
    if near in NOT_NATIVE:
        words = NOT_WORDS.sub(" ", text)
        unnamed = re.sub(r"\b[A-Z]\w*", " ", words)
        longer = re.sub(r"\b[A-Z]\w{1,2}\b", " ", words)  # without No. and the like
        return "en" if PLAIN_WORD.search(unnamed) or word_scores(longer)["en"] >= LIKELY else near
    return near or ("en" if re.search(f"[{LATIN}]{{2}}", UNIT.sub("", text)) else "zh")


def _settled(clause: str, own: str, common: str, near: str) -> str:
    """The language of a clause among others: one in Chinese characters only may be Japanese."""
    if own != "zh":
        return own or common
    around = common if common in ("ja", "yue") else near
    if around == "yue":
        return "yue"
    if around == "ja" and not CHINESE_WORDS.search(clause):
        return "ja" if all(map(is_japanese_character, re.findall(f"[{HAN}]", clause))) else "zh"
    return "zh"


def _with_latin_parts(text: str, start: int, end: int, language: str) -> Iterator[Run]:
    at = start
    for part in NOT_NATIVE[language].finditer(text, start, end):
        if foreign := foreign_clause(part[0]):
            yield Run(at, part.start(), language)
            yield Run(part.start(), part.end(), foreign)
            at = part.end()
    yield Run(at, end, language)


def _with_other_parts(text: str, start: int, end: int, language: str) -> Iterator[Run]:
    at = start
    for part in NOT_LATIN.finditer(text, start, end):
        yield Run(at, part.start(), language)
        yield Run(part.start(), part.end(), language_of_clause(part[0], "", {}))
        at = part.end()
    yield Run(at, end, language)


def foreign_clause(part: str) -> str:
    """The language of Latin text inside Chinese and its like; "" for a name: iPhone 15 Pro Max."""
    if len(WORD.findall(part)) < 3:
        return ""
    scores = word_scores(part)
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] >= (1 if best == "en" else CERTAIN) else ""


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


def without_sound_marks(spoken: str) -> str:
    """For people: <|py:zhang3 da4|> -> zhang3 da4."""
    return SOUND_MARK.sub(r"\1", spoken)


IN_LATIN_LETTERS = ("en", "de", "fr", "es", "it")


def hint(text: str, near: str) -> str:
    """The language of the voice, for a text that does not tell its own; "" for one that does.

    Figures and units are of any language. Words in Latin letters are of a voice's language when it
    is written so.
    """
    text = re.sub(r"<[^<>]*>|\[[^\[\]]*\]", "", text)
    if re.search(f"[{KANA}{HANGUL}{CYRILLIC}]", text):
        return ""
    if contains_chinese(text):
        return near if near in ("ja", "yue") else ""
    words = NOT_WORDS.sub(" ", text)
    return near if near in IN_LATIN_LETTERS or not re.search(f"[{LATIN}]{{3}}", words) else ""


def language_of_transcript(transcript: str) -> str:
    """The language of what a reference says; "" where nothing tells it."""
    return language_of(transcript) if any(map(str.isalpha, transcript)) else ""
