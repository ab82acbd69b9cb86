"""Muon for the matrices inside a network, Adam for the rest.

It learns more in a step than Adam alone (docs/mini-model.md, "What helped"). Muon
(https://kellerjordan.github.io/posts/muon) replaces the gradient of a matrix by the nearest matrix
that turns and does not stretch, so that directions which few examples ask for are followed too. The
optimiser is torch's; convolutions are given to it as matrices with a row an output.
"""

import torch
from torch import nn

SMALLEST = 64  # rows and columns; Adam has smaller matrices


class MuonAndAdam:
    """An optimiser of `network` with the methods that the trainer uses.

    Muon's rate is scaled to the size of Adam's steps, so that one rate suits both. Adam has tables
    that are looked up (embeddings and their parts), layers at the edges of the network (names that
    begin with one of `edges`), and vectors.
    """

    def __init__(self, network: nn.Module, lr: float, edges: tuple[str, ...] = ()):
        weights = {
            name: weight for name, weight in network.named_parameters() if weight.requires_grad
        }
        inner = sorted(
            name
            for name, weight in weights.items()
            if weight.dim() > 1
            and min(weight.flatten(1).shape) >= SMALLEST
            and not name.startswith(edges)
            and "embedding" not in name
        )
        # Each weight with a view of it as a matrix: one memory, two shapes.
        self.shown = [
            (weights[name], nn.Parameter(weights[name].detach().flatten(1))) for name in inner
        ]
        matrices = [matrix for _, matrix in self.shown]
        others = [weight for name, weight in weights.items() if name not in inner]
        self.muon = torch.optim.Muon(matrices, lr, weight_decay=0, adjust_lr_fn="match_rms_adamw")
        self.adam = torch.optim.Adam(others, lr, fused=True)

    @property
    def param_groups(self) -> list[dict]:
        return self.muon.param_groups + self.adam.param_groups

    def step(self) -> None:
        for weight, matrix in self.shown:
            matrix.grad = None if weight.grad is None else weight.grad.flatten(1)
        self.muon.step()
        self.adam.step()

    def zero_grad(self) -> None:
        for weight, matrix in self.shown:
            weight.grad = matrix.grad = None
        self.adam.zero_grad()

    def state_dict(self) -> dict[str, dict]:
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, saved: dict[str, dict]) -> None:
        self.muon.load_state_dict(saved["muon"])
        self.adam.load_state_dict(saved["adam"])
