"""Lengths of tensors, sampling of the next speech token from its scores, and cross-fading."""

import torch
from torch import Tensor

IGNORE_ID = -1  # a target that does not count in the loss


def lengths_of(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """For each (1, L, ...) its `<name>_len`, int32 (1,) on the same device."""
    return {
        f"{name}_len": torch.tensor([value.shape[1]], dtype=torch.int32, device=value.device)
        for name, value in tensors.items()
    }


def ras_sampling(
    weighted_scores: Tensor,
    decoded_tokens: list[int],
    sampling: int,
    top_p: float = 0.8,
    top_k: int = 25,
    win_size: int = 10,
    tau_r: float = 0.1,
    generator: torch.Generator | None = None,
) -> int:
    """Draw a token from the nucleus. If it is repeated too often, draw again from all other tokens.

    Too often means win_size * tau_r times or more among the last win_size tokens.
    weighted_scores: (V,) log-probabilities or logits. `sampling` has no effect: kept for upstream's
    callers. Source: VALL-E 2 (arXiv 2406.05370), section 3.4.1; excluding the repeated token is
    upstream's.
    """
    token = nucleus_sampling(weighted_scores, top_p, top_k, generator)
    if decoded_tokens[-win_size:].count(token) >= win_size * tau_r:
        repeated = torch.tensor([token], device=weighted_scores.device)
        others = weighted_scores.index_fill(0, repeated, -torch.inf)
        token = random_sampling(others, generator)
    return token


def nucleus_sampling(
    weighted_scores: Tensor,
    top_p: float = 0.8,
    top_k: int = 25,
    generator: torch.Generator | None = None,
) -> int:
    """Draw from the likeliest tokens that together reach probability top_p, but at most top_k."""
    probability, order = weighted_scores.softmax(0).sort(descending=True, stable=True)
    probability = probability[:top_k]
    size = 1 + int((probability.cumsum(0)[:-1] < top_p).sum())
    return int(order[probability[:size].multinomial(1, replacement=True, generator=generator)])


def random_sampling(weighted_scores: Tensor, generator: torch.Generator | None = None) -> int:
    return int(weighted_scores.softmax(0).multinomial(1, replacement=True, generator=generator))


def fade_in_out(fade_in: Tensor, fade_out: Tensor, window: Tensor) -> Tensor:
    """Cross-fade the start of `fade_in` with the end of `fade_out`, over half the size of `window`.

    window: its rising half, then its falling half. Both sounds are (..., T); the result has the
    shape of `fade_in`. The inputs are not changed.
    """
    overlap = window.size(0) // 2
    mixed = fade_in[..., :overlap] * window[:overlap] + fade_out[..., -overlap:] * window[overlap:]
    return torch.cat([mixed, fade_in[..., overlap:]], dim=-1)
