import pytest
import torch

from cosyvoice.transformer.attention import KeyValues, RelativeAttention, relative_sinusoids
from cosyvoice.transformer.encoder import ConformerEncoder, TransformerEncoder
from cosyvoice.transformer.linear import Linear

COMMON = dict(
    input_size=12,
    output_size=16,
    attention_heads=2,
    linear_units=24,
    num_blocks=2,
    pos_enc_layer_type="rel_pos_espnet",
)
CONFORMER = dict(COMMON, input_layer="linear", use_cnn_module=False, macaron_style=False)
TRANSFORMER = dict(COMMON, input_layer="linear_legacy", selfattention_layer_type="rel_selfattn")


def conformer(**options):
    torch.manual_seed(0)
    return ConformerEncoder(**{**CONFORMER, **options}).eval()


def transformer(**options):
    torch.manual_seed(0)
    return TransformerEncoder(**{**TRANSFORMER, "static_chunk_size": 1, **options}).eval()


def frames(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_attention_equals_its_definition_pair_by_pair():
    torch.manual_seed(0)
    attention, x = RelativeAttention(width=8, heads=2, dropout=0.0), frames(1, 5, 8)
    q, k, v = (
        f(x)[0].view(5, 2, 4) for f in (attention.linear_q, attention.linear_k, attention.linear_v)
    )
    y = torch.zeros(5, 2, 4)
    for i in range(5):
        distance = attention.linear_pos(relative_sinusoids(i + 1, 4 - i, 8)).view(
            5, 2, 4
        )  # i - j for j = 0..4
        scores = (q[i] + attention.pos_bias_u) * k + (
            q[i] + attention.pos_bias_v
        ) * distance  # (5, 2, 4)
        y[i] = ((scores.sum(2) / 2).softmax(0)[:, :, None] * v).sum(0)
    expected = attention.linear_out(y.flatten(1))
    positions = attention.project_positions(relative_sinusoids(5, 5, 8))
    assert torch.allclose(attention(x, positions)[0], expected, atol=1e-6)
    with torch.no_grad():  # the fused kernel
        assert torch.allclose(attention(x, positions)[0], expected, atol=1e-6)


@pytest.fixture(params=[2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("width", [16, 17])
@pytest.mark.parametrize("shape", [(1, 1, 8), (8,), (2, 3, 8)])
def test_linear_cut_in_parts_is_linear(threads, shape, width):
    torch.manual_seed(0)
    layer, x = Linear(8, width), frames(*shape)
    y = layer(x)
    assert y.shape == (*shape[:-1], width)
    assert torch.allclose(y, torch.nn.functional.linear(x, layer.weight, layer.bias), atol=1e-6)


def test_sinusoids_run_from_the_farthest_past_to_the_future():
    table = relative_sinusoids(3, 2, 4)
    assert torch.allclose(table[:, 0], torch.sin(torch.tensor([2.0, 1, 0, -1, -2])))
    assert torch.allclose(table[:, 3], torch.cos(torch.tensor([2.0, 1, 0, -1, -2]) / 100))


@pytest.mark.parametrize("chunks", [[1] * 40, [25, 1, 1, 13], [40]])
@torch.inference_mode()
def test_cached_decode_equals_full_forward(chunks):
    encoder, x = transformer(), frames(1, 40, 12)
    cache = encoder.new_cache()
    stepped = torch.cat([encoder.step(part, cache) for part in x.split(chunks, dim=1)], dim=1)
    whole, _ = encoder(x, torch.tensor([40]))
    assert torch.allclose(stepped, whole, atol=1e-5)


@torch.inference_mode()
def test_decode_goes_on_beyond_the_first_room_of_cache_and_positions():
    encoder, x = transformer(num_blocks=1), frames(1, 600, 12)
    cache = encoder.new_cache()
    stepped = [encoder.step(x[:, :250], cache)] + [
        encoder.step(x[:, i : i + 1], cache) for i in range(250, 600)
    ]
    whole, _ = encoder(x, torch.tensor([600]))
    assert torch.allclose(torch.cat(stepped, dim=1), whole, atol=1e-5)


@pytest.mark.parametrize("encoder", [transformer(), conformer(static_chunk_size=1)])
@torch.inference_mode()
def test_causal_encoder_does_not_look_ahead(encoder):
    x = frames(1, 20, 12)
    changed = torch.cat([x[:, :11], frames(1, 9, 12) + 3], dim=1)
    a, b = (encoder(part, torch.tensor([20]))[0] for part in (x, changed))
    assert torch.equal(a[:, :11], b[:, :11])
    assert not torch.allclose(a[:, 11:], b[:, 11:])


@torch.inference_mode()
def test_full_encoder_looks_both_ways():
    encoder, x = conformer(), frames(1, 20, 12)
    changed = x.clone()
    changed[:, 19] += 1
    assert not torch.allclose(
        encoder(x, torch.tensor([20]))[0][:, 0], encoder(changed, torch.tensor([20]))[0][:, 0]
    )


@pytest.mark.parametrize("encoder", [transformer(), conformer(), conformer(static_chunk_size=1)])
@torch.inference_mode()
def test_padding_does_not_change_real_frames(encoder):
    x, lengths = frames(3, 20, 12), torch.tensor([20, 7, 1])
    y, mask = encoder(x, lengths)
    assert mask.shape == (3, 1, 20) and mask.sum(2).flatten().tolist() == [20, 7, 1]
    for row, length in enumerate(lengths):
        alone, _ = encoder(x[row : row + 1, :length], lengths[row : row + 1])
        assert torch.allclose(y[row, :length], alone[0], atol=1e-5)


@pytest.mark.parametrize("encoder", [transformer(), conformer()])
def test_kept_positions_follow_the_weights(encoder):
    x, length = frames(1, 9, 12), torch.tensor([9])

    def learn():
        optimizer = torch.optim.AdamW(encoder.train().parameters(), lr=0.1, fused=True)
        encoder(x, length)[0][..., 0].sum().backward()
        optimizer.step()
        encoder.eval()

    for change in [
        lambda: None,
        lambda: encoder.load_state_dict({k: v * 1.5 for k, v in encoder.state_dict().items()}),
        learn,
        lambda: torch.nn.init.ones_(encoder.encoders[0].self_attn.linear_pos.weight),
        encoder.double,
    ]:
        change()
        x = x.to(encoder.after_norm.weight.dtype)
        with_grad, _ = encoder(x, length)  # projects anew
        with torch.inference_mode():
            kept, _ = encoder(x, length)
        assert torch.allclose(kept, with_grad, atol=1e-5)


def test_cache_room_grows_without_loss():
    cache, parts = KeyValues(), [frames(1, 2, n, 4) for n in (3, 400, 1, 700)]
    for part in parts:
        keys, values = cache.append(part, -part)
    assert torch.equal(keys, torch.cat(parts, dim=2)) and torch.equal(values, -keys)


def test_state_dict_has_the_checkpoint_names():
    names = {name.replace("encoders.0.", "") for name in transformer(num_blocks=1).state_dict()}
    attention = {
        f"self_attn.linear_{p}.{w}" for p in ("q", "k", "v", "out") for w in ("weight", "bias")
    }
    attention |= {"self_attn.linear_pos.weight", "self_attn.pos_bias_u", "self_attn.pos_bias_v"}
    linear = {
        "embed.out.0",
        "embed.out.1",
        "feed_forward.w_1",
        "feed_forward.w_2",
        "norm1",
        "norm2",
        "after_norm",
    }
    assert names == attention | {f"{name}.{w}" for name in linear for w in ("weight", "bias")}
    assert (
        "encoders.1.norm_mha.weight" in conformer().state_dict()
        and "encoders.1.norm_ff.bias" in conformer().state_dict()
    )


@pytest.mark.parametrize(
    "encoder, after", [(transformer(), torch.relu), (conformer(), torch.clone)]
)
def test_input_is_projected_normed_and_scaled_by_the_root_of_the_width(encoder, after):
    x, (linear, norm) = frames(1, 5, 12), list(encoder.embed.out)[:2]
    assert torch.allclose(encoder.embed(x), after(norm(linear(x))) * 4)


@pytest.mark.parametrize("encoder", [transformer(), conformer()])
def test_norms_inside_the_layers_have_upstreams_epsilon(encoder):
    inside = {
        norm.eps
        for name, norm in encoder.named_modules()
        if "norm" in name and name != "after_norm"
    }
    assert inside == {1e-12} and encoder.after_norm.eps == encoder.embed.out[1].eps == 1e-5


def test_dropout_acts_in_training_only():
    for encoder in (transformer(), conformer(attention_dropout_rate=0.1)):
        x, length = frames(1, 9, 12), torch.tensor([9])
        assert torch.equal(encoder(x, length)[0], encoder(x, length)[0])
        encoder.train()
        assert not torch.equal(encoder(x, length)[0], encoder(x, length)[0])


@pytest.mark.parametrize(
    "option, value",
    [
        ("input_layer", "conv2d"),
        ("pos_enc_layer_type", "abs_pos"),
        ("selfattention_layer_type", "selfattn"),
        ("normalize_before", False),
        ("static_chunk_size", 25),
        ("use_dynamic_chunk", True),
        ("use_dynamic_left_chunk", True),
        ("activation_type", "gelu"),
        ("key_bias", False),
        ("gradient_checkpointing", True),
        ("use_cnn_module", True),
        ("macaron_style", True),
        ("positionwise_conv_kernel_size", 3),
    ],
)
def test_unsupported_option_is_refused_by_name(option, value):
    with pytest.raises(ValueError, match=f"{option}={value!r} is not supported; use "):
        conformer(**{option: value})


@pytest.mark.parametrize(
    "missing", ["use_cnn_module", "macaron_style", "input_layer", "pos_enc_layer_type"]
)
def test_upstream_default_that_is_unsupported_is_refused_too(missing):
    with pytest.raises(ValueError, match=missing):
        ConformerEncoder(**{k: v for k, v in CONFORMER.items() if k != missing})
