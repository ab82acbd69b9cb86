"""An engine whose model leaves memory when nobody has used it for a while; the next use loads it.

What the model is (its family, rate, speakers) stays known meanwhile.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.engine import Chunks, Engine, Voice
from cosyvoice.utils.process import return_memory

log = logging.getLogger(__name__)
RETRY_SECONDS = 30.0  # between two attempts to load a model that failed


class Resting:
    """An Engine that frees its model after `seconds` without use, and loads it again when used.

    load() makes the model, at once and again in the thread of a request. is_busy(): whether anybody
    speaks or waits for an engine; the model stays until nobody does. Thread-safe: many requests at
    once load it once. A use raises a 503 Problem when the model cannot be loaded.
    """

    def __init__(self, load: Callable[[], Engine], seconds: float, is_busy: Callable[[], bool]):
        self.load, self.seconds, self.is_busy = load, seconds, is_busy
        self.changing = threading.Lock()  # held while the model is loaded or let go
        self.model: Engine | None = load()
        self.users, self.last_use = 0, time.monotonic()
        self.is_damaged, self.next_attempt = False, 0.0
        self._note(self.model)
        self._wait(seconds)

    def _note(self, model: Engine):
        self.model_family, self.sample_rate = model.model_family, model.sample_rate
        self.supports_instruct = model.supports_instruct
        self.supports_instruct2 = model.supports_instruct2
        self.load_seconds, self.token_rate = model.load_seconds, model.token_rate
        self.device, self.precision = model.device, model.precision
        self.speakers = model.list_available_spks()

    @property
    def model_state(self) -> str:
        """As of Engine: "loaded", "unloaded", or "damaged" after loading failed."""
        if self.model is not None:
            return "loaded"
        return "damaged" if self.is_damaged else "unloaded"

    def list_available_spks(self) -> list[str]:
        return list(self.speakers)

    def inference_sft(self, *args: Any, **options: Any) -> Chunks:
        return self._speak("inference_sft", *args, **options)

    def inference_zero_shot(self, *args: Any, **options: Any) -> Chunks:
        return self._speak("inference_zero_shot", *args, **options)

    def inference_cross_lingual(self, *args: Any, **options: Any) -> Chunks:
        return self._speak("inference_cross_lingual", *args, **options)

    def inference_instruct(self, *args: Any, **options: Any) -> Chunks:
        return self._speak("inference_instruct", *args, **options)

    def inference_instruct2(self, *args: Any, **options: Any) -> Chunks:
        return self._speak("inference_instruct2", *args, **options)

    def inference_vc(self, *args: Any, **options: Any) -> Chunks:
        return self._speak("inference_vc", *args, **options)

    def speaker_voice(self, *args: Any, **options: Any) -> Voice:
        with self._used() as model:
            return model.speaker_voice(*args, **options)

    def make_voice(self, *args: Any, **options: Any) -> Voice:
        with self._used() as model:
            return model.make_voice(*args, **options)

    def _speak(self, method: str, *args: Any, **options: Any) -> Chunks:
        with self._used() as model:
            with closing(getattr(model, method)(*args, **options)) as chunks:
                yield from chunks

    @contextmanager
    def _used(self) -> Iterator[Engine]:
        """The model, loaded if need be; it stays until the end of `with`."""
        with self.changing:
            if self.model is None:
                self.model = self._loaded_again()
            self.users += 1
            model = self.model
        try:
            yield model
        finally:
            with self.changing:
                self.users -= 1
                self.last_use = time.monotonic()

    def _loaded_again(self) -> Engine:
        if time.monotonic() < self.next_attempt:
            raise not_loaded_error()
        try:
            model = self.load()
        except Exception as error:  # as at the start: files of every kind, or no memory
            self.is_damaged, self.next_attempt = True, time.monotonic() + RETRY_SECONDS
            log.error("%s cannot be loaded again", self.model_family, exc_info=error)
            raise not_loaded_error() from error
        self.is_damaged = False
        self._note(model)
        self._wait(self.seconds)
        return model

    def _wait(self, seconds: float):
        """Look again in so many seconds. While a model is loaded, one timer runs."""
        timer = threading.Timer(seconds, self._look)
        timer.daemon = True  # the end of the process does not wait for it
        timer.start()

    def _look(self):
        """Let the model go if nobody has used it for long enough, else look again later."""
        with self.changing:
            if self.users or self.is_busy():
                self.last_use = time.monotonic()
            left = self.last_use + self.seconds - time.monotonic()
            if left > 0:
                self._wait(left)
                return
            self.model = None
        # no daemon: the end of the process waits for it, since it must not stop inside torch
        threading.Thread(target=self._clear, name="rest", daemon=False).start()

    def _clear(self):
        gc.collect()
        return_memory()
        log.info("%s left memory after %g s without work", self.model_family, self.seconds)


def not_loaded_error() -> Problem:
    return Problem(
        503,
        "model_not_loaded",
        None,
        "the model left memory while nobody used it and cannot be loaded again; "
        f"try again in {RETRY_SECONDS:g} s, and tell the operator, whose log has the reason",
        f"模型闲置后已释放内存，现无法重新加载；请在 {RETRY_SECONDS:g} 秒后重试，"
        "并联系管理员（原因见日志）",
        {"Retry-After": str(round(RETRY_SECONDS))},
    )
