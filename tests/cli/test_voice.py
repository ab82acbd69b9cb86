import io
import os
import pickle
import random
import zipfile

import pytest
import torch

from cosyvoice.cli.voice import MAX_FILE_BYTES, check_voice, load_voice, save_voice
from cosyvoice.utils.errors import VoiceError

FAMILY = "CosyVoice-300M-25Hz"


@pytest.fixture
def voice():
    ids = torch.arange(50, dtype=torch.int32)[None]

    def length(n):
        return torch.tensor([n], dtype=torch.int32)

    return {
        "prompt_text": ids[:, :5],
        "prompt_text_len": length(5),
        "llm_prompt_speech_token": ids,
        "llm_prompt_speech_token_len": length(50),
        "flow_prompt_speech_token": ids,
        "flow_prompt_speech_token_len": length(50),
        "prompt_speech_feat": torch.randn(1, 172, 80),
        "prompt_speech_feat_len": length(172),
        "llm_embedding": torch.randn(1, 192),
        "flow_embedding": torch.randn(1, 192),
        "meta": {
            "family": FAMILY,
            "fingerprint": "0" * 16,
            "created": "2026-01-01",
            "consent": "yes",
            "language": "zh",
        },
    }


def saved(value, path):
    torch.save(value, path)
    return path


def test_a_voice_survives_its_file(voice, tmp_path):
    save_voice(voice, tmp_path / "v.pt")
    loaded = load_voice(tmp_path / "v.pt", FAMILY)
    assert loaded.keys() == voice.keys() and loaded["meta"] == voice["meta"]
    assert all(torch.equal(loaded[name], voice[name]) for name in voice if name != "meta")
    assert os.listdir(tmp_path) == ["v.pt"]


def test_a_voice_of_the_original_counts_as_25_hz_and_loses_its_text(voice, tmp_path):
    del voice["meta"]
    voice.update(text=torch.ones(1, 9, dtype=torch.int32), text_len=torch.tensor([9]))
    loaded = load_voice(saved(voice, tmp_path / "v.pt"), FAMILY)
    assert "text" not in loaded and "text_len" not in loaded and loaded["meta"]["family"] == FAMILY
    with pytest.raises(VoiceError, match="clone it again"):
        load_voice(tmp_path / "v.pt", "CosyVoice-300M")


def test_a_failed_save_leaves_what_was_there(voice, tmp_path):
    save_voice(voice, tmp_path / "v.pt")
    before = (tmp_path / "v.pt").read_bytes()
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save_voice({"unsavable": lambda: 0}, tmp_path / "v.pt")
    assert os.listdir(tmp_path) == ["v.pt"] and (tmp_path / "v.pt").read_bytes() == before


class Evil:
    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_a_malicious_pickle_does_not_run(voice, tmp_path):
    voice["x"] = Evil()
    Evil.folder = str(tmp_path / "owned")
    with pytest.raises(VoiceError, match="plain tensors"):
        load_voice(saved(voice, tmp_path / "v.pt"), FAMILY)
    assert not (tmp_path / "owned").exists()


def rezip(path, compression=zipfile.ZIP_STORED, extra=()):
    source = zipfile.ZipFile(path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        for name in extra:
            target.writestr(name, b"")
    path.write_bytes(buffer.getvalue())


def test_archives_that_grow_or_swarm_are_refused(voice, tmp_path):
    path = saved(voice, tmp_path / "v.pt")
    rezip(path)
    load_voice(path, FAMILY)
    rezip(path, extra=[f"archive/{i}" for i in range(300)])
    with pytest.raises(VoiceError, match="too many"):
        load_voice(path, FAMILY)
    rezip(saved(torch.zeros(10**8, dtype=torch.int8), path), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < MAX_FILE_BYTES
    with pytest.raises(VoiceError, match="compressed"):
        load_voice(path, FAMILY)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"\x80\x02}q\x00.",
        random.Random(0).randbytes(100),
        b"\0" * (MAX_FILE_BYTES + 1),
    ],
)
def test_what_is_no_voice_file_is_refused(data, tmp_path):
    (tmp_path / "v.pt").write_bytes(data)
    with pytest.raises(VoiceError):
        load_voice(tmp_path / "v.pt", FAMILY)


def test_a_truncated_file_is_refused(voice, tmp_path):
    data = saved(voice, tmp_path / "v.pt").read_bytes()
    for size in (100, len(data) // 2, len(data) - 1):
        (tmp_path / "v.pt").write_bytes(data[:size])
        with pytest.raises(VoiceError):
            load_voice(tmp_path / "v.pt", FAMILY)


BAD = {
    "lacks the tensors flow_embedding": lambda v: v.pop("flow_embedding"),
    "lacks the tensors prompt_text": lambda v: v.update(prompt_text=[1, 2]),
    "prompt_text is torch.float32": lambda v: v.update(prompt_text=torch.ones(1, 3)),
    "llm_prompt_speech_token has ids that are not from 0": lambda v: v.update(
        llm_prompt_speech_token=-torch.ones(1, 3, dtype=torch.int32)
    ),
    "ids that are not from 0 to 131071": lambda v: v.update(
        llm_prompt_speech_token=torch.full((1, 3), 2**30, dtype=torch.int32)
    ),
    "has 10000 ids, more than 1600": lambda v: v.update(
        flow_prompt_speech_token=torch.zeros(1, 10**4, dtype=torch.int32)
    ),
    "has 1000000000 ids": lambda v: v.update(
        flow_prompt_speech_token=torch.zeros(1, 1, dtype=torch.int32).expand(1, 10**9)
    ),
    r"llm_embedding is .* of shape \(2, 192\)": lambda v: v.update(
        llm_embedding=torch.ones(2, 192)
    ),
    "flow_embedding has values that are not finite or beyond 1000": lambda v: v.update(
        flow_embedding=torch.full((1, 192), torch.nan)
    ),
    "prompt_speech_feat has values that are not finite": lambda v: v.update(
        prompt_speech_feat=torch.full((1, 9, 80), torch.inf)
    ),
    "prompt_speech_feat has 0 frames for 50 tokens": lambda v: v.update(
        prompt_speech_feat=torch.zeros(1, 0, 80)
    ),
    "prompt_speech_feat has 2701 frames": lambda v: v.update(
        prompt_speech_feat=torch.zeros(1, 2701, 80)
    ),
    r"shape \(1, 9, 79\)": lambda v: v.update(prompt_speech_feat=torch.zeros(1, 9, 79)),
    "llm_embedding is torch.float32": lambda v: v.update(
        llm_embedding=torch.ones(1, 192).to_sparse()
    ),
    "llm_embedding is torch.complex64": lambda v: v.update(
        llm_embedding=torch.ones(1, 192, dtype=torch.complex64)
    ),
    "not short texts": lambda v: v.update(meta="x"),
    "meta data are not short texts": lambda v: v.update(meta={"family": FAMILY, "consent": 5}),
    "made with 'CosyVoice-300M'": lambda v: v["meta"].update(family="CosyVoice-300M"),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_faulty_voice_is_refused_and_its_fault_named(voice, reason):
    BAD[reason](voice)
    with pytest.raises(VoiceError, match=reason):
        check_voice(voice, FAMILY)


@pytest.mark.parametrize("value", [None, [], torch.ones(1), "x"])
def test_what_is_no_dict_is_refused(value):
    with pytest.raises(VoiceError):
        check_voice(value, FAMILY)
