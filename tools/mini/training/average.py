"""Weights between those a training began with and those it ended with.

    python -m tools.mini.training.average --begun begun.pt --trained trained.pt \\
        --share 0.67 --out flow.pt

After more training on a little new data a network does better on the new and worse on the old;
weights between the two keep most of both (arXiv 2109.01903). Both files must be of one training,
the second begun from the first. Either may be packed.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from cosyvoice.utils.files import read_weights


def average(
    begun: dict[str, Tensor], trained: dict[str, Tensor], share: float
) -> dict[str, Tensor]:
    """`share` of the way from `begun` to `trained`, in float32.

    Raises ValueError if they are not of one network.
    """
    shapes, trained_shapes = (
        {name: weight.shape for name, weight in weights.items()} for weights in (begun, trained)
    )
    names = shapes.keys() | trained_shapes.keys()
    other = sorted(name for name in names if shapes.get(name) != trained_shapes.get(name))
    if other:
        raise ValueError(
            "both files must be of one network; not in both, or of other shapes: "
            + ", ".join(other[:5])
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
    parser.add_argument("--share", type=float, default=0.5, help="of the trained weights, 0 to 1")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.save(average(read_weights(args.begun), read_weights(args.trained), args.share), args.out)


if __name__ == "__main__":
    main()
