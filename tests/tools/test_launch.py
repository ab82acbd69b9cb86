import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location(
    "launch", Path(__file__).parents[2] / "tools/launch.py"
)
launch = importlib.util.module_from_spec(spec)
spec.loader.exec_module(launch)


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """A project folder without a model, and the commands that the launcher runs there."""
    commands = []
    monkeypatch.setattr(launch, "ROOT", tmp_path)
    monkeypatch.delenv("COSYVOICE_MODEL", raising=False)
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda command, **_: commands.append(command) or subprocess.CompletedProcess(command, 0),
    )
    return commands


def test_the_official_model_is_downloaded_while_there_is_none(runs):
    launch.get_model([])
    assert runs == [[launch.PYTHON, "-m", "cosyvoice", "download", "CosyVoice-300M-25Hz"]]


def test_no_download_beside_a_model_or_when_one_is_named(runs, tmp_path, monkeypatch):
    launch.get_model(["--model_dir", "mine"])
    launch.get_model(["--model_dir=mine"])
    monkeypatch.setenv("COSYVOICE_MODEL", "mine")
    launch.get_model([])
    monkeypatch.delenv("COSYVOICE_MODEL")
    (tmp_path / "pretrained_models/any").mkdir(parents=True)
    (tmp_path / "pretrained_models/any/cosyvoice.yaml").touch()
    launch.get_model([])
    assert runs == []


def test_the_list_of_models_is_read_without_any_package():
    root = Path(__file__).parents[2]
    script = f"import sys; sys.path.append({str(root)!r}); import cosyvoice.cli.model_list"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)


def test_a_failed_download_says_what_to_do(runs, monkeypatch):
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1)
    )
    with pytest.raises(SystemExit, match="start again to go on.*重新启动可继续下载"):
        launch.get_model([])


def test_requirements_are_installed_once_until_they_or_what_they_include_change(
    runs, tmp_path, monkeypatch
):
    monkeypatch.setattr(launch, "ENV", tmp_path)
    monkeypatch.setattr(launch, "wants_cpu_torch", lambda: False)
    (tmp_path / "requirements.txt").write_text("a\n")
    (tmp_path / "requirements-test.txt").write_text("-r requirements.txt\nb\n")
    launch.install("requirements-test.txt")
    launch.install("requirements-test.txt")
    assert len(runs) == 1
    (tmp_path / "requirements.txt").write_text("a\nc\n")
    launch.install("requirements-test.txt")
    assert len(runs) == 2


def test_a_failed_installation_is_tried_again(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "ENV", tmp_path)
    monkeypatch.setattr(launch, "wants_cpu_torch", lambda: False)
    (tmp_path / "requirements.txt").write_text("a\n")
    with monkeypatch.context() as m, pytest.raises(SystemExit, match="PIP_INDEX_URL"):
        m.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1))
        launch.install("requirements.txt")
    launch.install("requirements.txt")
    assert len(runs) == 1
