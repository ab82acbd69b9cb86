"""HiFT vocoder: mel (B, 80, T) -> wave (B, 256 T) at 22,050 Hz.

Pitch -> sine waves and noise (the source) -> a network that upsamples the mel and adds the source
at every scale -> log magnitude and phase of a short STFT -> wave. Source: HiFTNet (arXiv
2309.09493); parameter names follow the released hift.pt.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from cosyvoice.utils.noise import draw

SAMPLE_RATE = 22050  # Hz; vocoders of other rates compute their source in another way
MAX_MAGNITUDE = 1e2
ISTFT = {"n_fft": 16, "hop_len": 4}  # samples


def full_precision(x: Tensor):
    """Spectra and phases need float32 when the convolutions around them run in bfloat16."""
    return torch.autocast(x.device.type, enabled=False)


def small_init(conv: nn.Module) -> nn.Module:
    nn.init.normal_(conv.weight, std=0.01)
    return weight_norm(conv)


class Snake(nn.Module):
    """x + sin(alpha x)^2 / alpha, with one alpha per channel (arXiv 2006.08195)."""

    def __init__(self, channels: int):
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        alpha = self.alpha[:, None]  # (C, 1)
        return torch.addcdiv(x, torch.sin(x * alpha).square(), alpha + 1e-9)


class ResBlock(nn.Module):
    """Residual convolutions of growing dilation, (B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int, kernel_size: int, dilations):
        super().__init__()

        def conv(dilation):
            return small_init(
                nn.Conv1d(
                    channels,
                    channels,
                    kernel_size,
                    dilation=dilation,
                    padding=(kernel_size - 1) * dilation // 2,
                )
            )

        self.convs1 = nn.ModuleList(conv(d) for d in dilations)
        self.convs2 = nn.ModuleList(conv(1) for _ in dilations)
        self.activations1 = nn.ModuleList(Snake(channels) for _ in dilations)
        self.activations2 = nn.ModuleList(Snake(channels) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for snake1, conv1, snake2, conv2 in zip(
            self.activations1, self.convs1, self.activations2, self.convs2
        ):
            x = x + conv2(snake2(conv1(snake1(x))))
        return x


class SourceModule(nn.Module):
    """f0 (B, N) in Hz, one value per sample -> source wave (B, 1, N).

    The source is harmonics where the speech is voiced and noise where it is not.
    """

    def __init__(self, harmonics: int, amplitude: float, noise_std: float, voiced_threshold: float):
        super().__init__()
        self.harmonics, self.amplitude = harmonics, amplitude
        self.noise_std, self.voiced_threshold = noise_std, voiced_threshold
        self.l_linear = nn.Linear(harmonics + 1, 1)

    def forward(self, f0: Tensor, generator: torch.Generator | None = None) -> Tensor:
        sines = self.sines(f0.detach(), generator)  # (B, harmonics + 1, N)
        # not used: keeps the draws of the next sentence equal to upstream's
        draw(torch.randn, f0.shape, f0, generator)
        return torch.tanh(self.l_linear(sines.transpose(1, 2))).transpose(1, 2)

    @torch.no_grad()
    def sines(self, f0, generator):
        f0 = f0[:, None]  # (B, 1, N)
        order = torch.arange(1, self.harmonics + 2, device=f0.device)[:, None]
        cycles = torch.cumsum(f0 * order / SAMPLE_RATE, -1) % 1
        phase = draw(torch.rand, (len(f0), self.harmonics + 1, 1), f0, generator)
        phase = phase * (2 * math.pi) - math.pi
        phase[:, 0] = 0
        waves = self.amplitude * torch.sin(2 * math.pi * cycles + phase)
        voiced = (f0 > self.voiced_threshold).float()
        noise_amplitude = voiced * self.noise_std + (1 - voiced) * self.amplitude / 3
        return waves * voiced + noise_amplitude * draw(torch.randn, waves.shape, waves, generator)


class HiFTGenerator(nn.Module):
    """The vocoder of cosyvoice.yaml; its keywords are fixed by that file.

    upsample_rates times the STFT hop is the number of samples per mel frame (8 x 8 x 4 = 256 in the
    official models).
    """

    exact = ("f0_predictor", "m_source", "conv_post")  # pitch and phases, see lower()

    def __init__(
        self,
        in_channels: int = 80,
        base_channels: int = 512,
        nb_harmonics: int = 8,
        sampling_rate: int = 22050,
        nsf_alpha: float = 0.1,
        nsf_sigma: float = 0.003,
        nsf_voiced_threshold: float = 10,
        upsample_rates=(8, 8),
        upsample_kernel_sizes=(16, 16),
        istft_params=ISTFT,
        resblock_kernel_sizes=(3, 7, 11),
        resblock_dilation_sizes=((1, 3, 5), (1, 3, 5), (1, 3, 5)),
        source_resblock_kernel_sizes=(7, 11),
        source_resblock_dilation_sizes=((1, 3, 5), (1, 3, 5)),
        lrelu_slope: float = 0.1,
        audio_limit: float = 0.99,
        f0_predictor: nn.Module = None,
    ):
        super().__init__()
        if sampling_rate != SAMPLE_RATE:
            raise ValueError(
                f"sampling_rate {sampling_rate} is not supported by HiFTGenerator; "
                f"use a {SAMPLE_RATE} Hz model"
            )
        self.n_fft, self.hop = istft_params["n_fft"], istft_params["hop_len"]
        self.lrelu_slope, self.audio_limit = lrelu_slope, audio_limit
        self.samples_per_frame = math.prod(upsample_rates) * self.hop
        self.f0_predictor = f0_predictor
        self.m_source = SourceModule(nb_harmonics, nsf_alpha, nsf_sigma, nsf_voiced_threshold)
        widths = [base_channels >> i for i in range(len(upsample_rates) + 1)]
        self.conv_pre = weight_norm(nn.Conv1d(in_channels, base_channels, 7, padding=3))
        self.ups = nn.ModuleList(
            small_init(nn.ConvTranspose1d(c, d, k, r, padding=(k - r) // 2))
            for c, d, k, r in zip(widths, widths[1:], upsample_kernel_sizes, upsample_rates)
        )
        self.source_downs = nn.ModuleList(
            self.source_down(d, math.prod(upsample_rates[i + 1 :]))
            for i, d in enumerate(widths[1:])
        )
        self.source_resblocks = nn.ModuleList(
            ResBlock(d, k, s)
            for d, k, s in zip(
                widths[1:], source_resblock_kernel_sizes, source_resblock_dilation_sizes
            )
        )
        self.resblocks = nn.ModuleList(
            ResBlock(d, k, s)
            for d in widths[1:]
            for k, s in zip(resblock_kernel_sizes, resblock_dilation_sizes)
        )
        self.conv_post = small_init(nn.Conv1d(widths[-1], self.n_fft + 2, 7, padding=3))

    def source_down(self, channels, rate):
        """A convolution that gives the source's spectrum the width and frame rate of a scale."""
        if rate == 1:
            return nn.Conv1d(self.n_fft + 2, channels, 1)
        return nn.Conv1d(self.n_fft + 2, channels, 2 * rate, rate, padding=rate // 2)

    def forward(self, batch: dict, device: torch.device) -> tuple[Tensor, Tensor]:
        """Training: batch["speech_feat"] (B, T, 80) -> speech (B, 256 T), predicted f0 (B, T)."""
        mel = batch["speech_feat"].to(device).transpose(1, 2)
        f0, source = self.excite(mel)
        return self.decode(mel, source), f0

    @torch.inference_mode()
    def inference(
        self,
        speech_feat: Tensor,
        cache_source: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """speech_feat (1, 80, T) -> speech (1, 256 T) and its source (1, 1, 256 T).

        The speech is in [-audio_limit, audio_limit]. cache_source (1, 1, N) replaces the first
        samples of the source, so that a chunk that repeats the end of the previous one repeats its
        sound. Order of draws: harmonic phases, then noise. Thread-safe.
        """
        _, source = self.excite(speech_feat, generator)
        if cache_source is not None:
            source = torch.cat([cache_source.to(source), source[:, :, cache_source.shape[2] :]], 2)
        return self.decode(speech_feat, source), source

    def excite(self, mel, generator=None):
        with full_precision(mel):
            f0 = self.f0_predictor(mel.float())  # (B, T)
            return f0, self.m_source(f0.repeat_interleave(self.samples_per_frame, 1), generator)

    def decode(self, x: Tensor, source: Tensor) -> Tensor:
        """mel (B, 80, T) and source (B, 1, 256 T) -> speech (B, 256 T)."""
        spectrum = self.stft(source.squeeze(1))
        x = self.conv_pre(x)
        kernels = len(self.resblocks) // len(self.ups)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, self.lrelu_slope))
            if i == len(self.ups) - 1:
                x = F.pad(x, (1, 0), mode="reflect")  # the STFT has one frame more
            x = x + self.source_resblocks[i](self.source_downs[i](spectrum))
            x = sum(block(x) for block in self.resblocks[i * kernels : (i + 1) * kernels]) / kernels
        with full_precision(x):
            return self.istft(self.conv_post(F.leaky_relu(x.float())))

    def window(self, like):
        return torch.hann_window(self.n_fft, device=like.device)

    def stft(self, wave):
        """(B, N) -> real and imaginary parts stacked, (B, n_fft + 2, N / hop + 1)."""
        with full_precision(wave):
            spectrum = torch.stft(
                wave.float(), self.n_fft, self.hop, window=self.window(wave), return_complex=True
            )
            return torch.cat([spectrum.real, spectrum.imag], 1)

    def istft(self, x):
        """Log magnitude and arcsine of the phase, (B, n_fft + 2, frames) -> wave (B, N)."""
        magnitude, phase = x.split(self.n_fft // 2 + 1, 1)
        magnitude = magnitude.exp().clamp(max=MAX_MAGNITUDE)
        phase = torch.sin(phase)  # kept for checkpoint compatibility
        spectrum = torch.complex(magnitude * torch.cos(phase), magnitude * torch.sin(phase))
        wave = torch.istft(spectrum, self.n_fft, self.hop, window=self.window(x))
        return wave.clamp(-self.audio_limit, self.audio_limit)

    def remove_weight_norm(self):
        """Fold weight norm, which only training needs, into the weights; once, after loading."""
        for module in list(self.modules()):
            if parametrize.is_parametrized(module, "weight"):
                parametrize.remove_parametrizations(module, "weight")
