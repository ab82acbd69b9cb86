"""Flow model: speech tokens and a speaker -> mel.

Tokens -> encoder -> length regulator -> conditional flow matching, which is also given the prompt's
mel and its speaker. Source: CosyVoice paper (arXiv 2407.05407), section 2.3; parameter names follow
the released flow.pt.
"""

import random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cosyvoice.flow.length_regulator import OVERLAP_TOKENS, length_mask, mel_frames


class MaskedDiffWithXvec(nn.Module):
    """mel_overlap_frames: frames that two chunks of a stream share, kept in the flow cache.

    There are 68 of them at 25 Hz and 34 at 50 Hz.
    """

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
        if output_type != "mel" or not only_mask_loss:
            raise ValueError(
                "MaskedDiffWithXvec supports output_type 'mel' with only_mask_loss True, "
                f"got {output_type!r} and {only_mask_loss}"
            )
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


def random_prompts(mel: Tensor, mel_len: Tensor) -> Tensor:
    """(B, T, 80): the first frames of half of the rows, zeros elsewhere."""
    prompts = torch.zeros_like(mel)
    for row, frames in enumerate(mel_len.tolist()):
        if random.random() >= 0.5:
            prompt_frames = random.randint(0, int(0.3 * frames))
            prompts[row, :prompt_frames] = mel[row, :prompt_frames]
    return prompts
