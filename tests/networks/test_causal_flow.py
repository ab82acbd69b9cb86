"""The flows of CosyVoice2 and CosyVoice3: whole, in a stream, in training."""

import random

import pytest
import torch
from torch import nn

from cosyvoice.flow.decoder import CausalConditionalDecoder
from cosyvoice.flow.DiT.dit import DiT, rotate
from cosyvoice.flow.flow import CausalMaskedDiffWithDiT
from cosyvoice.flow.flow_matching import NOISE_FRAMES, fixed_noise
from tests.support.tiny_networks import CPU, make_causal_flow, seeded

PROMPT, BLOCK = 6, 4  # tokens; the prompt ends within a block
BOTH = pytest.mark.parametrize("version", [2, 3])


def tokens(count, prompt=PROMPT):
    g = seeded(3)
    return {
        "token": torch.randint(0, 50, (1, count), generator=g),
        "prompt_token": torch.randint(0, 50, (1, prompt), generator=g),
        "prompt_feat": torch.randn(1, 2 * prompt, 80, generator=g),
        "embedding": torch.randn(1, 192, generator=g),
    }


def solve(flow, token, prompt_token, prompt_feat, embedding, **options):
    def length(x):
        return torch.tensor([x.shape[1]])

    mel, _ = flow.inference(
        token,
        length(token),
        prompt_token,
        length(prompt_token),
        prompt_feat,
        length(prompt_feat),
        embedding,
        **options,
    )
    return mel


def solve_hops(flow, ends, token, prompt_token, prompt_feat, embedding, memory=None):
    """The mels of hops that end after `ends` tokens, the prompt's among them, and their stream."""
    stream = flow.new_stream(prompt_feat, embedding, memory)
    ids, start, mels = torch.cat([prompt_token, token], 1), 0, []
    for end in ends:
        mels.append(flow.continue_stream(stream, ids[:, start : end + 3], False))
        start = end
    return [*mels, flow.continue_stream(stream, ids[:, start:], True)], stream


@BOTH
@pytest.mark.parametrize("ends", [(8, 12, 16), (16,), (12, 28), ()])
def test_hop_by_hop_equals_the_whole_solved_in_blocks(version, ends):
    flow, given = make_causal_flow(version), tokens(25)
    whole = solve(flow, **given, streaming=True)
    mels, _ = solve_hops(flow, ends, **given)
    assert [mel.shape[2] for mel in mels][:-1] == [
        2 * (b - max(a, PROMPT)) for a, b in zip((0, *ends), ends)
    ]
    torch.testing.assert_close(torch.cat(mels, 2), whole, atol=2e-5, rtol=1e-4)


@BOTH
def test_finished_frames_do_not_depend_on_what_follows(version):
    flow, given = make_causal_flow(version), tokens(25)
    whole = solve(flow, **given, streaming=True)
    begun = {**given, "token": given["token"][:, : 10 + 3]}  # 16 tokens are finished, two blocks
    mel = solve(flow, **begun, streaming=True, finalize=False)
    assert mel.shape[2] == 20
    torch.testing.assert_close(mel, whole[:, :, :20], atol=2e-5, rtol=1e-4)
    sees_all = solve(flow, **given)
    assert (sees_all[:, :, :20] - whole[:, :, :20]).abs().max() > 1e-3


@BOTH
def test_a_full_memory_stays_as_it_is_and_an_empty_one_holds_a_block(version):
    flow, given = make_causal_flow(version), tokens(90)
    memory = 40 * flow.decoder.kept_bytes()  # 40 of the 192 frames
    ends = range(8, 96, 4)
    mels, stream = solve_hops(flow, ends, **given, memory=memory)
    assert all(past.attended == 40 for past in stream.steps)
    held = sum(x.nbytes for past in stream.steps for x in past.kept.values() if x.shape[1] == 40)
    assert memory <= held < 1.1 * memory  # and the angles of CosyVoice3
    exact, _ = solve_hops(flow, ends, **given)
    for mel, right in zip(mels[:4], exact[:4]):  # the memory is not full yet
        torch.testing.assert_close(mel, right, atol=2e-5, rtol=1e-4)
    assert torch.cat(mels, 2).isfinite().all()
    assert solve_hops(flow, ends, **given, memory=0)[1].steps[0].attended == 2 * BLOCK


def test_frames_that_a_full_memory_dropped_are_not_seen():
    flow, given = make_causal_flow(3), tokens(40)
    memory = 24 * flow.decoder.kept_bytes()
    _, stream = solve_hops(flow, range(8, 44, 4), **given, memory=memory)
    rotary = flow.decoder.estimator.rotary_embed
    angles = stream.steps[0].kept[rotary][0, :, 0]  # the positions themselves
    assert angles[:12].equal(torch.arange(12.0))  # the prompt's frames
    assert angles[12:].equal(torch.arange(92.0 - 12, 92.0))  # and the last


