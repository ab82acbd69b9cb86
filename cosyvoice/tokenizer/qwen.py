"""The tokenizer of CosyVoice2 and Fun-CosyVoice3: Qwen2's byte pairs and marks of speech.

Marks are found before the byte pairs are joined; their order fixes their ids, which begin where
those of Qwen2 end. Source: Qwen2's vocab.json, whose ids are the order of its merges.txt, and its
pattern of pieces; the marks as in upstream tokenizer/tokenizer.py.
"""

import json
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

import tiktoken

VOCABULARY = "vocab.json"

# Splits text before the byte pairs are joined; a number is split into its digits.
PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

END_OF_PROMPT = "<|endofprompt|>"
MARKS = f"""
<|endoftext|> <|im_start|> <|im_end|> {END_OF_PROMPT} [breath] <strong> </strong> [noise]
[laughter] [cough] [clucking] [accent] [quick_breath] <laughter> </laughter> [hissing] [sigh]
[vocalized-noise] [lipsmack] [mn]""".split()
ENGLISH_PHONES = """
AA AA0 AA1 AA2 AE AE0 AE1 AE2 AH AH0 AH1 AH2 AO AO0 AO1 AO2 AW AW0 AW1 AW2 AY AY0 AY1 AY2 B CH D
DH EH EH0 EH1 EH2 ER ER0 ER1 ER2 EY EY0 EY1 EY2 F G HH IH IH0 IH1 IH2 IY IY0 IY1 IY2 JH K L M N
NG OW OW0 OW1 OW2 OY OY0 OY1 OY2 P R S SH T TH UH UH0 UH1 UH2 UW UW0 UW1 UW2 V W Y Z ZH""".split()
PINYIN = """
a ai an ang ao b c ch d e ei en eng f g h i ian in ing iu ià iàn iàng iào iá ián iáng iáo iè ié
iòng ióng iù iú iā iān iāng iāo iē iě iōng iū iǎ iǎn iǎng iǎo iǒng iǔ j k l m n o ong ou p q r s
sh t u uang ue un uo uà uài uàn uàng uá uái uán uáng uè ué uì uí uò uó uā uāi uān uāng uē uě uī
uō uǎ uǎi uǎn uǎng uǐ uǒ vè w x y z zh à ài àn àng ào á ái án áng áo è èi èn èng èr é éi én éng
ér ì ìn ìng í ín íng ò òng òu ó óng óu ù ùn ú ún ā āi ān āng āo ē ēi ēn ēng ě ěi ěn ěng ěr ī īn
īng ō ōng ōu ū ūn ǎ ǎi ǎn ǎng ǎo ǐ ǐn ǐng ǒ ǒng ǒu ǔ ǔn ǘ ǚ ǜ""".split()
SOUNDS = [f"[{sound}]" for sound in ENGLISH_PHONES + PINYIN]
MARKS_3 = [*MARKS, "<|endofsystem|>", *SOUNDS]
VERSIONS = {"cosyvoice2": MARKS, "cosyvoice3": MARKS_3}


class QwenTokenizer:
    """Thread-safe. token_path: the folder of vocab.json. Raises RuntimeError for a damaged one."""

    def __init__(self, token_path: str | Path, marks: list[str], skip_special_tokens: bool):
        ranks = read_ranks(Path(token_path) / VOCABULARY)
        ids = {mark: len(ranks) + i for i, mark in enumerate(marks)}
        self._pairs = tiktoken.Encoding(
            VOCABULARY, pat_str=PIECES, mergeable_ranks=ranks, special_tokens=ids
        )
        longest_first = sorted(map(re.escape, marks), key=len, reverse=True)
        self._marks = re.compile(f"({'|'.join(longest_first)})")
        self.skip_special_tokens = skip_special_tokens
        self.sounds = frozenset(SOUNDS).intersection(marks)  # marks of phonemes and pinyin
        self.n_vocab = len(ranks) + len(marks)

    def encode(self, text: str, allowed_special: str = "all") -> list[int]:
        """Ids of a text. Marks in it are always read as marks, whatever allowed_special is."""
        parts = self._marks.split(text)  # text, mark, text, ...
        parts[::2] = (unicodedata.normalize("NFC", part) for part in parts[::2])
        return self._pairs.encode("".join(parts), allowed_special="all")

    def decode(self, tokens: list[int]) -> str:
        pairs = self.n_vocab - len(self._pairs.special_tokens_set)
        return self._pairs.decode(
            [id_ for id_ in tokens if id_ < pairs or not self.skip_special_tokens]
        )


def read_ranks(path: Path) -> dict[bytes, int]:
    """The byte pairs of a vocab.json and their ids, which are also the order of joining.

    A file has the bytes as characters: those that can be printed as in Latin-1, the others from
    U+0100 on. Source: GPT-2's encoder.py.
    """
    printed = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printed]
    byte_of = {chr(byte): byte for byte in printed}
    byte_of |= {chr(0x100 + i): byte for i, byte in enumerate(others)}
    try:
        vocabulary = json.loads(path.read_text(encoding="utf-8"))
        ranks = {bytes(map(byte_of.__getitem__, token)): id_ for token, id_ in vocabulary.items()}
        if sorted(ranks.values()) != list(range(len(ranks))) or len(ranks) < len(byte_of):
            raise ValueError("its ids are not those of Qwen2")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RuntimeError(f"{path} is damaged: download it again ({error!r})") from error
    return ranks


@lru_cache
def get_qwen_tokenizer(
    token_path: str, skip_special_tokens: bool = True, version: str = "cosyvoice2"
) -> QwenTokenizer:
    """The tokenizer of a model. version: "cosyvoice2" or "cosyvoice3"."""
    if version not in VERSIONS:
        raise ValueError(
            f"version={version!r} of the tokenizer is not supported; use {' or '.join(VERSIONS)}"
        )
    return QwenTokenizer(token_path, VERSIONS[version], skip_special_tokens)
