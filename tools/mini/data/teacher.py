"""The teacher, Kokoro-82M: phonemes and a voice -> speech with its exact durations and F0.

Also the choice of speakers: base voices, mixes, presets and voices that speak once.

24 kHz in, 22,050 Hz out. A frame is 600 samples at 24 kHz (40 Hz). F0 has two values a frame (80
Hz), near 10 Hz where unvoiced. The halves of a style vector and the tensors used were found by
measurements on the graph that fetch_teacher makes.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import soxr

from cosyvoice.tokenizer.phoneme import SYMBOLS

TEACHER_RATE, RATE, FRAME = 24_000, 22_050, 600
TIMBRE, PROSODY = slice(0, 128), slice(128, 256)
VOICED_ABOVE = 50.0  # Hz
ACTIVE_RMS, PEAK = 0.079, 0.9  # speech at -22 dB of full scale, with at most this peak
SILENCE = 0.01  # of the loudest frame: -40 dB
PAUSES = ",.!?;:—…"
PAD_SPEED = 1.0  # of the pad before the first sound, see `inputs`
EDGE_FRAMES = (4, 8)  # silence left at each end: 0.1 to 0.2 s
# The first is unclear, the others repeat am_santa, em_alex and ef_dora.
UNUSED = ("zf_xiaoni", "em_santa", "pm_santa", "pm_alex", "pf_dora")
HELD_OUT_FILE = Path(__file__).with_name("heldout_voices.txt")
NATIVE = {"zh": "z", "en": "ab"}  # first letters of the voices that speak it natively
MIXES = 200
PRESETS = {  # blends for the model's preset speakers; they speak PRESET_WEIGHT times as often
    "preset_zf_1": {"zf_xiaoxiao": 0.65, "zf_xiaobei": 0.35},
    "preset_zf_2": {"zf_xiaobei": 0.6, "af_heart": 0.4},
    "preset_zm_1": {"zm_yunxi": 0.6, "zm_yunjian": 0.4},
    "preset_zm_2": {"zm_yunxia": 0.6, "am_michael": 0.4},
    "preset_ef_1": {"af_heart": 0.65, "af_nicole": 0.1, "bf_emma": 0.25},
    "preset_ef_2": {"bf_emma": 0.6, "af_kore": 0.4},
    "preset_em_1": {"am_michael": 0.6, "am_fenrir": 0.4},
    "preset_em_2": {"bm_fable": 0.6, "am_puck": 0.4},
}
PRESET_WEIGHT = 4
SCATTER = (0.2, 0.9)  # range of `Speaker.scatter` for voices that speak once
SCALE_RANGE = (0.72, 1.35)  # of F0; beyond it a voice with another's prosody sounds unnatural


@dataclass
class Speaker:
    """A voice: a blend of the teacher's voices for the timbre, and one for the prosody."""

    name: str
    timbre: dict[str, float]  # weight of each voice
    prosody: dict[str, dict[str, float]]  # the same, by language
    spread: float = 1.0  # distance of the timbre from the mean of all voices, 1.0: as blended
    pitch: float = 0.0  # mean F0 in Hz that it is to have
    scatter: float = 0.0  # random offset from the blend, in deviations of each value over voices


@dataclass
class Utterance:
    """Speech with its labels."""

    wav: np.ndarray  # (N,) float32 at 22,050 Hz
    durations: np.ndarray  # frames a symbol, with the two pads
    f0: np.ndarray  # Hz, two values a frame


def held_out_voices() -> tuple[list[str], dict[str, dict[str, float]]]:
    """(base voices, mixes) that only evaluation may use."""
    voices, mixes = [], {}
    for line in HELD_OUT_FILE.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, recipe = line.partition(" = ")
        parts = recipe.split()
        if parts:
            mixes[name] = dict(zip(parts[::2], map(float, parts[1::2])))
        else:
            voices.append(name)
    return voices, mixes


