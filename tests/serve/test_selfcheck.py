"""python -m cosyvoice selfcheck: every fault is found, with its remedy."""

import json
import os
import shutil
import sys
import threading
import types
import zipfile
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from cosyvoice import __main__ as command
from cosyvoice.cli import model_list
from cosyvoice.serve import places, selfcheck
from cosyvoice.serve.config import Config
from cosyvoice.serve.selfcheck import FAULT, NOTE, OK
from tests.support.server import free_port

GB = 1 << 30


@pytest.fixture
def config(tmp_path):
    return Config(output_dir=tmp_path / "output", store_dir=tmp_path / "store", port=free_port())


@pytest.fixture
def found(config, monkeypatch):
    """A function that runs one check; returns its findings by what they are about."""
    for name in places.CREDENTIALS:
        monkeypatch.delenv(name, raising=False)

    def run(name: str, **settings) -> dict:
        chosen = Config(**{**vars(config), **settings})
        monkeypatch.setattr(selfcheck, "read_config", lambda: chosen)
        monkeypatch.setattr(selfcheck, "CHECKS", {name: CHECKS[name]})
        return {finding.about: finding for finding in selfcheck.findings()}

    return run


CHECKS = dict(selfcheck.CHECKS)


@pytest.fixture
def models(tmp_path, monkeypatch, model_dir):
    """pretrained_models/ with one whole model."""
    monkeypatch.setattr(model_list, "PRETRAINED", tmp_path / "models")
    return shutil.copytree(model_dir, tmp_path / "models/CosyVoice-300M-25Hz")


def test_all_is_right_here(monkeypatch, capsys, tmp_path, model_dir):
    for name, value in {"OUTPUT_DIR": tmp_path, "STORE_DIR": tmp_path, "PORT": free_port()}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("COSYVOICE_MODEL", str(model_dir))
    command.main(["selfcheck", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] and {each["about"] for each in told["findings"]} >= {
        *("Python", "packages", "GPU", "precision", "encoder", "model to load"),
        *("port", "store", "disk", "memory"),
    }


def test_a_fault_is_status_1_and_has_its_remedy_in_the_language_asked_for(monkeypatch, capsys):
    fault = selfcheck.Finding("thing", FAULT, "gone", "没有了", "get one", "找一个")
    monkeypatch.setattr(selfcheck, "findings", lambda: iter([fault]))
    for language, told in (("en", "gone\n        -> get one"), ("zh", "没有了\n        -> 找一个")):
        with pytest.raises(SystemExit) as caught:
            command.main(["selfcheck", "--language", language])
        assert caught.value.code == 1 and told in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="Windows asks the system")
