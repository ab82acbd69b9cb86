"""Model files: found or named in the error, read without executing anything, written whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch

from cosyvoice.utils.whole_file import whole_file


def need(path: str | Path) -> Path:
    """The path of a model file that must exist."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} not found: put the model's files in {path.parent}, as "
            f"`modelscope download --model iic/CosyVoice-300M-25Hz --local_dir {path.parent}` does"
        )
    return path


def read_yaml(path: str | Path) -> str:
    """The text of a cosyvoice.yaml, with our tokenizer in place of openai-whisper's."""
    text = need(path).read_text(encoding="utf-8")
    return text.replace(
        "whisper.tokenizer.get_tokenizer", "cosyvoice.tokenizer.tokenizer.get_whisper_tokenizer"
    )


def read_weights(path: str | Path) -> dict:
    """A network's weights, mapped into memory; packed floats (half precision, int8) become float32.

    Raises FileNotFoundError, or RuntimeError for a file that is damaged or holds more than plain
    data.
    """
    return read_dict(path, lambda weights: unpack_int8(widen(weights)), is_zipfile(need(path)))


def read_dict(path: str | Path, convert: Callable[[dict], dict] = dict, mmap=False) -> dict:
    """A dict of plain data that torch.save wrote, on the CPU. Raises as read_weights does."""
    path = need(path)
    try:
        return convert(dict(torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)))
    except Exception as error:  # torch.load has no one error for a bad file
        raise RuntimeError(
            f"{path} is damaged or not a file of weights: download it again ({error!r})"
        ) from error


def save_whole(value: Any, path: str | Path, mode: int = 0o600) -> None:
    """torch.save a value, whole or not at all; readers see the old file or the new one."""
    with whole_file(Path(path), mode) as file:
        torch.save(value, file)


def unpack_int8(weights: dict) -> dict:
    """Multiply each int8 tensor by the `<name>.int8_scale` beside it, one value for each row.

    tools/mini/training/pack_model.py writes them.
    """
    for key in [key for key in weights if str(key).endswith(".int8_scale")]:
        name, scale = key.removesuffix(".int8_scale"), weights.pop(key)
        weights[name] = weights[name] * scale.reshape(-1, *[1] * (weights[name].dim() - 1))
    return weights


def widen(value):
    if isinstance(value, dict):
        return {key: widen(item) for key, item in value.items()}
    half = isinstance(value, torch.Tensor) and value.dtype in (torch.float16, torch.bfloat16)
    return value.float() if half else value
