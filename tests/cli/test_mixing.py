"""Voices mixed of others."""

import pytest
import torch
import torch.nn.functional as F

from cosyvoice.cli.mixing import has_prompt, mix, voice_of_speaker
from cosyvoice.cli.model_list import EMBEDDED, PITCHED_MINI, PRETRAINED
from cosyvoice.cli.voice import check_voice
from tests.support.fake_engine import make_voice

FAMILY = "CosyVoice-300M-25Hz"
EMBEDDED_FOLDER = PRETRAINED / EMBEDDED.name


def voice(seed: int, length=1.0, family=FAMILY, **meta) -> dict:
    made = make_voice(family, tokens=10 + seed)
    vector = torch.randn(1, 192, generator=torch.Generator().manual_seed(seed))
    vector = length * F.normalize(vector, dim=1)
    meta = {**made["meta"], **meta}
    return {**made, "llm_embedding": vector, "flow_embedding": vector, "meta": meta}


def test_a_mixture_has_the_mean_direction_and_length_and_the_heaviest_ones_prompt():
    a, b = voice(1, length=3.0), voice(2, length=5.0, language="en")
    made = mix({"a": (a, 0.25), "b": (b, 0.75)})
    vector = made["flow_embedding"]
    direction = 0.25 * F.normalize(a["flow_embedding"]) + 0.75 * F.normalize(b["flow_embedding"])
    assert float(F.cosine_similarity(vector, direction)) == pytest.approx(1)
    assert float(vector.norm()) == pytest.approx(0.25 * 3 + 0.75 * 5)
    assert made["prompt_text"] is b["prompt_text"] and made["meta"]["language"] == "en"
    assert check_voice(made, FAMILY)["meta"]["created"] > b["meta"]["created"]


def test_a_voice_mixed_with_itself_is_itself():
    one = voice(1, length=7.0)
    made = mix({"a": (one, 0.5), "b": (one, 0.5)})
    assert torch.allclose(made["flow_embedding"], one["flow_embedding"], atol=1e-5)


def test_the_pitch_of_the_small_model_is_the_mean_of_the_pitches():
    a, b = voice(1, family=PITCHED_MINI), voice(2, family=PITCHED_MINI)
    for each, pitch in ((a, 0.08), (b, 0.04)):
        each["flow_embedding"] = F.normalize(each["flow_embedding"], dim=1)
        each["flow_embedding"][0, -1] = 0
        each["flow_embedding"] = F.normalize(each["flow_embedding"], dim=1) * (1 - pitch**2) ** 0.5
        each["flow_embedding"][0, -1] = pitch
    vector = mix({"a": (a, 0.5), "b": (b, 0.5)})["flow_embedding"]
    assert float(vector.norm()) == pytest.approx(1) and float(vector[0, -1]) == pytest.approx(0.06)


def test_the_small_model_is_of_the_family_whose_vectors_have_a_pitch():
    yaml = (EMBEDDED_FOLDER / "cosyvoice.yaml").read_text("utf-8")
    assert f"model_family: {PITCHED_MINI}" in yaml


def test_consent_is_the_callers_or_that_of_the_parts():
    parts = {"a": (voice(1, consent="yes"), 0.5), "b": (voice(2, consent=""), 0.5)}
    assert mix(parts)["meta"]["consent"] == "a: yes"
    assert mix(parts, "both agreed")["meta"]["consent"] == "both agreed"
    long = {name: (voice(1, consent="x" * 1999), 0.5) for name in "ab"}
    assert check_voice(mix(long), FAMILY)


def test_a_preset_speaker_is_a_voice_without_a_prompt():
    meta = {"family": FAMILY, "fingerprint": "f"}
    made = voice_of_speaker("日语男", {"embedding": torch.ones(1, 192)}, meta)
    checked = check_voice(made, FAMILY)
    assert not has_prompt(checked) and checked["meta"]["language"] == "ja"
    assert has_prompt(voice(1))
