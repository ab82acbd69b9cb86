"""English text -> phonemes: a lexicon, inflected forms, acronyms, and rules for other words.

    >>> english_phonemes("The cats walked to Zorbville.")
    'ðə kˈæts wˈɔkt tə zˈɔɹbvˌɪl.'

The symbols are those of misaki (American), which Kokoro reads: A I O W Y are the diphthongs of "bay
buy bow cow boy", T the flap of "water", ᵊ a short schwa, ᵻ the vowel of "roses"; ˈ and ˌ stand
before the stressed vowel.
"""

import lzma
import re
from functools import cache, lru_cache
from importlib.resources import files

from cosyvoice.tokenizer.english_words import (
    ADJECTIVES_IN_ED,
    AFTER_PREPOSITION,
    ALWAYS_SPELT,
    BEFORE_ADJECTIVE,
    BEFORE_DOES,
    BEFORE_NUMBER,
    CAPITALISED,
    INITIALS,
    NEW_WORDS,
    NOUN_AND_VERB,
    OWN_SENSES,
    PLACE_PREPOSITIONS,
    POLISHED,
)
from cosyvoice.tokenizer.heteronyms import is_second_sense

VOWELS = "AIOWYaiuæɑɔəɚɛɜɪʊʌᵊᵻɐ"
STRESSED = re.compile("[ˈˌ]")
KEPT_WORDS, KEPT_LENGTH = 20_000, 40  # words, of so many letters at most, whose sounds are kept
PAUSES = ",.!?;:—…"
STOPS = ".!?;:。！？；：\n"
TOKEN = re.compile(r"[A-Za-z]+(?:['.][A-Za-z]+)*|'[A-Za-z]+|[^A-Za-z]")
ABBREVIATION = re.compile(  # its stop is no pause
    r"\b(Mr|Mrs|Ms|Dr|Prof|Jr|Sr|St|vs|etc|[ap]\.m|[ei]\.[ge])\.(?=,? *[A-Za-z])"
)
FLAP_AFTER = "AIOWYiuæɑəɛɪɹʊʌ"

AFTER_LETTER = {"is", "was", "and", "or", "to"}  # "A is right"
OPENING = re.compile("(?<![A-Za-z])'[A-Za-z]+")
CLOSING = re.compile("(?<=[A-Za-z.,!?])'(?![A-Za-z])")


def english_phonemes(text: str) -> str:
    """Spell Latin letters and apostrophes as phonemes. Other characters stay."""
    tokens = TOKEN.findall(unquoted(ABBREVIATION.sub(r"\1", text)))
    spoken, after, following = [], "", ""  # after: the kind of sound, following: the word
    shouted = text.isupper() and " " in text.strip()
    for token, (sentence, place) in reversed([*zip(tokens, places_in_sentences(tokens))]):
        sound = token
        if is_word := is_spoken(token):
            sound = (
                initials(token)
                if not shouted and token.removesuffix("'s") in INITIALS
                else in_context(token, sentence, place, following, after)
            )
            following = token.lower()
        spoken.append(sound)
        after = next_sound(sound, after) if is_word or token in PAUSES else after
    return "".join(reversed(spoken))


def is_spoken(token: str) -> bool:
    return token[-1].isalpha() and (token[0].isalpha() or len(token) > 1)


def unquoted(text: str) -> str:
    """Without apostrophes that are quotation marks; those of clipped words ('em) stay."""
    last_closing = max((match.start() for match in CLOSING.finditer(text)), default=0)

    def opening(match: re.Match) -> str:
        clipped = match[0].lower()
        known = clipped in NEW_WORDS or clipped in lexicon()
        return (
            match[0]
            if known and (last_closing < match.end() or clipped == "'n")
            else " " + match[0][1:]
        )

    return CLOSING.sub("", OPENING.sub(opening, text))


def places_in_sentences(tokens: list[str]) -> list[tuple[list[str], int]]:
    """For each token, the words and commas of its sentence in small letters, and its place there.

    The place of what is no word is that of the next one.
    """
    found: list[tuple[list[str], int]] = []
    sentence: list[str] = []
    for token in tokens:
        found.append((sentence, len(sentence)))
        if is_spoken(token) or token == ",":
            sentence.append(token.lower())
        elif token in STOPS:
            sentence = []
    return found


def initials(word: str) -> str:
    """The letters of US, and of the possessive US's."""
    return plural(spell_out(word[:-2])) if word.endswith("'s") else spell_out(word)


def next_sound(phonemes: str, after: str) -> str:
    """What a word before `phonemes` runs into: "vowel", "consonant" or "" for a pause."""
    sound = STRESSED.sub("", phonemes)[:1]
    if not sound:
        return after
    return "" if sound in PAUSES else "vowel" if sound in VOWELS else "consonant"