@BOTH
def test_the_same_tokens_give_the_same_mel_and_draw_nothing(version):
    flow, given, state = make_causal_flow(version), tokens(9), torch.get_rng_state()
    first, again = solve(flow, **given), solve(flow, **given)
    assert first.equal(again) and state.equal(torch.get_rng_state())


def test_noise_is_upstreams_and_goes_on_where_upstreams_ends():
    expected = torch.randn(1, 80, NOISE_FRAMES, generator=seeded(0))
    assert fixed_noise(100).equal(expected[:, :, :100])
    longer = fixed_noise(NOISE_FRAMES + 50)
    assert longer[:, :, :NOISE_FRAMES].equal(expected)
    assert 0.8 < longer[:, :, NOISE_FRAMES:].std() < 1.2
    assert not longer[:, :, NOISE_FRAMES:].equal(expected[:, :, :50])


@BOTH
def test_check_runs_before_every_step_and_stops_a_hop(version):
    flow, given, calls = make_causal_flow(version, n_timesteps=3), tokens(9), []

    def check():
        calls.append(1)
        if len(calls) == 2:
            raise InterruptedError

    stream = flow.new_stream(given["prompt_feat"], given["embedding"])
    with pytest.raises(InterruptedError):
        flow.continue_stream(stream, given["token"], True, check)
    assert len(calls) == 2


def test_tables_of_the_fixed_times_equal_the_layers_they_replace():
    flow, given = make_causal_flow(3), tokens(9)
    before, size = solve(flow, **given), sum(p.numel() for p in flow.parameters())
    flow.fold_times()
    torch.testing.assert_close(solve(flow, **given), before, atol=1e-5, rtol=1e-5)
    assert sum(p.numel() for p in flow.parameters()) < 0.8 * size
    assert not any("attn_norm" in name or "time_embed" in name for name in flow.state_dict())


def test_only_the_first_head_is_rotated_and_by_its_distance():
    """Upstream rotates before it splits the heads."""
    x, angles = torch.randn(1, 5, 12), torch.arange(5.0)[:, None] * torch.tensor([1.0, 0.1])
    y = rotate(x, angles)
    assert y[..., 4:].equal(x[..., 4:]) and y[:, 0].equal(x[:, 0])
    same = x[:, :1].expand_as(x)
    scores = rotate(same, angles) @ rotate(same, angles).transpose(1, 2)
    torch.testing.assert_close(scores[0].diagonal(1), scores[0, 0, 1].expand(4))


# training


def batch(flow):
    g, lengths = seeded(4), torch.tensor([12, 7])
    return {
        "speech_token": torch.randint(0, 50, (2, 12), generator=g),
        "speech_token_len": lengths,
        "speech_feat": torch.randn(2, 24, 80, generator=g),
        "speech_feat_len": 2 * lengths,
        "embedding": torch.randn(2, 192, generator=g),
    }


@BOTH
@pytest.mark.parametrize("seed", [0, 1])  # whole utterances, and as in a stream
def test_training_steps_lower_the_loss(version, seed):
    flow = make_causal_flow(version).train()
    data, losses = batch(flow), []
    optimiser = torch.optim.Adam(flow.parameters(), lr=3e-3)
    for _ in range(6):
        random.seed(seed), torch.manual_seed(0)
        loss = flow(data, CPU)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(p.grad is not None for p in flow.parameters())


@BOTH
@pytest.mark.parametrize("seed", [0, 1])
def test_what_stands_in_the_padding_does_not_change_the_loss(version, seed):
    flow, data, losses = make_causal_flow(version), batch(make_causal_flow(version)), []
    for filler in (0, 33, -1):
        data["speech_token"][1, 7:] = filler
        data["speech_feat"][1, 14:] = filler
        random.seed(seed), torch.manual_seed(0)
        losses.append(flow(data, CPU)["loss"].item())
    assert losses[0] == pytest.approx(losses[1]) == pytest.approx(losses[2])


@BOTH
def test_a_batch_is_learned_whole_or_as_in_a_stream_by_turns(version):
    flow, data, seen = make_causal_flow(version), batch(None), set()
    flow.decoder.compute_loss = lambda *_, streaming: seen.add(streaming)
    for seed in range(8):
        random.seed(seed)
        flow(data, CPU)
    assert seen == {False, True}


def test_a_mel_that_does_not_fit_the_tokens_is_refused():
    flow, data = make_causal_flow(3), batch(None)
    data["speech_feat"] = data["speech_feat"][:, :23]
    with pytest.raises(ValueError, match="23 frames for 12 tokens, not 24"):
        flow(data, CPU)


@pytest.mark.parametrize(
    "make, word",
    [
        (lambda: CausalConditionalDecoder(320, 80, channels=[256, 256]), "256, 256"),
        (lambda: DiT(dim=64, long_skip_connection=True), "long_skip_connection"),
        (lambda: CausalMaskedDiffWithDiT(output_type="wave"), "CausalMaskedDiffWithDiT.*wave"),
    ],
)
def test_what_is_not_implemented_is_refused_by_name(make, word):
    with pytest.raises(ValueError, match=word):
        make()


