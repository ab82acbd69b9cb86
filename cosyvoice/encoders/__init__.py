"""Encoders of speech: int16 samples in, bytes of one audio format out, piece by piece."""

from typing import Protocol

import numpy as np


class Encoder(Protocol):
    """Encodes one stream. It is used by one thread at a time."""

    mimetype: str

    def feed(self, pcm: np.ndarray) -> bytes:
        """Take int16 mono samples (n,) and return the bytes that are ready, which may be none."""

    def flush(self) -> bytes:
        """What can be sent already, also where feed would wait for more to encode in one go."""

    def end(self) -> bytes:
        """Return the remaining bytes. Called once, after the last feed."""

    def close(self) -> None:
        """Release what the encoder holds, at any time. May be called more than once."""
