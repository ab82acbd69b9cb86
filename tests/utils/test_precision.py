"""Precision: what a setting means on a processor, and that lowered layers compute the same."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cosyvoice.hifigan.generator import Snake
from cosyvoice.transformer.linear import Linear
from cosyvoice.transformer.past import visible_blocks
from cosyvoice.utils import precision
from cosyvoice.utils.errors import InputError
from cosyvoice.utils.precision import (
    FLOAT32,
    HALF_WEIGHTS,
    PACKED,
    FastMish,
    FullAttention,
    Plan,
    lower,
    plan,
)
from tests.support import tiny_qwen
from tests.support.tiny_networks import (
    make_causal_flow,
    make_estimator,
    make_flow,
    make_hift,
    make_llm,
    seeded,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
AVX2 = {"avx2": True, "f16c": True}
EVERY = {**AVX2, "avx512_bf16": True, "avx512_vnni": True}


def where_possible(name, most):
    missing = precision.missing_for(name)
    return pytest.param(name, most, marks=pytest.mark.skipif(bool(missing), reason=missing))


# those that this machine can compute, fast or not
LOWER = [
    pytest.param("bfloat16", 0.02),
    where_possible("int8", 0.04),
    where_possible(PACKED, 1e-6),
]
LOWER_LLM = [*LOWER, where_possible(HALF_WEIGHTS, 0.0005)]


@pytest.fixture
def features(monkeypatch):
    """A function that gives the processor these features and no others."""

    def give(**names):
        monkeypatch.setattr(precision, "processor", lambda: names)
        for library in ("half_weight_products", "packed_products"):
            monkeypatch.setattr(precision, library, lambda: True)

    return give


def far(y, expected):
    """The error's share of what is expected."""
    return float((y.float() - expected).norm() / expected.norm())


def noise(*shape):
    return torch.randn(*shape, generator=seeded())


@pytest.mark.parametrize("name, most", LOWER_LLM)
@pytest.mark.parametrize(
    "layer", [nn.Linear(32, 24), nn.Linear(32, 24, bias=False), Linear(32, 24)]
)
@pytest.mark.parametrize("shape", [(32,), (1, 1, 32), (2, 7, 32)])
@torch.inference_mode()
def test_a_lowered_linear_layer_computes_nearly_the_same(name, most, layer, shape):
    network, x = nn.Sequential(copy.deepcopy(layer)), noise(*shape)
    expected = network(x)
    lower(network, name)
    assert type(network[0]) not in (nn.Linear, Linear)
    assert far(network(x), expected) < most and network(x).shape == expected.shape


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(8, 12, 3, padding=1),
        nn.Conv1d(8, 12, 5, padding=6, dilation=3),
        nn.Conv1d(8, 12, 4, stride=2, padding=1, bias=False),
        nn.Conv1d(8, 12, 3, groups=4),
        nn.ConvTranspose1d(8, 12, 16, 8, padding=4),
        nn.ConvTranspose1d(8, 12, 4, 2, padding=1, output_padding=1, groups=2),
        nn.Sequential(nn.Conv1d(8, 16, 3), nn.GroupNorm(4, 16), nn.Mish()),
    ],
)
@torch.inference_mode()
def test_a_lowered_convolution_computes_nearly_the_same(layer):
    network, x = nn.Sequential(copy.deepcopy(layer)), noise(2, 8, 21)
    expected = network(x)
    lower(network, "bfloat16")
    y = network(x)
    assert far(y, expected) < 0.02 and y.shape == expected.shape
    assert y.transpose(1, 2).is_contiguous()


@pytest.mark.parametrize("frames", [9, 16])
@pytest.mark.parametrize("start", [-25.0, 0.0, 25.0], ids=["no exp", "small scores", "no sum"])
@torch.inference_mode()
def test_attention_step_by_step_is_attention(start, frames, features):
    features(avx512_bf16=True)
    q, k, v = noise(3, 2, 3, frames, 16)
    q, k = q + abs(start), k + start
    q, k, v = (t.bfloat16() for t in (q, k, v))
    expected = F.scaled_dot_product_attention(q.float(), k.float(), v.float())
    assert far(FullAttention(torch.bfloat16)(q, k, v), expected) < 0.02


