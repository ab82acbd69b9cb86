"""Muon for the matrices inside a network, Adam for the rest: more learned in a step than by Adam
alone (docs/mini-model.md, "What helped").

Muon (https://kellerjordan.github.io/posts/muon) makes of a matrix's gradient the nearest one that
turns and does not stretch, so that directions which few examples ask for are followed too. It is
torch's own, shown convolutions as matrices, a row an output.
"""

import torch
from torch import nn

SMALLEST = 64  # rows and columns; what has less is no matrix to speak of


class MuonAndAdam:
    """An optimiser of `network` as the trainer wants one. Muon's rate is scaled to Adam's size of
    step, so that one rate suits both.

    Adam keeps what is looked up (embeddings, tables of parts), what is read in or out (names that
    begin with one of `edges`), and vectors.
    """

    def __init__(self, network: nn.Module, lr: float, edges: tuple[str, ...] = ()):
        chosen = {
            name: weight for name, weight in network.named_parameters() if weight.requires_grad
        }
        inner = {
            name
            for name, weight in chosen.items()
            if weight.dim() > 1
            and min(weight.flatten(1).shape) >= SMALLEST
            and not name.startswith(edges)
            and "embedding" not in name
        }
        self.shown = [
            (chosen[name], nn.Parameter(chosen[name].detach().flatten(1))) for name in sorted(inner)
        ]  # one memory, two shapes
        self.muon = torch.optim.Muon(
            [matrix for _, matrix in self.shown], lr, weight_decay=0, adjust_lr_fn="match_rms_adamw"
        )
        self.adam = torch.optim.Adam(
            [weight for name, weight in chosen.items() if name not in inner], lr, fused=True
        )

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
