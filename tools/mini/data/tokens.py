"""Designed speech tokens at 25 Hz, from the teacher's durations and F0.

token = content * 8 + pitch level.

content (0..511): the pair of sounds (cosyvoice/tokenizer/sounds.py) at 1/4 and 3/4 of the token's
40 ms. Tone arrows and stress marks belong to their vowel, a space is shared by its neighbours, pads
and punctuation are silence. The book holds every steady pair (a, a) and the most frequent others;
see `CodeBook.nearest` for the rest.

pitch level (0..7): round(6 * log2(F0 / base) + 3.5), in whole tones from the speaker's mean. Where
speech is unvoiced, log F0 is interpolated between its neighbours, and held at the ends. An
utterance with an instruction to be higher or lower keeps its speaker's base, so that the levels
show the shift.

The command writes WORK/codebook.json once. By default that is the one of the model in the
repository, which its weights were trained with, so that training can start from them. With --anew
it makes another: it counts the pairs that all of sentences.jsonl will have, with durations drawn
from the shards made so far. All networks must then be trained from nothing.

    python -m tools.mini.data.tokens --work WORK [--anew]
"""

import argparse
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from cosyvoice.tokenizer.phoneme import phonemes
from cosyvoice.tokenizer.sounds import BOOK, GROUP, INDEX, SILENCE, SOUNDS, owner

TOKEN_SAMPLES = 882  # at 22,050 Hz: 40 ms
STEPS = 3.2  # in a token, of a grid of 80 Hz: half frames of the teacher, the rate of its F0
CONTENTS, LEVELS = 512, 8
SHIPPED_BOOK = Path(__file__).parents[3] / "pretrained_models/CosyVoice-Mini-25Hz" / BOOK
PAD = "_"
# Hz. Voiced F0 is also above half the median of all above it: the teacher's curve glides at edges.
VOICED_ABOVE = 50.0


