"""The model of one directory: text ids and a voice -> speech, whole or in hops.

The language model turns text into speech tokens, one by one; in a stream, in a thread of its own
after the first hop. How hops of tokens become joined speech is in hops.py and causal_hops.py.
Source: upstream cli/model.py.
"""

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from itertools import islice
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import torch
from torch import Tensor, nn

from cosyvoice.cli.causal_hops import CausalHops
from cosyvoice.cli.hops import HopSizes, OverlapHops, Stretch, cut_into_hops, last_hop
from cosyvoice.cli.turns import Turns
from cosyvoice.flow.length_regulator import MEL_HOP, SAMPLE_RATE
from cosyvoice.utils.common import lengths_of
from cosyvoice.utils.errors import InputError
from cosyvoice.utils.files import read_weights
from cosyvoice.utils.noise import Noise
from cosyvoice.utils.precision import FLOAT32, Plan, best_device, lower, packed
from cosyvoice.utils.process import threads

MEL_RATE = SAMPLE_RATE / MEL_HOP  # 86.13 frames per second
MIN_SPEED, MAX_SPEED = 0.5, 2.0
MAX_SILENT_TOKENS = 5  # in a row
PATIENCE = 10.0  # s that a whole utterance, which nobody hears yet, lets streams go first
CORES_OF_ONE = 4  # that one request makes use of; more requests work at once on more cores
# Weights of a model below which a second core waits longer than it works: then each request works
# with one thread, and others use the other cores.
SMALL = 100_000_000
LONE_WORD = {  # tokens a text may always need, for models with ratios of their own
    "min_token_text_ratio": 12,
    "max_token_text_ratio": 40,
}

NO_IDS = torch.zeros(1, 0, dtype=torch.int32)
NO_SPEAKER = torch.zeros(0, 192)
NO_MEL = torch.zeros(1, 0, 80)


