"""The embedded small model from nothing: pinned packages -> speech with labels -> training tables -> a model directory.

Each stage is one command, resumable, and reads and writes below one work folder (see each module for its files); docs/mini-model.md has them all, in order.
"""

from pathlib import Path


def made(path: Path, stage: str) -> Path:
    """The path of what a stage of training needs; FileNotFoundError names the command that makes it."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing; make it with: python -m tools.mini.{stage} --work {path.parent}"
        )
    return path
