"""Text tokenizers: text -> ids of a byte-pair vocabulary, as tiktoken encodings.

The engine uses `encode(text, allowed_special="all")`, `decode(ids)` and `n_vocab`. The order of the
special marks fixes their ids: whisper's for the 50 Hz models, with events, emotions and voices
added for the 25 Hz one. Source: openai-whisper tokenizer.py (MIT) and upstream
tokenizer/tokenizer.py; vocabularies as NOTICE says.
"""

import base64
from functools import lru_cache
from pathlib import Path

import tiktoken

from cosyvoice.tokenizer.qwen import get_qwen_tokenizer

__all__ = ["get_qwen_tokenizer", "get_tokenizer", "get_whisper_tokenizer"]  # official files' names
ASSETS = Path(__file__).parent / "assets"

# Splits text before the byte pairs are joined; GPT-2's.
PIECES = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""

LANGUAGES = """en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu
ta no th ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl
mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt
haw ln ha ba jw su yue minnan wuyu dialect zh/en en/zh""".split()
EVENTS = """ASR AED SER Speech /Speech BGM /BGM Laughter /Laughter Applause /Applause HAPPY SAD
ANGRY NEUTRAL""".split()
TASKS = "translate transcribe startoflm startofprev nospeech notimestamps".split()
VOICES = (
    [f"SPECIAL_TOKEN_{i}" for i in range(1, 31)]
    + "TTS/B TTS/O TTS/Q TTS/A TTS/CO TTS/CL TTS/H".split()
    + [f"TTS/SP{i:02d}" for i in range(1, 14)]
)
TIMES = [f"{i * 0.02:.2f}" for i in range(1501)]  # seconds


def get_tokenizer(
    multilingual: bool = True,
    num_languages: int = 99,
    language: str = "en",
    task: str = "transcribe",
) -> tiktoken.Encoding:
    """The tokenizer of the 25 Hz model.

    It has 60,510 ids with 100 languages and 60,515, the model's text_token_size, with all 105.
    `language` and `task` do not change the ids of a text: kept for checkpoint compatibility (the
    YAML passes them).
    """
    refuse_english_only(multilingual)
    return encoding(
        "multilingual_zh_ja_yue_char_del", (*LANGUAGES[:num_languages], *EVENTS, *TASKS, *VOICES)
    )


def get_whisper_tokenizer(
    multilingual: bool = True,
    num_languages: int = 99,
    language: str = "en",
    task: str = "transcribe",
) -> tiktoken.Encoding:
    """The tokenizer of the 50 Hz models, 51,866 ids with 100 languages.

    Their YAML calls it whisper.tokenizer.get_tokenizer.
    """
    refuse_english_only(multilingual)
    return encoding("multilingual", (*LANGUAGES[:num_languages], *TASKS))


def refuse_english_only(multilingual):
    if not multilingual:
        raise ValueError(
            "multilingual=False is not supported: "
            "no CosyVoice model uses whisper's English vocabulary"
        )


@lru_cache
def encoding(vocabulary: str, marks: tuple) -> tiktoken.Encoding:
    lines = (ASSETS / f"{vocabulary}.tiktoken").read_bytes().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}
    specials = [f"<|{mark}|>" for mark in ("endoftext", "startoftranscript", *marks, *TIMES)]
    return tiktoken.Encoding(
        vocabulary,
        pat_str=PIECES,
        mergeable_ranks=ranks,
        explicit_n_vocab=len(ranks) + len(specials),
        special_tokens={mark: len(ranks) + i for i, mark in enumerate(specials)},
    )
