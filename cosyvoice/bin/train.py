"""Train one network of a cosyvoice.yaml on one machine: parquet in, weights and a checkpoint out.

    python -m cosyvoice.bin.train --config cosyvoice.yaml --model flow --train data.list --out exp/flow --steps 20000 --bf16

Writes to --out: `<model>.pt` (plain weights, the averaged ones with --ema), `last.pt` (everything needed to go on; running the
command again does), `<model>_<step>.pt` every --keep_every steps, and `log.jsonl` (one line of means per log_interval, and
one per validation). Ctrl-C or SIGTERM saves and ends.

--processes 2 --threads 1 does more on two cores than --threads 2: each process takes its part of a step's batches, and
all apply the mean of their gradients.
"""

import argparse
import json
import logging
import math
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
from hyperpyyaml import load_hyperpyyaml
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from cosyvoice.dataset.dataset import Dataset
from cosyvoice.dataset.processor import groups
from cosyvoice.utils.files import read_weights, read_yaml

logger = logging.getLogger(__name__)
OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
BAD_STEPS = 10  # so many steps in a row without a finite gradient end the training


def constant(step, total):
    return 1.0


def warmup(step, total, warmup_steps=25000):
    """Up to the full rate at `warmup_steps`, then down with the square root of the step (upstream's warmuplr)."""
    return warmup_steps**0.5 * min((step + 1) ** -0.5, (step + 1) * warmup_steps**-1.5)


def cosine(step, total, warmup_steps=500):
    """Straight up during `warmup_steps`, then half a cosine down to zero at the last step."""
    done = max(0, step - warmup_steps) / max(1, total - warmup_steps)
    return min(1, (step + 1) / warmup_steps) * (1 + math.cos(math.pi * min(1, done))) / 2


SCHEDULES = {"constantlr": constant, "warmuplr": warmup, "cosine": cosine}


def choose(table, name, what):
    if name not in table:
        raise ValueError(f"unknown {what} {name!r}; use one of {', '.join(table)}")
    return table[name]


