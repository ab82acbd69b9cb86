"""Estimator of the flow: a 1-D UNet that gives the velocity of a noisy mel at time t.

Each block is a residual convolution, conditioned on the time, and transformers over all frames.
Parameter names follow the released flow.pt, that is Matcha-TTS (arXiv 2309.03199) for the UNet and
diffusers for the transformers.
"""

import math
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cosyvoice.transformer.past import Past, lead_in, visible_frames
from cosyvoice.utils.precision import FullAttention

NORM_GROUPS = 8
TIME_SCALE = 1000  # times in 0..1 are embedded as diffusion steps 0..1000


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x * mask


class TimestepEmbedding(nn.Module):
    """t (B,) -> (B, width): sines and cosines of t through two linear layers."""

    def __init__(self, sines: int, width: int):
        super().__init__()
        self.sines = sines
        self.linear_1, self.linear_2 = nn.Linear(sines, width), nn.Linear(width, width)

    def forward(self, t: Tensor) -> Tensor:
        half = self.sines // 2
        rates = torch.exp(torch.arange(half, device=t.device) * (-math.log(10000) / (half - 1)))
        angles = TIME_SCALE * t[:, None] * rates
        return self.linear_2(F.silu(self.linear_1(torch.cat([angles.sin(), angles.cos()], 1))))


class Block1D(nn.Module):
    def __init__(self, dim: int, dim_out: int):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv1d(dim, dim_out, 3, padding=1), nn.GroupNorm(NORM_GROUPS, dim_out), nn.Mish()
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return masked(self.block(masked(x, mask)), mask)


class ResnetBlock1D(nn.Module):
    block = Block1D

    def __init__(self, dim: int, dim_out: int, time_dim: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Mish(), nn.Linear(time_dim, dim_out))
        self.block1, self.block2 = self.block(dim, dim_out), self.block(dim_out, dim_out)
        self.res_conv = nn.Conv1d(dim, dim_out, 1)

    def forward(self, x: Tensor, mask: Tensor | None, time: Tensor) -> Tensor:
        h = self.block1(x, mask) + self.mlp(time)[..., None]
        return self.block2(h, mask) + self.res_conv(masked(x, mask))


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int, head_dim: int, dropout: float):
        super().__init__()
        self.heads, self.attend = heads, FullAttention()
        self.to_q, self.to_k, self.to_v = (
            nn.Linear(dim, heads * head_dim, bias=False) for _ in range(3)
        )
        self.to_out = nn.Sequential(nn.Linear(heads * head_dim, dim), nn.Dropout(dropout))

    def forward(self, x: Tensor, mask: Tensor | None, past: Past | None = None) -> Tensor:
        """x (B, T, D); mask bool, broadcasts to (B, 1, T, S), True where visible."""
        seen = x if past is None else past.seen(self, x)  # (B, S, D)
        q, k, v = (
            linear(frames).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for linear, frames in ((self.to_q, x), (self.to_k, seen), (self.to_v, seen))
        )
        y = self.attend(q, k, v, mask)  # (B, H, T, D/H)
        return self.to_out(y.transpose(1, 2).flatten(2))


class GELU(nn.Sequential):
    def __init__(self, dim: int, dim_out: int):
        super().__init__(OrderedDict(proj=nn.Linear(dim, dim_out), gelu=nn.GELU()))


