"""Pictures for docs/mini-model.md: the losses of training, and mels of the flow and of the teacher.

    python -m tools.mini.training.plots --work WORK \\
        --model pretrained_models/CosyVoice-Mini-25Hz --out docs

Writes mini-losses.png from WORK/{llm,flow,hift}/log.jsonl, and mini-mels.png: three utterances of
WORK/data by the flow from the teacher's tokens, the same by the teacher, and the pitch that the
vocoder finds in each. Needs `pip install matplotlib`.
"""

import argparse
import io
import json
from pathlib import Path

import numpy as np
import soundfile
import torch

from cosyvoice.cli.cosyvoice import CosyVoice
from tools.mini.data.pack_parquet import Embedder, pitch_feat
from tools.mini.data.speaker_vector import with_pitch
from tools.mini.data.tokens import CodeBook, read, shard_paths, speaker_bases, speech_tokens
from tools.mini.training.flow_mels import speak

CURVES = {
    "llm": ("loss", "acc", "loss_pointing"),
    "flow": ("loss_flow", "loss_guess"),
    "hift": ("loss_mel", "loss_stft"),
}
UTTERANCES, LONGEST = 3, 90  # and tokens of one


def pyplot():
    """matplotlib for files."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot

    return matplotlib.pyplot


def plot_losses(work: Path, target: Path):
    figure, axes = pyplot().subplots(1, len(CURVES), figsize=(12, 3), layout="constrained")
    for axis, (model, names) in zip(axes, CURVES.items()):
        rows = [
            json.loads(line)
            for line in (work / model / "log.jsonl").read_text("utf-8").splitlines()
        ]
        for name in names:
            axis.plot([row["step"] for row in rows], [row[name] for row in rows], label=name)
        axis.set(title=model, xlabel="step", ylim=(0, 3))
        axis.legend()
    figure.savefig(target, dpi=70)


def plot_mels(work: Path, engine: CosyVoice, target: Path):
    shards = shard_paths(work)
    book, bases = CodeBook.load(work / "codebook.json"), speaker_bases(shards)
    embedder = Embedder(work)
    rows = [
        row
        for row in read(shards[-1:])
        if not row["instruct"] and sum(row["durations"]) < LONGEST * 1.6
    ][:UTTERANCES]
    figure, axes = pyplot().subplots(
        len(rows), 3, figsize=(12, 2.4 * len(rows)), layout="constrained"
    )
    for (made, true, pitch), row in zip(axes, rows):
        wav, _ = soundfile.read(io.BytesIO(row["audio"]), dtype="float32")
        base = bases[row["speaker"]]
        tokens = torch.from_numpy(speech_tokens(row, book, base))[None]
        vector = torch.from_numpy(with_pitch(embedder.vector(row["audio"]), base))
        teacher = engine.frontend.feat_extractor(torch.from_numpy(wav)[None])
        student = speak(engine.model.flow, tokens, vector)
        for axis, mel, title in ((made, student, "flow"), (true, teacher, "teacher")):
            axis.imshow(mel[0], origin="lower", aspect="auto", vmin=-11, vmax=1)
            axis.set_title(f"{title}: {row['speaker']}")
            with torch.inference_mode():
                pitch.plot(engine.model.hift.f0_predictor(mel)[0], label=title)
        pitch.plot(pitch_feat(row["audio"], np.asarray(row["f0"])), label="true")
        pitch.set_ylabel("Hz")
        pitch.legend()
    figure.savefig(target, dpi=70)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    args = parser.parse_args()
    plot_losses(args.work, args.out / "mini-losses.png")
    plot_mels(args.work, CosyVoice(str(args.model)), args.out / "mini-mels.png")


if __name__ == "__main__":
    main()
