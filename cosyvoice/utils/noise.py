"""Random numbers of one request."""

import random
from numbers import Integral
from typing import NamedTuple

import torch
from torch import Tensor

from cosyvoice.utils.errors import InputError


def draw(sample, shape, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw by `sample`, torch.rand or torch.randn, with the dtype and device of `like`.

    Numbers are drawn on the generator's own device, so that a seed gives the same ones on every
    device. None is torch's global generator.
    """
    device = like.device if generator is None else generator.device
    return sample(shape, generator=generator, device=device).to(like)


class Noise(NamedTuple):
    """Where the stages of one request draw from; None is torch's global generator."""

    tokens: torch.Generator | None
    flow: torch.Generator | None
    vocoder: torch.Generator | None

    @classmethod
    def of(cls, seed: int | None, stream: bool, device="cpu") -> "Noise":
        """Whole: one generator in upstream's order of draws, as after torch.manual_seed(seed).

        Streamed: one per stage, as the stages overlap in time; without a seed, from a seed of the
        global generator. Raises InputError for what is neither None nor a whole number from 0 to
        2^64 - 1.
        """
        if seed is not None and (
            isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed < 2**64
        ):
            raise InputError(
                f"seed {seed!r} is not possible; use a whole number from 0 to 2^64 - 1, or None",
                f"seed {seed!r} 无效，须为 0 至 2^64 - 1 的整数或 None",
            )
        if stream:
            seeds = random.Random(int(torch.randint(2**32, ()) if seed is None else seed))
            return cls(
                *(torch.Generator(device).manual_seed(seeds.getrandbits(63)) for _ in cls._fields)
            )
        return cls(*[None if seed is None else torch.Generator(device).manual_seed(int(seed))] * 3)
