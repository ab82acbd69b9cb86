"""Log-mel spectrogram of the vocoder and the flow model: waveform -> (B, num_mels, frames).

Reflection padding of (n_fft - hop) / 2 on both sides, magnitude sqrt(re^2 + im^2 + 1e-9),
Slaney-normalised mel bands, natural logarithm floored at 1e-5. Definition: Kong et al. 2020
(HiFi-GAN), as in Matcha-TTS utils/audio.py.
"""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from cosyvoice.utils import audio

LOG_FLOOR = 1e-5


@cache
@torch.inference_mode(False)  # a cached tensor must stay usable in training
def mel_filters(sampling_rate, n_fft, num_mels, fmin, fmax, device) -> Tensor:
    fmax = sampling_rate / 2 if fmax is None else fmax
    return audio.mel_filters(sampling_rate, n_fft, num_mels, fmin, fmax).to(device)


@cache
@torch.inference_mode(False)
def hann_window(win_size, device) -> Tensor:
    return torch.hann_window(win_size, device=device)


def mel_spectrogram(
    y: Tensor, n_fft, num_mels, sampling_rate, hop_size, win_size, fmin, fmax, center=False
) -> Tensor:
    """Log-mel of y (B, N) in [-1, 1] at sampling_rate. Differentiable, always float32.

    fmax None means half the rate. Returns (B, num_mels, frames). Without centring, frames are
    N // hop_size if n_fft - hop_size is even.
    """
    pad = (n_fft - hop_size) // 2
    with torch.autocast(y.device.type, enabled=False):
        y = F.pad(y.float().unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
        spectrum = torch.stft(
            y,
            n_fft,
            hop_size,
            win_size,
            hann_window(win_size, y.device),
            center=center,
            return_complex=True,
        )
        magnitude = torch.view_as_real(spectrum).square().sum(-1).add(1e-9).sqrt()
        mel = mel_filters(sampling_rate, n_fft, num_mels, fmin, fmax, y.device) @ magnitude
        return mel.clamp(min=LOG_FLOOR).log()
