"""Whether an ONNX file is whole, without loading it.

The file is one protobuf message, a chain of (tag, length, bytes). Following the lengths reads a few
bytes of each part, so a file of 500 MB takes milliseconds and no memory. A download that broke off,
a page of HTML or another model's file is found; changed weights are not.
Source: onnx.proto (field numbers) and protobuf's encoding (wire types).
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

GRAPH, OPSETS = 7, 8  # of ModelProto
NODE, INITIALIZER, INPUT = 1, 5, 11  # of GraphProto
INITIALIZER_NAME, INPUT_NAME = 8, 1  # of TensorProto and ValueInfoProto
FIXED_BYTES = {1: 8, 5: 4}  # wire type -> bytes of the value


def check_onnx(path: str | Path, inputs: int) -> None:
    """Raise RuntimeError if the file is not one whole ONNX model with that number of inputs."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = count_inputs(data)
    except (ValueError, IndexError) as error:  # also for an empty file
        raise RuntimeError(
            f"{path} is damaged or not an ONNX model: download it again ({error})"
        ) from error
    if found != inputs:
        raise RuntimeError(
            f"{path} is another model's file: download it again "
            f"(it takes {found} inputs instead of {inputs})"
        )


def count_inputs(data: mmap.mmap | bytes) -> int:
    """The number of inputs of a model. Raises ValueError or IndexError for a file that is cut."""
    top = list(fields(data, 0, len(data)))
    graphs = [place for number, *place in top if number == GRAPH]
    if len(graphs) != 1 or not any(number == OPSETS for number, *_ in top):
        raise ValueError("it has no graph")
    parts = list(fields(data, *graphs[0]))
    if not any(number == NODE for number, *_ in parts):
        raise ValueError("its graph is empty")
    # files of old versions list their weights among the inputs
    weights = {
        name_in(data, place, INITIALIZER_NAME) for number, *place in parts if number == INITIALIZER
    }
    names = {name_in(data, place, INPUT_NAME) for number, *place in parts if number == INPUT}
    return len(names - weights)


def name_in(data, place, field: int) -> bytes:
    """The bytes of a field of the message at a place, b"" without one."""
    for number, start, end in fields(data, *place):
        if number == field:
            return bytes(data[start:end])
    return b""


def fields(data, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, first byte, end) of each field of the message in data[start:end]."""
    while start < end:
        tag, at = varint(data, start)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            _, start = varint(data, at)
        elif wire_type == 2:
            size, at = varint(data, at)
            start = at + size
        elif wire_type in FIXED_BYTES:
            start = at + FIXED_BYTES[wire_type]
        else:
            raise ValueError(f"no field begins at byte {start}")
        if start > end or not number:
            raise ValueError("it is cut off or overwritten")
        yield number, at, start


def varint(data, at: int) -> tuple[int, int]:
    """The number that begins there, seven bits a byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number is too long")
