import math

import pytest
import torch

from cosyvoice.utils.common import fade_in_out, nucleus_sampling, random_sampling, ras_sampling


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def draws(sample, count=300):
    generator = seeded()
    return {sample(generator) for _ in range(count)}


def test_nucleus_keeps_as_many_tokens_as_top_p_needs():
    scores = torch.tensor([0.05, 0.5, 0.15, 0.3]).log()
    assert draws(lambda g: nucleus_sampling(scores, 0.4, 25, g)) == {1}
    assert draws(lambda g: nucleus_sampling(scores, 0.79, 25, g)) == {1, 3}
    assert draws(lambda g: nucleus_sampling(scores, 0.9, 25, g)) == {1, 2, 3}


def test_nucleus_keeps_at_most_top_k_tokens():
    assert draws(lambda g: nucleus_sampling(torch.arange(0.0, 1.0, 0.01), 0.99, 3, g)) == {
        97,
        98,
        99,
    }


def test_nucleus_drawn_one_by_one_is_the_same():
    for seed in range(200):
        scores = torch.randn(60, generator=seeded(seed)) * 2
        probability, order = scores.softmax(0).sort(descending=True)
        size, total = 0, 0.0
        while total < 0.8 and size < 25:
            total, size = total + float(probability[size]), size + 1
        expected = order[
            probability[:size].multinomial(1, replacement=True, generator=seeded(seed))
        ]
        assert nucleus_sampling(scores, 0.8, 25, seeded(seed)) == expected


def test_repeated_token_is_ruled_out():
    scores = torch.tensor([10.0, 0, 0, 0])
    assert draws(lambda g: ras_sampling(scores, [], 25, generator=g)) == {0}
    assert draws(lambda g: ras_sampling(scores, [0], 25, generator=g)) == {1, 2, 3}
    assert draws(lambda g: ras_sampling(scores, [0] + 10 * [1], 25, generator=g)) == {
        0
    }  # ten tokens ago is forgotten
    assert draws(lambda g: ras_sampling(scores, [0, 1], 25, tau_r=0.2, generator=g)) == {
        0
    }  # one of ten is allowed


def test_ruled_out_end_is_never_drawn():
    scores = torch.tensor([1.0, 0.5, -math.inf])
    assert draws(lambda g: ras_sampling(scores, [0], 25, generator=g)) == {1}


@pytest.mark.parametrize(
    "sample",
    [
        lambda s, g: ras_sampling(s, [3], 25, generator=g),
        lambda s, g: nucleus_sampling(s, generator=g),
        lambda s, g: random_sampling(s, g),
    ],
)
def test_draw_depends_on_its_generator_alone_and_changes_no_input(sample):
    scores = torch.randn(40, generator=seeded(5))
    before = scores.clone()
    first = [sample(scores, seeded(i)) for i in range(20)]
    torch.manual_seed(99)
    assert first == [sample(scores, seeded(i)) for i in range(20)] and len(set(first)) > 1
    assert torch.equal(scores, before)


def test_fade_mixes_the_overlap_and_keeps_the_rest():
    window = torch.cat([torch.linspace(0, 1, 5), torch.linspace(1, 0, 5)])
    old, new = torch.full((1, 2, 9), 3.0), torch.full((1, 2, 7), 1.0)
    mixed = fade_in_out(new, old, window)
    assert torch.allclose(mixed[0, 0], torch.tensor([3.0, 2.5, 2.0, 1.5, 1.0, 1.0, 1.0]))
    assert (new == 1).all() and (old == 3).all()
