"""Model files: found or named in the error, read without executing anything in them."""

from pathlib import Path
from zipfile import is_zipfile

import torch


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
    """The text of a cosyvoice.yaml; what it calls whisper's tokenizer is ours, so that openai-whisper is not needed."""
    text = need(path).read_text(encoding="utf-8")
    return text.replace(
        "whisper.tokenizer.get_tokenizer", "cosyvoice.tokenizer.tokenizer.get_whisper_tokenizer"
    )


def read_weights(path: str | Path) -> dict:
    """A dict that torch.save wrote, mapped into memory on the CPU; packed floats (half precision, int8) become float32.

    Raises FileNotFoundError, or RuntimeError for a file that is damaged or holds more than plain data.
    """
    path = need(path)
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
        return unpack_int8(widen(dict(weights)))
    except Exception as error:  # torch.load has no one error for a bad file
        raise RuntimeError(
            f"{path} is damaged or not a file of weights: download it again ({error!r})"
        ) from error


def unpack_int8(weights: dict) -> dict:
    """Multiply each int8 tensor that has a `<name>.int8_scale` beside it by that scale, one a row; see tools/mini/pack_model.py."""
    for key in [key for key in weights if str(key).endswith(".int8_scale")]:
        name, scale = key.removesuffix(".int8_scale"), weights.pop(key)
        weights[name] = weights[name] * scale.reshape(-1, *[1] * (weights[name].dim() - 1))
    return weights


def widen(value):
    if isinstance(value, dict):
        return {key: widen(item) for key, item in value.items()}
    half = isinstance(value, torch.Tensor) and value.dtype in (torch.float16, torch.bfloat16)
    return value.float() if half else value
