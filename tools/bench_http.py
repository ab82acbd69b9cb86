"""What the service costs beside the model: time to the first byte, and seconds of sound per second of CPU.

    python tools/bench_http.py                        # starts the service with the tests' fake engine, which yields at once
    python tools/bench_http.py --url http://host:9883 # measures a running service from outside, without the CPU column

Prints one row per kind of answer and number of listeners.
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
    request = urllib.request.Request(url + "/generate_audio", json.dumps(body).encode(), {"Content-Type": "application/json"})
    begin = time.perf_counter()
    with urllib.request.urlopen(request, timeout=600) as answer:
        size, first = len(answer.read(1)), time.perf_counter() - begin
        while block := answer.read1(PREFIX_BYTES):
            size += len(block)
    return first, time.perf_counter() - begin, size


def seconds_of(size: int, stream: bool, kbps: int, sample_rate: int) -> float:
    return size * 8 / 1000 / kbps if stream else (size - 44) / 2 / sample_rate


class FakeService:
    """all_api.py with the fake engine of the tests, in a process of its own."""

    def __init__(self, listeners: int):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        environ = {**os.environ, "COSYVOICE_MODEL": self.folder.name, "OUTPUT_DIR": f"{self.folder.name}/output", "PORT": str(port),
                   "STORE_DIR": f"{self.folder.name}/store", "MAX_QUEUE": str(listeners)}
        self.process = subprocess.Popen([sys.executable, "tests/fake_server.py"], cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"

    def cpu(self) -> float:
        """CPU seconds of the process and of the encoders it has run; Linux only."""
        try:
            ticks = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:15]
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
        except OSError:
            if time.monotonic() > end:
                raise SystemExit(f"{url} is not ready after {seconds:g} s")
            time.sleep(0.2)


def measure(url: str, text: str, speaker: str, stream: bool, listeners: int, requests: int, cpu) -> dict:
    """One row of the table."""
    speak(url, text, speaker, stream)
    begin, cpu_begin = time.perf_counter(), cpu()
    with ThreadPoolExecutor(listeners) as pool:
        work = pool.map(lambda _: speak(url, text, speaker, stream), range(requests))
        results = list(tqdm(work, total=requests, leave=False, desc=f"{'mp3' if stream else 'wav'} x{listeners}"))
    return {"wall": time.perf_counter() - begin, "cpu": cpu() - cpu_begin, "first": sorted(r[0] for r in results), "size": sum(r[2] for r in results)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a running service; without it one is started with the fake engine")
    parser.add_argument("--text", help="what to speak; the default makes the fake engine yield 40 s in chunks of 2 s")
    parser.add_argument("--speaker", default="中文女")
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--listeners", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--kbps", type=int, default=96, help="MP3_BITRATE of the service")
    options = parser.parse_args()
    fake = None if options.url else FakeService(max(options.listeners))
    text = options.text or ("你好，很高兴认识你。" if options.url else "{chunks=20 size=44100}")
    try:
        url = options.url or fake.url
        about = wait_ready(url)
        print("| answer | listeners | first byte, median | 95 % | sound per wall second | sound per CPU second |\n|---|---|---|---|---|---|")
        for stream in (True, False):
            for listeners in options.listeners:
                row = measure(url, text, options.speaker, stream, listeners, options.requests, fake.cpu if fake else lambda: 0.0)
                sound, first = seconds_of(row["size"], stream, options.kbps, about["sample_rate"]), row["first"]
                per_cpu = f"{sound / row['cpu']:.0f}" if row["cpu"] else "-"
                print(f"| {'MP3 stream' if stream else 'WAV'} | {listeners} | {first[len(first) // 2] * 1000:.0f} ms | "
                      f"{first[int(len(first) * 0.95)] * 1000:.0f} ms | {sound / row['wall']:.0f} | {per_cpu} |")
    finally:
        if fake:
            fake.stop()


if __name__ == "__main__":
    main()
