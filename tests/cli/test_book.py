"""python -m cosyvoice book, in this process, with the tiny model."""

from types import SimpleNamespace

import pytest
import soundfile

from cosyvoice import __main__ as command
from cosyvoice.cli import book as books
from cosyvoice.cli import say
from cosyvoice.encoders.mark import STATEMENT, Mark
from tests.support.sounds import shown_by_ffmpeg

TEXT = "第一章 起\n一句。\n第二章 落\n三句。"


@pytest.fixture
def run(engine, model_dir, tmp_path, monkeypatch):
    """A function that runs one command line on story.txt; the model is loaded once for all."""
    monkeypatch.setenv("COSYVOICE_MODEL", str(model_dir))
    monkeypatch.setattr(say, "load", lambda model, precision: engine)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "story.txt").write_text(TEXT, encoding="utf-8")
    return lambda *argv: command.main(["book", "story.txt", *argv])


def left(tmp_path) -> set[str]:
    return {path.name for path in tmp_path.iterdir()}


def test_a_book_is_one_file_with_chapters(run, engine, tmp_path, capsys):
    run("-o", "story.mp3", "--title", "山风")
    assert left(tmp_path) == {"story.txt", "story.mp3"}
    assert "2 chapters, 4 sentences" in capsys.readouterr().out
    assert soundfile.info(tmp_path / "story.mp3").duration > 4
    assert (tmp_path / "story.mp3").read_bytes().count(b"CHAP") == 2
    shown = shown_by_ffmpeg(tmp_path / "story.mp3")
    assert STATEMENT in shown and engine.model_family in shown and Mark.now("").date[:10] in shown


@pytest.mark.slow
def test_a_stopped_run_goes_on_and_gives_the_same_bytes(run, engine, tmp_path, monkeypatch, capsys):
    run("-o", "whole.m4b")
    spoken, speak = [], books.speak_part

    def interrupted(engine, plan, number, arguments, reference):
        if number == 2 and len(spoken) == 2:
            raise KeyboardInterrupt
        spoken.append(number)
        return speak(engine, plan, number, arguments, reference)

    monkeypatch.setattr(books, "speak_part", interrupted)
    with pytest.raises(SystemExit, match="130"):
        run()
    assert "2 of 4 sentences are kept in story.m4b.parts" in capsys.readouterr().err
    assert not (tmp_path / "story.m4b").exists()
    spoken.append("again")
    run()
    assert spoken == [0, 1, "again", 2, 3]
    assert (tmp_path / "story.m4b").read_bytes() == (tmp_path / "whole.m4b").read_bytes()
    assert left(tmp_path) == {"story.txt", "story.m4b", "whole.m4b"}


def test_other_settings_do_not_mix_with_what_is_kept(run, tmp_path, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(books, "speak_part", stop)
    with pytest.raises(SystemExit, match="130"):
        run("--seed", "1")
    with pytest.raises(SystemExit, match="begun with another text, voice or setting"):
        run("--seed", "2")


@pytest.mark.parametrize(
    "argv, told",
    [
        (["-o", "a.wav"], r"\.mp3 or \.m4b"),
        (["-o", "none/a.mp3"], "make it first"),
        (["--speed", "3"], "--speed must be"),
        (["--transcript", "x"], "--reference, which is missing"),
        (["--bitrate", "1"], "--bitrate must be"),
        (["--precision", "float61"], "use one of auto, float32"),
        (["--voice", "nobody"], "no speaker 'nobody'"),
        (["--instruct", "慢"], "does not follow instructions"),
        (["--reference", "story.txt"], "cannot be read"),
    ],
)
def test_what_cannot_be_done_ends_with_a_sentence(run, tmp_path, argv, told):
    with pytest.raises(SystemExit, match=told):
        run(*argv)
    assert left(tmp_path) == {"story.txt"}


def test_a_finished_book_is_not_spoken_again_by_itself(run, tmp_path, monkeypatch):
    monkeypatch.setattr(say, "load", lambda *_: pytest.fail("the model was loaded"))
    (tmp_path / "story.m4b").write_bytes(b"sound")
    with pytest.raises(SystemExit, match="story.m4b is finished already: remove it to speak"):
        run()
    assert left(tmp_path) == {"story.txt", "story.m4b"}
    assert (tmp_path / "story.m4b").read_bytes() == b"sound"


def test_a_run_killed_when_its_book_was_whole_removes_the_parts_the_next_time(
    run, tmp_path, monkeypatch
):
    (tmp_path / "story.txt").write_text("好。", encoding="utf-8")
    with monkeypatch.context() as killed:
        killed.setattr(books, "shutil", SimpleNamespace(rmtree=lambda folder: None))
        run("-o", "story.mp3")
    assert left(tmp_path) == {"story.txt", "story.mp3", "story.mp3.parts"}
    monkeypatch.setattr(books, "speak_part", lambda *_: pytest.fail("a part was spoken again"))
    run("-o", "story.mp3")
    assert left(tmp_path) == {"story.txt", "story.mp3"}


def test_a_file_that_is_no_text_is_refused(run, tmp_path):
    (tmp_path / "story.txt").write_bytes(b"\xff\xfb\x90\x00" * 9)
    with pytest.raises(SystemExit, match="neither text"):
        run()
    (tmp_path / "story.txt").write_text("。。。")
    with pytest.raises(SystemExit, match="nothing that can be spoken"):
        run()
    assert left(tmp_path) == {"story.txt"}
