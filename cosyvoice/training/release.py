"""A trained voice as a model directory in the official layout.

It is made under another name beside its place and renamed when it is whole. Files of the source
that training does not change are hard links where the disk can, else copies. What else begins as
the trained networks' files do (exports for other runtimes, other trainings) is left out: it holds
the weights of before.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

from torch import Tensor

from cosyvoice.cli.model_list import NETWORKS
from cosyvoice.training.source import Source
from cosyvoice.utils.files import read_dict, save_whole

HISTORY = "training.json"
EXPORTS = tuple(f"{network}." for network in NETWORKS)  # beginnings of names
READABLE = 0o644
INSTRUCT_MARK = "-Instruct"  # in the name of a model that follows instructions


def release(
    source: Source, out: Path, weights: dict[str, Path], speaker: str, vector: Tensor, history: dict
) -> None:
    """Write the directory `out`, which must not exist.

    weights: by network, plain weights to take in place of the source's. vector: (1, 192) of the new
    speaker. history: how it was made, for training.json.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        fill(folder, source, weights, speaker, vector, history)
        os.chmod(folder, 0o755)
        if out.exists():
            raise FileExistsError(f"{out} is there already")
        os.rename(folder, out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def fill(folder: Path, source: Source, weights, speaker, vector, history) -> None:
    for path in sorted(source.folder.rglob("*")):
        if path.is_file() and belongs(path.relative_to(source.folder), source):
            link(path.resolve(), folder / path.relative_to(source.folder))
    for network in NETWORKS:
        link(weights.get(network, source.folder / f"{network}.pt"), folder / f"{network}.pt")
    save_whole(speakers(source, speaker, vector), folder / source.layout.speakers, READABLE)
    write_config(folder, source)
    text = json.dumps(history, ensure_ascii=False, indent=1)
    (folder / HISTORY).write_text(text, encoding="utf-8")


def belongs(name: Path, source: Source) -> bool:
    """Whether a file of the source is one of the new directory as it is."""
    made = (source.layout.speakers, source.layout.config, HISTORY)
    hidden = any(part.startswith(".") for part in name.parts)
    return not (hidden or str(name) in made or str(name).startswith(EXPORTS))


def link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(path, target)


def speakers(source: Source, name: str, vector: Tensor) -> dict:
    stored = source.folder / source.layout.speakers
    known = read_dict(stored) if stored.is_file() else {}
    return {**known, name: {"embedding": vector}}


def write_config(folder: Path, source: Source) -> None:
    """The source's YAML, saying what the engine would read off the name of the source's folder."""
    text = source.config_path.read_text(encoding="utf-8")
    named = INSTRUCT_MARK in source.folder.name + source.folder.resolve().name
    if named and "supports_instruct" not in source.config:
        text += "\nsupports_instruct: True\n"
    (folder / source.layout.config).write_text(text, encoding="utf-8")
