"""What travels between the service and a replica: plain Python values and numpy arrays.

No path, no open file and no class of ours is sent, so that both ends may be of different versions
and a replica needs nothing that the service has.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cosyvoice.utils import errors
from cosyvoice.utils.errors import InputError

PLAIN = (str, int, float, bool, type(None), np.ndarray)


def pack(value: Any) -> Any:
    """The value with tensors as arrays. Raises TypeError for what must not travel, such as a path.

    Tensors are of types that numpy has, as those of references, voices and sound are.
    """
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, Mapping):
        return {key: pack(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [pack(each) for each in value]
    if not isinstance(value, PLAIN):
        raise TypeError(f"a {type(value).__name__} cannot be sent to a replica: send an array")
    return value


def unpack(value: Any) -> Any:
    """What pack() was given, with lists in place of tuples. Tensors own their memory."""
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    if isinstance(value, dict):
        return {key: unpack(each) for key, each in value.items()}
    if isinstance(value, list):
        return [unpack(each) for each in value]
    return value


def pack_error(error: InputError) -> dict:
    """An error of ours as plain values: its class's name and what the class is called with."""
    return {"kind": type(error).__name__, **vars(error)}


def unpack_error(packed: dict) -> InputError:
    """The same error again; an InputError when this version has no such class."""
    values = dict(packed)
    kind = getattr(errors, values.pop("kind"), None)
    if isinstance(kind, type) and issubclass(kind, InputError):
        return kind(**values)
    return InputError(values["en"], values["zh"])
