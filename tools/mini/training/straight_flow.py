"""The flow's last stage of training: as it speaks, a few steps from no noise, judged by the mel it
comes to.

A mel of least squares is the mean of all that are likely: its harmonics and consonants are blurred.
A critic that tells pieces of true mels from made ones does not let that pass (GANSpeech, arXiv
2106.15153), and the speaker encoder hears the very mel that is spoken, not a guess from half way.
What words are told by is the course of the spectrum's envelope, which single bins hide in their
noise: mels are compared in patches of several SCALES too. A voice that speaks once in the data has
one vector, of the very sound it is to lead to; in use it is asked for by the vector of another
text, often in another language. So pieces are also spoken in another row's voice: the speaker
encoder tells whether it is that one and not rather another of those it has heard (as speaker
encoders themselves are trained), and a listener whether the sounds are still those asked for. The
weights remain those of the plain flow; in cosyvoice.yaml n_timesteps is then STEPS,
inference_temperature and inference_cfg_rate are 0.
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
JUDGED = 0.5  # share of batches that critic and encoder hear, of which each then counts the more
PIECE, PIECES = 160, 6  # mel frames of what critic and encoder hear, 1.9 s; and rows
HEARD = 3  # pieces of a row, of which the encoder knows its voice
MEL_FLOOR, MEL_SPREAD = -6.0, 2.5  # of log-mels, roughly: what the critic sees is centred
VOICE_WEIGHT, LIKE_WEIGHT, FOOL_WEIGHT = 1.0, 0.3, 0.05
LENT = 85  # tokens of what is spoken in another voice, 3.4 s
LENT_VOICE_WEIGHT, LENT_RIGHT_WEIGHT, LENT_SOUND_WEIGHT = 5.0, 0.5, 0.5
SHARPNESS, SAME = (
    20.0,
    0.85,
)  # of the softmax over cosines; and what is nearer to a voice than this is no other
REMEMBERED = 3600  # voices
CRITIC_WEIGHT = 0.01  # Adam takes no heed of it; the clipping of gradients does, and would hold the flow's back with the critic's


class Critic(nn.Module):
    """Mels (B, T, 80) -> activations of its layers, the last of them one mark for each patch: near 1 if true, near 0 if made."""

    def __init__(self, channels=(32, 48, 64, 64)):
        super().__init__()
        first = nn.Conv2d(1, channels[0], 3, padding=1)
        # A kernel that the stride does not divide sees some frames oftener than others, and its gradient paints a grid.
        self.layers = nn.ModuleList(
            [first, *(nn.Conv2d(a, b, 4, 2, 1) for a, b in zip(channels, channels[1:]))]
        )
        self.mark = nn.Conv2d(channels[-1], 1, 3, padding=1)

    def forward(self, mel: Tensor) -> list[Tensor]:
        x, seen = (mel[:, None] - MEL_FLOOR) / MEL_SPREAD, []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            seen.append(x)
        return [*seen, self.mark(x)]


class StraightFlow(nn.Module):
    """A flow and its critic; both learn from one loss, of which neither part reaches the other's weights."""

    def __init__(
        self,
        flow: nn.Module,
        voice_loss: VoiceLoss | None = None,
        sound_loss: SoundLoss | None = None,
        known_voices=(),
    ):
        """known_voices: unit vectors (D,) of voices to be told from at first, see tools/mini/training/voices.py; the last REMEMBERED are kept"""
        super().__init__()
        self.flow, self.input_frame_rate, self.voice_loss, self.sound_loss = (
            flow,
            flow.input_frame_rate,
            voice_loss,
            sound_loss,
        )
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
            further += [
                ("critic", CRITIC_WEIGHT, self.judge(real, made.detach())),
                *self.persuade(real, made),
            ]
        if lenders and self.sound_loss and random.random() < JUDGED:
            further += self.in_other_voices(batch, lenders, device)
        for name, weight, loss in further:
            losses |= {
                "loss": losses["loss"] + weight / JUDGED * loss,
                f"loss_{name}": loss.detach(),
            }
        return losses

    def speak(self, batch: dict, device: torch.device) -> Tensor:
        """(B, T, 80): the mel of `ConditionalCFM.solve_euler` from no noise and without guidance."""
        mask, mu, speakers, prompts = self.flow.conditions(batch, device)
        x, times = torch.zeros_like(mu), self.flow.decoder.times(mu)
        for t, dt in zip(times, times.diff()):
            x = (
                x
                + dt
                * self.flow.decoder.estimator(
                    x, mask, mu, t.expand(len(x)), speakers, prompts
                ).float()
            )
        return x.transpose(1, 2)

    def judge(self, real: Tensor, made: Tensor) -> Tensor:
        """The critic's own error (least squares, arXiv 1611.04076)."""
        return (self.critic(real)[-1].float() - 1).square().mean() + self.critic(made)[
            -1
        ].float().square().mean()

    def persuade(self, real: Tensor, made: Tensor):
        """(name, weight, loss) of what the flow is to make better."""
        with torch.no_grad():
            *wanted, _ = self.critic(real)
        *found, mark = self.marked(made)
        yield "like", LIKE_WEIGHT, relative_distance(wanted, found)
        yield "fool", FOOL_WEIGHT, (mark.float() - 1).square().mean()
        if self.voice_loss:
            yield "voice", VOICE_WEIGHT, self.voice_loss(real, made)

    def in_other_voices(self, batch: dict, rows: list[int], device: torch.device):
        """(name, weight, loss) of pieces of rows spoken in each other's voices and in voices between them, see `lend`."""
        lent, share = lend(batch, rows)
        made, mel, token = (
            self.speak(lent, device),
            batch["speech_feat"].to(device),
            lent["speech_token"].to(device),
        )
        cuts = [
            piece(row, int(batch["speech_feat_len"][row]), PIECE)
            for row in rows
            for _ in range(HEARD)
        ]
        with torch.no_grad():
            heard = heard_voices(self.voice_loss, torch.stack([mel[cut] for cut in cuts]))
            voice = F.normalize(between(heard, share.to(device)), dim=-1)
        self.known_voices.extend(heard)
        found = F.normalize(self.voice_loss.activations(made)[-1], dim=-1)
        yield "lent_voice", LENT_VOICE_WEIGHT, (1 - (found * voice).sum(1)).mean()
        yield (
            "lent_right",
            LENT_RIGHT_WEIGHT,
            taken_for_others(found, voice, torch.stack([*self.known_voices])),
        )
        yield "lent_sound", LENT_SOUND_WEIGHT, self.sound_loss(made, token)
        yield "lent_fool", FOOL_WEIGHT, (self.marked(made)[-1].float() - 1).square().mean()

    def marked(self, made: Tensor) -> list[Tensor]:
        """What the critic makes of mels; its weights learn nothing from it."""
        return functional_call(
            self.critic,
            {name: weight.detach() for name, weight in self.critic.named_parameters()},
            (made,),
        )


