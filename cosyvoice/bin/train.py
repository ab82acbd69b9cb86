"""Train one network of a cosyvoice.yaml on one machine: parquet in, weights and a checkpoint out.

    python -m cosyvoice.bin.train --config cosyvoice.yaml --model flow --train data.list \\
        --out exp/flow --steps 20000 --bf16

Writes to --out:
    <model>.pt          plain weights, the averaged ones with --ema
    last.pt             all that a run needs to go on; the same command goes on from it
    <model>_<step>.pt   plain weights, every --keep_every steps
    log.jsonl           one line of means per log_interval, and one per validation

Ctrl-C or SIGTERM saves and ends.

On two cores --processes 2 --threads 1 is faster than --threads 2: each process takes its part of a
step's batches, and all apply the mean of their gradients.
"""

import argparse
import logging
import math

import torch

from cosyvoice.training.trainer import SCHEDULES, Trainer, bf16_here, train

logger = logging.getLogger(__name__)


def parse(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", required=True, help="cosyvoice.yaml")
    parser.add_argument("--model", required=True, choices=("llm", "flow", "hift"))
    parser.add_argument(
        "--train", required=True, help="text file of parquet paths; may grow while training runs"
    )
    parser.add_argument("--cv", help="the same for validation")
    parser.add_argument("--out", required=True, help="directory of checkpoints, weights and log")
    parser.add_argument(
        "--init", help="plain weights to start from; ignored when --out has a last.pt"
    )
    parser.add_argument(
        "--steps", type=int, default=100000, help="updates in all, counted from the first start"
    )
    parser.add_argument(
        "--lr", type=float, help="in place of the YAML's, for both optimisers of the vocoder"
    )
    parser.add_argument(
        "--schedule",
        choices=tuple(SCHEDULES),
        help="in place of the YAML's scheduler; cosine ends at zero at --steps",
    )
    parser.add_argument(
        "--max_frames",
        type=int,
        help="in place of the YAML's max_frames_in_batch: mel frames; "
        "for the language model, tokens of text and speech",
    )
    parser.add_argument(
        "--reconstruct_steps",
        type=int,
        default=0,
        help="hift: first steps without the discriminator",
    )
    parser.add_argument("--ema", type=float, help="decay of averaged weights, such as 0.999")
    parser.add_argument(
        "--bf16", action="store_true", help="bfloat16 autocast; float32 on a CPU without it"
    )
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--processes", type=int, default=1, help="on one machine without CUDA")
    parser.add_argument("--save_every", type=int, default=500)
    parser.add_argument(
        "--keep_every",
        type=int,
        default=5000,
        help="numbered weights; a multiple of --save_every, 0 for none",
    )
    parser.add_argument(
        "--cv_every", type=int, help="steps between validations, by default --save_every"
    )
    parser.add_argument("--max_minutes", type=float, default=math.inf)
    parser.add_argument(
        "--cache_gb", type=float, default=8, help="memory for decoded audio or mels"
    )
    parser.add_argument("--seed", type=int, default=1986)
    args = parser.parse_args(argv)
    if args.processes < 1 or args.processes > 1 and args.device == "cuda":
        parser.error(
            f"--processes {args.processes} with --device {args.device}: "
            "give 1 or more with cpu, and 1 with cuda"
        )
    if args.bf16 and args.device == "cpu" and not bf16_here():
        logger.warning("this CPU has no bfloat16 instructions: training in float32")
        args.bf16 = False
    return args


def main(argv=None, make_trainer=Trainer):
    """Train by `make_trainer`, a function that makes a Trainer of the parsed options and a rank."""
    train(parse(argv), make_trainer)


if __name__ == "__main__":
    main()
