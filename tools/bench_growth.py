"""How time grows with the length of what is spoken, and with the requests at once.

    python -m tools.bench_growth --random 300m-25hz
    python -m tools.bench_growth pretrained_models/CosyVoice-Mini-25Hz --callers 1 2 4 8

Models and inputs are those of tools/bench.py. Prints two tables in Markdown: whole utterances of
--lengths seconds, alone and after a reference of 3 s, and --callers who ask the engine for a stream
of --seconds at the same moment. CPU seconds are of all threads.
"""

import cosyvoice  # noqa: F401  # before torch: it tells torch's libraries how to run

# isort: split
import argparse
import logging
import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import torch

from tools import bench
from tools.servers import usage

LENGTHS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)  # seconds
CALLERS = (1, 2, 4, 8)
SECONDS = 5.0  # that each caller hears


def lengths(measured: bench.Bench, seconds: Iterable[float]) -> Iterable[list[str]]:
    """Rows of utterances: seconds of sound, then wall and CPU seconds for each of them."""
    for length in seconds:
        measured.set_length(length)
        row = [f"{length:g} s"]
        for prompt_seconds in (0, bench.PROMPT_SECONDS):
            torch.manual_seed(0)
            with bench.Clock() as clock:
                for _ in measured.speak(stream=False, prompt_seconds=prompt_seconds):
                    pass
            row += [f"{clock.wall / length:.2f}", f"{clock.cpu / length:.2f}"]
        yield [*row, f"{usage([os.getpid()])['memory']:.0f} MB"]


def callers(measured: bench.Bench, counts: Iterable[int], seconds: float) -> Iterable[list[str]]:
    """Rows of callers at once: seconds of sound made in a second, and those to the first sound."""
    measured.set_length(seconds)
    for count in counts:
        begin = Barrier(count)

        def listen(number: int, begin=begin) -> float:
            begin.wait()
            with bench.Clock() as first:
                stream = measured.speak(stream=True)
                next(stream)
            for _ in stream:
                pass
            return first.wall

        torch.manual_seed(0)
        with bench.Clock() as clock, ThreadPoolExecutor(count) as pool:
            firsts = sorted(pool.map(listen, range(count)))
        made = f"{count * seconds / clock.wall:.2f}"
        yield [str(count), made, f"{firsts[0]:.2f} s", f"{firsts[-1]:.2f} s"]


def print_table(heads: list[str], rows: Iterable[list[str]]):
    """Each row as soon as it is measured."""
    for row in (heads, ["---"] * len(heads)):
        print(f"| {' | '.join(row)} |")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print()


def main(argv: list[str] | None = None):
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench_growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("model_dir", nargs="?", type=Path)
    model.add_argument("--random", choices=bench.RANDOM, help="a published size, random weights")
    parser.add_argument("--precision", choices=bench.PRECISIONS, default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lengths", type=float, nargs="*", default=LENGTHS, metavar="SECONDS")
    parser.add_argument("--callers", type=int, nargs="*", default=CALLERS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="that each caller hears")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as made:
        folder = options.model_dir or Path(made)
        if options.random:
            bench.write_random(folder, yaml := bench.random_yaml(options.random, folder))
        else:
            yaml = bench.networks_of(folder)
        measured = bench.Bench(yaml, str(folder), options.seconds, options.precision)
        list(measured.speak(stream=True))  # what only the first one waits for
        print(f"{bench.machine(options.threads)}, {measured.model.precision}\n")
        if options.lengths:
            each = f"after {bench.PROMPT_SECONDS} s of reference"
            heads = ["speech", "seconds for each", "CPU", f"{each}", "CPU", "memory"]
            print_table(heads, lengths(measured, options.lengths))
        if options.callers:
            heads = ["callers", "seconds of sound in a second", "first sound", "of the last caller"]
            print_table(heads, callers(measured, options.callers, options.seconds))


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # that speech was cut at its token count is meant
    main()
