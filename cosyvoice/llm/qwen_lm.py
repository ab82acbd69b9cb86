"""Language models of CosyVoice2 and Fun-CosyVoice3: text ids -> speech tokens, one at a time.

One causal sequence: [start, text, task, speech tokens ...], text being the reference's words and
the new ones. There is no speaker vector. Where text arrives bit by bit, text and speech take turns
until it ends: [start, 5 text, 15 speech, 5 text, ..., rest of the text, task, rest of the speech];
by the fill token the model ends its turn. Parameter names follow the released llm.pt. Source:
CosyVoice 2 (arXiv 2412.10117), section 2.3; ids, lengths and sampling as in upstream llm/llm.py.
"""

import logging
import math
import random
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from cosyvoice.llm.loss import next_token_loss
from cosyvoice.llm.qwen2 import Qwen2Encoder
from cosyvoice.llm.steps import FixedStepsPool, Step, plain_steps, steps_of
from cosyvoice.utils.common import IGNORE_ID, ras_sampling

logger = logging.getLogger(__name__)


@dataclass
class Utterance:
    """What the model has read and said in one request."""

    next_scores: Step
    sampling: int
    generator: torch.Generator | None
    tokens: list[int] = field(default_factory=list)  # said; ends of turns too


class Qwen2LM(nn.Module):
    """CosyVoice2. Behind the speech tokens come the end, an unused id and the fill token.

    mix_ratio: text ids and speech tokens of one turn. like_upstream: repeat upstream's faults,
    which the methods name, to compare with it.
    """

    like_upstream = False
    fixed_steps: FixedStepsPool | None = None  # for steps of fixed shapes, see llm/steps.py

    def __init__(
        self,
        llm_input_size: int,
        llm_output_size: int,
        speech_token_size: int,
        llm: Qwen2Encoder,
        sampling: Callable = ras_sampling,
        length_normalized_loss: bool = True,
        lsm_weight: float = 0.0,
        mix_ratio: tuple[int, int] = (5, 15),
    ):
        super().__init__()
        self.llm = llm
        self.speech_token_size = speech_token_size
        self._add_tables(llm_input_size, llm_output_size)
        self.sampling = sampling
        self.length_normalized_loss, self.lsm_weight = length_normalized_loss, lsm_weight
        self.turn_text, self.turn_speech = mix_ratio

    def _add_tables(self, width: int, output_width: int):
        size = self.speech_token_size
        self.llm_embedding = nn.Embedding(2, width)  # start, task
        self.speech_embedding = nn.Embedding(size + 3, width)
        self.llm_decoder = nn.Linear(output_width, size + 3)
        self.eos_token, self.fill_token = size, size + 2

    def _marks(self) -> tuple[Tensor, Tensor]:
        """The embeddings of start and task, each (1, D)."""
        return self.llm_embedding.weight[:1], self.llm_embedding.weight[1:]

    @property
    def text_embedding(self) -> nn.Embedding:
        return self.llm.text_embedding

    # training

    def forward(self, batch: dict, device: torch.device) -> dict[str, Tensor]:
        """Training loss, and the share of next tokens that are predicted right.

        batch: `text_token` (B, L), `speech_token` (B, N) and, where there are instructions,
        `instruct_token` (B, K), padded with any valid id, each with its `_len` (B,). Half of the
        rows, by Python's `random`, are laid out in turns where speech is long enough.
        """
        rows = zip(
            *(_unpadded(batch, name, device) for name in ("text_token", "speech_token")),
            self._instructions(batch, device),
        )
        inputs, targets = zip(*(self._example(*row) for row in rows))
        lengths = torch.tensor([len(x) for x in inputs], device=device)
        y, _ = self.llm(pad_sequence(inputs, batch_first=True), lengths)
        target = pad_sequence(targets, batch_first=True, padding_value=IGNORE_ID)
        counts = target != IGNORE_ID
        return next_token_loss(
            self.llm_decoder(y[counts]).float(),
            target[counts],
            len(lengths),
            self.lsm_weight,
            self.length_normalized_loss,
        )

    def _instructions(self, batch: dict, device) -> list[Tensor]:
        """Ids (K,) before each row's text. CosyVoice2 is trained without."""
        none = torch.zeros(0, dtype=torch.long, device=device)
        return [none] * len(batch["text_token"])

    def _example(self, text: Tensor, speech: Tensor, instruction: Tensor) -> tuple[Tensor, Tensor]:
        """A row's input (T, D), and the id (T,) that follows each position."""
        start, task = self._marks()
        inputs = [start, self.text_embedding(instruction)]
        targets = [_ignored(1 + len(instruction), text)]
        enough = len(speech) * self.turn_text > len(text) * self.turn_speech
        if random.random() < 0.5 and enough:
            while len(text) >= self.turn_text:
                words, text = text[: self.turn_text], text[self.turn_text :]
                said, speech = speech[: self.turn_speech], speech[self.turn_speech :]
                inputs += [self.text_embedding(words), self.speech_embedding(said)]
                targets += [
                    _ignored(len(words) - 1, text),
                    said,
                    text.new_tensor([self.fill_token]),
                ]
        inputs += [self.text_embedding(text), task, self.speech_embedding(speech)]
        targets += [_ignored(len(text), text), speech, text.new_tensor([self.eos_token])]
        return torch.cat(inputs), torch.cat(targets)

    # inference

    @torch.inference_mode()
    def inference(
        self,
        text: Tensor,
        text_len: Tensor,
        prompt_text: Tensor,
        prompt_text_len: Tensor,
        prompt_speech_token: Tensor,
        prompt_speech_token_len: Tensor,
        embedding: Tensor | None = None,
        sampling: int = 25,
        max_token_text_ratio: float = 20,
        min_token_text_ratio: float = 2,
        uuid: str = "",
        generator: torch.Generator | None = None,
    ) -> Iterator[int]:
        """Yield speech tokens until the model ends the speech.

        text, prompt_text: (1, L) ids; prompt_speech_token: (1, N); their lengths (1,). embedding is
        not used. There are at least min_token_text_ratio tokens per id of `text`, and at most
        max_token_text_ratio: then a warning is logged. `generator` makes all draws (None: torch's
        global one); `uuid` names the request in the log. Thread-safe.
        """
        start, task = self._marks()
        words = self.text_embedding(torch.cat([prompt_text, text], dim=1))[0]
        x = torch.cat([start, words, task, self.speech_embedding(prompt_speech_token)[0]])
        longest = int(text_len * max_token_text_ratio)
        with steps_of(self, len(x) + longest) as next_scores:
            said = Utterance(next_scores, sampling, generator)
            yield from self._finish(x, said, int(text_len * min_token_text_ratio), longest, uuid)

    @torch.inference_mode()
    def inference_bistream(
        self,
        text: Iterable[Tensor],
        prompt_text: Tensor,
        prompt_text_len: Tensor,
        prompt_speech_token: Tensor,
        prompt_speech_token_len: Tensor,
        embedding: Tensor | None = None,
        sampling: int = 25,
        max_token_text_ratio: float = 20,
        uuid: str = "",
        generator: torch.Generator | None = None,
        instruction_len: int = 0,
    ) -> Iterator[int]:
        """Yield speech tokens while the text arrives; `text` yields ids (1, L) when it has some.

        instruction_len: how many ids at the start of prompt_text are no words of the reference;
        they are read before the turns begin. There is no shortest length. Otherwise as `inference`.

        Upstream's faults: where the text ends between two turns, the last speech token is read
        twice, and where it ends before the reference was read, the reference's rest is not read.
        """
        start, task = self._marks()
        words = prompt_text[0].tolist()
        reference = prompt_speech_token[0].tolist()
        x = repeated = torch.cat([start, self._text(take(words, instruction_len))])
        said = Utterance(plain_steps(self), sampling, generator)
        is_new_turn = not reference  # else the model goes on with the reference's last turn
        end = self.turn_speech - len(reference) % self.turn_speech
        heard = 0
        for word in (int(word) for ids in text for word in ids.flatten()):
            words.append(word)
            heard += 1
            while reference and len(words) >= self.turn_text:
                turn = self._text(take(words, self.turn_text))
                x = torch.cat([x, turn, self._speech(take(reference, self.turn_speech))])
            if reference or (is_new_turn and len(words) < self.turn_text):
                continue
            if is_new_turn:
                x = torch.cat([x, self._text(take(words, self.turn_text))])
            repeated = yield from self._take_turn(x, said, end)
            x, is_new_turn = x[:0], True
            end = len(said.tokens) + self.turn_speech
        if self.like_upstream:
            x, reference = x if not said.tokens else repeated, []
        x = torch.cat([x, self._text(words), task, self._speech(reference)])
        longest = int(heard * max_token_text_ratio) - len(said.tokens)
        yield from self._finish(x, said, 0, longest, uuid)

    def _text(self, ids: list[int]) -> Tensor:
        return self._rows(self.text_embedding, ids)

    def _speech(self, ids: list[int]) -> Tensor:
        return self._rows(self.speech_embedding, ids)

    def _rows(self, table: nn.Embedding, ids: list[int]) -> Tensor:
        return table(torch.tensor(ids, dtype=torch.long, device=table.weight.device))  # (L, D)

    def _take_turn(self, x: Tensor, said: Utterance, end: int) -> Generator[int, None, Tensor]:
        """Speak until the fill token, which token number `end` is at the latest.

        Returns the last input. Upstream's fault: only one of the ids that are no speech is ruled
        out.
        """
        ruled_out = [id_ for id_ in self._no_speech() if id_ != self.fill_token]
        while True:
            scores = self._scores(x, said, self._end() if self.like_upstream else ruled_out)
            is_end = len(said.tokens) == end
            token = self.fill_token if is_end else self._draw(scores, said)
            said.tokens.append(token)
            if token >= self.speech_token_size:
                return x
            yield token
            x = self._speech([token])

    def _finish(
        self, x: Tensor, said: Utterance, shortest: int, longest: int, uuid: str
    ) -> Iterator[int]:
        """Speak until the end, for at least `shortest` and at most `longest` tokens."""
        for step in range(longest):
            token = self._draw(self._scores(x, said, self._end() if step < shortest else []), said)
            if token >= self.speech_token_size:
                return
            said.tokens.append(token)
            yield token
            x = self._speech([token])
        logger.warning(
            "speech cut after %d tokens: the model did not end it (request %s)",
            len(said.tokens),
            uuid,
        )

    def _scores(self, x: Tensor, said: Utterance, ruled_out: list[int]) -> Tensor:
        """Log-probabilities (V,) of the token after x (T, D)."""
        scores = said.next_scores(x[None])
        scores[ruled_out] = -math.inf
        return scores

    def _draw(self, scores: Tensor, said: Utterance) -> int:
        return self.sampling(scores, said.tokens, said.sampling, generator=said.generator)

    def _end(self) -> list[int]:
        """The id that is ruled out before the shortest length; upstream's is the first mark."""
        return [self.speech_token_size if self.like_upstream else self.eos_token]

    def _no_speech(self) -> range:
        return range(self.speech_token_size, self.speech_embedding.num_embeddings)


