"""Adversarial training of the vocoder: a generator and discriminators, and the losses of each.

Losses: HiFi-GAN (Kong et al. 2020, section 2.4; least squares, feature matching, mel L1), truncated
pointwise relativistic loss (arXiv 2208.00449), L1 between predicted and measured f0. All are
computed in float32.
"""

from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# fft, hop and window in samples (arXiv 1910.11480)
STFT_SIZES = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
FINE, FINE_WEIGHT = (4096, 600, 2400), 10  # resolves lines 10 Hz apart


class HiFiGan(nn.Module):
    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        mel_spec_transform,
        multi_mel_spectral_recon_loss_weight=45,
        feat_match_loss_weight=2.0,
        tpr_loss_weight=1.0,
        tpr_loss_tau=0.04,
    ):
        """mel_spec_transform: list of functions wave (B, N) -> log-mel."""
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.mel_spec_transform = mel_spec_transform
        self.mel_weight = multi_mel_spectral_recon_loss_weight
        self.feature_weight = feat_match_loss_weight
        self.tpr_weight, self.tau = tpr_loss_weight, tpr_loss_tau

    def forward(self, batch: dict, device: torch.device) -> dict[str, Tensor]:
        """One loss dict; "loss" is the one to minimise.

        batch: speech (B, 256 T), speech_feat (B, T, 80), pitch_feat (B, T) in Hz, and turn:
        "generator", "discriminator", "reconstruct" (spectral losses alone, a fast start without
        discriminators), or "apart" (the same for training that ends without them).
        """
        turns = {
            "generator": self.forward_generator,
            "discriminator": self.forward_discriminator,
            "reconstruct": self.forward_reconstruct,
            "apart": self.forward_apart,
        }
        if batch["turn"] not in turns:
            raise ValueError(f"unknown turn {batch['turn']!r}; use one of {', '.join(turns)}")
        return turns[batch["turn"]](batch, device)

    def forward_generator(self, batch, device):
        real = batch["speech"].to(device)
        generated, losses = self.reconstruct(batch, device)
        with frozen(self.discriminator):
            real_scores, scores, real_features, features = self.discriminator(real, generated)
        losses["loss_gen"] = sum(((1 - s.float()) ** 2).mean() for s in scores)
        losses["loss_fm"] = feature_loss(real_features, features)
        losses["loss_tpr"] = self.relativistic(scores, real_scores)
        return {
            "loss": losses["loss_gen"]
            + self.feature_weight * losses["loss_fm"]
            + self.mel_weight * losses["loss_mel"]
            + self.tpr_weight * losses["loss_tpr"]
            + losses["loss_f0"],
            **losses,
        }

    def forward_discriminator(self, batch, device):
        real = batch["speech"].to(device)
        with torch.no_grad():
            generated, _ = self.generator(batch, device)
        real_scores, scores, _, _ = self.discriminator(real, generated)
        loss_disc = sum(
            ((1 - r.float()) ** 2).mean() + (s.float() ** 2).mean()
            for r, s in zip(real_scores, scores)
        )
        loss_tpr = self.relativistic(real_scores, scores)
        return {
            "loss": loss_disc + self.tpr_weight * loss_tpr,
            "loss_disc": loss_disc,
            "loss_tpr": loss_tpr,
        }

    def forward_reconstruct(self, batch, device):
        generated, losses = self.reconstruct(batch, device)
        losses["loss_stft"] = stft_loss(batch["speech"].to(device), generated)
        return {
            "loss": self.mel_weight * losses["loss_mel"] + losses["loss_stft"] + losses["loss_f0"],
            **losses,
        }

    def forward_apart(self, batch, device):
        """Spectral losses, less the spectral distance of two outputs for the same batch.

        Both outputs are excited by the pitch that was measured, which the predictor learns.
        Where speech is noise no output can match it, and one that is always the same has a smaller
        loss than one with noise: it repeats a pattern at the frame rate, which is heard as a buzz.
        With the distance of two outputs subtracted, the loss is smallest where outputs are
        distributed as speech is (the energy distance of arXiv 2008.01160).
        """
        generator: Any = self.generator
        real = batch["speech"].to(device)
        mel = batch["speech_feat"].to(device).transpose(1, 2)
        f0, pitch = generator.predicted_pitch(mel), batch["pitch_feat"].to(device)
        generated = generator.speak(mel, pitch)
        with torch.no_grad():
            twin = generator.speak(mel, pitch)
        losses = {
            "loss_mel": self.mel_distance(generated, real),
            "loss_stft": stft_loss(real, generated),
            "loss_fine": fine_distance(generated, real),
            "loss_f0": F.l1_loss(f0, pitch.to(f0)),
            "loss_twin": self.distance(generated, twin),
        }
        total = self.mel_weight * losses["loss_mel"] + losses["loss_stft"] + losses["loss_fine"]
        return {"loss": total + losses["loss_f0"] - losses["loss_twin"], **losses}

    def distance(self, one: Tensor, other: Tensor) -> Tensor:
        """Spectral losses of two outputs (B, N), as far as they are means of differences."""
        logs = sum(log_distance(one, other, *sizes) for sizes in STFT_SIZES) / len(STFT_SIZES)
        mel = self.mel_weight * self.mel_distance(one, other)
        return mel + logs + fine_distance(one, other)

    def mel_distance(self, one: Tensor, other: Tensor) -> Tensor:
        each = [F.l1_loss(mel(one), mel(other)) for mel in self.mel_spec_transform]
        return torch.stack(each).sum()

    def reconstruct(self, batch, device):
        real = batch["speech"].to(device)
        generated, f0 = self.generator(batch, device)
        return generated, {
            "loss_mel": self.mel_distance(generated, real),
            "loss_f0": F.l1_loss(f0, batch["pitch_feat"].to(f0)),
        }

    def relativistic(self, better, worse):
        """Loss of the scores `better`, which should be higher than `worse`."""
        if self.tpr_weight == 0:
            return better[0].new_zeros(())
        return sum(tpr_loss(b.float(), w.float(), self.tau) for b, w in zip(better, worse))


