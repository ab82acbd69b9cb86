"""The figures of a model's card: how well its directory speaks, clones and follows instructions.

    python -m tools.evaluate --model pretrained_models/CosyVoice-Mini-25Hz --work WORK \\
        [--quick] [--json FILE] [--wavs FOLDER]

Speaks about 200 held-out sentences through `CosyVoice` (preset speakers, cloned unseen voices,
instructions) and judges them with tools/judges.py (packages in requirements-judges.txt). WORK is
the folder of tools/mini with `heldout.json` and the teacher, which speaks the reference clips of
the unseen voices (kept in WORK/eval_refs). `--quick` takes a tenth.

`clone_cosine` is the rectified cosine of CAM++ vectors (see tools/judges.py), for which the bounds
were set: the teacher itself has 0.76 for two sentences of one training voice and 0.46 for two
voices. The plain cosines of these are 0.72 and 0.25.

Cut off: the last fifth of the text (at least two units) is missing at the end. Endless: the speech
is more than twice as long as usual for its text, or more units than a third of the text follow
after it. `rtf` is wall time for a second of speech and needs an idle machine; `cpu_per_second` is
CPU time and does not.
"""

import argparse
import json
import logging
import statistics
import time
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import torch
from tqdm import tqdm

from tools.judges import (
    Judges,
    cosine,
    edit_distance,
    median_f0,
    pinyin_units,
    reading_errors,
    rectified_cosine,
    signal_facts,
    to_judge_rate,
    word_units,
)

INSTRUCTIONS = {  # name -> instruction in Chinese, in English
    "slower": ("请说得慢一点", "Please speak more slowly"),
    "faster": ("请用更快的语速说", "Speak faster"),
    "higher": ("用更高的音调说话", "Speak with a higher pitch"),
    "lower": ("声音低沉一点", "Use a lower voice"),
    "slower higher": ("语速慢一些，音调高一些", "Speak slowly and with a high voice"),
    "faster lower": ("说快一点，声音低一点", "Speak quickly and with a low voice"),
}
SPEED_ITEMS = 8
LENGTH_CHANGE, F0_CHANGE = 0.15, 0.10  # smallest change that counts as following an instruction
TARGETS = {  # figure -> (bound to pass, aim, whether lower is better)
    "zh_per": (0.10, 0.03, True),
    "zh_tone_per": (0.20, 0.06, True),
    "en_wer": (0.15, 0.05, True),
    "clone_cosine": (0.60, 0.75, False),
    "clone_right": (0.80, 0.95, False),
    "instruct": (0.90, 1.0, False),
    "endless_or_cut": (2, 0, True),
    "dnsmos": (2.6, 3.1, False),
    "rtf": (0.3, 0.1, True),
    "first_audio_s": (0.6, 0.25, True),
    "size_mb": (40, 25, True),
}
log = logging.getLogger(__name__)


@dataclass
class Utterance:
    """One thing to speak, and what the judges found."""

    kind: str  # "sft", "clone", "cross" or "instruct"
    language: str  # "zh" or "en", of the text
    text: str
    voice: str  # preset speaker, or unseen voice
    instruction: str = ""
    asked: str = ""  # key of INSTRUCTIONS
    facts: dict = field(default_factory=dict)

    @property
    def seed(self):
        """The same for all instructions of one sentence and speaker."""
        return zlib.crc32(f"{self.text} {self.voice}".encode())


