"""The vocoder's F0 predictor, finished by itself: beside the vocoder it learns from 5 s of speech a
step, of a second; alone from 29 s, in a tenth.

    python -m tools.mini.training.pitch --work WORK --hift WORK/hift/hift.pt --tables WORK/train/data.list WORK/train_flow/data.list [--steps 4000]

Learns measured F0 (pack_parquet's `pitch_feat`) from whole mels of recordings and of the flow,
shuffled, and writes it into the same file of weights. Every eighth utterance is kept apart for the
figures it prints: the share of voiced frames within 5 % of the truth, and of frames whose voicing
is right.
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

LEAST = 100.0  # Hz; an error is weighed by the true F0, or by this where it is unvoiced or lower
FRAMES = 2_500  # of mel in a step
KEPT = 8  # every eighth utterance is for the figures


def utterances(lists: list[Path], mel_spectrogram) -> list[tuple[Tensor, Tensor]]:
    """Mel (T, 80) and F0 (T,) in Hz of every row with audio, in the order of the lists."""
    found = []
    for table in tqdm(
        [line for path in lists for line in path.read_text("utf-8").splitlines()],
        desc="tables",
        unit="table",
    ):
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
    """Endlessly: mels (1, 80, FRAMES or a little more) and F0 (1, the same), utterances end to end."""
    while True:
        rng.shuffle(rows)
        some, frames = [], 0
        for row in rows:
            some.append(row)
            frames += len(row[0])
            if frames >= FRAMES:
                yield (
                    torch.cat([mel for mel, _ in some]).T[None],
                    torch.cat([pitch for _, pitch in some])[None],
                )
                some, frames = [], 0


def finish(
    predictor: nn.Module, rows: list[tuple[Tensor, Tensor]], steps: int, rate: float, seed: int
):
    optimizer = torch.optim.Adam(predictor.parameters(), rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: (1 + math.cos(math.pi * step / steps)) / 2
    )
    progress = tqdm(
        zip(range(steps), batches(rows, random.Random(seed))),
        total=steps,
        desc="pitch",
        unit="step",
    )
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
    """Shares of frames: `close` of those voiced in both, `voicing` of all."""
    told = torch.cat([predictor(mel.T[None])[0] for mel, _ in rows])
    true = torch.cat([pitch for _, pitch in rows])
    both = (told > threshold) & (true > threshold)
    return {
        "close": float(((told / true)[both].log().abs() < 0.05).float().mean()),
        "voicing": float(((told > threshold) == (true > threshold)).float().mean()),
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
