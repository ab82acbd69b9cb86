"""Sentence times: which samples of a segment's sound belong to which of its sentences.

The engine speaks a text in segments of several sentences. The clauses of a segment are laid along
its sound so that each is about as long as its number of syllables suggests and ends where it is
quiet. While a segment is not whole, its length is a guess, and so are the times.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cosyvoice.text.language import PACE, syllables
from cosyvoice.text.sentences import clauses_of

FRAME_SECONDS = 0.02  # of one value of loudness
MEAN_SECONDS = 0.18  # over which the loudness is averaged
RANGE_DB = 40.0  # below the loud parts; all that is quieter counts the same
LENGTH_PENALTY_DB = 40.0  # when the length of a clause is off by a factor of e


class SentenceTime(NamedTuple):
    """A sentence as it was written and as it is spoken, and its samples in the request's sound."""

    text: str
    spoken: str
    start: int
    end: int


class Segment:
    """One segment while its sound is made.

    sentences: (written, spoken) of each; none for a silence. start: its first sample in the
    request's sound.
    """

    def __init__(self, number: int, sentences: Sequence[tuple[str, str]], start: int, rate: int):
        self.number, self.sentences, self.start, self.rate = number, sentences, start, rate
        self.pcm = np.zeros(0, np.int16)
        clauses = [clauses_of(spoken) for _, spoken in sentences]
        # Indices of the clauses that end a sentence, without the last one.
        self.sentence_ends = np.cumsum([len(parts) for parts in clauses])[:-1] - 1
        # Syllables of each clause, and 1 for the pause after it.
        self.weights = np.array([syllables(clause) + 1.0 for parts in clauses for clause in parts])

    def add(self, pcm: np.ndarray):
        self.pcm = np.concatenate([self.pcm, pcm])

    def sentence_times(self, whole: bool) -> list[SentenceTime]:
        """Every sentence that has begun; together they cover the sound made so far."""
        if not self.sentences:
            return []
        made = len(self.pcm)
        ends = self._clause_ends(whole)[self.sentence_ends]
        edges = [0, *(int(end) for end in ends if end < made), made]
        return [
            SentenceTime(text, spoken, self.start + a, self.start + b)
            for (text, spoken), a, b in zip(self.sentences, edges, edges[1:])
        ]

    def _clause_ends(self, whole: bool) -> np.ndarray:
        """In samples: as at one pace, moved to quiet places in the sound made so far."""
        made = len(self.pcm)
        length = made if whole else max(made, self.weights.sum() / PACE * self.rate)
        ends = np.cumsum(self.weights) / self.weights.sum() * length
        if inner := int((ends[:-1] < made).sum()):
            loud, frame = loudness(self.pcm, self.rate), FRAME_SECONDS * self.rate
            places = 1 + np.flatnonzero((loud[1:-1] <= loud[:-2]) & (loud[1:-1] < loud[2:]))
            first_sound = np.argmax(loud > -RANGE_DB / 2)
            places = places[places > first_sound]
            if inner <= len(places):
                lengths = np.diff([0, *ends[:inner], made]) / frame
                ends[:inner] = (places[align(places, loud[places], lengths)] + 0.5) * frame
        return ends


def align(places: np.ndarray, loud: np.ndarray, lengths: np.ndarray) -> list[int]:
    """Indices of the places where all clauses but the last end, ascending (Viterbi).

    Chosen are quiet places that give about the wanted lengths, all in frames.
    """

    def penalty(gaps, length):
        error = np.log(np.maximum(gaps, 1) / length)
        return np.where(gaps > 0, LENGTH_PENALTY_DB * error**2, np.inf)

    gaps, before = places - places[:, None], []
    cost = loud + penalty(places, lengths[0])
    for length in lengths[1:-1]:
        ways = cost[:, None] + penalty(gaps, length)
        before.append(ways.argmin(0))
        cost = ways.min(0) + loud
    path = [int(np.argmin(cost + penalty(lengths.sum() - places, lengths[-1])))]
    for previous in reversed(before):
        path.insert(0, int(previous[path[0]]))
    return path


def loudness(pcm: np.ndarray, rate: int) -> np.ndarray:
    """dB of each frame and those around it, 0 for the loud and -RANGE_DB for the quiet."""
    frame = int(FRAME_SECONDS * rate)
    window = np.ones(round(MEAN_SECONDS / FRAME_SECONDS)) * FRAME_SECONDS / MEAN_SECONDS
    frames = pcm[: len(pcm) // frame * frame].astype(np.float32).reshape(-1, frame)
    db = 10 * np.log10((frames**2).mean(1) + 1)
    if len(db) < len(window):
        return db
    relative = np.clip(db - np.percentile(db, 95), -RANGE_DB, 0)
    return np.convolve(relative, window, "same").round(1)
