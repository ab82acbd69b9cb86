"""Multi-period discriminator: is this waveform a recording? Judged on every p-th sample, for five prime periods p.

Source: Kong et al. 2020 (HiFi-GAN), section 2.3; parameter names as in its published models.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

LRELU_SLOPE = 0.1


class DiscriminatorP(nn.Module):
    """Scores one period: the wave folded to (B, 1, N / period, period) and convolved along time only."""

    def __init__(self, period, kernel_size=5, stride=3, channels=(32, 128, 512, 1024, 1024)):
        super().__init__()
        self.period = period
        widths, strides = (1, *channels), [stride] * (len(channels) - 1) + [1]
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(c, d, (kernel_size, 1), (s, 1), padding=(kernel_size // 2, 0)))
            for c, d, s in zip(widths, widths[1:], strides)
        )
        self.conv_post = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """x (B, 1, N) -> scores (B, n) and the feature maps of every layer."""
        x = F.pad(x, (0, -x.shape[2] % self.period), "reflect").unflatten(2, (-1, self.period))
        features = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), LRELU_SLOPE)
            features.append(x)
        x = self.conv_post(x)
        return x.flatten(1), [*features, x]


class MultiPeriodDiscriminator(nn.Module):
    """channels: widths of the five layers; narrower ones train faster on a CPU."""

    def __init__(self, periods=(2, 3, 5, 7, 11), channels=(32, 128, 512, 1024, 1024)):
        super().__init__()
        self.discriminators = nn.ModuleList(DiscriminatorP(p, channels=channels) for p in periods)

    def forward(self, y: Tensor, y_hat: Tensor):
        """y real, y_hat generated, both (B, 1, N) -> scores of y, of y_hat, features of y, of y_hat: lists, one per period."""
        real, generated = (
            [d(y) for d in self.discriminators],
            [d(y_hat) for d in self.discriminators],
        )
        return (
            [s for s, _ in real],
            [s for s, _ in generated],
            [f for _, f in real],
            [f for _, f in generated],
        )
