"""What is known about one request while it runs."""

import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cosyvoice.serve.speaking.sentence_times import Segment, SentenceTime


@dataclass
class Record:
    """Written by the threads of its request; other parts of the service may read it at any time."""

    id: str
    mode: str = "-"
    path: str = ""  # of the request
    user_id: str = ""
    caller: str = ""  # digest of the key it was made with; "" without keys
    seed: int = 0
    characters: int = 0
    sample_rate: int = 0
    state: str = "reading"  # reading, waiting, speaking, spoken, done
    outcome: str = ""  # "done", "client_gone" or the code of an error
    address: str = ""  # of the client
    position: int = 0  # in the queue; 0 is not waiting
    starts_in: int | None = None  # seconds, a guess while it waits
    samples: int = 0  # of sound made so far
    total_seconds: float | None = None  # of sound that will be made, where it is known
    started: float = field(default_factory=time.monotonic)
    speaking: float | None = None  # when the slot was taken
    # Seconds to the first encoded sound: from arrival, in a text stream from its first sentence.
    first_chunk: float | None = None
    engine_seconds: float = 0.0  # that the engine has worked
    sentence_times: list[SentenceTime] = field(default_factory=list)  # of the sentences begun
    readings: list[tuple[float, int]] = field(default_factory=list)  # score, tries of sentences
    finished_times: list[SentenceTime] = field(default_factory=list)  # of whole segments
    # (first sample, name), if several
    speakers: list[tuple[int, str]] = field(default_factory=list)
    current_segment: Segment | None = None  # of the text, being spoken
    is_counted: bool = False  # in the figures of /metrics
    is_kept: bool = False  # its last state is written; later changes no longer count
    earlier: dict | None = None  # the state that an ended request of this id left; see claim()
    watchers: list[Callable[["Record"], None]] = field(default_factory=list)  # see change()

    @property
    def turn_of(self) -> tuple[str, str]:
        """Whose turn a request takes: the key's and its user's, or the client's address."""
        return (self.caller, self.user_id) if self.caller or self.user_id else ("", self.address)

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate if self.sample_rate else 0.0

    @property
    def real_time_factor(self) -> float | None:
        return self.engine_seconds / self.seconds if self.samples else None

    def change(self, **values):
        """Set some fields, then call the watchers, which must be quick: sound may wait for them."""
        for name, value in values.items():
            setattr(self, name, value)
        for watcher in self.watchers:
            watcher(self)

    def add_chunk(self, chunk: dict, pcm: np.ndarray):
        """Count a chunk of the engine and note which samples belong to which sentence."""
        number = chunk["sentence"]
        if self.current_segment is None or self.current_segment.number != number:
            self.finish_segment()
            self.current_segment = Segment(
                number, chunk["sentences"], self.samples, self.sample_rate
            )
            if "tries" in chunk:
                reading = chunk["score"], chunk["tries"]
                self.readings = self.readings + [reading] * len(chunk["sentences"])
            if speaker := chunk.get("speaker"):
                self.speakers.append((self.samples, speaker))
        self.current_segment.add(pcm)
        times = self.finished_times + self.current_segment.sentence_times(whole=False)
        self.change(samples=self.samples + len(pcm), sentence_times=times)

    def speaker_at(self, sample: int) -> str:
        """Who speaks there, where a request has several speakers; else ""."""
        before = bisect_right(self.speakers, sample, key=lambda turn: turn[0])
        return self.speakers[before - 1][1] if before else ""

    def finish_segment(self):
        """The segment being spoken is whole: its sentences keep the times they have now."""
        if self.current_segment:
            self.finished_times += self.current_segment.sentence_times(whole=True)
            self.sentence_times, self.current_segment = list(self.finished_times), None
