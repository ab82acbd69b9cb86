"""Encoders of the language model and the flow: (B, T, D_in) frames -> (B, T, D) frames.

cosyvoice.yaml names `TransformerEncoder` and `ConformerEncoder`. Without its convolution and
macaron parts, which the 300M models switch off, a Conformer layer is a Transformer layer with swish
and other names of its norms. Constructor keywords, defaults and parameter names are upstream's
(transformer/encoder.py). An option that is not implemented is refused by name.
"""

import math

import torch
from torch import Tensor, nn

from cosyvoice.transformer.attention import (
    FixedCache,
    FixedKeyValues,
    KeyValues,
    Place,
    RelativeAttention,
    relative_sinusoids,
)
from cosyvoice.transformer.linear import Linear

ACTIVATIONS = {"relu": nn.ReLU, "swish": nn.SiLU}


def require(name: str, value, *supported):
    if value not in supported:
        raise ValueError(
            f"{name}={value!r} is not supported; use {' or '.join(map(repr, supported))}"
        )


class InputLayer(nn.Module):
    """Projection, norm, and the scale of sqrt(D) that upstream's position module applies."""

    def __init__(
        self, input_size: int, width: int, dropout: float, positional_dropout: float, relu: bool
    ):
        super().__init__()
        after = [nn.ReLU()] if relu else []
        self.out = nn.Sequential(
            nn.Linear(input_size, width), nn.LayerNorm(width), nn.Dropout(dropout), *after
        )
        self.dropout = nn.Dropout(positional_dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D_in) -> (B, T, D), in the weights' type also under autocast.

        The result is so large that bfloat16 would round away what later layers add to it.
        """
        norm = self.out[1]
        return self.dropout(self.out(x).to(norm.weight.dtype) * math.sqrt(norm.weight.size(0)))


class FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int, dropout: float, activation: nn.Module):
        super().__init__()
        self.w_1, self.w_2 = Linear(width, hidden), Linear(hidden, width)
        self.activation, self.dropout = activation, nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_2(self.dropout(self.activation(self.w_1(x))))


class EncoderLayer(nn.Module):
    """Attention, then feed-forward, each after its own norm.

    norms: the names of the two norms in the checkpoint.
    """

    def __init__(
        self,
        attention: RelativeAttention,
        feed_forward: FeedForward,
        dropout: float,
        norms: tuple[str, str],
    ):
        super().__init__()
        self.self_attn, self.feed_forward = attention, feed_forward
        self.dropout, self.norms = nn.Dropout(dropout), norms
        for name in norms:
            self.add_module(name, nn.LayerNorm(attention.linear_out.out_features, eps=1e-12))

    def forward(
        self, x: Tensor, positions: Tensor, hidden: Tensor | None, cache: KeyValues | None
    ) -> Tensor:
        before_attention, before_feed_forward = (getattr(self, name) for name in self.norms)
        x = x + self.dropout(self.self_attn(before_attention(x), positions, hidden, cache))
        return x + self.dropout(self.feed_forward(before_feed_forward(x)))


class Encoder(nn.Module):
    """The common part of both encoders. Thread-safe: a call changes only the cache it is given."""

    norms: tuple[str, str]

    def __init__(
        self,
        input_size: int,
        output_size: int = 256,
        attention_heads: int = 4,
        linear_units: int = 2048,
        num_blocks: int = 6,
        dropout_rate: float = 0.1,
        positional_dropout_rate: float = 0.1,
        attention_dropout_rate: float = 0.0,
        input_layer: str = "conv2d",
        pos_enc_layer_type: str = "abs_pos",
        normalize_before: bool = True,
        static_chunk_size: int = 0,
        use_dynamic_chunk: bool = False,
        global_cmvn=None,
        use_dynamic_left_chunk: bool = False,
        key_bias: bool = True,
        selfattention_layer_type: str = "selfattn",
        activation_type: str = "relu",
        gradient_checkpointing: bool = False,
    ):
        super().__init__()
        require("input_layer", input_layer, "linear", "linear_legacy")
        require("pos_enc_layer_type", pos_enc_layer_type, "rel_pos_espnet")
        require("selfattention_layer_type", selfattention_layer_type, "rel_selfattn")
        require("activation_type", activation_type, *ACTIVATIONS)
        require("static_chunk_size", static_chunk_size, 0, 1)
        require("normalize_before", normalize_before, True)
        require("key_bias", key_bias, True)
        require("global_cmvn", global_cmvn, None)
        for name, value in [
            ("use_dynamic_chunk", use_dynamic_chunk),
            ("use_dynamic_left_chunk", use_dynamic_left_chunk),
            ("gradient_checkpointing", gradient_checkpointing),
        ]:
            require(name, value, False)
        self.causal = static_chunk_size == 1
        self.position_dropout = nn.Dropout(positional_dropout_rate)
        self.embed = InputLayer(
            input_size,
            output_size,
            dropout_rate,
            positional_dropout_rate,
            input_layer == "linear_legacy",
        )
        self.encoders = nn.ModuleList(
            EncoderLayer(
                RelativeAttention(output_size, attention_heads, attention_dropout_rate),
                FeedForward(
                    output_size, linear_units, dropout_rate, ACTIVATIONS[activation_type]()
                ),
                dropout_rate,
                self.norms,
            )
            for _ in range(num_blocks)
        )
        self.after_norm = nn.LayerNorm(output_size)
        self._forget_positions()

    def output_size(self) -> int:
        return self.after_norm.normalized_shape[0]

    def forward(self, xs: Tensor, xs_lens: Tensor) -> tuple[Tensor, Tensor]:
        """xs: (B, T, D_in), padded. xs_lens: (B,). Returns (B, T, D) and a mask.

        mask: bool (B, 1, T), True on real frames. The others hold numbers without meaning.
        """
        frames = xs.size(1)
        real = torch.arange(frames, device=xs.device) < xs_lens[:, None]  # (B, T)
        if self.causal:  # the padding comes after every real frame, so it is hidden already
            hidden = self._hidden_future(frames, frames, xs.device)
        else:
            hidden = None if real.all() else ~real[:, None, None]
        return self._run(xs, frames, hidden, [None] * len(self.encoders)), real[:, None]

    def train(self, mode: bool = True):
        self._forget_positions()  # fused optimizers change weights but not their version
        return super().train(mode)

    def new_cache(self) -> list[KeyValues]:
        """The state of one request, for `step`."""
        return [KeyValues() for _ in self.encoders]

    def fixed_cache(self, layers: list[FixedKeyValues], place: Place) -> FixedCache:
        """A state for `step` that stays in place; see llm/steps.py."""
        return FixedCache(layers, place, self._positions(place.room))

    def step(self, xs: Tensor, cache: list[KeyValues]) -> Tensor:
        """Continue a sequence by xs (B, T, D_in). For causal encoders only.

        Returns (B, T, D) and extends the cache.
        """
        assert self.causal
        frames, seen = xs.size(1), cache[0].length + xs.size(1)
        hidden = self._hidden_future(frames, seen, xs.device) if frames > 1 else None
        return self._run(xs, seen, hidden, cache)

    def _run(self, xs: Tensor, seen: int, hidden: Tensor | None, cache: list) -> Tensor:
        return self.after_norm(self.layers(self.embed(xs), seen, hidden, cache))

    def layers(self, x: Tensor, seen: int, hidden: Tensor | None, cache: list) -> Tensor:
        """x (B, T, D), the last T of `seen` frames -> (B, T, D): no embedding and no last norm."""
        kept = cache.positions if isinstance(cache, FixedCache) else self._positions(seen)
        for layer, positions, layer_cache in zip(self.encoders, kept, cache):
            x = layer(x, positions, hidden, layer_cache)
        return x

    def _hidden_future(self, queries: int, keys: int, device) -> Tensor:
        return torch.ones(queries, keys, dtype=torch.bool, device=device).triu(1 + keys - queries)

    def _positions(self, past: int) -> list[Tensor]:
        """Each layer's projection (H, W, D/H) of the distances from past-1 down that it may need.

        They depend on the weights alone, so they are kept outside training, until weights change.
        """
        if self.training or torch.is_grad_enabled():
            return self._project_positions(past)
        weights = [
            _state(weight)
            for layer in self.encoders
            for weight in layer.self_attn.linear_pos.parameters()
        ]
        # read once, since another thread may replace the whole value
        kept, reach, projected = self._projected
        if kept != weights or reach < past:
            reach = max(256, 1 << (past - 1).bit_length())
            with torch.autocast(self.after_norm.weight.device.type, enabled=False):
                projected = self._project_positions(reach)
            self._projected = (weights, reach, projected)
        return [p[:, reach - past : reach + self._future(past)] for p in projected]

    def _forget_positions(self):
        # the weights' states, the number of past distances, one projection per layer
        self._projected: tuple[list, int, list[Tensor]] = ([], 0, [])

    def _project_positions(self, past: int) -> list[Tensor]:
        weight = self.after_norm.weight
        table = relative_sinusoids(past, self._future(past), self.output_size(), weight.device)
        table = self.position_dropout(table.to(weight.dtype))
        return [layer.self_attn.project_positions(table) for layer in self.encoders]

    def _future(self, past: int) -> int:
        return 1 if self.causal else past


def _state(weight: Tensor) -> tuple[int, int]:
    """A value that changes when the weight is replaced or written to.

    A weight made in inference mode has no version, so writes to it are not seen.
    """
    return weight.data_ptr(), 0 if weight.is_inference() else weight._version


class TransformerEncoder(Encoder):
    """Activation relu and plain attention are upstream's defaults. The YAML names rel_selfattn."""

    norms = ("norm1", "norm2")


class ConformerEncoder(Encoder):
    """The keywords of the convolution module have no effect while it is off, as upstream."""

    norms = ("norm_mha", "norm_ff")

    def __init__(
        self,
        input_size: int,
        *,
        activation_type: str = "swish",
        selfattention_layer_type: str = "rel_selfattn",
        positionwise_conv_kernel_size: int = 1,
        macaron_style: bool = True,
        use_cnn_module: bool = True,
        cnn_module_kernel: int = 15,
        causal: bool = False,
        cnn_module_norm: str = "batch_norm",
        **options,
    ):
        require("positionwise_conv_kernel_size", positionwise_conv_kernel_size, 1)
        require("macaron_style", macaron_style, False)
        require("use_cnn_module", use_cnn_module, False)
        super().__init__(
            input_size,
            activation_type=activation_type,
            selfattention_layer_type=selfattention_layer_type,
            **options,
        )
