"""`python -m cosyvoice train`: a model that speaks with the voice of one's own recordings.

Recordings are checked, turned into speech tokens and speaker vectors, trained on, and a model
directory is made. Everything that is made on the way is kept in a working folder, so that the same
command goes on where it was stopped. torch is imported once the arguments are checked.
"""

import importlib.util
import json
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from cosyvoice.cli.model_list import NETWORKS, PRETRAINED, check_files, choose_model, layout_of
from cosyvoice.utils.errors import DISK_FULL, InputError

REPORT, SETTINGS = "report.json", "settings.json"
FULL = 64 * 2**20  # bytes; a disk with less is full
COPIES = 7  # of the networks' files that training writes: best, checkpoint (4), while it is written


def add_arguments(command: ArgumentParser) -> None:
    add = command.add_argument
    add(
        "--recordings",
        metavar="FOLDER",
        type=Path,
        required=True,
        help="sound files (wav, mp3, flac, ogg, m4a ...) with a .txt beside each, or with one "
        "metadata.csv: name|text, or a header with file_name,text",
    )
    add(
        "--from",
        dest="model",
        metavar="MODEL",
        default="",
        help="model directory or ModelScope id to start from (default: the best one in "
        "pretrained_models/)",
    )
    add(
        "--out",
        metavar="DIR",
        type=Path,
        help="the new model's directory (default: pretrained_models/ and the speaker's name)",
    )
    add("--speaker", metavar="NAME", help="the new voice (default: the name of FOLDER)")
    add("--check", action="store_true", help="only check the recordings")
    add(
        "--only",
        nargs="+",
        choices=NETWORKS,
        help="train these networks alone: language model, flow, vocoder (default: llm flow; of "
        "the small model flow hift)",
    )
    add(
        "--lr",
        type=float,
        help="learning rate (default: 1e-4 for the llm, 2e-4 for the flow, 6e-4 for the small "
        "model's flow, 3e-4 for hift)",
    )
    add("--epochs", type=int, help="passes over the recordings at most (default: 10, 30, 8 and 8)")
    add(
        "--batch",
        metavar="N",
        type=int,
        help="speech and text tokens, or mel frames, that are learned from at once (default: "
        "2000, for the small model's flow 500, for hift 600); fewer need less memory",
    )
    add("--device", choices=("cpu", "cuda"), help="(default: cuda where there is one)")
    add("--work", metavar="DIR", type=Path, help="working folder (default: OUT.training)")


def train(arguments: Namespace) -> None:
    """Run all steps that are not done yet."""
    check_arguments(arguments)
    arguments.work.mkdir(parents=True, exist_ok=True)
    with kept_told(arguments.work):
        recordings, checked = check_recordings(arguments)
        from cosyvoice.training.recordings import require_enough

        require_enough(checked)
        if arguments.check:
            return
        Training(arguments, recordings, checked).run()


# arguments


def check_arguments(arguments: Namespace) -> None:
    """Refuse what cannot be done, and fill in what was left out."""
    folder = arguments.recordings
    if not folder.is_dir():
        raise InputError(f"--recordings: there is no folder {folder}", f"没有文件夹 {folder}")
    arguments.speaker = (arguments.speaker or folder.resolve().name).strip()
    name = arguments.speaker
    if not name or not name.isprintable() or Path(name).name != name or name == "..":
        raise InputError(
            f"--speaker must be a name without slashes, got {name!r}",
            f"--speaker 须为不含斜杠的名称，得到 {name!r}",
        )
    arguments.out = Path(arguments.out or PRETRAINED / arguments.speaker)
    arguments.work = Path(arguments.work or f"{arguments.out}.training")
    if arguments.out.exists() and not arguments.check:
        raise InputError(
            f"{arguments.out} is there already, and no model is overwritten: give another --out",
            f"{arguments.out} 已存在，不会覆盖任何模型，请另选 --out",
        )
    if arguments.lr is not None and not 0 < arguments.lr < 1:
        raise InputError(
            f"--lr must be a number between 0 and 1, such as 1e-4, got {arguments.lr}",
            f"--lr 须为 0 到 1 之间的数，例如 1e-4，得到 {arguments.lr}",
        )
    if arguments.epochs is not None and not 1 <= arguments.epochs <= 10_000:
        raise InputError(
            f"--epochs must be a number from 1 to 10000, got {arguments.epochs}",
            f"--epochs 须为 1 至 10000 的整数，得到 {arguments.epochs}",
        )
    if arguments.batch is not None and not 100 <= arguments.batch <= 100_000:
        raise InputError(
            f"--batch must be a number from 100 to 100000, got {arguments.batch}",
            f"--batch 须为 100 至 100000 的整数，得到 {arguments.batch}",
        )
    if not arguments.check:
        require_pyarrow()
        arguments.model = choose_model(arguments.model, may_download=True)
        check_files(folder := Path(arguments.model), layout_of(folder))