class Run:
    """A model under test with its judges and reference clips."""

    def __init__(self, model, judges, references, wavs=None):
        self.model, self.judges, self.references, self.wavs = model, judges, references, wavs

    def speak(self, item: Utterance, stream=False):
        """Chunks of one utterance, (N,) float32 each."""
        options = {"stream": stream, "seed": item.seed}
        if item.kind == "sft":
            chunks = self.model.inference_sft(item.text, item.voice, **options)
        elif item.kind == "instruct":
            chunks = self.model.inference_instruct(
                item.text, item.voice, item.instruction, **options
            )
        elif item.kind == "clone":
            chunks = self.model.inference_zero_shot(
                item.text,
                self.references[item.voice].text,
                self.references[item.voice].path,
                **options,
            )
        else:
            chunks = self.model.inference_cross_lingual(
                item.text, self.references[item.voice].path, **options
            )
        for chunk in chunks:
            yield chunk["tts_speech"][0].numpy()

    def judge(self, item: Utterance):
        """Speak one utterance and write what the judges find into its facts."""
        start = time.process_time()
        wav = np.concatenate(list(self.speak(item)))
        item.facts = {
            "cpu_seconds": time.process_time() - start,
            **signal_facts(wav, self.model.sample_rate),
        }
        heard = to_judge_rate(wav, self.model.sample_rate)
        item.facts |= {
            "f0": median_f0(heard),
            "dnsmos": self.judges.dnsmos(heard),
            "heard": self.judges.transcribe(heard, item.language),
        }
        item.facts |= reading_errors(item.text, item.facts["heard"], item.language)
        if item.kind in ("clone", "cross"):
            item.facts |= self.compare_voices(item.voice, heard)
        if self.wavs:
            asked = item.asked.replace(" ", "_")
            name = f"{item.kind}_{item.voice}_{asked}_{item.seed:08x}.wav"
            soundfile.write(self.wavs / name, wav, self.model.sample_rate)

    def compare_voices(self, voice, wav):
        """Cosine with the voice's reference, and whether it is the nearest one, by both judges."""
        vector, second = self.judges.campplus(wav), self.judges.ge2e(wav)
        near = {
            name: rectified_cosine(vector, reference.campplus)
            for name, reference in self.references.items()
        }
        near2 = {
            name: cosine(second, reference.ge2e) for name, reference in self.references.items()
        }
        return {
            "cosine": near[voice],
            "plain_cosine": cosine(vector, self.references[voice].campplus),
            "right": max(near, key=near.get) == voice,
            "ge2e": near2[voice],
            "ge2e_right": max(near2, key=near2.get) == voice,
        }

    def speed(self, items):
        """Wall seconds a second of whole speech, and median seconds to the first streamed chunk.

        No judge may be loaded before: some of them leave torch with a single thread.
        """
        list(self.speak(items[0]))  # warm-up
        start = time.perf_counter()
        samples = sum(len(chunk) for item in items for chunk in self.speak(item))
        return {
            "rtf": (time.perf_counter() - start) / (samples / self.model.sample_rate),
            "first_audio_s": statistics.median(map(self.first_audio, items)),
        }

    def first_audio(self, item):
        start = time.perf_counter()
        chunks = self.speak(item, stream=True)
        next(chunks)
        seconds = time.perf_counter() - start
        chunks.close()
        return seconds


@dataclass
class Reference:
    """The clip of an unseen voice: its text, its file, and its vectors by both speaker judges."""

    text: str
    path: str
    campplus: np.ndarray
    ge2e: np.ndarray


def speaking(item: Utterance):
    """Seconds between the first and the last sound."""
    return item.facts["seconds"] - item.facts["lead"] - item.facts["trail"]


