"""Conditional flow matching: noise -> mel along the velocity field of an estimator.

Source: Lipman et al. 2022 (optimal-transport paths); classifier-free guidance as in Voicebox
(arXiv 2306.15687).
"""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cosyvoice.transformer.past import Past
from cosyvoice.utils.noise import draw

MEL_BINS = 80
NOISE_SEED, NOISE_FRAMES = 0, 15000  # of the noise that every mel of CosyVoice2 and 3 starts from


class ConditionalCFM(nn.Module):
    """Noise and conditions -> mel, in the Euler steps of an estimator of the velocity.

    cfm_params, as upstream: sigma_min, solver (euler), t_scheduler (cosine or linear),
    training_cfg_rate, inference_cfg_rate. Our own: n_timesteps (default 10); training_temperature
    and inference_temperature, the standard deviation of the noise that a mel starts from (default
    1, as upstream). At 0 the result is an average of likely mels, and few steps suffice.
    reg_loss_type, which every official YAML has, has no effect, as upstream. in_channels, n_spks
    and spk_emb_dim only describe the estimator.
    """

    def __init__(
        self,
        in_channels: int,
        cfm_params,
        n_spks: int = 1,
        spk_emb_dim: int = 64,
        estimator: nn.Module = None,
    ):
        super().__init__()
        for name, choices in (("solver", ("euler",)), ("t_scheduler", ("cosine", "linear"))):
            if cfm_params[name] not in choices:
                raise ValueError(
                    f"{name} {cfm_params[name]!r} is not supported by ConditionalCFM; "
                    f"use {' or '.join(choices)}"
                )
        self.estimator = estimator
        self.sigma_min = cfm_params.get("sigma_min", 1e-4)
        self.t_scheduler = cfm_params["t_scheduler"]
        self.training_cfg_rate = cfm_params["training_cfg_rate"]
        self.inference_cfg_rate = cfm_params["inference_cfg_rate"]
        self.n_timesteps = cfm_params.get("n_timesteps", 10)
        self.training_temperature = cfm_params.get("training_temperature", 1.0)
        self.inference_temperature = cfm_params.get("inference_temperature", 1.0)

    @torch.inference_mode()
    def forward(
        self,
        mu: Tensor,
        spks: Tensor,
        cond: Tensor,
        prompt_len: int,
        overlap: int,
        cache: Tensor,
        generator: torch.Generator | None = None,
        check=None,
    ) -> tuple[Tensor, Tensor]:
        """mu, cond (1, 80, T), spks (1, 80) -> mel (1, 80, T) and the cache for the next chunk.

        cache (1, 80, C, 2): noise and mu of the first C frames, from the previous chunk of the
        stream (C = 0 at the start). These are the prompt_len frames of the prompt and the `overlap`
        frames that both chunks contain. check: called before every step; it may raise.
        """
        z = self.inference_temperature * draw(torch.randn, mu.shape, mu, generator)
        start = torch.stack([z, mu], -1)
        start = torch.cat([cache, start[:, :, cache.shape[2] :]], 2)
        cache = torch.cat([start[:, :, :prompt_len], start[:, :, -overlap:]], 2)
        z, mu = start.unbind(-1)
        return self.solve_euler(z, mu, spks, cond, check), cache

    def solve_euler(self, x, mu, spks, cond, check, **options):
        """Integrate from noise x to mel, with classifier-free guidance by inference_cfg_rate.

        Row 0 of the estimator's batch has the conditions, row 1 has zeros instead. options: further
        arguments of the estimator, each a list with one value for each step.
        """
        times, w = self.times(x), self.inference_cfg_rate
        rows = 2 if w else 1
        mu, spks, cond = (torch.cat([c, torch.zeros_like(c)][:rows]) for c in (mu, spks, cond))
        for step, (t, dt) in enumerate(zip(times, times.diff())):
            if check is not None:
                check()
            step_options = {name: values[step] for name, values in options.items()}
            velocity = self.estimator(
                x.expand(rows, -1, -1), None, mu, t.expand(rows), spks, cond, **step_options
            )
            x = x + dt * ((1 + w) * velocity[:1] - w * velocity[-1:])
        return x

    def times(self, x):
        return self.spaced(torch.linspace(0, 1, self.n_timesteps + 1, device=x.device))

    def spaced(self, t):
        """Evenly spaced times in 0..1 -> times as the scheduler spaces them."""
        return 1 - torch.cos(t * (0.5 * torch.pi)) if self.t_scheduler == "cosine" else t

    def random_times(self, x1):
        """(B, 1, 1), uniform in 0..1."""
        return draw(torch.rand, (len(x1), 1, 1), x1)

    def compute_loss(
        self, x1: Tensor, mask: Tensor, mu: Tensor, spks: Tensor, cond: Tensor, **options
    ) -> Tensor:
        """Mean squared error of the velocity at a random time of each row.

        x1 mel, mu, cond (B, 80, T); mask (B, 1, T); spks (B, 80); options: further arguments of the
        estimator. A row loses all its conditions with probability training_cfg_rate. Order of
        draws: times, noise, rows that lose their conditions.
        """
        t = self.random_times(x1)
        z = self.training_temperature * draw(torch.randn, x1.shape, x1)
        y = (1 - (1 - self.sigma_min) * t) * z + t * x1
        velocity = x1 - (1 - self.sigma_min) * z
        if self.training_cfg_rate > 0:
            keep = draw(torch.rand, (len(mu), 1, 1), x1) > self.training_cfg_rate
            mu, spks, cond = mu * keep, spks * keep[:, 0], cond * keep
        predicted = self.estimator(y, mask, mu, t[:, 0, 0], spks, cond, **options).float()
        return F.mse_loss(predicted * mask, velocity * mask, reduction="sum") / (
            mask.sum() * mu.shape[1]
        )


