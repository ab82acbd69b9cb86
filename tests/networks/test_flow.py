import random

import pytest
import torch
from torch import nn

from cosyvoice.flow.decoder import ConditionalDecoder
from cosyvoice.flow.flow import MaskedDiffWithXvec, random_prompts
from cosyvoice.flow.flow_matching import ConditionalCFM
from cosyvoice.flow.length_regulator import InterpolateRegulator, mel_frames, stretch
from tests.support.tiny_networks import CFM, CPU, flow_batch, make_estimator, make_flow, seeded

START = torch.zeros(1, 80, 0, 2)  # the cache before the first chunk


def utterance(tokens, prompt=0, rate=25):
    g, mel = seeded(3), mel_frames(prompt, rate)
    return {
        "token": torch.randint(0, 50, (1, tokens), generator=g),
        "token_len": torch.tensor([tokens]),
        "prompt_token": torch.randint(0, 50, (1, prompt), generator=g),
        "prompt_token_len": torch.tensor([prompt]),
        "prompt_feat": torch.randn(1, mel, 80, generator=g),
        "prompt_feat_len": torch.tensor([mel]),
        "embedding": torch.randn(1, 192, generator=g),
    }


@pytest.mark.parametrize(
    "rate, tokens, frames", [(25, 1, 3), (25, 20, 68), (25, 125, 430), (50, 20, 34), (50, 1, 1)]
)
def test_mel_length_is_that_of_the_tokens(rate, tokens, frames):
    flow = make_flow(rate, n_timesteps=1)
    assert mel_frames(tokens, rate) == frames
    assert flow.inference(**utterance(tokens, 5, rate), flow_cache=START)[0].shape == (
        1,
        80,
        frames,
    )


def test_same_seed_same_mel_and_the_global_generator_is_left_alone():
    flow, state = make_flow(), torch.get_rng_state()
    first, second, other = (
        flow.inference(**utterance(9, 4), flow_cache=START, generator=seeded(s))[0]
        for s in (7, 7, 8)
    )
    assert first.equal(second) and not first.equal(other) and state.equal(torch.get_rng_state())


def test_inference_leaves_its_inputs_as_they_are():
    flow, given = make_flow(n_timesteps=1), utterance(50, 4)
    _, cache = flow.inference(**given, flow_cache=START)
    before, cached = {k: v.clone() for k, v in given.items()}, cache.clone()
    flow.inference(**given, flow_cache=cache)
    assert all(given[k].equal(before[k]) for k in given) and cache.equal(cached)


@pytest.mark.parametrize("rate, overlap", [(25, 68), (50, 34)])
def test_the_cache_holds_the_prompt_and_the_overlap_of_the_frame_rate(rate, overlap):
    flow = make_flow(rate, n_timesteps=1)
    _, cache = flow.inference(**utterance(70, 4, rate), flow_cache=START)
    assert flow.mel_overlap_frames == overlap and cache.shape == (
        1,
        80,
        mel_frames(4, rate) + overlap,
        2,
    )


def test_a_chunk_starts_from_the_noise_and_mu_that_the_last_one_ended_with():
    flow, chunk = make_flow(n_timesteps=1), utterance(70, 4)
    _, cache = flow.inference(**chunk, flow_cache=START, generator=seeded(1))
    seen = {}
    flow.decoder.solve_euler = lambda z, mu, *rest: seen.update(z=z, mu=mu) or z
    flow.inference(**chunk, flow_cache=cache, generator=seeded(2))
    assert torch.stack([seen["z"], seen["mu"]], -1)[:, :, : cache.shape[2]].equal(cache)


def test_the_tail_of_a_chunk_is_stretched_like_the_head_of_the_next():
    regulator, h = InterpolateRegulator(80, []), torch.randn(1, 120, 80)
    first, second = (
        regulator.inference(h[:, :0], h[:, a:b], 0, mel_frames(b - a, 25), 25)[0]
        for a, b in ((0, 70), (50, 120))
    )
    torch.testing.assert_close(first[:, -68:], second[:, :68])


def test_a_middle_is_stretched_apart_from_head_and_tail():
    regulator, h = InterpolateRegulator(80, []), torch.randn(1, 41, 80)
    y, frames = regulator.inference(h[:, :0], h, 0, mel_frames(41, 25), 25)
    assert y.shape[1] == frames == 141
    torch.testing.assert_close(
        y[:, 68:-68], regulator.model(stretch(h[:, 20:21].transpose(1, 2), 5)).transpose(1, 2)
    )


