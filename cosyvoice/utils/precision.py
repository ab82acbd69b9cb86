"""In what numbers the networks compute: float32, half precision, or weights of 8 or 16 bits.

plan() says what a setting means on a device, and lower() changes a loaded network accordingly. It
replaces linear layers, convolutions and attention over all frames, whatever network they are in.
Sums of residual layers, norms and what a class lists in `exact` stay as they are. What each
precision costs and changes is in docs/speed.md.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cosyvoice.utils.errors import InputError
from cosyvoice.utils.process import drop_pages

log = logging.getLogger(__name__)

PRECISIONS = ("auto", "float32", "bfloat16", "float16", "int8")
NOT_ON = {"cpu": "float16", "cuda": "int8"}  # what torch has no fast kernels for
HALF_WEIGHTS = "float16 weights"  # of a language model; the rest of it is float32
PACKED = "packed float32"  # whose products differ from float32's by rounding alone
HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
LEVELS = 127  # of an 8-bit weight, on each side of zero
# The rows that a weight is laid out for; any number can be multiplied. In float32 many rows are
# as fast in the layout for one.
TYPICAL_ROWS = {torch.bfloat16: 512, torch.float32: 1}
SAFE_SUM = 1e25  # of exponentials; it and its inverse are far inside float32's range
PART = 1 << 17  # numbers that are worked on at once, half a megabyte
KEYS_STEP = 8  # products are faster for a multiple of so many keys


class Plan(NamedTuple):
    """The precision of each network."""

    llm: str = "float32"
    flow: str = "float32"
    hift: str = "float32"

    def __str__(self) -> str:
        if len(set(self)) == 1:
            return self.llm
        return f"{self.llm} (language model), {self.flow} (flow), {self.hift} (vocoder)"


FLOAT32 = Plan()


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def plan(precision: str, device: torch.device) -> Plan:
    """What a setting means on a device.

    Raises InputError as check_possible does. A precision that the device would do more slowly than
    float32 becomes float32, with a line in the log.
    """
    check_possible(precision, device)
    if precision == "auto":
        return fastest_harmless(device)
    if device.type == "cpu" and (missing := missing_for(precision)):
        log.warning("this processor has %s: precision %s becomes float32", missing, precision)
        return FLOAT32
    return Plan(precision, precision, precision)


def check_possible(precision: str, device: torch.device) -> None:
    """Raises InputError for an unknown precision, and for one that the device cannot do."""
    possible = [name for name in PRECISIONS if name != NOT_ON.get(device.type)]
    if precision not in possible:
        raise InputError(
            f"precision {precision!r} is not possible on {device.type}; "
            f"use one of {', '.join(possible)}",
            f"{device.type} 不支持精度 {precision!r}，可选：{'、'.join(possible)}",
        )


def half_precision(device: torch.device) -> str:
    """What upstream's fp16=True asks for: half precision where the device is fast at it."""
    return "auto" if device.type == "cpu" else "float16"


def fastest_harmless(device: torch.device) -> Plan:
    """What was measured fastest, of what was shown to be harmless. No GPU has been measured yet.

    A language model reads all its weights for each token, so what counts is their size; float16
    weights in float32 arithmetic are faster there than bfloat16, and 40 times closer to float32.
    8-bit products are hardly faster, and double the misheard English words of the small model, so
    they are for those who ask for them.
    """
    if device.type != "cpu":
        return FLOAT32
    half = "float32" if missing_for("bfloat16") else "bfloat16"
    best = Plan(half if missing_for(HALF_WEIGHTS) else HALF_WEIGHTS, half, half)
    return best._replace(flow=packed(best).flow)


def packed(plan: Plan) -> Plan:
    """The same with faster products instead of float32's, where torch has them for the processor.

    A vocoder has convolutions only.
    """
    if missing_for(PACKED):
        return plan
    llm, flow = (PACKED if name == "float32" else name for name in (plan.llm, plan.flow))
    return plan._replace(llm=llm, flow=flow)


@cache
def processor() -> Mapping[str, Any]:
    """What torch knows of this machine's processor: its name, and whether it has each feature."""
    return torch.cpu.get_capabilities()


def has(*features: str) -> bool:
    """Whether the processor has one of these features."""
    return any(processor().get(name) for name in features)


