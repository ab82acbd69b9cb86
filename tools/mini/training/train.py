"""Train the small model's networks: cosyvoice/bin/train.py with aids that this model needs.

    python -m tools.mini.training.train --work WORK --model flow --train WORK/train/data.list \\
        --out WORK/flow [options of cosyvoice.bin.train]

- A speech token is a pair of sounds and a level of pitch (tools/mini/data/tokens.py). In training,
  each table with a row a token is the sum of tables of its parts and a correction of its own: what
  is learned about a sound holds for every token with it.
- A small network, the guide, reads the flow's regulated mel, knows the speaker and guesses the mel.
  So the encoder learns sounds and pitch from a plain regression while the estimator still learns to
  denoise.
- The flow's times are drawn as its solver steps through them, most of them early, where words are
  decided.
- One head in each of two layers of the language model is shown which phoneme comes next: without
  help it takes long to find its place in the text.
- The language model reads a part of the speech tokens with the speech tokenizer's errors, and must
  still give the right ones. A fifth of a prompt's sounds are wrong, and so are some tokens that it
  goes on from.
- At the task mark, and at the end of an instruction, the language model must know how fast and how
  high the sentence will be. Later it could read that from earlier tokens, and would learn to follow
  instructions late or never.
- The vocoder's source has the true pitch. With the pitch of its untrained F0 predictor it would
  learn to do without a source, and then buzz at the frame rate for good.
- Two outputs of the vocoder for one input are held apart, so that it makes noise of its random
  input (see `add_sound_losses`).
- The flow and the vocoder get a loss of the speaker encoder (tools/mini/hearing/voice_loss.py).
- The layer for speaker vectors, which hold the mean pitch too (tools/mini/data/speaker_vector.py),
  starts whitened: differences of CAM++ vectors are small beside what all voices share.
- Last stages have an optimiser of their own (tools/mini/training/muon.py).

The weights that are written have none of this: they are those of the plain networks.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from cosyvoice.bin.train import main as train
from cosyvoice.flow.length_regulator import length_mask
from cosyvoice.hifigan.hifigan import fine_distance
from cosyvoice.tokenizer.phoneme import END_OF_PROMPT_ID
from cosyvoice.training.trainer import Trainer, choose
from tools.mini import CONFIG, required
from tools.mini.data.tokens import CONTENTS, LEVELS, SOUNDS, CodeBook
from tools.mini.hearing.listener import SoundLoss
from tools.mini.hearing.voice_loss import BankOfMels, VoiceLoss, bank_of_speech
from tools.mini.training.muon import MuonAndAdam
from tools.mini.training.straight_flow import StraightFlow, piece

TABLES = {  # tables with a row a token, and the deviation that their parts start with
    "llm": {"speech_embedding": 0.5, "llm_decoder": 0.02},
    "flow": {"input_embedding": 0.5},
}
WHITENED_ABOVE = 0.05  # of the largest variance; smaller ones are noise of the utterance
MEL_MEAN = -6.0  # of log-mel frames, roughly
GUIDE_WIDTH = 192
SOURCE_GAIN, VOICE_WEIGHT = 3, 20
FLOW_VOICE_WEIGHT, PIECES, PIECE = 2.0, 2, 192  # rows, and mel frames of each: 2.2 s
POINTING_LAYERS, POINTING_HEAD, POINTING_WEIGHT = (2, 3), 0, 0.2
HEARD_ROWS = 0.5  # share of rows that begin with the tokenizer's errors
SHIFTED_ROWS = 0.4  # share of these rows whose levels of pitch may be shifted by one
SLIPS = 0.08  # share of all tokens that have such an error
EDGES = {  # beginnings of the names of layers that Adam keeps with --muon
    "llm": ("llm.llm_decoder", "llm.spk_embed"),
    "flow": ("critic.", "flow.spk_embed", "flow.decoder.estimator.final_proj"),
    "hift": ("conv_pre.", "conv_post.", "f0_predictor."),
}
MANNER_WEIGHT = 0.3
USUAL_PACE = (0.45, 0.25)  # mean and deviation of log tokens a phoneme
USUAL_LEVEL = (3.1, 0.6)  # mean and deviation of an utterance's mean level of pitch


class Parts(nn.Module):
    """Parametrisation of a table (n, D) whose first rows are speech tokens.

    A row is the sum of a correction, the first sound, the second sound, the pair and the level.
    """

    def __init__(self, pairs: Tensor, width: int, spread: float):
        super().__init__()
        self.register_buffer("pairs", pairs)  # (512, 2)
        self.first, self.second = (
            nn.Parameter(spread * torch.randn(len(SOUNDS), width)) for _ in range(2)
        )
        self.pair = nn.Parameter(torch.zeros(len(pairs), width))
        self.level = nn.Parameter(spread * torch.randn(LEVELS, width))

    def forward(self, correction: Tensor) -> Tensor:
        pair = self.first[self.pairs[:, 0]] + self.second[self.pairs[:, 1]] + self.pair
        tokens = (pair[:, None] + self.level).flatten(0, 1)  # (4096, D)
        return correction + F.pad(tokens, (0, 0, 0, len(correction) - len(tokens)))


class GuidedFlow(nn.Module):
    """The flow with a guide, which guesses mels from regulated ones, and a loss of the voice."""

    def __init__(self, flow: nn.Module, voice_loss: VoiceLoss | None = None):
        super().__init__()
        self.voice_loss = voice_loss
        self.flow, self.input_frame_rate = flow, flow.input_frame_rate
        self.guide = nn.Sequential(
            nn.Conv1d(160, GUIDE_WIDTH, 5, padding=2),
            nn.Mish(),
            nn.Conv1d(GUIDE_WIDTH, GUIDE_WIDTH, 5, padding=2),
            nn.Mish(),
            nn.Conv1d(GUIDE_WIDTH, 80, 1),
        )
        nn.init.constant_(self.guide[-1].bias, MEL_MEAN)
        cfm, even = flow.decoder, flow.decoder.random_times
        cfm.random_times = lambda x1: cfm.spaced(even(x1))

    def forward(self, batch: dict, device: torch.device) -> dict[str, Tensor]:
        regulated, estimated = [], []
        hooks = [
            self.flow.length_regulator.register_forward_hook(
                lambda module, given, result: regulated.append(result[0])
            ),
            self.flow.decoder.estimator.register_forward_hook(
                lambda module, given, result: estimated.append((given, result))
            ),
        ]
        try:
            loss = self.flow(batch, device)["loss"]
        finally:
            for hook in hooks:
                hook.remove()
        mel, mel_len = batch["speech_feat"].to(device), batch["speech_feat_len"].to(device)
        guessed = self.guess(regulated[0], self.flow.speaker(batch["embedding"].to(device)))
        guess = (guessed - mel)[length_mask(mel_len, mel.shape[1])].square().mean()
        losses = {"loss": loss + guess, "loss_flow": loss.detach(), "loss_guess": guess.detach()}
        pieces = self.pieces(mel, mel_len, *estimated[0]) if self.voice_loss else None
        if pieces:
            voice = self.voice_loss(*pieces)
            losses["loss"] = losses["loss"] + FLOW_VOICE_WEIGHT * voice
            losses["loss_voice"] = voice.detach()
        return losses

    def pieces(
        self, mel: Tensor, mel_len: Tensor, given: tuple, velocity: Tensor
    ) -> tuple[Tensor, Tensor] | None:
        """Random pieces of the true mel and of the one that the estimate leads to, (B, PIECE, 80)
        each.

        They are of up to PIECES rows that kept their conditions; None if no row is long enough.
        """
        noisy, _, _, t, speakers, _ = given
        aim = (noisy + (1 - t)[:, None, None] * velocity).transpose(1, 2)
        rows = ((mel_len >= PIECE) & speakers.any(1)).nonzero().flatten()[:PIECES].tolist()
        cuts = [piece(row, int(mel_len[row]), PIECE) for row in rows]
        return tuple(torch.stack([x[cut] for cut in cuts]) for x in (mel, aim)) if cuts else None

    def guess(self, mu: Tensor, speaker: Tensor) -> Tensor:
        """mu (B, T, 80), speaker (B, 80) -> mel (B, T, 80)."""
        x = torch.cat([mu, speaker[:, None].expand(-1, mu.shape[1], -1)], 2).transpose(1, 2)
        return self.guide(x).transpose(1, 2)


class TaughtLM(nn.Module):
    """The language model with two more losses.

    The pointing loss pulls some of its attention to the phoneme of the next speech token. The
    manner loss asks for the pace and the pitch of the sentence at the task mark, and at the end of
    an instruction.
    """

    def __init__(self, llm: nn.Module, layers=POINTING_LAYERS):
        super().__init__()
        self.llm, self.layers = llm, layers
        self.begun = nn.Linear(llm.llm_decoder.in_features, 2)  # reads the manner at the task mark
        self.told = nn.Linear(llm.text_encoder.output_size(), 2)  # reads it off the instruction

    def forward(self, batch: dict, device: torch.device) -> dict[str, Tensor]:
        seen, states, encoded = [], [], []
        hooks = [
            self.llm.llm.encoders[i].self_attn.register_forward_pre_hook(
                lambda module, given: seen.append((module, *given[:3]))
            )
            for i in self.layers
        ] + [
            module.register_forward_hook(
                lambda module, given, result, kept=kept: kept.append(result[0])
            )
            for module, kept in ((self.llm.llm, states), (self.llm.text_encoder, encoded))
        ]
        try:
            losses = self.llm(batch, device)
        finally:
            for hook in hooks:
                hook.remove()
        rows = next_phonemes(batch)
        pointing = sum(pointing_loss(*given, *rows) for given in seen) / len(seen)
        manner = self.manner_loss(batch, states[0], encoded[0])
        return {
            **losses,
            "loss": losses["loss"] + POINTING_WEIGHT * pointing + MANNER_WEIGHT * manner,
            "loss_pointing": pointing.detach(),
            "loss_manner": manner.detach(),
        }

    def manner_loss(self, batch: dict, states: Tensor, encoded: Tensor) -> Tensor:
        """Mean squared error of the manner at the task mark and at the end of an instruction."""
        text, length, target = batch["text_token"], batch["text_token_len"].long(), manner_of(batch)
        rows, task = torch.arange(len(length)), 1 + batch["embedding"].any(1).long() + length
        loss = F.mse_loss(self.begun(states[rows, task].float()), target)
        row, place = (text == END_OF_PROMPT_ID).nonzero(as_tuple=True)
        if len(row):
            loss = loss + F.mse_loss(self.told(encoded[row, place].float()), target[row])
        return loss


class Mishearing:
    """Pre-hook of the speech embedding: in training some tokens get errors of the speech tokenizer.

    These are a random beginning of some rows, and single tokens elsewhere. A token is replaced by
    what the tokenizer found for one of the same sounds, with as large an error of the level of
    pitch. In some beginnings all levels are shifted by one, as an error of the speaker's mean does.

    asked, heard: (N,) designed tokens, and those that the tokenizer found.
    """

    def __init__(self, asked: np.ndarray, heard: np.ndarray):
        order = np.argsort(asked // LEVELS, kind="stable")
        self.content = torch.from_numpy((heard // LEVELS)[order])
        self.off = torch.from_numpy((heard % LEVELS - asked % LEVELS)[order])
        self.counts = torch.from_numpy(np.bincount(asked // LEVELS, minlength=CONTENTS))
        self.starts = self.counts.cumsum(0) - self.counts

    @classmethod
    def of(cls, work: Path) -> "Mishearing":
        with np.load(required(work / "heard.npz", "hearing.speech_tokenizer hear")) as stored:
            return cls(stored["asked"], stored["heard"])

    def __call__(self, module: nn.Module, given: tuple[Tensor]):
        return (self.misheard(given[0]),) if module.training else None

    def misheard(self, tokens: Tensor) -> Tensor:
        """(B, N) -> the same with some replaced."""
        rows, length = tokens.shape
        share = torch.rand(rows, 1) * (torch.rand(rows, 1) < HEARD_ROWS)
        beginning = torch.arange(length) < length * share
        shift = torch.randint(-1, 2, (rows, 1)) * (torch.rand(rows, 1) < SHIFTED_ROWS) * beginning
        content, level = tokens // LEVELS, tokens % LEVELS
        counts = self.counts[content]
        place = self.starts[content] + (torch.rand(rows, length) * counts).long()
        place = place.clamp(max=len(self.content) - 1)
        level = (level + self.off[place] + shift).clamp(0, LEVELS - 1)
        replaced = (beginning | (torch.rand(rows, length) < SLIPS)) & (counts > 0)
        return torch.where(replaced, self.content[place] * LEVELS + level, tokens)


def manner_of(batch: dict) -> Tensor:
    """(B, 2): log of speech tokens a phoneme, and mean level of pitch, both standardised."""
    text, speech, length = batch["text_token"], batch["speech_token"], batch["speech_token_len"]
    after = torch.arange(text.shape[1]) + 1
    first = torch.where(text == END_OF_PROMPT_ID, after, 0).amax(1)  # phoneme after an instruction
    pace = (length / (batch["text_token_len"] - first)).log()
    level = ((speech % LEVELS) * length_mask(length, speech.shape[1])).sum(1) / length
    mean, deviation = torch.tensor([USUAL_PACE, USUAL_LEVEL]).T
    return (torch.stack([pace, level], 1) - mean) / deviation


def next_phonemes(batch: dict) -> tuple[Tensor, Tensor, Tensor]:
    """(row, query, key), each (N,), in the model's sequences.

    query: positions that predict a speech token. key: positions of that token's phoneme.
    """
    found = []
    lengths = zip(
        batch["embedding"].any(1).tolist(),
        batch["text_token_len"].tolist(),
        batch["speech_token_len"].tolist(),
    )
    for row, (speaker, text, speech) in enumerate(lengths):
        first = 1 + speaker  # position of the first text token; before it start and speaker
        key = first + batch["text_position"][row, :speech].long()
        # From the task mark and every speech token but the last.
        query = first + text + torch.arange(speech)
        found.append(torch.stack([torch.full_like(key, row), query, key]))
    return torch.cat(found, 1).unbind(0)


def pointing_loss(
    attention: nn.Module,
    x: Tensor,
    positions: Tensor,
    hidden: Tensor,
    row: Tensor,
    query: Tensor,
    key: Tensor,
) -> Tensor:
    """Mean of -log of the weight that the pointing head gives to a phoneme and the one after it.

    x, positions, hidden: inputs of the attention. row, query, key: see `next_phonemes`.
    """
    with torch.autocast(x.device.type, enabled=False):
        q = attention._split(attention.linear_q(x.float()))
        k = attention._split(attention.linear_k(x.float()))
        bias = attention._position_scores(q, positions.float(), k.size(2))
        bias = bias.masked_fill(hidden, -torch.inf)
        scores = (q + attention.pos_bias_u[:, None]) @ k.transpose(2, 3) / q.size(3) ** 0.5 + bias
        weights = scores[:, POINTING_HEAD].log_softmax(2)  # (B, T, T)
    return -torch.logaddexp(weights[row, query, key], weights[row, query, key + 1]).mean()


def excite_by_true_pitch(gan: nn.Module):
    """In training, let the source follow the batch's pitch_feat (B, T) in Hz.

    The F0 predictor still learns to predict it.
    """
    truth = {}

    def remember(module, given):
        truth["f0"] = given[0]["pitch_feat"]

    def replace(module, given):
        samples_per_frame = given[0].shape[1] // truth["f0"].shape[1]
        return truth["f0"].to(given[0]).repeat_interleave(samples_per_frame, 1), *given[1:]

    gan.register_forward_pre_hook(remember)
    gan.generator.m_source.register_forward_pre_hook(replace)


def add_sound_losses(gan: nn.Module, voice_loss: VoiceLoss, apart_weight: float = 1.0):
    """Change the generator's loss by three terms.

    Added: loss_voice, of the speaker encoder, and loss_fine, the distance from the truth in a fine
    spectrum. Subtracted: loss_twin, the distance in all spectra between two outputs for the same
    batch.

    Where speech is noise no output can match it, and one that is always the same has a smaller loss
    than one with noise: it repeats a pattern at the frame rate, 86 Hz. With the distance of two
    outputs subtracted, the loss is smallest where outputs are distributed as speech is (the energy
    distance of arXiv 2008.01160). That holds for a weight of 1; with less they are nearer to the
    mean.
    """
    spoken = []

    def add(module, given, losses):
        batch, device = given[:2]
        generated, real = spoken.pop(), batch["speech"].to(device)
        if batch["turn"] == "discriminator":
            return losses
        with torch.no_grad():
            twin, _ = module.generator.forward(batch, device)  # not by call: the hook keeps calls
        voice = voice_loss(real, generated)
        fine, apart = fine_distance(generated, real), module.distance(generated, twin)
        return {
            **losses,
            "loss": losses["loss"] + VOICE_WEIGHT * voice + fine - apart_weight * apart,
            "loss_voice": voice,
            "loss_fine": fine,
            "loss_twin": apart,
        }

    gan.generator.register_forward_hook(lambda module, given, result: spoken.append(result[0]))
    gan.register_forward_hook(add)


def start_loud(generator: nn.Module):
    """Start with a source of equal harmonics that is audible at every scale."""
    with torch.no_grad():
        generator.m_source.l_linear.weight.fill_(1)
        generator.m_source.l_linear.bias.zero_()
        for down in generator.source_downs:
            down.weight.mul_(SOURCE_GAIN)


class MiniTrainer(Trainer):
    """A Trainer with the aids of this module. apart: see `apart_weight` of `add_sound_losses`."""

    def __init__(self, args, work: Path, apart: float, straight: bool, muon: bool, rank: int = 0):
        self.work, self.apart, self.straight, self.muon = work, apart, straight, muon
        super().__init__(args, rank)

    def build(self):
        model, fresh = super().build(), not self.args.init
        pairs = torch.from_numpy(CodeBook.load(self.work / "codebook.json").pairs)
        for name, spread in TABLES.get(self.args.model, {}).items():
            share(getattr(model, name), pairs, spread if fresh else 0.0)
        if fresh and self.args.model != "hift":
            whiten(model.spk_embed_affine_layer, speaker_vectors(Path(self.args.train)))
        if fresh and self.args.model == "flow":
            nn.init.constant_(model.decoder.estimator.final_proj.bias, MEL_MEAN)
        if self.args.model == "hift":
            excite_by_true_pitch(model)
            add_sound_losses(model, VoiceLoss.of(self.work, bank_of_speech), self.apart)
            if fresh:
                start_loud(model.generator)
            return model
        if self.args.model == "llm":
            model.speech_embedding.register_forward_pre_hook(Mishearing.of(self.work))
            return TaughtLM(model)
        bank = BankOfMels.of(self.work, self.config["feat_extractor"])
        voice_loss = VoiceLoss.of(self.work, bank)
        if not self.straight:
            return GuidedFlow(model, voice_loss)
        return StraightFlow(model, voice_loss, SoundLoss.of(self.work), known_voices(self.work))

    def make_optimizers(self):
        optimizers = super().make_optimizers()
        if self.muon:
            edges = choose(EDGES, self.args.model, "--model of --muon")
            optimizers[""] = MuonAndAdam(self.part(""), self.full_rate(""), edges)
        return optimizers

    def weights(self, network):
        return plain_weights(
            getattr(network, self.args.model, network), TABLES.get(self.args.model, ())
        )


def plain_weights(network: nn.Module, tables) -> dict[str, Tensor]:
    """The network's state dict with each table as the sum of its parts."""
    parts = tuple(f"{name}.parametrizations." for name in tables)
    weights = {
        name: value for name, value in network.state_dict().items() if not name.startswith(parts)
    }
    return weights | {f"{name}.weight": getattr(network, name).weight.detach() for name in tables}