def in_context(word: str, sentence: list[str], place: int, following: str, after: str) -> str:
    """Phonemes of a word, given its sentence and the kind of sound that follows."""
    before = sentence[place - 1] if place else ""
    lower = word.lower()
    fixed = weak_form(word, before, following, after) or by_neighbour(word, before, following)
    if fixed:
        return fixed
    if two := senses(lower):
        shared = lower not in OWN_SENSES
        return two[is_second_sense(lower, sentence, place, shared)]
    tag = None if after else "None"
    if lower == "used":
        tag = "VBD" if following == "to" else None
    return pronounce(word, tag)


def by_neighbour(word: str, before: str, following: str) -> str:
    """Words that one neighbour or a capital letter tells apart; "" for every other word."""
    if word in AFTER_PREPOSITION and before in PLACE_PREPOSITIONS:
        return AFTER_PREPOSITION[word]
    if word == "Polish" and not before and following in POLISHED:
        return "pˈɑlɪʃ"
    if word.lower() in ADJECTIVES_IN_ED and before in BEFORE_ADJECTIVE:
        return OWN_SENSES[word.lower()][1]
    if word.lower() == "number" and before in BEFORE_NUMBER:
        return "nˈʌməɹ"
    if word.lower() == "does" and before in BEFORE_DOES and before != "and":
        return "dˈOz"
    return CAPITALISED.get(word, "")


def senses(word: str) -> tuple[str, str] | None:
    """Noun or adjective and verb, or first and second sense, of a word in small letters."""
    if word in OWN_SENSES or word in NOUN_AND_VERB:
        return OWN_SENSES.get(word) or NOUN_AND_VERB[word]
    default, *variants = lexicon().get(word, "").split("\t")
    tags = dict(variant.split("=") for variant in variants)
    if "VERB" in tags:
        return default, tags["VERB"]
    other = tags.get("NOUN") or tags.get("ADJ")
    return (other, default) if other else None


def sentences_of(text: str) -> list[tuple[list[str], list[tuple[int, int]]]]:
    """Each sentence of a text with (position in the text, place in the sentence) of its words."""
    tokens = [match[0] for match in TOKEN.finditer(text)]
    found: list[tuple[list[str], list[tuple[int, int]]]] = []
    for match, (sentence, place) in zip(TOKEN.finditer(text), places_in_sentences(tokens)):
        if not found or found[-1][0] is not sentence:
            found.append((sentence, []))
        if is_spoken(match[0]):
            found[-1][1].append((match.start(), place))
    return found


def weak_form(word: str, before: str, following: str, after: str) -> str:
    """The, to, a and in change with what follows them; "" for every other word."""
    if word in ALWAYS_SPELT:
        return ALWAYS_SPELT[word]
    vowel = after == "vowel"
    match word.lower():
        case "the":
            return "ði" if vowel else "ðə"
        case "to":
            return "tu" if not after else "tʊ" if vowel else "tə"
        case "a" if (
            after
            and (word == "a" or not before and following not in AFTER_LETTER)
            and len(following) != 1
        ):
            return "ɐ"
        case "in":
            return "ɪn" if after else "ˈɪn"
    return ""


@cache
def lexicon() -> dict[str, str]:
    """The dictionary: word -> "phonemes" or "phonemes<TAB>TAG=phonemes..."."""
    data = lzma.decompress(
        files(__package__).joinpath("assets/english.txt.xz").read_bytes()
    ).decode()
    return dict(line.split("\t", 1) for line in data.splitlines())


def pronounce(word: str, tag: str | None = None) -> str:
    """Phonemes of one word; every string of letters gets some."""
    kept = len(word) <= KEPT_LENGTH
    return (_pronounce if kept else _pronounce.__wrapped__)(word, tag)


@lru_cache(maxsize=KEPT_WORDS)
def _pronounce(word: str, tag: str | None) -> str:
    lower = word.lower()
    if re.fullmatch("[A-Z]{2,}s", word):  # CEOs
        return plural(initials(word[:-1]) if word[:-1] in INITIALS else pronounce(word[:-1]))
    known = NEW_WORDS.get(lower) or look_up(word, tag) or inflected(word, tag)
    if known:
        return spell_out(word) if is_spelt(word, known) else known
    if lower.endswith("'s"):
        return plural(initials(word) if word[:-2] in INITIALS else pronounce(word[:-2], tag))
    if is_acronym(word):
        return spell_out(word)
    return look_up(lower, tag) or inflected(lower, tag) or compound(word) or unknown(lower)


def is_spelt(word: str, phonemes: str) -> bool:
    """Whether these are the names of the letters, however stressed."""
    return word.isupper() and STRESSED.sub("", phonemes) == STRESSED.sub("", spell_out(word))