def distances(real: Tensor, made: Tensor, mel_len: Tensor) -> tuple[Tensor, Tensor]:
    """L1 of padded mels (B, T, 80), and the sum of those of their means over patches that overlap in time and over whole rows."""
    present = length_mask(mel_len, real.shape[1])
    apart, share = ((made - real) * present[..., None])[:, None], present.float().mean()
    coarse = sum(
        F.avg_pool2d(apart, patch, (patch[0] // 2, patch[1])).abs().mean() for patch in SCALES
    )
    return apart.abs().mean() / share, coarse / share + (
        apart.sum(2) / mel_len[:, None, None]
    ).abs().mean()


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
    """Up to PIECES rows that are long enough and have a speaker's vector; none if they are fewer than four."""
    rows = (
        ((batch["speech_token_len"] >= LENT) & batch["embedding"].any(1))
        .nonzero()
        .flatten()
        .tolist()
    )
    random.shuffle(rows)
    return rows[:PIECES] if len(rows) >= 4 else []


def lend(batch: dict, rows: list[int]) -> tuple[dict, Tensor]:
    """Pieces of LENT tokens of rows, each with the vector of the next row, as a batch without
    prompts; and a share (B, 1), which is 0 for half of them: the others have a vector between those
    of the next two rows, the share being the second's, so that there are more voices than the data
    has (as in mixup, arXiv 1710.09412)."""
    count, frames = len(rows), mel_frames(LENT, 25)
    share = torch.rand(count, 1) * (torch.rand(count, 1) < 0.5)
    vectors = batch["embedding"][rows]
    mixed = torch.cat(
        [F.normalize(between(vectors[:, :-1], share), dim=1), between(vectors[:, -1:], share)], 1
    )  # the last is the pitch
    token = torch.stack(
        [
            batch["speech_token"][piece(row, int(batch["speech_token_len"][row]), LENT)]
            for row in rows
        ]
    )
    return {
        "speech_token": token,
        "speech_token_len": torch.full((count,), LENT),
        "embedding": mixed,
        "speech_feat": torch.zeros(count, frames, 80),
        "speech_feat_len": torch.full((count,), frames),
    }, share


def heard_voices(voice_loss: VoiceLoss, mels: Tensor) -> Tensor:
    """(B * HEARD, PIECE, 80), HEARD pieces of each row -> unit vectors of their voices (B, D)."""
    heard = F.normalize(voice_loss.activations(mels)[-1], dim=-1)
    return F.normalize(heard.unflatten(0, (-1, HEARD)).sum(1), dim=-1)


def between(x: Tensor, share: Tensor) -> Tensor:
    """(B, D) -> (B, D): from each row's next to the one after that."""
    return torch.lerp(x.roll(-1, 0), x.roll(-2, 0), share)


def taken_for_others(found: Tensor, voice: Tensor, others: Tensor) -> Tensor:
    """Cross entropy of choosing, by what was found (B, D), the voice asked for (B, D) among the others (N, D); all unit vectors."""
    nearness = torch.cat(
        [
            (found * voice).sum(1, keepdim=True),
            (found @ others.T).masked_fill(voice @ others.T > SAME, -torch.inf),
        ],
        1,
    )
    return F.cross_entropy(
        SHARPNESS * nearness, torch.zeros(len(found), dtype=torch.long, device=found.device)
    )
