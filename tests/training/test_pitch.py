"""The pitch that vocoders learn: exact on tones that are speech-like, none where there is none."""

import math

import pytest
import torch

from cosyvoice.dataset.pitch import pitch

RATES = [(22050, 256), (24000, 480)]  # Hz, samples of a mel frame


def voice(hertz, rate, formant=900.0):
    """Harmonics of a pitch (N,), strongest near a formant, so that the first is weak."""
    phase = 2 * math.pi * torch.cumsum(hertz.double() / rate, 0)
    orders = range(1, int(5000 / float(hertz.max())))
    gains = [1 / (1 + ((k * float(hertz.mean()) - formant) / 200) ** 2) for k in orders]
    return sum(g * torch.sin(k * phase) for k, g in zip(orders, gains)).float() * 0.1


@pytest.mark.parametrize("rate, hop", RATES)
@pytest.mark.parametrize("hertz", [75.0, 130.0, 260.0, 480.0])
def test_a_steady_voice_has_its_pitch_in_every_frame(rate, hop, hertz):
    found = pitch(voice(torch.full((rate,), hertz), rate), rate, hop)
    assert len(found) == rate // hop
    assert (found / hertz - 1).abs().max() < 0.01


@pytest.mark.parametrize("rate, hop", RATES)
def test_a_rising_voice_is_followed_at_the_middle_of_each_frame(rate, hop):
    time = torch.arange(rate) / rate
    hertz = 110 * 2**time  # an octave in a second
    found = pitch(voice(hertz, rate), rate, hop)
    middles = hertz[hop // 2 :: hop][: len(found)]
    assert (found / middles - 1)[3:-3].abs().max() < 0.02


def test_noise_and_silence_have_no_pitch_and_a_voice_between_them_has():
    rate, hop = RATES[0]
    noise = 0.1 * torch.randn(rate // 2, generator=torch.Generator().manual_seed(0))
    spoken = voice(torch.full((rate // 2,), 200.0), rate)
    found = pitch(torch.cat([noise, torch.zeros(rate // 2), spoken]), rate, hop)
    before, after = found[: rate // hop - 3], found[rate // hop + 3 :]
    assert (before > 0).float().mean() < 0.05 and (after - 200).abs().max() < 2


@pytest.mark.parametrize("samples", [0, 100, 255, 256, 3000])
def test_sound_of_any_length_has_a_value_for_each_frame(samples):
    assert pitch(torch.zeros(samples), 22050, 256).tolist() == [0.0] * (samples // 256)
    assert len(pitch(torch.ones(samples), 22050, 256)) == samples // 256
