"""`python -m cosyvoice bench`: how fast a model speaks on this computer."""

import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

from cosyvoice.cli import say
from cosyvoice.cli.model_list import choose_model

TEXT = "清晨的风从山谷里吹来，带着青草和泥土的气息。新的一天，就从这一句问候开始。"
PARTS_TOOL = Path(__file__).resolve().parents[2] / "tools" / "bench.py"


def bench(arguments: Namespace) -> None:
    """Print how fast a stream is in each precision that this computer can do, and the best."""
    if arguments.parts:
        return measure_parts(choose_model(arguments.model, may_download=True))
    folder = choose_model(arguments.model, may_download=True)
    print(f"{'precision':10} {'load':>8} {'first sound':>12} {'real-time factor':>18}")
    factors = {name: measure(name, folder, arguments.text or TEXT) for name in worth_measuring()}
    best = min(factors, key=lambda name: factors[name])
    print(f"a real-time factor below 1 is faster than it is heard; best here: PRECISION={best}")


def worth_measuring() -> list[str]:
    """The precisions that do not turn into float32 here; `auto` is one of them."""
    from cosyvoice.utils.precision import NOT_ON, PRECISIONS, best_device, missing_for

    kind = best_device().type
    possible = [name for name in PRECISIONS if name not in ("auto", NOT_ON.get(kind))]
    return [name for name in possible if kind != "cpu" or not missing_for(name)]


def measure(precision: str, folder: str, text: str) -> float:
    """Print a line about one precision; returns its real-time factor."""
    begin = time.monotonic()
    engine = say.load(folder, precision)
    load = time.monotonic() - begin
    speakers = engine.list_available_spks()
    if not speakers:
        raise ValueError(
            "this model has no speakers to measure with; use one that has (see `voices`)"
        )
    stream(engine, "你好。", speakers[0])  # to warm up
    first, total, seconds = stream(engine, text, speakers[0])
    factor = total / seconds
    print(f"{precision:10} {load:6.1f} s {first:10.2f} s {factor:18.2f}   {engine.precision}")
    return factor


def measure_parts(folder: str) -> None:
    """Measure each network by itself."""
    if not PARTS_TOOL.is_file():
        raise FileNotFoundError(
            f"{PARTS_TOOL} not found: --parts needs the whole project, not the package alone"
        )
    if status := subprocess.run([sys.executable, str(PARTS_TOOL), folder]).returncode:
        sys.exit(status)


def stream(engine, text: str, speaker: str) -> tuple[float, float, float]:
    """Seconds to the first chunk, to the last, and of sound."""
    begin, first, samples = time.monotonic(), 0.0, 0
    for chunk in engine.inference_sft(text, speaker, stream=True, seed=0):
        first = first or time.monotonic() - begin
        samples += chunk["tts_speech"].shape[1]
    return first, time.monotonic() - begin, samples / engine.sample_rate
