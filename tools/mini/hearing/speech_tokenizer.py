"""Speech tokenizer of the small model: whisper log-mel at 100 Hz -> speech tokens at 25 Hz.

    python -m tools.mini.hearing.speech_tokenizer train --work WORK [--minutes 40]
        trains; can be resumed, and stops cleanly on SIGTERM
    python -m tools.mini.hearing.speech_tokenizer export --work WORK
        writes WORK/speech_tokenizer_v1.onnx and prints its figures
    python -m tools.mini.hearing.speech_tokenizer hear --work WORK
        writes WORK/heard.npz: the tokens that the file finds in the training speech

A token is a content (a pair of sounds) and a level of pitch relative to the speaker, see
tools/mini/data/tokens.py. In training data both come from the teacher's durations and F0; this
network learns to find them in any voice. The pitch level is relative to the utterance's own mean of
log F0, so that a token says what is said and not who says it. Where speech is unvoiced the network
learns the F0 that tokens.py interpolates.

The ONNX file has the signature of the official speech_tokenizer_v1.onnx: `feats` (1, 128, T)
float32 whisper log-mel and `feats_length` (1,) int32 -> `indices` (1, feats_length // 4) int32.
"""

import argparse
import io
import logging
import math
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
import onnx
import onnxruntime
import pyarrow.parquet as pq
import soundfile
import soxr
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from cosyvoice.utils.audio import log_mel_spectrogram
from tools.mini.data.tokens import (
    CONTENTS,
    LEVELS,
    CodeBook,
    levels,
    pairs_of,
    shard_paths,
    speaker_bases,
    token_f0,
)
from tools.mini.hearing.onnx_int8 import quantize_weights

N_MELS = 128
TOKEN_FRAMES = 4  # log-mel frames a token
SAMPLES_A_TOKEN = 640  # at 16 kHz: 40 ms
RATE = 16000  # Hz
DROPOUT = 0.1
F0_LOW, F0_HIGH, F0_BINS = 50.0, 650.0, 96  # Hz; bins are even in log F0, 2.7 % wide
F0_BLUR = 1.0  # bins; width of the target around the true F0
F0_REACH = 2  # bins on each side of the best one that the estimate uses
UNVOICED_WEIGHT = 0.2  # of the F0 loss where F0 is only interpolated
BATCH, STRETCH = 16, 100  # stretches in a step, tokens in a stretch
SAVE_SECONDS = 120
HELD_OUT_EVERY = 40  # one of this many sentences is not trained on
log = logging.getLogger(__name__)


class Block(nn.Module):
    """Depthwise convolution and a two-layer perceptron with residual, as in ConvNeXt.

    (B, D, T) -> (B, D, T).
    """

    def __init__(self, width: int, kernel: int = 7):
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x):
        y = self.norm(self.depthwise(x).transpose(1, 2))
        return x + F.dropout(self.down(F.gelu(self.up(y))), DROPOUT, self.training).transpose(1, 2)


class Attention(nn.Module):
    """Self-attention without positions: it finds the speaker and the channel in the utterance.

    (B, D, T) -> (B, D, T).
    """

    def __init__(self, width: int, heads: int = 4):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, width, time = x.shape
        qkv = self.qkv(self.norm(x.transpose(1, 2))).reshape(
            batch, time, 3, self.heads, width // self.heads
        )
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, D/H) each
        scores = q @ k.transpose(-1, -2) / math.sqrt(width // self.heads)
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, time, width)
        return x + self.out(y).transpose(1, 2)


class SpeechTokenizer(nn.Module):
    """The network: log-mel -> logits of content, voicing and F0 at the token rate."""

    def __init__(self, width: int = 256, blocks: int = 6):
        super().__init__()
        self.stem = nn.ModuleList(
            [
                nn.Conv1d(N_MELS, width, 4, stride=2, padding=1),
                nn.Conv1d(width, width, 4, stride=2, padding=1),
            ]
        )
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.attention = nn.ModuleList([Attention(width), Attention(width)])
        self.norm = nn.LayerNorm(width)
        self.content = nn.Linear(width, CONTENTS)
        self.voicing = nn.Linear(width, 1)
        self.f0 = nn.Linear(width, F0_BINS)

    def forward(self, feats: Tensor):
        """feats: (B, 128, T), T a multiple of 4.

        Returns logits: content (B, T/4, 512), voicing (B, T/4), f0 (B, T/4, 96).
        """
        x = feats - feats.mean((1, 2), keepdim=True)
        for convolution in self.stem:
            x = F.gelu(convolution(x))
        half = len(self.blocks) // 2
        for blocks, attention in (
            (self.blocks[:half], self.attention[0]),
            (self.blocks[half:], self.attention[1]),
        ):
            for block in blocks:
                x = block(x)
            x = attention(x)
        x = self.norm(x.transpose(1, 2))
        return self.content(x), self.voicing(x)[..., 0], self.f0(x)