def missing_for(precision: str) -> str:
    """What the processor lacks to be faster in that precision than in float32; "" if nothing."""
    if precision == "bfloat16" and not has("avx512_bf16", "amx_bf16", "bf16", "arm_bf16"):
        return "no instructions for bfloat16"
    if precision == HALF_WEIGHTS and not (has("avx2") and has("f16c")):
        return "no instructions that widen float16"
    if precision == HALF_WEIGHTS and not half_weight_products():
        return "no library for products of float16 weights"
    if precision == PACKED and not (has("avx2") and packed_products()):
        return "no library for products of packed weights"
    if precision == "int8" and not has("avx512_vnni", "avx_vnni", "neon_dot", "arm_dot"):
        return "no instructions for sums of 8-bit products"
    if precision == "int8" and not int8_engine():
        return "no library for 8-bit products"
    return ""


def int8_engine() -> str:
    """torch's library of 8-bit products for this processor, or ""."""
    usable = torch.backends.quantized.supported_engines
    return next((name for name in ("fbgemm", "qnnpack") if name in usable), "")


def half_weight_products() -> bool:
    """Whether this torch multiplies float32 by float16 weights on a CPU."""
    return int8_engine() == "fbgemm" and hasattr(torch.ops.quantized, "linear_dynamic_fp16")


def packed_products() -> bool:
    """Whether this torch multiplies by weights that were laid out for oneDNN before."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


# the layers that take the place of others


class HalfWeightLinear(nn.Module):
    """A linear layer with float16 weights and float32 arithmetic: (..., D_in) -> (..., D_out).

    Each weight is widened when it has been read. For one row that is twice as fast as float32, for
    many rows it is as fast. A weight beyond the range of float16 becomes its largest number.
    """

    def __init__(self, layer: nn.Linear):
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        bias = None if layer.bias is None else layer.bias.detach().float().clone()
        with quantized_engine():
            pack = torch.ops.quantized.linear_prepack_fp16
            self.packed = pack(layer.weight.detach().float(), bias)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.in_features).float()
        y = torch.ops.quantized.linear_dynamic_fp16(rows, self.packed)
        return y.view(*x.shape[:-1], self.out_features)


class Int8Linear(nn.Module):
    """A linear layer with weights of 8 bits and one scale for each output.

    The input, (..., D_in) of any float type, is rounded to 8 bits too, with one scale for a call.
    The result, (..., D_out), is float32.
    """

    def __init__(self, layer: nn.Linear):
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        bias = None if layer.bias is None else layer.bias.detach().float().clone()
        self.packed = pack_int8(layer.weight.detach().float(), bias)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.in_features).float()
        y = torch.ops.quantized.linear_dynamic(rows, self.packed, reduce_range=False)
        return y.view(*x.shape[:-1], self.out_features)


def pack_int8(weight: Tensor, bias: Tensor | None) -> Any:
    """Round a weight (D_out, D_in) to 8 bits and lay it out for torch's int8_engine()."""
    scales = weight.abs().amax(1).clamp(min=torch.finfo().tiny) / LEVELS
    zeros = torch.zeros(len(scales), dtype=torch.long)
    with quantized_engine(), warnings.catch_warnings():
        # torch will replace this type of tensor one day
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
        rounded = torch.quantize_per_channel(weight, scales.double(), zeros, 0, torch.qint8)
        return torch.ops.quantized.linear_prepack(rounded, bias)


