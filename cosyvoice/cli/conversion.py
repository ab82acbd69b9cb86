"""The voice changer's source: a recording of up to ten minutes -> pieces that the model converts.

The speech tokenizer takes 30 s at most, so a long source is cut where it is quiet. The pieces cover
it: nothing is lost or heard twice, and the result is as long as the source.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from cosyvoice.cli.frontend import LOUDEST, MIN_SECONDS, SILENCE, Audio
from cosyvoice.cli.reference_doctor import FRAME, PAUSE, Loudness
from cosyvoice.utils.audio import REFERENCE_RATE, FileLimits, load_wav
from cosyvoice.utils.errors import ReferenceAudioError, SourceAudioError

MAX_SOURCE_SECONDS = 600
MAX_SOURCE_SAMPLES = 6 * 10**7  # ten minutes of stereo at 48 kHz
SOURCE_LIMITS = FileLimits(MAX_SOURCE_SECONDS, MAX_SOURCE_SAMPLES)
# Seconds of a piece. Far below what the tokenizer takes: the flow's work grows with the square of
# the length, and sound comes once a piece where it is not streamed.
SHORTEST, LONGEST = 5.0, 20.0
LAST = 1.0  # s, of the last piece at least
STEADY_DB = 4.0  # the levels of speech differ by more, those of noise or a tone do not
FADE_SECONDS = 0.005  # at both sides of a cut


def read_source(audio: str | Path | BinaryIO, scratch: Path | None = None) -> Tensor:
    """Any audio file of 0.5 s to ten minutes -> (1, N) float32 at 16 kHz.

    Raises SourceAudioError for one that cannot be read or holds no speech.
    """
    try:
        wav = load_wav(audio, REFERENCE_RATE, scratch, SOURCE_LIMITS)
    except ReferenceAudioError as error:
        raise SourceAudioError(error.en, error.zh) from error
    wav = source(wav)
    loud = Loudness(wav[0].numpy())
    if not loud.speech.any():
        raise silent_error()
    if loud.db.max() - loud.floor < STEADY_DB:
        raise SourceAudioError(
            "no speech is found in the audio to convert, whose loudness never changes: send a "
            "recording of somebody who speaks",
            "待转换的音频中没有语音（响度始终不变），请发送有人说话的录音",
        )
    return wav


def source(wav: Audio) -> Tensor:
    """(1, N) float32 at 16 kHz of a source that can be converted, or SourceAudioError."""
    if not isinstance(wav, Tensor):
        return source(load_wav(wav, REFERENCE_RATE, None, SOURCE_LIMITS))
    mono = torch.atleast_2d(wav.detach().cpu().float()).flatten(0, -2).mean(0, keepdim=True)
    seconds = mono.shape[1] / REFERENCE_RATE
    if not MIN_SECONDS <= seconds <= MAX_SOURCE_SECONDS:
        raise SourceAudioError(
            f"the audio to convert is {seconds:.2f} s long: use {MIN_SECONDS} to "
            f"{MAX_SOURCE_SECONDS} s",
            f"待转换的音频长 {seconds:.2f} 秒，请使用 {MIN_SECONDS} 至 {MAX_SOURCE_SECONDS} 秒",
        )
    peak = float(mono.abs().max())
    if not peak <= LOUDEST:  # false for NaN
        raise SourceAudioError(
            "the samples of the audio to convert are not numbers from -1 to 1: give it as float",
            "待转换音频的采样不是 -1 至 1 的数值，请以浮点格式提供",
        )
    if peak < SILENCE:
        raise silent_error()
    return mono


def silent_error() -> SourceAudioError:
    return SourceAudioError(
        "the audio to convert is silent: record it again, louder",
        "待转换的音频没有声音，请重新录制",
    )


def pieces(wav: Tensor, token_samples: int) -> list[tuple[int, int]]:
    """(first sample, end) of the pieces of (1, N), at most LONGEST each, in order and without gaps.

    Cuts lie in pauses, and where tokens of that many samples end.
    """
    total, cuts = wav.shape[1], [0]
    loud = Loudness(wav[0].numpy())
    while total - cuts[-1] > LONGEST * REFERENCE_RATE:
        first = cuts[-1] + SHORTEST * REFERENCE_RATE
        last = min(cuts[-1] + LONGEST * REFERENCE_RATE, total - LAST * REFERENCE_RATE)
        frame = place_to_cut(loud, int(first) // FRAME, int(last) // FRAME)
        cuts.append(frame * FRAME // token_samples * token_samples)
    return list(zip(cuts, [*cuts[1:], total]))


def place_to_cut(loud: Loudness, first: int, last: int) -> int:
    """The frame in first..last in the middle of the longest pause, else the quietest one.

    Of pauses that are equally long, the last.
    """
    quiet = np.concatenate([[False], ~loud.speech[first:last], [False]])
    edges = np.flatnonzero(np.diff(quiet)).reshape(-1, 2)  # where each pause begins and ends
    lengths = edges[:, 1] - edges[:, 0]
    if len(lengths) and lengths.max() * FRAME >= PAUSE * REFERENCE_RATE:
        longest = len(lengths) - 1 - int(lengths[::-1].argmax())
        return first + int(edges[longest].mean())
    return first + int(loud.db[first:last].argmin())


def is_silent(wav: Tensor) -> bool:
    """Whether a piece has nothing that the tokenizer could read."""
    return float(wav.abs().max()) < SILENCE


def fitted(speech: Iterable[Tensor], samples: int, fade: int) -> Iterator[Tensor]:
    """The speech (1, N) of a piece, chunk by chunk, as exactly so many samples in all.

    It is cut or filled up with silence at its end. Over `fade` samples it rises from and falls to
    silence.
    """
    made = 0
    for chunk in speech:
        chunk = chunk[:, : samples - made]
        if fade:
            at = torch.arange(made, made + chunk.shape[1])
            chunk = chunk * (torch.minimum(at + 1, samples - at) / fade).clamp(max=1)
        made += chunk.shape[1]
        if chunk.shape[1]:
            yield chunk
    if made < samples:
        yield torch.zeros(1, samples - made)
