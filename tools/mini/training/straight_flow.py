"""The flow's last stage of training: a few steps from no noise, as in use.

A mel of least squares is the mean of all that are likely: its harmonics and consonants are blurred.
Three losses on the result work against that:

- A critic distinguishes pieces of true mels from generated ones (GANSpeech, arXiv 2106.15153).
- The speaker encoder compares the very mel that is spoken, not an estimate half way.
- Words are carried by the envelope of the spectrum, which single bins hide in their noise: mels are
  compared in patches of several SCALES too.

A voice that speaks once in the data has one vector, from the very sound that is wanted. In use the
vector is of another text, often in another language. So pieces are also spoken in another row's
voice: the speaker encoder says whether the result is in that voice rather than in another of those
it has met (as speaker encoders themselves are trained), and a listener whether the sounds are still
the right ones.

The weights remain those of the plain flow; cosyvoice.yaml then has n_timesteps STEPS, and 0 for
inference_temperature and inference_cfg_rate.
"""

import random
from collections import deque

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from cosyvoice.flow.length_regulator import length_mask, mel_frames
from tools.mini.hearing.listener import SoundLoss
from tools.mini.hearing.voice_loss import VoiceLoss, relative_distance

STEPS = 2
SCALES = ((4, 1), (4, 4), (2, 8), (16, 2))  # frames and bins of a patch
JUDGED = 0.5  # share of batches for the critic and the encoder; weights are divided by it
PIECE, PIECES = 160, 6  # mel frames of a piece for the critic and the encoder (1.9 s); rows
HEARD = 3  # pieces of a row that the vector of its voice is made from
MEL_FLOOR, MEL_SPREAD = -6.0, 2.5  # middle and deviation of log-mels, roughly, for the critic
VOICE_WEIGHT, LIKE_WEIGHT, FOOL_WEIGHT = 1.0, 0.3, 0.05
LENT = 85  # tokens of a piece that is spoken in another voice, 3.4 s
LENT_VOICE_WEIGHT, LENT_RIGHT_WEIGHT, LENT_SOUND_WEIGHT = 5.0, 0.5, 0.5
SHARPNESS = 20.0  # factor of cosines in the softmax over voices
SAME = 0.85  # voices with a larger cosine count as the same
REMEMBERED = 3600  # voices
# Adam's steps do not depend on it, but with 1.0 the critic's gradients would dominate the norm that
# gradients are clipped by.
CRITIC_WEIGHT = 0.01


class Critic(nn.Module):
    """Mels (B, T, 80) -> activations of its layers.

    The last has a mark for each patch: near 1 for true mels, near 0 for generated ones.
    """

    def __init__(self, channels=(32, 48, 64, 64)):
        super().__init__()
        first = nn.Conv2d(1, channels[0], 3, padding=1)
        # The stride must divide the kernel's size: else some frames are read more often than
        # others, and the gradient makes a grid in the mel.
        others = [nn.Conv2d(a, b, 4, 2, 1) for a, b in zip(channels, channels[1:])]
        self.layers = nn.ModuleList([first, *others])
        self.mark = nn.Conv2d(channels[-1], 1, 3, padding=1)

    def forward(self, mel: Tensor) -> list[Tensor]:
        x, seen = (mel[:, None] - MEL_FLOOR) / MEL_SPREAD, []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            seen.append(x)
        return [*seen, self.mark(x)]