class CausalConditionalCFM(ConditionalCFM):
    """The flow matching of CosyVoice2 and 3: every mel starts from the same noise.

    A frame has the same noise in every hop, so that a stream has the mel of the whole utterance.
    The numbers are upstream's; from frame 15,000 on, where upstream stops, they go on.
    """

    @torch.inference_mode()
    def forward(
        self,
        mu: Tensor,
        spks: Tensor,
        cond: Tensor,
        streaming: bool = False,
        check=None,
        steps: list[Past] | None = None,
    ) -> Tensor:
        """mu, cond (1, 80, T), spks (1, 80) -> mel (1, 80, T).

        streaming: frames look ahead within blocks only. steps: what each step keeps of the stream
        that the frames continue, made by `new_steps`; changed in place. check: called before every
        step; it may raise.
        """
        frames, start = mu.shape[2], steps[0].frames if steps else 0
        z = self.inference_temperature * fixed_noise(start + frames)[:, :, start:].to(mu)
        streaming, pasts = [streaming] * self.n_timesteps, steps or [None] * self.n_timesteps
        mel = self.solve_euler(z, mu, spks, cond, check, streaming=streaming, past=pasts)
        for past in steps or ():
            past.frames += frames
        return mel

    def new_steps(self, pinned: int, recent: int | None) -> list[Past]:
        """The state of one stream, whose attention sees its first `pinned` frames and the last."""
        return [Past(pinned, recent) for _ in range(self.n_timesteps)]

    def kept_bytes(self) -> int:
        """Memory that a stream takes for each frame that it keeps."""
        rows = 2 if self.inference_cfg_rate else 1
        number_bytes = max(weight.element_size() for weight in self.estimator.parameters())
        return self.estimator.kept_width * number_bytes * rows * self.n_timesteps

    def fold_times(self) -> None:
        """Let the estimator keep only what the fixed times need; once, after loading."""
        if hasattr(self.estimator, "fold_times"):
            self.estimator.fold_times(self.times(next(self.estimator.parameters())))


def fixed_noise(frames: int) -> Tensor:
    """(1, 80, frames), in parts of NOISE_FRAMES. The first part is kept."""
    if frames <= NOISE_FRAMES:
        return first_noise()[:, :, :frames]
    generator = torch.Generator().manual_seed(NOISE_SEED)
    parts = -(-frames // NOISE_FRAMES)
    shape = (1, MEL_BINS, NOISE_FRAMES)
    noise = torch.cat([torch.randn(shape, generator=generator) for _ in range(parts)], 2)
    return noise[:, :, :frames]


@cache
def first_noise() -> Tensor:
    generator = torch.Generator().manual_seed(NOISE_SEED)
    return torch.randn(1, MEL_BINS, NOISE_FRAMES, generator=generator)
