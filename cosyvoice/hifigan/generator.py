"""HiFT vocoder: mel (B, 80, T) -> wave, (B, 256 T) at 22,050 Hz or (B, 480 T) at 24,000 Hz.

Pitch -> sine waves and noise (the source) -> a network that upsamples the mel and adds the source
at every scale -> log magnitude and phase of a short STFT -> wave. Source: HiFTNet (arXiv
2309.09493); parameter names follow the released hift.pt.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from cosyvoice.hifigan.causal import CausalConv1d, CausalDownsample, CausalUpsample
from cosyvoice.hifigan.f0_predictor import F0_LOOKAHEAD
from cosyvoice.utils.noise import draw
from cosyvoice.utils.precision import HalfSnake

SAMPLE_RATE = 22050  # Hz; vocoders of other rates compute their source frame by frame
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

    def halved(self) -> nn.Module:
        return HalfSnake(self.alpha)


def centred_conv(channels: int, out_channels: int, kernel_size: int, dilation=1) -> nn.Conv1d:
    """A convolution as long as its input, which looks as far ahead as back."""
    padding = (kernel_size - 1) * dilation // 2
    return nn.Conv1d(channels, out_channels, kernel_size, dilation=dilation, padding=padding)


class ResBlock(nn.Module):
    """Residual convolutions of growing dilation, (B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int, kernel_size: int, dilations, conv=centred_conv):
        super().__init__()

        def made(dilation):
            return small_init(conv(channels, channels, kernel_size, dilation))

        self.convs1 = nn.ModuleList(made(d) for d in dilations)
        self.convs2 = nn.ModuleList(made(1) for _ in dilations)
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

    def __init__(
        self,
        harmonics: int,
        amplitude: float,
        noise_std: float,
        voiced_threshold: float,
        sampling_rate: int,
        samples_per_frame: int,
    ):
        super().__init__()
        self.sampling_rate, self.samples_per_frame = sampling_rate, samples_per_frame
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
        cycles = torch.cumsum(f0 * order / self.sampling_rate, -1) % 1
        phase = draw(torch.rand, (len(f0), self.harmonics + 1, 1), f0, generator)
        phase = phase * (2 * math.pi) - math.pi
        phase[:, 0] = 0
        waves = self.amplitude * torch.sin(2 * math.pi * cycles + phase)
        return self.mixed(f0, waves, draw(torch.randn, waves.shape, waves, generator))

    def mixed(self, f0, waves, noise):
        """Waves and a little noise where the speech is voiced, and noise elsewhere."""
        voiced = (f0 > self.voiced_threshold).float()
        noise_amplitude = voiced * self.noise_std + (1 - voiced) * self.amplitude / 3
        return waves * voiced + noise_amplitude * noise


class FrameSource(SourceModule):
    """The source of CosyVoice2: the phase grows frame by frame, in lines between their middles."""

    phase_between = "linear"

    @torch.no_grad()
    def sines(self, f0, generator):
        f0 = f0[:, None]  # (B, 1, N)
        # not used, as upstream interpolates it away: keeps the draws after it equal
        draw(torch.rand, (len(f0), self.harmonics + 1), f0, generator)
        waves = self.waves(self.cycles(f0).cumsum(-1))
        return self.mixed(f0, waves, draw(sample_by_sample, waves.shape, waves, generator))

    def cycles(self, f0):
        """f0 (B, 1, N) -> cycles of each harmonic in a sample of each frame, (B, H, T)."""
        order = torch.arange(1, self.harmonics + 2, device=f0.device)[:, None]
        return f0[..., :: self.samples_per_frame] * order / self.sampling_rate % 1

    def waves(self, cycles):
        """The sum of the cycles up to each frame (B, H, T) -> waves (B, H, N)."""
        samples = self.samples_per_frame
        phase = cycles * 2 * math.pi * samples
        phase = F.interpolate(phase, scale_factor=samples, mode=self.phase_between)
        return self.amplitude * torch.sin(phase)


def sample_by_sample(shape, generator, device) -> Tensor:
    """Normal noise (B, H, N), drawn as upstream does: all harmonics of a sample, then the next."""
    batch, harmonics, samples = shape
    noise = torch.empty(batch, harmonics, samples, device=device).transpose(1, 2)
    return noise.normal_(generator=generator).transpose(1, 2)


