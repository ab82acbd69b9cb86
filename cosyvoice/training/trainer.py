"""The training of one network: batches of a `Dataset` in, weights, a checkpoint and a log out.

Also the schedules of the learning rate, running means, and the start of one or more processes. What
is written is in checkpoint.py. The command is cosyvoice/bin/train.py.
"""

import logging
import math
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from cosyvoice.cli.model_list import LAYOUT_2
from cosyvoice.dataset.dataset import Dataset
from cosyvoice.dataset.processor import groups
from cosyvoice.training import checkpoint
from cosyvoice.utils.files import read_weights, read_yaml
from cosyvoice.utils.model_yaml import load_model_yaml

logger = logging.getLogger(__name__)
OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
BAD_STEPS = 10  # training ends after this many steps in a row without a finite gradient


def constant(step, total):
    return 1.0


def warmup(step, total, warmup_steps=25000):
    """Rise to the full rate at `warmup_steps`, then fall with 1/sqrt(step): upstream's warmuplr."""
    return warmup_steps**0.5 * min((step + 1) ** -0.5, (step + 1) * warmup_steps**-1.5)


def cosine(step, total, warmup_steps=500):
    """Rise linearly during `warmup_steps`, then fall by half a cosine to zero at the last step."""
    done = max(0, step - warmup_steps) / max(1, total - warmup_steps)
    return min(1, (step + 1) / warmup_steps) * (1 + math.cos(math.pi * min(1, done))) / 2


