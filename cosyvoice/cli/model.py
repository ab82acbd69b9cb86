"""The model of one directory: text ids and a voice -> speech, whole or in hops while the tokens are still being made.

A hop: `token_hop_len` speech tokens and `token_overlap_len` more -> mel; the overlap's mel is held back and cross-faded
with the next hop's -> speed -> vocoder; its last `mel_cache_len` frames are held back and cross-faded likewise.
A whole utterance is one hop, the last. Source: upstream cli/model.py.
"""

import contextlib
import math
import random
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from numbers import Integral
from queue import SimpleQueue
from threading import Event, Thread
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cosyvoice.flow.length_regulator import MEL_HOP, OVERLAP_TOKENS, SAMPLE_RATE
from cosyvoice.utils.common import fade_in_out, lengths_of
from cosyvoice.utils.errors import InputError, TextError
from cosyvoice.utils.files import read_weights

MEL_RATE = SAMPLE_RATE / MEL_HOP  # 86.13 frames per second
HOP_UNIT = 0.36  # s; 9 tokens at 25 Hz are 31 frames but for 0.03, so streams do not drift
MIN_SPEED, MAX_SPEED = 0.5, 2.0
LONE_WORD = {
    "min_token_text_ratio": 12,
    "max_token_text_ratio": 40,
}  # tokens a text may always need, for models with ratios of their own

NO_IDS = torch.zeros(1, 0, dtype=torch.int32)
NO_SPEAKER = torch.zeros(0, 192)
NO_MEL = torch.zeros(1, 0, 80)


class Noise(NamedTuple):
    """Where the stages of one request draw from; None is torch's global generator."""

    tokens: torch.Generator | None
    flow: torch.Generator | None
    vocoder: torch.Generator | None

    @classmethod
    def of(cls, seed: int | None, stream: bool, device="cpu") -> "Noise":
        """Whole: one generator in upstream's order of draws, equal to torch.manual_seed(seed) before upstream's run.

        Streamed: one per stage, as the stages overlap in time; without a seed, from a seed of the global generator.
        Raises InputError for what is neither None nor a whole number from 0 to 2^64 - 1.
        """
        if seed is not None and (
            isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed < 2**64
        ):
            raise InputError(
                f"seed {seed!r} is not possible; use a whole number from 0 to 2^64 - 1, or None",
                f"seed {seed!r} 无效，须为 0 至 2^64 - 1 的整数或 None",
            )
        if stream:
            seeds = random.Random(int(torch.randint(2**32, ()) if seed is None else seed))
            return cls(
                *(torch.Generator(device).manual_seed(seeds.getrandbits(63)) for _ in cls._fields)
            )
        return cls(*[None if seed is None else torch.Generator(device).manual_seed(int(seed))] * 3)


class Stretch:
    """Mel at another speed, frame by frame, going on over the joints of hops; linear between frames, so pitch is kept.

    Frame j of the result lies at (j + 0.5) speed - 0.5. A whole utterance becomes int(T / speed) frames as upstream's.
    """

    def __init__(self, speed: float):
        self.speed, self.made = speed, 0
        self.kept, self.start = (
            None,
            0,
        )  # frames still needed, (1, 80, T), and the number of the first

    def __call__(self, mel: Tensor, last: bool) -> Tensor:
        if self.speed == 1:
            return mel
        if last and self.kept is None:
            return F.interpolate(mel, size=max(1, int(mel.shape[2] / self.speed)), mode="linear")
        mel = mel if self.kept is None else torch.cat([self.kept, mel], 2)
        known = self.start + mel.shape[2]
        end = (
            int(known / self.speed) if last else math.ceil((known - 0.5) / self.speed - 0.5)
        )  # the frame after is known
        at = (
            self.position(torch.arange(self.made, end)).clamp(max=known - 1).to(mel.device)
            - self.start
        )
        left = at.long().clamp(min=0)
        made = torch.lerp(
            mel[..., left],
            mel[..., (left + 1).clamp(max=mel.shape[2] - 1)],
            (at - left).clamp(min=0).to(mel),
        )
        self.made, gone = end, min(int(self.position(end)), known - 1) - self.start
        self.kept, self.start = mel[..., gone:], self.start + gone
        return made

    def position(self, frame):
        return (frame + 0.5) * self.speed - 0.5


@dataclass
class Tail:
    """The end of what was vocoded, repeated at the start of the next hop."""

    mel: Tensor
    source: Tensor
    speech: Tensor