@torch.inference_mode()
def test_attention_step_by_step_sees_the_blocks_of_a_stream(features):
    features(avx512_bf16=True)
    q, (k, v) = noise(2, 3, 9, 16), noise(2, 2, 3, 13, 16)
    visible = visible_blocks(9, 13, 4)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
    y = FullAttention(torch.bfloat16)(q, k, v, visible)
    assert y.dtype == torch.bfloat16 and far(y, expected) < 0.02


@torch.inference_mode()
def test_attention_sees_only_what_is_visible_also_when_lowered():
    q, k, v = noise(3, 2, 3, 9, 16)
    visible = (torch.arange(9) < 5)[None, None, None]
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
    assert torch.equal(FullAttention(torch.bfloat16)(q, k, v, visible), expected)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@torch.inference_mode()
def test_a_lowered_linear_layer_does_the_gelu_after_it(approximate):
    network, x = nn.Sequential(nn.Linear(32, 24), nn.GELU(approximate), nn.Dropout()), noise(7, 32)
    expected = network.eval()(x)
    lower(network, "bfloat16")
    assert far(network(x), expected) < 0.02
    assert type(network[1]) is (nn.Identity if network[0].is_packed else nn.GELU)


@torch.inference_mode()
def test_a_lowered_snake_computes_nearly_the_same_in_any_parts(monkeypatch):
    network, x = nn.Sequential(Snake(8)), noise(2, 21, 8).transpose(1, 2).bfloat16()
    network[0].alpha.copy_(torch.linspace(-2, 2, 8))
    expected, given = network(x.float()), x.clone()
    lower(network, "bfloat16")
    whole = network(x)
    assert whole.dtype == torch.bfloat16 and far(whole, expected) < 0.01
    assert whole.transpose(1, 2).is_contiguous() and torch.equal(x, given)
    monkeypatch.setattr(precision, "PART", 5 * 8)
    assert torch.equal(network(x), whole)


@pytest.mark.parametrize("make", [make_flow, partial(make_causal_flow, 2)])
@torch.inference_mode()
def test_a_lowered_flow_adds_its_steps_in_float32(make):
    flow, seen = make(), []
    lower(flow, "bfloat16")
    flow.decoder.estimator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].dtype))
    tokens, none = torch.tensor([[3, 1, 4, 1, 5]]), torch.zeros(1, 0, dtype=torch.long)
    cache = {} if flow.causal else {"flow_cache": torch.zeros(1, 80, 0, 2)}
    mel, _ = flow.inference(
        tokens,
        torch.tensor([5]),
        none,
        torch.tensor([0]),
        torch.zeros(1, 0, 80),
        torch.tensor([0]),
        noise(1, 192),
        **cache,
    )
    assert {*seen, mel.dtype} == {torch.float32}