class FeedForward(nn.Module):
    def __init__(self, dim: int, dropout: float):
        super().__init__()
        self.net = nn.Sequential(GELU(dim, 4 * dim), nn.Dropout(dropout), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class BasicTransformerBlock(nn.Module):
    def __init__(self, dim: int, heads: int, head_dim: int, dropout: float):
        super().__init__()
        self.norm1, self.norm3 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn1 = Attention(dim, heads, head_dim, dropout)
        self.ff = FeedForward(dim, dropout)

    def forward(self, x: Tensor, mask: Tensor | None, past: Past | None = None) -> Tensor:
        x = x + self.attn1(self.norm1(x), mask, past)
        return x + self.ff(self.norm3(x))


class Downsample1D(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.conv = nn.Conv1d(dim, dim, 3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Upsample1D(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.conv = nn.ConvTranspose1d(dim, dim, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class ConditionalDecoder(nn.Module):
    """The estimator's network.

    in_channels: of mel, regulated mel, speaker and prompt mel together, 320 in the official models.
    """

    block, resnet = Block1D, ResnetBlock1D

    @staticmethod
    def plain(dim: int) -> nn.Module:
        """The convolution of the scales that keep their rate."""
        return nn.Conv1d(dim, dim, 3, padding=1)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        channels=(256, 256),
        dropout: float = 0.05,
        attention_head_dim: int = 64,
        n_blocks: int = 1,
        num_mid_blocks: int = 2,
        num_heads: int = 4,
        act_fn: str = "gelu",
    ):
        super().__init__()
        if act_fn != "gelu":
            raise ValueError(
                f"act_fn {act_fn!r} is not supported by ConditionalDecoder; use 'gelu'"
            )
        self.time_mlp = TimestepEmbedding(in_channels, 4 * channels[0])

        def block(dim, dim_out, *resample):
            transformers = nn.ModuleList(
                BasicTransformerBlock(dim_out, num_heads, attention_head_dim, dropout)
                for _ in range(n_blocks)
            )
            return nn.ModuleList(
                [self.resnet(dim, dim_out, 4 * channels[0]), transformers, *resample]
            )

        last = len(channels) - 1
        down, up = (in_channels, *channels), (*channels[::-1], channels[0])
        self.down_blocks = nn.ModuleList(
            block(c, d, self.plain(d) if i == last else Downsample1D(d))
            for i, (c, d) in enumerate(zip(down, down[1:]))
        )
        self.mid_blocks = nn.ModuleList(
            block(channels[-1], channels[-1]) for _ in range(num_mid_blocks)
        )
        self.up_blocks = nn.ModuleList(
            block(2 * c, d, self.plain(d) if i == last else Upsample1D(d))
            for i, (c, d) in enumerate(zip(up, up[1:]))
        )
        self.final_block = self.block(channels[0], channels[0])
        self.final_proj = nn.Conv1d(channels[0], out_channels, 1)
        self.apply(init_weights)

    def forward(
        self, x: Tensor, mask: Tensor | None, mu: Tensor, t: Tensor, spks: Tensor, cond: Tensor
    ) -> Tensor:
        """Velocity (B, 80, T) of the noisy mel x (B, 80, T) at times t (B,) in 0..1.

        mask: (B, 1, T), 1 where a row has data, or None when all rows are full.
        mu, cond (B, 80, T): regulated mel and prompt mel; spks (B, 80).
        """
        time = self.time_mlp(t)
        x = torch.cat([x, mu, spks[..., None].expand(-1, -1, x.shape[2]), cond], 1)
        skips, masks = [], [mask]
        for resnet, transformers, downsample in self.down_blocks:
            x = run(resnet, transformers, x, masks[-1], time)
            skips.append(x)
            x = downsample(masked(x, masks[-1]))
            masks.append(mask if mask is None else masks[-1][:, :, ::2])
        masks.pop()  # the last down block keeps its rate
        for resnet, transformers in self.mid_blocks:
            x = run(resnet, transformers, x, masks[-1], time)
        for resnet, transformers, upsample in self.up_blocks:
            skip, level = skips.pop(), masks.pop()
            x = run(
                resnet, transformers, torch.cat([x[:, :, : skip.shape[2]], skip], 1), level, time
            )
            x = upsample(masked(x, level))
        return masked(self.final_proj(self.final_block(x, mask)), mask)


def run(resnet, transformers, x, mask, time):
    x = resnet(x, mask, time).transpose(1, 2)  # (B, T, D)
    visible = None if mask is None else mask[:, None].bool()
    for transformer in transformers:
        x = transformer(x, visible)
    return x.transpose(1, 2)


def init_weights(module: nn.Module):
    """He initialisation of convolutions and linear layers, as upstream's training starts."""
    if isinstance(module, (nn.Conv1d, nn.Linear)):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class CausalConv1d(nn.Conv1d):
    """A convolution that looks back only, (B, T, D) -> (B, T, D)."""

    def forward(self, x: Tensor, past: Past | None = None) -> Tensor:
        x = lead_in(past, self, x, self.kernel_size[0] - 1)
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class CausalBlock1D(nn.Module):
    def __init__(self, dim: int, dim_out: int):
        super().__init__()
        # numbered as in the checkpoint, where transposes and the activation stand between
        self.block = nn.ModuleDict({"0": CausalConv1d(dim, dim_out, 3), "2": nn.LayerNorm(dim_out)})
        self.mish = nn.Mish()

    def forward(self, x: Tensor, mask: Tensor | None, past: Past | None = None) -> Tensor:
        h = self.block["0"](masked(x, mask), past)
        return masked(self.mish(self.block["2"](h)), mask)


class CausalResnetBlock1D(ResnetBlock1D):
    block = CausalBlock1D

    def forward(
        self, x: Tensor, mask: Tensor | None, time: Tensor, past: Past | None = None
    ) -> Tensor:
        """x (B, T, D), mask (B, T, 1), time (B, D_time) -> (B, T, D_out)"""
        h = self.block1(x, mask, past) + self.mlp(time)[:, None]
        return self.block2(h, mask, past) + pointwise(self.res_conv, masked(x, mask))


def pointwise(conv: nn.Module, x: Tensor) -> Tensor:
    """A convolution of one frame, on (B, T, D); see lower() for another than nn.Conv1d."""
    if not isinstance(conv, nn.Conv1d):
        return conv(x.transpose(1, 2)).transpose(1, 2)
    return F.linear(x, conv.weight[:, :, 0], conv.bias)


class CausalConditionalDecoder(ConditionalDecoder):
    """The estimator of CosyVoice2: convolutions look back, and attention sees blocks in a stream.

    All its frames have one rate, so channels has one entry. static_chunk_size: frames of a block.
    num_decoding_left_chunks has no effect, as upstream; a Past says how much is seen.
    """

    block, resnet = CausalBlock1D, CausalResnetBlock1D

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        channels=(256, 256),
        *,
        static_chunk_size: int = 50,
        num_decoding_left_chunks: int = 2,
        **options,
    ):
        if len(channels) != 1:
            raise ValueError(
                f"channels {list(channels)} is not supported by CausalConditionalDecoder; "
                "use one entry"
            )
        super().__init__(in_channels, out_channels, channels, **options)
        self.static_chunk_size = static_chunk_size

    @staticmethod
    def plain(dim: int) -> nn.Module:
        return CausalConv1d(dim, dim, 3)

    @property
    def kept_width(self) -> int:
        """Numbers that a Past keeps of one frame for attention."""
        return sum(m.to_k.in_features for m in self.modules() if isinstance(m, Attention))

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        mu: Tensor,
        t: Tensor,
        spks: Tensor,
        cond: Tensor,
        streaming: bool = False,
        past: Past | None = None,
    ) -> Tensor:
        """As ConditionalDecoder. past: the stream whose next frames x has; changed in place."""
        time = self.time_mlp(t)
        x = torch.cat([x, mu, spks[..., None].expand(-1, -1, x.shape[2]), cond], 1).transpose(1, 2)
        frames = None if mask is None else mask.transpose(1, 2)  # (B, T, 1)
        block = self.static_chunk_size if streaming else 0
        visible = visible_frames(x, mask, block, past)

        def run(x, resnet, transformers, *convolution):
            x = resnet(x, frames, time, past)
            for transformer in transformers:
                x = transformer(x, visible, past)
            return x

        (down,), (up,) = self.down_blocks, self.up_blocks
        skip = run(x, *down)
        x = down[2](masked(skip, frames), past)
        for block in self.mid_blocks:
            x = run(x, *block)
        x = run(torch.cat([x, skip], 2), *up)
        x = up[2](masked(x, frames), past)
        x = pointwise(self.final_proj, self.final_block(x, frames, past))
        return masked(x, frames).transpose(1, 2)
