"""Length regulator: speech tokens at 25 or 50 Hz -> mel frames at 86 Hz.

Linear interpolation followed by a small convolution stack. Parameter names follow the released
flow.pt. Source: CosyVoice paper (arXiv 2407.05407); frame counts as in upstream
flow/length_regulator.py.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_RATE = 22050  # Hz
MEL_HOP = 256  # samples per mel frame
OVERLAP_TOKENS = 20  # tokens that two chunks of a stream share


def mel_frames(tokens: int, input_frame_rate: int) -> int:
    """Mel frames of that many tokens, rounded down, in upstream's order of operations."""
    return int(tokens / input_frame_rate * SAMPLE_RATE / MEL_HOP)


def stretch(x: Tensor, frames: int) -> Tensor:
    """(B, D, T) -> (B, D, frames)"""
    return F.interpolate(x, size=frames, mode="linear")


def length_mask(lengths: Tensor, size: int) -> Tensor:
    """bool (B, size), True where a row has data."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]


class InterpolateRegulator(nn.Module):
    def __init__(
        self, channels: int, sampling_ratios, out_channels: int | None = None, groups: int = 1
    ):
        """sampling_ratios: one convolution per entry. The values have no effect, as upstream."""
        super().__init__()
        layers = [
            layer
            for _ in sampling_ratios
            for layer in (
                nn.Conv1d(channels, channels, 3, padding=1),
                nn.GroupNorm(groups, channels),
                nn.Mish(),
            )
        ]
        self.model = nn.Sequential(*layers, nn.Conv1d(channels, out_channels or channels, 1))

    def forward(self, x: Tensor, ylens: Tensor) -> tuple[Tensor, Tensor]:
        """Training: x (B, T, D), ylens (B,) frames -> (B, max(ylens), D) and ylens.

        The result is zero after each row's end.
        """
        frames = int(ylens.max())
        y = self.model(stretch(x.transpose(1, 2), frames)).transpose(1, 2)
        return y * length_mask(ylens, frames)[..., None], ylens

    def inference(
        self, x1: Tensor, x2: Tensor, mel_len1: int, mel_len2: int, input_frame_rate=50
    ) -> tuple[Tensor, int]:
        """x1 (1, T1, D) of the prompt and x2 (1, T2, D) of the speech -> (1, frames, D) and frames.

        frames = mel_len1 + mel_len2. Prompt, head, middle and tail are stretched separately, so
        that the tail of one chunk equals the head of the next.
        """
        parts = [(x1, mel_len1)] if x1.shape[1] else []
        n, edge = OVERLAP_TOKENS, mel_frames(OVERLAP_TOKENS, input_frame_rate)
        if x2.shape[1] > 2 * n:
            parts += [(x2[:, :n], edge), (x2[:, n:-n], mel_len2 - 2 * edge), (x2[:, -n:], edge)]
        else:
            parts += [(x2, mel_len2)]
        x = torch.cat([stretch(part.transpose(1, 2), frames) for part, frames in parts], 2)
        return self.model(x).transpose(1, 2), mel_len1 + mel_len2
