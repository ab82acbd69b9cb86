"""Which directory is loaded, and what is downloaded when."""

import sys
import types
from pathlib import Path

import pytest

from cosyvoice.cli import model_list
from cosyvoice.cli.model_list import MODELS, PREFERRED, choose_model


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What ModelScope was asked for; it has only `me/here` without the network."""
    calls = []

    def snapshot_download(model_id, **options):
        calls.append((model_id, options))
        if options.get("local_files_only") and model_id != "me/here":
            raise ValueError("not in the cache")
        return str(tmp_path / model_id)

    hub = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "modelscope", hub)
    return calls


def test_without_a_choice_the_first_preferred_model_that_is_there_is_loaded(monkeypatch, tmp_path):
    monkeypatch.setattr(model_list, "PRETRAINED", tmp_path)
    with pytest.raises(FileNotFoundError, match="no model in .*set COSYVOICE_MODEL"):
        choose_model("", may_download=True)
    for model in reversed(PREFERRED):
        (tmp_path / model.name).mkdir()
        (tmp_path / model.name / "cosyvoice.yaml").touch()
        assert choose_model("", may_download=False) == str(tmp_path / model.name)


def test_a_directory_is_taken_as_it_is(asked, tmp_path):
    assert choose_model(str(tmp_path), may_download=True) == str(tmp_path)
    assert asked == []


def test_an_id_is_downloaded_only_where_that_is_allowed(asked, tmp_path):
    assert choose_model("me/new", may_download=True) == str(tmp_path / "me/new")
    assert choose_model("me/here", may_download=False) == str(tmp_path / "me/here")
    with pytest.raises(FileNotFoundError, match="me/new is not downloaded; run once"):
        choose_model("me/new", may_download=False)
    assert [(name, "local_files_only" in options) for name, options in asked] == [
        ("me/new", False),
        ("me/here", True),
        ("me/new", True),
    ]


def test_an_id_may_name_a_revision(asked):
    choose_model("me/new@4f2c", may_download=True)
    choose_model("me/new", may_download=True)
    assert [(name, options["revision"]) for name, options in asked] == [
        ("me/new", "4f2c"),
        ("me/new", None),  # the hub's default
    ]


@pytest.mark.parametrize(
    "path",
    ["./a", "../a", "pretrained_models/a", "a", "a/b/c", "/a/b", "a b/c", "a@b", "a/b@", "a/b@c@d"],
)
def test_a_path_is_no_id(asked, path):
    with pytest.raises(FileNotFoundError, match="give a model directory"):
        choose_model(path, may_download=True)
    assert asked == []


def test_models_of_the_list_are_told_apart_and_have_ids_that_are_ids():
    assert len({model.name for model in MODELS}) == len(MODELS)
    ids = [model.model_id for model in MODELS if model.model_id]
    assert ids and all(model_list.MODEL_ID.fullmatch(each) for each in ids)


def test_the_embedded_model_is_as_the_list_says():
    model = model_list.EMBEDDED
    folder = Path(__file__).parents[2] / "pretrained_models" / model.name
    assert model_list.folder_of(model) == folder
    assert all((folder / name).is_file() for name in model.family.layout.needed)
    text = (folder / "cosyvoice.yaml").read_text("utf-8")
    assert f"model_family: {model.family.name}" in text
    assert f"sample_rate: {model.family.sample_rate}" in text
    assert f"input_frame_rate: {model.family.token_rate}" in text
    assert ("supports_instruct: True" in text) == model.follows_instructions