def bin_centers() -> Tensor:
    """(96,) natural logarithms of the F0 that the bins stand for."""
    return torch.linspace(math.log(F0_LOW), math.log(F0_HIGH), F0_BINS)


def read_log_f0(logits: Tensor) -> Tensor:
    """(B, T, 96) -> (B, T) log F0: mean of the bins around the best, weighted by probability."""
    bins = torch.arange(F0_BINS, device=logits.device)
    near = (bins - logits.argmax(-1, keepdim=True)).abs() <= F0_REACH
    weight = logits.float().softmax(-1) * near
    return (weight * bin_centers().to(logits.device)).sum(-1) / weight.sum(-1)


def pitch_level(log_f0: Tensor, voiced: Tensor) -> Tensor:
    """Level 0..7 in sixths of an octave around the mean of log F0 over voiced tokens.

    Arguments and result: (B, T), float.
    """
    base = (log_f0 * voiced).sum(-1, keepdim=True) / voiced.sum(-1, keepdim=True).clamp(min=1)
    level = torch.round(6 / math.log(2) * (log_f0 - base) + 3.5)
    return level.clamp(0, LEVELS - 1)


@dataclass
class Utterance:
    """Speech with its labels, one a token of 40 ms."""

    wav: np.ndarray  # (N,) int16 at 16 kHz
    content: np.ndarray  # (n,) in [0, 512)
    f0: np.ndarray  # (n,) Hz, interpolated where unvoiced; all 0 if nothing is voiced
    voiced: np.ndarray  # (n,) bool
    level: np.ndarray  # (n,) in [0, 8), the designed pitch

    def log_mel(self) -> Tensor:
        """(1, 128, T)"""
        return log_mel_spectrogram(torch.from_numpy(self.wav.astype(np.float32) / 32768)[None])


def read_utterances(work: Path, held_out: bool):
    """All utterances of WORK/data that are (or are not) held out, and the content of silence."""
    book, shards = CodeBook.load(work / "codebook.json"), shard_paths(work)
    bases = speaker_bases(shards)
    columns = ["id", "phonemes", "durations", "f0", "pitch_shift", "speaker", "audio"]
    utterances = [
        label(row, book, bases[row["speaker"]])
        for shard in tqdm(shards, desc="reading", unit="shard")
        for row in pq.read_table(shard, columns=columns).to_pylist()
        if (row["id"] % HELD_OUT_EVERY == 0) == held_out
    ]
    return utterances, book.silence


def label(row, book, base):
    """One row of a shard with its labels.

    The level does not have the pitch that an instruction added: it cannot be found in the speech.
    """
    wav, rate = soundfile.read(io.BytesIO(row["audio"]), dtype="float32")
    wav = np.clip(soxr.resample(wav, rate, RATE) * 32768, -32768, 32767).astype(np.int16)
    pairs = pairs_of(row["phonemes"], row["durations"])
    f0, voiced = token_f0(np.asarray(row["f0"]), len(pairs))
    return Utterance(
        wav,
        book.content[pairs[:, 0], pairs[:, 1]],
        f0.astype(np.float32),
        voiced,
        levels(f0, base * row["pitch_shift"]),
    )