@contextmanager
def frozen(module: nn.Module):
    """Compute no gradients of the module's weights, which halves the generator's backward pass."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


def feature_loss(real, generated):
    return 2 * sum(
        F.l1_loss(g.float(), r.float()) for rs, gs in zip(real, generated) for r, g in zip(rs, gs)
    )


def tpr_loss(better, worse, tau):
    """The smaller of tau and the variance of the score differences below their median."""
    difference = better - worse
    below = difference < difference.median()
    spread = ((difference - difference.median()) ** 2)[below].mean()
    return tau - F.relu(tau - spread)


def stft_loss(real: Tensor, generated: Tensor) -> Tensor:
    """Spectral convergence and log-magnitude L1, averaged over three resolutions.

    Source: arXiv 1910.11480, section 2.2.
    """
    return sum(
        resolution_loss(magnitude(real, *sizes), magnitude(generated, *sizes))
        for sizes in STFT_SIZES
    ) / len(STFT_SIZES)


def fine_distance(one: Tensor, other: Tensor) -> Tensor:
    return FINE_WEIGHT * log_distance(one, other, *FINE)


def log_distance(one: Tensor, other: Tensor, *sizes: int) -> Tensor:
    return F.l1_loss(magnitude(one, *sizes).log(), magnitude(other, *sizes).log())


def resolution_loss(real, generated):
    return (real - generated).norm() / real.norm().clamp(min=1e-5) + F.l1_loss(
        generated.log(), real.log()
    )


def magnitude(wave, fft_size, hop, window):
    with torch.autocast(wave.device.type, enabled=False):
        spectrum = torch.stft(
            wave.float(),
            fft_size,
            hop,
            window,
            torch.hann_window(window, device=wave.device),
            return_complex=True,
        )
        return torch.view_as_real(spectrum).square().sum(-1).clamp(min=1e-7).sqrt()