@dataclass
class CodeBook:
    """pairs: (512, 2) indices into SOUNDS, most frequent first."""

    pairs: np.ndarray

    def __post_init__(self):
        sounds = range(len(SOUNDS))
        # (S, S): the content of each pair of sounds
        self.content = np.array([[self.nearest(a, b) for b in sounds] for a in sounds])

    def nearest(self, first: int, second: int) -> int:
        """The most similar pair: an equal sound in its place counts 3, one of its group 2.

        Of pairs that are equally similar, the most frequent.
        """
        same = self.pairs == (first, second)
        alike = GROUP[self.pairs] == GROUP[[first, second]]
        return int(np.argmax((same + 2 * alike).sum(1)))

    @property
    def silence(self) -> int:
        """The content of silence."""
        return int(self.content[INDEX[SILENCE], INDEX[SILENCE]])

    def save(self, path: Path) -> None:
        pairs = [[SOUNDS[a], SOUNDS[b]] for a, b in self.pairs.tolist()]
        book = {"rate": 25, "levels": LEVELS, "sounds": SOUNDS, "pairs": pairs}
        path.write_text(json.dumps(book, ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, path: Path) -> "CodeBook":
        """Read codebook.json; ValueError if it was made with another set of sounds."""
        stored = json.loads(path.read_text("utf-8"))
        if stored["sounds"] != SOUNDS:
            raise ValueError(
                f"{path} has other sounds than tools/mini/data/tokens.py: "
                "delete it, make it again, and retrain all that used it"
            )
        return cls(np.array([[INDEX[a], INDEX[b]] for a, b in stored["pairs"]]))


def count_tokens(samples: int) -> int:
    """Number of tokens in `samples` at 22,050 Hz."""
    return round(samples / TOKEN_SAMPLES)


def count_samples(durations, pace: float = 1.0) -> int:
    """Number of samples at 22,050 Hz of the teacher's frames, played `pace` times as fast."""
    return round(sum(durations) * 551.25 / pace)


def sounds_on_grid(phonemes: str, durations) -> np.ndarray:
    """(2 * sum(durations),) index of the sound in each half frame.

    durations: frames of the pad before, the phonemes and the pad after.
    """
    symbols = [SILENCE, *phonemes, SILENCE]
    owners = [owner(symbols, i) for i in range(len(symbols))]
    parts = []
    for (first, second), duration in zip(owners, durations):
        parts += [INDEX[first]] * int(duration) + [INDEX[second]] * int(duration)
    return np.array(parts, dtype=np.int64)


def pairs_of(phonemes: str, durations, pace: float = 1.0) -> np.ndarray:
    """(n, 2) sounds at 1/4 and 3/4 of each token."""
    grid = sounds_on_grid(phonemes, durations)
    tokens = np.arange(count_tokens(count_samples(durations, pace)))
    places = (tokens[:, None] + [0.25, 0.75]) * STEPS * pace
    return grid[np.minimum(places.astype(np.int64), len(grid) - 1)]


def text_positions(durations, pace: float = 1.0) -> np.ndarray:
    """(n,) int32 index of the phoneme spoken at the middle of each token.

    The pads belong to the first and the last phoneme.
    """
    places = (np.arange(count_tokens(count_samples(durations, pace))) + 0.5) * STEPS * pace / 2
    symbols = np.searchsorted(np.cumsum(durations), places, side="right")
    return np.clip(symbols - 1, 0, len(durations) - 3).astype(np.int32)


def voiced(f0: np.ndarray) -> np.ndarray:
    """Which values of the teacher's F0 are of voiced speech."""
    above = f0 > VOICED_ABOVE
    return above & (f0 > 0.5 * np.median(f0[above])) if above.any() else above


def token_f0(f0: np.ndarray, tokens: int, pace: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """F0 in Hz, filled where unvoiced, and voicing of each token, (n,) each.

    F0 is the geometric mean of a token's voiced values. If nothing is voiced it is zero everywhere.
    """
    is_voiced, log_f0 = voiced(f0), np.log(np.maximum(f0, 1e-3))
    which = np.minimum((np.arange(len(f0)) / (STEPS * pace)).astype(np.int64), tokens - 1)
    count = np.bincount(which, is_voiced, tokens)
    if not count.any():
        return np.zeros(tokens), np.zeros(tokens, bool)
    mean = np.bincount(which, np.where(is_voiced, log_f0, 0), tokens) / np.maximum(count, 1)
    places = np.flatnonzero(count)
    filled = np.exp(np.interp(np.arange(tokens), places, mean[places]))
    return filled, count > STEPS * pace / 2 - 0.5


def levels(f0: np.ndarray, base: float) -> np.ndarray:
    """(n,) pitch levels of F0 in Hz; the middle one without F0."""
    ratio = np.where(f0 > 0, f0, base) / base
    return np.clip(np.round(6 * np.log2(ratio) + 3.5), 0, LEVELS - 1).astype(np.int64)


def speech_tokens(row: dict, book: CodeBook, base: float) -> np.ndarray:
    """(n,) int32 tokens of a row of generate.py. base: the speaker's mean F0 in Hz.

    A row with a `pace` is played that many times as fast.
    """
    pace = row.get("pace", 1.0)
    pairs = pairs_of(row["phonemes"], row["durations"], pace)
    f0, _ = token_f0(np.asarray(row["f0"]), len(pairs), pace)
    content = book.content[pairs[:, 0], pairs[:, 1]]
    return (content * LEVELS + levels(f0, base)).astype(np.int32)


def speaker_bases(shards: list[Path]) -> dict[str, float]:
    """Mean F0 in Hz of every speaker: geometric, over voiced values, without instructed shifts."""
    sums = {}
    for row in read(shards, ["speaker", "f0", "pitch_shift"]):
        f0 = np.asarray(row["f0"])
        found = np.log(f0[voiced(f0)] / row["pitch_shift"])
        total = sums.setdefault(row["speaker"], [0.0, 0])
        total[0] += found.sum()
        total[1] += len(found)
    return {name: float(np.exp(total / count)) for name, (total, count) in sums.items() if count}


def read(shards: list[Path], columns: list[str] | None = None):
    """Yield the rows of the shards as dicts."""
    for shard in shards:
        yield from pq.read_table(shard, columns=columns).to_pylist()


def shard_paths(work: Path, kind: str = "data") -> list[Path]:
    """The shards made so far. Those of kind "data" have audio, those of "prosody" have none."""
    return sorted((work / kind).glob("shard-*.parquet"))


def make_book(texts: list[str], durations: dict[str, list[int]], seed: int = 0) -> CodeBook:
    """The book for these texts; each symbol's duration is drawn from its `durations`."""
    rng, counts = np.random.default_rng(seed), Counter({(i, i): 0 for i in range(len(SOUNDS))})
    common = sum(durations.values(), [])
    for text in texts:
        said = phonemes(text)
        drawn = [rng.choice(durations.get(symbol, common)) for symbol in [PAD, *said, PAD]]
        counts.update(map(tuple, pairs_of(said, drawn).tolist()))
    steady = {pair for pair in counts if pair[0] == pair[1]}
    others = [pair for pair, _ in counts.most_common() if pair not in steady]
    chosen = steady | set(others[: CONTENTS - len(steady)])
    return CodeBook(np.array(sorted(chosen, key=lambda pair: (-counts[pair], pair))))


def count_book(work: Path) -> CodeBook:
    lines = (work / "sentences.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    return make_book(texts, seen_durations(shard_paths(work)))


def seen_durations(shards: list[Path]) -> dict[str, list[int]]:
    """Durations in frames of each symbol in the shards, at most 2,000 of each."""
    seen = defaultdict(list)
    for row in read(shards, ["phonemes", "durations"]):
        for symbol, duration in zip([PAD, *row["phonemes"], PAD], row["durations"]):
            if len(seen[symbol]) < 2000:
                seen[symbol].append(duration)
    return dict(seen)


def coverage(book: CodeBook, shards: list[Path]) -> float:
    """Share of the shards' tokens whose pair is in the book."""
    rows = read(shards, ["phonemes", "durations"])
    pairs = np.concatenate([pairs_of(row["phonemes"], row["durations"]) for row in rows])
    return float((book.pairs[book.content[pairs[:, 0], pairs[:, 1]]] == pairs).all(1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--anew", action="store_true", help="make a book of these sentences")
    args = parser.parse_args()
    work = args.work
    if (work / "codebook.json").exists():
        raise SystemExit(
            f"{work}/codebook.json exists: "
            "to make it again, delete it, and retrain all that used it"
        )
    book = count_book(work) if args.anew else CodeBook.load(SHIPPED_BOOK)
    book.save(work / "codebook.json")
    print(f"{len(book.pairs)} pairs cover {coverage(book, shard_paths(work)):.2%} of the tokens")


if __name__ == "__main__":
    main()
