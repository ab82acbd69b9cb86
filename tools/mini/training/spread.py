"""Enlarge what sets a voice apart, in a flow's weights: the deviation of its vector from the mean.

    python -m tools.mini.training.spread --work WORK --flow WORK/flow_straight/flow.pt \\
        --out WORK/flow_spread.pt [--times 1.1]

A flow that is unsure speaks nearer to the mean of all voices than it should. Here its first layer
for a speaker's vector v is changed so that it works as if given mean + times (v - mean), except for
the pitch in the last place. The change is linear: it costs no time at inference, and the file has
the same keys and shapes. Do it once: weights that were spread would be spread further.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import Tensor

from cosyvoice.utils.files import read_weights

LAYER = "spk_embed_affine_layer"
TIMES = 1.1


def spread(weights: dict[str, Tensor], mean: Tensor, times: float) -> dict[str, Tensor]:
    """weights: of a flow; mean: (192,) of the unit vectors it learned from."""
    weight, bias = weights[f"{LAYER}.weight"], weights[f"{LAYER}.bias"]
    factor = torch.full_like(mean, times)
    factor[-1] = 1.0  # an octave is an octave
    return weights | {
        f"{LAYER}.weight": weight * factor,
        f"{LAYER}.bias": bias + weight @ ((1 - factor) * mean),
    }


def mean_vector(data_list: Path) -> Tensor:
    """(192,) mean of the unit vectors of all rows of the tables."""
    total, count = np.zeros(192), 0
    for path in data_list.read_text("utf-8").splitlines():
        table = pq.read_table(path, columns=["utt_embedding"])
        vectors = np.array(table["utt_embedding"].to_pylist(), np.float64).reshape(-1, 192)
        total += (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).sum(0)
        count += len(vectors)
    return torch.from_numpy(total / count).float()


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--flow", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--times", type=float, default=TIMES)
    args = parser.parse_args(argv)
    torch.save(
        spread(read_weights(args.flow), mean_vector(args.work / "train/data.list"), args.times),
        args.out,
    )


if __name__ == "__main__":
    main()
