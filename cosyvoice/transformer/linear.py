"""Linear layers of one row: the product divided among threads, and several products as one."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn


class Linear(nn.Linear):
    """nn.Linear, which is faster for one row.

    torch computes the product of one row in one thread. As a batch of parts, each thread takes a
    share. Decoding a token consists of such products, whose time is that of reading the weights
    from memory: with two threads it takes half as long.
    """

    same_as = nn.Linear  # so lower() may replace it

    def forward(self, x: Tensor) -> Tensor:
        parts = 1 << (torch.get_num_threads() - 1).bit_length()
        one_row = (
            x.numel() == self.in_features and x.dtype == torch.float32 and x.device.type == "cpu"
        )
        if parts == 1 or not one_row or self.out_features % parts:
            return super().forward(x)
        weight = self.weight.unflatten(0, (parts, -1)).transpose(1, 2)
        rows = x.view(1, 1, -1).expand(parts, -1, -1)
        if self.bias is None:
            y = torch.bmm(rows, weight)
        else:
            y = torch.baddbmm(self.bias.view(parts, 1, -1), rows, weight)
        return y.view(*x.shape[:-1], -1)


def joined_outputs(
    parent: nn.Module, name: str, x: Tensor, sizes: int | list[int]
) -> Sequence[Tensor]:
    """What the layers `parent.joined[name]` give for x (..., D): (..., size) each.

    Where lower() made one layer of them, `parent.<name>`, that is one product, so that the threads
    start and stop once.
    """
    whole, joined = getattr(parent, name, None), cast(dict[str, tuple[str, ...]], parent.joined)
    if whole is None:
        return [getattr(parent, part)(x) for part in joined[name]]
    return whole(x).split(sizes, -1)
