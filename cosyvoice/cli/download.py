"""`python -m cosyvoice download`: an official model into pretrained_models/."""

import sys
from argparse import Namespace
from pathlib import Path

from cosyvoice.cli import model_list
from cosyvoice.cli.model_list import DOWNLOADABLE, Layout


def download(arguments: Namespace) -> None:
    """ModelScope shows the progress of each file and goes on with one that was begun."""
    model = DOWNLOADABLE[arguments.name]
    layout = model.family.layout
    folder = model_list.PRETRAINED / model.name
    print(f"asking modelscope.cn for {model.model_id}", flush=True)
    try:
        model_list.download(
            model.model_id,
            local_dir=str(folder),
            allow_patterns=[*layout.needed, *layout.optional],
        )
    except Exception as error:  # of many libraries
        sys.exit(
            f"the download stopped ({type(error).__name__}: {error})\n"
            "check the network and the room on the disk, then run the same command again to go on; "
            f"or put the files of https://modelscope.cn/models/{model.model_id} into {folder}"
        )
    if missing := missing_files(folder, layout):
        sys.exit(f"{folder} lacks {', '.join(missing)}; run the same command again")
    print(f"{folder}: complete")


def missing_files(folder: Path, layout: Layout) -> list[str]:
    """The needed files that are absent or empty."""
    paths = {name: folder / name for name in layout.needed}
    return [name for name, path in paths.items() if not path.is_file() or not path.stat().st_size]
