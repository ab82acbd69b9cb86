"""Training of a network on one voice, from its weights, until validation stops falling.

A Trainer whose data and settings do not come from the YAML, which in official directories has
neither, but from the recordings and from DEFAULTS. Further files in its folder:

    best.pt    weights of the lowest validation loss; there is none while the start is the best

The first validation is of the weights that the training starts from. All validations are in
log.jsonl, from which a resumed run knows which was best.
"""

import json
import time
from argparse import Namespace
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from cosyvoice.dataset import processor
from cosyvoice.flow.length_regulator import length_mask
from cosyvoice.hifigan.hifigan import HiFiGan
from cosyvoice.training import checkpoint
from cosyvoice.training.source import Source
from cosyvoice.training.trainer import Trainer, bf16_here, read_config

LOSS = "cv_loss"  # of the log
SAVE_SECONDS = 300  # between checkpoints, also within an epoch


@dataclass(frozen=True)
class Defaults:
    """What suits a few minutes to a few hours of one voice.

    max_frames: of a batch, in tokens of text and speech for the llm, in mel frames for the others.
    frozen: beginnings of the names of weights that stay as they are. steps: about how many do,
    where passes are long.
    """

    lr: float
    epochs: int
    max_frames: int
    frozen: tuple[str, ...]
    steps: int | None = None
    patience: int = 3  # validations without a gain that end the training
    warmup_steps: int = 20
    grad_clip: float = 5.0
    log_interval: int = 10

    def passes(self, epoch_steps: int) -> int:
        """How many at most, where one has so many steps."""
        if self.steps is None:
            return self.epochs
        return max(1, min(self.epochs, round(self.steps / epoch_steps)))


DEFAULTS = {
    # What a text id means was learned from far more speech, and most words of it are not in these
    # recordings.
    "llm": Defaults(1e-4, 10, 2000, ("text_embedding.", "llm.model.model.embed_tokens.")),
    "flow": Defaults(2e-4, 30, 2000, ("input_embedding.",)),
    "hift": Defaults(3e-4, 8, 600, (), steps=60),
}
PIECE = 1.3  # seconds of a recording that the vocoder learns from at once
# The small model's flow learns a regression, whose gradients have little noise: many steps on one
# recording each bring more than few on several. After some hundreds validation has stopped falling;
# docs/training.md has the figures.
SMALL_FLOW = replace(DEFAULTS["flow"], lr=6e-4, epochs=8, max_frames=500, steps=600)


@dataclass(frozen=True)
class Plan:
    """What is trained, on which files, and how. lr, epochs and batch: None for the defaults."""

    source: Source
    network: str  # llm, flow or hift
    out: Path
    train: Path  # lists of parquet files
    validation: Path
    speaker: Tensor  # (1, 192)
    lr: float | None = None
    epochs: int | None = None
    batch: int | None = None  # as max_frames of Defaults
    device: str = "cpu"
    threads: int = 1

    @property
    def defaults(self) -> Defaults:
        small = self.source.small and self.network == "flow"
        return SMALL_FLOW if small else DEFAULTS[self.network]

    @property
    def best(self) -> Path:
        return self.out / "best.pt"

    @property
    def finished(self) -> Path:
        """A file that is there once the training has ended by itself."""
        return self.out / "finished.json"

    def options(self) -> Namespace:
        """What a Trainer reads. The number of steps is set once the batches are counted."""
        source, defaults = self.source, self.defaults
        return Namespace(
            config=source.config_path,
            model=self.network,
            init=source.folder / f"{self.network}.pt",
            train=self.train,
            cv=self.validation,
            out=self.out,
            lr=self.lr or defaults.lr,
            max_frames=self.batch or defaults.max_frames,
            bf16=bf16_here(self.device),
            device=self.device,
            threads=self.threads,
            max_minutes=float("inf"),
            steps=1,
            schedule=None,
            seed=1986,
            cache_gb=8,
            processes=1,
            ema=None,
            reconstruct_steps=0,
            save_every=0,
            keep_every=0,
            cv_every=0,
        )


