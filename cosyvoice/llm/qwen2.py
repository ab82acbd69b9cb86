"""Qwen2, the decoder inside the language models of CosyVoice2 and Fun-CosyVoice3.

Embeddings (B, T, D) -> hidden states (B, T, D) after the final norm. Parameter names follow the
released llm.pt; the sizes are in CosyVoice-BlankEN/config.json. Source: Qwen2 technical report
(arXiv 2407.10671), section 2.2.1: grouped queries, rotary positions, SwiGLU and RMSNorm.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cosyvoice.transformer.attention import FixedCache, FixedKeyValues, KeyValues, Place
from cosyvoice.transformer.encoder import require
from cosyvoice.transformer.linear import Linear, joined_outputs

CONFIG = "config.json"


@dataclass(frozen=True)
class Qwen2Config:
    """The sizes in a config.json, under its names."""

    hidden_size: int
    intermediate_size: int
    num_attention_heads: int
    num_key_value_heads: int
    num_hidden_layers: int
    vocab_size: int
    rms_norm_eps: float
    rope_theta: float

    @classmethod
    def read(cls, folder: str | Path) -> "Qwen2Config":
        """Raises FileNotFoundError, or RuntimeError for a file that lacks a size."""
        path = Path(folder) / CONFIG
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            sizes = {field.name: values[field.name] for field in fields(cls)}
        except (ValueError, KeyError, TypeError) as error:
            raise RuntimeError(f"{path} is damaged: download it again ({error!r})") from error
        require("hidden_act", values.get("hidden_act", "silu"), "silu")
        require("use_sliding_window", values.get("use_sliding_window", False), False)
        require("rope_scaling", values.get("rope_scaling"), None)
        return cls(**sizes)

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.num_attention_heads


class Rotation:
    """Turns queries and keys by an angle that grows with their position.

    Channel i of a head and channel i + D/2H are one pair. Source: RoFormer (arXiv 2104.09864);
    halves as pairs as in GPT-NeoX.
    """

    def __init__(self, config: Qwen2Config, start: int | Tensor, size: int, like: Tensor):
        even = torch.arange(0, config.head_size, 2, dtype=torch.float32, device=like.device)
        rate = 1.0 / config.rope_theta ** (even / config.head_size)
        positions = start + torch.arange(size, dtype=torch.float32, device=like.device)
        angles = (positions[:, None] * rate).repeat(1, 2)  # (T, D/H)
        self.cos, self.sin = angles.cos().to(like.dtype), angles.sin().to(like.dtype)

    def __call__(self, x: Tensor) -> Tensor:
        """(B, H, T, D/H) -> the same shape."""
        first, second = x.chunk(2, dim=-1)
        return x * self.cos + torch.cat([-second, first], dim=-1) * self.sin


class Attention(nn.Module):
    joined = {"qkv_proj": ("q_proj", "k_proj", "v_proj")}  # one layer, if lowered

    def __init__(self, config: Qwen2Config):
        super().__init__()
        width, head = config.hidden_size, config.head_size
        self.groups = config.num_key_value_heads
        self.head_size = head
        self.widths = [n * head for n in (config.num_attention_heads, self.groups, self.groups)]
        self.q_proj, self.k_proj, self.v_proj = (Linear(width, size) for size in self.widths)
        self.o_proj = Linear(config.num_attention_heads * head, width, bias=False)

    def forward(
        self, x: Tensor, rotate: Rotation, visible: Tensor | None, cache: KeyValues | None
    ) -> Tensor:
        """Attend from the new positions to everything seen so far.

        x: (B, T, D). visible: bool (T, S), or None where all is visible. cache: extended in place.
        The queries that share a key head are rows of one product.
        """
        q, k, v = (
            y.unflatten(2, (-1, self.head_size)).transpose(1, 2)  # (B, heads, T, D/H)
            for y in joined_outputs(self, "qkv_proj", x, self.widths)
        )
        q, k = rotate(q), rotate(k)
        if cache is not None:
            k, v = cache.append(k, v)
            visible = cache.visible if visible is None else visible
        shared = q.size(1) // self.groups
        q = q.unflatten(1, (self.groups, shared)).flatten(2, 3)  # (B, G, shared * T, D/H)
        mask = None if visible is None else visible.repeat(shared, 1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        y = y.unflatten(2, (shared, -1)).flatten(1, 2)  # (B, H, T, D/H)
        return self.o_proj(y.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    joined = {"gate_up_proj": ("gate_proj", "up_proj")}  # one layer, if lowered

    def __init__(self, config: Qwen2Config):
        super().__init__()
        width, hidden = config.hidden_size, config.intermediate_size
        self.hidden = hidden
        self.gate_proj = Linear(width, hidden, bias=False)
        self.up_proj = Linear(width, hidden, bias=False)
        self.down_proj = Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = joined_outputs(self, "gate_up_proj", x, self.hidden)
        return self.down_proj(F.silu(gate) * up)


class Layer(nn.Module):
    def __init__(self, config: Qwen2Config):
        super().__init__()
        self.self_attn, self.mlp = Attention(config), FeedForward(config)
        self.input_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(
        self, x: Tensor, rotate: Rotation, visible: Tensor | None, cache: KeyValues | None
    ) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rotate, visible, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """The text table, the layers and the final norm: `llm.model.model` of a llm.pt."""

    def __init__(self, config: Qwen2Config):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, x: Tensor, visible: Tensor | None, cache: list) -> Tensor:
        """x: (B, T, D), at the positions after those in the cache; visible as in Attention."""
        start = cache[0].start if cache[0] is not None else 0
        rotate = Rotation(self.config, start, x.size(1), x)
        for layer, layer_cache in zip(self.layers, cache):
            x = layer(x, rotate, visible, layer_cache)
        return self.norm(x)


class CausalLM(nn.Module):
    """The decoder under the names of a llm.pt, whose `lm_head.weight` is the text table again.

    Nothing predicts text here, so that weight is left out at loading and written at saving.
    """

    def __init__(self, config: Qwen2Config):
        super().__init__()
        self.model = Decoder(config)
        self.register_load_state_dict_pre_hook(_leave_out_head)
        self.register_state_dict_post_hook(_write_head)


def _leave_out_head(module, state_dict: dict, prefix: str, *_):
    state_dict.pop(f"{prefix}lm_head.weight", None)


def _write_head(module, state_dict: dict, prefix: str, *_):
    state_dict[f"{prefix}lm_head.weight"] = state_dict[f"{prefix}model.embed_tokens.weight"]


class Qwen2Encoder(nn.Module):
    """What cosyvoice2.yaml and cosyvoice3.yaml name. pretrain_path: the folder of a config.json.

    The weights in that folder are not read: those of a llm.pt take their place. Thread-safe: a call
    changes only the cache it is given.
    """

    def __init__(self, pretrain_path: str):
        super().__init__()
        self.model = CausalLM(Qwen2Config.read(pretrain_path))

    @property
    def text_embedding(self) -> nn.Embedding:
        return self.model.model.embed_tokens

    def forward(self, xs: Tensor, xs_lens: Tensor) -> tuple[Tensor, Tensor]:
        """xs: (B, T, D), padded at the end. xs_lens: (B,). Returns (B, T, D) and a mask.

        mask: bool (B, 1, T), True on real positions. The others hold numbers without meaning.
        """
        size = xs.size(1)
        real = torch.arange(size, device=xs.device) < xs_lens[:, None]
        decoder = self.model.model
        y = decoder(xs, _visible(size, size, xs.device), [None] * len(decoder.layers))
        return y, real[:, None]

    def new_cache(self) -> list[KeyValues]:
        """The state of one request, for `step`."""
        return [KeyValues() for _ in self.model.model.layers]

    def fixed_cache(self, layers: list[FixedKeyValues], place: Place) -> FixedCache:
        """A state for `step` that stays in place; see llm/steps.py."""
        return FixedCache(layers, place, None)

    def step(self, xs: Tensor, cache: list[KeyValues]) -> Tensor:
        """Continue a sequence by xs (B, T, D). Returns (B, T, D) and extends the cache."""
        size = xs.size(1)
        visible = _visible(size, cache[0].length + size, xs.device) if size > 1 else None
        return self.model.model(xs, visible, cache)


def _visible(queries: int, keys: int, device) -> Tensor:
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)
