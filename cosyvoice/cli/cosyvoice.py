"""AutoModel(model_dir=...), CosyVoice, CosyVoice2 and CosyVoice3: the public Python API.

>>> engine = AutoModel(model_dir="pretrained_models/CosyVoice-300M-25Hz")
>>> for chunk in engine.inference_zero_shot("你好。", "参考的文字。", "reference.wav", stream=True):
...     play(chunk["tts_speech"])                        # (1, N) float32 at engine.sample_rate
"""

import hashlib
import itertools
import logging
import re
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from cosyvoice.cli import conversion
from cosyvoice.cli import voice as voices
from cosyvoice.cli.frontend import Audio, CosyVoiceFrontEnd
from cosyvoice.cli.frontend_qwen import QwenFrontEnd
from cosyvoice.cli.instructions import no_directed_reference_error, no_instructions_error
from cosyvoice.cli.mixing import voice_of_speaker
from cosyvoice.cli.model import CosyVoiceModel
from cosyvoice.cli.model_list import (
    LAYOUT_2,
    LAYOUT_3,
    LAYOUT_300M,
    OFFICIAL_FAMILIES,
    Family,
    Layout,
    check_files,
    family_of,
    find_model,
    follows_instructions,
    layout_of,
)
from cosyvoice.cli.speakers import language_of_speaker
from cosyvoice.cli.verify import Verifier, a_sentence_ahead, first_seed
from cosyvoice.llm.steps import FixedStepsPool, check_graphs
from cosyvoice.text.language import language_of_transcript, syllables, without_punctuation
from cosyvoice.text.objects import Pause
from cosyvoice.text.sentences import Sentence, one_by_one
from cosyvoice.utils.audio import REFERENCE_RATE
from cosyvoice.utils.errors import InputError, VoiceError
from cosyvoice.utils.files import read_yaml
from cosyvoice.utils.model_yaml import load_model_yaml
from cosyvoice.utils.noise import Noise
from cosyvoice.utils.precision import Plan, best_device, half_precision, plan
from cosyvoice.utils.process import trim

NEEDED = (
    "llm",
    "flow",
    "hift",
    "get_tokenizer",
    "feat_extractor",
    "allowed_special",
    "sample_rate",
)
RATIOS = (  # speech tokens per text id; phonemes are shorter than word pieces
    "min_token_text_ratio",
    "max_token_text_ratio",
    "min_token_text_ratio_instruct",
)
OPTIONAL = ("model_family", *RATIOS)  # in the YAML of our own models

MAX_FLOW_STEPS = 64  # beyond it nothing changes but the time

log = logging.getLogger(__name__)
Chunks = Generator[dict, None, None]
SPOKEN_ALONE = 8  # syllables; a shorter sentence is not read back by itself
NOTHING_SAID = {"text": "", "spoken": "", "sentences": ()}  # in a chunk without words of its own