def require_pyarrow() -> None:
    if importlib.util.find_spec("pyarrow") is None:
        raise InputError(
            "training needs the package pyarrow: pip install pyarrow",
            "训练需要 pyarrow 包，请运行 pip install pyarrow",
        )


@contextmanager
def kept_told(folder: Path) -> Iterator[None]:
    """Say what is kept and what to do after Ctrl-C, or where disk or memory is too small."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"what was made is kept in {folder}; run the same command again to go on"
        ) from None
    except (OSError, RuntimeError) as error:  # torch's own error of a full disk does not say so
        if "out of memory" in str(error) or "can't allocate memory" in str(error):
            raise InputError(
                "there is too little memory: what was trained is kept; run the same command with "
                "a smaller --batch, such as 1000",
                "内存不足：已训练的部分均已保留，请在同一命令中加上更小的 --batch，例如 1000",
            ) from error
        full = getattr(error, "errno", None) in DISK_FULL
        if not full and shutil.disk_usage(folder).free > FULL:
            raise
        raise InputError(
            f"the disk of {folder} is full: what was made is kept; make room, then run the same "
            "command again to go on",
            f"{folder} 所在磁盘已满：已完成的部分均已保留，腾出空间后重新运行同一命令即可继续",
        ) from error


# the steps


def check_recordings(arguments: Namespace):
    """(recordings, what was found about each), from the report where nothing has changed."""
    from tqdm import tqdm

    from cosyvoice.training import recordings as room

    found = room.find(arguments.recordings)
    report, key = arguments.work / REPORT, room.digest(found)
    checked = room.read_report(report, key)
    if checked is None:
        with tqdm(total=len(found), unit="file", desc="checking", file=sys.stderr) as bar:
            checked = room.check(found, bar.update)
        room.write_report(report, arguments.recordings.resolve(), key, checked)
    print(room.table(checked))
    print(f"report / 报告: {report}", flush=True)
    return found, checked


class Training:
    """The steps after the check; each leaves its results in the working folder."""

    def __init__(self, arguments: Namespace, recordings, checked):
        import torch

        from cosyvoice.training import recordings as room
        from cosyvoice.training.source import Source

        self.arguments, self.work = arguments, arguments.work
        self.source = Source.of(arguments.model)
        if arguments.speaker in self.source.speakers:
            raise InputError(
                f"{self.source.folder} has a speaker {arguments.speaker!r}: give another --speaker",
                f"{self.source.folder} 中已有音色 {arguments.speaker!r}，请另取 --speaker",
            )
        chosen = arguments.only or self.source.trainable
        self.networks = [network for network in NETWORKS if network in chosen]
        self.device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise InputError(
                "--device cuda: torch finds no GPU here", "--device cuda：torch 找不到 GPU"
            )
        self.pairs = [pair for pair in zip(recordings, checked) if pair[1].kept]
        self.key = f"{room.digest(recordings)} {self.source.fingerprint}"
        self.seconds = sum(each.used_seconds for _, each in self.pairs)

    def run(self) -> None:
        self.require_same_settings()
        self.require_room()
        lists, vector = self.prepare()
        plans = [self.plan(network, lists, vector) for network in self.networks]
        for plan in plans:
            self.train(plan)
        self.release(plans, vector)

    def require_same_settings(self) -> None:
        """A working folder belongs to one set of recordings and one model."""
        path = self.work / SETTINGS
        settings = {"key": self.key, "speaker": self.arguments.speaker}
        if path.exists() and json.loads(path.read_text(encoding="utf-8")) != settings:
            raise InputError(
                f"{self.work} has a training of other recordings, another model or speaker: "
                "delete it to begin anew, or give another --work",
                f"{self.work} 中是另一组录音、另一模型或另一音色的训练：删除它重新开始，"
                "或另选 --work",
            )
        path.write_text(json.dumps(settings, ensure_ascii=False), encoding="utf-8")

    def require_room(self) -> None:
        """Before anything long: the sound, and what training writes."""
        sizes = sum((self.source.folder / f"{name}.pt").stat().st_size for name in self.networks)
        needed = sizes * COPIES + self.seconds * self.source.sample_rate * 2
        there = sum(path.stat().st_size for path in self.work.rglob("*") if path.is_file())
        free = shutil.disk_usage(self.work).free
        if free + there < needed:
            missing = (needed - free - there) / 2**30
            raise InputError(
                f"the disk of {self.work} has too little room: {missing:.1f} GB more are needed",
                f"{self.work} 所在磁盘空间不足，还需 {missing:.1f} GB",
            )

    def prepare(self):
        """(lists of parquet files for training and for validation, the voice's vector)."""
        from tqdm import tqdm

        from cosyvoice.training import prepare as room

        parts = dict(zip(("train", "validation"), room.split(self.pairs)))
        with tqdm(total=len(self.pairs), unit="file", desc="preparing", file=sys.stderr) as bar:
            files = {
                name: room.prepare(self.source, part, self.work / "data", self.key, bar.update)
                for name, part in parts.items()
            }
        lists = {
            name: room.write_list(self.work / f"{name}.list", paths)
            for name, paths in files.items()
        }
        return lists, room.mean_vector(files["train"])

    def plan(self, network: str, lists, vector):
        import torch

        from cosyvoice.training.own_voice import Plan

        return Plan(
            self.source,
            network,
            self.work / network,
            lists["train"],
            lists["validation"],
            vector,
            self.arguments.lr,
            self.arguments.epochs,
            self.arguments.batch,
            self.device,
            torch.get_num_threads(),
        )

    def train(self, plan) -> None:
        """Train one network unless that is done. Raises KeyboardInterrupt when it was stopped."""
        import torch

        from cosyvoice.training.own_voice import VoiceTrainer

        if plan.finished.exists():
            return
        torch.set_flush_denormal(True)
        trainer = VoiceTrainer(plan)
        seconds = trainer.estimate()
        print(
            f"{plan.network}: {trainer.args.steps - trainer.step} steps of {trainer.epoch_steps} "
            f"an epoch, at most {spoken_time(seconds)} on {self.device}; it ends earlier when "
            f"validation stops falling / 最多 {trainer.args.steps - trainer.step} 步，"
            "验证损失不再下降时提前结束",
            flush=True,
        )
        began = time.monotonic()
        if not trainer.run():
            raise KeyboardInterrupt
        losses = trainer.losses()
        result = {"first": losses[0], "best": min(losses), "steps": trainer.step}
        plan.finished.write_text(json.dumps(result), encoding="utf-8")
        print(
            f"{plan.network}: validation loss {losses[0]:.4f} -> {min(losses):.4f} after "
            f"{trainer.step} steps, {spoken_time(time.monotonic() - began)}"
            f" / 验证损失 {losses[0]:.4f} -> {min(losses):.4f}",
            flush=True,
        )

    def release(self, plans, vector) -> None:
        from cosyvoice.training.release import release

        weights = {plan.network: plan.best for plan in plans if plan.best.exists()}
        history = {
            "from": self.source.folder.resolve().name,
            "speaker": self.arguments.speaker,
            "recordings": len(self.pairs),
            "minutes": round(self.seconds / 60, 1),
            "validation_loss": {
                plan.network: json.loads(plan.finished.read_text("utf-8")) for plan in plans
            },
            "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        out, speaker = self.arguments.out, self.arguments.speaker
        release(self.source, out, weights, speaker, vector, history)
        print(
            f"{out}: ready / 已完成\n"
            f"  python all_api.py --model_dir {out}\n"
            f'  python -m cosyvoice say "你好" --model {out} --voice {speaker} -o hello.wav\n'
            f"{self.work} can be deleted / 可以删除"
        )


def spoken_time(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
