"""The pitch of speech, frame by frame, as vocoders learn it.

The autocorrelation of short pieces has peaks at the period and its multiples; of all peaks the path
with the fewest jumps is taken. Method and costs: Boersma, "Accurate short-term analysis of the
fundamental frequency and the harmonics-to-noise ratio of a sampled sound", 1993.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

LOWEST, HIGHEST = 60.0, 600.0  # Hz
PERIODS = 3  # of LOWEST that a window holds
CANDIDATES = 8  # periods considered for a frame
UNVOICED = 0.4  # strength of "no pitch"; a period's is its correlation, at most 1
SILENCE = 0.03  # of the largest amplitude
SHORTER = 0.01  # preference of a period to one an octave longer
OCTAVE, ONSET = 0.35, 0.14  # costs of a jump by an octave, and from or to no pitch, in 10 ms
CHUNK = 1024  # frames whose spectra are in memory together


def pitch(wav: Tensor, rate: int, hop: int) -> Tensor:
    """wav (N,) at `rate` Hz -> F0 in Hz (N // hop,) at the middle of each frame, 0 if unvoiced."""
    frames = len(wav) // hop
    if not frames or not wav.any():
        return torch.zeros(frames)
    found, peaks = [], []
    for piece in windows(wav.float(), rate, hop)[:frames].split(CHUNK):
        piece = piece - piece.mean(1, keepdim=True)
        peaks.append(piece.abs().amax(1))
        found.append(candidates(correlation(piece), rate))
    periods, strengths = (torch.cat(values) for values in zip(*found))
    loudness = torch.cat(peaks) / wav.abs().max()
    unvoiced = UNVOICED + (2 - loudness * (1 + UNVOICED) / SILENCE).clamp(min=0)
    return best_path(rate / periods, strengths, unvoiced, hop / rate)


def windows(wav: Tensor, rate: int, hop: int) -> Tensor:
    """(N,) -> (T, W), the pieces around the middles of the frames; zeros beyond the ends."""
    size = round(PERIODS * rate / LOWEST)
    before = size // 2 - hop // 2
    return F.pad(wav, (before, size)).unfold(0, size, hop)


def correlation(pieces: Tensor) -> Tensor:
    """(T, W) -> (T, lags): autocorrelation under a window, whose own is divided out."""
    size = pieces.shape[1]
    window = torch.hann_window(size)

    def of(x):
        result = torch.fft.irfft(torch.fft.rfft(x, 2 * size).abs().square())[:, : size // 2]
        return result / result[:, :1].clamp(min=1e-9)

    return of(pieces * window) / of(window[None])


def candidates(r: Tensor, rate: int) -> tuple[Tensor, Tensor]:
    """(T, lags) -> periods in samples and strengths, (T, CANDIDATES); -inf where there are fewer.

    A period is the top of a parabola through a peak and its neighbours.
    """
    shortest, longest = int(rate / HIGHEST), int(rate / LOWEST)
    left, middle, right = (r[:, shortest + k : longest + k] for k in (-1, 0, 1))
    curve = left - 2 * middle + right
    shift = (left - right) / (2 * curve.clamp(max=-1e-9))
    height = middle - (left - right) * shift / 4
    period = torch.arange(shortest, longest) + shift.clamp(-0.5, 0.5)
    strength = height.clamp(max=1) - SHORTER * torch.log2(LOWEST * period / rate)
    peak = (middle > left) & (middle >= right) & (middle > 0)
    best = strength.masked_fill(~peak, -torch.inf).topk(CANDIDATES, 1)
    return period.gather(1, best.indices), best.values


def best_path(hertz: Tensor, strengths: Tensor, unvoiced: Tensor, step: float) -> Tensor:
    """Of each frame's candidates (T, C), or no pitch, those of the strongest path with few jumps.

    unvoiced: strength (T,) of no pitch. step: seconds of a frame.
    """
    scale = 0.01 / step
    octaves = torch.cat([hertz.log2(), torch.full((len(hertz), 1), torch.nan)], 1).numpy()
    gains = torch.cat([strengths, unvoiced[:, None]], 1).numpy()
    total, origins = gains[0], []
    for before, here, gain in zip(octaves, octaves[1:], gains[1:]):
        jumps = np.abs(before[:, None] - here) * OCTAVE
        jumps[-1, :-1] = jumps[:-1, -1] = ONSET
        jumps[-1, -1] = 0
        ways = total[:, None] - scale * jumps
        origin = ways.argmax(0)
        total = ways[origin, np.arange(len(here))] + gain
        origins.append(origin)
    place, path = int(total.argmax()), []
    for origin in reversed(origins):
        path.append(place)
        place = int(origin[place])
    chosen = torch.tensor([place, *reversed(path)])
    known = torch.cat([hertz, torch.zeros(len(hertz), 1)], 1)
    return known.gather(1, chosen[:, None])[:, 0]
