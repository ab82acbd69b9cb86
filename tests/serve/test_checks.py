"""A wrong setting ends the start with one sentence; what breaks later makes /ready a 503."""

import errno
import importlib
import os
import socket
import subprocess
import sys
import tempfile

import pytest

from cosyvoice.serve import checks
from cosyvoice.serve.config import Config, StartError
from cosyvoice.serve.speaking import readiness
from tests.support.fake_engine import FakeEngine
from tests.support.jobs import INSTRUCT
from tests.support.server import FAKE_SERVER, KINDS, ROOT, free_port
from tests.support.waiting import wait_for

FAULTS = {  # setting -> value in a folder that has a file "file" and a half-written "half.json"
    "OUTPUT_DIR": "file",
    "STORE_DIR": "file/below",
    "REFERENCE_DIR": "file",
    "API_KEYS_FILE": "half.json",
    "COSYVOICE_INSTRUCT_MODEL": "nowhere",
}
WORDS = {
    "PORT": "x",
    "COSYVOICE_ENGINE": "cluster",
    "THREADS": "1.5",
    "REQUEST_TIMEOUT": "nan",
    "MAX_BODY_MB": "-1",
    "MAX_VOICE_MB": "1e9",
    "MP3_BITRATE": "96",
    "ALLOWED_HOSTS": "*.example.com",
    "CORS_ORIGINS": "friend.example",
    "OSS_ACCESS_KEY_ID": "half a pair",
}


@pytest.fixture
def wrong(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "half.json").write_text('{"key": ["us')
    return tmp_path


def assert_is_sentence(text: str, name: str):
    """One line that names the setting, in English and in Chinese."""
    english, chinese = text.strip().split(" / ")
    assert name in english and name in chinese and "\n" not in text.strip()
    assert any("\u4e00" <= c <= "\u9fff" for c in chinese)


@pytest.mark.parametrize("name", [*FAULTS, *WORDS])
def test_a_wrong_setting_is_a_sentence_that_names_it(service, wrong, name):
    value = wrong / FAULTS[name] if name in FAULTS else WORDS[name]
    with pytest.raises(StartError) as raised:
        service(**{name: value})
    assert_is_sentence(str(raised.value), "OSS_ACCESS_KEY" if name.startswith("OSS") else name)


@pytest.mark.parametrize(
    "bitrate, is_good", [("96k", 1), ("8k", 1), ("64000", 1), ("7k", 0), ("0", 0), ("abc", 0)]
)
def test_bit_rates(service, bitrate, is_good):
    if is_good:
        assert service(MP3_BITRATE=bitrate).config.mp3_bitrate == bitrate
    else:
        with pytest.raises(StartError, match="96k"):
            service(MP3_BITRATE=bitrate)


def test_folders_that_are_missing_are_made_and_no_references_are_tolerated(service, tmp_path):
    service(
        OUTPUT_DIR=tmp_path / "a/b", STORE_DIR=tmp_path / "c/d", REFERENCE_DIR=tmp_path / "e"
    ).work_folders.close()
    assert (tmp_path / "a/b").is_dir() and (tmp_path / "c/d").is_dir()
    assert not (tmp_path / "e").exists()


def test_a_full_disk_is_a_sentence(monkeypatch, tmp_path):
    def full(**options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(StartError, match="No space left"):
        checks.check_folder("OUTPUT_DIR", tmp_path)


@pytest.mark.parametrize("program", ["missing", "silent"])
def test_an_ffmpeg_that_does_not_run_is_a_sentence(monkeypatch, tmp_path, program):
    fake = tmp_path / "ffmpeg"
    if program == "silent" and os.name != "nt":
        fake.write_text("#!/bin/sh\nsleep 60\n")
        fake.chmod(0o755)
    monkeypatch.setattr("cosyvoice.encoders.mp3.TRIAL", 0.2)
    monkeypatch.setattr(checks.AudioSegment, "converter", str(fake))
    with pytest.raises(StartError) as raised:
        checks.check_mp3(22050, "72k", tmp_path)
    assert_is_sentence(str(raised.value), "imageio-ffmpeg")


def test_a_port_in_use_is_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StartError, match="--port") as raised:
            checks.check_port("127.0.0.1", taken.getsockname()[1])
    assert_is_sentence(str(raised.value), "--port")
    checks.check_port("127.0.0.1", free_port())
    with pytest.raises(StartError, match="HOST"):
        checks.check_port("no such host.invalid", 9883)


def test_a_model_that_cannot_be_loaded_is_a_sentence(service, monkeypatch, tmp_path):
    def fail(engine, folder, **options):
        raise KeyError("flow\nand more")

    monkeypatch.setattr(FakeEngine, "__init__", fail)
    with pytest.raises(StartError) as raised:
        service()
    assert_is_sentence(str(raised.value), str(tmp_path))
    with pytest.raises(StartError, match="COSYVOICE_MODEL"):
        service(COSYVOICE_MODEL=tmp_path / "nowhere")


