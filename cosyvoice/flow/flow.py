"""Flow model: speech tokens and a speaker -> mel.

Tokens -> encoder -> length regulator -> conditional flow matching, which is also given the prompt's
mel and its speaker. Source: CosyVoice paper (arXiv 2407.05407), section 2.3; parameter names follow
the released flow.pt.
"""

import random
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cosyvoice.flow.length_regulator import OVERLAP_TOKENS, length_mask, mel_frames
from cosyvoice.transformer.past import Past


class MaskedDiffWithXvec(nn.Module):
    """The flow of the 300M family.

    mel_overlap_frames: frames that two chunks of a stream share, kept in the flow cache.

    There are 68 of them at 25 Hz and 34 at 50 Hz.
    """

    causal = False

    def __init__(
        self,
        input_size: int = 512,
        output_size: int = 80,
        spk_embed_dim: int = 192,
        output_type: str = "mel",
        vocab_size: int = 4096,
        input_frame_rate: int = 50,
        only_mask_loss: bool = True,
        encoder: nn.Module = None,
        length_regulator: nn.Module = None,
        decoder: nn.Module = None,
    ):
        super().__init__()
        require_mel(type(self).__name__, output_type, only_mask_loss)
        self.input_frame_rate = input_frame_rate
        self.mel_overlap_frames = mel_frames(OVERLAP_TOKENS, input_frame_rate)
        self.input_embedding = nn.Embedding(vocab_size, input_size)
        self.spk_embed_affine_layer = nn.Linear(spk_embed_dim, output_size)
        self.encoder = encoder
        self.encoder_proj = nn.Linear(encoder.output_size(), output_size)
        self.length_regulator = length_regulator
        self.decoder = decoder

    def forward(self, batch: dict, device: torch.device) -> dict[str, Tensor]:
        """Training loss of a padded batch.

        batch: speech_token (B, L), speech_feat (B, T, 80), each with its _len; embedding (B, 192).
        Half of the rows get up to 30 % of their own mel as a prompt, drawn by Python's `random`.
        """
        mel = batch["speech_feat"].to(device)
        mask, mu, speakers, prompts = self.conditions(batch, device)
        return {"loss": self.decoder.compute_loss(mel.transpose(1, 2), mask, mu, speakers, prompts)}

    def conditions(
        self, batch: dict, device: torch.device
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The estimator's inputs for a padded batch.

        mask (B, 1, T), regulated mel (B, 80, T), speakers (B, 80), prompts (B, 80, T).
        """
        token, token_len = batch["speech_token"].to(device), batch["speech_token_len"].to(device)
        mel, mel_len = batch["speech_feat"].to(device), batch["speech_feat_len"].to(device)
        present = length_mask(token_len, token.shape[1])[..., None]
        h = self.encode(self.input_embedding(token.clamp(min=0)) * present, token_len)
        h, _ = self.length_regulator(h, mel_len)
        mask = length_mask(mel_len, mel.shape[1])[:, None].to(mel)
        return (
            mask,
            h.transpose(1, 2),
            self.speaker(batch["embedding"].to(device)),
            random_prompts(mel, mel_len).transpose(1, 2),
        )

    @torch.inference_mode()
    def inference(
        self,
        token: Tensor,
        token_len: Tensor,
        prompt_token: Tensor,
        prompt_token_len: Tensor,
        prompt_feat: Tensor,
        prompt_feat_len: Tensor,
        embedding: Tensor,
        flow_cache: Tensor,
        generator: torch.Generator | None = None,
        check=None,
    ) -> tuple[Tensor, Tensor]:
        """Tokens (1, L) -> mel (1, 80, mel_frames(L)) and the cache for the next chunk.

        prompt_token (1, P) and its mel prompt_feat (1, M, 80) come before; embedding (1, 192).
        flow_cache: (1, 80, 0, 2) for a whole utterance or the first chunk of a stream, then the
        cache that the previous chunk returned. check: called before every Euler step; it may raise
        to stop the work. The inputs are not changed. Thread-safe.
        """
        assert token.shape[0] == 1, "one utterance at a time"
        prompt_len, frames = prompt_feat.shape[1], mel_frames(token.shape[1], self.input_frame_rate)
        tokens = torch.cat([prompt_token, token], 1).clamp(min=0)
        h = self.encode(self.input_embedding(tokens), prompt_token_len + token_len)
        prompt_h, h = h.split([prompt_token.shape[1], token.shape[1]], 1)
        mu, _ = self.length_regulator.inference(
            prompt_h, h, prompt_len, frames, self.input_frame_rate
        )
        mu = mu.float()  # the sum of the steps is in float32 in every precision
        cond = F.pad(prompt_feat.to(mu), (0, 0, 0, frames))  # (1, M + frames, 80)
        mel, flow_cache = self.decoder(
            mu.transpose(1, 2),
            self.speaker(embedding),
            cond.transpose(1, 2),
            prompt_len,
            self.mel_overlap_frames,
            flow_cache.to(mu),
            generator,
            check,
        )
        return mel[:, :, prompt_len:], flow_cache

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.encoder_proj(self.encoder(x, lengths)[0])

    def speaker(self, embedding: Tensor) -> Tensor:
        return self.spk_embed_affine_layer(F.normalize(embedding, dim=1))


@dataclass
class FlowStream:
    """What one stream carries from hop to hop; made for it and dropped with it."""

    embedding: Tensor  # (1, 192)
    prompt_feat: Tensor  # (1, M, 80)
    encoder: Past
    steps: list[Past]

    @property
    def frames(self) -> int:
        """Finished frames, those of the prompt among them."""
        return self.steps[0].frames


class CausalFlow(nn.Module):
    """The common part of the flows of CosyVoice2 and 3, whose frames never change once finished.

    A token has token_mel_ratio frames, and the network looks pre_lookahead_len tokens ahead.
    """

    causal = True

    def __init__(
        self,
        input_size: int = 512,
        output_size: int = 80,
        spk_embed_dim: int = 192,
        output_type: str = "mel",
        vocab_size: int = 4096,
        input_frame_rate: int = 50,
        only_mask_loss: bool = True,
        token_mel_ratio: int = 2,
        pre_lookahead_len: int = 3,
        decoder: nn.Module = None,
    ):
        super().__init__()
        require_mel(type(self).__name__, output_type, only_mask_loss)
        self.input_frame_rate = input_frame_rate
        self.token_mel_ratio, self.pre_lookahead_len = token_mel_ratio, pre_lookahead_len
        self.input_embedding = nn.Embedding(vocab_size, input_size)
        self.spk_embed_affine_layer = nn.Linear(spk_embed_dim, output_size)
        self.decoder = decoder

    def encode(
        self, x: Tensor, lengths: Tensor, context: Tensor | None, streaming: bool, past: Any
    ) -> Tensor:
        """Embedded tokens (B, L, D) -> mel of the tokens (B, L token_mel_ratio, 80).

        context (B, pre_lookahead_len, D): the tokens after x, None at the end of speech.
        """
        raise NotImplementedError

    def new_encoder_past(self) -> Past:
        raise NotImplementedError

    @property
    def block_tokens(self) -> int:
        """Tokens of a block of a stream; hops end where blocks end."""
        return self.decoder.estimator.static_chunk_size // self.token_mel_ratio

    def forward(self, batch: dict, device: torch.device) -> dict[str, Tensor]:
        """Training loss of a padded batch, of whole utterances or as in a stream, half and half.

        batch: as of MaskedDiffWithXvec, with token_mel_ratio frames for each token. Draws come from
        Python's `random`: the kind of batch, then the prompts.
        """
        token, token_len = batch["speech_token"].to(device), batch["speech_token_len"].to(device)
        mel, mel_len = batch["speech_feat"].to(device), batch["speech_feat_len"].to(device)
        frames = self.token_mel_ratio * token.shape[1]
        if mel.shape[1] != frames:
            raise ValueError(
                f"speech_feat has {mel.shape[1]} frames for {token.shape[1]} tokens, not {frames}: "
                "cut both to one duration, by num_frames of compute_fbank"
            )
        streaming = random.random() < 0.5
        present = length_mask(token_len, token.shape[1])[..., None]
        x = self.input_embedding(token.clamp(min=0)) * present
        mu = self.encode(x, token_len, None, streaming, None).transpose(1, 2)
        loss = self.decoder.compute_loss(
            mel.transpose(1, 2),
            length_mask(self.token_mel_ratio * token_len, frames)[:, None].to(mel),
            mu,
            self.speaker(batch["embedding"].to(device)),
            random_prompts(mel, mel_len).transpose(1, 2),
            streaming=streaming,
        )
        return {"loss": loss}

    @torch.inference_mode()
    def inference(
        self,
        token: Tensor,
        token_len: Tensor,
        prompt_token: Tensor,
        prompt_token_len: Tensor,
        prompt_feat: Tensor,
        prompt_feat_len: Tensor,
        embedding: Tensor,
        streaming: bool = False,
        finalize: bool = True,
        check=None,
    ) -> tuple[Tensor, None]:
        """Tokens (1, L) after a prompt's -> their mel (1, 80, L token_mel_ratio), all solved anew.

        prompt_token (1, P) and its mel prompt_feat (1, M, 80) come before; embedding (1, 192).
        streaming: frames look ahead within blocks only. Without finalize the last pre_lookahead_len
        tokens are only looked at. check: called before every Euler step; it may raise. Thread-safe.
        The second value is upstream's, of its other flow.
        """
        tokens = torch.cat([prompt_token, token], 1)
        conditions = {"embedding": embedding, "prompt_feat": prompt_feat, "check": check}
        return self._solve(tokens, finalize, streaming=streaming, **conditions), None

    def new_stream(
        self, prompt_feat: Tensor, embedding: Tensor, memory: int | None = None
    ) -> FlowStream:
        """The state of a stream.

        memory: in bytes, for the finished frames that later ones see; None for no limit. Frames see
        all before them until it is full, then the prompt and as many of the last as it holds.
        """
        pinned, recent = prompt_feat.shape[1], None
        if memory is not None:
            frames = memory // self.decoder.kept_bytes()
            pinned = min(pinned, frames // 2)
            recent = max(frames - pinned, self.decoder.estimator.static_chunk_size)
        steps = self.decoder.new_steps(pinned, recent)
        return FlowStream(embedding, prompt_feat, self.new_encoder_past(), steps)

    @torch.inference_mode()
    def continue_stream(
        self, stream: FlowStream, tokens: Tensor, finalize: bool, check=None
    ) -> Tensor:
        """The next tokens (1, L) of a stream, first the prompt's -> their mel, (1, 80, T).

        The frames of the prompt are left out. Without finalize the last pre_lookahead_len tokens
        are only looked at, and come again; the others end a block.
        """
        return self._solve(
            tokens,
            finalize,
            streaming=True,
            embedding=stream.embedding,
            prompt_feat=stream.prompt_feat,
            check=check,
            stream=stream,
        )

    def fold_times(self) -> None:
        """Let the estimator keep only what the fixed times need; once, after loading."""
        self.decoder.fold_times()

    def _solve(
        self,
        tokens: Tensor,
        finalize: bool,
        streaming: bool,
        embedding: Tensor,
        prompt_feat: Tensor,
        check,
        stream: FlowStream | None = None,
    ) -> Tensor:
        assert tokens.shape[0] == 1, "one utterance at a time"
        x, context = self.input_embedding(tokens.clamp(min=0)), None
        if not finalize:
            x, context = x[:, : -self.pre_lookahead_len], x[:, -self.pre_lookahead_len :]
        lengths = torch.tensor([x.shape[1]], device=x.device)
        mu = self.encode(x, lengths, context, streaming, stream and stream.encoder).float()
        start, frames = stream.frames if stream else 0, mu.shape[1]
        block = self.token_mel_ratio * self.block_tokens
        assert stream is None or finalize or (start + frames) % block == 0, "a hop ends a block"
        prompt = prompt_feat[:, start : start + frames].to(mu)
        cond = F.pad(prompt, (0, 0, 0, frames - prompt.shape[1]))
        mel = self.decoder(
            mu.transpose(1, 2),
            self.speaker(embedding),
            cond.transpose(1, 2),
            streaming,
            check,
            stream and stream.steps,
        )
        return mel[:, :, prompt.shape[1] :]

    def speaker(self, embedding: Tensor) -> Tensor:
        return self.spk_embed_affine_layer(F.normalize(embedding, dim=1))


class CausalMaskedDiffWithXvec(CausalFlow):
    """The flow of CosyVoice2."""

    def __init__(self, *args, encoder: nn.Module = None, output_size: int = 80, **options):
        super().__init__(*args, output_size=output_size, **options)
        self.encoder = encoder
        self.encoder_proj = nn.Linear(encoder.output_size(), output_size)

    def encode(self, x, lengths, context, streaming, past):
        return self.encoder_proj(self.encoder(x, lengths, context, streaming, past)[0])

    def new_encoder_past(self):
        return self.encoder.new_past()


class CausalMaskedDiffWithDiT(CausalFlow):
    """The flow of CosyVoice3."""

    def __init__(self, *args, pre_lookahead_layer: nn.Module = None, **options):
        super().__init__(*args, **options)
        self.pre_lookahead_layer = pre_lookahead_layer

    def encode(self, x, lengths, context, streaming, past):
        h = self.pre_lookahead_layer(x, context, past)
        return h.repeat_interleave(self.token_mel_ratio, 1)

    def new_encoder_past(self):
        return Past()


def require_mel(name: str, output_type: str, only_mask_loss: bool):
    if output_type != "mel" or not only_mask_loss:
        raise ValueError(
            f"{name} supports output_type 'mel' with only_mask_loss True, "
            f"got {output_type!r} and {only_mask_loss}"
        )


def random_prompts(mel: Tensor, mel_len: Tensor) -> Tensor:
    """(B, T, 80): the first frames of half of the rows, zeros elsewhere."""
    prompts = torch.zeros_like(mel)
    for row, frames in enumerate(mel_len.tolist()):
        if random.random() >= 0.5:
            prompt_frames = random.randint(0, int(0.3 * frames))
            prompts[row, :prompt_frames] = mel[row, :prompt_frames]
    return prompts
