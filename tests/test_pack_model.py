"""Packing the small model: weights as float16, presets as unit-free speaker vectors."""
import pytest
import torch

from tools.mini.pack_model import to_half


def test_weights_become_half_and_lose_the_training_wrapper(tmp_path):
    torch.save({"generator.conv.weight": torch.ones(2, 3), "conv.count": torch.tensor(4)}, tmp_path / "a.pt")
    to_half(tmp_path / "a.pt", tmp_path / "b.pt")
    packed = torch.load(tmp_path / "b.pt", weights_only=True)
    assert packed["conv.weight"].dtype == torch.float16 and packed["conv.count"].dtype == torch.int64


def test_a_weight_that_overflows_is_refused_by_name(tmp_path):
    torch.save({"decoder.weight": torch.tensor([1e6])}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="decoder.weight"):
        to_half(tmp_path / "a.pt", tmp_path / "b.pt")
