"""Hops of CosyVoice2 and CosyVoice3: speech tokens, as they are made -> speech.

A hop is a number of speech tokens and a few that the flow looks ahead to, which the next hop
repeats. Hops end where the blocks of the flow end, so that finished frames do not depend on what
follows. A whole utterance is one hop. Source: upstream cli/model.py.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from cosyvoice.cli.hops import FadedVocoder, Session
from cosyvoice.utils.common import lengths_of

FIRST_TOKENS, LONGEST_TOKENS = 12, 100
FADED_FRAMES = 8


@dataclass
class CausalSession(Session):
    flow: Any = None  # the flow's state of the stream
    vocoder: Any = None  # the same of a vocoder that continues
    tokens: list[int] = field(default_factory=list)  # those whose frames are finished


class CausalHops:
    """Makes the speech of one hop after the other. Thread-safe: what changes is in the session.

    stream_memory: bytes for the finished frames that the flow looks back to in a stream, so that a
    hop costs only its own frames. While they fit, the mel is that of solving all anew. Then frames
    see the prompt and the last of the speech, and a second of a long stream costs what one of a
    short stream does. None: no limit. 0: nothing is kept and every hop solves all from the start,
    upstream's way, whose cost grows with the square of the length.
    last_sees_all: the last hop of a stream is solved anew with every frame seeing every other, as
    upstream's. Its mel then belongs to another solution than the hops before, and its cost is that
    of the whole utterance.
    """

    def __init__(self, flow: Any, hift: Any, device: torch.device):
        self.flow, self.hift, self.device = flow, hift, device
        self.first_tokens, self.longest_tokens = FIRST_TOKENS, LONGEST_TOKENS
        self.repeated_tokens: int = flow.pre_lookahead_len
        self.block_tokens: int = flow.block_tokens
        self.stream_memory: int | None = 512 * 2**20
        self.last_sees_all = False
        self.vocode = self._continue if hift.causal else FadedVocoder(hift, FADED_FRAMES, device)

    def new_session(self, *parts) -> CausalSession:
        return CausalSession(*parts)

    @torch.inference_mode()
    def speak(self, session: CausalSession, tokens: list[int], last: bool) -> Tensor:
        """The next hop's speech, (1, N)."""
        mel = self._mel(session, tokens, last)
        finished = tokens if last else tokens[: -self.repeated_tokens]
        session.tokens += finished
        return self.vocode(session, session.stretch(mel, last), last)

    def _mel(self, session: CausalSession, tokens: list[int], last: bool) -> Tensor:
        sees_all = last and (self.last_sees_all or not session.tokens)
        if sees_all or self.stream_memory == 0:
            session.flow = None
            return self._anew(session, session.tokens + tokens, last, sees_all)
        voice = session.voice
        if session.flow is None:
            session.flow = self.flow.new_stream(
                voice["prompt_feat"], voice["embedding"], self.stream_memory
            )
            prompt = voice["prompt_token"]
        else:
            prompt = voice["prompt_token"][:, :0]
        ids = torch.cat([prompt, self._ids(tokens)], 1)
        return self.flow.continue_stream(session.flow, ids, last, session.check)

    def _anew(self, session: CausalSession, tokens: list[int], last: bool, sees_all: bool):
        ids = {"token": self._ids(tokens), **session.voice}
        embedding = ids.pop("embedding")
        mel, _ = self.flow.inference(
            **ids,
            **lengths_of(ids),
            embedding=embedding,
            streaming=not sees_all,
            finalize=last,
            check=session.check,
        )
        return mel[:, :, self.flow.token_mel_ratio * len(session.tokens) :]

    def _ids(self, tokens: list[int]) -> Tensor:
        return torch.tensor([tokens], dtype=torch.int32, device=self.device)

    def _continue(self, session: CausalSession, mel: Tensor, last: bool) -> Tensor:
        """Speech of a vocoder whose samples never change once finished: no joint to fade."""
        if session.vocoder is None:
            session.vocoder = self.hift.new_stream(mel)
        return self.hift.continue_stream(session.vocoder, mel, last)
