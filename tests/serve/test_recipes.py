"""docs/recipes.md: its blocks are run, and the requests of programs that are not here are sent.

A recipe whose program or package is not installed is skipped.
"""

import asyncio
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests
from werkzeug.serving import make_server

from tests.support.fake_engine import RATE, FakeEngine
from tests.support.server import free_port
from tests.support.sounds import decode
from tests.support.waiting import wait_for

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "recipes.md", DOCS / "recipes.zh-CN.md"]
SECONDS = 90000 / RATE  # of the fake engine
WYOMING_PYTHON = os.environ.get("WYOMING_PYTHON", "")  # one that has wyoming-openai, if not ours
NODE_MODULES = os.environ.get("NODE_PATH", "")  # a folder with ai and @ai-sdk/openai


def blocks(page: Path) -> dict[str, str]:
    """{title of a recipe: its code}."""
    return dict(
        re.findall(r"^## (.*?)\n.*?^```\w*\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    )


@pytest.fixture
def port(service):
    """Of a service with the fake engine."""
    server = make_server("127.0.0.1", 0, service().app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.port
    server.shutdown()


@pytest.fixture
def run(port, tmp_path):
    """A function that runs a recipe's code in a file, in a folder of its own, with a program."""

    def run(title: str, file: str, *program: str) -> Path:
        code = blocks(PAGES[0])[title].replace(":9883", f":{port}")
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / file).write_text(code, "utf-8")
        ran = subprocess.run(
            [*program, file], cwd=tmp_path / "run", capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
        return tmp_path / "run/speech.mp3"

    return run


def is_whole(mp3: bytes) -> bool:
    sound, complaints = decode(mp3)
    return complaints == "" and abs(len(sound) / RATE - SECONDS) < 0.2


def test_both_pages_have_the_same_code():
    english, chinese = map(blocks, PAGES)
    assert english == chinese and len(english) == 7


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs curl")
def test_curl(run):
    assert is_whole(run("curl", "run.sh", "bash").read_bytes())


@pytest.mark.skipif(not importlib.util.find_spec("openai"), reason="needs openai")
def test_openai(run):
    assert is_whole(run("OpenAI", "run.py", sys.executable).read_bytes())


@pytest.mark.skipif(not importlib.util.find_spec("langchain_core"), reason="needs langchain-core")
def test_langchain(run):
    assert is_whole(run("LangChain", "run.py", sys.executable).read_bytes())


@pytest.mark.skipif(
    not (shutil.which("node") and (Path(NODE_MODULES or "/-") / "@ai-sdk/openai").is_dir()),
    reason="needs node, and ai and @ai-sdk/openai in NODE_PATH",
)
def test_vercel_ai_sdk(run, tmp_path):
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)  # import does not read NODE_PATH
    assert is_whole(run("Vercel AI SDK", "run.mjs", "node").read_bytes())


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.skipif(
    not (
        importlib.util.find_spec("wyoming")
        and (WYOMING_PYTHON or importlib.util.find_spec("wyoming_openai"))
    ),
    reason="needs wyoming, and wyoming-openai here or in WYOMING_PYTHON",
)
def test_home_assistant(port):
    """A client speaks Wyoming, as Home Assistant does, to the program of the recipe."""
    own = free_port()
    line = blocks(PAGES[0])["Home Assistant"].partition("\n")[2].replace("\\\n", " ")
    line = line.replace(":9883", f":{port}").replace("0.0.0.0:10300", f"127.0.0.1:{own}")
    program = [WYOMING_PYTHON or sys.executable, *line.split()[1:]]
    proxy = subprocess.Popen(program, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(own), 30)
        voices, seconds = asyncio.run(speak_wyoming(own, "你好。", "中文女"))
        assert voices == ["中文女", "英文女"] and abs(seconds - SECONDS) < 0.2
        assert FakeEngine.calls[-1][1]["spk_id"] == "中文女"
    finally:
        proxy.terminate()
        proxy.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


async def speak_wyoming(port: int, text: str, voice: str) -> tuple[list[str], float]:
    """The names of the voices that are offered, and the seconds of sound that come for a text."""
    from wyoming.audio import AudioChunk, AudioStop
    from wyoming.client import AsyncTcpClient
    from wyoming.info import Describe, Info
    from wyoming.tts import Synthesize, SynthesizeVoice

    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Describe().event())
        info = Info.from_event(await client.read_event())
        await client.write_event(Synthesize(text, SynthesizeVoice(name=voice)).event())
        seconds = 0.0
        while not AudioStop.is_type((event := await client.read_event()).type):
            if AudioChunk.is_type(event.type):
                seconds += AudioChunk.from_event(event).seconds
        return [each.name for program in info.tts for each in program.voices], seconds


def test_the_requests_of_open_webui(port):
    """Source: open_webui/routers/audio of version 0.12.4."""
    base = blocks(PAGES[0])["Open WebUI"].splitlines()[1].partition("=")[2]
    base = base.replace(":9883", f":{port}")
    models = requests.get(f"{base}/models", timeout=10).json()["data"]
    voices = requests.get(f"{base}/audio/voices", timeout=10).json()["voices"]
    assert "tts-1" in [each["id"] for each in models]
    assert {"中文女": "中文女", "alloy": "alloy"}.items() <= {
        each["id"]: each["name"] for each in voices
    }.items()
    answer = requests.post(
        f"{base}/audio/speech",
        json={"input": "你好。", "model": "tts-1", "voice": "alloy"},
        headers={"Authorization": "Bearer none"},
        timeout=10,
    )
    assert answer.headers["Content-Type"] == "audio/mpeg" and is_whole(answer.content)


def test_the_request_of_sillytavern(port):
    """Source: public/scripts/extensions/tts/openai-compatible.js of SillyTavern."""
    fields = dict(line.split(": ", 1) for line in blocks(PAGES[0])["SillyTavern"].splitlines())
    answer = requests.post(
        fields["Provider Endpoint"].replace(":9883", f":{port}"),
        json={
            "model": fields["Model"],
            "input": "你好。",
            "voice": fields["Available Voices"].split(",")[0],
            "response_format": "mp3",
            "speed": 1,
        },
        timeout=10,
    )
    assert answer.status_code == 200 and is_whole(answer.content)
