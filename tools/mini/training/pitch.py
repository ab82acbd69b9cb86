"""Train the vocoder's F0 predictor alone.

    python -m tools.mini.training.pitch --work WORK --hift WORK/hift/hift.pt \\
        --tables WORK/train/data.list WORK/train_flow/data.list [--steps 4000]

Beside the vocoder it learns from 5 s of speech in a step of a second; alone from 29 s in a step of
a tenth of a second. It learns measured F0 (`pitch_feat` of pack_parquet) from whole mels of
recordings and of the flow, shuffled, and is written into the same file of weights. Every eighth
utterance is not trained on but used for the figures that are printed: the share of voiced frames
within 5 % of the truth, and of frames whose voicing is right.
"""

import argparse
import io
import math
import random
from pathlib import Path

import soundfile
import torch
from torch import Tensor, nn
from tqdm import tqdm

from cosyvoice.training.checkpoint import write
from cosyvoice.training.trainer import load_config
from cosyvoice.utils.files import read_weights
from tools.mini import CONFIG
from tools.mini.data.tokens import read

LEAST = 100.0  # Hz; errors are relative to the true F0, or to this where that is lower or absent
FRAMES = 2_500  # of mel in a step
KEPT = 8  # every eighth utterance is used for the figures


def utterances(lists: list[Path], mel_spectrogram) -> list[tuple[Tensor, Tensor]]:
    """Mel (T, 80) and F0 (T,) in Hz of every row with audio, in the order of the lists."""
    found = []
    tables = [line for path in lists for line in path.read_text("utf-8").splitlines()]
    for table in tqdm(tables, desc="tables", unit="table"):
        for row in read([Path(table)]):
            if row["audio_data"] is None:
                continue
            if "speech_feat" in row:
                mel = torch.tensor(row["speech_feat"], dtype=torch.float32).view(-1, 80)
            else:
                wav, _ = soundfile.read(io.BytesIO(row["audio_data"]), dtype="float32")
                mel = mel_spectrogram(torch.from_numpy(wav)[None])[0].T
            pitch = torch.tensor(row["pitch_feat"], dtype=torch.float32)
            frames = min(len(mel), len(pitch))
            found.append((mel[:frames], pitch[:frames]))
    return found


def batches(rows: list[tuple[Tensor, Tensor]], rng: random.Random):
    """Yield mels (1, 80, T) and F0 (1, T) of utterances end to end, without end.

    T is FRAMES, or more by less than an utterance.
    """
    while True:
        rng.shuffle(rows)
        some, frames = [], 0
        for row in rows:
            some.append(row)
            frames += len(row[0])
            if frames >= FRAMES:
                mels, pitches = (torch.cat(parts) for parts in zip(*some))
                yield mels.T[None], pitches[None]
                some, frames = [], 0


def finish(
    predictor: nn.Module, rows: list[tuple[Tensor, Tensor]], steps: int, rate: float, seed: int
):
    """Train by Adam; the rate falls from `rate` by half a cosine."""
    optimizer = torch.optim.Adam(predictor.parameters(), rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: (1 + math.cos(math.pi * step / steps)) / 2
    )
    numbered = zip(range(steps), batches(rows, random.Random(seed)))
    progress = tqdm(numbered, total=steps, desc="pitch", unit="step")
    for step, (mel, pitch) in progress:
        loss = ((predictor(mel) - pitch).abs() / pitch.clamp(min=LEAST)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            progress.set_postfix(loss=f"{loss.item():.4f}")


@torch.inference_mode()
def figures(
    predictor: nn.Module, rows: list[tuple[Tensor, Tensor]], threshold: float
) -> dict[str, float]:
    """Shares: `close`, of frames voiced in both, and `voicing`, of all frames."""
    found = torch.cat([predictor(mel.T[None])[0] for mel, _ in rows])
    true = torch.cat([pitch for _, pitch in rows])
    both = (found > threshold) & (true > threshold)
    return {
        "close": float(((found / true)[both].log().abs() < 0.05).float().mean()),
        "voicing": float(((found > threshold) == (true > threshold)).float().mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--hift", type=Path, required=True, help="weights of the vocoder, which are replaced"
    )
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="lists of tables")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    config = load_config(CONFIG, "hift")
    vocoder = config["hift"]
    vocoder.load_state_dict(read_weights(args.hift))
    predictor, threshold = vocoder.f0_predictor, vocoder.m_source.voiced_threshold
    rows = utterances(args.tables, config["feat_extractor"])
    kept, learned = rows[::KEPT], [row for i, row in enumerate(rows) if i % KEPT]
    print("before", figures(predictor, kept, threshold))
    finish(predictor, learned, args.steps, args.lr, args.seed)
    print("after", figures(predictor, kept, threshold))
    write(vocoder.state_dict(), args.hift)


if __name__ == "__main__":
    main()
