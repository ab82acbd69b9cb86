"""A speaker's vector has the pitch, and its head learns pitch alone, also in noise."""

import numpy as np
import pytest
import torch
from torch import nn

from cosyvoice.utils.audio import kaldi_fbank
from tools.mini.data.speaker_vector import MIDDLE, SCALE, pitch_of, with_pitch
from tools.mini.hearing import pitch_head
from tools.mini.hearing.pitch_head import CROP, PitchHead, SpeakerEncoder, piece, train

pytestmark = pytest.mark.laboratory


def buzz(hertz: float, seconds: float = 3.2) -> torch.Tensor:
    """(N,) a voice of that pitch, swinging by a semitone, at 16 kHz."""
    t = np.arange(int(seconds * 16_000)) / 16_000
    phase = 2 * np.pi * np.cumsum(hertz * 2 ** (np.sin(2 * np.pi * 1.5 * t) / 12)) / 16_000
    return torch.from_numpy(sum(np.sin(k * phase) / k for k in range(1, 20)) * 0.1).float()


def recording(hertz: float):
    bank = kaldi_fbank(buzz(hertz)[None])
    return bank, torch.full((len(bank),), hertz), float(np.log2(hertz / MIDDLE))


def test_the_pitch_comes_back_and_the_rest_stays():
    vector = np.random.default_rng(0).standard_normal(192)
    told = with_pitch(vector, 220.0)
    assert pitch_of(told) == pytest.approx(220, rel=1e-4) and np.allclose(told[:-1], vector[:-1])
    assert vector[-1] != told[-1]  # the given one is not changed


@pytest.mark.slow
def test_a_head_learns_to_hear_pitch(monkeypatch):
    monkeypatch.setattr(pitch_head, "BATCH", 8)
    monkeypatch.setattr(pitch_head, "CROP", 100)
    head = train([recording(hertz) for hertz in np.geomspace(80, 320, 30)], 200)
    with torch.no_grad():
        heard = [
            float(head((bank - bank.mean(0))[None]))
            for bank, *_ in map(recording, (105, 150, 210, 297))
        ]
    assert heard == sorted(heard) and heard[-1] - heard[0] == pytest.approx(
        1.5, abs=0.3
    )  # an octave and a half


def test_a_piece_is_as_long_as_asked_and_as_the_encoder_is_given_it():
    rng, (bank, f0, _) = np.random.default_rng(0), recording(100)
    for part in (bank, bank[:40]):
        noisy, pitch = piece(part, f0[: len(part)], rng)
        assert (
            noisy.shape == (CROP, 80)
            and pitch.shape == (CROP,)
            and noisy.mean(0).abs().max() < 1e-4
            and noisy.isfinite().all()
        )


def test_the_encoder_gives_campplus_and_the_pitch():
    torch.manual_seed(0)
    campplus, head, bank = (
        nn.Sequential(nn.Flatten(), nn.Linear(800, 192)),
        PitchHead(),
        torch.randn(2, 10, 80),
    )
    vectors, plain = SpeakerEncoder(campplus, head)(bank), campplus(bank)
    assert torch.allclose(
        vectors[:, :-1], (plain / plain.norm(dim=1, keepdim=True))[:, :-1], atol=1e-6
    )
    assert torch.allclose(vectors[:, -1], SCALE * head(bank))
