"""Saved voices: what a reference audio and its transcript give, as a file that users keep and send.

A voice is a dict of tensors, the zero-shot model input of upstream without the text to speak:
`prompt_text` (1, L) ids, `llm_prompt_speech_token` and `flow_prompt_speech_token` (1, N) ids,
`prompt_speech_feat` (1, T, 80), each with its `_len`, `llm_embedding` and `flow_embedding` (1,
192); and `meta`, a dict {family, fingerprint, created, consent, language}. A voice mixed of preset
speakers has no tokens and no mel. Voice files come from users: nothing in them is executed and no
size is believed before it is checked.
"""

import io
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from cosyvoice.cli.model_list import FAMILY_25HZ
from cosyvoice.text.language import CODES
from cosyvoice.utils.common import lengths_of
from cosyvoice.utils.errors import VoiceError
from cosyvoice.utils.files import save_whole

FAMILY_WITHOUT_META = FAMILY_25HZ.name  # what the original server saved its voices with
MAX_FILE_BYTES = 8 * 2**20
MAX_RECORDS = 200
MAX_TEXT_TOKENS = 4000
MAX_SPEECH_TOKENS, MAX_FRAMES = 1600, 2700  # 30 s of speech are 1500 at 50 Hz, and 2584
MAX_ID = 2**17  # beyond any model's vocabulary; the model checks its own
MAX_META = 2000  # characters of one value of the meta
MAX_MEL, MAX_EMBEDDING = 100.0, 1000.0  # absolute values

IDS = {
    "prompt_text": MAX_TEXT_TOKENS,
    "llm_prompt_speech_token": MAX_SPEECH_TOKENS,
    "flow_prompt_speech_token": MAX_SPEECH_TOKENS,
}
EMBEDDINGS = ("llm_embedding", "flow_embedding")
TENSORS = (*IDS, "prompt_speech_feat", *EMBEDDINGS)
META = ("family", "fingerprint", "created", "consent", "language")  # strings


def save_voice(voice: dict, path: str | Path) -> None:
    """Write a voice whole or not at all."""
    save_whole(voice, path)


def load_voice(path: str | Path, family: str) -> dict:
    """Read and validate a voice for models of one family, as float32 and int32 on the CPU.

    What originals also hold (`text`, somebody's spoken sentence) is dropped. Raises VoiceError, or
    FileNotFoundError.
    """
    return read_voice(read_voice_file(path), family)


