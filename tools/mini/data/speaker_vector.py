"""What the small model knows of a speaker: the CAM++ vector, and in its last place the mean pitch.

CAM++ hears pitch badly: a linear map from its vectors misses the mean F0 of unseen voices by 11 % on the mean, and a flow that knows no
better speaks a voice of 105 Hz at 137 and one of 295 at 240. The speech tokens' pitch is relative to that mean, so it must come from here.
"""

import numpy as np

MIDDLE, SCALE = 165.0, 0.15  # Hz; of a unit vector, an octave: other places have 0.07


def with_pitch(vector: np.ndarray, hertz: float) -> np.ndarray:
    """(192,) unit vector of CAM++ -> the same with the pitch in its last place."""
    told = np.array(vector, np.float32)
    told[-1] = SCALE * np.log2(hertz / MIDDLE)
    return told


def pitch_of(vector: np.ndarray) -> np.ndarray:
    """(..., 192) -> mean F0 in Hz"""
    return MIDDLE * 2 ** (np.asarray(vector)[..., -1] / SCALE)
