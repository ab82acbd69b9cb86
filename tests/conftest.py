"""What all tests share: one thread, and one tiny engine built for the run."""

import pytest
import torch

from tests.support.tiny_model import build

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory):
    """A model directory of random weights; copy it before changing it."""
    return build(tmp_path_factory.mktemp("models") / "CosyVoice-300M-25Hz")


@pytest.fixture(scope="session")
def engine(model_dir):
    from cosyvoice.cli.cosyvoice import CosyVoice

    return CosyVoice(str(model_dir))


@pytest.fixture(scope="session")
def reference_wav():
    """2.5 s of a tone with falling pitch at 16 kHz, (1, 40000)."""
    seconds = torch.arange(40000) / 16000
    return 0.3 * torch.sin(2 * torch.pi * (220 - 20 * seconds) * seconds)[None]
