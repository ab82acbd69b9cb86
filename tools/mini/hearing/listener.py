"""A listener that tells the sounds of tokens from a mel: what keeps words clear in voices that
never said them -> WORK/listener.pt.

    python -m tools.mini.hearing.listener --work WORK [--steps 2500]

Learns from the recordings in WORK/train/data.list. It is an aid of the flow's last stage
(tools/mini/training/straight_flow.py) and no part of the model.
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
TOKENS, BATCH = 56, 20  # of a training piece, 2.2 s; and pieces
HELD_BACK = 40  # one recording in so many is for the check
log = logging.getLogger(__name__)


class Listener(nn.Module):
    """Mels (B, T, 80) -> logits of sounds (B, T, S); each frame is told from 17 frames, 0.2 s."""

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
    """How far what a listener hears is from the sounds of the tokens."""

    def __init__(self, listener: Listener, pairs: Tensor):
        """pairs: (512, 2), see `CodeBook`"""
        self.listener, self.pairs = listener.eval().requires_grad_(False), pairs

    @classmethod
    def of(cls, work: Path) -> "SoundLoss":
        listener = Listener()
        listener.load_state_dict(
            torch.load(required(work / "listener.pt", "hearing.listener"), weights_only=True)
        )
        return cls(listener, torch.from_numpy(CodeBook.load(work / "codebook.json").pairs))

    def __call__(self, mel: Tensor, token: Tensor) -> Tensor:
        """Cross entropy of mels (B, T, 80) from the first sound of tokens (B, L) on, without padding."""
        return unlike(self.listener(mel).float(), token, self.pairs.to(token.device))


def unlike(frames: Tensor, token: Tensor, pairs: Tensor) -> Tensor:
    """Cross entropy of a listener's logits (B, T, S) from the sounds of tokens (B, L)."""
    return F.cross_entropy(
        at_sounds(frames, token.shape[1]).transpose(1, 2), pairs[token // LEVELS].flatten(1)
    )


def at_sounds(frames: Tensor, tokens: int) -> Tensor:
    """(B, T, S) -> (B, 2 * tokens, S) at the middles of the tokens' sounds."""
    place = (
        (torch.arange(2 * tokens, device=frames.device) + 0.5) * TOKEN_SAMPLES / 2 / MEL_HOP - 0.5
    ).clamp(0, frames.shape[1] - 1.001)
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
    """The same of what is long enough, mels in half precision."""
    return [
        (mel.half(), token)
        for mel, token in spoken_mels(data_list, mel_spectrogram)
        if len(token) > TOKENS
    ]


def piece(mel: Tensor, token: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The mel of TOKENS tokens from a random one on, from its first frame (to half a frame), and those tokens."""
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
        loss = unlike(listener(mels), tokens, pairs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        bar.set_postfix_str(f"loss {loss.item():.3f}", refresh=False)
    return listener.eval()


@torch.inference_mode()
def share_heard(listener: Listener, data: list, pairs: Tensor) -> float:
    """Of the sounds of whole recordings, silence included, how many are told rightly."""
    right = [
        (
            at_sounds(listener(mel[None].float()), len(token))[0].argmax(1)
            == pairs[token // LEVELS].flatten()
        )
        for mel, token in data
    ]
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
        "sounds of recordings kept back: %.1f %% right",
        100 * share_heard(listener, data[::HELD_BACK], pairs),
    )
    torch.save(listener.state_dict(), args.work / "listener.pt")


if __name__ == "__main__":
    main()