@pytest.mark.parametrize("kind", KINDS)
def test_the_start_ends_with_the_sentence_alone(wrong, kind):
    command = {
        "uvicorn": FAKE_SERVER,
        "gunicorn": [
            *(sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"),
            "tests.support.fake_server:app",
        ],
    }[kind]
    settings = {
        "COSYVOICE_MODEL": wrong,
        "OUTPUT_DIR": wrong / "output",
        "STORE_DIR": wrong / "file",
        "PORT": free_port(),
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **{name: str(value) for name, value in settings.items()}},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    lines = [line for line in done.stderr.splitlines() if "STORE_DIR" in line]
    assert done.returncode and "Traceback" not in done.stderr and len(lines) == 1
    assert_is_sentence(lines[0], "STORE_DIR")
    assert kind == "gunicorn" or done.stderr.count("\n") == 1


# while it runs


@pytest.fixture
def ready(service, monkeypatch):
    """The module with a model that has spoken, and a function that asks /ready."""
    module = service()
    monkeypatch.setattr(checks, "LOOK_SECONDS", 0.0)
    client = module.app.test_client()
    wait_for(lambda: client.get("/ready").status_code == 200, 60)
    module.ask = lambda: client.get("/ready")
    return module


def assert_says(answer, name: str, folder):
    assert answer.status_code == 503 and not answer.json["ready"]
    assert len(answer.json["reasons"]) == 1 and str(folder) not in answer.text
    assert_is_sentence(answer.json["reasons"][0], name)


@pytest.mark.parametrize("name", ["output", "store"])
@pytest.mark.parametrize("fault", ["gone", "a file"])
def test_ready_says_which_folder_is_broken_until_it_is_back(ready, tmp_path, name, fault, caplog):
    folder = tmp_path / name
    folder.rename(tmp_path / "away")
    if fault == "a file":
        folder.write_text("x")
    for _ in range(3):
        assert_says(ready.ask(), f"{name.upper()}_DIR", tmp_path)
    assert sum(line.levelname == "ERROR" for line in caplog.records) == 1
    if fault == "a file":
        folder.unlink()
        (tmp_path / "away").rename(folder)
        assert ready.ask().json["reasons"] == []


def test_ready_says_that_the_disk_is_full(ready, tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")

    def write(path, data):
        raise full

    monkeypatch.setattr("pathlib.Path.write_bytes", write)
    answer = ready.ask()
    assert answer.status_code == 503 and len(answer.json["reasons"]) == 2
    monkeypatch.undo()
    wait_for(lambda: ready.ask().status_code == 200)
    assert not list((tmp_path / "store").iterdir())


def test_ready_says_that_ffmpeg_is_gone(ready, tmp_path, monkeypatch):
    monkeypatch.setattr(checks.AudioSegment, "converter", str(tmp_path / "ffmpeg"))
    assert_says(ready.ask(), "ffmpeg", tmp_path)


def test_many_questions_are_one_look(ready, monkeypatch):
    monkeypatch.setattr(checks, "LOOK_SECONDS", 60.0)
    ready.ask()
    looks = []
    monkeypatch.setattr(ready.needs, "_look", lambda: looks.append(1) or [])
    assert all(ready.ask().status_code == 200 for _ in range(20)) and not looks


def test_a_reference_that_fails_in_the_trial_is_said_and_tried_again_later(service, monkeypatch):
    def fail(engine, *arguments):
        FakeEngine.calls.append(("failed", {}))
        raise RuntimeError("campplus.onnx is damaged")

    module = service()
    make_voice = FakeEngine.make_voice
    monkeypatch.setattr(FakeEngine, "make_voice", fail)
    client = module.app.test_client()
    assert client.get("/ready").json["reasons"] in ([readiness.STARTING], [readiness.FAILED])
    wait_for(lambda: client.get("/ready").json["reasons"] == [readiness.FAILED], 60)
    for _ in range(5):
        assert client.get("/ready").status_code == 503
    assert [name for name, _ in FakeEngine.calls].count("failed") == 1
    monkeypatch.setattr(FakeEngine, "make_voice", make_voice)
    module.readiness.next_trial = 0.0
    wait_for(lambda: client.get("/ready").status_code == 200)


def test_a_damaged_instruct_model_is_a_503_and_loaded_once(service, monkeypatch, tmp_path):
    (tmp_path / "Broken").mkdir()
    module = service(COSYVOICE_INSTRUCT_MODEL=tmp_path / "Broken")
    attempts = []

    def fail(folder, config):
        attempts.append(folder)
        raise RuntimeError("llm.pt is damaged")

    monkeypatch.setattr(importlib.import_module("cosyvoice.serve.speaking.engines"), "load", fail)
    client = module.app.test_client()
    assert client.head("/change_instruct").status_code == 200 and not attempts
    for _ in range(3):
        answer = client.post("/generate_audio", json=INSTRUCT)
        assert (answer.status_code, answer.json["field"]) == (503, "mode")
        assert client.get("/change_instruct").status_code == 503
    assert len(attempts) == 1


def test_an_impossible_precision_ends_the_start_with_the_possible_ones(service):
    service()
    engines = importlib.import_module("cosyvoice.serve.speaking.engines")
    with pytest.raises(StartError, match="PRECISION: .*'half' is not possible.*use one of auto"):
        engines.load_model(Config(precision="half"), is_script=False)


def test_graphs_without_a_gpu_end_the_start_with_what_to_do(service):
    service()
    engines = importlib.import_module("cosyvoice.serve.speaking.engines")
    with pytest.raises(StartError, match="CUDA_GRAPHS: .*none here: leave it off"):
        engines.load_model(Config(cuda_graphs=1), is_script=False)