def test_fast_mish_is_mish():
    x = torch.linspace(-100, 100, 4001)
    torch.testing.assert_close(FastMish()(x), F.mish(x), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name, most", LOWER)
@torch.inference_mode()
def test_a_lowered_estimator_gives_nearly_the_same_velocity(name, most):
    torch.manual_seed(0)
    estimator, mel = make_estimator().eval(), noise(3, 2, 80, 21)
    arguments = (mel[0], None, mel[1], torch.tensor([0.3, 0.3]), noise(2, 80), mel[2])
    expected = estimator(*arguments)
    lower(estimator, name)
    assert far(estimator(*arguments), expected) < most


def spoken(lm, x):
    """Scores after each position of x (1, T, D): of a first part at once, then one by one."""
    cache = lm.llm.new_cache()
    steps = [lm.llm.step(part, cache) for part in x.split([6, 1, 1, 1], dim=1)]
    return lm.llm_decoder(torch.cat(steps, 1)).float()


@pytest.mark.parametrize("name, most", LOWER_LLM)
@torch.inference_mode()
def test_a_lowered_language_model_gives_nearly_the_same_scores(name, most):
    llm, x = make_llm(), noise(1, 9, 16)
    expected = spoken(llm, x)
    lower(llm, name)
    assert far(spoken(llm, x), expected) < most


@pytest.mark.parametrize("name, most", LOWER_LLM)
@torch.inference_mode()
def test_a_lowered_qwen_gives_nearly_the_same_scores(tmp_path, name, most):
    lm = tiny_qwen.make_lm(tmp_path, "v2")
    x = noise(1, 9, lm.text_embedding.embedding_dim)
    expected = spoken(lm, x)
    lower(lm, name)
    assert far(spoken(lm, x), expected) < most


@torch.inference_mode()
def test_layers_with_the_same_input_become_one_product_of_the_same_values():
    attention, x = make_llm().llm.encoders[0].self_attn, noise(1, 3, 16)
    parts = [copy.deepcopy(getattr(attention, f"linear_{name}")) for name in "qkv"]
    lower(attention, "bfloat16")
    assert attention.linear_q is attention.linear_k is attention.linear_v is None
    lower(apart := nn.Sequential(*parts), "bfloat16")
    assert torch.equal(attention.linear_qkv(x), torch.cat([part(x) for part in apart], -1))


@torch.inference_mode()
def test_the_vocoder_keeps_pitch_and_phase_in_float32():
    hift = make_hift()
    hift.remove_weight_norm()
    lower(hift, "bfloat16")
    kept = [m for name in hift.exact for m in getattr(hift, name).modules()]
    assert any(type(module) is nn.Conv1d for module in kept)
    assert not any(type(module).__module__ == precision.__name__ for module in kept)
    assert hift.inference(noise(1, 80, 6))[0].dtype == torch.float32


def test_a_convolution_with_a_forward_of_its_own_keeps_it():
    class Causal(nn.Conv1d):
        def forward(self, x):
            return super().forward(F.pad(x, (2, 0)))

    network, x = nn.Sequential(Causal(8, 8, 3)), noise(1, 8, 20)
    exact = network(x)
    lower(network, "bfloat16")
    assert type(network[0]) is Causal and network(x).dtype == torch.bfloat16
    torch.testing.assert_close(network(x).float(), exact, atol=0.05, rtol=0.05)


def test_float32_changes_nothing():
    network = nn.Sequential(layer := nn.Linear(8, 8))
    lower(network, "float32")
    assert network[0] is layer


@pytest.mark.parametrize(
    "has, wanted",
    [
        (EVERY, Plan(HALF_WEIGHTS, "bfloat16", "bfloat16")),
        (AVX2, Plan(HALF_WEIGHTS, PACKED, "float32")),
        ({"bf16": True}, Plan("bfloat16", "bfloat16", "bfloat16")),
        ({"avx2": True}, Plan("float32", PACKED, "float32")),
        ({}, FLOAT32),
    ],
)
def test_auto_follows_the_processor(features, has, wanted):
    features(**has)
    assert plan("auto", CPU) == wanted


def test_auto_on_a_gpu_is_what_was_always_run():
    assert plan("auto", CUDA) == FLOAT32


@pytest.mark.parametrize("name", ["bfloat16", "int8"])
def test_what_would_be_slower_than_float32_becomes_float32_with_a_line_in_the_log(
    features, caplog, name
):
    features(avx2=True)
    assert plan(name, CPU) == FLOAT32
    assert f"precision {name} becomes float32" in caplog.text


@pytest.mark.parametrize(
    "name, device", [("float8", CPU), ("float16", CPU), ("int8", CUDA), ("", CPU)]
)
def test_an_impossible_precision_is_refused_with_the_possible_ones(name, device):
    with pytest.raises(InputError, match="not possible on .*use one of auto, float32, bfloat16"):
        plan(name, device)


@pytest.mark.parametrize("device, wanted", [(CUDA, "float16"), (CPU, "auto")])
def test_upstreams_fp16_is_half_precision_where_the_device_is_fast_at_it(device, wanted):
    assert precision.half_precision(device) == wanted
