"""Self-attention with relative positions: (B, T, D) frames -> (B, T, D) frames.

Parameter names follow the released llm.pt and flow.pt. Source: Dai et al. 2019 (arXiv 1901.02860),
section 3.3. A distance has a sign, as in ESPnet.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cosyvoice.transformer.linear import Linear, joined_outputs


def relative_sinusoids(past: int, future: int, width: int, device=None) -> Tensor:
    """Sinusoids of the distances past-1, past-2, ..., -future, float32 (past + future, width).

    A distance is the query's position minus the key's.
    """
    distance = torch.arange(past - 1, -future - 1, -1, dtype=torch.float32, device=device)[:, None]
    even = torch.arange(0, width, 2, dtype=torch.float32, device=device)
    rate = torch.exp(even * -(math.log(10000.0) / width))
    return torch.stack([torch.sin(distance * rate), torch.cos(distance * rate)], dim=-1).flatten(1)


class KeyValues:
    """Keys and values that one layer has seen in one request. The buffer doubles when full."""

    def __init__(self):
        self.buffer, self.length = None, 0

    def append(self, k: Tensor, v: Tensor) -> Tensor:
        """Add k and v, each (B, H, T, D/H). Returns all so far as a view, (2, B, H, S, D/H)."""
        end = self.length + k.size(2)
        if self.buffer is None or end > self.buffer.size(3):
            self._grow(k, max(2 * end, 256))
        self.buffer[0, :, :, self.length : end] = k
        self.buffer[1, :, :, self.length : end] = v
        self.length = end
        return self.buffer[:, :, :, :end]

    def _grow(self, like: Tensor, capacity: int):
        buffer = like.new_empty(2, *like.shape[:2], capacity, like.size(3))
        if self.buffer is not None:
            buffer[:, :, :, : self.length] = self.buffer[:, :, :, : self.length]
        self.buffer = buffer


class RelativeAttention(nn.Module):
    joined = {"linear_qkv": ("linear_q", "linear_k", "linear_v")}  # one layer, if lowered

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        if width % heads:
            raise ValueError(f"output_size={width} is not a multiple of attention_heads={heads}")
        self.heads, self.dropout = heads, dropout
        self.linear_q = Linear(width, width)
        self.linear_k = Linear(width, width)
        self.linear_v = Linear(width, width)
        self.linear_out = Linear(width, width)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.pos_bias_u = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, width // heads)))
        self.pos_bias_v = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, width // heads)))

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        hidden: Tensor | None = None,
        cache: KeyValues | None = None,
    ) -> Tensor:
        """Attend from the new frames to everything seen so far.

        x: (B, T, D) new frames. positions: (H, W, D/H), the projected distances S-1, S-2, ..., S-W
        with W > S. hidden: bool, broadcasts to (B, H, T, S), True where a key must not be seen.
        cache: extended in place.
        """
        q, k, v = map(self._split, joined_outputs(self, "linear_qkv", x, x.size(2)))
        if cache is not None:
            k, v = cache.append(k, v)
        bias = self._position_scores(q, positions, k.size(2))
        if hidden is not None:
            bias = bias.masked_fill(hidden, -math.inf)
        q = q + self.pos_bias_u[:, None].to(q.dtype)
        y = _attend(q, k, v, bias, self.dropout if self.training else 0.0)
        return self.linear_out(y.transpose(1, 2).flatten(2))

    def project_positions(self, sinusoids: Tensor) -> Tensor:
        """(W, D) -> (H, W, D/H)"""
        return self.linear_pos(sinusoids).unflatten(1, (self.heads, -1)).transpose(0, 1)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, H, T, D/H)

    def _position_scores(self, q: Tensor, positions: Tensor, keys: int) -> Tensor:
        """Scores (B, H, T, S) of the distance from each query to each key, divided by sqrt(D/H).

        Column w of the product is distance S-1-w. The last query reads columns 0..S-1, and each
        query before it starts one column later: reading the same memory in rows one element shorter
        moves every row into place.
        """
        q = (q + self.pos_bias_v[:, None].to(q.dtype)) / math.sqrt(q.size(3))
        scores = q @ positions.transpose(1, 2)  # (B, H, T, W)
        rows, stride = scores.size(2), scores.size(3) - 1
        moved = scores.flatten(2)[..., rows - 1 : rows - 1 + rows * stride]
        return moved.unflatten(2, (rows, stride))[..., :keys]


def _attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, dropout: float) -> Tensor:
    """softmax(q k' / sqrt(D/H) + bias) v.

    The fused kernel has no gradient for a bias, so training computes it step by step.
    """
    if not bias.requires_grad:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
    batch = q.shape[:2]
    q, k, v, bias = (t.flatten(0, 1) for t in (q, k, v, bias))
    scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=1 / math.sqrt(q.size(2)))
    weights = F.dropout(scores.softmax(-1), dropout)
    return torch.bmm(weights, v).unflatten(0, batch)
