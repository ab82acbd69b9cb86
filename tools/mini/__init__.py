"""The small model from nothing: pinned packages -> speech with labels -> tables -> a model
directory.

data/ makes the speech and the training tables, hearing/ trains what hears speech (voices, sounds,
pitch, tokens), and training/ trains the networks that speak and packs the model. Each imports only
from those before it.

Each stage is a command. It can be resumed, and reads and writes files of one work folder, which its
module lists. docs/mini-model.md has all commands in order.
"""

from pathlib import Path

CONFIG = Path(__file__).with_name("cosyvoice.yaml")  # the model's, with what training needs


def required(path: Path, command: str) -> Path:
    """The path of a file that a stage needs; FileNotFoundError says which command makes it.

    command: without `python -m tools.mini.` and --work, such as "hearing.listener".
    """
    if not path.exists():
        raise FileNotFoundError(
            f"{path} not found: make it with python -m tools.mini.{command} --work {path.parent}"
        )
    return path
