"""PCM chunks -> one MP3 stream without joints, by pydub.

pydub encodes whole files: every export starts a new encoder, with its delay of 1105 samples and,
by default, a header. So each export repeats the last HISTORY frames, which warm the encoder up, and
only frames that no neighbour can change any more are sent, cut at frame borders. Without bit
reservoir (`-reservoir 0`) a frame stands alone. With 12 frames of history the result equals the
encode of the whole (measured: 97 dB between the two decodes). The encoder is ffmpeg from
imageio-ffmpeg's wheel; no system package is needed.
"""

import contextlib
import errno
import io
import subprocess
import tempfile
import threading
import warnings
from pathlib import Path

import imageio_ffmpeg
import numpy as np

with warnings.catch_warnings():  # about ffmpeg on the PATH, which is not used
    warnings.filterwarnings("ignore", "Couldn't find ffmpeg", RuntimeWarning)
    import pydub.audio_segment
    from pydub import AudioSegment

HISTORY = 12  # frames encoded again before the first new one
LOOKAHEAD = 2  # frames that still depend on the samples after them
TRIAL = 3.0  # seconds that ffmpeg may take to say its version
HOLD = 2.0  # seconds of sound, at most, that wait to be encoded in one go; see Mp3Stream
OPTIONS = ["-write_xing", "0", "-id3v2_version", "0", "-reservoir", "0", "-flags", "+bitexact"]
KBPS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG-1 layer III
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}  # MPEG-2 and 2.5
RATES = {0: (11025, 12000, 8000), 2: (22050, 24000, 16000), 3: (44100, 48000, 32000)}

DISK_FULL = ("No space left on device", "Disk quota exceeded")

with contextlib.suppress(RuntimeError):  # without ffmpeg check_encoder fails
    AudioSegment.converter = imageio_ffmpeg.get_ffmpeg_exe()
_scratch = threading.local()
_working: set[tuple[int, str]] = set()  # rates and bit rates that check_encoder has tried


def _temporary_file(*args, **options):
    """Make pydub's temporary files in the folder of an encode: pydub leaves them when it fails."""
    options["dir"] = getattr(_scratch, "folder", None)
    file = tempfile.NamedTemporaryFile(*args, **options)
    getattr(_scratch, "files", []).append(file)
    return file


pydub.audio_segment.NamedTemporaryFile = _temporary_file


def encode(pcm: np.ndarray, sample_rate: int, bitrate: str, scratch: Path | None = None) -> bytes:
    """int16 mono (N,) -> raw MP3 frames. Leaves no file in scratch.

    Raises pydub's CouldntEncodeError, or OSError.
    """
    segment = AudioSegment(pcm.tobytes(), sample_width=2, frame_rate=sample_rate, channels=1)
    _scratch.files = []
    with tempfile.TemporaryDirectory(
        prefix="mp3-", dir=scratch, ignore_cleanup_errors=True
    ) as _scratch.folder:
        try:
            return segment.export(
                io.BytesIO(), "mp3", bitrate=bitrate, parameters=OPTIONS
            ).getvalue()
        except pydub.exceptions.CouldntEncodeError as error:
            for reason in DISK_FULL:
                if reason in str(error):  # from ffmpeg's output
                    raise OSError(errno.ENOSPC, reason) from error
            raise
        finally:
            for file in _scratch.files:
                file.close()


def check_encoder(sample_rate: int, bitrate: str, scratch: Path | None = None):
    """Raise RuntimeError if this machine cannot encode MP3 at that rate; call it at start-up.

    What has worked once is not tried again.
    """
    if (sample_rate, bitrate) in _working:
        return
    try:
        subprocess.run([AudioSegment.converter, "-version"], capture_output=True, timeout=TRIAL)
        frames = split_frames(encode(np.zeros(4096, np.int16), sample_rate, bitrate, scratch))
    except (
        OSError,
        ValueError,  # from split_frames
        subprocess.TimeoutExpired,
        pydub.exceptions.CouldntEncodeError,
    ) as error:
        raise RuntimeError(
            f"cannot encode MP3 at {sample_rate} Hz, {bitrate}: {AudioSegment.converter} failed; "
            "reinstall imageio-ffmpeg or choose another MP3_BITRATE"
        ) from error
    if not frames:
        raise RuntimeError(
            f"{AudioSegment.converter} made no MP3 frames at {sample_rate} Hz, {bitrate}"
        )
    _working.add((sample_rate, bitrate))


def split_frames(data: bytes) -> list[bytes]:
    """The frames of a raw MP3 stream, in order. Raises ValueError if a frame header is missing."""
    frames, at = [], 0
    while at + 4 <= len(data):
        size = _frame_bytes(data[at : at + 4])
        frames.append(data[at : at + size])
        at += size
    return frames


def _frame_bytes(header: bytes) -> int:
    """Length of the frame that starts with these four bytes (ISO 11172-3 section 2.4.1.3)."""
    word = int.from_bytes(header, "big")
    version, layer, index, rate = word >> 19 & 3, word >> 17 & 3, word >> 12 & 15, word >> 10 & 3
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or rate == 3 or index in (0, 15):
        raise ValueError(f"no MP3 frame header in {header.hex()}")
    slots = 144 if version == 3 else 72
    return slots * KBPS[1 if version == 3 else 2][index] * 1000 // RATES[version][rate] + (
        word >> 9 & 1
    )


class Mp3Stream:
    """Encodes one stream: `feed` returns the frames that are final, `end` the rest.

    The sound does not depend on how the samples are divided. Starting ffmpeg costs as much as
    encoding 5 s, so small pieces wait until they are half as long as all that was sent, or HOLD.
    The first is sent at once.
    """

    mimetype = "audio/mpeg"

    def __init__(self, sample_rate: int, bitrate: str = "96k", scratch: Path | None = None):
        self.sample_rate, self.bitrate, self.scratch = sample_rate, bitrate, scratch
        self.frame_samples = 576 if sample_rate <= 24000 else 1152
        self.sent_frames = 0
        self.first_frame = 0  # of the stream, that `pcm` begins with
        self.pcm = np.zeros(0, np.int16)

    def feed(self, pcm: np.ndarray) -> bytes:
        self.pcm = np.concatenate([self.pcm, pcm])
        most = HOLD * self.sample_rate / self.frame_samples
        if self._final_frames() - self.sent_frames < min(self.sent_frames / 2, most):
            return b""
        return self.flush()

    def flush(self) -> bytes:
        """All frames that are final."""
        final = self._final_frames()
        if final <= self.sent_frames:
            return b""
        frames = self._encode()
        data = b"".join(frames[self.sent_frames - self.first_frame : final - self.first_frame])
        self._forget(final)
        return data

    def _final_frames(self) -> int:
        """How many frames of the stream no later sample can change."""
        return self.first_frame + len(self.pcm) // self.frame_samples - LOOKAHEAD

    def end(self) -> bytes:
        if not len(self.pcm):
            return b""
        return b"".join(self._encode()[self.sent_frames - self.first_frame :])

    def close(self):
        """Nothing is held: every encode has removed its files."""

    def _encode(self) -> list[bytes]:
        return split_frames(encode(self.pcm, self.sample_rate, self.bitrate, self.scratch))

    def _forget(self, final: int):
        """Note that all frames before `final` are sent; keep the samples of the last HISTORY."""
        self.sent_frames = final
        first = max(self.first_frame, final - HISTORY)
        self.pcm = self.pcm[(first - self.first_frame) * self.frame_samples :]
        self.first_frame = first
