"""16-bit mono PCM and WAV."""

import struct

import numpy as np

UNKNOWN = 0xFFFFFFFF  # size in the header of a stream whose end is not known yet


def wav_header(sample_rate: int, data_bytes: int | None = None, more: int = 0) -> bytes:
    """44 bytes of RIFF header for mono int16. Without data_bytes, the sizes say "unknown".

    more: bytes of the chunks after the data.
    """
    data = UNKNOWN if data_bytes is None else data_bytes
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        min(data + 36 + more, UNKNOWN),
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        sample_rate,
        sample_rate * 2,
        2,
        16,
        b"data",
        data,
    )


def to_int16(speech) -> np.ndarray:
    """(1, N) float in [-1, 1], a tensor or an array -> (N,) int16, clipped."""
    samples = np.asarray(speech, dtype=np.float32).reshape(-1)
    return (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype(np.int16)


class PcmStream:
    """The samples as they are, little endian."""

    mimetype = "audio/pcm"

    def feed(self, pcm: np.ndarray) -> bytes:
        return pcm.astype("<i2").tobytes()

    def flush(self) -> bytes:
        return b""

    def end(self) -> bytes:
        return b""

    def close(self):
        """Nothing is held."""


class WavStream(PcmStream):
    """A WAV file of unknown size. When the size is known, `wav_header` can be written over it.

    info: a chunk between the header and the data.
    """

    mimetype = "audio/wav"

    def __init__(self, sample_rate: int, info: bytes = b""):
        header = wav_header(sample_rate)
        self.header = header[:-8] + info + header[-8:]

    def feed(self, pcm: np.ndarray) -> bytes:
        if not len(pcm):
            return b""  # no header before the first sample
        header, self.header = self.header, b""
        return header + super().feed(pcm)
