"""Language model: text ids and a reference voice -> speech tokens, one at a time.

One causal sequence: [start, speaker, text, task, speech tokens ...]. After each speech token the
model gives scores of the next one; the token `speech_token_size` is the end. Parameter names follow
the released llm.pt. Source: CosyVoice paper (arXiv 2407.05407), section 2.2; lengths and sampling
as in upstream llm/llm.py.
"""

import logging
import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from cosyvoice.llm.loss import next_token_loss
from cosyvoice.llm.qwen2 import Qwen2Encoder
from cosyvoice.llm.qwen_lm import CosyVoice3LM, Qwen2LM
from cosyvoice.llm.steps import FixedStepsPool, steps_of
from cosyvoice.transformer.encoder import Encoder
from cosyvoice.utils.common import IGNORE_ID, ras_sampling

__all__ = ["CosyVoice3LM", "Qwen2Encoder", "Qwen2LM", "TransformerLM"]  # the official files' names
logger = logging.getLogger(__name__)

START, TASK = 0, 1  # rows of llm_embedding


class TransformerLM(nn.Module):
    fixed_steps: FixedStepsPool | None = None  # for steps of fixed shapes, see llm/steps.py

    def __init__(
        self,
        text_encoder_input_size: int,
        llm_input_size: int,
        llm_output_size: int,
        text_token_size: int,
        speech_token_size: int,
        text_encoder: Encoder,
        llm: Encoder,
        sampling: Callable = ras_sampling,
        length_normalized_loss: bool = True,
        lsm_weight: float = 0.0,
        spk_embed_dim: int = 192,
    ):
        super().__init__()
        self.text_embedding = nn.Embedding(text_token_size, text_encoder_input_size)
        self.text_encoder = text_encoder
        self.text_encoder_affine_layer = nn.Linear(text_encoder.output_size(), llm_input_size)
        self.llm_embedding = nn.Embedding(2, llm_input_size)
        self.llm = llm
        self.llm_decoder = nn.Linear(llm_output_size, speech_token_size + 1)
        self.speech_embedding = nn.Embedding(speech_token_size, llm_input_size)
        self.spk_embed_affine_layer = nn.Linear(spk_embed_dim, llm_input_size)
        self.speech_token_size = self.eos_token = speech_token_size
        self.sampling = sampling
        self.length_normalized_loss, self.lsm_weight = length_normalized_loss, lsm_weight

    def forward(self, batch: dict, device: torch.device) -> dict[str, Tensor]:
        """Training loss, and the share of next tokens that are predicted right.

        batch: `text_token` (B, L), `speech_token` (B, N), ids padded with any valid id, each with
        its `_len` (B,); `embedding` (B, 192), where a row of zeros means no speaker: its position
        is left out, as in inference.
        """
        text_len, speech_len = batch["text_token_len"].tolist(), batch["speech_token_len"].tolist()
        text = self._encode_text(batch["text_token"].to(device), batch["text_token_len"].to(device))
        speech_token = batch["speech_token"].to(device)
        rows = zip(
            self._speakers(batch["embedding"].to(device)),
            text,
            text_len,
            self.speech_embedding(speech_token),
            speech_len,
        )
        sequences = [
            self._sequence(speaker, t[:t_len], s[:s_len]) for speaker, t, t_len, s, s_len in rows
        ]
        targets = [
            self._target(len(x), tokens[:n].long())
            for x, tokens, n in zip(sequences, speech_token, speech_len)
        ]
        lengths = torch.tensor([len(x) for x in sequences], device=device)
        y, _ = self.llm(pad_sequence(sequences, batch_first=True), lengths)
        target = pad_sequence(targets, batch_first=True, padding_value=IGNORE_ID)
        counts = target != IGNORE_ID
        return next_token_loss(
            self.llm_decoder(y[counts]).float(),
            target[counts],
            len(lengths),
            self.lsm_weight,
            self.length_normalized_loss,
        )

    @torch.inference_mode()
    def inference(
        self,
        text: Tensor,
        text_len: Tensor,
        prompt_text: Tensor,
        prompt_text_len: Tensor,
        prompt_speech_token: Tensor,
        prompt_speech_token_len: Tensor,
        embedding: Tensor,
        sampling: int = 25,
        max_token_text_ratio: float = 20,
        min_token_text_ratio: float = 2,
        uuid: str = "",
        generator: torch.Generator | None = None,
    ) -> Iterator[int]:
        """Yield speech tokens until the model ends the speech.

        text, prompt_text: (1, L) ids; prompt_speech_token: (1, N); their lengths (1,). embedding:
        (1, 192), or (0, 192) for no speaker. There are at least min_token_text_ratio tokens per id
        of `text`, and at most max_token_text_ratio: then a warning is logged. `generator` makes all
        draws (None: torch's global one); `uuid` names the request in the log. Thread-safe.
        """
        shortest = int(text_len * min_token_text_ratio)
        longest = int(text_len * max_token_text_ratio)
        ids = torch.cat([prompt_text, text], dim=1)
        encoded = self._encode_text(ids, torch.tensor([ids.size(1)], device=ids.device))[0]
        speaker = self._speakers(embedding)[0] if len(embedding) else encoded[:0]
        x = self._sequence(speaker, encoded, self.speech_embedding(prompt_speech_token)[0])[None]
        tokens: list[int] = []
        with steps_of(self, x.size(1) + longest) as next_scores:
            for step in range(longest):
                scores = next_scores(x)
                if step < shortest:
                    scores[self.eos_token] = -math.inf
                token = self.sampling(scores, tokens, sampling, generator=generator)
                if token == self.eos_token:
                    return
                yield token
                tokens.append(token)
                x = self.speech_embedding.weight[None, None, token]
        logger.warning(
            "speech cut after %d tokens: the model did not end it (request %s)", longest, uuid
        )

    def _encode_text(self, ids: Tensor, lengths: Tensor) -> Tensor:
        encoded, _ = self.text_encoder(self.text_embedding(ids), lengths)
        return self.text_encoder_affine_layer(encoded)

    def _speakers(self, embedding: Tensor) -> list[Tensor]:
        """One (1, D) per row of (B, 192), or (0, D) where the row is all zeros."""
        projected = self.spk_embed_affine_layer(F.normalize(embedding, dim=1))
        return [row[None][: int(known)] for row, known in zip(projected, embedding.any(dim=1))]

    def _sequence(self, speaker: Tensor, text: Tensor, speech: Tensor) -> Tensor:
        start, task = self.llm_embedding.weight[:, None]
        return torch.cat([start, speaker, text, task, speech])  # (T, D)

    def _target(self, length: int, tokens: Tensor) -> Tensor:
        """The token after each position of a sequence; IGNORE_ID before the task mark."""
        ignored = length - len(tokens) - 1
        return F.pad(F.pad(tokens, (0, 1), value=self.eos_token), (ignored, 0), value=IGNORE_ID)
