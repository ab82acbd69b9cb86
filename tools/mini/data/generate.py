"""Aligned speech of many voices: WORK/sentences.jsonl -> WORK/data/shard-NNNNN.parquet.

A shard holds 100 utterances in the order of sentences.jsonl. It is written under another name and
then renamed, so that a shard that exists is complete. The columns of a row:

    id           int        number of the sentence; the utterance is named utt%06d of it
    lang, kind   string     as in sentences.jsonl ("mixed": Chinese with English in it)
    text         string     what is said
    instruct     string     the instruction, or ""; the text of training is then
                            instruct + "<endofprompt>" + text
    style        string     "slow high" and the like, or ""
    phonemes     string     the tokenizer's reading of `text`, which the teacher speaks;
                            one character a symbol
    durations    int16[]    frames of 25 ms: len(phonemes) + 2 of them, for the pad before,
                            each symbol and the pad after
    f0           float32[]  Hz, two values a frame (80 Hz), below 50 where unvoiced
    speaker      string     defined in WORK/speakers.json; most utterances with audio and without
                            an instruction have a voice of their own, lone_%06d
    speed        float      the teacher's speed; instructed ones are about 0.7 or 1.5
    f0_scale     float      what the teacher's F0 was multiplied by in all
    pitch_shift  float      the part of f0_scale that the instruction asked for, 1.0 without one;
                            F0 divided by it is the speaker's usual F0
    audio        bytes      FLAC, 16 bit, mono, 22,050 Hz, sum(durations) * 551.25 samples (+- 1)

Symbol i begins at sum(durations[:i]) / 40 seconds. `touch WORK/STOP` stops the command; the same
command goes on.

    python -m tools.mini.data.generate --work WORK [--processes 2] [--hours 10] [--seed 1]
"""

import argparse
import io
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from tqdm import tqdm

from cosyvoice.tokenizer.phoneme import phonemes
from tools.mini.data.teacher import (
    FRAME,
    PRESET_WEIGHT,
    PRESETS,
    RATE,
    SCALE_RANGE,
    TEACHER_RATE,
    Speaker,
    Teacher,
    blend_pitch,
    cast,
    lone_voice,
    mean_f0,
)

SHARD = 100
SPEEDS = {"slow": (0.66, 0.74), "fast": (1.4, 1.6), "": (0.9, 1.1), "neutral": (0.95, 1.05)}
SHIFTS = {"high": (1.32, 1.45), "low": (0.66, 0.75)}
LONGEST_PHONEMES = 480
LONE_SHARE = 0.8
SCHEMA = pa.schema(
    [
        ("id", pa.int32()),
        ("lang", pa.string()),
        ("kind", pa.string()),
        ("text", pa.string()),
        ("instruct", pa.string()),
        ("style", pa.string()),
        ("phonemes", pa.string()),
        ("durations", pa.list_(pa.int16())),
        ("f0", pa.list_(pa.float32())),
        ("speaker", pa.string()),
        ("speed", pa.float32()),
        ("f0_scale", pa.float32()),
        ("pitch_shift", pa.float32()),
        ("audio", pa.binary()),
    ]
)
PITCH_PROBE = {
    "zh": "今天天气不错，我们一起去公园走走吧。",
    "en": "The weather is nice, so let's take a walk in the park.",
}


def make_shard(work: Path, number: int, rows: list[dict], seed: int) -> float:
    """Speak one shard; returns its seconds of audio."""
    speakers = read_speakers(work)
    spoken = [utterance(row, speakers, seed) for row in rows]
    spoken = [row for row in spoken if row]
    target = shard_path(work, number)
    partial = target.with_suffix(".partial")
    pq.write_table(pa.Table.from_pylist(spoken, SCHEMA), partial, compression="none")
    os.replace(partial, target)
    return sum(sum(row["durations"]) for row in spoken) * FRAME / TEACHER_RATE


def utterance(row: dict, speakers: list[Speaker], seed: int) -> dict | None:
    """Speak one sentence; None if nothing of it can be read or it is too long for the teacher."""
    rng = np.random.default_rng([seed, row["id"]])
    if not row["instruct"] and rng.random() < LONE_SHARE:
        speakers = [lone_voice(row["id"], list(pitches), pitches, rng)]
    if (chosen := part(row, speakers, pitches, seed, rng)) is None:
        return None
    spoken = teacher.speak(*chosen.spoken, rng)
    return chosen.row(spoken.durations, spoken.f0, flac(spoken.wav, RATE))