def cut(utterance: Utterance, tokens: int, silence: int, rng):
    """A stretch of `tokens` tokens at a random place and pace, padded with silence.

    Returns wav (N,) float32 and, (tokens,) each, content, F0 and voicing.
    """
    speed = rng.uniform(0.85, 1.18) if rng.random() < 0.5 else 1.0
    need = math.ceil(tokens * speed) + 1
    start = int(rng.integers(max(1, len(utterance.content) - need + 1)))
    source = utterance.wav[start * SAMPLES_A_TOKEN : (start + need) * SAMPLES_A_TOKEN]
    source = source.astype(np.float32) / 32768
    places = np.arange(tokens * SAMPLES_A_TOKEN) * speed
    wav = np.interp(places, np.arange(len(source)), source, right=0.0).astype(np.float32)
    index = start + ((np.arange(tokens) + 0.5) * speed).astype(np.int64)
    inside = index < len(utterance.content)
    index = np.minimum(index, len(utterance.content) - 1)
    return (
        wav,
        np.where(inside, utterance.content[index], silence),
        utterance.f0[index] * np.float32(speed),
        utterance.voiced[index] & inside,
    )


def add_noise(wav, rng):
    """Noise of a random colour, 5 to 40 dB below the speech."""
    spectrum = np.fft.rfft(rng.standard_normal(len(wav)))
    spectrum *= np.maximum(np.arange(len(spectrum)), 16.0) ** -rng.uniform(0, 1)
    noise = np.fft.irfft(spectrum, len(wav))
    equal = np.sqrt(np.square(wav).mean() / max(np.square(noise).mean(), 1e-12))
    level = equal * 10 ** (-rng.uniform(5, 40) / 20)
    return (wav + noise * level).astype(np.float32)


def random_equalizer(rng):
    """(128, 1) smooth change of the log-mel, up to 10 dB."""
    points = rng.uniform(-0.25, 0.25, 5)
    curve = np.interp(np.arange(N_MELS), np.linspace(0, N_MELS - 1, 5), points)
    return torch.from_numpy(curve.astype(np.float32))[:, None]


def scale_frequencies(mel, factor):
    """Log-mel (128, T) with all frequencies, pitch and formants, `factor` times as high."""
    places = np.interp(bin_hertz() / factor, bin_hertz(), np.arange(N_MELS))
    below = np.minimum(places.astype(np.int64), N_MELS - 2)
    part = torch.from_numpy((places - below).astype(np.float32))[:, None]
    return mel[below] * (1 - part) + mel[below + 1] * part


def bin_hertz():
    """(128,) centre of each mel bin in Hz, as whisper's filters have it."""
    return librosa.mel_frequencies(N_MELS + 2, fmin=0.0, fmax=RATE / 2)[1:-1]


def mask_bands(mel, rng):
    """Set two bands of frequency and two short times to the mean.

    Source: SpecAugment, Park et al. 2019.
    """
    mel, mean = mel.clone(), mel.mean()
    for size, axis in ((20, 0), (20, 0), (12, 1), (12, 1)):
        width = int(rng.integers(size))
        start = int(rng.integers(mel.shape[axis] - width + 1))
        mel.narrow(axis, start, width).fill_(mean)
    return mel


def features(wav, rng):
    """(N,) -> log-mel (128, T), at random with noise, equaliser, masks and moved formants.

    Returns the factor that F0 was multiplied by, too.
    """
    if rng.random() < 0.5:
        wav = add_noise(wav, rng)
    mel, factor = log_mel_spectrogram(torch.from_numpy(wav)[None])[0], 1.0
    if rng.random() < 0.5:
        factor = float(rng.uniform(0.88, 1.14))
        mel = scale_frequencies(mel, factor)
    if rng.random() < 0.5:
        mel = mel + random_equalizer(rng)
    return (mask_bands(mel, rng) if rng.random() < 0.7 else mel), factor


def make_batch(utterances, rows, tokens, silence, rng):
    """feats (rows, 128, 4 tokens); content, f0 and voicing (rows, tokens), of random stretches."""
    chosen = rng.integers(len(utterances), size=rows)
    cuts = [cut(utterances[i], tokens, silence, rng) for i in chosen]
    feats, factors = zip(*[features(wav, rng) for wav, *_ in cuts])
    content, f0, voiced = (torch.from_numpy(np.stack(labels)) for labels in list(zip(*cuts))[1:])
    return torch.stack(feats), content, f0 * torch.tensor(factors)[:, None], voiced


