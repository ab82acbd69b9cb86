"""Hops of the 300M family: speech tokens, as they are made -> speech without a step at the joints.

A hop is a number of speech tokens and some more, which the next hop repeats. The mel of this
overlap is held back and cross-faded with the next hop's, then brought to the wanted speed and
vocoded. The speech of the last FADED_FRAMES frames is held back and cross-faded likewise. A
whole utterance is one hop, the last. Source: upstream cli/model.py.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cosyvoice.flow.length_regulator import OVERLAP_TOKENS
from cosyvoice.utils.common import fade_in_out, lengths_of
from cosyvoice.utils.errors import TextError
from cosyvoice.utils.noise import Noise

HOP_UNIT = 0.36  # s; 9 tokens at 25 Hz are 31 frames but for 0.03, so streams do not drift
FADED_FRAMES = 20


@dataclass
class HopSizes:
    """How long the hops of one stream are, in tokens.

    The first hop has at least `first`, each further one `growth` times as many, up to `longest`;
    each has `repeated` tokens more, which the next one repeats. Hops end where blocks of `block`
    tokens end, counted from the first token of the prompt.
    """

    first: int
    longest: int
    growth: float
    repeated: int
    block: int = 1
    prompt: int = 0  # tokens

    def __iter__(self) -> Iterator[int]:
        size, end = self.first, self.prompt
        while True:
            start, end = end, math.ceil((end + size) / self.block) * self.block
            yield end - start
            size = min(self.longest, int(size * self.growth))


def cut_into_hops(tokens: Iterable[int], sizes: HopSizes) -> Iterator[tuple[list[int], bool]]:
    """Hops of a stream, and whether a hop is the last.

    Raises TextError when there are no tokens.
    """
    further = iter(sizes)
    size = next(further)
    waiting: list[int] = []
    for token in tokens:
        waiting.append(token)
        if len(waiting) == size + sizes.repeated:
            yield waiting, False
            waiting, size = waiting[size:], next(further)
    yield last_hop(waiting)


def last_hop(tokens: Iterable[int]) -> tuple[list[int], bool]:
    """All the tokens as one hop, the last. Raises TextError when there are none."""
    hop = list(tokens)
    if not hop:
        raise TextError(
            "the model made no speech for this text: send a longer one",
            "模型没有为该文本生成语音，请输入更长的文本",
        )
    return hop, True


class Stretch:
    """Changes the speed of mel, hop by hop; linear between frames, so pitch is kept.

    Frame j of the result lies at (j + 0.5) speed - 0.5. A whole utterance becomes int(T / speed)
    frames as upstream's.
    """

    def __init__(self, speed: float):
        self.speed = speed
        self.made_frames = 0
        self.kept: Tensor | None = None  # frames still needed, (1, 80, T)
        self.kept_start = 0  # the number of the first kept frame

    def __call__(self, mel: Tensor, last: bool) -> Tensor:
        if self.speed == 1:
            return mel
        if last and self.kept is None:
            return F.interpolate(mel, size=max(1, int(mel.shape[2] / self.speed)), mode="linear")
        mel = mel if self.kept is None else torch.cat([self.kept, mel], 2)
        known = self.kept_start + mel.shape[2]
        if last:
            end = int(known / self.speed)
        else:  # up to where the frame after is known
            end = math.ceil((known - 0.5) / self.speed - 0.5)
        at = self.position(torch.arange(self.made_frames, end)).clamp(max=known - 1)
        at = at.to(mel.device) - self.kept_start
        left = at.long().clamp(min=0)
        right = (left + 1).clamp(max=mel.shape[2] - 1)
        made = torch.lerp(mel[..., left], mel[..., right], (at - left).clamp(min=0).to(mel))
        passed = min(int(self.position(end)), known - 1) - self.kept_start
        self.kept, self.kept_start = mel[..., passed:], self.kept_start + passed
        self.made_frames = end
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

    voice: dict[str, Tensor]  # prompt_token, prompt_feat, embedding
    noise: Noise
    stretch: Stretch
    check: Callable[[], None]
    flow_cache: Tensor = field(default_factory=lambda: torch.zeros(1, 80, 0, 2))
    overlap: Tensor | None = None  # mel of the tokens that the next hop repeats
    tail: Tail | None = None


def fade_window(size: int, device: torch.device) -> Tensor:
    """Rises over `size` values and falls over as many."""
    return torch.hamming_window(2 * size, periodic=False, device=device)


class FadedVocoder:
    """Speech of one hop's mel after the other, whose joints are cross-faded.

    cache_frames: how many of the last frames are held back and repeated by the next hop.
    """

    def __init__(self, hift: Any, cache_frames: int, device: torch.device):
        self.hift, self.cache_frames = hift, cache_frames
        self.cache_samples: int = cache_frames * hift.samples_per_frame
        self.window = fade_window(self.cache_samples, device)

    def __call__(self, session: Session, mel: Tensor, last: bool) -> Tensor:
        tail, held = session.tail, self.cache_samples
        if tail is None:
            speech, source = self.hift.inference(mel, generator=session.noise.vocoder)
        else:
            mel = torch.cat([tail.mel, mel], 2)
            speech, source = self.hift.inference(
                mel, cache_source=tail.source, generator=session.noise.vocoder
            )
            speech = fade_in_out(speech, tail.speech, self.window)
        if last:
            return speech
        session.tail = Tail(
            mel[..., -self.cache_frames :], source[..., -held:], speech[..., -held:]
        )
        return speech[..., :-held]


class OverlapHops:
    """Makes the speech of one hop after the other. Thread-safe: what changes is in the Session."""

    block_tokens = 1

    def __init__(self, flow: Any, hift: Any, device: torch.device):
        self.flow, self.device = flow, device
        unit = round(HOP_UNIT * flow.input_frame_rate)
        self.first_tokens, self.longest_tokens = 2 * unit, 10 * unit
        self.repeated_tokens = OVERLAP_TOKENS
        self.mel_overlap_len: int = flow.mel_overlap_frames
        self.mel_window = fade_window(self.mel_overlap_len, device)
        self.vocode = FadedVocoder(hift, FADED_FRAMES, device)

    def new_session(self, *parts) -> Session:
        return Session(*parts)

    @torch.inference_mode()
    def speak(self, session: Session, tokens: list[int], last: bool) -> Tensor:
        """The next hop's speech, (1, N)."""
        mel = self._mel(session, tokens, last)
        return self.vocode(session, session.stretch(mel, last), last)

    def _mel(self, session: Session, tokens: list[int], last: bool) -> Tensor:
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
        if last:
            return mel
        session.overlap = mel[..., -self.mel_overlap_len :]
        return mel[..., : -self.mel_overlap_len]