def flac(wav: np.ndarray, rate: int) -> bytes:
    """(N,) float as a 16-bit FLAC file."""
    file = io.BytesIO()
    soundfile.write(file, wav, rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


@dataclass
class Part:
    """Who says a sentence of sentences.jsonl, and how.

    spoken: (phonemes, speaker, language, speed, f0_scale).
    shift: the instruction's part of f0_scale.
    """

    sentence: dict
    spoken: tuple
    shift: float

    def row(self, durations: np.ndarray, f0: np.ndarray, audio: bytes) -> dict:
        said, speaker, _, speed, scale = self.spoken
        return {
            **self.sentence,
            "phonemes": said,
            "durations": durations.tolist(),
            "f0": f0.tolist(),
            "speaker": speaker.name,
            "speed": speed,
            "f0_scale": scale,
            "pitch_shift": self.shift,
            "audio": audio,
        }


def part(
    row: dict, speakers: list[Speaker], pitches: dict, seed: int, rng: np.random.Generator
) -> Part | None:
    """None if nothing of the sentence can be read or it is too long for the teacher."""
    speaker, lang, said = speaker_of(row["id"], speakers, seed), row["lang"], phonemes(row["text"])
    if not any(symbol.isalpha() for symbol in said) or len(said) > LONGEST_PHONEMES:
        return None
    speed, shift = realise(row["style"].split(), rng)
    scale = speaker.pitch / blend_pitch(speaker.prosody[lang], pitches)
    scale = float(np.clip(scale, *SCALE_RANGE)) * shift
    return Part(row, (said, speaker, lang, speed, scale), shift)


def realise(style: list[str], rng: np.random.Generator) -> tuple[float, float]:
    """(the teacher's speed, factor of pitch), drawn for the parts of an instruction."""
    speed = next(
        (SPEEDS[part] for part in style if part in SPEEDS), SPEEDS["neutral" if style else ""]
    )
    shift = next((SHIFTS[part] for part in style if part in SHIFTS), (1.0, 1.0))
    return round(float(rng.uniform(*speed)), 3), round(float(rng.uniform(*shift)), 3)


def speaker_of(number: int, speakers: list[Speaker], seed: int) -> Speaker:
    """The speaker of a sentence: each round has all in random order, presets several times."""
    parts = [
        speaker
        for speaker in speakers
        for _ in range(PRESET_WEIGHT if speaker.name in PRESETS else 1)
    ]
    order = np.random.default_rng([seed, 7, number // len(parts)]).permutation(len(parts))
    return parts[order[number % len(parts)]]


def measure_pitches(teacher: Teacher) -> dict[str, float]:
    """Mean F0 of every training voice, over a sentence of each language."""
    found = {}
    for name in tqdm(teacher.voices(), desc="pitch of the voices", unit="voice"):
        voice = Speaker(name, {name: 1.0}, {"zh": {name: 1.0}, "en": {name: 1.0}})
        f0 = [
            teacher.run(said, teacher.style(voice, lang, len(said)), 1.0, 1.0)[2]
            for lang, text in PITCH_PROBE.items()
            if (said := phonemes(text))
        ]
        found[name] = round(mean_f0(np.concatenate(f0)), 1)
    return found


def prepare(work: Path, seed: int) -> None:
    """Choose the speakers once and write speakers.json."""
    (work / "data").mkdir(parents=True, exist_ok=True)
    if (work / "speakers.json").exists():
        return
    teacher = Teacher(work / "teacher")
    found = measure_pitches(teacher)
    speakers = [asdict(speaker) for speaker in cast(teacher.voices(), found, seed)]
    (work / "speakers.json").write_text(
        json.dumps({"pitches": found, "speakers": speakers}, indent=1), "utf-8"
    )


def read_speakers(work: Path) -> list[Speaker]:
    return [
        Speaker(**recipe)
        for recipe in json.loads((work / "speakers.json").read_text("utf-8"))["speakers"]
    ]


def start_worker(work: Path) -> None:
    """Load the teacher once a process."""
    global teacher, pitches
    teacher = Teacher(work / "teacher")
    pitches = json.loads((work / "speakers.json").read_text("utf-8"))["pitches"]


def shard_path(work: Path, number: int) -> Path:
    return work / f"data/shard-{number:05d}.parquet"


def seconds_of(path: Path) -> float:
    durations = pq.read_table(path, columns=["durations"])["durations"].to_pylist()
    return sum(map(sum, durations)) * FRAME / TEACHER_RATE


def missing_shards(work: Path) -> dict[int, list[dict]]:
    rows = [json.loads(line) for line in (work / "sentences.jsonl").read_text("utf-8").splitlines()]
    shards = {start // SHARD: rows[start : start + SHARD] for start in range(0, len(rows), SHARD)}
    return {
        number: part for number, part in shards.items() if not shard_path(work, number).exists()
    }


def run(work: Path, processes: int, hours: float, seed: int) -> None:
    """Make shards in order, `processes` at a time.

    Ends when there is enough audio, when no sentence is left, or when the file WORK/STOP exists.
    """
    done = sum(seconds_of(path) for path in (work / "data").glob("shard-*.parquet"))
    todo = iter(missing_shards(work).items())
    with (
        ProcessPoolExecutor(processes, initializer=start_worker, initargs=(work,)) as pool,
        tqdm(total=round(hours * 3600), initial=round(done), unit="s", desc="speech") as bar,
    ):
        running = set()
        while True:
            while (
                len(running) < processes and bar.n < hours * 3600 and not (work / "STOP").exists()
            ):
                number, rows = next(todo, (None, None))
                if rows is None:
                    break
                running.add(pool.submit(make_shard, work, number, rows, seed))
            if not running:
                return
            finished = next(as_completed(running))
            running.remove(finished)
            bar.update(round(finished.result()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    prepare(args.work, args.seed)
    run(args.work, args.processes, args.hours, args.seed)


if __name__ == "__main__":
    main()