def losses(network, feats, content, f0, voiced):
    """Cross entropies of content, voicing and F0, each a mean over tokens."""
    content_logits, voicing, f0_logits = network(feats)
    target = f0_target(f0.clamp(min=F0_LOW))
    weight = torch.where(voiced, 1.0, UNVOICED_WEIGHT) * (f0 > 0)
    f0_loss = -(target * f0_logits.float().log_softmax(-1)).sum(-1)
    return {
        "content": F.cross_entropy(content_logits.float().flatten(0, 1), content.flatten()),
        "voicing": F.binary_cross_entropy_with_logits(voicing.float(), voiced.float()),
        "f0": (f0_loss * weight).sum() / weight.sum().clamp(min=1),
    }


def f0_target(f0: Tensor) -> Tensor:
    """(...) Hz -> (..., 96) probabilities: a bell of F0_BLUR bins around the true value."""
    step = math.log(F0_HIGH / F0_LOW) / (F0_BINS - 1)
    place = (f0.log() - math.log(F0_LOW)) / step
    return (-0.5 * ((torch.arange(F0_BINS) - place[..., None]) / F0_BLUR).square()).softmax(-1)


class Trainer:
    """A training run that can be stopped and resumed.

    path: file that keeps the network, the optimiser, the step and the CPU seconds spent.
    minutes: CPU minutes in all.
    """

    def __init__(self, path: Path, minutes: float):
        self.path, self.budget, self.stopped = path, minutes * 60, False
        self.network = SpeechTokenizer()
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=1e-3, weight_decay=0.02, betas=(0.9, 0.98)
        )
        self.step, self.spent = 0, 0.0
        if path.exists():
            self.load()

    def load(self):
        state = torch.load(self.path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.spent = state["step"], state["spent"]

    def save(self):
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent": self.spent,
        }
        torch.save(state, self.path.with_suffix(".part"))
        self.path.with_suffix(".part").replace(self.path)

    def rate(self):
        """Learning rate: warm-up over 200 steps, then half a cosine over the budget."""
        fall = 0.5 * (1 + math.cos(math.pi * min(1, self.spent / self.budget)))
        return 1.5e-3 * min(1, (self.step + 1) / 200) * (0.01 + 0.99 * fall)

    def train_step(self, batch):
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            parts = losses(self.network, *batch)
        self.optimizer.zero_grad()
        sum(parts.values()).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return {name: float(part.detach()) for name, part in parts.items()}

    def stop(self, *_):
        self.stopped = True

    def run(self, next_batch):
        """Train until the budget is spent or a signal arrives.

        Saves every SAVE_SECONDS of CPU time and at the end.
        """
        before, saved, mean = time.process_time() - self.spent, self.spent, {}
        with tqdm(
            total=round(self.budget), initial=round(self.spent), unit="s", desc="training"
        ) as bar:
            while self.spent < self.budget and not self.stopped:
                for name, part in self.train_step(next_batch()).items():
                    mean[name] = 0.98 * mean.get(name, part) + 0.02 * part
                self.spent = time.process_time() - before
                bar.update(round(self.spent) - bar.n)
                shown = {name: f"{value:.3f}" for name, value in mean.items()}
                bar.set_postfix(step=self.step, **shown, refresh=False)
                if self.spent - saved > SAVE_SECONDS:
                    self.save()
                    saved = self.spent
        self.save()


class OfficialSignature(nn.Module):
    """The network with the inputs and the output of the official speech_tokenizer_v1.onnx."""

    def __init__(self, network: SpeechTokenizer):
        super().__init__()
        self.network = network

    def forward(self, feats, feats_length):
        frames = feats_length[0].long() // TOKEN_FRAMES * TOKEN_FRAMES
        content, voicing, f0 = self.network(feats[:, :, :frames])
        level = pitch_level(read_log_f0(f0), (voicing > 0).float())
        return (content.argmax(-1) * LEVELS + level.long()).int()


def export(network: SpeechTokenizer, path: Path):
    """Write the network as ONNX with the official signature, weights in int8 with a scale a
    channel.

    `path` is always a whole file.
    """
    frames = 120  # of the example; the file takes any length
    partial = path.with_suffix(".part")
    torch.onnx.export(
        OfficialSignature(network).eval(),
        (torch.randn(1, N_MELS, frames), torch.tensor([frames], dtype=torch.int32)),
        str(partial),
        input_names=["feats", "feats_length"],
        output_names=["indices"],
        opset_version=17,
        dynamo=False,
        dynamic_axes={"feats": {2: "frames"}, "indices": {1: "tokens"}},
    )
    onnx.save(quantize_weights(onnx.load(partial)), partial)
    partial.replace(path)


