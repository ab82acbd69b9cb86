"""Sounds for the tests: making them, decoding them, comparing them."""

import io
import subprocess
import wave

import numpy as np
import soundfile
import torch
from imageio_ffmpeg import get_ffmpeg_exe

from tests.support.fake_engine import RATE, tone

DELAY = 1105  # samples of the encoder and the decoder together


def wav_bytes(seconds: float = 3.0, rate: int = 16000, channels: int = 1, **options) -> bytes:
    t = np.arange(int(seconds * rate)) / rate
    sound = 0.5 * np.sin(2 * np.pi * 220 * t)[:, None].repeat(channels, 1)
    soundfile.write(file := io.BytesIO(), sound, rate, **{"format": "WAV", **options})
    return file.getvalue()


def shown_by_ffmpeg(path) -> str:
    """What ffmpeg says about a file: its tags, chapters and streams."""
    command = [get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True).stderr.decode()


def pcm_of(chunks: int = 3, size: int = 30000, seed: int = 0) -> np.ndarray:
    return (tone(0, chunks * size, seed)[0] * 32767).round().astype(np.int16)


def read_wav(data: bytes, rate: int = RATE) -> np.ndarray:
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (rate, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def decode(data: bytes, rate: int = 22050) -> tuple[np.ndarray, str]:
    """The samples of an MP3 file, and the warnings of the decoder."""
    command = [
        get_ffmpeg_exe(),
        "-v",
        "warning",
        "-f",
        "mp3",
        "-i",
        "pipe:0",
        "-f",
        "s16le",
        "-ar",
        str(rate),
        "pipe:1",
    ]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.int16), done.stderr.decode()


def snr(wanted: np.ndarray, got: np.ndarray) -> float:
    wanted, got = wanted.astype(float), got.astype(float)
    return 10 * np.log10((wanted**2).mean() / ((wanted - got) ** 2).mean())


def take(*parts: tuple[float, float], noise: float = 0.0) -> torch.Tensor:
    """Tones of (seconds, amplitude) one after the other, (1, N)."""
    sound = [
        amplitude * torch.sin(2 * torch.pi * 200 * torch.arange(int(seconds * 16000)) / 16000)
        for seconds, amplitude in parts
    ]
    wav = torch.cat(sound)[None]
    return wav + noise * torch.randn(wav.shape, generator=torch.Generator().manual_seed(0))


def speech(seconds: float, amplitude: float = 0.4) -> torch.Tensor:
    """Words of 0.8 s and pauses of 0.4 s."""
    return take(*[(0.8, amplitude), (0.4, 0.0)] * round(seconds / 1.2))
