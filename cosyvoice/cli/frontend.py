"""Front end: text -> sentences -> ids; reference audio -> speech tokens, mel and speaker vector.

Each mode has one function, which gives its part of the model's input as a dict. All tensors are on
the CPU, ids int32 and features float32, with the names that CosyVoiceModel.tts takes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Literal, overload

import numpy as np
import torch
from torch import Tensor

from cosyvoice.cli.speakers import SpeakerFile
from cosyvoice.text.language import SOUND_MARK, hint, is_speakable, without_punctuation
from cosyvoice.text.objects import Pause
from cosyvoice.text.pronunciations import Say, Spoken, as_brackets, as_characters, as_mark
from cosyvoice.text.read import Passage, read
from cosyvoice.text.sentences import Sentence, segments, split_sentences
from cosyvoice.text.tags import left_out_tags
from cosyvoice.utils.audio import (
    REFERENCE_RATE,
    kaldi_fbank,
    load_wav,
    log_mel_spectrogram,
    resample,
)
from cosyvoice.utils.common import lengths_of
from cosyvoice.utils.errors import ReferenceAudioError, TextError, TextTooLong, UnknownSpeaker
from cosyvoice.utils.onnx_file import check_onnx

Audio = str | Path | BinaryIO | Tensor

MIN_SECONDS = 0.5  # of a reference
MAX_SECONDS = 30  # of a reference; the speech tokenizer is trained on at most 30 s
SILENCE = 1e-3  # peak of a reference, -60 dB
LOUDEST = 10  # peak; samples far beyond 1 are integers
TIMBRE = ("flow_prompt_speech_token", "prompt_speech_feat", "flow_embedding")
END_OF_INSTRUCTION = "<endofprompt>"  # what the instruct model was trained with
ENDS_OF_INSTRUCTION = (END_OF_INSTRUCTION, "<|endofprompt|>")  # of the caller's own
PASS_THROUGH = 200  # tokens; a text that is not normalised is cut when it is longer
# Characters in words of one text: "√½" is two characters and becomes 32. A text may always have
# MAX_SPOKEN of them, and a longer one MAX_GROWTH for each of its own.
MAX_SPOKEN, MAX_GROWTH = 40_000, 4
# Characters in words that a sign, or the unit of a number, and a digit may become
SIGN_GROWTH, DIGIT_GROWTH = 25, 8
SIGN = r"[^\w\s]|[¼-¾⅐-⅞]"
PUNCTUATION = frozenset("，。！？；：、“”‘’（）,.!?;:'\"()-")


class CosyVoiceFrontEnd:
    """Thread-safe. The ONNX models, which are large, are loaded with the first reference."""

    def __init__(
        self,
        get_tokenizer: Callable,
        feat_extractor: Callable,
        campplus_model: str | Path,
        speech_tokenizer_model: str | Path,
        spk2info: str | Path = "",
        allowed_special: str = "all",
        sample_rate: int = 22050,
    ):
        self.tokenizer, self.allowed_special = get_tokenizer(), allowed_special
        self.say = way_to_say(self.tokenizer)  # pinyin and phonemes of a list
        self.feat_extractor, self.sample_rate = feat_extractor, sample_rate
        self.campplus = OnnxModel(campplus_model, inputs=1)
        self.speech_tokenizer = OnnxModel(speech_tokenizer_model, inputs=2)
        self.speaker_file = SpeakerFile(spk2info)
        self.spk2info = self.speaker_file.read()
        self._features = lru_cache(maxsize=8)(self._extract)  # keyed by the samples themselves

    # text

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, allowed_special=self.allowed_special)

    def text_token(self, text: str) -> Tensor:
        return torch.tensor([self.encode(text)], dtype=torch.int32)  # (1, L)

    @overload
    def text_normalize(
        self,
        text: str,
        split: Literal[True] = True,
        text_frontend: bool = True,
        check: Callable | None = None,
    ) -> list[str]: ...

    @overload
    def text_normalize(
        self,
        text: str,
        split: Literal[False],
        text_frontend: bool = True,
        check: Callable | None = None,
    ) -> str: ...

    def text_normalize(self, text, split=True, text_frontend=True, check=None):
        """The spoken sentences, or with split=False the whole text in words, which may be empty.

        Otherwise as `sentences`; pauses are left out.
        """
        if split:
            parts = self.sentences(text, text_frontend, check)
            return [part.spoken for part in parts if isinstance(part, Sentence)]
        if not text_frontend:
            return text
        return " ".join(passage.spoken.replace("\n", " ") for passage in self._read(text, check))

    def sentences(
        self,
        text: str,
        text_frontend: bool = True,
        check: Callable | None = None,
        near: str = "",
        pronunciations: Mapping[str, str] | None = None,
    ) -> Iterator[Sentence | Pause]:
        """The sentences to speak and the pauses between them, each made when it is asked for.

        text_frontend=False: the text as written. near: the language of the voice, for a text that
        does not tell its own. pronunciations: words and how each is said, see
        text/pronunciations.py. check is called after every few sentences and stops the work by
        raising. Raises TextError for a tag, and PronunciationError for a pronunciation, that cannot
        be understood, both before the first sentence; TextError at the end when nothing can be
        spoken; TextTooLong when there is too much, before the first sentence unless the text can
        hardly be too long.
        """
        waiting: list[Pause] = []  # since the last sentence; pauses alone are no speech
        empty = True
        for part in self._segments(text, text_frontend, check, near, pronunciations):
            if isinstance(part, Pause):
                waiting.append(part)
            elif is_speakable(part.spoken) and self.encode(without_punctuation(part.spoken)):
                empty = False
                yield from waiting
                waiting = []
                yield part
        if not empty:
            yield from waiting
        else:
            raise TextError(
                "the text holds nothing that can be spoken: send words, "
                "not only punctuation or blanks",
                "文本中没有可以朗读的内容，请输入文字，而不仅是标点或空白",
            )

    def _segments(
        self,
        text: str,
        text_frontend: bool,
        check: Callable | None,
        near: str,
        pronunciations: Mapping[str, str] | None,
    ) -> Iterator[Sentence | Pause]:
        if not text_frontend:
            is_short = len(self.encode(text)) <= PASS_THROUGH
            whole = Sentence(text, text, ((text, text),))
            yield from [whole] if is_short else split_sentences(text, self.encode)
            return
        passages = self._read(text, check, near, pronunciations)
        if may_be_too_long(text):
            passages = iter(list(passages))
        yield from segments(passages, self.encode)

    def _read(
        self,
        text: str,
        check: Callable | None,
        near: str = "",
        pronunciations: Mapping[str, str] | None = None,
    ) -> Iterator[Passage]:
        """Errors of tags and of pronunciations come before the first passage is read."""
        left_out_tags(text)
        text = SOUND_MARK.sub(self._sound, text)
        spoken = Spoken(pronunciations or {}, self.say)
        spoken.check(text)
        return read(text, hint(text, near), spoken, spoken_limit(text, check))

    def _sound(self, mark: re.Match[str]) -> str:
        """A mark such as <|py:zhang3 da4|> of the caller's own, as this model takes it.

        Raises an InputError for one that it cannot take.
        """
        if self.say is as_mark:
            self.encode(mark[0])
            return mark[0]
        return self.say(mark[0], mark[1])

    # speakers and references -> what tts() takes beside the text

    def frontend_sft(self, spk_id: str) -> dict:
        """A speaker of the model; one saved by zero-shot speaks as zero-shot."""
        info = self.speaker(spk_id)
        if "embedding" not in info:
            return info
        return {"llm_embedding": info["embedding"], "flow_embedding": info["embedding"]}

    def frontend_zero_shot(
        self, prompt_text: str, prompt_wav: Audio | None, zero_shot_spk_id=""
    ) -> dict:
        """A reference and its transcript, or a speaker that was made of them."""
        if zero_shot_spk_id:
            return self.zero_shot_speaker(zero_shot_spk_id)
        token, mel, embedding = self.features(prompt_wav)
        values = {
            "prompt_text": self.text_token(prompt_text),
            "llm_prompt_speech_token": token,
            "flow_prompt_speech_token": token,
            "prompt_speech_feat": mel,
        }
        return {
            **values,
            **lengths_of(values),
            "llm_embedding": embedding,
            "flow_embedding": embedding,
        }

    def frontend_cross_lingual(self, prompt_wav: Audio | None, zero_shot_spk_id="") -> dict:
        """As zero-shot, but the LM gets no words of the reference, whose language it would keep."""
        voice = self.frontend_zero_shot("", prompt_wav, zero_shot_spk_id)
        names = (
            "flow_prompt_speech_token",
            "prompt_speech_feat",
            "llm_embedding",
            "flow_embedding",
        )
        return {name: voice[name] for name in names}

    def frontend_instruct(self, flow_embedding: Tensor, instruct_text: str) -> dict:
        """The LM gets the instruction but no speaker, which would outweigh it."""
        if not instruct_text.rstrip().endswith(ENDS_OF_INSTRUCTION):
            instruct_text += END_OF_INSTRUCTION
        return {"prompt_text": self.text_token(instruct_text), "flow_embedding": flow_embedding}

    def frontend_vc(self, source: Tensor, voice: dict) -> dict:
        """The timbre of a voice, preset or cloned, for the speech tokens of a source.

        source: (1, N) at 16 kHz. voice: of frontend_sft or frontend_zero_shot, or a saved one.
        """
        return {**timbre(voice), "source_speech_token": self.speech_token(source)}

    def speaker(self, spk_id: str) -> dict:
        if not self.spk2info:
            raise UnknownSpeaker(
                "this model has no speakers of its own: clone a voice from a recording of 0.5 to "
                "30 s and its transcript, and use that",
                "该模型没有预训练音色：请先用 0.5 至 30 秒的录音及其文字复刻一个音色，再使用该音色",
            )
        if spk_id not in self.spk2info:
            known = ", ".join(self.spk2info)
            raise UnknownSpeaker(
                f"unknown speaker {spk_id!r}; this model has: {known}",
                f"没有音色 {spk_id!r}；该模型的音色：{known}",
            )
        return self.spk2info[spk_id]

    def zero_shot_speaker(self, spk_id: str) -> dict:
        info = self.speaker(spk_id)
        if "embedding" in info:
            raise UnknownSpeaker(
                f"speaker {spk_id!r} has no reference audio: use inference_sft with it",
                f"音色 {spk_id!r} 没有参考音频，请使用预训练音色模式",
            )
        return info

    # reference audio

    def features(self, wav: Audio | None) -> tuple[Tensor, Tensor, Tensor]:
        """Speech tokens (1, N), mel (1, T, 80) and x-vector (1, 192) of a reference.

        wav: a path, a file object, or (1, N) float at 16 kHz. The results of the last few
        references are kept and shared: do not write to them. Raises ReferenceAudioError.
        """
        return self._features(reference(wav).numpy().tobytes())

    @torch.inference_mode(False)
    def _extract(self, samples: bytes) -> tuple[Tensor, Tensor, Tensor]:
        wav = torch.frombuffer(bytearray(samples), dtype=torch.float32)[None]
        mel = self.feat_extractor(resample(wav, REFERENCE_RATE, self.sample_rate)).transpose(1, 2)
        return self.speech_token(wav), mel, self.speaker_embedding(wav)

    def speech_token(self, wav: Tensor) -> Tensor:
        mel = log_mel_spectrogram(wav).numpy()
        token = self.speech_tokenizer.run(mel, np.array([mel.shape[2]], np.int32))
        return torch.from_numpy(token.astype(np.int32).reshape(1, -1))

    def speaker_embedding(self, wav: Tensor) -> Tensor:
        fbank = kaldi_fbank(wav)
        return torch.from_numpy(
            self.campplus.run((fbank - fbank.mean(0))[None].numpy()).reshape(1, -1)
        )


def timbre(voice: dict) -> dict:
    """What the flow takes of a voice; of a preset only its embedding."""
    return {name: voice[name] for name in TIMBRE if name in voice}


def way_to_say(tokenizer) -> Say:
    """How the model is told a sound."""
    if getattr(tokenizer, "takes_phonemes", False):
        return as_mark
    sounds = getattr(tokenizer, "sounds", ())
    return as_brackets(sounds) if sounds else as_characters


def may_be_too_long(text: str) -> bool:
    """Whether its words could be more than the limit, if they were as long as words can be."""
    numbers = sum(1 for _ in re.finditer(r"\d+", text))
    digits = sum(char.isdigit() for char in text)
    signs = sum(match[0] not in PUNCTUATION for match in re.finditer(SIGN, text))
    grown = (numbers + signs) * SIGN_GROWTH + digits * DIGIT_GROWTH
    return len(text) + grown > most_spoken(text)


def most_spoken(text: str) -> int:
    """How many characters the text may have in words."""
    return max(MAX_SPOKEN, MAX_GROWTH * len(text))


def spoken_limit(text: str, check: Callable | None) -> Callable[[str], None]:
    """A function to be called with the words of each part of the text.

    It raises TextTooLong when there are too many, or what check raises.
    """
    spoken, most = 0, most_spoken(text)

    def note(words: str) -> None:
        nonlocal spoken
        if check:
            check()
        spoken += len(words)
        if spoken > most:
            raise TextTooLong(
                f"the text is too long when its numbers and signs are read in words: more than "
                f"{most} characters; send it in parts",
                f"数字和符号读成文字后超过 {most} 个字符，请分段发送",
            )

    return note


def reference(wav: Audio | None) -> Tensor:
    """(1, N) float32 at 16 kHz of a reference that can be used, or ReferenceAudioError."""
    if wav is None:
        raise ReferenceAudioError(
            "no reference audio is given: pass a path, a file object or samples at 16 kHz",
            "没有参考音频",
        )
    if not isinstance(wav, Tensor):
        wav = load_wav(wav, REFERENCE_RATE)
    channels = torch.atleast_2d(wav.detach().cpu().float()).flatten(0, -2)
    mono = channels.mean(0, keepdim=True)
    if not MIN_SECONDS <= mono.shape[1] / REFERENCE_RATE <= MAX_SECONDS:
        seconds = (1 + int(mono[0].nonzero().max())) / REFERENCE_RATE if mono.any() else 0
        raise ReferenceAudioError(
            f"the reference audio holds {seconds:.2f} s of sound; "
            f"use {MIN_SECONDS} to {MAX_SECONDS} s, final pause included",
            f"参考音频有声部分长 {seconds:.2f} 秒，"
            f"请使用 {MIN_SECONDS} 至 {MAX_SECONDS} 秒（含结尾停顿）的音频",
        )
    peak = float(mono.abs().max())
    if not peak <= LOUDEST:  # false for NaN
        raise ReferenceAudioError(
            "the reference audio's samples are not numbers from -1 to 1: give it as float",
            "参考音频的采样不是 -1 至 1 的数值，请以浮点格式提供",
        )
    if peak < SILENCE:
        raise ReferenceAudioError(
            "the reference audio is silent: record it again, louder", "参考音频没有声音，请重新录制"
        )
    return mono


class OnnxModel:
    """An ONNX file with one output, opened at its first use, on the GPU if onnxruntime has one.

    Raises RuntimeError at once for a file that is cut off or another model's.
    """

    def __init__(self, path: str | Path, inputs: int):
        check_onnx(path, inputs)
        self.path, self.lock = str(path), Lock()
        self.session: Any = None

    def run(self, *inputs: np.ndarray) -> np.ndarray:
        with self.lock:
            self.session = self.session or open_onnx(self.path)
        names = [slot.name for slot in self.session.get_inputs()]
        return self.session.run(None, dict(zip(names, inputs)))[0]


def open_onnx(path: str):
    import onnxruntime

    usable = [
        p
        for p in ("CUDAExecutionProvider", "CPUExecutionProvider")
        if p in onnxruntime.get_available_providers()
    ]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.enable_cpu_mem_arena = False  # it would keep the memory of the longest reference
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, sess_options=options, providers=usable)
    except Exception as error:  # onnxruntime has no one error for a bad file
        raise RuntimeError(
            f"{path} is damaged or not an ONNX model: download it again ({error})"
        ) from error
