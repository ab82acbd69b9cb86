"""Training on one's own recordings, from a folder to a model that speaks, for each family."""

import errno
import json
import os
import shutil
import signal
from argparse import Namespace

import pytest
import torch

from cosyvoice.cli import train as command
from cosyvoice.cli.cosyvoice import AutoModel
from cosyvoice.cli.model_list import EMBEDDED, PRETRAINED
from cosyvoice.training import checkpoint, own_voice
from cosyvoice.training.own_voice import VoiceTrainer
from cosyvoice.training.prepare import SHARD, split
from cosyvoice.training.recordings import Checked
from cosyvoice.utils.errors import InputError
from tests.support.recordings import write_recordings
from tests.support.tiny_model import build
from tests.support.tiny_model_qwen import build as build_qwen


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_recordings(tmp_path_factory.mktemp("sound") / "me", seconds=2.6)


@pytest.fixture
def arguments(recordings, tmp_path, monkeypatch):
    """A function that gives the arguments of one command for a model directory."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)

    def make(model, **changes):
        options = dict.fromkeys(("speaker", "only", "lr", "work", "out"))
        options |= {"recordings": recordings, "model": str(model), "check": False}
        options |= {"out": tmp_path / "out" / "me", "epochs": 1, "device": "cpu"}
        return Namespace(**{**options, **changes})

    return make


def families(tmp_path):
    return {
        "300M": lambda: build(tmp_path / "CosyVoice-300M", 50),
        "25Hz": lambda: build(tmp_path / "CosyVoice-300M-25Hz", 25),
        "2": lambda: build_qwen(tmp_path / "CosyVoice2-0.5B", 2),
        "3": lambda: build_qwen(tmp_path / "Fun-CosyVoice3-0.5B", 3),
        "mini": lambda: PRETRAINED / EMBEDDED.name,
    }


@pytest.mark.parametrize("family", ["300M", "25Hz", "2", "3"])
def test_every_family_learns_and_speaks_with_the_new_voice(family, arguments, tmp_path):
    source = families(tmp_path)[family]()
    before = {path.name: path.read_bytes() for path in source.iterdir() if path.is_file()}
    given = arguments(source)
    command.train(given)
    model = AutoModel(given.out, precision="float32")
    assert "me" in model.list_available_spks()
    sound = next(model.inference_sft("你好。", "me", seed=1))["tts_speech"]
    assert sound.shape[1] > 1000 and sound.isfinite().all()
    for network in ("llm", "flow"):
        old, new = (torch.load(folder / f"{network}.pt") for folder in (source, given.out))
        assert old.keys() == new.keys()
        history = json.loads((given.out / "training.json").read_text("utf-8"))
        losses = history["validation_loss"][network]
        changed = any(not torch.equal(old[name], new[name]) for name in old)
        assert changed == (losses["best"] < losses["first"])
    assert before == {path.name: path.read_bytes() for path in source.iterdir() if path.is_file()}
