"""Random numbers of one request."""

import torch
from torch import Tensor


def draw(sample, shape, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """sample is torch.rand or torch.randn; the result has the dtype and device of `like`.

    Numbers come from the generator on its own device, so one seed means the same on every device; None is the global one.
    """
    device = like.device if generator is None else generator.device
    return sample(shape, generator=generator, device=device).to(like)