# the published layout


def names(prefix, layers):
    return {f"{prefix}{layer}.{name}" for layer in layers.split() for name in ("weight", "bias")}


def conformer_names(prefix):
    attention = {f"{prefix}self_attn.{name}" for name in ("pos_bias_u", "pos_bias_v")}
    linears = "self_attn.linear_q self_attn.linear_k self_attn.linear_v self_attn.linear_out"
    return (
        attention
        | {f"{prefix}self_attn.linear_pos.weight"}
        | names(prefix, linears + " feed_forward.w_1 feed_forward.w_2 norm_mha norm_ff")
    )


def unet_block_names(prefix):
    resnet = "mlp.1 block1.block.0 block1.block.2 block2.block.0 block2.block.2 res_conv"
    transformer = f"{prefix}1.0."
    return (
        names(prefix + "0.", resnet)
        | names(transformer, "norm1 norm3 attn1.to_out.0 ff.net.0.proj ff.net.2")
        | {f"{transformer}attn1.to_{letter}.weight" for letter in "qkv"}
    )


def test_names_of_cosyvoice2_are_the_published_ones():
    estimator = "decoder.estimator."
    expected = {"input_embedding.weight"} | names(
        "",
        "spk_embed_affine_layer encoder_proj encoder.embed.out.0 encoder.embed.out.1 "
        "encoder.up_embed.out.0 encoder.up_embed.out.1 encoder.up_layer.conv encoder.after_norm "
        "encoder.pre_lookahead_layer.conv1 encoder.pre_lookahead_layer.conv2",
    )
    expected |= conformer_names("encoder.encoders.0.")
    for number in range(4):
        expected |= conformer_names(f"encoder.up_encoders.{number}.")
    expected |= names(
        estimator,
        "time_mlp.linear_1 time_mlp.linear_2 down_blocks.0.2 up_blocks.0.2 "
        "final_block.block.0 final_block.block.2 final_proj",
    )
    for block in ("down_blocks.0.", "mid_blocks.0.", "up_blocks.0."):
        expected |= unet_block_names(estimator + block)
    assert set(make_causal_flow(2).state_dict()) == expected


def test_names_of_cosyvoice3_are_the_published_ones():
    estimator = "decoder.estimator."
    expected = {"input_embedding.weight", estimator + "rotary_embed.inv_freq"} | names(
        "", "spk_embed_affine_layer pre_lookahead_layer.conv1 pre_lookahead_layer.conv2"
    )
    expected |= names(
        estimator,
        "time_embed.time_mlp.0 time_embed.time_mlp.2 input_embed.proj norm_out.linear proj_out "
        "input_embed.conv_pos_embed.conv1.0 input_embed.conv_pos_embed.conv2.0",
    )
    for number in range(2):
        expected |= names(
            f"{estimator}transformer_blocks.{number}.",
            "attn_norm.linear attn.to_q attn.to_k attn.to_v attn.to_out.0 ff.ff.0.0 ff.ff.2",
        )
    assert set(make_causal_flow(3).state_dict()) == expected


@pytest.mark.parametrize(
    "version, shapes",
    [
        (
            2,
            {
                "encoder.pre_lookahead_layer.conv1.weight": (16, 16, 4),
                "encoder.up_layer.conv.weight": (16, 16, 5),
                "decoder.estimator.down_blocks.0.0.block1.block.0.weight": (16, 320, 3),
                "decoder.estimator.up_blocks.0.0.res_conv.weight": (16, 32, 1),
            },
        ),
        (
            3,
            {
                "pre_lookahead_layer.conv1.weight": (16, 80, 4),
                "pre_lookahead_layer.conv2.weight": (80, 16, 3),
                "decoder.estimator.input_embed.proj.weight": (32, 320),
                "decoder.estimator.input_embed.conv_pos_embed.conv1.0.weight": (32, 2, 31),
                "decoder.estimator.transformer_blocks.0.attn_norm.linear.weight": (192, 32),
                "decoder.estimator.norm_out.linear.weight": (64, 32),
            },
        ),
    ],
)
def test_shapes_are_the_published_ones(version, shapes):
    weights = make_causal_flow(version).state_dict()
    assert {name: tuple(weights[name].shape) for name in shapes} == shapes


@BOTH
def test_weights_are_taken_as_they_are_by_a_network_made_without_memory(version):
    flow, given = make_causal_flow(version), tokens(9)
    with torch.device("meta"):
        empty = make_causal_flow(version)
    empty.load_state_dict(flow.state_dict(), strict=True, assign=True)
    assert isinstance(empty, nn.Module) and solve(empty, **given).equal(solve(flow, **given))
