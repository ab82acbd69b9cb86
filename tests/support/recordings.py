"""Folders of recordings of a voice: bursts of a tone with pauses, and a transcript beside each."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 24000
SENTENCES = [f"这是第{number}句要学的话。" for number in "一二三四五六七八九十百千万"]


def speech(seconds=3.0, hertz=150.0, rate=RATE) -> np.ndarray:
    """(N,) float: half a second of tone, then 0.1 s of nothing, again and again."""
    time = np.arange(int(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * hertz * time) * (time % 0.6 < 0.5)


def write_recordings(folder: Path, count=12, seconds=3.0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        write_recording(
            folder / f"r{number:02d}.wav", SENTENCES[number], speech(seconds, 120 + number)
        )
    return folder


def write_recording(path: Path, text: str | None, wav: np.ndarray, rate=RATE) -> Path:
    soundfile.write(path, wav, rate)
    if text is not None:
        path.with_suffix(".txt").write_text(text, encoding="utf-8")
    return path
