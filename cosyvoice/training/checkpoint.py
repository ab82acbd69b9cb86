"""The files of a training run: plain weights, a checkpoint to resume from, and a log.

`last.pt` holds the network, the averaged network, the optimisers, the place in the data and the
state of the random generators, so that a resumed run repeats an uninterrupted one. `log.jsonl` has
one JSON object per line.
"""

import json
import os
import random
from pathlib import Path

import torch


def save(trainer) -> None:
    """Write the plain weights of a `Trainer` and its last.pt."""
    out, model = trainer.out, trainer.args.model
    weights = trainer.weights(trainer.averaged_network())
    write(weights, out / f"{model}.pt")
    if trainer.args.keep_every and trainer.step % trainer.args.keep_every == 0:
        write(weights, out / f"{model}_{trainer.step:07d}.pt")
    save_state(trainer)


def save_state(trainer) -> None:
    """Write the last.pt of a `Trainer`."""
    optimizers = {key: optimizer.state_dict() for key, optimizer in trainer.optimizers.items()}
    write(
        {
            "model": trainer.model.state_dict(),
            "ema": trainer.shadow and trainer.shadow.state_dict(),
            "optimizers": optimizers,
            "step": trainer.step,
            "epoch": trainer.epoch,
            "position": trainer.position,
            "paths": trainer.paths,
            "random": random_state(),
        },
        trainer.last,
    )


def resume(trainer) -> None:
    """Bring a new `Trainer` to the state of its last.pt, and its log to the same step."""
    saved = torch.load(trainer.last, map_location=trainer.args.device, weights_only=True)
    trainer.model.load_state_dict(saved["model"])
    if trainer.shadow:
        resume_average(trainer, saved["ema"])
    for key, optimizer in trainer.optimizers.items():
        optimizer.load_state_dict(saved["optimizers"][key])
    trainer.step, trainer.epoch = saved["step"], saved["epoch"]
    trainer.position, trainer.paths = saved["position"], saved["paths"]
    set_random_state(saved["random"])
    trim_log(trainer.out / "log.jsonl", trainer.step)


def resume_average(trainer, saved: dict | None) -> None:
    """Load the saved mean; when --ema is new, start it from the weights as they are now."""
    if saved:
        trainer.shadow.load_state_dict(saved)
    else:
        trainer.shadow.module.load_state_dict(trainer.network().state_dict())


def write(value, path: Path) -> None:
    """Save to another name first, so that `path` is always a whole file, also after a crash."""
    partial = Path(f"{path}.part")
    try:
        torch.save(value, partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def append_log(path: Path, entry: dict) -> None:
    """Append one line; floats are rounded to five digits."""
    rounded = {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in entry.items()}
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(rounded) + "\n")


def trim_log(path: Path, step: int) -> None:
    """Remove the lines after `step`: those steps were logged but not saved and are repeated."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(True)
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        path.write_text("".join(kept), encoding="utf-8")


def random_state() -> dict:
    """The state of torch's and Python's generators, in types that load as weights only."""
    version, numbers, gauss = random.getstate()
    return {"torch": torch.get_rng_state(), "python": [version, list(numbers), gauss]}


def set_random_state(state: dict) -> None:
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    torch.set_rng_state(state["torch"].cpu())
