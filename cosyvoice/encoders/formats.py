"""Encoders beside MP3 and WAV, with the interface of Mp3Stream: Opus, FLAC and AAC by one ffmpeg each, PCM at another rate."""

import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import torch

from cosyvoice.utils.audio import resample

FFMPEG = {
    "opus": ["-c:a", "libopus", "-b:a", "64k", "-f", "ogg", "-page_duration", "200000"],
    "flac": ["-c:a", "flac", "-f", "flac"],
    "aac": ["-c:a", "aac", "-b:a", "96k", "-f", "adts"],
}
TYPES = {"opus": "audio/ogg", "flac": "audio/flac", "aac": "audio/aac"}
WHOLE = (
    "flac",
)  # sent when it is complete: many readers take a length of "unknown" for a very long one
LAST_BYTES = 30  # seconds ffmpeg may take to write its last bytes


class FfmpegStream:
    """One ffmpeg per stream: it writes to a file, so that it never waits for a reader, and what is new there is returned.

    It starts with the first sound. `end` stops it; who gives up earlier calls `close`. One thread at a time.
    """

    def __init__(self, kind: str, sample_rate: int, scratch: Path | None = None):
        self.kind, self.sample_rate, self.scratch, self.mimetype = (
            kind,
            sample_rate,
            scratch,
            TYPES[kind],
        )
        self.process = self.folder = self.made = None

    def feed(self, pcm: np.ndarray) -> bytes:
        if self.process is None:
            self._start()
        self.process.stdin.write(pcm.astype("<i2").tobytes())
        self.process.stdin.flush()
        return b"" if self.kind in WHOLE else self.made.read()

    def end(self) -> bytes:
        if self.process is None:
            return b""
        try:
            self.process.stdin.close()
            if code := self.process.wait(LAST_BYTES):
                raise RuntimeError(f"ffmpeg ended with {code} while it made {self.kind}")
            return self.made.read()
        finally:
            self.close()

    def close(self):
        """Stop, and drop what was not read; may be called again."""
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.made.close()
            self.folder.cleanup()
            self.process = None

    def _start(self):
        self.folder = tempfile.TemporaryDirectory(
            prefix=f"{self.kind}-", dir=self.scratch, ignore_cleanup_errors=True
        )
        self.made = open(path := Path(self.folder.name) / "sound", "w+b", buffering=0)
        command = [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-f",
            "s16le",
            "-ar",
            str(self.sample_rate),
            "-ac",
            "1",
            "-i",
            "pipe:0",
            *FFMPEG[self.kind],
            "-flush_packets",
            "1",
            "-y",
            str(path),
        ]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


class ResampledPcm:
    """int16 samples at another rate, little endian. The joints cannot be heard: the sum of the parts is the resampled whole.

    The filter is 7 samples wide to both sides, so one period of the ratio (147 samples of 22,050 Hz) before and after is enough.
    """

    mimetype = "audio/pcm"

    def __init__(self, from_rate: int, to_rate: int):
        self.rates = from_rate, to_rate
        common = np.gcd(from_rate, to_rate)
        self.old, self.new = int(from_rate // common), int(to_rate // common)
        self.pcm, self.history = (
            np.zeros(0, np.int16),
            0,
        )  # samples kept, of which the first were sent already

    def feed(self, pcm: np.ndarray) -> bytes:
        self.pcm = np.concatenate([self.pcm, pcm])
        final = max(self.history, (len(self.pcm) // self.old - 1) * self.old)
        data = self._resampled(final)
        keep = max(0, final - self.old)
        self.pcm, self.history = self.pcm[keep:], final - keep
        return data

    def end(self) -> bytes:
        return self._resampled(None)

    def _resampled(self, final: int | None) -> bytes:
        if final == self.history or not len(self.pcm):
            return b""
        sound = resample(torch.from_numpy(self.pcm.astype(np.float32))[None], *self.rates)[0]
        begin, end = (
            self.history * self.new // self.old,
            None if final is None else final * self.new // self.old,
        )
        return sound[begin:end].round().clamp(-32768, 32767).numpy().astype("<i2").tobytes()
