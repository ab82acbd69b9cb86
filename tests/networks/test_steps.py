"""Steps of fixed shapes, which a GPU may replay: the scores of the usual ones, whoever went before.

Here they run without a graph.
"""

import pytest
import torch

from cosyvoice.llm import steps
from cosyvoice.llm.steps import FixedStepsPool, plain_steps
from cosyvoice.utils.common import ras_sampling
from tests.support import tiny_qwen
from tests.support.tiny_networks import make_llm, seeded

POSITIONS = 40


@pytest.fixture(params=["300M", *tiny_qwen.MODELS])
def lm(request, tmp_path):
    return make_llm() if request.param == "300M" else tiny_qwen.make_lm(tmp_path, request.param)


def inputs(count, seed=0):
    """A request's inputs (1, T, D): many positions at first, then one at a time."""
    return torch.randn(1, count, 16, generator=seeded(seed)).split([7, *[1] * (count - 7)], dim=1)


def scores(step, parts):
    return torch.stack([step(part) for part in parts])


@torch.inference_mode()
def test_fixed_steps_give_the_scores_of_plain_ones(lm):
    parts = inputs(POSITIONS)
    with FixedStepsPool(lm).lent(POSITIONS) as step:
        torch.testing.assert_close(scores(step, parts), scores(plain_steps(lm), parts))


@torch.inference_mode()
def test_a_request_hears_nothing_of_the_one_before(lm):
    pool = FixedStepsPool(lm)
    with pool.lent(POSITIONS) as first:
        scores(first, inputs(POSITIONS, seed=1))
    with pool.lent(POSITIONS) as again:
        found = scores(again, inputs(12))
    with FixedStepsPool(lm).lent(POSITIONS) as fresh:
        assert again is first and torch.equal(found, scores(fresh, inputs(12)))


@torch.inference_mode()
def test_two_requests_at_once_have_steps_of_their_own(lm):
    pool = FixedStepsPool(lm)
    mine, theirs = inputs(12), inputs(12, seed=1)
    with pool.lent(POSITIONS) as one, pool.lent(POSITIONS) as other:
        taking_turns = [(one(a), other(b))[0] for a, b in zip(mine, theirs)]
    with pool.lent(POSITIONS) as alone:
        assert torch.equal(torch.stack(taking_turns), scores(alone, mine))


def test_room_depends_on_the_request_alone_and_few_steps_are_kept(lm, monkeypatch):
    monkeypatch.setattr(steps, "KEPT", 2)
    pool = FixedStepsPool(lm)
    for positions, room in ((1, 256), (256, 256), (257, 512), (1000, 1024), (300, 512)):
        with pool.lent(positions) as step:
            assert step.room == room
    assert [step.room for step in pool.waiting] == [1024, 512]


def only_speech(lm):
    """Draw as always, but never the end."""

    def draw(scores, *arguments, **options):
        return ras_sampling(scores[: lm.speech_token_size], *arguments, **options)

    return draw


def request(lm):
    text, speech = torch.arange(6)[None], torch.arange(4)[None]
    ids = {"text": text, "prompt_text": text[:, :2], "prompt_speech_token": speech}
    lengths = {f"{name}_len": torch.tensor([value.shape[1]]) for name, value in ids.items()}
    embedding = torch.ones(1, 192)
    return lm.inference(**ids, **lengths, embedding=embedding, generator=seeded())


def test_a_model_speaks_the_same_tokens_with_fixed_steps(lm):
    lm.sampling = only_speech(lm)
    plain = list(request(lm))
    lm.fixed_steps = FixedStepsPool(lm)
    assert list(request(lm)) == plain and len(plain) > 10
    stopped = request(lm)
    next(stopped)
    stopped.close()
    assert len(lm.fixed_steps.waiting) == 1
    assert list(request(lm)) == plain


def test_steps_that_failed_are_not_used_again(lm):
    pool = FixedStepsPool(lm)
    with pytest.raises(RuntimeError, match="out of memory"), pool.lent(POSITIONS):
        raise RuntimeError("out of memory")
    assert not pool.waiting
