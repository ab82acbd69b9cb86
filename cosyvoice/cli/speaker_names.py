"""The names in a spk2info.pt, read without torch and without running anything that is in the file.

A file of torch.save is a pickle of {name: {"embedding": tensor}}, in a zip archive or, as old
versions wrote it, after three smaller pickles. Every class and function that the pickle names is
replaced by one that does nothing, so that only what is plain data remains.
"""

import pickle
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

OLD_HEADER = 3  # pickles before the value: magic number, version of the protocol, system


def speaker_names(path: Path) -> list[str]:
    """In the file's order; none when there is no file. Raises RuntimeError for a damaged one."""
    if not path.is_file():
        return []
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                data = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
                with archive.open(data) as file:
                    return names_of(file, skip=0)
        with path.open("rb") as file:
            return names_of(file, OLD_HEADER)
    except Exception as error:  # pickle has no one error for a bad file
        raise RuntimeError(f"{path} is damaged: download the model again ({error!r})") from error


def names_of(file, skip: int) -> list[str]:
    for _ in range(skip):
        PlainUnpickler(file).load()
    value = PlainUnpickler(file).load()
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__} in place of speakers")
    return [str(name) for name in value]


class Nothing:
    """Stands for any object that is not plain data."""

    def __new__(cls, *_: Any, **__: Any) -> "Nothing":
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any):
        pass

    def __setstate__(self, _: Any) -> None:
        pass


class PlainUnpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO):
        super().__init__(file, encoding="utf-8")

    def find_class(self, module: str, name: str) -> type:
        return Nothing

    def persistent_load(self, pid: Any) -> Nothing:
        return Nothing()
