"""The loss of a language model in training."""

import math

import torch.nn.functional as F
from torch import Tensor


def next_token_loss(
    logits: Tensor, target: Tensor, rows: int, smoothing: float, length_normalized: bool
) -> dict[str, Tensor]:
    """Kullback-Leibler divergence from the smoothed target, and the share of right guesses.

    logits: (N, V) float32. target: (N,) ids. The sum is divided by N, or by the number of rows of
    the batch. The target is 1 - w for the token, with w spread over all others. torch's own
    smoothing spreads w over all tokens, the right one too, and does not subtract the target's
    entropy.
    """
    others, weight = logits.size(1) - 1, smoothing
    entropy = -sum(p * math.log(p / n) for p, n in [(1 - weight, 1), (weight, others)] if p > 0)
    total = F.cross_entropy(
        logits, target, reduction="sum", label_smoothing=weight * (others + 1) / others
    )
    loss = (total - entropy * len(target)) / (len(target) if length_normalized else rows)
    return {"loss": loss, "acc": (logits.argmax(1) == target).float().mean()}
