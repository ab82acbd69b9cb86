"""The optimiser of the last stages: what it moves, how far, and that it resumes exactly."""

import pytest
import torch
from torch import nn

from tools.mini.training.muon import MuonAndAdam

pytestmark = pytest.mark.laboratory


def network():
    torch.manual_seed(0)
    return nn.ModuleDict(
        {
            "embedding": nn.Embedding(100, 64),
            "first": nn.Linear(64, 96),
            "conv": nn.Conv1d(96, 64, 3),
            "edge": nn.Linear(64, 64),
            "small": nn.Linear(64, 8),
        }
    )


def loss(net, step):
    words = torch.randint(100, (8, 25), generator=torch.Generator().manual_seed(step))
    x = net["conv"](net["first"](net["embedding"](words)).transpose(1, 2)).transpose(1, 2)
    return net["small"](net["edge"](x).tanh()).square().mean()


def learn(net, optimizer, steps=range(1)):
    for step in steps:
        loss(net, step).backward()
        optimizer.step()
        optimizer.zero_grad()


def test_matrices_inside_turn_and_do_not_stretch():
    net = network()
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    wanted = dict(zip(before, torch.autograd.grad(loss(net, 0), list(net.parameters()))))
    learn(net, MuonAndAdam(net, 1e-3, edges=("edge",)))
    moved = {
        name: (weight.detach() - before[name]).flatten(1)
        for name, weight in net.named_parameters()
        if weight.dim() > 1
    }
    for name in ("first.weight", "conv.weight"):
        asked, done = (
            torch.linalg.svdvals(wanted[name].flatten(1)),
            torch.linalg.svdvals(moved[name]),
        )
        assert (
            asked[20] < asked[0] / 3 and done[20] > done[0] / 2
        )  # the gradient pulls one way most, the step goes all ways alike
        assert 1e-4 < moved[name].square().mean().sqrt() < 3e-4  # a fifth of the rate
    for name in (
        "edge.weight",
        "small.weight",
    ):  # Adam's first step is the rate wherever there is a gradient
        assert torch.isclose(moved[name].abs().median(), torch.tensor(1e-3), rtol=0.01)
    assert 0 < (moved["embedding.weight"].abs().amax(1) > 0).sum() < 100


def test_a_rate_set_later_holds_for_both():
    net = network()
    optimizer = MuonAndAdam(net, 1e-3)
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    learn(net, optimizer)
    assert all(torch.equal(weight, before[name]) for name, weight in net.named_parameters())


def test_goes_on_from_a_checkpoint_as_if_it_had_not_stopped():
    straight = network()
    learn(straight, MuonAndAdam(straight, 1e-3), range(4))
    stopped, resumed = network(), network()
    before, after = MuonAndAdam(stopped, 1e-3), MuonAndAdam(resumed, 1e-3)
    learn(stopped, before, range(2))
    resumed.load_state_dict(
        stopped.state_dict()
    )  # after the optimiser is made, as the trainer does
    after.load_state_dict(before.state_dict())
    learn(resumed, after, range(2, 4))
    assert all(
        torch.allclose(a, b, atol=1e-7) for a, b in zip(straight.parameters(), resumed.parameters())
    )
