"""A network that reads the sounds of tokens from a mel -> WORK/listener.pt.

    python -m tools.mini.hearing.listener --work WORK [--steps 2500]

Learns from the recordings in WORK/train/data.list. It gives a loss that keeps words clear in other
voices, for the flow's last stage (tools/mini/training/straight_flow.py), and is no part of the
model.
"""

import argparse
import io
import logging
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import soundfile
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from cosyvoice.flow.length_regulator import MEL_HOP
from cosyvoice.training.trainer import load_config
from tools.mini import CONFIG, required
from tools.mini.data.tokens import LEVELS, SOUNDS, TOKEN_SAMPLES, CodeBook

MEL_MIDDLE, MEL_SPREAD = -6.0, 2.5  # of log-mels, roughly
WIDTH, DILATIONS = 224, (1, 1, 2, 2, 1)
TOKENS, BATCH = 56, 20  # tokens of a training piece (2.2 s), pieces of a batch
HELD_BACK = 40  # one of this many recordings is not trained on but used for the check
log = logging.getLogger(__name__)


class Listener(nn.Module):
    """Mels (B, T, 80) -> logits of sounds (B, T, S), each from 17 frames of mel (0.2 s)."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(80, WIDTH, 5, padding=2)
        self.layers = nn.ModuleList(
            nn.Conv1d(WIDTH, WIDTH, 3, padding=step, dilation=step) for step in DILATIONS
        )
        self.norms = nn.ModuleList(nn.GroupNorm(8, WIDTH) for _ in DILATIONS)
        self.read = nn.Conv1d(WIDTH, len(SOUNDS), 1)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.first(((mel - MEL_MIDDLE) / MEL_SPREAD).transpose(1, 2))
        for layer, norm in zip(self.layers, self.norms):
            x = x + F.silu(layer(norm(x)))
        return self.read(F.silu(x)).transpose(1, 2)


class SoundLoss:
    """A loss: how far the sounds that a listener reads are from those of the tokens."""

    def __init__(self, listener: Listener, pairs: Tensor):
        """pairs: (512, 2), see `CodeBook`."""
        self.listener, self.pairs = listener.eval().requires_grad_(False), pairs

    @classmethod
    def of(cls, work: Path) -> "SoundLoss":
        listener = Listener()
        listener.load_state_dict(
            torch.load(required(work / "listener.pt", "hearing.listener"), weights_only=True)
        )
        return cls(listener, torch.from_numpy(CodeBook.load(work / "codebook.json").pairs))

    def __call__(self, mel: Tensor, token: Tensor) -> Tensor:
        """Cross entropy of mels (B, T, 80) that begin with tokens (B, L), without padding."""
        return cross_entropy(self.listener(mel).float(), token, self.pairs.to(token.device))


def cross_entropy(frames: Tensor, token: Tensor, pairs: Tensor) -> Tensor:
    """Cross entropy of a listener's logits (B, T, S) with the sounds of tokens (B, L)."""
    logits = at_sounds(frames, token.shape[1]).transpose(1, 2)
    return F.cross_entropy(logits, pairs[token // LEVELS].flatten(1))


def at_sounds(frames: Tensor, tokens: int) -> Tensor:
    """(B, T, S) -> (B, 2 * tokens, S) at the middles of the tokens' sounds."""
    middles = (torch.arange(2 * tokens, device=frames.device) + 0.5) * TOKEN_SAMPLES / 2
    place = (middles / MEL_HOP - 0.5).clamp(0, frames.shape[1] - 1.001)
    before = place.long()
    return torch.lerp(frames[:, before], frames[:, before + 1], (place - before)[:, None])


def spoken_mels(data_list: Path, mel_spectrogram):
    """(mel (T, 80), tokens (L,)) of every recording."""
    for path in tqdm(data_list.read_text("utf-8").splitlines(), desc="mels", unit="table"):
        for row in pq.read_table(path, columns=["audio_data", "speech_token"]).to_pylist():
            if row["audio_data"]:
                wav, _ = soundfile.read(io.BytesIO(row["audio_data"]), dtype="float32")
                yield (
                    mel_spectrogram(torch.from_numpy(wav)[None])[0].T,
                    torch.tensor(row["speech_token"]),
                )


def recordings(data_list: Path, mel_spectrogram) -> list[tuple[Tensor, Tensor]]:
    """The same for recordings that are long enough, mels in half precision."""
    return [
        (mel.half(), token)
        for mel, token in spoken_mels(data_list, mel_spectrogram)
        if len(token) > TOKENS
    ]


def piece(mel: Tensor, token: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """TOKENS tokens from a random place, and their mel, from its first frame (to half a frame)."""
    start, frames = int(rng.integers(len(token) - TOKENS)), TOKENS * TOKEN_SAMPLES // MEL_HOP
    first = min(round(start * TOKEN_SAMPLES / MEL_HOP), len(mel) - frames)
    return mel[first : first + frames].float(), token[start : start + TOKENS]


def train(data: list, pairs: Tensor, steps: int, seed: int = 0) -> Listener:
    torch.manual_seed(seed)
    rng, listener = np.random.default_rng(seed), Listener()
    optimizer = torch.optim.AdamW(listener.parameters(), 1.5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-3, total_steps=steps)
    bar = tqdm(range(steps), desc="listener", unit="step", mininterval=10)
    for _ in bar:
        mels, tokens = (
            torch.stack(x)
            for x in zip(*(piece(*data[int(i)], rng) for i in rng.integers(len(data), size=BATCH)))
        )
        loss = cross_entropy(listener(mels), tokens, pairs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        bar.set_postfix_str(f"loss {loss.item():.3f}", refresh=False)
    return listener.eval()


@torch.inference_mode()
def share_heard(listener: Listener, data: list, pairs: Tensor) -> float:
    """Share of the sounds of whole recordings, silence included, that are read rightly."""
    right = []
    for mel, token in data:
        found = at_sounds(listener(mel[None].float()), len(token))[0].argmax(1)
        right.append(found == pairs[token // LEVELS].flatten())
    return float(torch.cat(right).float().mean())


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2500)
    args = parser.parse_args()
    torch.set_num_threads(1)
    pairs = torch.from_numpy(CodeBook.load(args.work / "codebook.json").pairs)
    data = recordings(args.work / "train/data.list", load_config(CONFIG, "flow")["feat_extractor"])
    listener = train([row for i, row in enumerate(data) if i % HELD_BACK], pairs, args.steps)
    log.info(
        "sounds of recordings not trained on: %.1f %% right",
        100 * share_heard(listener, data[::HELD_BACK], pairs),
    )
    torch.save(listener.state_dict(), args.work / "listener.pt")


if __name__ == "__main__":
    main()
