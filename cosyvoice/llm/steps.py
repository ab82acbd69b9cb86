"""How one request goes through a language model: inputs -> scores of the next token.

plain_steps() keeps as many keys and values as there are positions. On a GPU each token is some
hundred short kernels, and Python starts them more slowly than they run. A CUDA graph starts them at
once, but it has the same tensors every time; so FixedSteps has room for the longest sequence, and
where the next position belongs is a number in a tensor. Without a GPU the same step runs without a
graph, which is how the tests compare both. No GPU could be tried.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from cosyvoice.transformer.attention import FixedKeyValues, Place
from cosyvoice.utils.errors import InputError
from cosyvoice.utils.precision import best_device

LEAST_ROOM = 256  # positions; others are rounded up to a power of two
KEPT = 4  # graphs with their memory that wait for the next request
WARM_UP = 3  # steps before a graph is captured, as torch recommends

Step = Callable[[Tensor], Tensor]  # the next inputs (1, T, D) -> log-probabilities (V,)


def plain_steps(lm: Any) -> Step:
    cache = lm.llm.new_cache()
    return lambda x: next_scores(lm, lm.llm.step(x, cache))


def next_scores(lm: Any, y: Tensor) -> Tensor:
    """Hidden states (1, T, D) -> log-probabilities (V,) of what follows the last of them."""
    return lm.llm_decoder(y[0, -1]).log_softmax(0)


class FixedSteps:
    """A Step for sequences of up to `room` positions; one request at a time, after `start`.

    The first inputs of a request may be of any length, each later one is one position.
    """

    def __init__(self, lm: Any, room: int):
        self.lm, self.room = lm, room
        self.graph: Any = None
        self.cache: Any = None  # made when the first request tells its shapes

    def start(self) -> None:
        """Forget the last request."""
        self.is_new = True

    def __call__(self, x: Tensor) -> Tensor:
        if self.is_new:
            self.is_new = False
            return self._read(x)
        self.x.copy_(x)
        if self.graph is None:
            return self._step()
        self.graph.replay()
        return self.scores.clone()

    def _read(self, x: Tensor) -> Tensor:
        seen = self.lm.llm.new_cache()
        scores = next_scores(self.lm, self.lm.llm.step(x, seen))
        if self.cache is None:
            place = Place(self.room, x.device)
            self.cache = self.lm.llm.fixed_cache([FixedKeyValues(kv, place) for kv in seen], place)
            self.x = x[:, :1].clone()
            if x.device.type == "cuda":
                self._capture()
        for fixed, keys_values in zip(self.cache, seen):
            fixed.fill(keys_values)
        self.cache.place.move_to(x.size(1))
        return scores

    def _step(self) -> Tensor:
        self.cache.place.look()
        scores = next_scores(self.lm, self.lm.llm.step(self.x, self.cache))
        self.cache.place.advance()
        return scores

    def _capture(self) -> None:
        """Record a step. Others may use the GPU meanwhile."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                self._step()
        torch.cuda.current_stream().wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):
            self.scores = self._step()


class FixedStepsPool:
    """FixedSteps of one language model, each lent to one request. Thread-safe."""

    def __init__(self, lm: Any):
        self.lm = lm
        self.waiting: list[FixedSteps] = []
        self.lock = Lock()

    @contextmanager
    def lent(self, positions: int) -> Iterator[Step]:
        """A Step for a request of up to so many positions.

        How much room it has depends on the request alone, so that its sound does too.
        """
        room = max(LEAST_ROOM, 1 << (positions - 1).bit_length())
        with self.lock:
            fitting = next((steps for steps in self.waiting if steps.room == room), None)
            if fitting is not None:
                self.waiting.remove(fitting)
        steps = fitting or FixedSteps(self.lm, room)
        steps.start()
        try:
            yield steps
        except GeneratorExit:  # a request was stopped; steps that failed are not used again
            self._take_back(steps)
            raise
        self._take_back(steps)

    def _take_back(self, steps: FixedSteps) -> None:
        with self.lock:
            self.waiting = [*self.waiting, steps][-KEPT:]


def check_graphs(cuda_graphs: bool) -> None:
    """Raises InputError where graphs are wanted and there is no GPU."""
    if cuda_graphs and best_device().type != "cuda":
        raise InputError(
            "cuda_graphs needs an NVIDIA GPU that torch can use, and there is none here: "
            "leave it off",
            "cuda_graphs 需要 torch 可用的 NVIDIA 显卡，本机没有：请勿开启",
        )


@contextmanager
def steps_of(lm: Any, positions: int) -> Iterator[Step]:
    """The Step of one request that needs at most so many positions."""
    if lm.fixed_steps is None:
        yield plain_steps(lm)
    else:
        with lm.fixed_steps.lent(positions) as step:
            yield step
