"""What this process asks of the C library, OpenMP and oneDNN, so that a service stays small.

prepare() must run before torch computes, best before it is imported: `import cosyvoice` does it.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

MEGABYTE = 1 << 20
PAGE_OUT = 21  # MADV_PAGEOUT of Linux: pages leave memory, and what they held can be read as before
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # numbers of mallopt()
KEPT = 8 * MEGABYTE  # free memory that is kept for the next request
KERNELS = 128  # that oneDNN keeps
MALLOC = {ARENA_MAX: 1, MMAP_THRESHOLD: 32 * MEGABYTE, TRIM_THRESHOLD: 64 * MEGABYTE}

ENVIRONMENT = {
    # oneDNN keeps a compiled kernel for each length of sound, 1,024 unless told otherwise. One
    # utterance needs about 80.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": str(KERNELS),
    # A thread without work sleeps soon. Threads that wait in a loop take the processor from those
    # with work: beside other busy processes an utterance took ten times as long.
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
}
# How often GNU's OpenMP looks for work before a thread sleeps, some 20 us: operators follow each
# other sooner than a thread wakes. Beside a busy process 1,000 cost the flow 15 %, 2,000 a third;
# on an idle machine streams are a quarter and a third faster than without.
LOOKS = 1000


def prepare() -> None:
    """Set what torch's libraries read when they are loaded, unless it is set already.

    glibc's malloc gets one arena instead of eight a processor: what one thread frees another can
    use. Buffers of sound come from it, not from the system, which would clear them at every use.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(LOOKS))
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if glibc() is not None:
        for option, bytes_or_count in MALLOC.items():
            glibc().mallopt(option, bytes_or_count)


def trim() -> None:
    """Give free memory back to the system but for some megabytes; after a request."""
    if glibc() is not None:
        glibc().malloc_trim(KEPT)


def return_memory() -> None:
    """Give all free memory back to the system, after networks were let go. Takes some 0.2 s.

    To be called in a thread that ends soon: torch keeps what it convolved until then.
    """
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    replace_kernels()
    if glibc() is not None:
        glibc().malloc_trim(0)


def replace_kernels() -> None:
    """Push the kernels of the networks, some 20 MB, out of oneDNN's cache by tiny ones.

    torch has no call that empties the cache.
    """
    import torch

    if not torch.backends.mkldnn.is_available():
        return
    weight = torch.zeros(1, 1, 1)
    for length in range(1, KERNELS + 1):
        torch.mkldnn_convolution(torch.zeros(1, 1, length), weight, None, [0], [1], [1], 1)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch compute with so many threads here; afterwards with as many as before."""
    import torch

    before = torch.get_num_threads()
    if count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def glibc() -> Any:
    """The C library of Linux, or None on other systems and beside other C libraries."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None


def drop_pages(tensor: "Tensor") -> None:
    """Let the memory of a tensor go that was read from a mapped file and is not needed soon.

    Its values stay readable: they are mapped again. Only Linux must be told.
    """
    if glibc() is None or tensor.device.type != "cpu":
        return
    page = os.sysconf("SC_PAGE_SIZE")
    start = -(-tensor.data_ptr() // page) * page
    pages = (tensor.data_ptr() + tensor.nbytes - start) // page
    if pages > 0:
        glibc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(pages * page), PAGE_OUT)