def read_voice_file(path: str | Path) -> bytes:
    """The bytes of a voice's file; of a larger one only so many that read_voice refuses them."""
    with open(path, "rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def read_voice(data: bytes, family: str) -> dict:
    """As load_voice, of a file's bytes; of one that is too large, more than MAX_FILE_BYTES."""
    check_archive(data)
    try:
        voice = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a crafted file can make the reader fail in any way
        raise damaged_error(
            f"it is not a file of plain tensors ({type(error).__name__})"
        ) from error
    return check_voice(voice, family)


def check_archive(data: bytes) -> None:
    """Refuse an archive that unpacks to more bytes than it has, before anything is unpacked."""
    if len(data) > MAX_FILE_BYTES:
        raise damaged_error(f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
    try:
        records = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise damaged_error("it is not an archive as torch.save writes it") from error
    stored = all(
        r.compress_type == zipfile.ZIP_STORED and r.compress_size == r.file_size for r in records
    )
    if (
        not stored
        or len(records) > MAX_RECORDS
        or sum(r.file_size for r in records) > MAX_FILE_BYTES
    ):
        raise damaged_error("its archive holds compressed, overlapping or too many records")


def check_voice(voice: dict, family: str) -> dict:
    """A copy of the voice holding only what is used, or VoiceError saying what is wrong with it."""
    if not isinstance(voice, dict):
        raise damaged_error("it holds no dict")
    missing = [name for name in TENSORS if not isinstance(voice.get(name), Tensor)]
    if missing:
        raise damaged_error(f"it lacks the tensors {', '.join(missing)}")
    meta = check_meta(voice.get("meta", {"family": FAMILY_WITHOUT_META}), family)
    ids = {name: check_ids(name, voice[name], limit) for name, limit in IDS.items()}
    mel = check_numbers("prompt_speech_feat", voice["prompt_speech_feat"], (1, None, 80), MAX_MEL)
    tokens = ids["flow_prompt_speech_token"].shape[1]
    if bool(tokens) != bool(mel.shape[1]):
        raise damaged_error(f"prompt_speech_feat has {mel.shape[1]} frames for {tokens} tokens")
    embeddings = {
        name: check_numbers(name, voice[name], (1, 192), MAX_EMBEDDING) for name in EMBEDDINGS
    }
    checked = {**ids, "prompt_speech_feat": mel}
    return {**checked, **lengths_of(checked), **embeddings, "meta": meta}


def family_of(voice: dict) -> str | None:
    """The family that a voice names; only check_voice finds out whether its tensors agree."""
    meta = voice.get("meta", {"family": FAMILY_WITHOUT_META}) if isinstance(voice, dict) else None
    family = meta.get("family") if isinstance(meta, dict) else None
    return family if isinstance(family, str) else None


def check_meta(meta, family: str) -> dict:
    if not isinstance(meta, dict) or not all(
        isinstance(meta.get(name, ""), str) and len(meta.get(name, "")) <= MAX_META for name in META
    ):
        raise damaged_error("its meta data are not short texts")
    if meta.get("family") != family:
        raise VoiceError(
            f"the voice was made with {meta.get('family')!r} and the model is {family}: "
            "clone it again with this model",
            f"该音色由 {meta.get('family')!r} 生成，与当前模型 {family} 不符，请用当前模型重新复刻",
        )
    language = meta.get("language", "")
    return {**{name: meta.get(name, "") for name in META}, "language": known(language)}


def known(language: str) -> str:
    """The code of a language that texts are read in, "" for any other and for older voices."""
    return language if language in CODES else ""


def check_ids(name: str, ids: Tensor, limit: int) -> Tensor:
    check_tensor(name, ids, (1, None), (torch.int32, torch.int64))
    if ids.shape[1] > limit:
        raise damaged_error(f"{name} has {ids.shape[1]} ids, more than {limit}")
    if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < MAX_ID:
        raise damaged_error(f"{name} has ids that are not from 0 to {MAX_ID - 1}")
    return ids.to(torch.int32)


def check_numbers(name: str, values: Tensor, shape: tuple, limit: float) -> Tensor:
    check_tensor(name, values, shape, (torch.float32, torch.float16, torch.bfloat16, torch.float64))
    if values.shape[1] > MAX_FRAMES:
        raise damaged_error(f"{name} has {values.shape[1]} frames, more than {MAX_FRAMES}")
    if not bool((values.float().abs() <= limit).all()):  # false for NaN
        raise damaged_error(f"{name} has values that are not finite or beyond {limit:g}")
    return values.to(torch.float32)


def check_tensor(name: str, tensor: Tensor, shape: tuple, dtypes: tuple) -> None:
    """Refuse other shapes (None: any length) and dtypes, and sparse or quantised tensors."""
    fits = tensor.dim() == len(shape) and all(
        want in (None, got) for want, got in zip(shape, tensor.shape)
    )
    if not fits or tensor.dtype not in dtypes or tensor.layout != torch.strided:
        raise damaged_error(
            f"{name} is {tensor.dtype} of shape {tuple(tensor.shape)}, "
            f"expected {dtypes[0]} of shape {shape}"
        )


def damaged_error(reason: str) -> VoiceError:
    return VoiceError(
        f"the voice cannot be used: {reason}; clone it again",
        "音色文件无法使用：内容损坏或不完整，请重新复刻",
    )