def unknown(word: str) -> str:
    """A word that no dictionary has, by rules; with the plural of what is before a final s."""
    stem = re.fullmatch("(.+(?:x|z|s|sh|ch))es|(.*[^sui'])s", word)
    return plural(by_rule(stem[1] or stem[2])) if stem and len(word) > 3 else by_rule(word)


def is_acronym(word: str) -> bool:
    """USB, U.S, a.m and hmm; a known word in capitals (HELLO) or a long one is none."""
    if re.fullmatch(r"[A-Za-z](\.[A-Za-z])+", word) or not re.search("[aeiouyAEIOUY]", word):
        return True
    return (
        word.isupper()
        and len(word) <= 5
        and not (look_up(word.lower(), None) or inflected(word.lower(), None))
    )


def look_up(word: str, tag: str | None) -> str:
    """The lexicon's phonemes for this spelling, else with another case; "" if absent."""
    entries = lexicon()
    entry = entries.get(word) or (
        entries.get(word.lower()) if word in (word.capitalize(), word.upper()) else None
    )
    entry = entry or (entries.get(word.capitalize()) if word == word.lower() else None)
    if not entry:
        return ""
    default, *variants = entry.split("\t")
    return dict(variant.split("=") for variant in variants).get(tag, default)  # type: ignore[arg-type]


def inflected(word: str, tag: str | None) -> str:
    """Phonemes of a known word with an ending such as -s or -ing; "" if the stem is unknown."""
    lower = word.lower()
    for ending, replacement, inflect in INFLECTIONS:
        if lower.endswith(ending) and len(word) - len(ending) > 1:
            verb = "VERB" if inflect in (past, progressive) else tag
            stem = look_up(word[: len(word) - len(ending)] + replacement, verb)
            if stem:
                return inflect(stem)
    doubled = re.fullmatch(r"(.+([bdgklmnprtvz]))\2(ed|ing)", lower)
    stem = doubled and look_up(doubled[1], "VERB")  # type: ignore[assignment]
    return {"ed": past, "ing": progressive}[doubled[3]](stem) if stem else ""  # type: ignore[index]


def plural(stem: str) -> str:
    if stem[-1] in "ptkfθT":
        return stem + "s"
    return stem + ("ᵻz" if stem[-1] in "szʃʒʧʤ" else "z")


def past(stem: str) -> str:
    if stem[-1] in "pkfθʃsʧ":
        return stem + "t"
    if stem[-1] in "dt":
        return flapped(stem) + "ᵻd"
    return stem + "d"


def progressive(stem: str) -> str:
    return flapped(stem) + "ɪŋ"


def flapped(stem: str) -> str:
    """A final t between vowels is the American flap."""
    return stem[:-1] + "T" if re.search(f"[{FLAP_AFTER}]t$", stem) else stem


INFLECTIONS = (
    ("'s", "", plural),
    ("s'", "", plural),
    ("ies", "y", plural),
    ("es", "", plural),
    ("es", "e", plural),
    ("s", "", plural),
    ("'", "", str),
    ("ied", "y", past),
    ("ed", "e", past),
    ("ed", "", past),
    ("'d", "", past),
    ("ing", "e", progressive),
    ("ing", "", progressive),
    ("'ll", "", lambda stem: stem + "ᵊl"),
    ("'ve", "", lambda stem: stem + "əv"),
    ("'re", "", lambda stem: stem + "əɹ"),
    ("ly", "", lambda stem: stem + "li"),
    ("ness", "", lambda stem: stem + "nəs"),
    ("less", "", lambda stem: stem + "ləs"),
)


def compound(word: str) -> str:
    """Known words written together: "iPhone", "BlueBerryPie", "voicebox"; "" otherwise."""
    parts = re.findall("[A-Z]?[a-z]+|[A-Z]+(?![a-z])", word.replace("'", ""))
    if 1 < len(parts) and "." not in word:
        return second_stress(
            "".join(spell_out(part) if len(part) == 1 else pronounce(part) for part in parts)
        )
    for cut in range(len(word) - 4, 3, -1):
        left, right = look_up(word[:cut].lower(), None), look_up(word[cut:].lower(), None)
        if left and right:
            return second_stress(left + right)
    return ""


def second_stress(phonemes: str) -> str:
    """Keep the first main stress, lower the later ones."""
    head, mark, tail = phonemes.partition("ˈ")
    return head + mark + tail.replace("ˈ", "ˌ")


LETTER_NAMES = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "ˈA bˈi sˈi dˈi ˈi ˈɛf ʤˈi ˈAʧ ˈI ʤˈA kˈA ˈɛl ˈɛm ˈɛn ˈO pˈi kjˈu"
        " ˈɑɹ ˈɛs tˈi jˈu vˈi dˈʌbᵊlju ˈɛks wˈI zˈi".split(),
    )
)