class CosyVoiceModel:
    """Thread-safe once loaded: any number of tts() may run at once.

    Streaming starts with token_min_hop_len tokens and multiplies by stream_scale_factor up to
    token_max_hop_len, in each request. Upstream's values are 50, 1 and 100 for the 300M model at
    25 Hz, 25, 2 and 100 for CosyVoice2 and 3, and may be set back; ours give the first sound
    earlier. More of streaming can be set at `hops`. token_text_ratio: speech tokens per text id;
    upstream's 2 and 20 unless set. silent_tokens: those of pauses, of which no more than
    MAX_SILENT_TOKENS in a row are spoken. precision: what load() lowers the networks to.
    """

    def __init__(
        self,
        llm: Any,
        flow: Any,
        hift: Any,
        silent_tokens: frozenset[int] = frozenset(),
        precision: Plan = FLOAT32,
    ):
        self.device, self.precision = best_device(), precision
        self.llm, self.flow, self.hift = llm, flow, hift
        self.silent_tokens = silent_tokens
        hops: Any = CausalHops if flow.causal else OverlapHops
        self.hops = hops(flow, hift, self.device)
        self.token_min_hop_len = self.hops.first_tokens
        self.token_max_hop_len = self.hops.longest_tokens
        self.stream_scale_factor = 2
        self.threads = torch.get_num_threads()  # that one request works with
        self.turns = Turns(max(1, self.threads // CORES_OF_ONE))
        # min_token_text_ratio, min_token_text_ratio_instruct, max_token_text_ratio
        self.token_text_ratio: dict[str, float] = {}

    def load(self, llm_model: str, flow_model: str, hift_model: str) -> None:
        """Load the weights strictly, and lower each network to its precision at once.

        A vocoder saved by training has the prefix `generator.`. The 300M models keep their bytes
        in float32; CosyVoice2 and 3 have faster products there, which differ by rounding.
        """
        precision = self.precision
        if self.flow.causal and self.device.type == "cpu":
            precision = packed(precision)
        if self.device.type == "cpu" and sum(map(weights_of, self.networks)) < SMALL:
            self.threads, self.turns = 1, Turns(self.threads)
        self._fill(self.llm, llm_model, read_weights(llm_model))
        lower(self.llm, precision.llm)
        self._fill(self.flow, flow_model, read_weights(flow_model))
        hift = read_weights(hift_model)
        hift = {name.removeprefix("generator."): value for name, value in hift.items()}
        self._fill(self.hift, hift_model, hift)
        self.hift.remove_weight_norm()
        if self.flow.causal:
            self.flow.fold_times()
        lower(self.flow, precision.flow)
        lower(self.hift, precision.hift)

    @property
    def networks(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        return self.llm, self.flow, self.hift

    def _fill(self, network: nn.Module, path: str, weights: dict) -> None:
        try:
            network.load_state_dict(weights, strict=True, assign=True)
        except RuntimeError as error:
            raise RuntimeError(
                f"{path} does not fit the cosyvoice.yaml beside it: download both again ({error})"
            ) from error
        network.to(self.device).eval().requires_grad_(False)

    def tts(
        self,
        text: Tensor | Iterable[Tensor] = NO_IDS,
        flow_embedding: Tensor = NO_SPEAKER,
        llm_embedding: Tensor = NO_SPEAKER,
        prompt_text: Tensor = NO_IDS,
        llm_prompt_speech_token: Tensor = NO_IDS,
        flow_prompt_speech_token: Tensor = NO_IDS,
        prompt_speech_feat: Tensor = NO_MEL,
        source_speech_token: Tensor = NO_IDS,
        stream=False,
        speed=1.0,
        seed: int | Noise | None = None,
        check: Callable[[], None] | None = None,
        instruction_len=0,
        **lengths,
    ) -> Generator[dict[str, Any], None, None]:
        """Yield {"tts_speech": (1, N) float32 on the CPU}: once, or hop by hop with stream=True.

        Each has the "speech_token" it was made of, a list; a hop's with those the next repeats.

        Ids are (1, L), prompt_speech_feat (1, T, 80), embeddings (1, 192), (0, 192) for none;
        `_len` keywords are accepted and not needed. With source_speech_token its words are spoken
        and the text is not read. speed 0.5 to 2 keeps pitch. seed: of this request; a Noise goes on
        where the last sentence stopped; None draws from torch's global generator. check is called
        before every token and Euler step and stops the work by raising; closing the generator stops
        it too. text may also be an iterable of ids, for language models that read while they speak;
        instruction_len is how many of prompt_text's ids are no words of the reference. Raises
        InputError, or whatever the networks raise, in the caller's thread.
        """
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise InputError(
                f"speed {speed} is not possible; use {MIN_SPEED} to {MAX_SPEED}",
                f"speed 须在 {MIN_SPEED} 至 {MAX_SPEED} 之间",
            )
        noise = seed if isinstance(seed, Noise) else Noise.of(seed, stream, self.device)
        check = check or (lambda: None)
        voice = {
            "prompt_token": flow_prompt_speech_token.to(self.device),
            "embedding": flow_embedding.to(self.device),
            "prompt_feat": prompt_speech_feat.to(self.device),
        }
        session = self.hops.new_session(voice, noise, Stretch(speed), check)
        due = time.monotonic() + (0 if stream else PATIENCE)
        if source_speech_token.shape[1]:
            tokens = (token for token in source_speech_token.flatten().tolist())
        else:
            tokens = self._decode(
                text,
                prompt_text,
                llm_prompt_speech_token,
                llm_embedding,
                noise.tokens,
                instruction_len,
            )
        tokens = checked(with_threads(tokens, self.threads), check)
        if not source_speech_token.shape[1]:
            tokens = with_short_pauses(tokens, self.silent_tokens)
        sizes = self._hop_sizes(flow_prompt_speech_token.shape[1])
        if stream:
            tokens = ahead(tokens, next(iter(sizes)) + sizes.repeated)
        with closing(tokens):
            for hop, last in cut_into_hops(tokens, sizes) if stream else [last_hop(tokens)]:
                with self.turns.turn(due) as turn, threads(self.threads):
                    session.check = both(check, turn.give_way)
                    speech = self.hops.speak(session, hop, last)
                due = max(due, time.monotonic()) + speech.shape[1] / self.hift.sampling_rate
                # an ordinary tensor, no view
                yield {"tts_speech": speech.cpu().clone(), "speech_token": hop}

    def _hop_sizes(self, prompt_tokens: int) -> HopSizes:
        return HopSizes(
            self.token_min_hop_len,
            self.token_max_hop_len,
            self.stream_scale_factor,
            self.hops.repeated_tokens,
            self.hops.block_tokens,
            prompt_tokens,
        )

    def _decode(
        self,
        text: Tensor | Iterable[Tensor],
        prompt_text: Tensor,
        prompt_speech_token: Tensor,
        embedding: Tensor,
        generator: torch.Generator | None,
        instruction_len=0,
    ) -> Generator[int, None, None]:
        """The speech tokens, as the language model makes them."""
        ids = {"prompt_text": prompt_text, "prompt_speech_token": prompt_speech_token}
        ids = {name: value.to(self.device) for name, value in ids.items()}
        options = {"embedding": embedding.to(self.device), "generator": generator}
        if not isinstance(text, Tensor):
            return self.llm.inference_bistream(
                text=text, instruction_len=instruction_len, **ids, **lengths_of(ids), **options
            )
        ids["text"] = text.to(self.device)
        ratios = dict(self.token_text_ratio)
        instructed_ratio = ratios.pop("min_token_text_ratio_instruct", None)
        is_instruction = prompt_text.shape[1] and not prompt_speech_token.shape[1]
        if instructed_ratio is not None and is_instruction:  # it may ask to speak fast
            ratios["min_token_text_ratio"] = instructed_ratio
        ratios = {
            name: max(ratio, LONE_WORD[name] / max(1, text.shape[1]))
            for name, ratio in ratios.items()
        }
        return self.llm.inference(**ids, **lengths_of(ids), **ratios, **options)


def weights_of(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def with_threads(items: Generator, count: int) -> Generator[int, None, None]:
    """The same items, each made with so many threads."""
    with closing(items):
        while True:
            with threads(count):
                item = next(items, None)
            if item is None:
                return
            yield item


def both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def call() -> None:
        first()
        second()

    return call


def checked(items: Generator, check: Callable[[], None]) -> Generator[int, None, None]:
    """The same items; check is called before each and stops them by raising."""
    with closing(items):
        for item in items:
            check()
            yield item


def with_short_pauses(items: Generator, silent: frozenset[int]) -> Generator[int, None, None]:
    """The same tokens without those that make a pause longer than MAX_SILENT_TOKENS."""
    run = 0
    with closing(items):
        for item in items:
            run = run + 1 if item in silent else 0
            if run <= MAX_SILENT_TOKENS:
                yield item


def ahead(items: Generator, start: int) -> Generator[int, None, None]:
    """The same items, those after the first `start` made ahead in a thread of their own.

    Its error is raised here; closing this stops it at its next item. The first are made in the
    caller's thread, so that decoding does not take the processor from the first sound.
    """
    made: SimpleQueue = SimpleQueue()
    closed, end = Event(), object()

    def make():
        try:
            for item in items:
                made.put(item)
                if closed.is_set():
                    break
            made.put(end)
        except BaseException as error:  # whatever it is, the consumer decides
            made.put(error)

    thread = Thread(target=make, name="speech tokens", daemon=True)
    try:
        yield from islice(items, start)
        thread.start()
        while (item := made.get()) is not end:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        item = None  # an error holds this frame, and would be held by it
        closed.set()
        if thread.ident:
            thread.join()
        items.close()
