"""Packing the small model: weights as int8 or float16, read back by the engine's loader."""

import pytest
import torch

from cosyvoice.utils.files import read_weights
from tools.mini.training.pack_model import shrink

pytestmark = pytest.mark.laboratory


def test_the_loader_reads_packed_weights_back(tmp_path):
    generator = torch.Generator().manual_seed(0)
    weights = {
        "generator.conv.weight": torch.randn(64, 16, 5, generator=generator),
        "norm.bias": torch.ones(7) / 3,
        "count": torch.tensor(4),
    }
    torch.save(weights, tmp_path / "a.pt")
    shrink(tmp_path / "a.pt", tmp_path / "b.pt", int8=True)
    packed, found = (
        torch.load(tmp_path / "b.pt", weights_only=True),
        read_weights(tmp_path / "b.pt"),
    )
    assert packed["conv.weight"].dtype == torch.int8 and packed["norm.bias"].dtype == torch.float16
    assert (
        set(found) == {"conv.weight", "norm.bias", "count"} and found["count"].dtype == torch.int64
    )
    step = weights["generator.conv.weight"].flatten(1).abs().amax(1) / 127
    assert (
        (found["conv.weight"] - weights["generator.conv.weight"]).flatten(1).abs().amax(1)
        <= step * 0.51
    ).all()


def test_a_weight_that_overflows_is_refused_by_name(tmp_path):
    torch.save({"decoder.weight": torch.tensor([1e6])}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="decoder.weight"):
        shrink(tmp_path / "a.pt", tmp_path / "b.pt", int8=False)


def test_packed_weights_packed_again_in_their_place_stay_as_they_are(tmp_path):
    generator = torch.Generator().manual_seed(0)
    torch.save(
        {
            "conv.weight": torch.randn(64, 16, 5, generator=generator),
            "norm.bias": torch.ones(7) / 3,
        },
        tmp_path / "a.pt",
    )
    shrink(tmp_path / "a.pt", tmp_path / "a.pt", int8=True)
    once = {name: value.clone() for name, value in read_weights(tmp_path / "a.pt").items()}
    shrink(tmp_path / "a.pt", tmp_path / "a.pt", int8=True)
    torch.testing.assert_close(read_weights(tmp_path / "a.pt"), once, rtol=1e-6, atol=0)