def spell_out(word: str) -> str:
    """Letter by letter, the last one stressed: USB -> jˌuˌɛsbˈi."""
    names = "".join(
        LETTER_NAMES[letter] for letter in word.upper() if letter in LETTER_NAMES
    ).replace("ˈ", "ˌ")
    head, mark, tail = names.rpartition("ˌ")
    return head + mark.replace("ˌ", "ˈ") + tail


RULES = [
    (re.compile(pattern), phonemes)
    for pattern, phonemes in (
        rule.split()
        for rule in """
^x z|^kn n|^gn n|^wr ɹ|^ps s|^pn n|^wh w|^mc mək|^sch ʃ|^rh ɹ|^ay A|^eu ju
tion$ ʃən|sion$ ʒən|tions$ ʃənz|sions$ ʒənz|cious$ ʃəs|tious$ ʃəs|ous$ əs|cian$ ʃən|cial$ ʃᵊl
tial$ ʃᵊl|ture$ ʧəɹ|sure$ ʒəɹ
age$ ɪʤ|able$ əbᵊl|ible$ əbᵊl|ful$ fᵊl|ness$ nəs|less$ ləs|ment$ mənt|ville$ vɪl|burgh$ bɜɹɡ
berg$ bɜɹɡ|ically$ ɪkli|ism$ ɪzəm
ology$ ɑləʤi|ities$ əTiz|ity$ əTi|ish$ ɪʃ|ing$ ɪŋ|ings$ ɪŋz|er$ əɹ|ers$ əɹz|or$ əɹ|ors$ əɹz
ar$ əɹ|ard$ əɹd|en$ ᵊn|on$ ən|an$ ən|al$ ᵊl
le$ ᵊl|les$ ᵊlz|el$ ᵊl|y$ i|ie$ i|ies$ iz|ey$ i|a$ ə|as$ əz|ia$ iə|io$ iO|o$ O|os$ Oz|i$ i|u$ u
ue$ u|es$ z|ed$ d|e$ -
augh ɔ|ough ɔ|igh I|eigh A|tch ʧ|dge ʤ|sch sk|sh ʃ|ch ʧ|ph f|th θ|gh ɡ|wh w|ck k|ng(?=[eiy]) nʤ
ng ŋ|nk ŋk|qu kw|ss s|zz z
ll l|tt t|pp p|bb b|dd d|ff f|gg ɡ|mm m|nn n|rr ɹ|cc(?=[eiy]) ks|cc k
eer ɪɹ|ear ɪɹ|air ɛɹ|oar ɔɹ|our ɔɹ|oor ɔɹ|are$ ɛɹ|ere$ ɪɹ|ire$ Iəɹ|ore$ ɔɹ|ure$ jʊɹ|ar ɑɹ|er ɜɹ
ir ɜɹ|or ɔɹ|ur ɜɹ|yr ɪɹ
ai A|ay A|au ɔ|aw ɔ|ea i|ee i|ei i|eu u|ew u|ey A|ie i|oa O|oe O|oi Y|oo u|ou W|ow O|oy Y|ua wɑ
ue u|ui u
a(?=[bcdfgklmnpstvz]e[sd]?$) A|e(?=[bcdfgklmnpstvz]e[sd]?$) i|i(?=[bcdfgklmnpstvz]e[sd]?$) I
o(?=[bcdfgklmnpstvz]e[sd]?$) O
u(?=[bcdfgklmnpstvz]e[sd]?$) u|y(?=[bcdfgklmnpstvz]e[sd]?$) I
c(?=[eiy]) s|g(?=[eiy]) ʤ|x ks|j ʤ|y(?=[aeiou]) j|y ɪ|a æ|e ɛ|i ɪ|o ɑ|u ʌ|c k|g ɡ|r ɹ|q k
""".replace("\n", "|")
        .strip("|")
        .split("|")
    )
]


def by_rule(word: str) -> str:
    """Sounds of a word that no dictionary has, with the stress on the first full vowel.

    At each letter the first rule that fits is taken.
    """
    phonemes, i = "", 0
    while i < len(word):
        sound, length = next(
            (
                (sound, match.end() - i)
                for rule, sound in RULES
                if (match := rule_match(rule, word, i))
            ),
            (word[i] if word[i].isalpha() else "", 1),
        )
        phonemes, i = phonemes + sound.strip("-"), i + max(length, 1)
    return re.sub(f"(?=[{VOWELS}])", "ˈ", phonemes, count=1)


def rule_match(rule: re.Pattern, word: str, i: int) -> re.Match | None:
    """Match at letter i: a rule with ^ only at the start, one for an ending never a whole word."""
    if rule.pattern.startswith("^") and i:
        return None
    match = rule.match(word, i)
    return match if match and not (i == 0 and match.end() == len(word) and len(word) > 1) else None