def bf16_here(device="cpu"):
    """Whether a device has bfloat16 instructions; without them it is slower than float32."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features = torch.cpu.get_capabilities()
    return features.get("avx512_bf16", False) or features.get("amx_bf16", False)


SCHEDULES = {"constantlr": constant, "warmuplr": warmup, "cosine": cosine}


def choose(table, name, what):
    """table[name]; ValueError says which names there are. `what`: what the name stands for."""
    if name not in table:
        raise ValueError(f"unknown {what} {name!r}; use one of {', '.join(table)}")
    return table[name]


class Trainer:
    """One network, its optimisers and its place in the data.

    args: the options of cosyvoice/bin/train.py.
    rank: number of this process; 0 writes the files.

    `run()` trains until --steps are done, --max_minutes are over or a signal arrives.

    The vocoder is trained inside its HiFiGan, in turns: "reconstruct" (spectral and F0 losses only)
    for the first --reconstruct_steps, then "discriminator" and "generator" on each batch.
    """

    def __init__(self, args, rank: int = 0):
        self.args, self.out, self.rank = args, Path(args.out), rank
        self.last = self.out / "last.pt"
        self.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(args.seed)
        random.seed(args.seed)
        self.config = self.load_config()
        self.gan = args.model == "hift"
        self.conf = self.config["train_conf_gan" if self.gan else "train_conf"]
        self.model = self.build().to(args.device)
        self.train_data = self.dataset(args.train, "train")
        self.cv_data = self.dataset(args.cv, "cv") if args.cv and not rank else None
        self.step = 0  # updates done
        self.epoch = self.position = 0  # epoch, and the steps of it that are done
        self.paths: list[str] | None = None  # files of the epoch
        self.stop = False  # set by a signal
        self.bad = 0  # steps in a row without a finite gradient
        self.shadow = AveragedModel(self.network(), multi_avg_fn=self.average) if args.ema else None
        self.optimizers = self.make_optimizers()
        if self.last.exists():
            checkpoint.resume(self)
            logger.info("resumed from %s at step %d", self.last, self.step)
        if rank:  # other random numbers than rank 0; weights and data are the same
            torch.manual_seed(args.seed + self.step + rank)
            random.seed(args.seed + self.step + rank)

    def load_config(self) -> dict:
        return load_config(self.args.config, self.args.model)

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
            seed=self.args.seed,
            token_rate=rate,
            max_frames=self.args.max_frames,
            cache_bytes=int(self.args.cache_gb * 2**30),
        )

    def network(self):
        """The network whose weights are written: of the vocoder only the generator."""
        return self.model.generator if self.gan else self.model

    def averaged_network(self):
        """The network with the averaged weights if there are any, else as it is."""
        return self.shadow.module if self.shadow else self.network()

    def average(self, averaged, current, count):
        """Exponential mean of decay min(ema, (1 + n) / (10 + n)): first steps soon count little."""
        decay = min(self.args.ema, (1 + count.item()) / (10 + count.item()))
        torch._foreach_lerp_(averaged, current, 1 - decay)

    # optimisation

    def part(self, key):
        """The network that the optimiser of this key trains."""
        return self.model.discriminator if key == "_d" else self.network()

    def make_optimizers(self):
        """Optimisers by suffix of the YAML's keys: "" the network, "_d" the discriminator."""
        result = {}
        for key in self.optimizer_keys():
            conf = {**self.conf["optim_conf" + key], "lr": self.full_rate(key)}
            kind = choose(OPTIMIZERS, self.conf["optim" + key], "optim")
            result[key] = kind(self.part(key).parameters(), fused=True, **conf)
        return result

    def optimizer_keys(self):
        return ["", "_d"] if self.gan else [""]

    def full_rate(self, key):
        """The learning rate before the schedule."""
        return self.args.lr or self.conf["optim_conf" + key]["lr"]

    def set_rate(self, key):
        """Set the rate by the number of updates, so that a resumed run follows a new --lr."""
        schedule = choose(
            SCHEDULES, self.args.schedule or self.conf["scheduler" + key], "scheduler"
        )
        conf = {} if schedule is constant else self.conf.get("scheduler_conf" + key) or {}
        for group in self.optimizers[key].param_groups:
            group["lr"] = self.full_rate(key) * schedule(self.step, self.args.steps, **conf)

    def turns(self):
        """(turn, key of the optimiser) pairs of this step."""
        if not self.gan:
            return [(None, "")]
        if self.step < self.args.reconstruct_steps:
            return [("reconstruct", "")]
        return [("discriminator", "_d"), ("generator", "")]

    def forward(self, batch, turn):
        batch = batch if turn is None else {**batch, "turn": turn}
        with torch.autocast(self.args.device, torch.bfloat16, enabled=self.args.bf16):
            return self.model(batch, torch.device(self.args.device))

    def update(self, batches):
        """One step on `batches`, whose gradients accumulate.

        Returns the mean losses of this process's part of the batches, and the norms of the
        gradients.
        """
        own = batches[self.rank :: self.args.processes]
        report: dict[str, float] = {}
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
            parameters = [p for p in self.part(key).parameters() if p.requires_grad]
            gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
            total = self.sum_of_all(parameters_to_vector(gradients))
            vector_to_parameters(total, gradients)
            for parameter, gradient in zip(parameters, gradients):
                parameter.grad = gradient

    def sum_of_all(self, x: Tensor) -> Tensor:
        """x summed over all processes, in place."""
        if self.args.processes > 1:
            dist.all_reduce(x)
        return x

    def descend(self, key):
        """Clip and apply the gradients; a step whose gradients are not finite is skipped."""
        norm = nn.utils.clip_grad_norm_(self.part(key).parameters(), self.conf["grad_clip"]).item()
        if math.isfinite(norm):
            self.set_rate(key)
            self.optimizers[key].step()
            self.bad = 0
        else:
            self.bad += 1
            logger.warning("step %d: gradient is %s, step skipped", self.step, norm)
            if self.bad == BAD_STEPS:
                raise FloatingPointError(
                    f"{BAD_STEPS} steps in a row without a finite gradient: "
                    "lower --lr, or look at the data"
                )
        self.optimizers[key].zero_grad()
        return norm

    # data

    def stream(self):
        """Lists of batches without end, from where the checkpoint stopped.

        A list has accum_grad batches for each process, and fewer at the end of an epoch. The data
        list is read again at each epoch.
        """
        size = self.conf["accum_grad"] * self.args.processes
        while True:
            self.paths = self.paths or self.train_data.files()
            position = 0
            epoch = self.train_data.epoch(self.epoch, self.paths)
            for position, batches in enumerate(groups(epoch, size), 1):
                if position > self.position:
                    self.position = position
                    yield batches
            if position == 0:
                raise ValueError(
                    f"{self.args.train}: its {len(self.paths)} files have no row that can train "
                    f"the {self.args.model}"
                )
            self.epoch, self.position, self.paths = self.epoch + 1, 0, None

    # the loop

    def run(self):
        """Train. Returns True when --steps are done, False when a signal or the time ended it."""
        signals = (signal.SIGTERM, signal.SIGINT)
        previous = {number: signal.signal(number, self.ask_to_stop) for number in signals}
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
            report = self.update(batches)
            seconds = time.perf_counter() - started
            means.add({**report, "data_seconds": waited, "seconds": seconds})
            self.step += 1
            bar.update()
            self.at_intervals(means, bar)

    def ends(self, deadline):
        """Whether rank 0 was asked to stop or has no time left."""
        own = not self.rank and (self.stop or time.monotonic() >= deadline)
        return bool(self.sum_of_all(torch.tensor(float(own))))

    def ask_to_stop(self, number, frame):
        self.stop = True

    def at_intervals(self, means, bar):
        """Log, save and validate at the steps where each is due."""
        if self.step % self.conf["log_interval"] == 0:
            lr = self.optimizers[""].param_groups[0]["lr"]
            report = means.take()
            self.log({"step": self.step, "epoch": self.epoch, "lr": lr, **report})
            shown = [name for name in ("loss", "acc", "loss_mel") if name in report]
            bar.set_postfix_str(" ".join(f"{name} {report[name]:.3f}" for name in shown))
        if self.step % self.args.save_every == 0:
            self.save()
        if self.cv_data and self.step % (self.args.cv_every or self.args.save_every) == 0:
            report = self.validate()
            self.log({"step": self.step, **{"cv_" + name: value for name, value in report.items()}})
            figures = " ".join(f"{name} {value:.4f}" for name, value in report.items())
            tqdm.write(f"{self.args.model} step {self.step}: validation {figures}")

    @torch.no_grad()
    def validate(self):
        """Mean losses over the validation list, with the weights that are written.

        The random numbers are the same each time; those of training go on as if nothing was drawn.
        """
        assert self.cv_data
        state, means, own = checkpoint.random_state(), Means(), self.network()
        torch.manual_seed(self.args.seed)
        random.seed(self.args.seed)
        self.put_network(self.averaged_network())
        self.model.eval()
        for batch in self.cv_data.epoch(0, self.cv_data.files()):
            losses = self.forward(batch, self.turns()[-1][0])
            means.add({name: float(value) for name, value in losses.items()}, len(batch["utts"]))
        self.put_network(own)
        checkpoint.set_random_state(state)
        return means.take()

    def put_network(self, network):
        if self.gan:
            self.model.generator = network
        else:
            self.model = network

    # files: only rank 0 writes them

    def log(self, entry):
        if not self.rank:
            checkpoint.append_log(self.out / "log.jsonl", entry)

    def save(self):
        if not self.rank:
            checkpoint.save(self)

    def weights(self, network):
        """The state dict that the model's directory will hold."""
        return network.state_dict()


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