class Trainer:
    """One network, its optimisers and its place in the data; `run()` trains until --steps, --max_minutes or a signal.

    The vocoder is trained inside its HiFiGan, in turns: "reconstruct" (spectral and F0 losses only) for the first
    --reconstruct_steps, then "discriminator" and "generator" on each batch.
    """

    def __init__(self, args, rank: int = 0):
        self.args, self.out, self.rank = args, Path(args.out), rank
        self.last = self.out / "last.pt"
        self.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(args.seed)
        random.seed(args.seed)
        self.config = load_config(args.config, args.model)
        self.gan = args.model == "hift"
        self.conf = self.config["train_conf_gan" if self.gan else "train_conf"]
        self.model = self.build().to(args.device)
        self.train_data, self.cv_data = (
            self.dataset(args.train, "train"),
            args.cv and not rank and self.dataset(args.cv, "cv"),
        )
        self.step = self.epoch = self.position = 0  # updates done, epoch, steps of it done
        self.paths, self.stop, self.bad = None, False, 0  # files of the epoch
        self.shadow = AveragedModel(self.network(), multi_avg_fn=self.average) if args.ema else None
        self.optimizers = self.make_optimizers()
        if self.last.exists():
            self.resume(torch.load(self.last, map_location=args.device, weights_only=True))
            logger.info("going on from %s, step %d", self.last, self.step)
        if rank:  # draws of its own; weights and data are those of rank 0
            torch.manual_seed(args.seed + self.step + rank)
            random.seed(args.seed + self.step + rank)

    def build(self):
        """The network to train, with the weights of --init; the vocoder inside its HiFiGan."""
        model = self.config["hifigan" if self.gan else self.args.model]
        if self.args.init and not self.last.exists():
            (model.generator if self.gan else model).load_state_dict(read_weights(self.args.init))
        return model

    def dataset(self, path, mode):
        pipeline = self.config["data_pipeline_gan" if self.gan else "data_pipeline"]
        rate = getattr(self.model, "input_frame_rate", None)
        return Dataset(
            path,
            pipeline,
            self.args.model,
            mode,
            self.args.seed,
            rate,
            self.args.max_frames,
            int(self.args.cache_gb * 2**30),
        )

    def network(self):
        """The network whose weights are wanted."""
        return self.model.generator if self.gan else self.model

    def average(self, averaged, current, count):
        """Exponential mean that forgets the first steps quickly: decay min(ema, (1 + n) / (10 + n))."""
        torch._foreach_lerp_(
            averaged, current, 1 - min(self.args.ema, (1 + count.item()) / (10 + count.item()))
        )

    # optimisation

    def part(self, key):
        return self.model.discriminator if key == "_d" else self.network()

    def make_optimizers(self):
        """By suffix of the YAML's keys: "" for the network, "_d" for the discriminator."""
        result = {}
        for key in ["", "_d"] if self.gan else [""]:
            conf = {**self.conf["optim_conf" + key], "lr": self.full_rate(key)}
            kind = choose(OPTIMIZERS, self.conf["optim" + key], "optim")
            result[key] = kind(self.part(key).parameters(), fused=True, **conf)
        return result

    def full_rate(self, key):
        """The learning rate before the schedule."""
        return self.args.lr or self.conf["optim_conf" + key]["lr"]

    def set_rate(self, key):
        """The learning rate is a function of the updates done, so a resume follows new --lr and --steps."""
        schedule = choose(
            SCHEDULES, self.args.schedule or self.conf["scheduler" + key], "scheduler"
        )
        conf = {} if schedule is constant else self.conf.get("scheduler_conf" + key) or {}
        for group in self.optimizers[key].param_groups:
            group["lr"] = self.full_rate(key) * schedule(self.step, self.args.steps, **conf)

    def turns(self):
        """(turn, optimiser) pairs of this step."""
        if not self.gan:
            return [(None, "")]
        if self.step < self.args.reconstruct_steps:
            return [("reconstruct", "")]
        return [("discriminator", "_d"), ("generator", "")]

    def forward(self, batch, turn):
        with torch.autocast(self.args.device, torch.bfloat16, enabled=self.args.bf16):
            return self.model(
                batch if turn is None else {**batch, "turn": turn}, torch.device(self.args.device)
            )

    def update(self, batches):
        """One step on `batches` (more than one: gradients accumulate). Returns mean losses of this process's part of them,
        gradient norms included."""
        report, own = {}, batches[self.rank :: self.args.processes]
        for turn, key in self.turns():
            for batch in own:
                losses = self.forward(batch, turn)
                (losses["loss"] / len(batches)).backward()
                for name, value in losses.items():
                    name = name + key
                    report[name] = report.get(name, 0) + float(value.detach()) / len(own)
            self.add_gradients(key)
            report["grad_norm" + key] = self.descend(key)
        if self.shadow:
            self.shadow.update_parameters(self.network())
        return report

    def add_gradients(self, key):
        """Give every process the sum of all processes' gradients."""
        if self.args.processes > 1:
            parameters = [
                parameter for parameter in self.part(key).parameters() if parameter.requires_grad
            ]
            gradients = [
                torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                for parameter in parameters
            ]
            total = self.sum_of_all(parameters_to_vector(gradients))
            vector_to_parameters(total, gradients)
            for parameter, gradient in zip(parameters, gradients):
                parameter.grad = gradient

    def sum_of_all(self, x: Tensor) -> Tensor:
        if self.args.processes > 1:
            dist.all_reduce(x)
        return x

    def descend(self, key):
        """Clip and apply the gradients; a step whose gradients are not finite is left out."""
        norm = nn.utils.clip_grad_norm_(self.part(key).parameters(), self.conf["grad_clip"]).item()
        if math.isfinite(norm):
            self.set_rate(key)
            self.optimizers[key].step()
            self.bad = 0
        else:
            self.bad += 1
            logger.warning("step %d: gradient is %s, step left out", self.step, norm)
            if self.bad == BAD_STEPS:
                raise FloatingPointError(
                    f"{BAD_STEPS} steps in a row without a finite gradient: lower --lr, or look at the data"
                )
        self.optimizers[key].zero_grad()
        return norm

    # data

    def stream(self):
        """Lists of accum_grad batches a process (fewer at the end of an epoch) without end, from where the checkpoint stopped.

        The data list is read anew at each epoch.
        """
        while True:
            self.paths = self.paths or self.train_data.files()
            position = 0
            size = self.conf["accum_grad"] * self.args.processes
            for position, batches in enumerate(
                groups(self.train_data.epoch(self.epoch, self.paths), size), 1
            ):
                if position > self.position:
                    self.position = position
                    yield batches
            if position == 0:
                raise ValueError(
                    f"{self.args.train}: no row of its {len(self.paths)} files can train the {self.args.model}"
                )
            self.epoch, self.position, self.paths = self.epoch + 1, 0, None

    # the loop

    def run(self):
        """Train. Returns True when --steps are done, False when a signal or the time came first."""
        previous = {
            number: signal.signal(number, self.ask_to_stop)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        quiet = 0.5 if sys.stderr.isatty() else 60  # seconds between lines of progress
        try:
            with tqdm(
                total=self.args.steps,
                initial=self.step,
                unit="step",
                mininterval=quiet,
                desc=self.args.model,
                disable=bool(self.rank),
            ) as bar:
                self.loop(bar)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        self.save()
        return self.step >= self.args.steps

    def loop(self, bar):
        deadline = time.monotonic() + 60 * self.args.max_minutes
        stream, means = self.stream(), Means()
        while self.step < self.args.steps and not self.ends(deadline):
            self.model.train()
            started = time.perf_counter()
            batches = next(stream)
            waited = time.perf_counter() - started
            means.add(
                {
                    **self.update(batches),
                    "data_seconds": waited,
                    "seconds": time.perf_counter() - started,
                }
            )
            self.step += 1
            bar.update()
            self.at_intervals(means, bar)

    def ends(self, deadline):
        """Whether rank 0 was asked to stop or has no time left."""
        return bool(
            self.sum_of_all(
                torch.tensor(float(not self.rank and (self.stop or time.monotonic() >= deadline)))
            )
        )

    def ask_to_stop(self, number, frame):
        self.stop = True

    def at_intervals(self, means, bar):
        if self.step % self.conf["log_interval"] == 0:
            lr = self.optimizers[""].param_groups[0]["lr"]
            report = means.take()
            self.log({"step": self.step, "epoch": self.epoch, "lr": lr, **report})
            bar.set_postfix_str(
                " ".join(
                    f"{name} {report[name]:.3f}"
                    for name in ("loss", "acc", "loss_mel")
                    if name in report
                )
            )
        if self.step % self.args.save_every == 0:
            self.save()
        if self.cv_data and self.step % (self.args.cv_every or self.args.save_every) == 0:
            report = self.validate()
            self.log({"step": self.step, **{"cv_" + name: value for name, value in report.items()}})
            tqdm.write(
                f"{self.args.model} step {self.step}: validation "
                + " ".join(f"{k} {v:.4f}" for k, v in report.items())
            )

    @torch.no_grad()
    def validate(self):
        """Mean losses over the validation list with the weights that are exported and the same random draws every time."""
        state, means, own = random_state(), Means(), self.network()
        torch.manual_seed(self.args.seed)
        random.seed(self.args.seed)
        self.put_network(self.shadow.module if self.shadow else own)
        self.model.eval()
        for batch in self.cv_data.epoch(0, self.cv_data.files()):
            losses = self.forward(batch, self.turns()[-1][0])
            means.add({name: float(value) for name, value in losses.items()}, len(batch["utts"]))
        self.put_network(own)
        set_random_state(state)
        return means.take()

    def put_network(self, network):
        if self.gan:
            self.model.generator = network
        else:
            self.model = network

    def log(self, entry):
        if self.rank:
            return
        with open(self.out / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(
                json.dumps(
                    {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in entry.items()}
                )
                + "\n"
            )

    # checkpoints

    def save(self):
        """Write last.pt and the plain weights; a crash while writing leaves the old files whole."""
        if self.rank:
            return
        weights = self.weights(self.shadow.module if self.shadow else self.network())
        write(weights, self.out / f"{self.args.model}.pt")
        if self.args.keep_every and self.step % self.args.keep_every == 0:
            write(weights, self.out / f"{self.args.model}_{self.step:07d}.pt")
        write(
            {
                "model": self.model.state_dict(),
                "ema": self.shadow and self.shadow.state_dict(),
                "optimizers": {
                    key: optimizer.state_dict() for key, optimizer in self.optimizers.items()
                },
                "step": self.step,
                "epoch": self.epoch,
                "position": self.position,
                "paths": self.paths,
                "random": random_state(),
            },
            self.last,
        )

    def weights(self, network):
        """The state dict that the model's directory will hold."""
        return network.state_dict()

    def resume(self, saved):
        self.model.load_state_dict(saved["model"])
        if self.shadow:
            self.resume_shadow(saved["ema"])
        for key, optimizer in self.optimizers.items():
            optimizer.load_state_dict(saved["optimizers"][key])
        self.step, self.epoch, self.position, self.paths = (
            saved[name] for name in ("step", "epoch", "position", "paths")
        )
        set_random_state(saved["random"])
        self.drop_log_after(self.step)

    def resume_shadow(self, saved):
        """The saved mean, or the weights as they are now when --ema is new."""
        if saved:
            self.shadow.load_state_dict(saved)
        else:
            self.shadow.module.load_state_dict(self.network().state_dict())

    def drop_log_after(self, step):
        """Steps that were logged but not saved will be done again."""
        path = self.out / "log.jsonl"
        if path.exists():
            lines = [
                line
                for line in path.read_text(encoding="utf-8").splitlines(True)
                if json.loads(line)["step"] <= step
            ]
            path.write_text("".join(lines), encoding="utf-8")


class Means:
    """Running means of named values."""

    def __init__(self):
        self.sums, self.counts = {}, {}

    def add(self, values, weight=1):
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0) + value * weight
            self.counts[name] = self.counts.get(name, 0) + weight

    def take(self):
        result = {name: self.sums[name] / self.counts[name] for name in self.sums}
        self.sums, self.counts = {}, {}
        return result


def random_state():
    version, numbers, gauss = random.getstate()
    return {"torch": torch.get_rng_state(), "python": [version, list(numbers), gauss]}


def set_random_state(state):
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    torch.set_rng_state(state["torch"].cpu())


def write(value, path):
    """Save under another name first, so that `path` is always a whole file."""
    torch.save(value, f"{path}.part")
    os.replace(f"{path}.part", path)


def load_config(path, model):
    """The YAML's objects; networks other than `model` are not built. Raises ValueError if a needed key is missing."""
    wanted = {model, "hifigan"} if model == "hift" else {model}
    unwanted = {name: None for name in ("llm", "flow", "hift", "hifigan") if name not in wanted}
    config = load_hyperpyyaml(read_yaml(path), overrides=unwanted, overrides_must_match=False)
    suffix = "_gan" if model == "hift" else ""
    missing = [
        key
        for key in (*wanted, "data_pipeline" + suffix, "train_conf" + suffix)
        if key not in config
    ]
    if missing:
        raise ValueError(f"{path} has no {', '.join(missing)}: training {model} needs it")
    return config


def bf16_here():
    """Whether this CPU multiplies bfloat16 itself; elsewhere it is slower than float32."""
    features = torch.cpu.get_capabilities()
    return features.get("avx512_bf16", False) or features.get("amx_bf16", False)


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
        help="in place of the YAML's max_frames_in_batch: mel frames, for the LM tokens of text and speech",
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
            f"--processes {args.processes} with --device {args.device}: give 1 or more with cpu, and 1 with cuda"
        )
    if args.bf16 and args.device == "cpu" and not bf16_here():
        logger.warning("this CPU has no bfloat16 instructions: training in float32")
        args.bf16 = False
    return args


def main(argv=None, trainer=Trainer):
    """Train by `trainer`, a function that makes a Trainer of the parsed arguments and a rank."""
    args = parse(argv)
    if args.processes == 1:
        return work(0, args, trainer, None)
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder, "meeting").as_uri()
        others = multiprocessing.spawn(
            work_behind, (args, trainer, meeting), args.processes - 1, join=False
        )
        work(0, args, trainer, meeting)
        others.join()


def work_behind(number: int, args, trainer, meeting: str):
    """Another process of main()."""
    work(number + 1, args, trainer, meeting)


def work(rank: int, args, trainer, meeting: str | None):
    """One process's training; those of one training find each other by the address `meeting`."""
    logging.basicConfig(
        level=logging.WARNING if rank else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    if meeting:
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=args.processes)
    try:
        done = trainer(args, rank=rank).run()
    finally:
        if meeting:
            dist.destroy_process_group()
    logger.info("done" if done else "stopped early; the same command goes on")


if __name__ == "__main__":
    main()
