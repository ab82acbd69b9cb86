"""Estimator of CosyVoice3's flow: a transformer that gives the velocity of a noisy mel at time t.

The time sets scales, shifts and gates of every layer (AdaLN, arXiv 2212.09748). Parameter names
follow the released flow.pt, that is F5-TTS (arXiv 2410.06885); what no keyword sets is upstream's
(flow/DiT).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cosyvoice.transformer.past import Past, lead_in, visible_frames
from cosyvoice.utils.precision import FullAttention
from cosyvoice.utils.process import drop_pages

TIME_SCALE = 1000  # times in 0..1 are embedded as diffusion steps 0..1000
TIME_SINES = 256
POSITION_KERNEL, POSITION_GROUPS = 31, 16
ROPE_BASE = 10000
EPS = 1e-6


class TimestepEmbedding(nn.Module):
    """t (B,) -> (B, dim)"""

    def __init__(self, dim: int):
        super().__init__()
        self.time_mlp = nn.Sequential(nn.Linear(TIME_SINES, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, t: Tensor) -> Tensor:
        half = TIME_SINES // 2
        rates = torch.exp(torch.arange(half, device=t.device) * (-math.log(10000) / (half - 1)))
        angles = TIME_SCALE * t[:, None] * rates
        return self.time_mlp(torch.cat([angles.sin(), angles.cos()], 1))


class CausalConvPositionEmbedding(nn.Module):
    """Two convolutions that look back, (B, T, D) -> (B, T, D)."""

    def __init__(self, dim: int):
        super().__init__()
        self.conv1, self.conv2 = (
            nn.Sequential(nn.Conv1d(dim, dim, POSITION_KERNEL, groups=POSITION_GROUPS), nn.Mish())
            for _ in range(2)
        )

    def forward(self, x: Tensor, past: Past | None = None) -> Tensor:
        for conv in (self.conv1, self.conv2):
            x = lead_in(past, conv, x, POSITION_KERNEL - 1)
            x = conv(x.transpose(1, 2)).transpose(1, 2)
        return x


class InputEmbedding(nn.Module):
    def __init__(self, width: int, dim: int):
        super().__init__()
        self.proj = nn.Linear(width, dim)
        self.conv_pos_embed = CausalConvPositionEmbedding(dim)

    def forward(self, x: Tensor, past: Past | None = None) -> Tensor:
        x = self.proj(x)
        return self.conv_pos_embed(x, past) + x


class RotaryEmbedding(nn.Module):
    """Angles of positions, (T,) -> (T, dim / 2)."""

    def __init__(self, dim: int):
        super().__init__()
        rates = ROPE_BASE ** -(torch.arange(0, dim, 2).float() / dim)
        self.register_buffer("inv_freq", rates)

    def forward(self, positions: Tensor) -> Tensor:
        return positions[:, None] * self.inv_freq


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Rotate the first channels of x (B, T, D), in pairs of neighbours, by angles (T, R / 2).

    Upstream rotates before it splits the heads, so that only the first head has positions; kept for
    checkpoint compatibility.
    """
    size = 2 * angles.shape[1]
    a, b = x[..., :size].unflatten(2, (-1, 2)).unbind(-1)
    cos, sin = angles.cos(), angles.sin()
    rotated = torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(2)
    return torch.cat([rotated.to(x), x[..., size:]], 2)


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int, dim_head: int, dropout: float):
        super().__init__()
        self.heads, self.attend = heads, FullAttention()
        self.to_q, self.to_k, self.to_v = (nn.Linear(dim, heads * dim_head) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(heads * dim_head, dim), nn.Dropout(dropout)])

    def forward(self, x: Tensor, visible: Tensor | None, angles, past: Past | None) -> Tensor:
        """x (B, T, D). angles: of the positions of x, and of all that it sees."""
        seen = x if past is None else past.seen(self, x)  # (B, S, D)
        q, k, v = (
            rotate(self.to_q(x), angles[0]),
            rotate(self.to_k(seen), angles[1]),
            self.to_v(seen),
        )
        q, k, v = (y.unflatten(2, (self.heads, -1)).transpose(1, 2) for y in (q, k, v))
        y = self.attend(q, k, v, visible)  # (B, H, T, D/H)
        linear, dropout = self.to_out
        return dropout(linear(y.transpose(1, 2).flatten(2)))


