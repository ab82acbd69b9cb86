"""Encoders besides MP3 and WAV: Opus, FLAC and AAC by one ffmpeg each, PCM at another rate."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import imageio_ffmpeg
import numpy as np
import soxr

from cosyvoice.utils.errors import DISK_FULL

FFMPEG = {  # codec and container, as ffmpeg's options
    "opus": ["-c:a", "libopus", "-b:a", "64k", "-f", "ogg", "-page_duration", "200000"],
    "flac": ["-c:a", "flac", "-f", "flac"],
    "aac": ["-c:a", "aac", "-b:a", "96k", "-f", "adts"],
}
TYPES = {"opus": "audio/ogg", "flac": "audio/flac", "aac": "audio/aac", "mp3": "audio/mpeg"}
# Sent when they are complete: many readers take an "unknown" length for a very long one.
WHOLE = ("flac",)
LAST_BYTES = 30  # seconds ffmpeg may take to write its last bytes


def check_exit(ffmpeg: subprocess.Popen, seconds: float, doing: str) -> None:
    """Wait for its end. Raises OSError when the disk is full, RuntimeError for other failures.

    The exit code is 256 - errno when the system refused something. doing: for the message.
    """
    code = ffmpeg.wait(seconds)
    if 256 - code in DISK_FULL:
        raise OSError(256 - code, os.strerror(256 - code))
    if code:
        raise RuntimeError(f"ffmpeg ended with code {code} while {doing}")


@dataclass
class Ffmpeg:
    """A running ffmpeg and the file it writes to."""

    process: subprocess.Popen
    folder: tempfile.TemporaryDirectory
    output: BinaryIO

    def write(self, pcm: np.ndarray):
        assert self.process.stdin
        try:
            self.process.stdin.write(pcm.astype("<i2").tobytes())
            self.process.stdin.flush()
        except BrokenPipeError:  # it has ended
            check_exit(self.process, LAST_BYTES, "encoding")
            raise

    def finish(self):
        """Let it write the last bytes."""
        assert self.process.stdin
        self.process.stdin.close()
        check_exit(self.process, LAST_BYTES, "encoding")

    def stop(self):
        self.process.kill()
        self.process.communicate()
        self.output.close()
        self.folder.cleanup()


class FfmpegStream:
    """Encodes one stream by one ffmpeg, which starts with the first samples.

    ffmpeg writes to a file, so it never waits for a reader; what is new in the file is returned.
    `end` stops it. To give up earlier, call `close`, which also drops what was not read yet.
    """

    def __init__(
        self,
        kind: str,
        sample_rate: int,
        scratch: Path | None = None,
        options: Sequence[str] = (),
    ):
        """options: more of ffmpeg's, for the output."""
        self.kind, self.mimetype = kind, TYPES[kind]
        self.options = [*FFMPEG.get(kind, []), *options]
        self.sample_rate, self.scratch = sample_rate, scratch
        self.ffmpeg: Ffmpeg | None = None

    def feed(self, pcm: np.ndarray) -> bytes:
        if self.ffmpeg is None:
            self.ffmpeg = self._start()
        self.ffmpeg.write(pcm)
        return b"" if self.kind in WHOLE else self.ffmpeg.output.read()

    def flush(self) -> bytes:
        """What ffmpeg has written meanwhile; it keeps a little for itself."""
        return b"" if self.ffmpeg is None or self.kind in WHOLE else self.ffmpeg.output.read()

    def end(self) -> bytes:
        if self.ffmpeg is None:
            return b""
        try:
            self.ffmpeg.finish()
            return self.ffmpeg.output.read()
        finally:
            self.close()

    def close(self):
        if self.ffmpeg is not None:
            self.ffmpeg.stop()
            self.ffmpeg = None

    def _start(self) -> Ffmpeg:
        folder = tempfile.TemporaryDirectory(
            prefix=f"{self.kind}-", dir=self.scratch, ignore_cleanup_errors=True
        )
        path = Path(folder.name) / "sound"
        output = open(path, "w+b", buffering=0)
        options = f"-v error -f s16le -ar {self.sample_rate} -ac 1 -i pipe:0".split()
        process = subprocess.Popen(
            [
                imageio_ffmpeg.get_ffmpeg_exe(),
                *options,
                *self.options,
                *("-flush_packets", "1", "-y", str(path)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return Ffmpeg(process, folder, output)


class ContinuousMp3(FfmpegStream):
    """MP3 of much sound that is all there: one ffmpeg for it, where Mp3Stream starts many."""

    def __init__(self, sample_rate: int, bitrate: str, scratch: Path | None = None):
        options = ["-c:a", "libmp3lame", "-b:a", bitrate, "-write_xing", "0", "-f", "mp3"]
        super().__init__("mp3", sample_rate, scratch, options)


class ResampledPcm:
    """int16 samples at another rate, little endian.

    The parts together equal the whole resampled at once. Of the first 0.5 s of 22,050 Hz, all but
    17 ms come out of the first feed at 24,000 Hz; the rest follows.
    """

    mimetype = "audio/pcm"

    def __init__(self, from_rate: int, to_rate: int):
        # float32, since soxr adds noise to int16, which would differ from part to part
        self.stream = soxr.ResampleStream(from_rate, to_rate, 1, "float32")

    def feed(self, pcm: np.ndarray) -> bytes:
        return self._resample(pcm)

    def flush(self) -> bytes:
        return b""

    def end(self) -> bytes:
        return self._resample(np.zeros(0, np.int16), last=True)

    def close(self):
        """Nothing is held."""

    def _resample(self, pcm: np.ndarray, last: bool = False) -> bytes:
        samples = self.stream.resample_chunk(pcm.astype(np.float32), last)
        return samples.round().clip(-32768, 32767).astype("<i2").tobytes()
