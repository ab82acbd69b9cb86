"""Convolutions of CosyVoice3's vocoder, which look back only; (B, C, T) -> (B, C', T')."""

import torch.nn.functional as F
from torch import Tensor, nn


class CausalConv1d(nn.Conv1d):
    """As long as its input, with zeros beyond its ends. ahead: frames that it looks ahead."""

    def __init__(self, channels: int, out_channels: int, kernel_size: int, dilation=1, ahead=0):
        super().__init__(channels, out_channels, kernel_size, dilation=dilation)
        self.edges = (kernel_size - 1) * dilation - ahead, ahead

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.edges))


class CausalDownsample(nn.Conv1d):
    """One frame of every `rate`."""

    def __init__(self, channels: int, out_channels: int, rate: int):
        super().__init__(channels, out_channels, 2 * rate, rate)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (self.stride[0] - 1, 0)))


class CausalUpsample(nn.Conv1d):
    """`rate` frames of each one."""

    def __init__(self, channels: int, out_channels: int, kernel_size: int, rate: int):
        super().__init__(channels, out_channels, kernel_size)
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        x = x.repeat_interleave(self.rate, 2)
        return super().forward(F.pad(x, (self.kernel_size[0] - 1, 0)))
