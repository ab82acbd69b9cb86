"""What is said in a recording, heard by the Whisper of VERIFY where that is installed."""

import logging
import threading
import time

from torch import Tensor

from cosyvoice.cli.verify import (
    WHISPER,
    Check,
    Transcript,
    WhisperReader,
    has_whisper,
    load_whisper,
)
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.resting import RETRY_SECONDS
from cosyvoice.utils.errors import InputError

log = logging.getLogger(__name__)


class Hearing:
    """Loads the model at its first use, and never downloads one. Thread-safe."""

    def __init__(self, model: str):
        self.model, self.loading, self.next_attempt = model, threading.Lock(), 0.0

    @classmethod
    def found(cls, model: str) -> "Hearing | None":
        """The hearing by VERIFY_MODEL, or by WHISPER for ""; None where it is not installed."""
        if has_whisper(model or WHISPER):
            return cls(model or WHISPER)
        if model:
            log.warning("VERIFY_MODEL %s is not there: no transcripts are proposed", model)
        return None

    def transcript(self, reference: Tensor, check: Check) -> Transcript | None:
        """As of WhisperReader, of (1, N) at 16 kHz.

        check ends the work by raising. Raises a 503 Problem for a model that cannot be loaded.
        """
        check()
        return self._reader().transcript(reference, check)

    def _reader(self) -> WhisperReader:
        with self.loading:
            if time.monotonic() < self.next_attempt:
                raise damaged_error()
            try:
                return load_whisper(self.model, may_download=False)
            except InputError as error:
                self.next_attempt = time.monotonic() + RETRY_SECONDS
                log.error("%s", error.en)
                raise damaged_error() from error


def damaged_error() -> Problem:
    return Problem(
        503,
        "hearing_damaged",
        None,
        "the model that hears cannot be loaded; give the words as prompt_text, "
        "and tell the operator, whose log has the reason",
        "用于听写的模型无法加载；请用 prompt_text 提供文字，并联系管理员（原因见日志）",
        {"Retry-After": str(round(RETRY_SECONDS))},
    )
