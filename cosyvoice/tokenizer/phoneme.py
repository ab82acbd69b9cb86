"""Text -> phoneme tokens, for models whose text tokens are phonemes.

`get_tokenizer()` stands where the official models name a text tokenizer in their YAML:

    >>> tokenizer = get_tokenizer()
    >>> tokenizer.decode(tokenizer.encode("你好, world!"))
    'ni↗xau↓, wˈɜɹld!'

One token is one symbol of Kokoro's alphabet (hexgrad/Kokoro-82M, vocab of config.json), with
Kokoro's number, so that model takes a token sequence as it is. Chinese, English and digits are
read, in any mixture. Characters of other scripts are dropped.
"""

import re
import unicodedata
from functools import cache

from cosyvoice.text.language import HAN, contains_chinese
from cosyvoice.text.numbers import DECIMAL, ordinal, read_number
from cosyvoice.tokenizer.english import english_phonemes
from cosyvoice.tokenizer.mandarin import mandarin_phonemes

SYMBOLS = {
    **dict(zip(";:,.!?", range(1, 7))),
    **dict(zip('—…"()“” \u0303ʣʥʦʨᵝꭧAI', range(9, 26))),
    "O": 31,
    "Q": 33,
    "S": 35,
    "T": 36,
    "W": 39,
    **dict(zip("Yᵊabcdef", range(41, 49))),
    **dict(zip("hijklmnopqrstuvwxyzɑɐɒæ", range(50, 73))),
    **dict(zip("βɔɕç", range(75, 79))),
    **dict(zip("ɖðʤə", range(80, 84))),
    "ɚ": 85,
    "ɛ": 86,
    "ɜ": 87,
    "ɟ": 90,
    "ɡ": 92,
    "ɥ": 99,
    "ɨ": 101,
    "ɪ": 102,
    "ʝ": 103,
    **dict(zip("ɯɰŋɳɲɴø", range(110, 117))),
    "ɸ": 118,
    "θ": 119,
    "œ": 120,
    "ɹ": 123,
    "ɾ": 125,
    "ɻ": 126,
    "ʁ": 128,
    "ɽ": 129,
    **dict(zip("ʂʃʈʧ", range(130, 134))),
    "ʊ": 135,
    "ʋ": 136,
    "ʌ": 138,
    "ɣ": 139,
    "ɤ": 140,
    "χ": 142,
    "ʎ": 143,
    "ʒ": 147,
    "ʔ": 148,
    "ˈ": 156,
    "ˌ": 157,
    "ː": 158,
    "ʰ": 162,
    "ʲ": 164,
    "↓": 169,
    "→": 171,
    "↗": 172,
    "↘": 173,
    "ᵻ": 177,
}
END_OF_PROMPT = "<endofprompt>"  # between an instruction and the text to speak
END_OF_PROMPT_ID = 178
VOCAB_SIZE = 179

INLINE_MARKS = re.compile(r"\[(?:laughter|breath)\]|</?(?:strong|laughter)>")
PIECE = re.compile(rf"[{HAN}]+|[A-Za-z'][^{HAN}]*|[^{HAN}A-Za-z']+")
PUNCTUATION = str.maketrans(
    {
        "，": ", ",
        "、": ", ",
        "。": ". ",
        "．": ". ",
        "！": "! ",
        "？": "? ",
        "：": ": ",
        "；": "; ",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "…": "… ",
        "《": " “",
        "》": "” ",
        "「": " “",
        "」": "” ",
        "『": " “",
        "』": "” ",
        "【": " “",
        "】": "” ",
        "（": " (",
        "）": ") ",
        "«": " “",
        "»": "” ",
        "–": "—",
        "～": ", ",
        "~": ", ",
        "−": "-",
    }
)
SEPARATORS = str.maketrans(dict.fromkeys("-_/·\n\t\u3000", " "))
MEASURE_WORDS = "个只条本张位件年天次块斤瓶杯碗辆台家间种句遍岁双把座米页"  # 2 is 两 before these
SPOKEN_SIGNS = {  # (Chinese, English)
    "%": ("百分号", "percent"),
    "&": ("和", "and"),
    "+": ("加", "plus"),
    "=": ("等于", "equals"),
    "@": ("艾特", "at"),
    "$": ("美元", "dollars"),
    "#": ("井号", "hash"),
    "*": ("星号", "star"),
    "°": ("度", "degrees"),
}


