import librosa
import numpy as np
import pytest
import torch
from matcha.hifigan.models import MultiPeriodDiscriminator
from matcha.utils.audio import mel_spectrogram

CONF = dict(
    n_fft=1024, num_mels=80, sampling_rate=22050, hop_size=256, win_size=1024, fmin=0, fmax=8000
)


def reference_mel(wave, n_fft, num_mels, sampling_rate, hop_size, win_size, fmin, fmax):
    """The definition again, in numpy and librosa."""
    wave = np.pad(wave, (n_fft - hop_size) // 2, mode="reflect")
    frames = librosa.util.frame(wave, frame_length=n_fft, hop_length=hop_size)
    window = librosa.filters.get_window("hann", win_size)[:, None]
    magnitude = np.sqrt(np.abs(np.fft.rfft(frames * window, axis=0)) ** 2 + 1e-9)
    bands = librosa.filters.mel(
        sr=sampling_rate, n_fft=n_fft, n_mels=num_mels, fmin=fmin, fmax=fmax
    )
    return np.log(np.maximum(bands @ magnitude, 1e-5))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"fmax": None},
        {"sampling_rate": 24000},
        {"num_mels": 20},
        {"n_fft": 512, "win_size": 512},
    ],
    ids=str,
)
def test_mel_equals_the_definition_whatever_was_computed_before(change):
    conf, wave = CONF | change, torch.rand(1, 4096) - 0.5
    mel_spectrogram(wave, **CONF)
    torch.testing.assert_close(
        mel_spectrogram(wave, **conf)[0].double(),
        torch.from_numpy(reference_mel(wave[0].double().numpy(), **conf)),
        atol=2e-4,
        rtol=0,
    )


def test_mel_has_one_frame_per_hop():
    assert mel_spectrogram(torch.zeros(2, 256 * 9), **CONF).shape == (2, 80, 9)


def test_mel_trains_after_its_tables_were_made_in_inference_mode():
    conf = CONF | {"num_mels": 33}
    with torch.inference_mode():
        mel_spectrogram(torch.rand(1, 2048), **conf)
    wave = torch.rand(1, 2048, requires_grad=True)
    mel_spectrogram(wave, **conf).sum().backward()
    assert wave.grad.isfinite().all()


def test_period_discriminator_scores_any_length():
    net = MultiPeriodDiscriminator(periods=(2, 3), channels=(2, 3, 4))
    real, fake, real_features, _ = net(torch.rand(2, 1, 101), torch.rand(2, 1, 101))
    assert [len(x) for x in (real, fake, real_features)] == [2, 2, 2]
    assert real[0].shape == fake[0].shape and len(real_features[0]) == 4
