"""What the process asks of its libraries is asked in time, and memory goes back to the system."""

import os
import subprocess
import sys

import pytest
import torch

from cosyvoice.utils import process

LINUX = pytest.mark.skipif(process.glibc() is None, reason="needs Linux with glibc")
REPORT = """import os, sys, cosyvoice
print(*(os.environ.get(name) for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")))
print("torch" in sys.modules)"""


@pytest.mark.parametrize(
    "given, used",
    [
        ({}, ["PASSIVE", "1000"]),
        ({"GOMP_SPINCOUNT": "5"}, ["PASSIVE", "5"]),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ["ACTIVE", "None"]),
    ],
)
def test_threads_sleep_soon_without_work_unless_the_user_says_otherwise(given, used):
    environ = dict(os.environ)
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        environ.pop(name, None)
    shown = subprocess.run(
        [sys.executable, "-c", REPORT], env={**environ, **given}, capture_output=True, text=True
    )
    assert shown.stdout.split() == [*used, "False"]  # torch is not imported yet


def resident(tensor) -> int:
    """Bytes of the process that are in memory, after every value was read."""
    assert tensor.isfinite().all()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@LINUX
def test_dropped_pages_of_a_mapped_file_leave_memory_and_stay_readable(tmp_path):
    torch.save({"weight": torch.ones(10_000_000)}, tmp_path / "weights.pt")
    weight = torch.load(tmp_path / "weights.pt", mmap=True)["weight"]
    before = resident(weight)
    process.drop_pages(weight)
    assert resident(torch.ones(1)) < before - 30_000_000
    assert weight.sum() == 10_000_000


@LINUX
def test_memory_that_was_freed_goes_back_to_the_system():
    held = [torch.ones(1_000_000) for _ in range(40)]
    before = resident(held[0])
    del held
    process.trim()
    assert resident(torch.ones(1)) < before - 80_000_000


def test_threads_are_as_many_as_before_afterwards():
    before = torch.get_num_threads()
    with process.threads(3):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before
    with pytest.raises(ValueError), process.threads(3):
        raise ValueError
    assert torch.get_num_threads() == before