def test_the_language_is_that_of_the_locale(monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for value, language in (("zh_CN.UTF-8", "zh"), ("en_GB.UTF-8", "en"), ("", "en")):
        monkeypatch.setenv("LANG", value)
        assert selfcheck.language() == language


def test_a_wrong_setting_is_a_finding(monkeypatch):
    monkeypatch.setenv("PORT", "many")
    monkeypatch.setattr(selfcheck, "CHECKS", {})
    (finding,) = selfcheck.findings()
    assert finding.state == FAULT and "PORT" in finding.en and "须为数字" in finding.zh


def test_a_python_that_does_not_fit_is_told(found, monkeypatch):
    assert found("Python")["Python"].state == OK
    Version = namedtuple("Version", "major minor micro releaselevel serial")
    monkeypatch.setattr(sys, "version_info", Version(3, 14, 0, "final", 0))
    assert "run.sh or run.bat" in found("Python")["Python"].do_en


def test_packages_that_are_missing_or_old_are_named(found, monkeypatch):
    versions = {"flask": "2.0", "torch": ""}
    real = selfcheck.installed
    monkeypatch.setattr(selfcheck, "installed", lambda name: versions.get(name, real(name)))
    finding = found("packages")["packages"]
    assert finding.state == FAULT and "torch (==" in finding.en and "flask 2.0 (>=" in finding.en
    assert "numpy" not in finding.en


@pytest.mark.parametrize(
    "cards, cuda, state, told",
    [
        ("", None, OK, "no NVIDIA GPU"),
        ("H200, 580.1, 143771 MiB", None, NOTE, "built without CUDA"),
        ("H200, 580.1, 143771 MiB", "12.6", NOTE, "not usable"),
    ],
)
def test_a_gpu_that_is_not_used_says_why(monkeypatch, cards, cuda, state, told):
    monkeypatch.setattr(selfcheck, "answer_of", lambda _: cards)
    version = types.SimpleNamespace(cuda=cuda)
    no_gpu = types.SimpleNamespace(is_available=lambda: False)
    torch = types.SimpleNamespace(__version__="2.13.0+cpu", version=version, cuda=no_gpu)
    (finding,) = selfcheck.check_gpu(torch)
    assert finding.state == state and told in finding.en and (state == OK or finding.do_zh)


def test_a_precision_that_the_device_has_not_is_told(found):
    assert found("torch")["precision"].state == OK
    assert "bfloat16" in found("torch", precision="float99")["torch"].en


def test_a_missing_encoder_is_told(found, monkeypatch):
    from cosyvoice.encoders import mp3

    monkeypatch.setattr(mp3.AudioSegment, "converter", "/nowhere/ffmpeg")
    monkeypatch.setattr(mp3, "_working", set())
    assert "imageio-ffmpeg" in found("encoder")["encoder"].do_en


def damage_cut(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"x" * 500)
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize(
    "damage, told",
    [
        (lambda path: path.unlink(), "flow.pt (missing)"),
        (lambda path: path.write_bytes(b""), "flow.pt (empty)"),
        (damage_cut, "flow.pt (cut short)"),
        (
            lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"),
            "git lfs pull",
        ),
        (lambda path: path.write_text("<!DOCTYPE html>"), "a web page"),
    ],
)
def test_a_model_that_is_not_whole_is_told_with_the_command_that_gets_it(
    found, models, damage, told
):
    assert found("models")["models/CosyVoice-300M-25Hz"].state == OK
    damage(models / "flow.pt")
    finding = found("models")["models/CosyVoice-300M-25Hz"]
    assert finding.state == FAULT and told in finding.en
    assert finding.do_en == "python -m cosyvoice download CosyVoice-300M-25Hz"


def test_no_model_at_all_is_told(found, tmp_path, monkeypatch):
    monkeypatch.setattr(model_list, "PRETRAINED", tmp_path / "none")
    finding = found("models")["model to load"]
    assert finding.state == FAULT and "download CosyVoice-300M-25Hz" in finding.do_en


def test_a_port_in_use_is_a_fault_unless_the_service_itself_has_it(found):
    class Handler(BaseHTTPRequestHandler):
        body = b"{}"

        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    assert found("port")["port"].state == OK
    assert "--port" in found("port", port=server.server_port)["port"].en
    Handler.body = b'{"status": "ok"}'
    assert "is running" in found("port", port=server.server_port)["port"].en
    server.shutdown()
    server.server_close()


def test_a_store_that_cannot_be_used_is_told(found, monkeypatch, tmp_path):
    assert found("store")["store"].state == OK
    (tmp_path / "file").touch()
    assert "STORE_DIR" in found("store", store_dir=tmp_path / "file/x")["store"].en
    monkeypatch.setenv("OSS_ACCESS_KEY_ID", "id")
    assert "OSS_ACCESS_KEY_SECRET is not set" in found("store")["store"].en
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "secret")
    monkeypatch.setenv("OSS_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("cosyvoice.serve.storage.store.TRIES", 1)
    assert "OSS_ENDPOINT" in found("store")["store"].do_en


@pytest.mark.parametrize("free, state", [(100 * GB, OK), (2 * GB, NOTE), (GB // 4, FAULT)])
def test_little_room_is_told(found, monkeypatch, free, state):
    usage = types.SimpleNamespace(free=free)
    monkeypatch.setattr(selfcheck.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(selfcheck, "free_memory", lambda: free)
    assert found("disk")["disk"].state == found("memory")["memory"].state == state
