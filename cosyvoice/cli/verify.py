"""Swallowed words: each sentence is made whole, read back, and made again if it is not its text.

A Reader tells how much of a sentence is wrong. SoundReader needs no speech recognition: the speech
tokens of the small model name their sounds. WhisperReader is for every model. An engine with a
Verifier speaks its sentences through it, see CosyVoice._speak. WhisperReader also writes down what
is said in a recording.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
import torch

from cosyvoice.cli.reference_doctor import fits
from cosyvoice.text.heard import edit_distance, error_rate
from cosyvoice.text.language import HAN, language_of, syllables
from cosyvoice.text.objects import Pause
from cosyvoice.text.sentences import Sentence
from cosyvoice.tokenizer.sounds import BOOK, SoundBook, groups_of_text
from cosyvoice.utils.audio import resample
from cosyvoice.utils.errors import InputError
from cosyvoice.utils.noise import Noise

WHISPER = "small"  # hears where nothing else is named
WEIGHTS = "model.bin"  # of a folder of faster-whisper's
MAX_REASON = 200  # characters of another library's error
TRIES = 3  # of a sentence, at most
RATE = 16000  # Hz that whisper hears
# Without it whisper may write traditional characters and leave punctuation out.
PROMPTS = {"zh": "以下是普通话的句子。"}
HALF_WIDTH = re.compile(f"(?<=[{HAN}])[,?!;:]")  # that whisper may write in Chinese
FULL_WIDTH = dict(zip(",?!;:", "，？！；："))

Check = Callable[[], None]  # ends the work by raising
Part = Sentence | Pause
Made = dict[str, Any]  # what CosyVoiceModel.tts yields for a whole sentence


def go_on() -> None:
    """The check of work that nobody ends."""


@dataclass(frozen=True)
class Transcript:
    """What is said in a recording."""

    text: str
    language: str  # by Whisper's code, such as zh


class Reader(Protocol):
    """Thread-safe."""

    def error_rate(self, spoken: str, made: Made, sample_rate: int) -> float:
        """How much of the text, in words as the model got it, is wrong in what was made."""


@dataclass(frozen=True)
class Verifier:
    """Speaks a sentence again, at most twice, while its error rate is above the limit."""

    reader: Reader
    limit: float

    def best(
        self, spoken: str, index: int, seed: int, make: Callable[[int], Made], sample_rate: int
    ) -> Made:
        """The best try of a sentence, with its error rate as "score" and the number of "tries".

        index: of the sentence in its text. make(seed): speaks it whole. Of tries that are equally
        good the first is taken.
        """
        tries: list[Made] = []
        for number in range(TRIES):
            made = make(try_seed(seed, index, number))
            score = round(self.reader.error_rate(spoken, made, sample_rate), 3)
            tries.append({**made, "score": score})
            if score <= self.limit:
                break
        return {**min(tries, key=itemgetter("score")), "tries": len(tries)}


def first_seed(seed: int | None) -> int:
    """A request's seed; without one, a number drawn from torch's global generator.

    Raises InputError for one that is not possible.
    """
    Noise.of(seed, stream=False)
    return int(torch.randint(2**32, ())) if seed is None else int(seed)


def try_seed(seed: int, index: int, number: int) -> int:
    """The seed of a try (0, 1, 2) of a sentence: the request's own for the first of the first."""
    return (seed + TRIES * index + number) % 2**64


def a_sentence_ahead(
    parts: Iterable[Part], speak: Callable[[int, Part], Made], sample_rate: int
) -> Iterator[Made]:
    """speak(index, part) of each part of a stream, so that a listener hears no gap.

    A sentence is sent when what is heard by then lasts for all tries of the next one, at the pace
    so far, and at the latest with the next one.
    """
    clock = time.monotonic
    waiting: list[Made] = []
    sent, started, pace = 0.0, 0.0, 0.0  # s of sound; when the first was sent; s a try's syllable
    for index, (part, following) in enumerate(with_next(parts)):
        begin = clock()
        made = speak(index, part)
        waiting.append(made)
        if weight(part):
            pace = max(pace, (clock() - begin) / made["tries"] / weight(part))
        if isinstance(following, Pause):  # which takes no time to make
            continue
        seconds = sum(each["tts_speech"].shape[1] for each in waiting) / sample_rate
        left = sent + seconds - (clock() - started if started else 0)
        sentences = sum("tries" in each for each in waiting)
        if sentences > 1 or left >= TRIES * pace * weight(following):
            started = started or clock()
            sent += seconds
            yield from waiting
            waiting = []
    yield from waiting


def with_next(parts: Iterable[Part]) -> Iterator[tuple[Part, Part | None]]:
    """Each part and the one after it."""
    before: Part | None = None
    for part in parts:
        if before is not None:
            yield before, part
        before = part
    if before is not None:
        yield before, None


def weight(part: Part | None) -> int:
    """About how long a part takes to make: its syllables, none in a pause."""
    return syllables(part.spoken) if isinstance(part, Sentence) else 0


