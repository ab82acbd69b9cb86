"""Qwen2 at tiny width: a CosyVoice-BlankEN folder, and the language models over it."""

import json
from pathlib import Path

import torch

from cosyvoice.llm.llm import CosyVoice3LM, Qwen2Encoder, Qwen2LM

CONFIG = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "vocab_size": 400,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "hidden_act": "silu",
    "use_sliding_window": False,
}
SPEECH_TOKENS = 20
MODELS = {"v2": Qwen2LM, "v3": CosyVoice3LM}


def write_config(folder: Path, **changes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    return folder


def byte_characters() -> list[str]:
    """The characters by which a byte-level vocabulary writes the 256 bytes, in Qwen2's order."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return [chr(byte) for byte in seen] + [chr(256 + i) for i in range(len(hidden))]


def write_vocabulary(folder: Path, merges: tuple[str, ...] = ("h e", "l l", "he ll")) -> Path:
    """vocab.json: all bytes, and a few pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = byte_characters() + [pair.replace(" ", "") for pair in merges]
    vocabulary = {token: id_ for id_, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]), encoding="utf-8")
    return folder


def make_lm(folder: Path, version: str, **options) -> Qwen2LM:
    torch.manual_seed(0)
    encoder = Qwen2Encoder(str(write_config(folder)))
    return MODELS[version](
        llm_input_size=16,
        llm_output_size=16,
        speech_token_size=SPEECH_TOKENS,
        llm=encoder,
        **options,
    ).eval()
