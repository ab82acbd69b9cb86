"""The names of a model's speakers, read without torch and without running what a file holds."""

import pickle

import pytest
import torch

from cosyvoice.cli.speaker_names import speaker_names
from cosyvoice.cli.speakers import SpeakerFile

SPEAKERS = {
    "中文女": {"embedding": torch.ones(1, 192)},
    "en_half": {"embedding": torch.ones(1, 192).half(), "more": [1.5, "x", None]},
}


@pytest.mark.parametrize("zipped", [True, False])
def test_the_names_are_those_that_torch_reads(tmp_path, zipped):
    path = tmp_path / "spk2info.pt"
    torch.save(SPEAKERS, path, _use_new_zipfile_serialization=zipped)
    assert speaker_names(path) == list(SpeakerFile(path).read()) == list(SPEAKERS)


def test_a_model_without_the_file_has_no_speakers(tmp_path):
    assert speaker_names(tmp_path / "spk2info.pt") == []


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_in_the_file_is_run(tmp_path):
    path, trap = tmp_path / "spk2info.pt", tmp_path / "trap"
    torch.save({"a": Harmful(trap)}, path)
    assert speaker_names(path) == ["a"] and not trap.exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut", b"no pickle", pickle.dumps(["a"])])
def test_a_damaged_file_is_named(tmp_path, data):
    (path := tmp_path / "spk2info.pt").write_bytes(data)
    with pytest.raises(RuntimeError, match="spk2info.pt is damaged: download"):
        speaker_names(path)
