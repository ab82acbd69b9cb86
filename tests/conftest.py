"""What all tests share: one thread, and one tiny engine built for the run."""

import importlib
import os
import sys
from pathlib import Path

import pytest
import torch

from tests.support import tiny_networks
from tests.support.fake_engine import FakeEngine, install_fake_engine
from tests.support.tiny_model import build
from tests.support.tiny_model_qwen import build as build_qwen
from tests.support.whisper import Whisper

# librosa keeps what numba compiles in a folder. Processes that fill it at the same time, as in a
# fresh environment, crash, so each has its own. numba reads the name when it is imported.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache/numba" / WORKER)

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory):
    """A model directory of random weights; copy it before changing it."""
    return build(tmp_path_factory.mktemp("models") / "CosyVoice-300M-25Hz")


@pytest.fixture(scope="session")
def engine(model_dir):
    from cosyvoice.cli.cosyvoice import CosyVoice

    return CosyVoice(str(model_dir))


@pytest.fixture(scope="session", params=[2, 3])
def qwen_engine(request, tmp_path_factory):
    """CosyVoice2 and Fun-CosyVoice3, of random weights."""
    from cosyvoice.cli.cosyvoice import AutoModel

    name = {2: "CosyVoice2-0.5B", 3: "Fun-CosyVoice3-0.5B-2512"}[request.param]
    return AutoModel(build_qwen(tmp_path_factory.mktemp("models") / name, request.param))


@pytest.fixture(scope="session")
def reference_wav():
    """2.5 s of a tone with falling pitch at 16 kHz, (1, 40000)."""
    seconds = torch.arange(40000) / 16000
    return 0.3 * torch.sin(2 * torch.pi * (220 - 20 * seconds) * seconds)[None]


@pytest.fixture
def service(tmp_path, monkeypatch):
    """A function that loads all_api.py afresh and returns it.

    The module gets folders of its own, the given environment variables and the fake engine, unless
    `fake` is false.
    """
    loaded = []

    def load(fake=True, **environment):
        settings = {
            "COSYVOICE_MODEL": str(tmp_path),
            "OUTPUT_DIR": str(tmp_path / "output"),
            "STORE_DIR": str(tmp_path / "store"),
            "REFERENCE_DIR": str(tmp_path / "reference"),
            **environment,
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))
        for name in ("output", "reference"):
            (tmp_path / name).mkdir(exist_ok=True)
        if fake:
            install_fake_engine(lambda name, module: monkeypatch.setitem(sys.modules, name, module))
        for name in ("all_api", "cosyvoice.serve.speaking.engines"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        FakeEngine.calls, FakeEngine.peak, FakeEngine.ended_early = [], 0, 0
        loaded.append(module := importlib.import_module("all_api"))
        return module

    yield load
    for module in loaded:
        module.book_worker.stop()
        module.opener.streams.close()
        module.work_folders.close()


@pytest.fixture
def whisper(monkeypatch, tmp_path):
    """faster_whisper is installed, and `small` is on this computer."""
    from cosyvoice.cli.verify import whisper_reader

    whisper_reader.cache_clear()
    (tmp_path / "small").mkdir()
    heard = Whisper()
    monkeypatch.setitem(sys.modules, "faster_whisper", heard.package(tmp_path / "small"))
    yield heard
    whisper_reader.cache_clear()


@pytest.fixture
def hift():
    return tiny_networks.make_hift()


@pytest.fixture
def gan():
    """The vocoder and its discriminators, ready to train on `batch`."""
    return tiny_networks.make_gan()


@pytest.fixture
def batch():
    return tiny_networks.vocoder_batch()
