"""Random numbers of one request."""

import torch
from torch import Tensor


def draw(sample, shape, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw by `sample`, torch.rand or torch.randn, with the dtype and device of `like`.

    Numbers are drawn on the generator's own device, so that a seed gives the same ones on every
    device. None is torch's global generator.
    """
    device = like.device if generator is None else generator.device
    return sample(shape, generator=generator, device=device).to(like)
