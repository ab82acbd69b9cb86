"""Whether the model answers: speaks one sentence on the first check and measures its speed."""

import logging
import threading
import time

import torch

from cosyvoice.serve.speaking.engine import Engine
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.utils.audio import trim_and_level

log = logging.getLogger(__name__)
SENTENCE = "你好，很高兴认识你。"


class Readiness:
    """`check` starts the trial once, in the background, and returns what is known by now."""

    def __init__(self, engine: Engine, slots: Slots):
        self.engine, self.slots = engine, slots
        self.once, self.started, self.done = threading.Lock(), False, False
        self.real_time_factor: float | None = None  # seconds of work per second of speech

    def check(self) -> bool:
        """True when the model has spoken."""
        with self.once:
            if not self.started:
                self.started = True
                threading.Thread(target=self._try, name="trial", daemon=True).start()
        return self.done

    def _try(self):
        try:
            with self.slots.take():
                self.real_time_factor = self._speak()
            self.done = True
        except Exception as error:
            log.error("the model does not speak", exc_info=error)
            self.started = False  # the next check tries again

    def _speak(self) -> float | None:
        """The real-time factor; None for a model without speakers, which needs a reference."""
        trim_and_level(torch.zeros(1, 16000))  # loads what reading a first reference would wait for
        speakers = self.engine.list_available_spks()
        if not speakers:
            return None
        begin, samples = time.monotonic(), 0
        for chunk in self.engine.inference_sft(SENTENCE, speakers[0], seed=0):
            samples += chunk["tts_speech"].shape[1]
        return (time.monotonic() - begin) / (samples / self.engine.sample_rate)
