"""Starts with a faulty setting or file: each ends soon, with a sentence and without a traceback."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.stress import Row

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "pretrained_models/CosyVoice-Mini-25Hz"
SECONDS = 5.0  # in which a faulty start must have ended
PATIENCE = 60.0


def faults(folder: Path) -> dict[str, dict[str, str]]:
    """What is wrong -> the settings that make it so."""
    file = folder / "file"
    file.write_text("not a folder")
    keys = folder / "keys.json"
    keys.write_text('{"key": ')
    damaged = folder / "damaged"
    shutil.copytree(MODEL, damaged)
    encoder = damaged / "campplus.onnx"
    encoder.write_bytes(encoder.read_bytes()[:100_000])
    return {
        "OUTPUT_DIR is a file": {"OUTPUT_DIR": str(file)},
        "STORE_DIR is a file": {"STORE_DIR": str(file)},
        "REFERENCE_DIR is a file": {"REFERENCE_DIR": str(file)},
        "API_KEYS_FILE is missing": {"API_KEYS_FILE": str(folder / "nowhere")},
        "API_KEYS_FILE is half written": {"API_KEYS_FILE": str(keys)},
        "half an OSS pair": {"OSS_ACCESS_KEY_ID": "id"},
        "no such model": {"COSYVOICE_MODEL": str(folder / "nowhere")},
        "campplus.onnx is cut off": {"COSYVOICE_MODEL": str(damaged)},
        "PORT is a word": {"PORT": "x"},
        "MP3_BITRATE is impossible": {"MP3_BITRATE": "7k"},
    }


def run(folder: Path) -> list[Row]:
    """One row for each fault. folder: an empty one, for the faulty files."""
    rows = []
    for fault, settings in faults(folder).items():
        environment = {"OUTPUT_DIR": str(folder / "output"), "STORE_DIR": str(folder / "store")}
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, "all_api.py"],
            cwd=ROOT,
            env={**os.environ, **environment, **settings},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        seconds = time.monotonic() - begin
        sentence = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
        is_told = bool(done.returncode) and " / " in sentence and "Traceback" not in done.stderr
        rows.append(
            Row(
                f"start: {fault}",
                f"ends within {SECONDS:g} s with a sentence",
                f"{seconds:.1f} s: {sentence[:100]}",
                is_told and seconds < SECONDS,
            )
        )
    return rows