def test_check_runs_before_every_step_and_its_error_stops_the_work():
    flow, steps = make_flow(n_timesteps=6), []

    def check():
        steps.append(1)
        if len(steps) == 3:
            raise InterruptedError

    calls = []
    flow.decoder.estimator.register_forward_hook(lambda *_: calls.append(1))
    with pytest.raises(InterruptedError):
        flow.inference(**utterance(3), flow_cache=START, check=check)
    assert len(steps) == 3 and len(calls) == 2


class Field(nn.Module):
    """A velocity that is a function of the estimator's arguments."""

    def __init__(self, velocity):
        super().__init__()
        self.velocity = velocity

    def forward(self, x, mask, mu, t, spks, cond):
        return self.velocity(x, mu, t)


@pytest.mark.parametrize("scheduler", ["cosine", "linear"])
def test_a_constant_velocity_moves_the_noise_by_exactly_itself(scheduler):
    cfm = ConditionalCFM(
        240,
        CFM | {"t_scheduler": scheduler},
        estimator=Field(lambda x, mu, t: torch.full_like(x, 3.0)),
    )
    mu = torch.zeros(1, 80, 5)
    y, _ = cfm(mu, torch.zeros(1, 80), mu, 0, 5, START, seeded())
    torch.testing.assert_close(y, torch.randn(mu.shape, generator=seeded()) + 3)


def test_guidance_weighs_the_condition_against_its_absence():
    cfm = ConditionalCFM(240, CFM, estimator=Field(lambda x, mu, t: mu + 1))
    mu = torch.full((1, 80, 5), 2.0)
    y, _ = cfm(mu, torch.zeros(1, 80), mu, 0, 5, START, seeded())
    torch.testing.assert_close(y, torch.randn(mu.shape, generator=seeded()) + 1.7 * 3 - 0.7 * 1)


def test_without_guidance_the_condition_alone_is_asked():
    asked = []
    cfm = ConditionalCFM(
        240,
        CFM | {"inference_cfg_rate": 0},
        estimator=Field(lambda x, mu, t: asked.append(len(x)) or mu + 1),
    )
    mu = torch.full((1, 80, 5), 2.0)
    y, _ = cfm(mu, torch.zeros(1, 80), mu, 0, 5, START, seeded())
    torch.testing.assert_close(y, torch.randn(mu.shape, generator=seeded()) + 3)
    assert set(asked) == {1}


def test_guidance_may_end_early_and_then_the_condition_alone_is_asked():
    rows = []
    cfm = ConditionalCFM(
        240, CFM, estimator=Field(lambda x, mu, t: rows.append((float(t[0]), len(x))) or mu)
    )
    cfm.evaluate_less(guidance_end=0.5)
    mu = torch.zeros(1, 80, 5)
    cfm(mu, torch.zeros(1, 80), mu, 0, 5, START, seeded())
    assert len(rows) == 10 and all(count == (2 if t < 0.5 else 1) for t, count in rows)


@pytest.mark.parametrize("steps, times", [(5, [0, 2, 4, 8, 16]), (4, [0, 8, 16, 24])])
def test_few_steps_are_taken_where_epss_says(steps, times):
    asked = []
    cfm = ConditionalCFM(
        240, CFM, estimator=Field(lambda x, mu, t: asked.append(t[0]) or torch.ones_like(x))
    )
    cfm.evaluate_less(steps)
    mu = torch.zeros(1, 80, 5)
    y, _ = cfm(mu, torch.zeros(1, 80), mu, 0, 5, START, seeded())
    expected = 1 - torch.cos(torch.tensor(times) / 32 * torch.pi / 2)
    torch.testing.assert_close(torch.stack(asked), expected)
    torch.testing.assert_close(y, torch.randn(mu.shape, generator=seeded()) + 1)


