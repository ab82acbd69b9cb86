"""Sentence times: the sound of one segment of text -> which samples belong to which of its sentences.

The engine speaks a text in segments of several sentences. A segment's clauses are laid along its sound so that each is about as long
as its syllables let expect and ends where it is quiet. While a segment is not whole its length, and so all this, is a guess.
"""

import numpy as np

from cosyvoice.text.language import contains_chinese, syllables
from cosyvoice.text.sentences import clauses_of, sentences_of

FRAME, QUIET = 0.02, 0.18  # seconds: of one loudness, and over which it is averaged
RANGE = 40.0  # dB below the loud parts; what is quieter is no better
PULL = 40.0  # dB that a clause costs whose length is off by a factor of e
PACE = 4.5  # syllables and pauses per second, while the length is not known


class Segment:
    """One segment while its sound is made; `start` is its first sample in the sound of the request."""

    def __init__(self, number: int, text: str, start: int, rate: int):
        self.number, self.start, self.rate = number, start, rate
        self.pcm = np.zeros(0, np.int16)
        self.sentences = [
            piece if contains_chinese(piece) else piece.replace("。", ".")
            for piece in sentences_of(text)
        ]  # the engine's 。 in mixed text
        clauses = [clauses_of(sentence) for sentence in self.sentences]
        self.last = (
            np.cumsum([len(parts) for parts in clauses])[:-1] - 1
        )  # clauses that end a sentence, but the last of all
        self.weights = np.array(
            [syllables(clause) + 1.0 for parts in clauses for clause in parts]
        )  # 1 for the pause after it

    def add(self, pcm: np.ndarray):
        self.pcm = np.concatenate([self.pcm, pcm])

    def sentence_times(self, whole: bool) -> list[tuple[str, int, int]]:
        """(text, first sample, end sample) of every sentence that has begun; together they cover what is made."""
        made = len(self.pcm)
        edges = [0, *(int(end) for end in self._clause_ends(whole)[self.last] if end < made), made]
        return [
            (text, self.start + a, self.start + b)
            for text, a, b in zip(self.sentences, edges, edges[1:])
        ]

    def _clause_ends(self, whole: bool) -> np.ndarray:
        """In samples: as one pace would have them, moved to the quiet in what is made."""
        made = len(self.pcm)
        length = made if whole else max(made, self.weights.sum() / PACE * self.rate)
        ends = np.cumsum(self.weights) / self.weights.sum() * length
        if inner := int((ends[:-1] < made).sum()):
            loud, frame = loudness(self.pcm, self.rate), FRAME * self.rate
            places = 1 + np.flatnonzero((loud[1:-1] <= loud[:-2]) & (loud[1:-1] < loud[2:]))
            places = places[
                places > np.argmax(loud > -RANGE / 2)
            ]  # nothing ends before the first sound
            if inner <= len(places):
                lengths = np.diff([0, *ends[:inner], made]) / frame
                ends[:inner] = (places[align(places, loud[places], lengths)] + 0.5) * frame
        return ends


def align(places: np.ndarray, loud: np.ndarray, lengths: np.ndarray) -> list[int]:
    """Indices of the places, ascending, where all clauses but the last end: quiet ones that give about those lengths (Viterbi)."""

    def strain(gaps, length):
        return np.where(gaps > 0, PULL * np.log(np.maximum(gaps, 1) / length) ** 2, np.inf)

    gaps, before = places - places[:, None], []
    cost = loud + strain(places, lengths[0])
    for length in lengths[1:-1]:
        ways = cost[:, None] + strain(gaps, length)
        before.append(ways.argmin(0))
        cost = ways.min(0) + loud
    path = [int(np.argmin(cost + strain(lengths.sum() - places, lengths[-1])))]
    for previous in reversed(before):
        path.insert(0, int(previous[path[0]]))
    return path


def loudness(pcm: np.ndarray, rate: int) -> np.ndarray:
    """dB of each frame and those around it, 0 for the loud and -RANGE for the quiet."""
    frame, around = int(FRAME * rate), np.ones(round(QUIET / FRAME)) * FRAME / QUIET
    frames = pcm[: len(pcm) // frame * frame].astype(np.float32).reshape(-1, frame)
    db = 10 * np.log10((frames**2).mean(1) + 1)
    return (
        np.convolve(np.clip(db - np.percentile(db, 95), -RANGE, 0), around, "same").round(1)
        if len(db) >= len(around)
        else db
    )