def share(table: nn.Module, pairs: Tensor, spread: float):
    """Give a table its parts. With a spread it starts as their sum, else with its own weights."""
    if spread:
        nn.init.zeros_(table.weight)
    parametrize.register_parametrization(
        table, "weight", Parts(pairs, table.weight.shape[1], spread)
    )


def whiten(layer: nn.Linear, vectors: Tensor):
    """Start a layer as the principal components of unit vectors (N, 192), of variances near one."""
    mean = vectors.mean(0)
    _, spread, components = torch.linalg.svd(vectors - mean, full_matrices=False)
    spread = spread / len(vectors) ** 0.5
    scale = 1 / (spread.square() + WHITENED_ABOVE * spread[0].square()).sqrt()
    weight = (components * scale[:, None])[: layer.out_features]
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(-weight @ mean)


def known_voices(work: Path) -> Tensor:
    """(N, D) unit vectors of tools/mini/training/voices.py."""
    return torch.load(required(work / "voices.pt", "training.voices"), weights_only=True)


def speaker_vectors(data_list: Path) -> Tensor:
    """(N, 192) speaker vectors of the recordings."""
    rows = []
    for path in data_list.read_text("utf-8").splitlines():
        table = pq.read_table(path, columns=["utt_embedding", "audio_data"])
        rows += table.filter(pc.is_valid(table["audio_data"]))["utt_embedding"].to_pylist()
    return torch.tensor(rows)


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--apart",
        type=float,
        default=1.0,
        help="weight of the distance of two outputs of the vocoder; 0.5 on the flow's mels",
    )
    parser.add_argument(
        "--straight",
        action="store_true",
        help="the flow's last stage, see tools/mini/training/straight_flow.py",
    )
    parser.add_argument(
        "--muon", action="store_true", help="for last stages, see tools/mini/training/muon.py"
    )
    own, rest = parser.parse_known_args(argv)
    train(
        ["--config", str(CONFIG), *rest],
        partial(MiniTrainer, work=own.work, apart=own.apart, straight=own.straight, muon=own.muon),
    )


if __name__ == "__main__":
    main()
