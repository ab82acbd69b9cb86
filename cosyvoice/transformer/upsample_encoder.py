"""Encoder of CosyVoice2's flow: (B, T, D_in) token embeddings -> (B, 2 T, D), two for each token.

A convolution that looks a few tokens ahead, a Conformer, a doubling of the rate, and a second
Conformer. In a stream attention looks ahead within blocks only. Constructor keywords, defaults and
parameter names are upstream's (transformer/upsample_encoder.py), as are the sizes below that no
keyword sets.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cosyvoice.transformer.attention import KeyValues
from cosyvoice.transformer.encoder import ConformerEncoder
from cosyvoice.transformer.past import Past, lead_in, visible_blocks

LOOKAHEAD_TOKENS = 3
STRIDE = 2  # frames per token
UP_BLOCKS = 4


class PreLookaheadLayer(nn.Module):
    """x (B, T, D) -> (B, T, D): two convolutions that look `pre_lookahead_len` frames ahead."""

    def __init__(self, in_channels: int, channels: int, pre_lookahead_len: int = 1):
        super().__init__()
        self.pre_lookahead_len = pre_lookahead_len
        self.conv1 = nn.Conv1d(in_channels, channels, pre_lookahead_len + 1)
        self.conv2 = nn.Conv1d(channels, in_channels, 3)

    def forward(self, x: Tensor, context: Tensor | None = None, past: Past | None = None) -> Tensor:
        """context (B, pre_lookahead_len, D): the frames after x, zeros at the end of speech."""
        if context is None:
            ahead = F.pad(x, (0, 0, 0, self.pre_lookahead_len))
        else:
            ahead = torch.cat([x, context], 1)
        y = F.leaky_relu(self.conv1(ahead.transpose(1, 2))).transpose(1, 2)
        y = lead_in(past, self.conv2, y, 2)
        return self.conv2(y.transpose(1, 2)).transpose(1, 2) + x


class Upsample1D(nn.Module):
    """(B, T, D) -> (B, STRIDE T, D): frames repeated, then a convolution that looks back."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 2 * STRIDE + 1)

    def forward(self, x: Tensor, past: Past | None = None) -> Tensor:
        x = lead_in(past, self.conv, x.repeat_interleave(STRIDE, 1), 2 * STRIDE)
        return self.conv(x.transpose(1, 2)).transpose(1, 2)


class EncoderPast(Past):
    """A Past with the keys and values of both Conformers."""

    def __init__(self, blocks: int):
        super().__init__()
        self.lower = [KeyValues() for _ in range(blocks)]
        self.upper = [KeyValues() for _ in range(UP_BLOCKS)]


class UpsampleConformerEncoder(ConformerEncoder):
    """static_chunk_size: tokens of a block of a stream."""

    def __init__(self, input_size: int, *, static_chunk_size: int = 0, **options):
        super().__init__(input_size, **options)
        width = self.output_size()
        self.static_chunk_size = static_chunk_size
        self.pre_lookahead_layer = PreLookaheadLayer(width, width, LOOKAHEAD_TOKENS)
        self.up_layer = Upsample1D(width)
        upper = ConformerEncoder(input_size, **options | {"num_blocks": UP_BLOCKS})
        upper.after_norm = self.after_norm
        self.up_embed, self.up_encoders = upper.embed, upper.encoders
        # in a tuple, since its parts are registered above under the names of the checkpoint
        self._upper = (upper,)

    def train(self, mode: bool = True):
        self._upper[0].train(mode)
        return super().train(mode)

    def new_past(self) -> EncoderPast:
        """What one stream carries from hop to hop."""
        return EncoderPast(len(self.encoders))

    def forward(
        self,
        xs: Tensor,
        xs_lens: Tensor,
        context: Tensor | None = None,
        streaming: bool = False,
        past: EncoderPast | None = None,
    ) -> tuple[Tensor, Tensor]:
        """xs (B, T, D_in), padded; xs_lens (B,). Returns (B, 2 T, D) and a mask.

        mask: bool (B, 1, 2 T), True on real frames. context (B, 3, D_in): the tokens after xs, None
        at the end of speech. streaming: attention looks ahead within blocks only. past: the stream
        that xs continues, with B = 1 and blocks that end where xs starts; changed in place.
        """
        block = self.static_chunk_size if streaming else 0
        real = torch.arange(xs.size(1), device=xs.device) < xs_lens[:, None]  # (B, T)
        context = context if context is None else self.embed(context)
        lower, upper = (None, None) if past is None else (past.lower, past.upper)
        x = self.pre_lookahead_layer(self.embed(xs), context, past)
        x = run(self, x, real, block, lower)
        x = self.up_layer(x, past)
        real = real.repeat_interleave(STRIDE, 1)
        x = run(self._upper[0], self.up_embed(x), real, STRIDE * block, upper)
        return self.after_norm(x), real[:, None]


def run(encoder: ConformerEncoder, x: Tensor, real: Tensor, block: int, cache) -> Tensor:
    """The layers of an encoder on x (B, T, D), in blocks of a stream if block is not 0."""
    frames = x.size(1)
    seen = frames if cache is None else cache[0].length + frames
    visible = visible_blocks(frames, seen, block, x.device) if block else None
    if cache is None and not real.all():
        visible = real[:, None, None] if visible is None else visible & real[:, None, None]
    hidden = None if visible is None else ~visible
    return encoder.layers(x, seen, hidden, cache or [None] * len(encoder.encoders))
