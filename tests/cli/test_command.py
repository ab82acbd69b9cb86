"""python -m cosyvoice, in this process, with the tiny model."""

import errno
import io
import json
import os
import subprocess
import sys
import types
import wave
from pathlib import Path

import pytest
import soundfile
import torch

from cosyvoice import __main__ as command
from cosyvoice.cli import bench, model_list, say
from cosyvoice.cli.model_list import LAYOUT_300M, PRETRAINED
from cosyvoice.cli.voice import save_voice
from cosyvoice.text.preview import preview
from cosyvoice.utils import precision
from tests.support.sounds import speech
from tests.support.whisper import SAID

ROOT = Path(command.__file__).parents[1]


@pytest.fixture
def run(engine, model_dir, monkeypatch):
    """A function that runs one command line; the model is loaded once for all tests."""
    monkeypatch.setenv("COSYVOICE_MODEL", str(model_dir))
    monkeypatch.setattr(say, "load", lambda folder, precision: engine)
    return lambda *argv: command.main(list(argv))


def test_say_writes_a_file_that_the_seed_decides(run, tmp_path, capsys):
    for name, seed in (("a.wav", "1"), ("b.wav", "1"), ("c.wav", "2")):
        run("say", "你好。", "-o", str(tmp_path / name), "--seed", seed)
    first, again, other = [(tmp_path / name).read_bytes() for name in ("a.wav", "b.wav", "c.wav")]
    assert first == again != other and "a.wav" in capsys.readouterr().out
    assert soundfile.info(tmp_path / "a.wav").samplerate == 22050


def test_say_takes_a_reference_a_saved_voice_and_standard_input(
    run, engine, reference_wav, tmp_path, monkeypatch
):
    soundfile.write(tmp_path / "me.wav", reference_wav[0].numpy(), 16000)
    save_voice(engine.make_voice("参考。", reference_wav), tmp_path / "me.pt")
    run(
        "say",
        "你好。",
        "--reference",
        str(tmp_path / "me.wav"),
        "--transcript",
        "参考。",
        "-o",
        str(tmp_path / "clone.mp3"),
    )
    run(
        "say", "Hello.", "--reference", str(tmp_path / "me.wav"), "-o", str(tmp_path / "cross.flac")
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO("你好。"))
    run("say", "-", "--voice", str(tmp_path / "me.pt"), "-o", str(tmp_path / "voice.ogg"))
    assert all(
        soundfile.info(tmp_path / name).duration > 0.1
        for name in ("clone.mp3", "cross.flac", "voice.ogg")
    )


def test_say_follows_instructions_with_a_reference_where_the_model_can(
    run, qwen_engine, reference_wav, tmp_path, monkeypatch
):
    soundfile.write(tmp_path / "me.wav", reference_wav[0].numpy(), 16000)
    line = ["say", "你好。", "--reference", str(tmp_path / "me.wav"), "--instruct", "慢一点。"]
    with pytest.raises(SystemExit, match="does not follow instructions with a reference"):
        run(*line, "-o", str(tmp_path / "a.wav"))
    monkeypatch.setattr(say, "load", lambda *arguments: qwen_engine)
    run(*line, "-o", str(tmp_path / "a.wav"), "--model", qwen_engine.model_dir)
    assert soundfile.info(tmp_path / "a.wav").samplerate == 24000


def test_say_plays_a_wav_through_a_pipe(run, tmp_path, monkeypatch):
    copy = "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, open(sys.argv[1], 'wb'))"
    catcher = [sys.executable, "-c", copy, str(tmp_path / "heard.wav")]
    monkeypatch.setattr(say, "find_player", lambda: ("ffplay", catcher))
    run("say", "你好。", "--play", "-o", str(tmp_path / "kept.wav"))
    heard, kept = (tmp_path / "heard.wav").read_bytes(), (tmp_path / "kept.wav").read_bytes()
    assert heard[44:] == kept[44:] and len(kept) > 1000