class StraightFlow(nn.Module):
    """A flow and its critic. Both learn from one loss; the terms of one do not reach the other."""

    def __init__(
        self,
        flow: nn.Module,
        voice_loss: VoiceLoss | None = None,
        sound_loss: SoundLoss | None = None,
        known_voices=(),
    ):
        """known_voices: unit vectors (D,) of voices to begin with, see voices.py.

        The last REMEMBERED are kept.
        """
        super().__init__()
        self.flow, self.input_frame_rate = flow, flow.input_frame_rate
        self.voice_loss, self.sound_loss = voice_loss, sound_loss
        self.critic, self.known_voices = Critic(), deque(known_voices, maxlen=REMEMBERED)
        flow.decoder.n_timesteps = STEPS

    def forward(self, batch: dict, device: torch.device) -> dict[str, Tensor]:
        mel, mel_len = batch["speech_feat"].to(device), batch["speech_feat_len"].to(device)
        made = self.speak(batch, device)
        fine, coarse = distances(mel, made, mel_len)
        losses = {"loss": fine + coarse, "loss_mel": fine.detach(), "loss_coarse": coarse.detach()}
        cuts, lenders, further = pieces(mel_len), rows_to_lend(batch), []
        if cuts and random.random() < JUDGED:
            real, made = (torch.stack([x[cut] for cut in cuts]) for x in (mel, made))
            further.append(("critic", CRITIC_WEIGHT, self.judge(real, made.detach())))
            further += self.persuade(real, made)
        if lenders and self.sound_loss and random.random() < JUDGED:
            further += self.in_other_voices(batch, lenders, device)
        for name, weight, loss in further:
            losses["loss"] = losses["loss"] + weight / JUDGED * loss
            losses[f"loss_{name}"] = loss.detach()
        return losses

    def speak(self, batch: dict, device: torch.device) -> Tensor:
        """The mel (B, T, 80) of `ConditionalCFM.solve_euler` from no noise and without guidance."""
        mask, mu, speakers, prompts = self.flow.conditions(batch, device)
        x, times = torch.zeros_like(mu), self.flow.decoder.times(mu)
        estimator = self.flow.decoder.estimator
        for t, dt in zip(times, times.diff()):
            velocity = estimator(x, mask, mu, t.expand(len(x)), speakers, prompts)
            x = x + dt * velocity.float()
        return x.transpose(1, 2)

    def judge(self, real: Tensor, made: Tensor) -> Tensor:
        """The critic's own error (least squares, arXiv 1611.04076)."""
        true, false = self.critic(real)[-1].float(), self.critic(made)[-1].float()
        return (true - 1).square().mean() + false.square().mean()

    def persuade(self, real: Tensor, made: Tensor):
        """(name, weight, loss) of the critic's activations and marks, and of the voice."""
        with torch.no_grad():
            *wanted, _ = self.critic(real)
        *found, mark = self.marked(made)
        yield "like", LIKE_WEIGHT, relative_distance(wanted, found)
        yield "fool", FOOL_WEIGHT, (mark.float() - 1).square().mean()
        if self.voice_loss:
            yield "voice", VOICE_WEIGHT, self.voice_loss(real, made)

    def in_other_voices(self, batch: dict, rows: list[int], device: torch.device):
        """(name, weight, loss) of pieces that are spoken in other voices, see `lend`."""
        lent, share = lend(batch, rows)
        made, mel = self.speak(lent, device), batch["speech_feat"].to(device)
        lengths = batch["speech_feat_len"]
        cuts = [piece(row, int(lengths[row]), PIECE) for row in rows for _ in range(HEARD)]
        with torch.no_grad():
            heard = heard_voices(self.voice_loss, torch.stack([mel[cut] for cut in cuts]))
            voice = F.normalize(between(heard, share.to(device)), dim=-1)
        self.known_voices.extend(heard)
        found = F.normalize(self.voice_loss.activations(made)[-1], dim=-1)
        yield "lent_voice", LENT_VOICE_WEIGHT, (1 - (found * voice).sum(1)).mean()
        mistaken = taken_for_others(found, voice, torch.stack([*self.known_voices]))
        yield "lent_right", LENT_RIGHT_WEIGHT, mistaken
        sounds = self.sound_loss(made, lent["speech_token"].to(device))
        yield "lent_sound", LENT_SOUND_WEIGHT, sounds
        yield "lent_fool", FOOL_WEIGHT, (self.marked(made)[-1].float() - 1).square().mean()

    def marked(self, made: Tensor) -> list[Tensor]:
        """The critic's activations of mels; its weights get no gradient."""
        weights = {name: weight.detach() for name, weight in self.critic.named_parameters()}
        return functional_call(self.critic, weights, (made,))