class VoiceTrainer(Trainer):
    """Trains until the validation loss has not fallen for `patience` epochs, or all are done."""

    def __init__(self, plan: Plan):
        self.plan, self.saved_at = plan, time.monotonic()
        super().__init__(plan.options())
        if not self.last.exists():
            checkpoint.trim_log(self.out / "log.jsonl", 0)
        self.epoch_steps = self.count_batches()
        self.args.steps = self.epoch_steps * (plan.epochs or plan.defaults.passes(self.epoch_steps))
        self.enough = False  # set when validation has stopped falling

    def load_config(self) -> dict:
        plan = self.plan
        config = read_config(self.args.config, self.args.model)
        suffix = "_gan" if plan.network == "hift" else ""
        config |= {
            "data_pipeline" + suffix: pipeline(plan),
            "train_conf" + suffix: settings(plan.defaults),
        }
        if plan.network == "hift":
            config["hifigan"] = without_discriminators(config)
        return config

    def build(self):
        model = super().build()
        for name, weight in model.named_parameters():
            weight.requires_grad = not name.startswith(self.plan.defaults.frozen)
        return model

    def optimizer_keys(self):
        return [""]

    def turns(self):
        return [("apart" if self.gan else None, "")]

    def forward(self, batch, turn):
        if self.args.model != "flow" or not spoken_without_noise(self.model):
            return super().forward(batch, turn)
        device = torch.device(self.args.device)
        with torch.autocast(self.args.device, torch.bfloat16, enabled=self.args.bf16):
            return loss_of_what_is_spoken(self.model, batch, device)

    def count_batches(self) -> int:
        """Batches of an epoch; reads all the data into memory."""
        batches = sum(1 for _ in self.train_data.epoch(0, self.train_data.files()))
        if not batches:
            raise ValueError(f"{self.args.train} has no row that can train the {self.args.model}")
        return batches

    # the loop

    def run(self) -> bool:
        """Train. Returns True when it is finished, False when a signal or the time ended it."""
        if not self.losses():
            self.validate_and_save()
        self.judge()
        return super().run() or self.enough

    def ends(self, deadline):
        return self.enough or super().ends(deadline)

    def at_intervals(self, means, bar):
        if self.step % self.conf["log_interval"] == 0:
            report = means.take()
            self.log({"step": self.step, "epoch": self.epoch, **report})
            bar.set_postfix_str(f"loss {report['loss']:.3f}, best validation {self.lowest():.4f}")
        if self.step % self.epoch_steps == 0:
            self.validate_and_save()
            self.judge()
        elif time.monotonic() - self.saved_at > SAVE_SECONDS:
            self.save()

    def save(self):
        checkpoint.save_state(self)
        self.saved_at = time.monotonic()

    def validate_and_save(self):
        """Also at step 0, where there is nothing to save."""
        report = self.validate()
        self.log({"step": self.step, **{"cv_" + name: value for name, value in report.items()}})
        *before, now = self.losses()  # as the log rounds them
        if self.step and now < min(before):
            checkpoint.write(self.weights(self.network()), self.plan.best)
        tqdm.write(f"{self.args.model} step {self.step}: validation loss {report['loss']:.4f}")
        if self.step:
            self.save()

    def losses(self) -> list[float]:
        """All validation losses so far, the first of the weights at the start."""
        return logged(self.out)

    def lowest(self) -> float:
        return min(self.losses(), default=float("nan"))

    def judge(self):
        """End after `patience` validations that were no better than the best."""
        losses = self.losses()
        self.enough = len(losses) - 1 - losses.index(min(losses)) >= self.plan.defaults.patience

    # the time

    def estimate(self) -> float:
        """Seconds that all steps would take, by the time of two without effect on the weights."""
        state, began = checkpoint.random_state(), 0.0
        stream = self.train_data.epoch(0, self.train_data.files())
        typical = sorted((next(stream) for _ in range(min(5, self.epoch_steps))), key=frames)
        batch = typical[len(typical) // 2]
        for _ in range(2):  # the first prepares memory
            began = time.perf_counter()
            self.forward(batch, self.turns()[0][0])["loss"].backward()
            self.optimizers[""].zero_grad()
            if self.args.device == "cuda":
                torch.cuda.synchronize()
        checkpoint.set_random_state(state)
        return (time.perf_counter() - began) * (self.args.steps - self.step)


def frames(batch: dict) -> int:
    return batch["speech_token"].numel()


def logged(out: Path) -> list[float]:
    path = out / "log.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    entries = map(json.loads, lines)
    return [entry[LOSS] for entry in entries if LOSS in entry]


def pipeline(plan: Plan) -> list:
    """The steps of the data, as a YAML's data_pipeline.

    Every row has the voice's own vector, with which it will speak, not the recording's.
    """
    source = plan.source
    config = source.config
    return [
        processor.parquet_opener,
        partial(
            processor.tokenize,
            get_tokenizer=config["get_tokenizer"],
            allowed_special=config["allowed_special"],
        ),
        partial(
            processor.filter,
            max_length=4000,
            min_length=0,
            token_max_length=1000,
            max_output_input_ratio=10,
        ),
        partial(processor.resample, resample_rate=source.sample_rate),
        *(pieces_with_pitch(source) if plan.network == "hift" else [mels(source)]),
        partial(with_speaker, vector=plan.speaker[0].numpy()),
        partial(processor.parse_embedding, normalize=True),
        processor.shuffle,
        processor.sort,
        partial(processor.batch, batch_type="dynamic", max_frames_in_batch=1),
        partial(processor.padding, use_spk_embedding=True),
    ]


def mels(source: Source) -> partial:
    """Whole recordings; those of CosyVoice2 and 3 filled up to whole tokens."""
    samples = source.sample_rate // source.token_rate if source.causal else -1
    return partial(
        processor.compute_fbank, feat_extractor=source.config["feat_extractor"], num_frames=samples
    )


def pieces_with_pitch(source: Source) -> list[partial]:
    """A random piece of each recording, for the vocoder."""
    rate, hop = source.sample_rate, source.hop_size
    length = round(PIECE * rate / hop) * hop
    return [
        partial(processor.truncate, truncate_length=length, hop_size=hop),
        partial(processor.compute_fbank, feat_extractor=source.config["feat_extractor"]),
        partial(processor.compute_f0, sample_rate=rate, hop_size=hop),
    ]


def with_speaker(data, vector, mode="train"):
    """Give every row `spk_embedding`."""
    for sample in data:
        yield {**sample, "spk_embedding": vector}


def settings(defaults: Defaults) -> dict:
    """As a YAML's train_conf."""
    return {
        "optim": "adam",
        "optim_conf": {"lr": defaults.lr},
        "scheduler": "cosine",
        "scheduler_conf": {"warmup_steps": defaults.warmup_steps},
        "grad_clip": defaults.grad_clip,
        "accum_grad": 1,
        "log_interval": defaults.log_interval,
    }


def without_discriminators(config: dict) -> HiFiGan:
    """The vocoder with its losses of spectrum and pitch alone.

    No model directory has discriminators, and learning them takes more than minutes of speech. The
    spectrum of the loss has all frequencies; that of the vocoder's input may end at 8 kHz.
    """
    spectrum = partial(config["feat_extractor"], fmax=None)
    return HiFiGan(config["hift"], nn.Module(), [spectrum])


# flows that speak without noise


def spoken_without_noise(flow: Any) -> bool:
    """Whether a flow of the 300M layout starts its mels from nothing, as the small model does.

    Such a flow is no field of velocities any more: the loss of flow matching would undo its last
    stage of training.
    """
    return not flow.causal and flow.decoder.inference_temperature == 0


def loss_of_what_is_spoken(flow: Any, batch: dict, device: torch.device) -> dict[str, Tensor]:
    """How far the mel of the flow's own steps is from the recording's: L1, and of its patches."""
    mel, mel_len = batch["speech_feat"].to(device), batch["speech_feat_len"].to(device)
    mask, mu, speakers, prompts = flow.conditions(batch, device)
    x, times = torch.zeros_like(mu), flow.decoder.times(mu)
    for t, dt in zip(times, times.diff()):
        velocity = flow.decoder.estimator(x, mask, mu, t.expand(len(x)), speakers, prompts)
        x = x + dt * velocity.float()
    apart = (x.transpose(1, 2) - mel) * length_mask(mel_len, mel.shape[1])[..., None]
    count = mel_len.sum() * mel.shape[2]
    fine = apart.abs().sum() / count
    coarse = F.avg_pool2d(apart[:, None], 4).abs().sum() * 16 / count
    return {"loss": fine + coarse, "loss_mel": fine.detach()}