def test_players_that_need_a_file_get_one(run, tmp_path, monkeypatch):
    catcher = [
        sys.executable,
        "-c",
        f"import shutil; shutil.copy({{!r}}, {str(tmp_path / 'heard.wav')!r})".replace(
            "{!r}", "r'{}'"
        ),
    ]
    monkeypatch.setattr(say, "find_player", lambda: ("afplay", catcher))
    run("say", "你好。", "--play")
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert file.getnframes() > 1000


def test_voices_prints_one_name_a_line_without_loading_anything(run, engine, capsys, monkeypatch):
    monkeypatch.setattr(say, "load", lambda *_: pytest.fail("the model was loaded"))
    run("voices")
    assert capsys.readouterr().out.split("\n")[:-1] == engine.list_available_spks()


def test_bench_measures_every_precision_and_names_the_best(run, capsys, monkeypatch):
    monkeypatch.setattr(bench, "worth_measuring", lambda: ["float32", "int8"])
    factors = iter([(0.1, 1.0, 1.0)] * 2 + [(0.2, 1.0, 1.0), (0.1, 1.0, 4.0)])
    monkeypatch.setattr(bench, "stream", lambda *_: next(factors))
    run("bench")
    told = capsys.readouterr().out
    assert "float32" in told and "0.25" in told and "best here: PRECISION=int8" in told


def test_bench_streams_a_text(run, capsys, monkeypatch):
    monkeypatch.setattr(bench, "worth_measuring", lambda: ["auto"])
    run("bench", "--text", "你好。")
    assert "first sound" in capsys.readouterr().out


def test_what_turns_into_float32_is_not_measured(monkeypatch):
    monkeypatch.setattr(precision, "processor", lambda: {"avx512_vnni": True})
    assert bench.worth_measuring() == ["float32", "int8"]


def test_bench_of_the_parts_calls_the_tool(run, model_dir, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(bench, "PARTS_TOOL", tmp_path / "tools/bench.py")
    with pytest.raises(SystemExit, match="bench.py not found"):
        run("bench", "--parts", "--model", str(model_dir))
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/bench.py").write_text(
        "import sys; print(sys.argv[1]); sys.exit(len(sys.argv) - 2)"
    )
    run("bench", "--parts", "--model", str(model_dir))
    assert str(model_dir) in capfd.readouterr().out


def test_convert_keeps_the_length_with_any_voice(run, engine, reference_wav, tmp_path, capsys):
    soundfile.write(tmp_path / "me.wav", speech(2.4)[0].numpy(), 16000)
    soundfile.write(tmp_path / "him.wav", reference_wav[0].numpy(), 16000)
    save_voice(engine.make_voice("参考。", reference_wav), tmp_path / "him.pt")
    for target in (
        [],
        ["--voice", "中文女"],
        ["--voice", str(tmp_path / "him.pt")],
        ["--reference", str(tmp_path / "him.wav"), "--speed", "2"],
    ):
        out = tmp_path / "out.wav"
        run("convert", str(tmp_path / "me.wav"), *target, "-o", str(out))
        wanted = 1.2 if "--speed" in target else 2.4
        assert soundfile.info(out).duration == pytest.approx(wanted, abs=1e-3)
    told = capsys.readouterr()
    assert "out.wav: 2.4 s" in told.out and "2.4 of 2.4 s" in told.err
    assert "Warning" not in told.err


