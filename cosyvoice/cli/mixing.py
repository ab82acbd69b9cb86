"""A voice mixed of others: their speaker vectors are mixed, the prompt is the heaviest one's.

With unit vectors u, lengths n and weights w whose sum is 1, the mixture has the direction of
sum(w u) and the length sum(w n). The networks read the direction alone; the length is kept so that
a voice mixed with itself is itself. The flow hears the prompt too, so the heaviest voice has more
of the result than its weight says.
"""

from datetime import datetime, timezone

import torch
import torch.nn.functional as F
from torch import Tensor

from cosyvoice.cli.model_list import PITCHED_MINI
from cosyvoice.cli.speakers import language_of_speaker
from cosyvoice.cli.voice import EMBEDDINGS, IDS, MAX_META
from cosyvoice.utils.common import lengths_of

Parts = dict[str, tuple[dict, float]]  # name -> voice and weight; the weights sum to 1


def mix(parts: Parts, consent: str = "") -> dict:
    """The voice mixed of others of one family; its meta has the consent, or what each of them says.

    Of equal weights the first leads.
    """
    leader, _ = parts[heaviest(parts)]
    vectors = {name: mixed_vector(parts, name) for name in EMBEDDINGS}
    said = [f"{name}: {c}" for name, (each, _) in parts.items() if (c := each["meta"]["consent"])]
    meta = {
        **leader["meta"],
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "consent": consent or "; ".join(said)[:MAX_META],
    }
    return {**leader, **vectors, "meta": meta}


def heaviest(parts: Parts) -> str:
    return max(parts, key=lambda name: parts[name][1])


def mixed_vector(parts: Parts, name: str) -> Tensor:
    """(1, 192), of the vectors of that name; see the head of this module."""
    vectors = torch.cat([voice[name] for voice, _ in parts.values()])
    weights = torch.tensor([[weight] for _, weight in parts.values()])
    units = F.normalize(vectors, dim=1)
    mean = (weights * units).sum(0, keepdim=True)
    length = (weights * vectors.norm(dim=1, keepdim=True)).sum()
    if parts[heaviest(parts)][0]["meta"]["family"] == PITCHED_MINI:
        return length * with_pitch(mean, mean[:, -1:])
    return length * F.normalize(mean, dim=1)


def with_pitch(vector: Tensor, pitch: Tensor) -> Tensor:
    """The unit vector (1, 192) of a direction, with this last value, which is the model's pitch.

    The mean of unit vectors is shorter than they are: brought to their length, its pitch would be
    wrong.
    """
    timbre = F.normalize(vector[:, :-1], dim=1) * (1 - pitch**2).sqrt()
    return torch.cat([timbre, pitch], 1)


def voice_of_speaker(name: str, info: dict, meta: dict) -> dict:
    """An entry of spk2info.pt as a voice, of a preset speaker without a prompt.

    meta: of the model, {family, fingerprint}.
    """
    meta = {**meta, "created": "", "consent": "", "language": language_of_speaker(name)}
    if "embedding" not in info:
        return {**info, "meta": meta}
    ids = {key: torch.zeros(1, 0, dtype=torch.int32) for key in IDS}
    prompt = {**ids, "prompt_speech_feat": torch.zeros(1, 0, 80)}
    vectors = {key: info["embedding"] for key in EMBEDDINGS}
    return {**prompt, **lengths_of(prompt), **vectors, "meta": meta}


def has_prompt(voice: dict) -> bool:
    """Whether a voice holds sound of a recording beside its speaker vector."""
    return bool(voice["prompt_speech_feat"].shape[1])
