"""`python -m cosyvoice download`: an official model into pretrained_models/."""

import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from cosyvoice.cli import model_list
from cosyvoice.cli.model_list import DOWNLOADABLE, Layout


def download(arguments: Namespace) -> None:
    """ModelScope shows the progress of each file and goes on with one that was begun."""
    model = DOWNLOADABLE[arguments.name]
    layout = model.family.layout
    folder = model_list.PRETRAINED / model.name
    model_id = f"{model.model_id}@{arguments.revision or model.revision}"
    print(f"asking modelscope.cn for {model_id}; files that are here are checked", flush=True)
    try:
        model_list.download(model_id, folder)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"what was downloaded is kept in {folder}; run the same command again to go on"
        ) from None
    finally:
        with suppress(OSError):  # it holds files
            folder.rmdir()  # an empty folder would count as a damaged model
    if missing := missing_files(folder, layout):
        sys.exit(f"{folder} lacks {', '.join(missing)}; run the same command again")
    print(f"{folder}: complete, with the sizes and digests of the hub's list")


def missing_files(folder: Path, layout: Layout) -> list[str]:
    """The needed files that are absent or empty."""
    paths = {name: folder / name for name in layout.needed}
    return [name for name, path in paths.items() if not path.is_file() or not path.stat().st_size]
