"""Whether the model answers: on the first check it speaks one sentence and uses one reference.

The reference opens the ONNX files, of which only the outline is checked when the model loads: the
speech tokenizer of the official models has 500 MB, too much to wait for at the start. Opened in the
background, a fault in them shows here instead of at the first caller, who need not wait for them.
"""

import logging
import threading
import time

import torch

from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.engine import Engine
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.utils.audio import trim_and_level
from cosyvoice.utils.process import trim

log = logging.getLogger(__name__)
SENTENCE = "你好，很高兴认识你。"
RETRY_SECONDS = 15.0  # between the end of a trial that failed and the next one
STARTING = (
    "the model is trying its first sentence: ask again in a few seconds"
    " / 模型正在试读第一句，请几秒后再查询"
)
FAILED = (
    "the model could not speak a sentence or use a reference: the log has the reason; "
    "download its files again if they are damaged"
    " / 模型试读或读取参考音频失败，原因见日志；若模型文件损坏请重新下载"
)


class Readiness:
    """`check` starts the trial once, in the background, and returns what is known by now."""

    def __init__(self, engine: Engine, slots: Slots):
        self.engine, self.slots = engine, slots
        self.once, self.started, self.done = threading.Lock(), False, False
        self.next_trial = 0.0
        self.reason: str | None = STARTING  # why it is not ready, in both languages
        self.real_time_factor: float | None = None  # seconds of work per second of speech

    def check(self) -> bool:
        """True when the model has spoken. After a failure it tries again, now and then.

        A model that is not in memory now is as good as one that is; one that could not be loaded
        again must speak again first.
        """
        with self.once:
            if self.done and self.engine.model_state == "damaged":
                self.done, self.started, self.reason = False, False, FAILED
            if not self.started and time.monotonic() >= self.next_trial:
                self.started = True
                threading.Thread(target=self._try, name="trial", daemon=True).start()
        return self.done

    def _try(self):
        try:
            with self.slots.take():
                self.real_time_factor = self._speak()
            trim()
            self.reason, self.done = None, True
        except Problem as problem:  # the engines are on a cluster that is away
            log.debug("the model is not tried yet: %s", problem)
            self.started = False
        except Exception as error:
            log.error("the model does not speak", exc_info=error)
            self.reason, self.next_trial = FAILED, time.monotonic() + RETRY_SECONDS
            self.started = False

    def _speak(self) -> float:
        """The real-time factor, with the first speaker, or in its absence with the reference."""
        trim_and_level(torch.zeros(1, 16000))  # loads what reading a first reference would wait for
        voice = self.engine.make_voice(SENTENCE, tone())
        speakers = self.engine.list_available_spks()
        who = {"spk_id": speakers[0]} if speakers else {"spk_id": "", "voice": voice}
        begin, samples = time.monotonic(), 0
        for chunk in self.engine.inference_sft(SENTENCE, **who, seed=0):
            samples += chunk["tts_speech"].shape[1]
        return (time.monotonic() - begin) / (samples / self.engine.sample_rate)


def tone() -> torch.Tensor:
    """One second at 16 kHz, (1, 16000), in place of a recording."""
    return 0.3 * torch.sin(torch.arange(16000) * (2 * torch.pi * 200 / 16000))[None]