@pytest.mark.parametrize(
    "argv, told",
    [
        (["convert", "none.wav", "-o", "a.wav"], "none.wav"),
        (["convert", __file__, "-o", "a.xyz"], ".wav, .mp3"),
        (["convert", __file__, "-o", "a.wav", "--speed", "3"], "0.5 to 2, got 3"),
        (["convert", __file__, "-o", "a.wav"], "cannot be read"),
        (["say", "你好", "-o", "a.xyz"], ".wav, .mp3"),
        (["say", "你好", "-o", "/nowhere/x/a.wav"], "make it first"),
        (["say", "你好", "-o", "a.wav", "--transcript", "x"], "--reference"),
        (["say", "你好", "-o", "a.wav", "--reference", "a.wav", "--voice", "x"], "leave out"),
        (
            ["say", "你好", "-o", "a.wav", "--reference", "a.wav", "--transcript", "x"]
            + ["--instruct", "y"],
            "takes the place of --transcript",
        ),
        (["say", "你好", "-o", "a.wav", "--speed", "3"], "0.5 to 2"),
        (
            ["say", "你好", "-o", "a.wav", "--seed", "-1"],
            "4294967295, got -1",
        ),
        (["say", "你好", "-o", "a.wav", "--reference", "none.wav"], "none.wav"),
        (["say", "你好", "-o", "a.wav", "--voice", "nobody"], "nobody"),
        (["say", "你好", "-o", "a.wav", "--voice", "none.pt"], "none.pt"),
        (["say", " ", "-o", "a.wav"], "the text is empty"),
        (["say", "你好", "--instruct", "慢一点"], "load CosyVoice-300M-Instruct"),
        (
            ["say", "你好", "--reference", __file__, "--instruct", "慢一点"],
            "with a reference: load CosyVoice2-0.5B or Fun-CosyVoice3-0.5B",
        ),
        (["say", "你好", "--precision", "float61"], "use one of auto, float32"),
        (["say", "你好", "--pronounce", "重庆"], "has no '='"),
        (["say", "你好", "--model", "/nowhere"], "/nowhere not found"),
        (["say", "你好", "--model", "CosyVoice2-0.5B"], "cosyvoice download CosyVoice2-0.5B"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_model_is_loaded(
    run, tmp_path, monkeypatch, argv, told
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_list, "PRETRAINED", tmp_path)
    monkeypatch.setattr(say, "load", lambda *_: pytest.fail("the model was loaded"))
    with pytest.raises(SystemExit) as caught:
        run(*argv)
    assert told in str(caught.value.code) and list(tmp_path.iterdir()) == []


def test_a_model_that_follows_no_instructions_says_which_one_does(run, tmp_path):
    with pytest.raises(SystemExit, match="CosyVoice-300M-Instruct"):
        run("say", "你好", "-o", str(tmp_path / "a.wav"), "--instruct", "slowly")


def test_say_without_a_place_writes_a_new_file_and_names_it(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("speech.wav", "speech-2.wav", "speech-3.wav"):
        run("say", "你好。")
        assert capsys.readouterr().out.startswith(f"{name}: ")
        assert soundfile.info(tmp_path / name).duration > 0.1


@pytest.mark.parametrize(
    "chunks, told", [(0, "nothing was kept"), (1, "a.wav has the first 1.0 s")]
)
def test_ctrl_c_ends_with_130_and_says_what_was_kept(
    run, engine, tmp_path, monkeypatch, capsys, chunks, told
):
    def interrupted(*_, **__):
        yield from [{"tts_speech": torch.zeros(1, engine.sample_rate)}] * chunks
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "inference_sft", interrupted)
    with pytest.raises(SystemExit) as caught:
        run("say", "你好", "-o", str(tmp_path / "a.wav"))
    assert caught.value.code == 130 and told in capsys.readouterr().err
    assert (tmp_path / "a.wav").is_file() == bool(chunks)


def test_an_error_of_the_system_is_told_without_a_class_or_a_number(run, monkeypatch, tmp_path):
    def no_room(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "a.wav"))

    monkeypatch.setattr(say, "write", no_room)
    with pytest.raises(SystemExit) as caught:
        run("say", "你好", "-o", str(tmp_path / "a.wav"))
    assert caught.value.code == f"{tmp_path / 'a.wav'}: {os.strerror(errno.ENOSPC)}"


def test_missing_packages_are_told_with_what_installs_them():
    """Without site-packages: commands that need none work, the others end with a sentence."""
    line = [sys.executable, "-S", "-m", "cosyvoice"]
    ran = subprocess.run([*line, "voices"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 1 and "run.sh or run.bat" in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr
    ran = subprocess.run([*line, "selfcheck", "--json"], cwd=ROOT, capture_output=True, text=True)
    found = {each["about"]: each for each in json.loads(ran.stdout)["findings"]}
    assert ran.returncode == 1 and found["Python"]["state"] == "ok"
    assert found["torch"]["state"] == "fault" and "run.sh" in found["torch"]["do_en"]


def test_another_python_is_told_which_one_has_the_packages(monkeypatch, tmp_path):
    name = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    meant = tmp_path / ".venv" / name
    meant.parent.mkdir(parents=True)
    meant.touch()
    monkeypatch.setattr(command, "ENVIRONMENT", tmp_path / ".venv")
    error = ImportError("No module named 'numpy'")
    assert f"use {meant} -m cosyvoice" in command.missing_package(error)
    monkeypatch.setattr(sys, "executable", str(meant))
    assert "start run.sh or run.bat" in command.missing_package(error)


def test_no_player_is_told_before_the_model_loads(run, monkeypatch):
    monkeypatch.setattr(say.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="ffplay, aplay, afplay, powershell"):
        run("say", "你好", "--play")


@pytest.mark.parametrize(
    "argv", [["download", "GPT"], ["sing"], [], ["say"], ["say", "你好", "--speed", "fast"]]
)
def test_a_wrong_command_line_shows_the_usage(run, argv, capsys):
    with pytest.raises(SystemExit) as caught:
        run(*argv)
    assert caught.value.code == 2 and "usage: python -m cosyvoice" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["say", "book", "voices", "download", "bench", "selfcheck"])
def test_every_command_has_help(run, name, capsys):
    with pytest.raises(SystemExit) as caught:
        run(name, "--help")
    assert caught.value.code == 0 and len(capsys.readouterr().out) > 200


@pytest.fixture
def modelscope(monkeypatch, tmp_path):
    """A ModelScope that leaves the files of `there`, or fails with `error`."""
    hub = types.SimpleNamespace(there=list(LAYOUT_300M.needed), error=None, asked=None)

    def snapshot_download(model_id, revision, local_dir, allow_patterns):
        hub.asked = f"{model_id}@{revision}"
        if hub.error:
            raise hub.error
        (folder := Path(local_dir)).mkdir(exist_ok=True)
        for name in hub.there:
            (folder / name).write_text("x")
        return local_dir

    monkeypatch.setitem(
        sys.modules, "modelscope", types.SimpleNamespace(snapshot_download=snapshot_download)
    )
    monkeypatch.setattr(model_list, "PRETRAINED", tmp_path)
    return hub


def test_download_puts_an_official_model_in_its_place(run, modelscope, tmp_path, capsys):
    run("download", "CosyVoice-300M-SFT")
    assert modelscope.asked == "iic/CosyVoice-300M-SFT@master"
    assert "complete" in capsys.readouterr().out
    assert (tmp_path / "CosyVoice-300M-SFT/llm.pt").is_file()


def test_download_takes_the_revision_that_is_asked_for(run, modelscope):
    run("download", "CosyVoice-300M-SFT", "--revision", "v1.0")
    assert modelscope.asked == "iic/CosyVoice-300M-SFT@v1.0"


def test_download_tells_what_is_missing_and_how_to_go_on(run, modelscope):
    modelscope.there.remove("flow.pt")
    with pytest.raises(SystemExit, match="lacks flow.pt; run the same command again"):
        run("download", "CosyVoice-300M")
    modelscope.error = RuntimeError("half a file")
    with pytest.raises(
        SystemExit,
        match=r"half a file\)\nfiles that differ.*check the network.*again to go on; "
        "or put the files of .*/iic/CosyVoice-300M into",
    ):
        run("download", "CosyVoice-300M")


def test_download_without_a_network_says_so_and_leaves_no_folder(run, modelscope, tmp_path):
    (tmp_path / "CosyVoice-300M").mkdir()  # as ModelScope's library does before it asks
    modelscope.error = ConnectionError("Max retries exceeded with url")
    with pytest.raises(SystemExit) as caught:
        run("download", "CosyVoice-300M")
    assert str(caught.value.code).startswith("modelscope.cn cannot be reached: check the network")
    assert "\n" not in caught.value.code and "retries" not in caught.value.code
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_in_a_download_says_where_it_is_kept(run, modelscope, capsys):
    modelscope.error = KeyboardInterrupt()
    with pytest.raises(SystemExit) as caught:
        run("download", "iic/CosyVoice-300M")
    assert caught.value.code == 130 and "again to go on" in capsys.readouterr().err
    assert modelscope.asked == "iic/CosyVoice-300M@master"


def test_help_names_the_models_that_follow_instructions(run, capsys):
    with pytest.raises(SystemExit):
        run("say", "--help")
    told = "".join(capsys.readouterr().out.split())  # it breaks lines at hyphens
    able = [
        path.parent.name
        for path in PRETRAINED.glob("*/cosyvoice.yaml")
        if "supports_instruct: True" in path.read_text("utf-8")
    ]
    assert able and all(name in told for name in [*able, "CosyVoice-300M-Instruct"])


def test_read_prints_spans_sentences_and_seconds_without_a_model(capsys, monkeypatch):
    monkeypatch.setattr(say, "load", lambda model: pytest.fail("a model is not needed"))
    text = "我在重庆买了3个<font>苹果</font>。[pause 500ms]好吃"
    command.main(["read", text, "--pronounce", "重庆=chong2 qing4"])
    lines = capsys.readouterr().out.splitlines()
    assert "pronunciation zh   重庆 -> chong2 qing4" in lines
    assert "pause         zh   0.5 s" in lines and lines[-1] == "tags left out: font"
    assert any(line.endswith("我在chong2 qing4买了三个苹果。") for line in lines)
    command.main(["read", text, "--pronounce", "重庆=chong2 qing4", "--json"])
    assert json.loads(capsys.readouterr().out) == preview(text, "", {"重庆": "chong2 qing4"})


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["好[pause 5 apples]"], r"\[pause 5 apples\] is not a pause"),
        ([" "], "the text is empty"),
        (["好", "--pronounce", "重庆"], "has no '='"),
        (["好", "--pronounce", "好=hoa3"], "no syllable 'hoa3'"),
    ],
)
def test_read_refuses_what_cannot_be_read_with_a_sentence(arguments, reason):
    with pytest.raises(SystemExit, match=reason):
        command.main(["read", *arguments])


