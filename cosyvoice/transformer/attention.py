"""Self-attention with relative positions: (B, T, D) frames -> (B, T, D) frames.

Parameter names follow the released llm.pt and flow.pt. Source: Dai et al. 2019 (arXiv 1901.02860),
section 3.3. A distance has a sign, as in ESPnet.
"""

import math
from typing import Any

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
    """Keys and values that one layer has seen in one request. The buffer doubles when full.

    visible: bool (1, S), which of the keys a single query sees; None for all of them.
    """

    buffer: Any  # None, then (2, B, H, capacity, D/H)
    visible: Tensor | None = None

    def __init__(self):
        self.buffer, self.length = None, 0

    @property
    def start(self) -> int:
        """The position of the next frame."""
        return self.length

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


class Place:
    """Where the next frame of a request belongs among `room` frames, in tensors that stay."""

    def __init__(self, room: int, device):
        self.room = room
        self.slots = torch.arange(room, device=device)
        self.position = torch.zeros(1, dtype=torch.long, device=device)

    def move_to(self, position: int) -> None:
        self.position.fill_(position)

    def advance(self) -> None:
        self.position.add_(1)

    def look(self) -> None:
        """Work out what all layers need at this position; before each frame.

        visible: bool (1, room), the frames up to this one. columns (room,): those of a table of the
        distances room-1, room-2, ..., 0 that belong to the frames.
        """
        self.visible = (self.slots <= self.position)[None]
        self.columns = (self.slots + (self.room - 1) - self.position).clamp(max=self.room - 1)


class FixedKeyValues:
    """As KeyValues, with room for all frames from the start; for one new frame at a time."""

    def __init__(self, like: KeyValues, place: Place):
        self.place, self.length = place, place.room - 1
        # not empty: a frame that is not visible counts nothing, but a NaN in it would
        self.buffer = like.buffer.new_zeros(*like.buffer.shape[:3], place.room, like.buffer.size(4))

    def fill(self, seen: KeyValues) -> None:
        self.buffer[:, :, :, : seen.length] = seen.buffer[:, :, :, : seen.length]

    def append(self, k: Tensor, v: Tensor) -> Tensor:
        return self.buffer.index_copy_(3, self.place.position, torch.stack([k, v]))

    @property
    def start(self) -> Tensor:
        return self.place.position

    @property
    def visible(self) -> Tensor:
        return self.place.visible


class FixedCache(list):
    """The FixedKeyValues of all layers. positions: of relative attention, as Encoder.layers."""

    def __init__(self, layers: list[FixedKeyValues], place: Place, positions: list[Tensor] | None):
        super().__init__(layers)
        self.place, self.positions = place, positions


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
        if isinstance(cache, FixedKeyValues):
            scores = self._distance_scores(q, positions)
            bias = scores.index_select(3, cache.place.columns)
            hidden = ~cache.visible
        else:
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
        scores = self._distance_scores(q, positions)
        rows, stride = scores.size(2), scores.size(3) - 1
        moved = scores.flatten(2)[..., rows - 1 : rows - 1 + rows * stride]
        return moved.unflatten(2, (rows, stride))[..., :keys]

    def _distance_scores(self, q: Tensor, positions: Tensor) -> Tensor:
        """Scores (B, H, T, W) of each distance, divided by sqrt(D/H)."""
        q = (q + self.pos_bias_v[:, None].to(q.dtype)) / math.sqrt(q.size(3))
        return q @ positions.transpose(1, 2)


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
