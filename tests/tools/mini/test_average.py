"""Weights between those of two files: the given share, one network only, same keys and shapes."""

import pytest
import torch
from torch import nn

from tools.mini.training.average import average

pytestmark = pytest.mark.laboratory


def weights(seed, width=3):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width)).state_dict()


def test_the_share_is_the_way_from_the_first_to_the_second():
    begun, trained = weights(0), weights(1)
    assert all(average(begun, trained, 0.0)[name].equal(weight) for name, weight in begun.items())
    assert all(average(begun, trained, 1.0)[name].equal(weight) for name, weight in trained.items())
    middle = average(begun, trained, 0.5)
    torch.testing.assert_close(middle["0.weight"], (begun["0.weight"] + trained["0.weight"]) / 2)
    nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).load_state_dict(middle, strict=True)


def test_half_precision_becomes_single_and_counts_stay_as_they_were_trained():
    begun, trained = weights(0), weights(1)
    trained["1.num_batches_tracked"] += 7
    halves = {
        name: weight.half() if weight.is_floating_point() else weight
        for name, weight in begun.items()
    }
    mean = average(halves, trained, 0.5)
    assert mean["0.weight"].dtype == torch.float32 and mean["1.num_batches_tracked"] == 7


def test_other_networks_are_refused_by_name():
    with pytest.raises(ValueError, match="0.weight"):
        average(weights(0), weights(1, width=4), 0.5)
    with pytest.raises(ValueError, match="extra"):
        average(weights(0), weights(1) | {"extra": torch.zeros(2)}, 0.5)
