"""Several utterances one after the other in one answer: lines of a dialogue, sentences of a stream.

Each part is spoken with a seed of its own, see seed_of of cli/long_speech.py, so that what a part
sounds like does not depend on the parts before it.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from cosyvoice.serve.speaking.engine import Check, Chunks


@dataclass(frozen=True)
class Part:
    """One utterance of several. speaker: a name for subtitles. pause: seconds of silence after."""

    chunks: Callable[[Check], Chunks]
    speaker: str = ""
    pause: float = 0.0


def chained(parts: Iterable[Part], sample_rate: int, check: Check) -> Chunks:
    """The chunks of all parts, their segments numbered on; to be closed."""
    first = 0  # number of a part's first segment
    for part in parts:
        last = first
        with closing(part.chunks(check)) as chunks:
            for chunk in chunks:
                last = first + chunk["sentence"]
                yield {**chunk, "sentence": last, "speaker": part.speaker}
        first = last + 1
        if part.pause:
            yield {**silent_chunk(part.pause, sample_rate), "sentence": first}
            first += 1


def silent_chunk(seconds: float, sample_rate: int) -> dict:
    """A chunk of silence, without words."""
    samples = np.zeros((1, round(seconds * sample_rate)), np.float32)
    return {"tts_speech": samples, "sentence": 0, "sentences": ()}
