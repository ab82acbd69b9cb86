"""Weights between those a training began with and those it came to: one network's file and
another's -> theirs in part each.

    python -m tools.mini.training.average --begun begun.pt --trained trained.pt --share 0.67 --out flow.pt

After more training on a little new data a network does the new better and the old worse; between
the two it keeps most of both (arXiv 2109.01903). Both must be of one training, the second begun
from the first; packed weights may be either.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from cosyvoice.utils.files import read_weights


def average(
    begun: dict[str, Tensor], trained: dict[str, Tensor], share: float
) -> dict[str, Tensor]:
    """`begun` and `share` of the way to `trained`, in float32. Raises ValueError if they are not of one network."""
    other = sorted(
        name
        for name in begun.keys() | trained.keys()
        if name not in begun or name not in trained or begun[name].shape != trained[name].shape
    )
    if other:
        raise ValueError(
            f"only weights of one network have a mean; these are not in both, or of other shapes: {', '.join(other[:5])}"
        )
    return {
        name: begun[name].float().lerp(weight.float(), share)
        if weight.is_floating_point()
        else weight
        for name, weight in trained.items()
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--begun", type=Path, required=True)
    parser.add_argument("--trained", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.5, help="of what was trained, 0 to 1")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.save(average(read_weights(args.begun), read_weights(args.trained), args.share), args.out)


if __name__ == "__main__":
    main()
