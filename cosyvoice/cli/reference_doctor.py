"""The reference doctor: a take of somebody's voice -> what is good and bad in it, and what to use.

Loudness is measured in frames of 20 ms; a frame is speech when it is less than 25 dB below the loud
ones. The page has the same thresholds (serve/page/doctor.js).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from torch import Tensor

from cosyvoice.cli.frontend import MAX_SECONDS, reference
from cosyvoice.text.language import syllables
from cosyvoice.utils.audio import REFERENCE_RATE, read_audio, resample, trim_and_level
from cosyvoice.utils.errors import ReferenceAudioError

FRAME = REFERENCE_RATE // 50  # samples; 20 ms
LONGEST = 29.7  # seconds; trim_and_level adds 0.276 s, and MAX_SECONDS is the limit with it
PAUSE = 0.2  # seconds of quiet that one may cut in
# without a pause, the cut is at the quietest frame of so many seconds before LONGEST
NEAR_END = 2.0
FULL = 0.985  # a sample at or above this is clipped


@dataclass(frozen=True)
class Report:
    """What the doctor found.

    reference: (1, N) at 16 kHz, ready for the engine, or None with the error that says why not.
    """

    seconds: float  # of the whole take
    rate: int  # Hz, of the file
    used: tuple[float, float]  # seconds
    advice: list[dict]
    reference: Tensor | None = field(repr=False)
    error: ReferenceAudioError | None = None

    @property
    def trimmed(self) -> bool:
        return self.used != (0.0, self.seconds)

    def body(self) -> dict:
        return {
            "seconds": self.seconds,
            "rate": self.rate,
            "usable": self.error is None,
            "used": self.used,
            "advice": self.advice,
        }


def examine_file(
    audio: str | Path | BinaryIO, transcript: str = "", scratch: Path | None = None
) -> Report:
    """Read any audio file as `load_wav` does and examine it.

    Raises ReferenceAudioError when it cannot be read.
    """
    samples, rate = read_audio(audio, scratch)
    return examine(resample(samples, rate, REFERENCE_RATE), transcript, rate)


def examine(wav: Tensor, transcript: str = "", rate: int = REFERENCE_RATE) -> Report:
    """Examine (1, N) at 16 kHz whose file had `rate`; the transcript is of the whole take."""
    start, end = best_part(wav)
    used = (round(start / REFERENCE_RATE, 2), round(end / REFERENCE_RATE, 2))
    seconds = round(wav.shape[1] / REFERENCE_RATE, 2)
    try:
        ready = reference(trim_and_level(wav[:, start:end]) if end else wav)
    except ReferenceAudioError as error:
        return Report(
            seconds,
            rate,
            used,
            [finding("unusable", "bad", error.en, error.zh, seconds)],
            None,
            error,
        )
    part = Loudness(wav[0, start:end].numpy())
    advice = [
        length(part.seconds),
        clipping(part),
        level(part),
        noise(part),
        silence(part),
        sampling(rate),
    ]
    if end - start < wav.shape[1]:
        advice.insert(0, trimmed(seconds, *used))
    if transcript.strip():
        advice.append(words(transcript, Loudness(wav[0].numpy())))
    return Report(seconds, rate, used, advice, ready)


class Loudness:
    """Per frame: loudness in dB, and whether it is speech; the levels of loud and quiet frames."""

    def __init__(self, samples: np.ndarray):
        samples = np.pad(samples, (0, -len(samples) % FRAME))
        frames = samples.reshape(-1, FRAME)
        self.seconds = len(samples) / REFERENCE_RATE
        self.db = 10 * np.log10((frames**2).mean(1) + 1e-10)
        self.top, self.floor = (float(np.percentile(self.db, share)) for share in (95, 8))
        self.speech = self.db > max(self.top - 25, -55)
        self.full = (np.abs(frames) >= FULL).mean(1)  # share of clipped samples

    @property
    def spoken_seconds(self) -> float:
        return float(self.speech.sum()) * FRAME / REFERENCE_RATE


def best_part(wav: Tensor) -> tuple[int, int]:
    """First and end sample of what to use.

    All of a take that is short enough, else the part between two pauses with the most clean speech.
    """
    if (
        wav.shape[1] <= LONGEST * REFERENCE_RATE
        or trim_and_level(wav).shape[1] <= MAX_SECONDS * REFERENCE_RATE
    ):
        return 0, wav.shape[1]
    loud = Loudness(wav[0].numpy())
    cuts = np.array(places_to_cut(loud))
    worth = np.concatenate(
        [[0.0], np.cumsum(np.where(loud.speech, 1 - 20 * loud.full, -0.1))]
    )  # clipping is worse than quiet
    longest = int(LONGEST * REFERENCE_RATE) // FRAME
    ends = cuts[np.searchsorted(cuts, cuts + longest, side="right") - 1]
    best = int(np.argmax(worth[ends] - worth[cuts]))
    if cuts[best] == ends[best]:  # there is no speech
        return 0, wav.shape[1]
    return int(cuts[best]) * FRAME, min(int(ends[best]) * FRAME, wav.shape[1])


def places_to_cut(loud: Loudness) -> list[int]:
    """Frames, in order: both ends, and half a PAUSE after and before speech.

    Where there is no pause for long, the quietest frame near the limit.
    """
    pause, longest, near = (
        int(seconds * REFERENCE_RATE) // FRAME for seconds in (PAUSE, LONGEST, NEAR_END)
    )
    edges = np.flatnonzero(
        np.diff(np.concatenate([[True], loud.speech, [True]]))
    )  # where quiet begins and ends
    pauses = [
        (a + pause // 2, b - pause // 2) for a, b in zip(edges[::2], edges[1::2]) if b - a >= pause
    ]
    cuts = [0]
    for place in [*(edge for edges in pauses for edge in edges), len(loud.speech)]:
        while place - cuts[-1] > longest:
            at = cuts[-1] + longest - near
            cuts.append(at + int(np.argmin(loud.db[at : at + near])))
        cuts.append(int(place))
    return cuts


# the findings


def finding(code: str, level: str, en: str, zh: str, value) -> dict:
    return {
        "code": code,
        "level": level,
        "en": en,
        "zh": zh,
        "message": f"{en} / {zh}",
        "value": value,
    }


def trimmed(whole: float, start: float, end: float) -> dict:
    return finding(
        "trimmed",
        "warn",
        f"of {whole:.1f} s, {start:.1f} to {end:.1f} s are used: at most {MAX_SECONDS} s can be. "
        "The transcript is not used then; "
        "for more likeness send a shorter take with just its own words",
        f"共 {whole:.1f} 秒，最多可用 {MAX_SECONDS} 秒，已截取 {start:.1f} 至 {end:.1f} 秒，"
        "此时不使用参考文本；想更像，请发送更短的录音及其对应文字",
        [start, end],
    )


def length(seconds: float) -> dict:
    value = round(seconds, 2)
    if seconds < 3:
        return finding(
            "length",
            "warn",
            f"{seconds:.1f} s is short: 5 to 15 s give a better likeness",
            f"只有 {seconds:.1f} 秒，5 至 15 秒会更像",
            value,
        )
    return finding(
        "length",
        "ok",
        f"the length of {seconds:.1f} s is good",
        f"长度 {seconds:.1f} 秒，合适",
        value,
    )


def clipping(part: Loudness) -> dict:
    share = round(float(part.full.mean()), 5)
    if share <= 0.0005:
        return finding("clipping", "ok", "nothing is clipped", "没有削波", share)
    return finding(
        "clipping",
        "bad" if share > 0.02 else "warn",
        f"{share:.1%} of the samples are clipped: record it again, further from the microphone "
        "or at a lower gain",
        f"{share:.1%} 的采样削波：请离麦克风远一点或调低增益后重录",
        share,
    )


def level(part: Loudness) -> dict:
    top = round(part.top, 1)
    if top < -34:
        return finding(
            "level",
            "warn",
            f"the speech is quiet ({top:.0f} dB): come closer to the microphone",
            f"音量偏低（{top:.0f} dB）：请靠近麦克风",
            top,
        )
    return finding("level", "ok", "the level is good", "音量合适", top)


def noise(part: Loudness) -> dict:
    """How far quiet frames are below loud ones.

    A floor below -60 dB is no noise, even under quiet speech.
    """
    ratio = round(part.top - part.floor, 1)
    if ratio >= 18 or part.floor <= -60:
        return finding("noise", "ok", "there is little noise", "噪声很小", ratio)
    return finding(
        "noise",
        "bad" if ratio < 8 else "warn",
        f"the pauses are only {ratio:.0f} dB below the speech: "
        "record it in a quieter room, without music",
        f"停顿处只比语音低 {ratio:.0f} dB：请在安静、无音乐的环境重录",
        ratio,
    )


def silence(part: Loudness) -> dict:
    share = round(1 - float(part.speech.mean()), 3)
    if share > 0.65:
        return finding(
            "silence",
            "warn",
            f"{share:.0%} of it is silence: speak without long pauses",
            f"{share:.0%} 是静音：请减少长停顿",
            share,
        )
    return finding(
        "silence", "ok", f"{1 - share:.0%} of it is speech", f"{1 - share:.0%} 是语音", share
    )


def sampling(rate: int) -> dict:
    if rate < REFERENCE_RATE:
        return finding(
            "rate",
            "warn",
            f"at {rate} Hz it sounds dull as on a telephone: use {REFERENCE_RATE} Hz or more",
            f"采样率 {rate} Hz 偏低，声音会发闷：请使用 {REFERENCE_RATE} Hz 或更高",
            rate,
        )
    return finding(
        "rate", "ok", f"the sampling rate of {rate} Hz is good", f"采样率 {rate} Hz，合适", rate
    )


def words(transcript: str, take: Loudness) -> dict:
    """Syllables per second of speech: people speak 3 to 7."""
    pace = round(syllables(transcript) / max(take.spoken_seconds, 0.1), 1)
    if pace > 10:
        return finding(
            "transcript",
            "bad" if pace > 14 else "warn",
            f"the transcript is too long for {take.seconds:.1f} s ({pace} syllables a second): "
            "give just the words that are heard",
            f"参考文本对 {take.seconds:.1f} 秒来说太长（每秒 {pace} 个音节）：请只填写听到的文字",
            pace,
        )
    if pace < 1.5:
        return finding(
            "transcript",
            "bad" if pace < 0.8 else "warn",
            f"the transcript is too short for {take.seconds:.1f} s ({pace} syllables a second): "
            "give all the words that are heard",
            f"参考文本对 {take.seconds:.1f} 秒来说太短（每秒 {pace} 个音节）：请填写听到的全部文字",
            pace,
        )
    return finding("transcript", "ok", "the transcript's length fits", "参考文本的长度合适", pace)


def fits(transcript: str, wav: Tensor) -> bool:
    """Whether a transcript can be what is said in (1, N) at 16 kHz, by its length."""
    return words(transcript, Loudness(wav[0].numpy()))["level"] != "bad"