class HiFTGenerator(nn.Module):
    """The vocoder of cosyvoice.yaml; its keywords are fixed by that file.

    upsample_rates times the STFT hop is the number of samples per mel frame (8 x 8 x 4 = 256 in the
    300M models, 8 x 5 x 3 x 4 = 480 in CosyVoice2).
    """

    causal = False
    conv = staticmethod(centred_conv)
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
        self.n_fft, self.hop = istft_params["n_fft"], istft_params["hop_len"]
        self.lrelu_slope, self.audio_limit = lrelu_slope, audio_limit
        self.sampling_rate = sampling_rate
        self.samples_per_frame = math.prod(upsample_rates) * self.hop
        self.f0_predictor = f0_predictor
        self.upsample_rates = tuple(upsample_rates)
        self.m_source = self.source(sampling_rate)(
            nb_harmonics,
            nsf_alpha,
            nsf_sigma,
            nsf_voiced_threshold,
            sampling_rate,
            self.samples_per_frame,
        )
        widths = [base_channels >> i for i in range(len(upsample_rates) + 1)]
        self.conv_pre = weight_norm(self.first_conv(in_channels, base_channels))
        self.ups = nn.ModuleList(
            small_init(self.upsampling(c, d, k, r))
            for c, d, k, r in zip(widths, widths[1:], upsample_kernel_sizes, upsample_rates)
        )
        self.source_downs = nn.ModuleList(
            self.source_down(d, math.prod(upsample_rates[i + 1 :]))
            for i, d in enumerate(widths[1:])
        )
        self.source_resblocks = nn.ModuleList(
            ResBlock(d, k, s, self.conv)
            for d, k, s in zip(
                widths[1:], source_resblock_kernel_sizes, source_resblock_dilation_sizes
            )
        )
        self.resblocks = nn.ModuleList(
            ResBlock(d, k, s, self.conv)
            for d in widths[1:]
            for k, s in zip(resblock_kernel_sizes, resblock_dilation_sizes)
        )
        self.conv_post = small_init(self.conv(widths[-1], self.n_fft + 2, 7))

    def source(self, sampling_rate: int) -> type[SourceModule]:
        return SourceModule if sampling_rate == SAMPLE_RATE else FrameSource

    def first_conv(self, channels: int, out_channels: int) -> nn.Module:
        return self.conv(channels, out_channels, 7)

    def upsampling(self, channels, out_channels, kernel_size, rate):
        padding = (kernel_size - rate) // 2
        return nn.ConvTranspose1d(channels, out_channels, kernel_size, rate, padding=padding)

    def source_down(self, channels, rate):
        """A convolution that gives the source's spectrum the width and frame rate of a scale."""
        if rate == 1:
            return nn.Conv1d(self.n_fft + 2, channels, 1)
        return nn.Conv1d(self.n_fft + 2, channels, 2 * rate, rate, padding=rate // 2)

    def forward(self, batch: dict, device: torch.device) -> tuple[Tensor, Tensor]:
        """Training: batch["speech_feat"] (B, T, 80) -> speech (B, N), predicted f0 (B, T)."""
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
        """speech_feat (1, 80, T) -> speech (1, N) and its source (1, 1, N), samples of all frames.

        The speech is in [-audio_limit, audio_limit]. cache_source (1, 1, N) replaces the first
        samples of the source, so that a chunk that repeats the end of the previous one repeats its
        sound. Order of draws: harmonic phases, then noise. Thread-safe.
        """
        _, source = self.excite(speech_feat, generator)
        if cache_source is not None:
            source = torch.cat([cache_source.to(source), source[:, :, cache_source.shape[2] :]], 2)
        return self.decode(speech_feat, source), source

    def speak(self, mel: Tensor, f0: Tensor) -> Tensor:
        """Training: mel (B, 80, T), measured pitch (B, T) in Hz -> speech (B, N)."""
        with full_precision(mel):
            source = self.source_of(f0.float())
        return self.decode(mel, source)

    def excite(self, mel, generator=None):
        f0 = self.predicted_pitch(mel)
        with full_precision(mel):
            return f0, self.source_of(f0, generator)

    def predicted_pitch(self, mel: Tensor) -> Tensor:
        """(B, T) in Hz."""
        with full_precision(mel):
            return self.f0_predictor(mel.float())

    def source_of(self, f0, generator=None):
        return self.m_source(f0.repeat_interleave(self.samples_per_frame, 1), generator)

    def decode(self, x: Tensor, source: Tensor) -> Tensor:
        """mel (B, 80, T) and source (B, 1, N) -> speech (B, N)."""
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
                # torch leaves a plain tensor where no gradient is wanted
                module.weight = nn.Parameter(module.weight, module.weight.requires_grad)


class FixedSource(FrameSource):
    """The source of CosyVoice3: its phase stands still within a frame, its noise is constant.

    The noise is uniform in 0..1, as upstream's. In training it is FrameSource's.
    """

    phase_between = "nearest"

    def continued(self, f0: Tensor, past: "SourcePast") -> Tensor:
        """f0 (1, T) in Hz, of each next frame of a stream -> its source (1, 1, N)."""
        f0 = f0.repeat_interleave(self.samples_per_frame, 1)[:, None]  # (1, 1, N)
        sums = past.cycles + self.cycles(f0).double().cumsum(-1)
        past.cycles = sums[..., -1:]
        noise = torch.rand(f0.shape[2], self.harmonics + 1, generator=past.generator)
        sines = self.mixed(f0, self.waves(sums.float()), noise.T[None].to(f0))
        return torch.tanh(self.l_linear(sines.transpose(1, 2))).transpose(1, 2)


class SourcePast:
    """Where the phases and the noise of a stream have arrived."""

    def __init__(self, device: torch.device):
        self.cycles = torch.zeros(1, 1, 1, dtype=torch.float64, device=device)
        self.generator = torch.Generator()
        self.generator.set_state(fixed_noise_start())


@cache
def fixed_noise_start() -> Tensor:
    """State of the random generator where the noise of CosyVoice3's source starts.

    Upstream draws the noise when it builds the vocoder, after its flow has set the seed 0. Between
    these it draws the flow's noise and first values of weights, in these numbers, one for each.
    """
    flow_noise, token_table, speaker_layer = 80 * 15000, 6561 * 80, (192 + 1) * 80
    pitch_layers = (80 * 4 + 1) * 512 + 4 * (512 * 3 + 1) * 512 + 512 + 1
    first_phases = 9
    generator = torch.Generator().manual_seed(0)
    torch.rand(
        flow_noise + token_table + speaker_layer + pitch_layers + first_phases, generator=generator
    )
    return generator.get_state()


@dataclass
class VocoderStream:
    """What a stream carries from hop to hop; made for it and dropped with it."""

    mel: Tensor  # (1, 80, T), the frames that are needed once more
    source: Tensor  # (1, 1, N), from the first of these frames on
    source_past: SourcePast
    skipped_frames: int = 0  # the first of mel, whose speech is made


class CausalHiFTGenerator(HiFTGenerator):
    """The vocoder of CosyVoice3, whose samples never change once finished.

    It looks conv_pre_look_right and F0_LOOKAHEAD frames ahead, and one for the last STFT.
    """

    causal = True
    conv = staticmethod(CausalConv1d)

    def __init__(self, *args, conv_pre_look_right: int = 4, **options):
        self.conv_pre_look_right = conv_pre_look_right
        super().__init__(*args, **options)

    def source(self, sampling_rate):
        return FixedSource

    def first_conv(self, channels, out_channels):
        ahead = self.conv_pre_look_right
        return CausalConv1d(channels, out_channels, ahead + 1, ahead=ahead)

    def upsampling(self, channels, out_channels, kernel_size, rate):
        return CausalUpsample(channels, out_channels, kernel_size, rate)

    def source_down(self, channels, rate):
        if rate == 1:
            return CausalConv1d(self.n_fft + 2, channels, 1)
        return CausalDownsample(self.n_fft + 2, channels, rate)

    def inference(
        self,
        speech_feat: Tensor,
        finalize: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """speech_feat (1, 80, T) -> speech (1, N) and its source; N is the samples of all frames.

        Without finalize N is what more frames would not change. generator is not used: the noise is
        always the same. Thread-safe.
        """
        return self._continue(self.new_stream(speech_feat), speech_feat, finalize)

    def new_stream(self, like: Tensor) -> VocoderStream:
        mel, source = like.new_zeros(1, like.shape[1], 0), like.new_zeros(1, 1, 0)
        return VocoderStream(mel, source, SourcePast(like.device))

    def continue_stream(self, stream: VocoderStream, mel: Tensor, finalize: bool) -> Tensor:
        """The next frames (1, 80, T) of a stream -> the speech that they finish, (1, N)."""
        return self._continue(stream, mel, finalize)[0]

    @torch.inference_mode()
    def _continue(self, stream, mel, finalize):
        mel, samples = torch.cat([stream.mel, mel], 2), self.samples_per_frame
        known = stream.source.shape[2] // samples
        frames = mel.shape[2] if finalize else max(known, mel.shape[2] - F0_LOOKAHEAD)
        with full_precision(mel):
            f0 = self.pitch(mel)[:, known:frames]
            new = self.m_source.continued(f0, stream.source_past)
        source = torch.cat([stream.source, new], 2)
        finished = frames if finalize else frames - self.conv_pre_look_right - 1
        finished = max(finished, stream.skipped_frames)
        if finished == stream.skipped_frames:
            speech = mel.new_zeros(1, 0)
        else:
            speech = self.decode(mel[:, :, :frames], source)
            speech = speech[:, stream.skipped_frames * samples : finished * samples]
        passed = max(0, finished - self.frames_back())
        stream.mel, stream.source = mel[:, :, passed:], source[:, :, passed * samples :]
        stream.skipped_frames = finished - passed
        return speech, source

    def pitch(self, mel: Tensor) -> Tensor:
        """mel (1, 80, T) -> f0 in Hz (1, T), in float64: phases add up its errors."""
        weights = {name: weight.double() for name, weight in self.f0_predictor.named_parameters()}
        return functional_call(self.f0_predictor, weights, mel.double()).to(mel)

    def frames_back(self) -> int:
        """A bound of how many frames before it a sample depends on."""

        def reach(block):
            return sum(conv.edges[0] for conv in [*block.convs1, *block.convs2])

        frames, rate, kernels = 0.0, 1, len(self.resblocks) // len(self.ups)
        for i, (up, factor) in enumerate(zip(self.ups, self.upsample_rates)):
            blocks = self.resblocks[i * kernels : (i + 1) * kernels]
            rate *= factor
            frames += (max(map(reach, blocks)) + reach(self.source_resblocks[i])) / rate
            frames += (up.kernel_size[0] + 2) / rate
        return math.ceil(frames + (self.conv_post.edges[0] + self.n_fft) / rate) + 1