@contextmanager
def quantized_engine() -> Iterator[None]:
    """Let torch lay weights out for int8_engine() here."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = int8_engine()
    try:
        yield
    finally:
        torch.backends.quantized.engine = before


class PackedLinear(nn.Module):
    """A linear layer in that type: (..., D_in) of any float type -> (..., D_out).

    Where oneDNN can, its weight is laid out for the product once, not at every call.
    """

    def __init__(self, layer: nn.Linear, dtype: torch.dtype):
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.dtype = dtype
        self.weight, self.bias = typed(layer, dtype)
        self.is_packed = self.weight.device.type == "cpu" and is_packable(dtype)
        if self.is_packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(
                self.weight.contiguous(), TYPICAL_ROWS[dtype]
            )
        # what is done to the result while it is in the cache: a name, numbers, a variant
        self.after: tuple[str, list, str] = ("none", [], "")

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.dtype)
        if self.is_packed:
            return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, *self.after)
        return F.linear(x, self.weight, self.bias)


class HalfConv1d(nn.Module):
    """A convolution in half precision: (B, C, T) of any float type -> (B, D, T').

    Inside and in the result the channels of a frame lie side by side. That is twice as fast as
    frames side by side, and the linear layers around want it too. torch knows the layout for images
    only, so a sound is an image of height 1.
    """

    def __init__(self, layer: nn.Conv1d | nn.ConvTranspose1d, dtype: torch.dtype):
        super().__init__()
        self.dtype, self.groups = dtype, layer.groups
        self.stride, self.padding = (1, *layer.stride), (0, *layer.padding)
        self.dilation = (1, *layer.dilation)
        weight, self.bias = typed(layer, dtype)
        self.weight = side_by_side(weight)

    def forward(self, x: Tensor) -> Tensor:
        x = side_by_side(x.to(self.dtype))
        return self.convolve(x).squeeze(2)

    def convolve(self, x: Tensor) -> Tensor:
        return F.conv2d(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class HalfConvTranspose1d(HalfConv1d):
    def __init__(self, layer: nn.ConvTranspose1d, dtype: torch.dtype):
        super().__init__(layer, dtype)
        self.output_padding = (0, *layer.output_padding)

    def convolve(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )


class SideBySideGroupNorm(nn.Module):
    """Group norm of (B, C, T) whose channels lie side by side, and stay so."""

    def __init__(self, layer: nn.GroupNorm):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(side_by_side(x)).squeeze(2)


class FastMish(nn.Module):
    """x tanh(log(1 + e^x)) by one exponential instead of three functions."""

    def forward(self, x: Tensor) -> Tensor:
        e = x.float().clamp(max=20).exp_()  # above 20 the result is x
        e = e * (e + 2)
        return x * e.div_(e + 2)


class HalfSnake(nn.Module):
    """x + sin(alpha x)^2 / alpha of x (B, C, T) in half precision, with channels side by side.

    It is computed in float32, in parts that stay in the processor's cache.
    """

    def __init__(self, alpha: Tensor):
        super().__init__()
        self.alpha = alpha.detach().clone()
        self.inverse = 1 / (self.alpha + 1e-9)

    def forward(self, x: Tensor) -> Tensor:
        frames = x.transpose(1, 2)  # (B, T, C)
        result = torch.empty_like(frames)
        size = max(1, PART // x.size(1))
        for part, y in zip(frames.split(size, 1), result.split(size, 1)):
            part = part.float()
            wave = (part * self.alpha).sin_()
            y.copy_(torch.addcmul(part, wave.mul_(wave), self.inverse))
        return result.transpose(1, 2)


class FullAttention(nn.Module):
    """Attention of frames to frames: q (B, H, T, D), k, v (B, H, S, D) -> (B, H, T, D).

    mask: bool, True where visible, or None. dtype: half precision, used unless the mask has a batch
    dimension; None computes in that of the arguments. torch's fused kernel is slow in bfloat16 on
    processors without matrix units, so it is done step by step there.
    """

    def __init__(self, dtype: torch.dtype | None = None):
        super().__init__()
        self.dtype = dtype

    def forward(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        if self.dtype is None or (mask is not None and mask.ndim > 2):
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        if q.device.type == "cpu" and not has("amx_bf16"):
            y = weighted_mean(q, k, v, mask, self.dtype)
            if y is not None:
                return y
        q, k, v = (t.to(self.dtype) for t in (q, k, v))
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def weighted_mean(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dtype: torch.dtype
) -> Tensor | None:
    """softmax(q k' / sqrt(D)) v of (B, H, T, D); None where exponentials leave float32's range.

    It leaves out what softmax does against that: the largest score of a row is not subtracted.
    """
    heads, keys = k.shape[1:3]
    q = padded(q, q.size(2), dtype)
    k, v = (padded(t, keys + -keys % KEYS_STEP, dtype) for t in (k, v))
    scale, unused = q.size(2) ** -0.5, q.new_empty(1, 1, 1)
    weights = torch.baddbmm(unused, q, k.transpose(1, 2), beta=0, alpha=scale).exp_()
    weights[:, :, keys:] = 0
    if mask is not None:
        weights[:, :, :keys].masked_fill_(~mask, 0)
    sums = weights.sum(-1, keepdim=True)
    least, most = sums.aminmax()
    if not (least > 1 / SAFE_SUM and most < SAFE_SUM):
        return None
    return torch.bmm(weights, v).div_(sums).unflatten(0, (-1, heads))


def padded(x: Tensor, frames: int, dtype: torch.dtype) -> Tensor:
    """(B, H, T, D) -> (B H, frames, D) of that type, with zeros at the end."""
    y = x.new_empty(*x.shape[:2], frames, x.size(3), dtype=dtype)
    y[:, :, : x.size(2)] = x
    y[:, :, x.size(2) :] = 0
    return y.flatten(0, 1)


def is_packable(dtype: torch.dtype) -> bool:
    """Whether oneDNN has products of weights of that type that were laid out before."""
    if dtype == torch.bfloat16:
        return has("avx512_bf16", "amx_bf16")
    return dtype == torch.float32 and not missing_for(PACKED)


def typed(layer: Any, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
    """The weight and the bias, if it has one, of a layer in that type."""
    bias = None if layer.bias is None else layer.bias.detach().to(dtype)
    return layer.weight.detach().to(dtype), bias


def side_by_side(x: Tensor) -> Tensor:
    """(B, C, T) -> (B, C, 1, T), in memory as (B, T, C); no copy if it is so already."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


# changing a network


def lower(network: nn.Module, precision: str) -> None:
    """Let a loaded network compute in that precision; it cannot be trained afterwards.

    Layers are replaced by their exact type, wherever they are; a subclass that computes the same
    names the type in `same_as`, and one of a convolution keeps its own part of the forward. A class
    with a form of its own for half precision makes it by `halved`. It may name children that stay
    as they are in `exact`, and linear layers with the same input that become one in `joined`. The
    memory of a mapped weight is given back as soon as it is converted.
    """
    if precision != "float32":
        _replace_in(network, _replacements(precision, next(network.parameters()).device))


def _replace_in(parent: nn.Module, make: dict[type, Callable[[Any], nn.Module]]) -> None:
    for name, parts in getattr(parent, "joined", {}).items():
        _join(parent, name, parts)
    for name, layer in list(parent.named_children()):
        if name in getattr(parent, "exact", ()):
            continue
        kind = getattr(layer, "same_as", type(layer))
        parameters = list(layer.parameters(recurse=False))
        if kind in make:
            setattr(parent, name, make[kind](layer))
        elif nn.Conv1d in make and (halved := getattr(layer, "halved", None)):
            setattr(parent, name, halved())
        elif isinstance(layer, nn.Conv1d) and nn.Conv1d in make:
            _compute_by(make[nn.Conv1d](layer), layer)
        else:
            _replace_in(layer, make)
            continue
        for parameter in parameters:
            drop_pages(parameter)
    if isinstance(parent, nn.Sequential):
        _fuse_gelu(parent)


def _fuse_gelu(layers: nn.Sequential) -> None:
    """Let a lowered linear layer do the GELU that follows it."""
    for layer, (name, after) in zip(layers, list(layers.named_children())[1:]):
        if isinstance(layer, PackedLinear) and layer.is_packed and isinstance(after, nn.GELU):
            layer.after = ("gelu", [], after.approximate)
            setattr(layers, name, nn.Identity())


def _join(parent: nn.Module, name: str, parts: tuple[str, ...]) -> None:
    """Put one linear layer in the place of several that have the same input."""
    layers = [getattr(parent, part) for part in parts]
    outputs = sum(layer.out_features for layer in layers)
    has_bias = layers[0].bias is not None
    whole = nn.Linear(layers[0].in_features, outputs, has_bias, device="meta")
    for kind in ("weight", "bias") if has_bias else ("weight",):
        values = torch.cat([getattr(layer, kind).detach() for layer in layers])
        setattr(whole, kind, nn.Parameter(values, requires_grad=False))
    for part, layer in zip(parts, layers):
        drop_pages(layer.weight)
        setattr(parent, part, None)
    setattr(parent, name, whole)


def _compute_by(lowered: nn.Module, layer: nn.Conv1d) -> None:
    """Let a convolution with a forward of its own, such as a causal one, end in the lowered one."""
    layer.lowered = lowered
    layer.weight = layer.bias = None  # type: ignore[assignment]
    layer._conv_forward = lambda x, weight, bias: lowered(x)  # type: ignore[assignment]


def _replacements(precision: str, device: torch.device) -> dict[type, Callable[[Any], nn.Module]]:
    """What takes the place of a layer, by its type."""
    make: dict[type, Callable[[Any], nn.Module]] = {}
    if precision == HALF_WEIGHTS:
        return {nn.Linear: HalfWeightLinear}
    if precision == PACKED:
        return {nn.Linear: lambda layer: PackedLinear(layer, torch.float32)}
    dtype = HALVES.get(precision, torch.bfloat16)
    if precision in HALVES:
        make[nn.Linear] = lambda layer: PackedLinear(layer, dtype)
    else:
        make[nn.Linear] = Int8Linear
    if precision in HALVES or not missing_for("bfloat16"):
        make[FullAttention] = lambda layer: FullAttention(dtype)
        make[nn.Conv1d] = lambda layer: HalfConv1d(layer, dtype)
        make[nn.ConvTranspose1d] = lambda layer: HalfConvTranspose1d(layer, dtype)
        make[nn.GroupNorm] = SideBySideGroupNorm
        make[nn.Mish] = lambda layer: FastMish()
    return make