class CosyVoice:
    """A model directory of the 300M families, ready to speak.

    Thread-safe: requests share the weights and the list of speakers. model_dir: a directory, or a
    ModelScope id, which is downloaded. precision: float32, bfloat16, float16, int8, or auto, the
    fastest here of what was shown to be harmless; see utils/precision.py. fp16 is upstream's word
    for half precision where the device is fast at it. flow_steps and flow_guidance trade quality
    for speed, see ConditionalCFM.evaluate_less. cuda_graphs replays the steps of the language model
    on a GPU, where that could not be tried yet, see llm/steps.py. load_jit, load_trt and load_onnx
    are upstream's accelerations and refused. Raises FileNotFoundError or RuntimeError naming the
    file that is missing or damaged, InputError for one of these values that is not possible.

    The inference methods are generators of {"tts_speech": (1, N) float32 at sample_rate,
    "sentence": its index, "text": the sentence as written, "spoken": its words, "sentences":
    (written, spoken) of each sentence in it}: one per sentence or pause, or with stream=True one
    per hop. A pause is silence of its length, with empty texts. They share `stream`, `speed` (0.5
    to 2, pitch kept), `text_frontend` (False: speak the text as written), `seed` (None: torch's
    global generator), `pronunciations` ({word: how it is said}, see text/pronunciations.py) and
    `check` (called before every token and Euler step, and while the text is prepared; may raise to
    stop). Caller's mistakes raise an InputError.
    """

    layout = LAYOUT_300M
    supports_instruct2 = layout.directs_references  # others follow them with a speaker at most
    load_seconds = 0.0  # that loading took, as AutoModel has measured it
    verifier: Verifier | None = None  # reads each sentence back; set by the caller that wants it
    model_state = "loaded"  # for the service, whose engines may leave memory when idle

    def __init__(
        self,
        model_dir: str | Path,
        load_jit=False,
        load_trt=False,
        fp16=False,
        trt_concurrent=1,
        load_onnx=False,
        precision="auto",
        flow_steps=0,
        flow_guidance=1.0,
        cuda_graphs=False,
    ):
        refuse(load_jit=load_jit, load_trt=load_trt, load_onnx=load_onnx)
        lowered = choose_precision(precision, fp16)
        check_less(flow_steps, flow_guidance)
        check_graphs(cuda_graphs)
        folder = find_model(model_dir)
        if (layout := layout_of(folder)) != self.layout:
            raise RuntimeError(
                f"{folder} holds {layout.config}, which {type(self).__name__} does not read: "
                f"use {ENGINES[layout].__name__} or AutoModel"
            )
        check_files(folder, layout)
        self.model_dir = str(folder)
        config = read_config(folder / layout.config, self._overrides(folder.resolve()))
        self.sample_rate = config["sample_rate"]
        family = family_of(layout, config["flow"].input_frame_rate)
        self.frontend = self._make_frontend(
            family,
            config["get_tokenizer"],
            config["feat_extractor"],
            folder / layout.speaker_encoder,
            folder / layout.speech_tokenizer,
            folder / layout.speakers,
            config["allowed_special"],
            self.sample_rate,
        )
        self.model = CosyVoiceModel(
            config["llm"], config["flow"], config["hift"], family.silent_tokens, lowered
        )
        self.model.flow.decoder.evaluate_less(flow_steps, flow_guidance)
        self.model.load(*(str(folder / name) for name in layout.weights))
        if cuda_graphs:
            self.model.llm.fixed_steps = FixedStepsPool(self.model.llm)
        self.model.token_text_ratio = {name: config[name] for name in RATIOS if name in config}
        self.model_family = config.get("model_family") or family.name
        self.supports_instruct = follows_instructions(folder)
        self.mel_rate = self.sample_rate / config["feat_extractor"].keywords["hop_size"]
        self.fingerprint = fingerprint(folder, layout)
        trim()  # the file's form of what was converted

    def _overrides(self, folder: Path) -> dict[str, str]:
        """Entries of the configuration file that are another's in each directory."""
        return {}

    def _make_frontend(self, family: Family, *parts) -> CosyVoiceFrontEnd:
        return CosyVoiceFrontEnd(*parts)

    @property
    def token_rate(self) -> int:
        """Speech tokens per second."""
        return self.model.flow.input_frame_rate

    @property
    def device(self) -> str:
        """Where the networks run, as torch names it."""
        return str(self.model.device)

    @property
    def precision(self) -> str:
        """The precision of the networks, as it turned out on this device."""
        return str(self.model.precision)

    def list_available_spks(self) -> list[str]:
        return list(self.frontend.spk2info)

    list_avaliable_spks = list_available_spks  # upstream's older spelling

    def add_zero_shot_spk(
        self,
        prompt_text: str,
        prompt_wav: Audio | None = None,
        zero_shot_spk_id="",
        prompt_speech_16k: Audio | None = None,
    ) -> bool:
        """Make a speaker of a reference and its transcript, to be used by its name in every mode.

        A speaker of the same name is replaced. It lives as long as this object unless save_spkinfo
        is called. Returns True; raises an InputError when the name or the reference cannot be used.
        """
        if not isinstance(zero_shot_spk_id, str) or not zero_shot_spk_id.strip():
            raise InputError(
                "zero_shot_spk_id is empty: give the speaker a name",
                "zero_shot_spk_id 为空，请为音色命名",
            )
        prompt_text = self.frontend.text_normalize(prompt_text, False)
        self.frontend.spk2info[zero_shot_spk_id] = self.frontend.frontend_zero_shot(
            prompt_text, either(prompt_wav, prompt_speech_16k)
        )
        return True

    def save_spkinfo(self) -> None:
        """Write the speakers into the model's spk2info.pt, whole or not at all.

        Speakers that another process has saved there since are kept.
        """
        self.frontend.speaker_file.save(self.frontend.spk2info)

    def inference_sft(
        self,
        tts_text: str,
        spk_id: str,
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed: int | None = None,
        voice: dict | None = None,
        check: Callable | None = None,
        pronunciations: Mapping[str, str] | None = None,
    ) -> Chunks:
        """Speak as a speaker of the model, or as a saved voice."""
        condition = self.frontend.frontend_sft(spk_id) if voice is None else self.check_voice(voice)
        reading = Reading(text_frontend, check, language_of_voice(spk_id, voice), pronunciations)
        yield from self._speak(tts_text, reading, condition, stream, speed, seed)

    def inference_zero_shot(
        self,
        tts_text: str,
        prompt_text: str = "",
        prompt_wav: Audio | None = None,
        zero_shot_spk_id="",
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed: int | None = None,
        voice: dict | None = None,
        prompt_speech_16k: Audio | None = None,
        check: Callable | None = None,
        pronunciations: Mapping[str, str] | None = None,
    ) -> Chunks:
        """Speak as the reference, whose transcript is prompt_text, or as zero_shot_spk_id.

        prompt_wav is a path, a file object or (1, N) at 16 kHz.
        """
        near = language_of_transcript(prompt_text)
        if voice is None:
            prompt_text = self.frontend.text_normalize(prompt_text, False, text_frontend, check)
            condition = self.frontend.frontend_zero_shot(
                prompt_text, either(prompt_wav, prompt_speech_16k), zero_shot_spk_id
            )
        else:
            condition = self.check_voice(voice)
        near = language_of_voice(zero_shot_spk_id, voice) or near
        reading = Reading(text_frontend, check, near, pronunciations)
        yield from self._speak(tts_text, reading, condition, stream, speed, seed)

    def inference_cross_lingual(
        self,
        tts_text: str,
        prompt_wav: Audio | None = None,
        zero_shot_spk_id="",
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed: int | None = None,
        prompt_speech_16k: Audio | None = None,
        check: Callable | None = None,
        pronunciations: Mapping[str, str] | None = None,
    ) -> Chunks:
        """Speak as the reference in another language than it."""
        condition = self.frontend.frontend_cross_lingual(
            either(prompt_wav, prompt_speech_16k), zero_shot_spk_id
        )
        near = language_of_speaker(zero_shot_spk_id)
        reading = Reading(text_frontend, check, near, pronunciations)
        yield from self._speak(tts_text, reading, condition, stream, speed, seed)

    def inference_instruct(
        self,
        tts_text: str,
        spk_id: str,
        instruct_text: str,
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed: int | None = None,
        voice: dict | None = None,
        check: Callable | None = None,
        pronunciations: Mapping[str, str] | None = None,
    ) -> Chunks:
        """Speak as instruct_text says, with the timbre of a speaker or a saved voice.

        Raises InstructUnsupported.
        """
        if not self.supports_instruct:
            raise no_instructions_error(self.model_family)
        embedding = (
            self.frontend.frontend_sft(spk_id)["flow_embedding"]
            if voice is None
            else self._embedding(voice)
        )
        instruct_text = self.frontend.text_normalize(instruct_text, False, text_frontend, check)
        condition = self.frontend.frontend_instruct(embedding, instruct_text)
        reading = Reading(text_frontend, check, language_of_voice(spk_id, voice), pronunciations)
        yield from self._speak(tts_text, reading, condition, stream, speed, seed)

    def inference_instruct2(
        self,
        tts_text: str,
        instruct_text: str,
        prompt_wav: Audio | None = None,
        zero_shot_spk_id="",
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed: int | None = None,
        prompt_speech_16k: Audio | None = None,
        check: Callable | None = None,
        pronunciations: Mapping[str, str] | None = None,
    ) -> Chunks:
        """Speak as instruct_text says, with the timbre of the reference or of zero_shot_spk_id.

        Raises InstructUnsupported: the 300M families follow instructions with a speaker only.
        """
        raise no_directed_reference_error(self.model_family)

    def inference_vc(
        self,
        source_wav: Audio,
        prompt_wav: Audio | None = None,
        stream=False,
        speed=1.0,
        seed: int | None = None,
        prompt_speech_16k: Audio | None = None,
        spk_id="",
        voice: dict | None = None,
        check: Callable | None = None,
    ) -> Chunks:
        """Say what the source says, as it says it, with the voice of another.

        The other is the saved voice, else the reference, else the speaker. The source, of 0.5 s to
        ten minutes, is converted in pieces, see cli/conversion.py; "sentence" is the index of one,
        and the texts are empty. In all there are as many seconds as in the source, over speed.
        """
        source = conversion.source(source_wav)
        target = self._target(either(prompt_wav, prompt_speech_16k), spk_id, voice)
        noise, made = Noise.of(seed, stream, self.model.device), 0
        options = {"stream": stream, "speed": speed, "seed": noise, "check": check}
        pieces = conversion.pieces(source, REFERENCE_RATE // self.token_rate)
        fade = round(conversion.FADE_SECONDS * self.sample_rate) if len(pieces) > 1 else 0
        try:
            for index, (start, end) in enumerate(pieces):
                wanted = round(end / REFERENCE_RATE * self.sample_rate / speed) - made
                made += wanted
                with closing(self._convert(source[:, start:end], target, options)) as speech:
                    chunks = conversion.fitted(speech, wanted, fade)
                    for chunk in chunks if stream else [torch.cat(list(chunks), 1)]:
                        yield {"tts_speech": chunk, "sentence": index, **NOTHING_SAID}
        finally:
            trim()

    def _target(self, reference: Audio | None, spk_id: str, voice: dict | None) -> dict:
        """Whose voice a source is to get."""
        if voice is not None:
            return self.check_voice(voice)
        if reference is None and spk_id:
            return self.frontend.frontend_sft(spk_id)
        return self.frontend.frontend_zero_shot("", reference)

    def _convert(
        self, source: Tensor, target: dict, options: dict
    ) -> Generator[Tensor, None, None]:
        """The speech of one piece, (1, N) each; nothing for a silent one."""
        if options["check"]:
            options["check"]()
        if conversion.is_silent(source):
            return
        condition = self.frontend.frontend_vc(source, target)
        with closing(self.model.tts(**condition, **options)) as chunks:
            for chunk in chunks:
                yield chunk["tts_speech"]

    def make_voice(self, prompt_text: str, prompt_wav: Audio, consent="") -> dict:
        """A voice for inference_* and save_voice.

        consent: the speaker's agreement, in the caller's words.
        """
        meta = {
            **self._model_meta,
            "language": language_of_transcript(prompt_text),
            "consent": consent,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        prompt_text = self.frontend.text_normalize(prompt_text, False)
        return {**self.frontend.frontend_zero_shot(prompt_text, prompt_wav), "meta": meta}

    def speaker_voice(self, spk_id: str) -> dict:
        """A speaker of the model as a voice for inference_* and save_voice.

        Raises UnknownSpeaker.
        """
        return voice_of_speaker(spk_id, self.frontend.speaker(spk_id), self._model_meta)

    @property
    def _model_meta(self) -> dict[str, str]:
        return {"family": self.model_family, "fingerprint": self.fingerprint}

    def check_voice(self, voice: dict) -> dict:
        """The voice as this model can use it, or VoiceError."""
        voice = voices.check_voice(voice, self.model_family)
        vocabularies = {
            "prompt_text": self.model.llm.text_embedding.num_embeddings,
            "llm_prompt_speech_token": self.model.llm.speech_token_size,
            "flow_prompt_speech_token": self.model.flow.input_embedding.num_embeddings,
        }
        for name, size in vocabularies.items():
            if voice[name].numel() and int(voice[name].max()) >= size:
                raise VoiceError(
                    f"the voice's {name} is beyond this model's vocabulary of "
                    f"{size}: clone it again",
                    "音色与当前模型的词表不符，请用当前模型重新复刻",
                )
        token_seconds = voice["flow_prompt_speech_token"].shape[1] / self.token_rate
        if abs(voice["prompt_speech_feat"].shape[1] / self.mel_rate - token_seconds) > 0.5:
            raise VoiceError(
                "the voice's tokens and mel are not of equal duration: "
                "it was made by another model, clone it again",
                "音色的语音编码与频谱时长不一致，请用当前模型重新复刻",
            )
        return voice

    def _embedding(self, voice: dict) -> Tensor:
        """A saved voice's speaker vector.

        The official models share one speaker encoder: a voice of any of them will do.
        """
        family = voices.family_of(voice)
        official = {each.name for each in OFFICIAL_FAMILIES}
        if family is None or not {family, self.model_family} <= official:
            family = self.model_family
        return voices.check_voice(voice, family)["flow_embedding"]

    def _speak(self, text: str, reading: "Reading", condition, stream, speed, seed) -> Chunks:
        parts = self.frontend.sentences(text, **vars(reading))
        options = {**condition, "speed": speed, "check": reading.check}
        if self.verifier:
            chunks = self._speak_verified(self.verifier, parts, options, stream, seed)
        else:
            chunks = self._speak_at_once(parts, options, stream, seed)
        try:
            with closing(chunks):
                yield from chunks
        finally:
            trim()

    def _speak_at_once(self, parts: Iterable[Sentence | Pause], options, stream, seed) -> Chunks:
        noise = Noise.of(seed, stream, self.model.device)
        for index, part in enumerate(parts):
            if isinstance(part, Pause):
                yield self._silence(part, index)
                continue
            ids = self.frontend.text_token(part.spoken)
            with closing(self.model.tts(text=ids, **options, stream=stream, seed=noise)) as chunks:
                for chunk in chunks:
                    yield {**chunk, "sentence": index, **said(part)}

    def _speak_verified(
        self, verifier: Verifier, parts: Iterable[Sentence | Pause], options, stream, seed
    ) -> Chunks:
        """One chunk for each sentence, the best of its tries."""
        seed = first_seed(seed)

        def speak(index: int, part: Sentence | Pause) -> dict:
            if isinstance(part, Pause):
                return self._silence(part, index)
            ids = self.frontend.text_token(part.spoken)

            def make(try_seed: int) -> dict:
                (made,) = self.model.tts(text=ids, **options, seed=try_seed)
                return made

            best = verifier.best(part.spoken, index, seed, make, self.sample_rate)
            return {**best, "sentence": index, **said(part)}

        singles = (single for part in parts for single in self._one_by_one(part))
        if stream:
            yield from a_sentence_ahead(singles, speak, self.sample_rate)
        else:
            yield from itertools.starmap(speak, enumerate(singles))

    def _one_by_one(self, part: Sentence | Pause) -> Sequence[Sentence | Pause]:
        """The sentences of a segment, so that a fault in one does not make all be spoken again."""
        if isinstance(part, Pause):
            return [part]

        def is_enough(spoken: str) -> bool:
            words = without_punctuation(spoken)
            return syllables(words) >= SPOKEN_ALONE and bool(self.frontend.encode(words))

        return one_by_one(part, is_enough)

    def _silence(self, pause: Pause, index: int) -> dict:
        silence = torch.zeros(1, round(pause.seconds * self.sample_rate))
        return {"tts_speech": silence, "sentence": index, **NOTHING_SAID}


def said(part: Sentence) -> dict:
    """What a chunk says about its words."""
    return {"text": part.written, "spoken": part.spoken, "sentences": part.pieces}


@dataclass(frozen=True)
class Reading:
    """How a text is read; see CosyVoiceFrontEnd.sentences."""

    text_frontend: bool
    check: Callable | None
    near: str
    pronunciations: Mapping[str, str] | None


def language_of_voice(speaker: str, voice: dict | None) -> str:
    """The language of a saved voice or of a speaker by its name; "" where nothing tells it."""
    if voice is None:
        return language_of_speaker(speaker)
    return voice.get("meta", {}).get("language", "")  # voices of the original server have no meta


class CosyVoice2(CosyVoice):
    """A directory of CosyVoice2-0.5B; otherwise as CosyVoice.

    Instructions are followed with any voice. A text with <|endofprompt|> is spoken from there on,
    as written, and what stands before is an instruction.
    """

    layout = LAYOUT_2
    supports_instruct2 = layout.directs_references
    frontend: QwenFrontEnd

    def __init__(
        self,
        model_dir: str | Path,
        load_jit=False,
        load_trt=False,
        load_vllm=False,
        fp16=False,
        trt_concurrent=1,
        **options,
    ):
        """options: precision, flow_steps, flow_guidance and cuda_graphs, as of CosyVoice."""
        refuse(load_vllm=load_vllm)
        super().__init__(model_dir, load_jit, load_trt, fp16, trt_concurrent, **options)

    def inference_zero_shot(  # type: ignore[override]
        self, tts_text: str | Iterable[str], *args, **options
    ) -> Chunks:
        """As in CosyVoice; the text may also be an iterable of its parts, read while it speaks.

        Then it is spoken as written, as one sentence, and a part is needed early enough: the model
        waits for five text ids after every fifteen speech tokens.
        """
        return super().inference_zero_shot(tts_text, *args, **options)  # type: ignore[arg-type]

    def inference_instruct(
        self,
        tts_text: str,
        spk_id: str,
        instruct_text: str,
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed: int | None = None,
        voice: dict | None = None,
        check: Callable | None = None,
        pronunciations: Mapping[str, str] | None = None,
    ) -> Chunks:
        """Speak as instruct_text says, with the timbre of a speaker or a saved voice."""
        condition = self.frontend.frontend_sft(spk_id) if voice is None else self.check_voice(voice)
        condition = self.frontend.frontend_instruct2(condition, instruct_text)
        reading = Reading(text_frontend, check, language_of_voice(spk_id, voice), pronunciations)
        yield from self._speak(tts_text, reading, condition, stream, speed, seed)

    def inference_instruct2(
        self,
        tts_text: str,
        instruct_text: str,
        prompt_wav: Audio | None = None,
        zero_shot_spk_id="",
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed: int | None = None,
        prompt_speech_16k: Audio | None = None,
        check: Callable | None = None,
        pronunciations: Mapping[str, str] | None = None,
    ) -> Chunks:
        """Speak as instruct_text says, with the timbre of the reference or of zero_shot_spk_id."""
        condition = self.frontend.frontend_instruct2(
            self.frontend.frontend_zero_shot(
                "", either(prompt_wav, prompt_speech_16k), zero_shot_spk_id
            ),
            instruct_text,
        )
        near = language_of_speaker(zero_shot_spk_id)
        reading = Reading(text_frontend, check, near, pronunciations)
        yield from self._speak(tts_text, reading, condition, stream, speed, seed)

    def _overrides(self, folder: Path) -> dict[str, str]:
        return {"qwen_pretrain_path": str(folder / self.layout.text_model)}

    def _make_frontend(self, family: Family, *parts) -> CosyVoiceFrontEnd:
        return QwenFrontEnd(*parts, system_prompt=family.system_prompt)

    def _speak(self, tts_text, reading, condition, stream, speed, seed):
        if not isinstance(tts_text, str):
            return self._speak_parts(tts_text, condition, stream, speed, seed, reading.check)
        instruction, tts_text = self.frontend.split_instruction(tts_text)
        condition = self.frontend.prompted(condition, instruction)
        if instruction:
            reading = replace(reading, text_frontend=False)
        return super()._speak(tts_text, reading, condition, stream, speed, seed)

    def _speak_parts(self, parts, condition, stream, speed, seed, check):
        """Speak a text while it arrives; each chunk's "text" is what has been read of it."""
        read: list[str] = []

        def ids():
            for part in parts:
                read.append(part)
                yield self.frontend.text_token(part)

        condition = self.frontend.prompted(condition)
        with closing(
            self.model.tts(
                text=ids(),
                **condition,
                instruction_len=self.frontend.instruction_len(condition["prompt_text"]),
                stream=stream,
                speed=speed,
                seed=seed,
                check=check,
            )
        ) as chunks:
            for chunk in chunks:
                text = "".join(read)
                yield {
                    **chunk,
                    "sentence": 0,
                    "text": text,
                    "spoken": text,
                    "sentences": ((text, text),),
                }


class CosyVoice3(CosyVoice2):
    """A directory of Fun-CosyVoice3-0.5B; otherwise as CosyVoice2."""

    layout = LAYOUT_3

    def __init__(
        self,
        model_dir: str | Path,
        load_trt=False,
        load_vllm=False,
        fp16=False,
        trt_concurrent=1,
        **options,
    ):
        super().__init__(
            model_dir,
            load_trt=load_trt,
            load_vllm=load_vllm,
            fp16=fp16,
            trt_concurrent=trt_concurrent,
            **options,
        )


ENGINES: dict[Layout, type[CosyVoice]] = {
    engine.layout: engine for engine in (CosyVoice, CosyVoice2, CosyVoice3)
}


def AutoModel(model_dir: str | Path, **options) -> CosyVoice:
    """The engine for a model directory or a ModelScope id, of the class that fits its files.

    options: of that class. Raises RuntimeError for a model that no class can run.
    """
    folder = find_model(model_dir)
    begin = time.monotonic()
    engine = ENGINES[layout_of(folder)](folder, **options)
    engine.load_seconds = time.monotonic() - begin
    log.info(
        "loaded %s on %s in %.1f s, precision %s",
        engine.model_family,
        engine.device,
        engine.load_seconds,
        engine.precision,
    )
    return engine


def either(prompt_wav, prompt_speech_16k):
    """The reference under its newer or its older keyword."""
    return prompt_speech_16k if prompt_wav is None else prompt_wav


def refuse(**options):
    wanted = ", ".join(name for name, value in options.items() if value)
    if wanted:
        raise ValueError(
            f"{wanted} is not available: this engine runs PyTorch without exported graphs; "
            "leave it out"
        )


def choose_precision(precision: str, fp16: bool) -> Plan:
    """What both keywords mean here; upstream's fp16 leaves a precision that is named as it is."""
    device = best_device()
    return plan(half_precision(device) if fp16 and precision == "auto" else precision, device)


def check_less(flow_steps: int, flow_guidance: float) -> None:
    if not (isinstance(flow_steps, int) and 0 <= flow_steps <= MAX_FLOW_STEPS):
        raise InputError(
            f"flow_steps must be a whole number up to {MAX_FLOW_STEPS}, 0 for the model's own, "
            f"got {flow_steps!r}",
            f"flow_steps 须为不超过 {MAX_FLOW_STEPS} 的整数，0 表示由模型决定，得到 {flow_steps!r}",
        )
    if not 0 <= flow_guidance <= 1:
        raise InputError(
            f"flow_guidance must be a number from 0 to 1, got {flow_guidance!r}",
            f"flow_guidance 须为 0 至 1 的数，得到 {flow_guidance!r}",
        )


def read_config(path: str | Path, overrides: dict[str, str] | None = None) -> dict:
    """What speaking needs of a cosyvoice.yaml, built. Leaves the process's random state as it was.

    The networks' weights are left unset, as they are loaded next. overrides: entries of the top
    level to be replaced.
    """
    text = entries(read_yaml(path), NEEDED + OPTIONAL)
    if missing := [name for name in NEEDED if not re.search(f"^{name}:", text, re.M)]:
        raise RuntimeError(
            f"{path} lacks {', '.join(missing)}: it is damaged, "
            "or of a model family that is not supported"
        )
    try:
        with torch.random.fork_rng(devices=[]), UnsetWeights():
            return load_model_yaml(text, path, overrides)
    except ImportError as error:
        raise RuntimeError(
            f"{path} is of a model family that is not supported, or damaged ({error})"
        ) from error


def entries(text: str, names) -> str:
    """The text of some top-level entries and of what they refer to.

    Speaking needs no data pipeline and no discriminators.
    """
    blocks = dict(re.findall(r"^(\w+)(:.*?)(?=^\w+:|\Z)", text, re.M | re.S))
    wanted, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name in blocks and name not in wanted:
            wanted.add(name)
            todo += re.findall(r"<(\w+)", blocks[name])
    return "".join(name + block for name, block in blocks.items() if name in wanted)


class UnsetWeights(TorchFunctionMode):
    """While it is on, random initial weights are not drawn; loading would overwrite them."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")  # of Tensor's methods and of torch.nn.init
        if name.endswith(("uniform_", "normal_")):
            return args[0] if args else kwargs["tensor"]
        return function(*args, **kwargs)


def fingerprint(folder: Path, layout: Layout) -> str:
    """Tells models apart by their configuration and the sizes of their weights."""
    sizes = " ".join(f"{name}:{(folder / name).stat().st_size}" for name in layout.weights)
    return hashlib.sha256((folder / layout.config).read_bytes() + sizes.encode()).hexdigest()[:16]