def test_say_follows_pronunciations_and_names_tags_that_it_leaves_out(
    run, engine, tmp_path, capsys, monkeypatch
):
    said = []
    monkeypatch.setattr(engine, "inference_sft", lambda *a, **given: said.append(given) or iter(()))
    out = str(tmp_path / "a.wav")
    with pytest.raises(SystemExit, match="no sound"):
        run("say", "<font>重庆</font>", "-o", out, "--pronounce", "重庆=山城")
    assert said[0]["pronunciations"] == {"重庆": "山城"}
    assert "tags left out: font" in capsys.readouterr().err


@pytest.fixture
def recording(tmp_path):
    soundfile.write(tmp_path / "me.wav", speech(6.0)[0].numpy(), 16000)
    return str(tmp_path / "me.wav")


def test_check_tells_what_is_good_and_bad_and_what_is_said(
    run, recording, whisper, capsys, monkeypatch
):
    run("check", recording)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "ok    the length of 6.0 s is good" and said[-1] == f"words {SAID} (zh)"
    run("check", recording, "--json")
    assert json.loads(capsys.readouterr().out)["transcript"] == {"text": SAID, "language": "zh"}
    whisper.said = ""
    run("check", recording)
    assert "no words were heard" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    run("check", recording)
    assert "requirements-verify.txt" in capsys.readouterr().out


def test_check_compares_words_that_are_given_and_hears_none(run, recording, whisper, capsys):
    run("check", recording, "--transcript", "好")
    assert "bad   the transcript is too short" in capsys.readouterr().out
    assert not whisper.events


def test_check_refuses_what_cannot_be_used_in_one_sentence(run, tmp_path):
    soundfile.write(tmp_path / "short.wav", torch.zeros(100).numpy(), 16000)
    for name in ("short.wav", "none.wav"):
        with pytest.raises(SystemExit) as caught:
            run("check", str(tmp_path / name))
        assert isinstance(caught.value.code, str) and "Error" not in caught.value.code
