"""2,000 recordings of distinct rates, lengths and formats, damaged ones too, and their memory.

Memory is what the service and its children hold, after a warm-up and at the end. Linux only.
"""

import io
import json
import os
import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from tools.stress import Row

UPLOADS = 2000
WARM_UP = 10  # every tenth of them is sent before the memory is measured
CALLERS = 8
DEADLINE = 140  # seconds; what is not sent by then is not sent
TIMEOUT = 30  # seconds that one answer may take
MOST_MB = 50  # that the memory may grow
SOON = 2.0  # seconds within which another caller's /health is to be answered
RATES = (3000, 200_000)  # Hz; some are refused
FORMATS = [
    *(("WAV", kind) for kind in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
    ("AIFF", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("MP3", "MPEG_LAYER_III"),
]
USUAL = (8000, 16000, 22050, 24000, 32000, 44100, 48000)  # Hz; MP3 and Ogg have no others
FIXED_RATE = ("MP3", "OGG")
MOST_VALUES = 1_600_000  # of a recording over all channels, at up to 8 bytes; MAX_BODY_MB is 20


def recording(number: int) -> bytes:
    """The file of that number: always the same, and another one than of any other number."""
    rng = random.Random(number)
    kind, subtype = rng.choice(FORMATS)
    rate = RATES[0] + number * (RATES[1] - RATES[0]) // UPLOADS
    rate = rng.choice(USUAL) if kind in FIXED_RATE else rate
    seconds = rng.choice((0.2, 1.0, 1.0, 3.0)) + number / UPLOADS
    channels = 1 if kind in FIXED_RATE else rng.choice((1, 1, 2, 8))
    if number % 100 == 0:
        seconds, channels = 31.0 if rate < 50_000 else 10.0, 1
    seconds = min(seconds, MOST_VALUES / (rate * channels))
    time_axis = np.arange(int(seconds * rate)) / rate
    sound = 0.4 * np.sin(2 * np.pi * 200 * time_axis) * (np.sin(5 * time_axis) > 0)
    sound = sound[:, None].repeat(channels, 1)
    file = io.BytesIO()
    try:
        soundfile.write(file, sound, rate, format=kind, subtype=subtype)
    except soundfile.LibsndfileError:  # the format has no such rate
        file = io.BytesIO()
        soundfile.write(file, sound, rate, format="WAV", subtype="PCM_16")
    data = bytearray(file.getvalue())
    if number % 10 == 0:
        data[rng.randrange(len(data))] ^= 0xFF
        del data[rng.randrange(1, len(data)) :]
    return bytes(data)


def upload(url: str, data: bytes) -> int:
    """The status of POST /voices/check; 0 for none."""
    head = (
        b'--x\r\nContent-Disposition: form-data; name="prompt_speech_16k"; filename="a.wav"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n"
    )
    request = urllib.request.Request(
        url + "/voices/check",
        head + data + b"\r\n--x--\r\n",
        {"Content-Type": "multipart/form-data; boundary=x"},
    )
    if key := os.environ.get("API_KEY"):
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.status if json.load(answer)["advice"] else 0
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, ValueError):  # the connection broke, or took too long
        return 0


def memory_mb(pid: int) -> float:
    """What a process and its children hold, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = int(status.split("VmRSS:")[1].split()[0])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return kilobytes / 1000 + sum(memory_mb(int(child)) for child in children)


def watch_health(url: str, over: threading.Event) -> float:
    """The longest time of an answer of /health until `over` is set."""
    longest = 0.0
    while not over.wait(0.2):
        begin = time.monotonic()
        try:
            urllib.request.urlopen(url + "/health", timeout=TIMEOUT).close()
        except OSError:
            return float("inf")
        longest = max(longest, time.monotonic() - begin)
    return longest


def run(url: str, pid: int) -> list[Row]:
    """The rows of the table. pid: of the service, for its memory."""
    deadline = time.monotonic() + DEADLINE

    def send(number: int) -> int | None:
        return upload(url, recording(number)) if time.monotonic() < deadline else None

    over = threading.Event()
    with ThreadPoolExecutor(CALLERS + 1) as pool:
        list(pool.map(send, range(0, UPLOADS, WARM_UP)))
        before = memory_mb(pid)
        health = pool.submit(watch_health, url, over)
        answers = Counter(pool.map(send, range(UPLOADS)))
        over.set()
    time.sleep(1)
    grown = memory_mb(pid) - before
    sent = UPLOADS - answers[None]
    bad = {status: n for status, n in answers.items() if status not in (200, 422, 503, None)}
    return [
        Row(
            "uploads: answers",
            f"{UPLOADS} recordings, each 200, 422 or 503",
            f"{sent} sent: " + ", ".join(f"{n} x {status}" for status, n in answers.most_common()),
            not bad and sent == UPLOADS and answers[200] > UPLOADS / 4,
        ),
        Row(
            "uploads: memory",
            f"at most {MOST_MB} MB more",
            f"{grown:+.0f} MB on {before:.0f} MB",
            grown <= MOST_MB,
        ),
        Row(
            "uploads: /health",
            f"within {SOON} s meanwhile",
            f"{health.result():.2f} s at most",
            health.result() <= SOON,
        ),
    ]
