"""What travels between the service and a replica."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch

from cosyvoice.serve.cluster.wire import pack, pack_error, unpack, unpack_error
from cosyvoice.utils import errors
from tests.support.fake_engine import make_voice


def is_plain(value) -> bool:
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    return type(value) in (str, int, float, bool, type(None), np.ndarray)


def test_a_voice_travels_as_arrays_and_comes_back_equal():
    voice = make_voice("CosyVoice-300M-25Hz", consent="同意")
    packed = pack(voice)
    assert is_plain(packed)
    back = unpack(packed)
    assert back.keys() == voice.keys() and back["meta"] == voice["meta"]
    for name, value in voice.items():
        assert name == "meta" or back[name].dtype == value.dtype and torch.equal(back[name], value)


def test_tensors_that_come_back_can_be_changed():
    array = np.zeros((1, 3), np.float32)
    array.flags.writeable = False  # as those of Ray are
    unpack(array).add_(1)
    assert not array.any()


@pytest.mark.parametrize("value", [Path("voice.pt"), io.BytesIO(), object(), iter(["a"])])
def test_what_is_no_plain_value_does_not_travel(value):
    with pytest.raises(TypeError, match="cannot be sent to a replica"):
        pack({"prompt_wav": [value]})


@pytest.mark.parametrize("kind", errors.InputError.__subclasses__() + [errors.TextTooLong])
def test_every_error_of_ours_comes_back_as_it_was(kind):
    error = kind("wrong", "错误")
    back = unpack_error(pack_error(error))
    assert type(back) is kind and vars(back) == vars(error) and str(back) == str(error)


def test_an_error_keeps_its_further_fields():
    error = errors.PronunciationError("wrong", "错误", entry=3)
    assert is_plain(pack_error(error)) and unpack_error(pack_error(error)).entry == 3


def test_an_error_that_this_version_does_not_know_is_an_input_error():
    back = unpack_error({"kind": "Newer", "en": "wrong", "zh": "错误", "more": 1})
    assert type(back) is errors.InputError and back.zh == "错误"