def plan(texts, presets, voices, quick, instruct):
    """The utterances to speak. texts: {"zh": [...], "en": [...]}; presets and voices: names."""
    few = 10 if quick else 1
    items = [
        Utterance("sft", language, text, presets[i % len(presets)])
        for language in ("zh", "en")
        for i, text in enumerate(texts[language][: 40 // few if presets else 0])
    ]
    for language, kind in (("zh", "clone"), ("en", "cross")):
        items += [
            Utterance(kind, language, text, voices[i % len(voices)])
            for i, text in enumerate(texts[language][40:][: 40 // few])
        ]
    if instruct and presets:
        items += plan_instructions(texts, presets, 1 if quick else 3)
    return items


def plan_instructions(texts, presets, rounds):
    """Every instruction in both languages on `rounds` sentences, and each sentence without any."""
    items = []
    for language, wording in (("zh", 0), ("en", 1)):
        for i in range(rounds):
            text, voice = texts[language][-1 - i], presets[(i * 3 + wording) % len(presets)]
            items.append(Utterance("sft", language, text, voice))
            items += [
                Utterance("instruct", language, text, voice, wordings[wording], asked)
                for asked, wordings in INSTRUCTIONS.items()
            ]
    return items


def followed(item, plain):
    """Whether an instructed utterance differs from the plain one in all that was asked."""
    longer, up = speaking(item) / speaking(plain), item.facts["f0"] / plain.facts["f0"]
    done = {
        "slower": longer >= 1 + LENGTH_CHANGE,
        "faster": longer <= 1 - LENGTH_CHANGE,
        "higher": up >= 1 + F0_CHANGE,
        "lower": up <= 1 - F0_CHANGE,
    }
    return all(done[word] for word in item.asked.split())


def instruction_score(items):
    """Share of utterances that followed their instruction; adds length and F0 ratios to facts."""
    plain = {(i.text, i.voice): i for i in items if i.kind == "sft"}
    tries = [(i, plain[i.text, i.voice]) for i in items if i.kind == "instruct"]
    for item, before in tries:
        item.facts |= {
            "followed": followed(item, before),
            "length_ratio": speaking(item) / speaking(before),
            "f0_ratio": item.facts["f0"] / before.facts["f0"],
        }
    return share([item.facts["followed"] for item, _ in tries])


def tails(item):
    """(units missing at the end, units after the end, units of the text).

    By the best alignment of text and transcript.
    """
    units = word_units if item.language == "en" else lambda text: pinyin_units(text, False)
    expected, got = units(item.text), units(item.facts["heard"])

    def errors_without_end(n):
        return edit_distance(expected[: len(expected) - n], got), n

    def errors_without_rest(n):
        return edit_distance(expected, got[: len(got) - n]), n

    missing = min(range(len(expected) + 1), key=errors_without_end)
    extra = min(range(len(got) + 1), key=errors_without_rest)
    return missing, extra, len(expected)


def mark_runaways(items):
    """Add "cut_off" and "endless" to the facts, as defined at the top. Returns their number."""
    for language in ("zh", "en"):
        spoken = [i for i in items if i.language == language]
        pace = {id(i): speaking(i) / (i.facts["units"] + 2) for i in spoken if i.kind != "instruct"}
        usual = statistics.median(pace.values()) if pace else float("inf")
        for item in spoken:
            missing, extra, asked = tails(item)
            item.facts["cut_off"] = missing >= max(2, asked / 5)
            item.facts["endless"] = pace.get(id(item), 0) > 2 * usual or extra >= max(2, asked / 3)
    return sum(i.facts["cut_off"] or i.facts["endless"] for i in items)


def share(flags):
    return float(np.mean(flags)) if flags else None


def error_rate(items, language, errors="errors"):
    chosen = [i.facts for i in items if i.language == language and i.kind != "instruct"]
    return sum(f[errors] for f in chosen) / sum(f["units"] for f in chosen) if chosen else None


def per_second(facts, name):
    """Seconds of work for a second of speech."""
    return sum(f[name] for f in facts) / sum(f["seconds"] for f in facts)


def figures(items, speed, size_mb):
    """The table of the model card, by name; None where the model does not have the mode."""
    cloned = [i.facts for i in items if i.kind in ("clone", "cross")]
    plain = [i.facts for i in items if i.kind != "instruct"]
    return {
        "zh_per": error_rate(items, "zh"),
        "zh_tone_per": error_rate(items, "zh", "tone_errors"),
        "en_wer": error_rate(items, "en"),
        "clone_cosine": share([f["cosine"] for f in cloned]),
        "clone_right": share([f["right"] for f in cloned]),
        "clone_plain_cosine": share([f["plain_cosine"] for f in cloned]),
        "clone_ge2e": share([f["ge2e"] for f in cloned]),
        "clone_ge2e_right": share([f["ge2e_right"] for f in cloned]),
        "instruct": instruction_score(items),
        "endless_or_cut": mark_runaways(items),
        "utterances": len(items),
        "dnsmos": share([f["dnsmos"] for f in plain]),
        "rtf": speed["rtf"],
        "cpu_per_second": per_second(plain, "cpu_seconds"),
        "first_audio_s": speed["first_audio_s"],
        "size_mb": size_mb,
        "longest_pause_s": max(f["longest_pause"] for f in plain),
        "clipped": max(f["clipped"] for f in plain),
    }


def table(found):
    """The figures as a Markdown table with their targets."""
    lines = ["| figure | value | pass | aim | |", "|---|---|---|---|---|"]
    for name, value in found.items():
        bound, aim, lower = TARGETS.get(name, ("", "", True))
        shown, verdict = "-" if value is None else f"{value:.3g}", ""
        if bound != "" and value is not None:
            verdict = "ok" if (value <= bound if lower else value >= bound) else "**missed**"
        lines.append(f"| {name} | {shown} | {bound} | {aim} | {verdict} |")
    return "\n".join(lines)


def directory_mb(folder: Path):
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


def read_references(work: Path, judges):
    """The clips of the twenty unseen voices, by name; the teacher speaks them if any is missing."""
    folder = work / "eval_refs"
    names = voice_names()
    if not all((folder / f"{name}.wav").exists() for name in names):
        speak_references(work, folder)
    return {
        name: read_reference(folder / f"{name}.wav", judges)
        for name in tqdm(names, desc="reference voices", unit="voice")
    }


def read_reference(path: Path, judges):
    wav, rate = soundfile.read(path, dtype="float32")
    heard = to_judge_rate(wav, rate)
    return Reference(
        path.with_suffix(".txt").read_text("utf-8"),
        str(path),
        judges.campplus(heard),
        judges.ge2e(heard),
    )


def voice_names():
    from tools.mini.data.teacher import held_out_voices

    bases, mixes = held_out_voices()
    return [*bases, *mixes]


def speak_references(work: Path, folder: Path):
    """Two held-out Mandarin sentences in each unseen voice at its own pitch, about 5 s a clip."""
    from cosyvoice.tokenizer.phoneme import phonemes
    from tools.mini.data.teacher import (
        RATE,
        SCALE_RANGE,
        Teacher,
        blend_pitch,
        held_out_voices,
        speaker,
    )

    folder.mkdir(parents=True, exist_ok=True)
    teacher, (bases, mixes) = Teacher(work / "teacher"), held_out_voices()
    pitches = json.loads((work / "speakers.json").read_text("utf-8"))["pitches"]
    pitches |= measure(teacher, bases)
    texts = json.loads((work / "heldout.json").read_text("utf-8"))["zh"][80:97]
    for i, name in enumerate(tqdm(voice_names(), desc="speaking references", unit="voice")):
        rng = np.random.default_rng(i)
        voice = speaker(name, mixes.get(name, {name: 1.0}), teacher.voices(), pitches, rng)
        text = texts[i % len(texts)] + texts[(i + 5) % len(texts)]
        scale = voice.pitch / blend_pitch(voice.prosody["zh"], pitches)
        scale = float(np.clip(scale, *SCALE_RANGE))
        spoken = teacher.speak(phonemes(text), voice, "zh", 1.0, scale, rng)
        (folder / f"{name}.txt").write_text(text, "utf-8")
        soundfile.write(folder / f"{name}.wav", spoken.wav, RATE)


def measure(teacher, names):
    """Mean F0 in Hz of base voices with their own prosody."""
    from cosyvoice.tokenizer.phoneme import phonemes
    from tools.mini.data.teacher import Speaker, mean_f0

    said, found = phonemes("今天天气不错，我们一起去公园走走吧。"), {}
    for name in names:
        voice = Speaker(name, {name: 1.0}, {"zh": {name: 1.0}})
        found[name] = mean_f0(teacher.run(said, teacher.style(voice, "zh", len(said)), 1.0, 1.0)[2])
    return found


def evaluate(model_dir: Path, work: Path, quick=False, wavs=None):
    """(figures, judged utterances) of a model directory."""
    from cosyvoice.cli.cosyvoice import CosyVoice

    torch.manual_seed(0)
    model, judges = CosyVoice(str(model_dir)), Judges(work)
    run = Run(model, judges, {}, wavs)
    texts = json.loads((work / "heldout.json").read_text("utf-8"))
    presets = model.list_available_spks()
    items = plan(texts, presets, voice_names(), quick, model.supports_instruct)
    speed = run.speed(items[:SPEED_ITEMS])
    run.references = read_references(work, judges)
    for item in tqdm(items, desc="speaking and judging", unit="utterance"):
        run.judge(item)
    return figures(items, speed, directory_mb(model_dir)), items


def main():
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="model directory")
    parser.add_argument(
        "--work",
        type=Path,
        required=True,
        help="folder of tools/mini: held-out sentences, teacher, judges",
    )
    parser.add_argument("--quick", action="store_true", help="about 30 utterances instead of 200")
    parser.add_argument(
        "--json", type=Path, help="also write figures and every utterance's facts there"
    )
    parser.add_argument("--wavs", type=Path, help="also write the speech there")
    args = parser.parse_args()
    if args.wavs:
        args.wavs.mkdir(parents=True, exist_ok=True)
    found, items = evaluate(args.model, args.work, args.quick, args.wavs)
    print(table(found))
    if args.json:
        report = {"figures": found, "utterances": [asdict(i) for i in items]}
        text = json.dumps(report, ensure_ascii=False, indent=1, default=float)
        args.json.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