def load_config(path, model):
    """As read_config. Raises ValueError naming the keys that training needs and the file lacks."""
    config = read_config(path, model)
    wanted = {model, "hifigan"} if model == "hift" else {model}
    suffix = "_gan" if model == "hift" else ""
    needed = (*wanted, "data_pipeline" + suffix, "train_conf" + suffix)
    missing = [key for key in needed if key not in config]
    if missing:
        raise ValueError(f"{path} has no {', '.join(missing)}: training {model} needs it")
    return config


def read_config(path, model):
    """The objects of a cosyvoice.yaml; networks other than `model` are not built.

    An empty qwen_pretrain_path becomes the folder of Qwen2's sizes and vocabulary beside the file.
    Raises RuntimeError for a file that names what official files do not.
    """
    wanted = {model, "hifigan"} if model == "hift" else {model}
    networks = ("llm", "flow", "hift", "hifigan")
    replaced: dict[str, str | None] = {name: None for name in networks if name not in wanted}
    text = read_yaml(path)
    if re.search(r"^qwen_pretrain_path: *(''|\"\")? *$", text, re.M):
        replaced["qwen_pretrain_path"] = str(Path(path).resolve().parent / LAYOUT_2.text_model)
    return load_model_yaml(text, path, replaced)


def train(args, make_trainer: Callable = Trainer) -> None:
    """Train in --processes processes by make_trainer(args, rank=...)."""
    if args.processes == 1:
        return work(0, args, make_trainer, None)
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder, "meeting").as_uri()
        others = multiprocessing.spawn(
            work_as_other, (args, make_trainer, meeting), args.processes - 1, join=False
        )
        work(0, args, make_trainer, meeting)
        others.join()


def work_as_other(number: int, args, make_trainer: Callable, meeting: str) -> None:
    """One of the other processes; number: from 0."""
    work(number + 1, args, make_trainer, meeting)


def work(rank: int, args, make_trainer: Callable, meeting: str | None) -> None:
    """Train in this process. meeting: address at which the processes of a training meet."""
    logging.basicConfig(
        level=logging.WARNING if rank else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    if meeting:
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=args.processes)
    try:
        done = make_trainer(args, rank=rank).run()
    finally:
        if meeting:
            dist.destroy_process_group()
    logger.info("done" if done else "stopped early; run the same command again to go on")
