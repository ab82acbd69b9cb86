import importlib.util
import os
import shutil
import subprocess
import sys
import types
import venv
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location(
    "launch", Path(__file__).parents[2] / "tools/launch.py"
)
launch = importlib.util.module_from_spec(spec)
spec.loader.exec_module(launch)

LOCK = ["--require-hashes", "-r", "requirements.lock"]


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


@pytest.fixture
def locked_project(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "ENV", tmp_path)
    for name in ("requirements.txt", "requirements.lock", "requirements-torch.lock"):
        (tmp_path / name).write_text("torch==2.13.0\n")
    return tmp_path


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
        tried = []
        m.setattr(
            subprocess,
            "run",
            lambda command, **_: tried.append(command) or subprocess.CompletedProcess(command, 1),
        )
        launch.install("requirements.txt")
    assert tried[-1][1:] == ["-m", "cosyvoice", "selfcheck"]
    launch.install("requirements.txt")
    assert len(runs) == 1


@pytest.mark.parametrize(
    "cpu_torch, own_index, wanted",
    [
        (True, False, [LOCK, ["torch==2.13.0", "--index-url", launch.CPU_TORCH]]),
        (False, True, [LOCK, ["torch==2.13.0"]]),
        (False, False, [[*LOCK, "-r", "requirements-torch.lock"]]),
    ],
)
def test_a_lock_is_installed_by_digest_and_torch_from_the_index_of_the_machine(
    locked_project, runs, monkeypatch, cpu_torch, own_index, wanted
):
    monkeypatch.setattr(launch, "wants_cpu_torch", lambda: cpu_torch)
    monkeypatch.setattr(launch, "has_own_index", lambda: own_index)
    launch.install("requirements.txt", locked=True)
    options = [[getattr(part, "name", part) for part in command[6:]] for command in runs]
    assert options == wanted


def test_a_changed_lock_and_a_changed_choice_are_installed_again(locked_project, runs, monkeypatch):
    monkeypatch.setattr(launch, "wants_cpu_torch", lambda: False)
    monkeypatch.setattr(launch, "has_own_index", lambda: False)
    for locked, count in ((True, 1), (True, 1), (False, 2), (True, 3)):
        launch.install("requirements.txt", locked)
        assert len(runs) == count
    (locked_project / "requirements-torch.lock").write_text("torch==2.14.0\n")
    launch.install("requirements.txt", locked=True)
    assert len(runs) == 4


def test_an_environment_of_a_folder_that_was_moved_is_made_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(venv, "create", lambda folder, **_: shutil.copytree(made, folder))
    (made := tmp_path / "made").mkdir()
    (made / "pyvenv.cfg").write_text("home = /usr/bin\n")
    monkeypatch.setattr(launch, "runs_pip", lambda: (tmp_path / "new 文件夹/.venv").exists())
    monkeypatch.setattr(launch, "ENV", tmp_path / "old/.venv")
    launch.make_env()
    (tmp_path / "old").rename(tmp_path / "new 文件夹")
    monkeypatch.setattr(launch, "ENV", tmp_path / "new 文件夹/.venv")
    assert launch.was_moved()
    monkeypatch.setattr(
        venv, "create", lambda folder, **_: shutil.copytree(made, folder, dirs_exist_ok=True)
    )
    launch.make_env()
    assert "this folder was moved" in capsys.readouterr().out and not launch.was_moved()
    launch.make_env()
    assert capsys.readouterr().out == ""


def test_an_environment_that_does_not_say_where_it_was_made_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "ENV", tmp_path)
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\n")
    assert not launch.was_moved()


@pytest.mark.parametrize("status, shown", [(0, 0), (1, 1), (-15, 0)])
def test_a_service_that_fails_is_followed_by_the_selfcheck(runs, monkeypatch, status, shown):
    service = types.SimpleNamespace(wait=lambda: status)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: service)
    assert launch.serve(["--no-browser"]) == status
    assert [command[-1] for command in runs].count("selfcheck") == shown


def test_packages_come_by_the_folders_uv_with_the_settings_of_pip(runs, tmp_path, monkeypatch):
    told = ":env:.find-links='/a /b'\nglobal.find-links='/c'\nglobal.index-url='https://d/simple'\n"
    answer = subprocess.CompletedProcess([], 0, stdout=told)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    assert launch.installer()[1:3] == ["-m", "pip"] and launch.has_own_index()
    (tmp_path / ".python").mkdir()
    (uv := tmp_path / ".python" / ("uv.exe" if os.name == "nt" else "uv")).touch()
    command = launch.installer()
    assert command[0] == uv and command[-6:] == [
        *("--default-index", "https://d/simple"),
        *("--find-links", "/a", "--find-links", "/b"),
    ]
