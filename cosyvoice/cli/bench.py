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
    """Print the load time, the time to the first chunk of a stream, and its real-time factor."""
    if arguments.parts:
        return measure_parts(choose_model(arguments.model, may_download=True))
    begin = time.monotonic()
    engine = say.load(arguments.model)
    print(f"model loaded in      {time.monotonic() - begin:6.1f} s")
    speakers = engine.list_available_spks()
    if not speakers:
        raise ValueError(
            "this model has no speakers to measure with; use one that has (see `voices`)"
        )
    stream(engine, "你好。", speakers[0])  # to warm up
    first, total, seconds = stream(engine, arguments.text, speakers[0])
    print(f"first sound after    {first:6.2f} s")
    print(f"spoken               {seconds:6.1f} s in {total:.1f} s")
    print(f"real-time factor     {total / seconds:6.2f}   (below 1: faster than it is heard)")


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