def distances(real: Tensor, made: Tensor, mel_len: Tensor) -> tuple[Tensor, Tensor]:
    """Two distances of padded mels (B, T, 80): L1, and a coarse one.

    The coarse one is the sum of the L1 of means over patches, which overlap in time, and over whole
    rows.
    """
    present = length_mask(mel_len, real.shape[1])
    apart, share = ((made - real) * present[..., None])[:, None], present.float().mean()
    coarse = sum(
        F.avg_pool2d(apart, patch, (patch[0] // 2, patch[1])).abs().mean() for patch in SCALES
    )
    rows = (apart.sum(2) / mel_len[:, None, None]).abs().mean()
    return apart.abs().mean() / share, coarse / share + rows


def pieces(mel_len: Tensor) -> list[tuple[int, slice]]:
    """Random pieces of up to PIECES rows that are long enough, as (row, frames)."""
    rows = (mel_len >= PIECE).nonzero().flatten().tolist()
    random.shuffle(rows)
    return [piece(row, int(mel_len[row]), PIECE) for row in rows[:PIECES]]


def piece(row: int, length: int, size: int) -> tuple[int, slice]:
    """A random piece of a row, as (row, places)."""
    start = random.randint(0, length - size)
    return row, slice(start, start + size)


def rows_to_lend(batch: dict) -> list[int]:
    """Up to PIECES rows that are long enough and have a speaker; none if fewer than four."""
    fit = (batch["speech_token_len"] >= LENT) & batch["embedding"].any(1)
    rows = fit.nonzero().flatten().tolist()
    random.shuffle(rows)
    return rows[:PIECES] if len(rows) >= 4 else []


def lend(batch: dict, rows: list[int]) -> tuple[dict, Tensor]:
    """Pieces of LENT tokens of rows with vectors of other rows, as a batch without prompts; a share
    (B, 1).

    Half of the pieces have the vector of the next row, and a share of 0. The others have one
    between those of the next two rows, so that there are more voices than in the data (as in mixup,
    arXiv 1710.09412); the share is the second's.
    """
    count, frames = len(rows), mel_frames(LENT, 25)
    share = torch.rand(count, 1) * (torch.rand(count, 1) < 0.5)
    vectors = batch["embedding"][rows]
    voices = F.normalize(between(vectors[:, :-1], share), dim=1)
    pitch = between(vectors[:, -1:], share)
    cuts = [piece(row, int(batch["speech_token_len"][row]), LENT) for row in rows]
    return {
        "speech_token": torch.stack([batch["speech_token"][cut] for cut in cuts]),
        "speech_token_len": torch.full((count,), LENT),
        "embedding": torch.cat([voices, pitch], 1),
        "speech_feat": torch.zeros(count, frames, 80),
        "speech_feat_len": torch.full((count,), frames),
    }, share


def heard_voices(voice_loss: VoiceLoss, mels: Tensor) -> Tensor:
    """(B * HEARD, PIECE, 80), HEARD pieces of a row -> unit vectors of the rows' voices (B, D)."""
    heard = F.normalize(voice_loss.activations(mels)[-1], dim=-1)
    return F.normalize(heard.unflatten(0, (-1, HEARD)).sum(1), dim=-1)


def between(x: Tensor, share: Tensor) -> Tensor:
    """(B, D) -> (B, D): for each row, from the next row to the one after that."""
    return torch.lerp(x.roll(-1, 0), x.roll(-2, 0), share)


def taken_for_others(found: Tensor, voice: Tensor, others: Tensor) -> Tensor:
    """Cross entropy of choosing the wanted voice (B, D) among others (N, D) by the found one (B,
    D).

    All are unit vectors.
    """
    right = (found * voice).sum(1, keepdim=True)
    wrong = (found @ others.T).masked_fill(voice @ others.T > SAME, -torch.inf)
    target = torch.zeros(len(found), dtype=torch.long, device=found.device)
    return F.cross_entropy(SHARPNESS * torch.cat([right, wrong], 1), target)