class SoundReader:
    """Reads the sounds that the speech tokens name; for models with a codebook.json.

    It sees what the language model does, such as a word left out, and not how clearly the flow
    and the vocoder say it.
    """

    def __init__(self, book: SoundBook):
        self.book = book

    @classmethod
    def of(cls, model_dir: str | Path) -> "SoundReader | None":
        """The reader of a model, None where its tokens do not name their sounds.

        Raises an InputError for a damaged file.
        """
        path = Path(model_dir, BOOK)
        try:
            return cls(SoundBook(path)) if path.is_file() else None
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{path} is damaged or of another model ({error}): put the model's own file "
                "there, or set VERIFY_MODEL",
                f"{path} 已损坏或属于其他模型：请换回该模型自己的文件，或设置 VERIFY_MODEL",
            ) from error

    def error_rate(self, spoken: str, made: Made, sample_rate: int) -> float:
        """Sounds missing, added or replaced by unlike ones, for each sound of the text."""
        expected = groups_of_text(spoken)
        found = self.book.groups(made["speech_token"])
        return edit_distance(expected, found) / max(1, len(expected))


class WhisperReader:
    """Hears with a Whisper model by faster-whisper, on a GPU if there is one.

    model: a folder with model.bin, or the name of one that is downloaded, such as small. Raises
    ImportError without the package, and what the package raises for a model that cannot be had.
    """

    def __init__(self, model: str):
        from faster_whisper import WhisperModel

        self.whisper = WhisperModel(
            model, device="auto", compute_type="auto", local_files_only=True
        )
        self.lock = Lock()

    def error_rate(self, spoken: str, made: Made, sample_rate: int) -> float:
        """Words missing, added or replaced, for each word of the text."""
        language = language_of(spoken)
        return error_rate(spoken, self.hear(made["tts_speech"], sample_rate, language), language)

    def hear(self, speech: torch.Tensor, sample_rate: int, language: str) -> str:
        """The words of (1, N) samples."""
        wav = resample(speech, sample_rate, RATE)[0].numpy()
        prompt = PROMPTS.get(language)
        known = "zh" if language == "yue" else language  # which few of the models know
        return self._words(wav, known, prompt, go_on)

    def transcript(self, speech: torch.Tensor, check: Check = go_on) -> Transcript | None:
        """What is said in (1, N) samples at RATE; None where nothing is heard that fits its length.

        check is called before every step.
        """
        wav = speech[0].numpy()
        language = self._language(wav, check)
        words = self._words(wav, language, PROMPTS.get(language), check)
        if not (words and fits(words, speech)):
            return None
        return Transcript(HALF_WIDTH.sub(lambda sign: FULL_WIDTH[sign[0]], words), language)

    def _language(self, wav: np.ndarray, check: Check) -> str:
        if not self.whisper.model.is_multilingual:
            return "en"
        with self.lock:
            check()
            return self.whisper.detect_language(wav)[0]

    def _words(self, wav: np.ndarray, language: str, prompt: str | None, check: Check) -> str:
        heard = self._transcribe(wav, language, prompt, check)
        if prompt and heard.strip("。") in prompt:  # it may repeat its prompt
            heard = self._transcribe(wav, language, None, check)
        return heard

    def _transcribe(self, wav: np.ndarray, language: str, prompt: str | None, check: Check) -> str:
        with self.lock:
            check()
            segments, _ = self.whisper.transcribe(
                wav,
                language=language,
                temperature=0.0,
                initial_prompt=prompt,
                condition_on_previous_text=False,
                without_timestamps=True,
            )
            words = []
            for segment in segments:  # each is heard when it is asked for
                check()
                words.append(segment.text)
            return "".join(words).strip()


whisper_reader = lru_cache(WhisperReader)  # one for all engines


def verifier_of(
    model_dir: str | Path, limit: float | None, whisper="", may_download=False
) -> Verifier | None:
    """What reads the sentences of a model back; None without a limit.

    whisper: a folder of faster-whisper's, or a name it knows, which is downloaded only with
    may_download; "" is the model's own tokens, or for other models WHISPER. Raises an InputError
    that says what to install.
    """
    if limit is None:
        return None
    reader: Reader | None = None if whisper else SoundReader.of(model_dir)
    return Verifier(reader or load_whisper(whisper or WHISPER, may_download), limit)


def has_whisper(model: str) -> bool:
    """Whether faster-whisper is installed and the model is on this computer. Downloads nothing."""
    try:
        from faster_whisper import download_model

        folder = Path(model)
        folder = folder if folder.is_dir() else Path(download_model(model, local_files_only=True))
        return (folder / WEIGHTS).is_file()
    except Exception:  # of many libraries: not installed, damaged, an unknown name, not downloaded
        return False


def load_whisper(model: str, may_download: bool) -> WhisperReader:
    try:
        if may_download and not Path(model).is_dir():
            from faster_whisper import download_model

            download_model(model)
        return whisper_reader(model)
    except ImportError as error:
        raise InputError(
            "what is spoken is heard with faster-whisper, which is not installed: "
            "pip install -r requirements-verify.txt, or leave it unset",
            "需要 faster-whisper：请运行 pip install -r requirements-verify.txt，或取消该设置",
        ) from error
    except Exception as error:  # of many libraries
        reason = " ".join(str(error).split())[:MAX_REASON]
        raise InputError(
            f"the model {model} cannot hear ({reason}): set VERIFY_MODEL to a folder of "
            "faster-whisper's, or to a name it knows, such as small, which python all_api.py "
            "downloads",
            f"无法加载模型 {model}：请将 VERIFY_MODEL 设为 faster-whisper 模型目录，"
            "或其支持的名称（如 small，由 python all_api.py 下载）",
        ) from error