class FeedForward(nn.Module):
    def __init__(self, dim: int, mult: float, dropout: float):
        super().__init__()
        hidden = int(dim * mult)
        project = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(approximate="tanh"))
        self.ff = nn.Sequential(project, nn.Dropout(dropout), nn.Linear(hidden, dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.ff(x)


class Modulation(nn.Module):
    """The time's embedding (B, D) -> `count` scales, shifts and gates, each (B, 1, D)."""

    def __init__(self, dim: int, count: int):
        super().__init__()
        self.count = count
        self.linear = nn.Linear(dim, dim * count)

    def forward(self, time: Tensor) -> tuple[Tensor, ...]:
        return self.linear(F.silu(time))[:, None].chunk(self.count, -1)


def normed(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=EPS), 1 + scale)


class DiTBlock(nn.Module):
    def __init__(self, dim: int, heads: int, dim_head: int, ff_mult: float, dropout: float):
        super().__init__()
        self.attn_norm = Modulation(dim, 6)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.ff = FeedForward(dim, ff_mult, dropout)

    def forward(self, x: Tensor, modulation, visible, angles, past: Past | None) -> Tensor:
        shift, scale, gate, ff_shift, ff_scale, ff_gate = modulation
        y = self.attn(normed(x, shift, scale), visible, angles, past)
        x = torch.addcmul(x, gate, y)
        return torch.addcmul(x, ff_gate, self.ff(normed(x, ff_shift, ff_scale)))


class DiT(nn.Module):
    """The estimator's network.

    static_chunk_size: frames of a block of a stream. out_channels and num_decoding_left_chunks have
    no effect, as upstream; a Past says how much a stream sees.
    """

    def __init__(
        self,
        *,
        dim: int,
        depth: int = 8,
        heads: int = 8,
        dim_head: int = 64,
        dropout: float = 0.1,
        ff_mult: float = 4,
        mel_dim: int = 80,
        mu_dim: int | None = None,
        long_skip_connection: bool = False,
        spk_dim: int | None = None,
        out_channels: int | None = None,
        static_chunk_size: int = 50,
        num_decoding_left_chunks: int = 2,
    ):
        super().__init__()
        if long_skip_connection:
            raise ValueError("long_skip_connection True is not supported by DiT; use False")
        self.static_chunk_size = static_chunk_size
        self.time_embed = TimestepEmbedding(dim)
        width = 2 * mel_dim + (mu_dim or mel_dim) + (spk_dim or 0)
        self.input_embed = InputEmbedding(width, dim)
        self.rotary_embed = RotaryEmbedding(dim_head)
        self.transformer_blocks = nn.ModuleList(
            DiTBlock(dim, heads, dim_head, ff_mult, dropout) for _ in range(depth)
        )
        self.norm_out = Modulation(dim, 2)
        self.proj_out = nn.Linear(dim, mel_dim)
        self.tables: dict[float, list] = {}  # modulations of the times that are ever asked

    @property
    def kept_width(self) -> int:
        """Numbers that a Past keeps of one frame for attention."""
        return len(self.transformer_blocks) * self.proj_out.in_features

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
        """Velocity (B, 80, T) of the noisy mel x (B, 80, T) at times t (B,) in 0..1.

        mask: (B, 1, T), 1 where a row has data, or None when all rows are full; the velocity of the
        others has no meaning. mu, cond (B, 80, T): mel of the tokens and of the prompt; spks
        (B, 80). streaming: attention looks ahead within blocks only. past: the stream whose next
        frames x has; changed in place.
        """
        *modulations, last = self.modulations(t)
        x = torch.cat([x, cond, mu, spks[..., None].expand(-1, -1, x.shape[2])], 1).transpose(1, 2)
        x = self.input_embed(x, past)
        visible = visible_frames(x, mask, self.static_chunk_size if streaming else 0, past)
        angles = self.angles(x, past)
        for block, modulation in zip(self.transformer_blocks, modulations):
            x = block(x, modulation, visible, angles, past)
        scale, shift = last
        return self.proj_out(normed(x, shift, scale)).transpose(1, 2)

    def angles(self, x: Tensor, past: Past | None) -> tuple[Tensor, Tensor]:
        """Of the frames of x, and of all that they see."""
        start = 0 if past is None else past.frames
        new = self.rotary_embed(torch.arange(start, start + x.shape[1], device=x.device))
        return new, new if past is None else past.seen(self.rotary_embed, new[None])[0]

    def modulations(self, t: Tensor) -> list[tuple[Tensor, ...]]:
        """Of each block, and of the last norm."""
        if self.tables:
            return self.tables[t[0].item()]
        time = self.time_embed(t)
        norms = [block.attn_norm for block in self.transformer_blocks] + [self.norm_out]
        return [norm(time) for norm in norms]

    def fold_times(self, times: Tensor) -> None:
        """Compute the modulations of the times that will be asked, and drop the layers behind them.

        These are two fifths of the weights. Once, after loading; training needs them.
        """
        self.tables = {t.item(): self.modulations(t[None]) for t in times}
        folded = [self.time_embed, self.norm_out]
        folded += [block.attn_norm for block in self.transformer_blocks]
        for parameter in nn.ModuleList(folded).parameters():
            drop_pages(parameter)
        del self.time_embed, self.norm_out
        for block in self.transformer_blocks:
            del block.attn_norm