@dataclass
class Session:
    """What one request carries from hop to hop; made for it and dropped with it."""

    voice: dict  # prompt_token, prompt_feat, embedding
    noise: Noise
    stretch: Stretch
    check: Callable[[], None]
    flow_cache: Tensor = field(default_factory=lambda: torch.zeros(1, 80, 0, 2))
    overlap: Tensor | None = None  # mel of the tokens that the next hop repeats
    tail: Tail | None = None


class CosyVoiceModel:
    """Thread-safe once loaded: any number of tts() may run at once.

    Streaming starts with token_min_hop_len tokens and multiplies by stream_scale_factor up to token_max_hop_len. Upstream's
    values at 25 Hz are 50, 1 and 100 and may be set back; ours start to sound earlier.
    """

    def __init__(self, llm: nn.Module, flow: nn.Module, hift: nn.Module):
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.llm, self.flow, self.hift = llm, flow, hift
        rate = flow.input_frame_rate
        unit = round(HOP_UNIT * rate)
        self.token_min_hop_len, self.token_max_hop_len, self.stream_scale_factor = (
            2 * unit,
            10 * unit,
            2,
        )
        self.token_overlap_len = OVERLAP_TOKENS
        self.mel_overlap_len = flow.mel_overlap_frames
        self.mel_window = torch.hamming_window(
            2 * self.mel_overlap_len, periodic=False, device=self.device
        )
        self.mel_cache_len = 20
        self.token_text_ratio = {}  # min_token_text_ratio, the same _instruct, max_token_text_ratio; upstream's 2 and 20 unless set
        self.source_cache_len = self.mel_cache_len * MEL_HOP
        self.speech_window = torch.hamming_window(
            2 * self.source_cache_len, periodic=False, device=self.device
        )

    def load(self, llm_model: str, flow_model: str, hift_model: str) -> None:
        """Load the weights strictly; a vocoder saved from its training has the prefix `generator.`."""
        hift = {
            name.removeprefix("generator."): value
            for name, value in read_weights(hift_model).items()
        }
        self._fill(self.llm, llm_model, read_weights(llm_model))
        self._fill(self.flow, flow_model, read_weights(flow_model))
        self._fill(self.hift, hift_model, hift)
        self.hift.remove_weight_norm()

    def _fill(self, network, path, weights):
        try:
            network.load_state_dict(weights, strict=True, assign=True)
        except RuntimeError as error:
            raise RuntimeError(
                f"{path} does not fit the cosyvoice.yaml beside it: download both again ({error})"
            ) from error
        network.to(self.device).eval().requires_grad_(False)

    def tts(
        self,
        text: Tensor = NO_IDS,
        flow_embedding: Tensor = NO_SPEAKER,
        llm_embedding: Tensor = NO_SPEAKER,
        prompt_text: Tensor = NO_IDS,
        llm_prompt_speech_token: Tensor = NO_IDS,
        flow_prompt_speech_token: Tensor = NO_IDS,
        prompt_speech_feat: Tensor = NO_MEL,
        source_speech_token: Tensor = NO_IDS,
        stream=False,
        speed=1.0,
        seed: int | Noise | None = None,
        check: Callable[[], None] | None = None,
        **lengths,
    ) -> Iterator[dict[str, Tensor]]:
        """Yield {"tts_speech": (1, N) float32 on the CPU}: once, or hop by hop with stream=True.

        Ids are (1, L), prompt_speech_feat (1, T, 80), embeddings (1, 192), (0, 192) for none; `_len` keywords are accepted
        and not needed. With source_speech_token its words are spoken and the text is not read. speed 0.5 to 2 keeps pitch.
        seed: of this request; a Noise goes on where the last sentence stopped; None draws from torch's global generator.
        check is called before every token and Euler step and stops the work by raising; closing the iterator stops it too.
        Raises InputError, or whatever the networks raise, in the caller's thread.
        """
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise InputError(
                f"speed {speed} is not possible; use {MIN_SPEED} to {MAX_SPEED}",
                f"speed 须在 {MIN_SPEED} 至 {MAX_SPEED} 之间",
            )
        noise = seed if isinstance(seed, Noise) else Noise.of(seed, stream, self.device)
        check = check or (lambda: None)
        session = Session(
            {
                "prompt_token": flow_prompt_speech_token.to(self.device),
                "embedding": flow_embedding.to(self.device),
                "prompt_feat": prompt_speech_feat.to(self.device),
            },
            noise,
            Stretch(speed),
            check,
        )
        if source_speech_token.shape[1]:
            tokens = (token for token in source_speech_token.flatten().tolist())
        else:
            tokens = self._decode(
                text, prompt_text, llm_prompt_speech_token, llm_embedding, noise.tokens
            )
        tokens = checked(tokens, check)
        with contextlib.closing(
            ahead(tokens, self.token_min_hop_len + self.token_overlap_len) if stream else tokens
        ) as tokens:
            for hop, last in self._hops(tokens, stream):
                yield {
                    "tts_speech": self._speak(session, hop, last).cpu().clone()
                }  # an ordinary tensor, no view

    def _decode(
        self, text, prompt_text, prompt_speech_token, embedding, generator
    ) -> Iterator[int]:
        ids = {"text": text, "prompt_text": prompt_text, "prompt_speech_token": prompt_speech_token}
        ids = {name: value.to(self.device) for name, value in ids.items()}
        ratios = dict(self.token_text_ratio)
        hasty = ratios.pop("min_token_text_ratio_instruct", None)
        if (
            hasty is not None and prompt_text.shape[1] and not prompt_speech_token.shape[1]
        ):  # an instruction, which may ask for haste
            ratios["min_token_text_ratio"] = hasty
        ratios = {
            name: max(ratio, LONE_WORD[name] / max(1, text.shape[1]))
            for name, ratio in ratios.items()
        }
        return self.llm.inference(
            **ids,
            **lengths_of(ids),
            **ratios,
            embedding=embedding.to(self.device),
            generator=generator,
        )

    def _hops(self, tokens: Iterable[int], stream: bool) -> Iterator[tuple[list[int], bool]]:
        """Tokens in hops that overlap, and whether a hop is the last."""
        hop, waiting = self.token_min_hop_len, []
        for token in tokens:
            waiting.append(token)
            if stream and len(waiting) == hop + self.token_overlap_len:
                yield waiting, False
                waiting = waiting[hop:]
                hop = min(self.token_max_hop_len, int(hop * self.stream_scale_factor))
        if not waiting:
            raise TextError(
                "the model made no speech for this text: send a longer one",
                "模型没有为该文本生成语音，请输入更长的文本",
            )
        yield waiting, True

    @torch.inference_mode()
    def _speak(self, session: Session, tokens: list[int], last: bool) -> Tensor:
        mel = self._mel(session, tokens, last)
        return self._vocode(session, session.stretch(mel, last), last)

    def _mel(self, session, tokens, last):
        ids = {
            "token": torch.tensor([tokens], dtype=torch.int32, device=self.device),
            **session.voice,
        }
        embedding = ids.pop("embedding")
        mel, session.flow_cache = self.flow.inference(
            **ids,
            **lengths_of(ids),
            embedding=embedding,
            flow_cache=session.flow_cache,
            generator=session.noise.flow,
            check=session.check,
        )
        if session.overlap is not None:
            mel = fade_in_out(mel, session.overlap, self.mel_window)
        if not last:
            mel, session.overlap = (
                mel[..., : -self.mel_overlap_len],
                mel[..., -self.mel_overlap_len :],
            )
        return mel

    def _vocode(self, session, mel, last):
        tail, held = session.tail, self.source_cache_len
        if tail is None:
            speech, source = self.hift.inference(mel, generator=session.noise.vocoder)
        else:
            mel = torch.cat([tail.mel, mel], 2)
            speech, source = self.hift.inference(
                mel, cache_source=tail.source, generator=session.noise.vocoder
            )
            speech = fade_in_out(speech, tail.speech, self.speech_window)
        if last:
            return speech
        session.tail = Tail(
            mel[..., -self.mel_cache_len :], source[..., -held:], speech[..., -held:]
        )
        return speech[..., :-held]


def checked(items: Generator, check: Callable[[], None]) -> Iterator[int]:
    with contextlib.closing(items):
        for item in items:
            check()
            yield item


def ahead(items: Generator, start: int) -> Iterator[int]:
    """The same items, those after the first `start` made ahead in a thread of their own.

    Its error is raised here; closing this stops it at its next item. The first are made in the caller's thread, so that
    decoding does not take the processor from the first sound.
    """
    made, closed, end = SimpleQueue(), Event(), object()

    def make():
        try:
            for item in items:
                made.put(item)
                if closed.is_set():
                    break
            made.put(end)
        except BaseException as error:  # whatever it is, the consumer decides
            made.put(error)

    thread = Thread(target=make, name="speech tokens", daemon=True)
    try:
        yield from islice(items, start)
        thread.start()
        while (item := made.get()) is not end:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        item = None  # an error holds this frame, and would be held by it
        closed.set()
        if thread.ident:
            thread.join()
        items.close()
