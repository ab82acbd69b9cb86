"""Discriminators of spectrograms at several resolutions, for the vocoder training.

That of waveforms at several periods is matcha/hifigan/models.py. Every discriminator returns scores
(B, n) and the feature maps of its layers.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

LRELU_SLOPE = 0.1


class MultipleDiscriminator(nn.Module):
    """A period and a spectral discriminator as one."""

    def __init__(self, mpd: nn.Module, mrd: nn.Module):
        super().__init__()
        self.mpd, self.mrd = mpd, mrd

    def forward(self, y: Tensor, y_hat: Tensor):
        """Real y, generated y_hat, each (B, N) -> scores of y, y_hat, features of y, y_hat."""
        period, spectral = self.mpd(y[:, None], y_hat[:, None]), self.mrd(y, y_hat)
        return tuple(p + s for p, s in zip(period, spectral))


class MultiResSpecDiscriminator(nn.Module):
    """Spectral discriminators at several resolutions.

    Sizes are in samples. channels: width of every layer.
    """

    def __init__(
        self,
        fft_sizes=(1024, 2048, 512),
        hop_sizes=(120, 240, 50),
        win_lengths=(600, 1200, 240),
        window="hann_window",
        channels=32,
    ):
        super().__init__()
        self.discriminators = nn.ModuleList(
            SpecDiscriminator(*sizes, window, channels)
            for sizes in zip(fft_sizes, hop_sizes, win_lengths)
        )

    def forward(self, y: Tensor, y_hat: Tensor):
        real_scores, real_features = zip(*(d(y) for d in self.discriminators))
        scores, features = zip(*(d(y_hat) for d in self.discriminators))
        return list(real_scores), list(scores), list(real_features), list(features)


class SpecDiscriminator(nn.Module):
    def __init__(
        self, fft_size=1024, shift_size=120, win_length=600, window="hann_window", channels=32
    ):
        super().__init__()
        self.fft_size, self.shift_size, self.win_length = fft_size, shift_size, win_length
        self.window = getattr(torch, window)
        shapes = [(1, (3, 9), 1)] + [(channels, (3, 9), (1, 2))] * 3 + [(channels, (3, 3), 1)]
        self.discriminators = nn.ModuleList(
            weight_norm(nn.Conv2d(c, channels, k, stride, padding=(k[0] // 2, k[1] // 2)))
            for c, k, stride in shapes
        )
        self.out = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        with torch.autocast(y.device.type, enabled=False):
            window = self.window(self.win_length, device=y.device)
            spectrum = torch.stft(
                y.float(),
                self.fft_size,
                self.shift_size,
                self.win_length,
                window,
                return_complex=True,
            )
            x = spectrum.abs().transpose(1, 2)[:, None]  # (B, 1, frames, bins)
        features = []
        for conv in self.discriminators:
            x = F.leaky_relu(conv(x), LRELU_SLOPE)
            features.append(x)
        x = self.out(x)
        return x.flatten(1), [*features, x]