class Teacher:
    """One network on one thread, and all voice packs."""

    def __init__(self, folder: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.network = onnxruntime.InferenceSession(
            str(folder / "kokoro.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.packs = {
            path.stem: np.fromfile(path, np.float32).reshape(-1, 256)
            for path in sorted((folder / "voices").glob("*.bin"))
        }
        self.mean = np.mean([self.packs[name] for name in self.packs if name not in UNUSED], axis=0)
        self.deviation = np.std([self.packs[name] for name in self.voices()], axis=0)

    def voices(self) -> list[str]:
        """Voices that training may use."""
        held_out, _ = held_out_voices()
        return [name for name in self.packs if name not in UNUSED and name not in held_out]

    def style(self, speaker: Speaker, lang: str, tokens: int) -> np.ndarray:
        """(1, 256) style of a speaker for a text of `tokens` symbols."""
        row = min(tokens, len(self.mean)) - 1
        style = self.mean[row].copy()
        for half, blend in ((TIMBRE, speaker.timbre), (PROSODY, speaker.prosody[lang])):
            mixed = sum(weight * self.packs[name][row, half] for name, weight in blend.items())
            mixed = mixed / sum(blend.values())
            spread = speaker.spread if half is TIMBRE else 1.0
            style[half] += spread * (mixed - style[half])
        if speaker.scatter:
            own = np.random.default_rng(zlib.crc32(speaker.name.encode())).standard_normal(128)
            style[TIMBRE] += speaker.scatter * own * self.deviation[row, TIMBRE]
        return style[None]

    def run(
        self, phonemes: str, style: np.ndarray, speed: float, f0_scale: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(wav at 24 kHz, durations, f0) as the network gives them."""
        wav, durations, f0 = self.network.run(
            ["audio", "durations", "f0"], inputs(phonemes, style, speed, f0_scale)
        )
        return wav.ravel(), durations.ravel().astype(np.int64), f0.ravel()

    def speak(
        self,
        phonemes: str,
        speaker: Speaker,
        lang: str,
        speed: float,
        f0_scale: float,
        rng: np.random.Generator,
    ) -> Utterance:
        """Speech with its edges trimmed (durations and F0 too), levelled and resampled."""
        style = self.style(speaker, lang, len(phonemes))
        wav, durations, f0 = self.run(phonemes, style, speed, f0_scale)
        edges = rng.integers(*EDGE_FRAMES, size=2, endpoint=True)
        wav, durations, f0 = trim(wav, durations, f0, phonemes, edges)
        return Utterance(level(soxr.resample(wav, TEACHER_RATE, RATE, "VHQ")), durations, f0)


def inputs(
    phonemes: str, style: np.ndarray, speed: float, f0_scale: float
) -> dict[str, np.ndarray]:
    """The inputs of the network.

    The pad before the first sound is spoken at PAD_SPEED: a longer pad is filled with a murmur, and
    a shorter one blurs the first consonant (at 1.4, ten first words of forty were misheard, at 1
    none).
    """
    speeds = np.full(len(phonemes) + 2, speed, np.float32)
    speeds[0] = PAD_SPEED
    tokens = np.array([[0, *(SYMBOLS[symbol] for symbol in phonemes), 0]])
    return {"tokens": tokens, "style": style, "speed": speeds, "f0_scale": np.float32([f0_scale])}


def trim(wav, durations, f0, phonemes, edges):
    """Cut silent frames off both ends, leaving `edges` of them, and correct the durations.

    The teacher often stretches the last sound of a phrase over the silence that follows: silent
    frames at the end of such a sound are counted to the punctuation after it.
    """
    loudness = np.sqrt(np.mean(wav[: durations.sum() * FRAME].reshape(-1, FRAME) ** 2, axis=1))
    durations, head, end = trim_frames(
        durations, loudness < SILENCE * loudness.max(), phonemes, edges
    )
    return wav[head * FRAME : end * FRAME], durations, f0[2 * head : 2 * end]


def trim_frames(
    durations: np.ndarray, silent: np.ndarray, phonemes: str, edges
) -> tuple[np.ndarray, int, int]:
    """(corrected durations, first frame kept, frame after the last); silent: bool, one a frame."""
    loud = np.flatnonzero(~silent)
    durations = settle(durations, silent, phonemes)
    head = cut(durations, loud[0] - edges[0], range(len(durations)))
    tail = cut(durations, len(silent) - 1 - loud[-1] - edges[1], range(len(durations) - 1, -1, -1))
    return durations, head, len(silent) - tail


def settle(durations: np.ndarray, silent: np.ndarray, phonemes: str) -> np.ndarray:
    """Move silent frames at the end of a phrase from its last symbols to the pause after them.

    Every symbol keeps a frame. Sound in the pad before the first symbol is counted to that symbol.
    """
    durations, ends = durations.copy(), np.cumsum(durations)
    early = next((k for k in range(durations[0]) if silent[durations[0] - 1 - k]), durations[0])
    durations[0], durations[1] = durations[0] - early, durations[1] + early
    pauses = [True, *(symbol in PAUSES for symbol in phonemes), True]
    for i in range(1, len(pauses)):
        if pauses[i] and not pauses[i - 1]:
            end = ends[i - 1]
            run = next((k for k in range(end) if not silent[end - 1 - k]), end)
            durations[i] += cut(durations, run, range(i - 1, 0, -1), keep=1)
    return durations


def cut(durations: np.ndarray, frames: int, order: range, keep: int = 0) -> int:
    """Take up to `frames` frames from the symbols that are first in `order`.

    Changes `durations`; returns how many frames were taken.
    """
    left = wanted = max(0, int(frames))
    for i in order:
        taken = min(left, max(0, int(durations[i]) - keep))
        durations[i] -= taken
        left -= taken
        if not left:
            break
    return wanted - left


def level(wav: np.ndarray) -> np.ndarray:
    """Bring the speech (not the silence) to one loudness."""
    frames = wav[: len(wav) // 512 * 512].reshape(-1, 512)
    power = np.mean(frames**2, axis=1)
    rms = np.sqrt(np.mean(power[power > 1e-3 * power.max()]))
    return (wav * min(ACTIVE_RMS / rms, PEAK / np.abs(wav).max())).astype(np.float32)


def mean_f0(f0: np.ndarray) -> float:
    """Geometric mean of the voiced values, Hz."""
    return float(np.exp(np.mean(np.log(f0[f0 > VOICED_ABOVE]))))


def cast(voices: list[str], pitches: dict[str, float], seed: int) -> list[Speaker]:
    """The speakers: every voice as it is, MIXES random mixes of two or three, and the presets.

    pitches: mean F0 in Hz of each voice with its own prosody.
    """
    rng = np.random.default_rng(seed)
    speakers = [speaker(name, {name: 1.0}, voices, pitches, rng) for name in voices]
    speakers += [random_mix(f"mix_{number:03d}", voices, pitches, rng) for number in range(MIXES)]
    return speakers + [
        speaker(name, blend, voices, pitches, rng) for name, blend in PRESETS.items()
    ]


def random_mix(
    name: str, voices: list[str], pitches: dict[str, float], rng: np.random.Generator
) -> Speaker:
    """Two or three timbres, mostly of one gender, up to a quarter farther from the mean voice."""
    first = str(rng.choice(voices))
    same = [
        voice
        for voice in voices
        if voice != first and (voice[1] == first[1]) == bool(rng.random() < 0.85)
    ]
    others = rng.choice(same, size=1 + int(rng.random() < 0.25), replace=False)
    weights = rng.uniform(0.3, 0.7, size=1 + len(others))
    blend = {
        str(voice): round(float(weight), 3)
        for voice, weight in zip([first, *others], weights / weights.sum())
    }
    return speaker(
        name, blend, voices, pitches, rng, spread=round(float(rng.uniform(1.0, 1.25)), 3)
    )


def lone_voice(
    number: int, voices: list[str], pitches: dict[str, float], rng: np.random.Generator
) -> Speaker:
    """A mix that speaks one utterance only, with a random offset.

    The offset is needed because a voice to be cloned is no mix of the teacher's voices.
    """
    mix = random_mix(f"lone_{number:06d}", voices, pitches, rng)
    mix.scatter = round(float(rng.uniform(*SCATTER)), 3)
    return mix


def speaker(
    name: str,
    timbre: dict[str, float],
    voices: list[str],
    pitches: dict[str, float],
    rng: np.random.Generator,
    spread: float = 1.0,
) -> Speaker:
    """A speaker with this timbre and its natural pitch.

    The prosody of a language is its own if it speaks that natively, else that of native `voices`.
    """
    pitch = blend_pitch(timbre, pitches)
    prosody = {
        lang: timbre
        if all(voice[0] in letters for voice in timbre)
        else borrowed_prosody(native_voices(letters, timbre, pitch, voices, pitches), rng)
        for lang, letters in NATIVE.items()
    }
    prosody["mixed"] = prosody["zh"]
    return Speaker(name, timbre, prosody, spread, round(float(pitch), 1))


def native_voices(
    letters: str,
    timbre: dict[str, float],
    pitch: float,
    voices: list[str],
    pitches: dict[str, float],
) -> list[str]:
    """Voices of a language whose pitch can be scaled to `pitch`, if possible of the blend's gender.

    If there is none, the one that is nearest in pitch.
    """
    gender = max(timbre, key=timbre.get)[1]
    native = [voice for voice in voices if voice[0] in letters]
    near = [voice for voice in native if SCALE_RANGE[0] < pitch / pitches[voice] < SCALE_RANGE[1]]
    return (
        [voice for voice in near if voice[1] == gender]
        or near
        or [min(native, key=lambda voice: abs(np.log(pitch / pitches[voice])))]
    )


def borrowed_prosody(native: list[str], rng: np.random.Generator) -> dict[str, float]:
    """One or two of the `native` voices."""
    chosen = rng.choice(native, size=min(len(native), 1 + int(rng.random() < 0.5)), replace=False)
    weight = round(float(rng.uniform(0.3, 0.7)), 3)
    return dict(zip(map(str, chosen), (weight, 1 - weight) if len(chosen) == 2 else (1.0,)))


def blend_pitch(blend: dict[str, float], pitches: dict[str, float]) -> float:
    """Geometric mean F0 of a blend of voices, Hz."""
    logs = sum(weight * np.log(pitches[voice]) for voice, weight in blend.items())
    return float(np.exp(logs / sum(blend.values())))