class CosyVoice3LM(Qwen2LM):
    """Fun-CosyVoice3. Behind the speech tokens are 200 rows: start, end, task, fill, and unused.

    Upstream rules out the start instead of the end, so its speech has no shortest length.
    """

    def _add_tables(self, width: int, output_width: int):
        size = self.speech_token_size
        self.speech_embedding = nn.Embedding(size + 200, width)
        self.llm_decoder = nn.Linear(output_width, size + 200, bias=False)
        self.eos_token, self.fill_token = size + 1, size + 3

    def _marks(self) -> tuple[Tensor, Tensor]:
        start, _, task = self.speech_embedding.weight[self.speech_token_size :][:3].split(1)
        return start, task

    def _instructions(self, batch: dict, device) -> list[Tensor]:
        if "instruct_token" not in batch:
            raise ValueError(
                "the training data have no column `instruct`: Fun-CosyVoice3 is trained with an "
                "instruction in each row, 'You are a helpful assistant.<|endofprompt|>' at least"
            )
        return _unpadded(batch, "instruct_token", device)


def take(items: list[int], count: int) -> list[int]:
    """Remove the first items and return them."""
    taken = items[:count]
    del items[:count]
    return taken


def _unpadded(batch: dict, name: str, device) -> list[Tensor]:
    lengths = batch[f"{name}_len"].tolist()
    return [row[:length].long() for row, length in zip(batch[name].to(device), lengths)]


def _ignored(count: int, like: Tensor) -> Tensor:
    return like.new_full((count,), IGNORE_ID)