def test_the_loss_of_the_true_velocity_is_zero_and_padding_does_not_count():
    def velocity(y, mu, t):  # of a path from noise to silence (x1 = 0)
        right = -y / (1 - t[:, None, None])
        right[1, :, 4:] = 99.0
        return right

    cfm = ConditionalCFM(240, CFM | {"sigma_min": 0.0}, estimator=Field(velocity))
    mel, mask = torch.zeros(2, 80, 6), (torch.arange(6) < torch.tensor([[6], [4]]))[:, None].float()
    assert cfm.compute_loss(mel, mask, mel, torch.zeros(2, 80), mel) < 1e-9


def estimate(estimator, mask, frames=9, seed=1):
    x, mu, cond = torch.randn(3, 2, 80, frames, generator=seeded(seed)).unbind()
    return estimator(x, mask, mu, torch.tensor([0.2, 0.9]), torch.ones(2, 80), cond)


def test_no_mask_equals_a_mask_of_ones():
    estimator = make_estimator()
    torch.testing.assert_close(estimate(estimator, None), estimate(estimator, torch.ones(2, 1, 9)))


def test_what_stands_in_the_padding_does_not_matter():
    estimator, mask = (
        make_estimator(),
        (torch.arange(9) < torch.tensor([[9], [4]]))[:, None].float(),
    )
    x, mu, cond = torch.randn(3, 2, 80, 9, generator=seeded()).unbind()
    t, spks = torch.tensor([0.2, 0.9]), torch.ones(2, 80)
    clean, dirty = (
        estimator(x * m, mask, mu * m, t, spks, cond * m) for m in (mask, mask + 5 * (1 - mask))
    )
    assert clean.equal(dirty) and (clean[1, :, 4:] == 0).all()


@pytest.mark.parametrize("autocast", [False, True])
def test_training_steps_lower_the_loss(autocast):
    flow, batch, losses = make_flow().train(), flow_batch(), []
    optimiser = torch.optim.Adam(flow.parameters(), lr=3e-3)
    for _ in range(8):
        random.seed(0), torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = flow(batch, CPU)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_temperature_scales_the_noise_of_training():
    noisy = []
    for temperature in (1.0, 0.5):
        cfm = ConditionalCFM(
            240,
            CFM | {"training_temperature": temperature, "training_cfg_rate": 0.0},
            estimator=Field(lambda y, mu, t: noisy.append(y) or y),
        )
        torch.manual_seed(0)
        cfm.compute_loss(
            torch.zeros(2, 80, 6),
            torch.ones(2, 1, 6),
            torch.zeros(2, 80, 6),
            torch.zeros(2, 80),
            torch.zeros(2, 80, 6),
        )
    torch.testing.assert_close(noisy[1], 0.5 * noisy[0])


def test_temperature_scales_the_noise_a_mel_starts_from():
    starts = []
    for temperature in (1.0, 0.5):
        flow = make_flow(inference_temperature=temperature)
        flow.decoder.solve_euler = lambda z, *_: starts.append(z) or z
        flow.inference(**utterance(10), flow_cache=START, generator=seeded())
    assert torch.equal(starts[1], 0.5 * starts[0])


def test_tokens_of_the_padding_do_not_change_the_loss():
    flow, batch, losses = make_flow(), flow_batch(), []
    for filler in (0, 33, -1):
        batch["speech_token"][1, 7:] = filler
        random.seed(0), torch.manual_seed(0)
        losses.append(flow(batch, CPU)["loss"].item())
    assert len(set(losses)) == 1


def test_prompts_show_the_beginning_of_about_half_of_the_rows():
    random.seed(0)
    shown = (random_prompts(torch.ones(400, 50, 80), torch.full((400,), 50))[:, :, 0]).sum(1)
    assert 150 < (shown > 0).sum() < 250 and shown.max() == 15


@pytest.mark.parametrize(
    "make, word",
    [
        (lambda: ConditionalDecoder(320, 80, act_fn="snakebeta"), "snakebeta"),
        (lambda: ConditionalCFM(240, CFM | {"solver": "midpoint"}), "midpoint"),
        (lambda: ConditionalCFM(240, CFM | {"t_scheduler": "quartic"}), "quartic"),
        (lambda: MaskedDiffWithXvec(output_type="wave"), "wave"),
        (lambda: MaskedDiffWithXvec(only_mask_loss=False), "only_mask_loss"),
    ],
)
def test_what_is_not_implemented_is_refused_by_name(make, word):
    with pytest.raises(ValueError, match=word):
        make()
