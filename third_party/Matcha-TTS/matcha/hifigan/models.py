"""Multi-period discriminator: tells recorded waveforms from generated ones by every p-th sample.

The periods p are five primes. Source: Kong et al. 2020 (HiFi-GAN), section 2.3; parameter names as
in its published models.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

LRELU_SLOPE = 0.1


class DiscriminatorP(nn.Module):
    """Discriminator of one period.

    The wave is folded to (B, 1, N / period, period) and convolved along time only.
    """

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
    """channels: widths of the five layers. Narrower ones train faster on a CPU."""

    def __init__(self, periods=(2, 3, 5, 7, 11), channels=(32, 128, 512, 1024, 1024)):
        super().__init__()
        self.discriminators = nn.ModuleList(DiscriminatorP(p, channels=channels) for p in periods)

    def forward(self, y: Tensor, y_hat: Tensor):
        """Real y, generated y_hat, both (B, 1, N) -> scores and features of each.

        Returns scores of y, scores of y_hat, features of y, features of y_hat: lists, one entry per
        period.
        """
        real_scores, real_features = zip(*(d(y) for d in self.discriminators))
        scores, features = zip(*(d(y_hat) for d in self.discriminators))
        return list(real_scores), list(scores), list(real_features), list(features)
