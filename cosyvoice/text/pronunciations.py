"""Pronunciation lists: a caller's own words and how each is said.

    996      nine nine six    in words, which are read as any text is
    重庆     chong2 qing4     in pinyin with tones, one syllable for each character
    Nguyen   W IH1 N          in phonemes of the CMU Pronouncing Dictionary (ARPAbet)

Models whose tokens are phonemes take all three, and CosyVoice3 too. For others a syllable of pinyin
becomes a common character of the same sound.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from cosyvoice.text.aligned import Aligned
from cosyvoice.text.pinyin import homophone, initial_and_final, is_syllable, syllables_of
from cosyvoice.text.read import listed_words, read
from cosyvoice.text.width import plain_forms
from cosyvoice.utils.errors import PronunciationError

MAX_ENTRIES = 1000
MAX_WORD, MAX_SAID = 50, 100  # characters
MARKUP = re.compile(r"[<>\[\]{}|\x00-\x1f\x7f\u2028\u2029]")
VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()
PHONEMES = frozenset([*CONSONANTS, *(f"{vowel}{stress}" for vowel in VOWELS for stress in "012")])
LIKE_PHONEME = re.compile(r"[A-Z]{1,2}[0-9]?")

Say = Callable[[str, str], str]  # (word, how it is said) -> what the model gets


def checked(entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    """{word: how it is said}. Raises a PronunciationError that names the entry at fault."""
    entries = list(entries)
    if len(entries) > MAX_ENTRIES:
        raise PronunciationError(
            f"the list has {len(entries)} entries; at most {MAX_ENTRIES} are kept",
            f"发音表有 {len(entries)} 条，最多 {MAX_ENTRIES} 条",
        )
    found: dict[str, str] = {}
    places: dict[str, int] = {}
    for place, (word, said) in enumerate(entries, 1):
        word, said = word.strip(), said.strip()
        check_entry(place, word, said)
        key = plain_word(word).casefold()
        if key in places:
            raise entry_error(
                place,
                word,
                f"the word is in entry {places[key]} already; leave one out",
                f"该词已在第 {places[key]} 条中，请删去一条",
            )
        places[key] = place
        found[word] = said
    return found


def check_entry(place: int, word: str, said: str) -> None:
    """Raises a PronunciationError for what cannot be found in a text, or cannot be said."""
    if not any(char.isalnum() for char in word) or not any(char.isalpha() for char in said):
        raise entry_error(
            place,
            word,
            f"no letters: give a word, and how it is said in letters, got {said!r}",
            f"没有文字：请填写词语和它的读法（读法须含文字），收到的读法为 {said!r}",
        )
    if len(word) > MAX_WORD or len(said) > MAX_SAID:
        raise entry_error(
            place,
            word[:MAX_WORD],
            f"too long: at most {MAX_WORD} characters, and {MAX_SAID} for how it is said",
            f"过长：词语最多 {MAX_WORD} 个字符，读法最多 {MAX_SAID} 个",
        )
    if MARKUP.search(word + said):
        raise entry_error(
            place,
            word,
            "has a sign that is not spoken: leave out < > [ ] { } | and line ends",
            "含有不能朗读的符号：请去掉 < > [ ] { } | 和换行",
        )
    for unit in syllables_of(said):
        if not is_syllable(unit):
            raise entry_error(
                place,
                word,
                f"there is no syllable {unit!r} in pinyin: write syllables with tones 1 to 5, "
                "such as zhang3 da4, or say it in words",
                f"拼音中没有音节 {unit!r}：请写带声调 1 到 5 的拼音，如 zhang3 da4，或用文字写读法",
            )
    for unit in phonemes_of(said):
        if unit not in PHONEMES:
            raise entry_error(
                place,
                word,
                f"there is no phoneme {unit!r}: write ARPAbet with the stress 0 to 2 at vowels, "
                "such as HH AH0 L OW1, or say it in words",
                f"没有音素 {unit!r}：请写 ARPAbet 音素，元音带重音 0 到 2，如 HH AH0 L OW1，"
                "或用文字写读法",
            )


def phonemes_of(said: str) -> list[str]:
    """The phonemes of what is meant as ARPAbet, whether they exist or not; none for other text.

    A vowel has its stress as a digit. Letters alone are words: P R is no phonemes.
    """
    parts = said.split()
    is_meant = any(part[:-1] in VOWELS or len(part) > 1 and part[-1] in "012" for part in parts)
    return parts if is_meant and all(LIKE_PHONEME.fullmatch(part) for part in parts) else []


def entry_error(place: int, word: str, en: str, zh: str) -> PronunciationError:
    return PronunciationError(
        f"entry {place}, {word!r}: {en}", f"第 {place} 条“{word}”：{zh}", place - 1
    )


class Spoken(Mapping[str, str]):
    """A list as `read` takes it: plain words, and what the model gets for each, when it is asked.

    say: how this model is told a sound.
    """

    def __init__(self, pronunciations: Mapping[str, str], say: Say):
        self.entries = {plain_word(word): said for word, said in pronunciations.items()}
        self.say = say

    def check(self, text: str) -> None:
        """Raises a PronunciationError for a word of the text that the model cannot be told."""
        if self.entries:
            list(listed_words(plain_word(text), self))

    def __getitem__(self, word: str) -> str:
        said = self.entries[word]
        return self.say(word, said) if is_sound(said) else in_words(said)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def is_sound(said: str) -> bool:
    """Whether a pronunciation is in pinyin or phonemes, not in words."""
    return bool(syllables_of(said) or phonemes_of(said))


def plain_word(word: str) -> str:
    """As a cleaned text would have it."""
    return " ".join(plain_forms(Aligned(word)).text.split())


def in_words(said: str) -> str:
    """Words are read too: figures and signs in them have words of their own."""
    return " ".join("".join(passage.spoken for passage in read(said)).split())


def as_typed(word: str, said: str) -> str:
    """For people: pinyin and phonemes as they are."""
    return said


def as_mark(word: str, said: str) -> str:
    """For models whose tokens are phonemes."""
    syllables = syllables_of(said)
    return f"<|py:{' '.join(syllables)}|>" if syllables else f"<|ph:{said}|>"


def as_brackets(marks: Collection[str]) -> Say:
    """For CosyVoice3, whose vocabulary has these marks: [ch][óng], [W][IH1][N]."""

    def say(word: str, said: str) -> str:
        syllables = syllables_of(said)
        parts = [part for syllable in syllables for part in initial_and_final(syllable)]
        found = [f"[{part}]" for part in parts or phonemes_of(said)]
        if missing := next((mark for mark in found if mark not in marks), ""):
            raise PronunciationError(
                f"the pronunciation of {word!r} has {missing}, a sound that this model has no mark "
                "for: say it in words",
                f"“{word}”的读法中，当前模型没有 {missing} 这个音，请改用文字写读法",
            )
        return "".join(found)

    return say


def as_characters(word: str, said: str) -> str:
    """For models that read characters: a character of the same sound for each syllable.

    A character of the word that can only be read so stays. Raises PronunciationError for phonemes,
    and for a syllable that no common character has.
    """
    syllables = syllables_of(said)
    if not syllables:
        raise PronunciationError(
            f"the pronunciation of {word!r} is in phonemes, which this model does not take: "
            "say it in words or in pinyin",
            f"“{word}”的读法是音素，当前模型不支持，请改用文字或拼音",
        )
    written = word if len(word) == len(syllables) else " " * len(syllables)
    characters = [homophone(sound, own.strip()) for sound, own in zip(syllables, written)]
    if "" in characters:
        missing = syllables[characters.index("")]
        raise PronunciationError(
            f"the pronunciation of {word!r} has {missing!r}, a sound that no common character "
            "always has, and this model reads characters: say it in words",
            f"“{word}”的读法中，没有常用字总读作 {missing!r}，当前模型只认汉字，请改用文字写读法",
        )
    return "".join(characters)
