"""The listener learns the sounds of a mel, and its loss is small for the right tokens."""

import numpy as np
import pytest
import torch

from tools.mini.data.tokens import CONTENTS, LEVELS, SOUNDS, TOKEN_SAMPLES
from tools.mini.hearing import listener
from tools.mini.hearing.listener import MEL_HOP, SoundLoss, at_sounds, piece, share_heard, train

pytestmark = pytest.mark.laboratory

PAIRS = torch.randint(
    0, 12, (CONTENTS, 2), generator=torch.Generator().manual_seed(0)
)  # of twelve sounds


def recording(seed: int, tokens: int = 40):
    """A mel in which each sound has a colour of its own, and its tokens."""
    rng = np.random.default_rng(seed)
    token = torch.from_numpy(rng.integers(CONTENTS, size=tokens).repeat(2)) * LEVELS
    colours = torch.from_numpy(np.random.default_rng(9).normal(-6, 2.5, (len(SOUNDS), 80))).float()
    sounds, frames = PAIRS[token // LEVELS].flatten(), len(token) * TOKEN_SAMPLES // MEL_HOP
    at = (
        ((torch.arange(frames) + 0.5) * MEL_HOP * 2 / TOKEN_SAMPLES)
        .long()
        .clamp(max=len(sounds) - 1)
    )
    return (
        colours[sounds[at]] + torch.from_numpy(rng.normal(0, 0.5, (frames, 80))).float()
    ).half(), token


def test_sounds_are_read_at_their_middles():
    frames = torch.arange(100.0)[None, :, None]  # a frame's middle is half a hop after its number
    middles = at_sounds(frames, 20)[0, :, 0] + 0.5
    assert torch.allclose(
        middles * MEL_HOP, (torch.arange(40) + 0.5) * TOKEN_SAMPLES / 2, atol=1e-2
    )


def test_a_piece_has_the_mel_of_its_tokens():
    mel, token = recording(0)
    marked = torch.arange(len(mel)).float()[:, None].expand(-1, 80)
    for seed in range(20):
        part, tokens = piece(marked, token, np.random.default_rng(seed))
        start = float(part[0, 0]) * MEL_HOP / TOKEN_SAMPLES
        begins = [
            i
            for i in range(len(token) - len(tokens) + 1)
            if torch.equal(token[i : i + len(tokens)], tokens)
        ]
        assert min(abs(begin - start) for begin in begins) * TOKEN_SAMPLES <= 1.5 * MEL_HOP


def test_a_listener_learns_the_sounds(monkeypatch):
    monkeypatch.setattr(listener, "WIDTH", 32)
    monkeypatch.setattr(listener, "BATCH", 4)
    net = train([recording(seed) for seed in range(12)], PAIRS, 60)
    mel, token = recording(99)
    assert share_heard(net, [(mel, token)], PAIRS) > 0.8
    loss = SoundLoss(net, PAIRS)
    assert loss(mel[None].float(), token[None]) < 0.5 * loss(mel[None].float(), token[None].flip(1))