def open_session(path: Path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def tokenize(session, feats: Tensor) -> np.ndarray:
    """(1, 128, T) log-mel -> (1, T // 4) int32 tokens by an exported file."""
    length = np.array([feats.shape[2]], dtype=np.int32)
    return session.run(None, {"feats": feats.numpy(), "feats_length": length})[0]


def agreement(session, network, utterances, book):
    """Shares of `compare` for the tokens found in whole utterances, and `onnx_is_torch`.

    The latter is the share of tokens that are the same from the ONNX file and the network.
    """
    rows, reference = [], OfficialSignature(network).eval()
    for item in utterances:
        feats = item.log_mel()
        heard = tokenize(session, feats)[0]
        with torch.no_grad():
            same = (reference(feats, torch.tensor([feats.shape[2]]))[0].numpy() == heard).mean()
        rows.append(compare(heard, item, book) | {"onnx_is_torch": same})
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def compare(heard, item: Utterance, book: CodeBook):
    """Shares of the found tokens that agree with the designed ones.

    `sound`: sounds; `sound_near`: sounds, also up to 20 ms early or late; `content`: pairs of
    sounds; `pitch`, `pitch_within_1`: levels where voiced; `token`: whole tokens.
    """
    n = min(len(heard), len(item.content))
    sounds, asked = book.pairs[heard[:n] // LEVELS].ravel(), book.pairs[item.content[:n]].ravel()
    beside = np.pad(asked, 1, mode="edge")
    near = (sounds == asked) | (sounds == beside[:-2]) | (sounds == beside[2:])
    content = heard[:n] // LEVELS == item.content[:n]
    off = np.abs(heard[:n] % LEVELS - item.level[:n])
    voiced = item.voiced[:n]
    return {
        "sound": (sounds == asked).mean(),
        "sound_near": near.mean(),
        "content": content.mean(),
        "pitch": (off == 0)[voiced].mean(),
        "pitch_within_1": (off <= 1)[voiced].mean(),
        "token": (content & (off == 0)).mean(),
    }


def train(work: Path, minutes: float):
    """Train for `minutes` of CPU time, those of earlier runs included."""
    torch.set_num_threads(1)
    trainer = Trainer(work / "speech_tokenizer.pt", minutes)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, trainer.stop)
    utterances, silence = read_utterances(work, held_out=False)
    rng = np.random.default_rng([trainer.step])
    trainer.run(lambda: make_batch(utterances, BATCH, STRETCH, silence, rng))


def finish(work: Path):
    """Export the trained network and print its figures on held-out sentences."""
    trainer, path = Trainer(work / "speech_tokenizer.pt", 1), work / "speech_tokenizer_v1.onnx"
    export(trainer.network, path)
    utterances, _ = read_utterances(work, held_out=True)
    book = CodeBook.load(work / "codebook.json")
    found = agreement(open_session(path), trainer.network, utterances, book)
    log.info(
        "%s: %.2f MB, step %d, %d held-out utterances",
        path.name,
        path.stat().st_size / 1e6,
        trainer.step,
        len(utterances),
    )
    log.info("  ".join(f"{name} {value:.3f}" for name, value in found.items()))


def hear(work: Path, count: int = 1000):
    """Write WORK/heard.npz, from which the language model learns what prompts are like.

    It has the designed tokens of `count` utterances (`asked`) and those that the exported file
    finds (`heard`), (N,) int64 each.
    """
    session = open_session(work / "speech_tokenizer_v1.onnx")
    utterances, _ = read_utterances(work, held_out=False)
    asked, heard = [], []
    for item in tqdm(utterances[:count], unit="utterance"):
        tokens = tokenize(session, item.log_mel())[0]
        n = min(len(tokens), len(item.content))
        asked.append((item.content * LEVELS + item.level)[:n])
        heard.append(tokens[:n].astype(np.int64))
    np.savez(work / "heard.npz", asked=np.concatenate(asked), heard=np.concatenate(heard))


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=["train", "export", "hear"])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=float, default=40.0, help="CPU minutes of training in all"
    )
    args = parser.parse_args()
    {
        "train": lambda: train(args.work, args.minutes),
        "export": lambda: finish(args.work),
        "hear": lambda: hear(args.work),
    }[args.stage]()


if __name__ == "__main__":
    main()
