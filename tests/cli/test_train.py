"""python -m cosyvoice train: what is refused before anything long, and the check by itself."""

import json
import shutil

import pytest

from cosyvoice import __main__ as command
from cosyvoice.cli import train
from tests.support.recordings import write_recordings


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_recordings(tmp_path_factory.mktemp("sound") / "me")


def refusal(*words) -> str:
    with pytest.raises(SystemExit) as ended:
        command.main(["train", *map(str, words)])
    return str(ended.value)


@pytest.mark.parametrize(
    "option, value, said",
    [
        ("--lr", "2", "--lr must be a number between 0 and 1"),
        ("--epochs", "0", "--epochs 须为 1 至 10000"),
        ("--batch", "5", "--batch 须为"),
        ("--speaker", " ", "--speaker must be a name"),
        ("--speaker", "a/b", "不含斜杠的名称"),
        ("--from", "tests", "not found"),
        ("--from", "no/such model", "not found"),
    ],
)
def test_a_wrong_option_is_refused(recordings, tmp_path, option, value, said):
    given = ["--recordings", recordings, "--out", tmp_path / "new", option, value]
    assert said in refusal(*given)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert "没有文件夹" in refusal("--recordings", tmp_path / "none")


def test_ctrl_c_says_what_is_kept(recordings, tmp_path, monkeypatch, capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "check_recordings", interrupted)
    assert refusal("--recordings", recordings, "--out", tmp_path / "new", "--check") == "130"
    told = capsys.readouterr().err
    assert f"kept in {tmp_path / 'new.training'}" in told and "nothing" not in told


def test_a_missing_pyarrow_is_told_with_its_command(recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(train.importlib.util, "find_spec", lambda name: None)
    said = refusal("--recordings", recordings, "--out", tmp_path / "new")
    assert "pip install pyarrow" in said


def test_the_check_needs_no_model_and_writes_a_report(recordings, tmp_path, capsys):
    folder, out = shutil.copytree(recordings, tmp_path / "me"), tmp_path / "new"
    (folder / "r03.txt").unlink()
    command.main(["train", "--recordings", str(folder), "--out", str(out), "--check"])
    assert "r03.wav  it has no transcript / 没有文本" in capsys.readouterr().out
    report = json.loads((tmp_path / "new.training" / "report.json").read_text("utf-8"))
    assert (report["recordings"], report["used"]) == (12, 11)
    assert not out.exists()


def test_the_check_fails_when_too_little_can_be_used(recordings, tmp_path):
    folder = shutil.copytree(recordings, tmp_path / "me")
    for path in folder.glob("*.txt"):
        path.unlink()
    said = refusal("--recordings", folder, "--out", tmp_path / "new", "--check")
    assert "training needs at least" in said