class PhonemeTokenizer:
    """Stateless; safe to share between threads."""

    vocab_size = VOCAB_SIZE
    takes_phonemes = True  # <|py:zhang3 da4|> and <|ph:HH AH0 L OW1|>

    def encode(self, text: str, allowed_special="all") -> list[int]:
        """Token ids of `text`, without inline marks.

        `<endofprompt>` or `<|endofprompt|>` always becomes one id. `allowed_special` has no effect:
        the front end passes it to every tokenizer.
        """
        instruction_and_text = re.split(r"<\|?endofprompt\|?>", text)
        ids = [[SYMBOLS[symbol] for symbol in phonemes(part)] for part in instruction_and_text]
        return [
            number
            for i, part in enumerate(ids)
            for number in ([END_OF_PROMPT_ID] if i else []) + part
        ]

    def decode(self, ids: list[int]) -> str:
        """The phonemes that `ids` stand for."""
        return "".join(SYMBOL_OF[int(number)] for number in ids)


SYMBOL_OF = {number: symbol for symbol, number in SYMBOLS.items()} | {
    END_OF_PROMPT_ID: END_OF_PROMPT
}


@cache
def get_tokenizer() -> PhonemeTokenizer:
    """The tokenizer; named by `cosyvoice.yaml` of the model."""
    return PhonemeTokenizer()


def phonemes(text: str) -> str:
    """Spell Chinese and English text as phonemes. What cannot be read is dropped.

    >>> phonemes("我有2个APP。")
    'wo↓ jou↗ lja↓ŋkɤ↘ ˈæp.'
    """
    if re.fullmatch(r"\W*a\W*", text):
        text = text.upper()  # the letter: no article stands alone
    spoken = "".join(
        mandarin_phonemes(piece) if contains_chinese(piece) else english_phonemes(piece)
        for piece in PIECE.findall(apart(clean(text)))
    )
    spoken = "".join(symbol for symbol in spoken if symbol in SYMBOLS)
    spoken = re.sub(r"\s+(?=[,.!?;:…”)])", "", re.sub(r"\s+", " ", spoken))
    return re.sub(r"([,.!?;:…—])[,.;:—]+", r"\1", spoken).strip()


def clean(text: str) -> str:
    """Half-width letters, plain punctuation, digits and signs in words, no accents or marks."""
    text = unicodedata.normalize("NFKC", INLINE_MARKS.sub("", text).translate(PUNCTUATION))
    chinese = contains_chinese(text)
    text = chinese_signs(text) if chinese else english_signs(text)
    # The front end reads numbers by their context; these are left where it is not used.
    text = re.sub(DECIMAL, lambda match: f" {read_number(match[0], chinese)} ", text)
    text = re.sub(
        "[%&+=@$#*°]",
        lambda match: f" {SPOKEN_SIGNS[match[0]][not chinese]} ",
        text.translate(SEPARATORS),
    )
    return "".join(
        letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter)
    )


def chinese_signs(text: str) -> str:
    """Put what is written beside digits where it is spoken: $5, 50%, -3, 3:45, 2个."""
    for pattern, spoken in (
        (r"(?<=\d),(?=\d{3})", ""),
        (rf"\$({DECIMAL})", r"\1美元"),
        (rf"({DECIMAL})%", r"百分之\1"),
        (r"(?<![A-Za-z\d-])-(?=\d)", "负"),
        (r"(?<=\d): ?00(?!\d)", "点"),
        (r"(?<=\d): ?(?=\d)", "点"),
        (rf"(?<![\d.])2(?=[{MEASURE_WORDS}])", "两"),
    ):
        text = re.sub(pattern, spoken, text)
    return text


def english_signs(text: str) -> str:
    """As `chinese_signs`, for English: $5, -3, 3:45, 5th."""
    for pattern, spoken in (
        (r"(?<=\d),(?=\d{3})", ""),
        (rf"\$({DECIMAL})", r"\1 dollars"),
        (r"(?<![\w-])-(?=\d)", "minus "),
        (r"(?<=\d):(?=\d)", " "),
        (r"(\d+)(?:st|nd|rd|th)\b", lambda match: ordinal(int(match[1]))),
    ):
        text = re.sub(pattern, spoken, text)
    return text


def apart(text: str) -> str:
    """Put a space between Chinese and Latin letters, and none between Chinese characters."""
    text = re.sub(rf"(?<=[{HAN}])\s+(?=[{HAN}])", "", text)
    return re.sub(rf"(?<=[{HAN}])(?=[A-Za-z])|(?<=[A-Za-z.!?,])(?=[{HAN}])", " ", text)
