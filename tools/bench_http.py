"""What the service costs beside the model: time to the first byte, sound per CPU second.

    python tools/bench_http.py                         # the service with the tests' fake engine
    python tools/bench_http.py --model DIR             # the service with a model
    python tools/bench_http.py --url http://host:9883  # a running service, without the CPU column

The fake engine takes no time; a model's own work is counted too. Prints one row per kind of answer
and number of listeners, and how soon /health answers while as many requests generate as may.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
PREFIX_BYTES = 1 << 14


def speak(url: str, text: str, speaker: str, stream: bool) -> tuple[float, float, int]:
    """Seconds to the first byte of sound and to the last, and bytes."""
    body = {"mode": "预训练音色", "tts_text": text, "spk_id": speaker, "stream": str(stream)}
    request = urllib.request.Request(
        url + "/generate_audio", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    begin = time.perf_counter()
    with urllib.request.urlopen(request, timeout=600) as answer:
        size, first = len(answer.read(1)), time.perf_counter() - begin
        while block := answer.read1(PREFIX_BYTES):
            size += len(block)
    return first, time.perf_counter() - begin, size


def seconds_of(size: int, stream: bool, kbps: int, sample_rate: int) -> float:
    return size * 8 / 1000 / kbps if stream else (size - 44) / 2 / sample_rate


class Service:
    """all_api.py in a process of its own, with a model or with the fake engine of the tests."""

    def __init__(self, listeners: int, model: str | None):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        environ = {
            **os.environ,
            "COSYVOICE_MODEL": model or self.folder.name,
            "OUTPUT_DIR": f"{self.folder.name}/output",
            "PORT": str(port),
            "STORE_DIR": f"{self.folder.name}/store",
            "MAX_QUEUE": str(listeners),
        }
        self.process = subprocess.Popen(
            [sys.executable, *(["all_api.py"] if model else ["-m", "tests.support.fake_server"])],
            cwd=ROOT,
            env=environ,
            stderr=subprocess.DEVNULL,
        )
        self.url = f"http://127.0.0.1:{port}"

    def cpu(self) -> float:
        """CPU seconds of the process and of the encoders it has run; Linux only."""
        try:
            ticks = (
                Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:15]
            )
            return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        except FileNotFoundError:
            return 0.0

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def wait_ready(url: str, seconds: float = 300.0) -> dict:
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url + "/ready", timeout=5) as answer:
                return json.load(answer)
        except OSError as error:
            if time.monotonic() > end:
                raise SystemExit(f"{url} is not ready after {seconds:g} s") from error
            time.sleep(0.2)


def measure(
    url: str, text: str, speaker: str, stream: bool, listeners: int, requests: int, cpu
) -> dict:
    """One row of the table."""
    speak(url, text, speaker, stream)
    begin, cpu_begin = time.perf_counter(), cpu()
    with ThreadPoolExecutor(listeners) as pool:
        work = pool.map(lambda _: speak(url, text, speaker, stream), range(requests))
        results = list(
            tqdm(
                work, total=requests, leave=False, desc=f"{'mp3' if stream else 'wav'} x{listeners}"
            )
        )
    return {
        "wall": time.perf_counter() - begin,
        "cpu": cpu() - cpu_begin,
        "first": sorted(r[0] for r in results),
        "size": sum(r[2] for r in results),
    }


def health_while_generating(url: str, text: str, speaker: str, generating: int) -> list[float]:
    """Sorted seconds that /health took, asked again and again while so many requests generate."""
    took = []
    with ThreadPoolExecutor(generating) as pool:
        work = [pool.submit(speak, url, text, speaker, True) for _ in range(generating)]
        while not all(job.done() for job in work):
            begin = time.perf_counter()
            with urllib.request.urlopen(url + "/health", timeout=60) as answer:
                answer.read()
            took.append(time.perf_counter() - begin)
            time.sleep(0.02)
    return sorted(took)


def quantile(values: list, share: float) -> str:
    """Of sorted seconds, in ms."""
    return f"{values[int(len(values) * share)] * 1000:.0f} ms"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--url", help="a running service; without it one is started with the fake engine"
    )
    parser.add_argument("--model", help="a model directory to start the service with")
    parser.add_argument(
        "--text",
        help="what to speak; the default makes the fake engine yield 40 s in chunks of 2 s",
    )
    parser.add_argument("--speaker", default="中文女")
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--listeners", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--generating", type=int, default=2, help="MAX_CONCURRENT of the service")
    parser.add_argument("--kbps", type=int, default=96, help="MP3_BITRATE of the service")
    options = parser.parse_args()
    own = None if options.url else Service(max(options.listeners), options.model)
    real = options.url or options.model
    text = options.text or ("你好，很高兴认识你。" if real else "{chunks=20 size=44100}")
    try:
        url = options.url or own.url
        about = wait_ready(url)
        print(
            "| answer | listeners | first byte, median | 95 % "
            "| sound per wall second | sound per CPU second |\n|---|---|---|---|---|---|"
        )
        for stream in (True, False):
            for listeners in options.listeners:
                row = measure(
                    url,
                    text,
                    options.speaker,
                    stream,
                    listeners,
                    options.requests,
                    own.cpu if own else lambda: 0.0,
                )
                sound = seconds_of(row["size"], stream, options.kbps, about["sample_rate"])
                cells = (
                    "MP3 stream" if stream else "WAV",
                    str(listeners),
                    quantile(row["first"], 0.5),
                    quantile(row["first"], 0.95),
                    f"{sound / row['wall']:.1f}",
                    f"{sound / row['cpu']:.0f}" if row["cpu"] else "-",
                )
                print(f"| {' | '.join(cells)} |", flush=True)
        took = health_while_generating(
            url,
            text * 20 if real else "{chunks=50 size=22050 delay=0.1}",
            options.speaker,
            options.generating,
        )
        print(
            f"\n/health while {options.generating} generate: median {quantile(took, 0.5)}, "
            f"95 % {quantile(took, 0.95)}, of {len(took)}"
        )
    finally:
        if own:
            own.stop()


if __name__ == "__main__":
    main()
