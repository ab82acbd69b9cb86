"""deploy/Dockerfile and the compose files, as far as they can be checked without Docker."""

import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import requests
import yaml

from cosyvoice.serve.config import ROOT, Config
from tests.support.server import KINDS, free_port
from tests.support.waiting import wait_for

HADOLINT = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
DOCKERFILE = ROOT / "deploy/Dockerfile"
COMPOSE = ("compose.yaml", "deploy/compose.ray.yaml")
SETTINGS = {each.metadata["env"] or each.name.upper(): each.default for each in fields(Config)}
# of the store, which reads them itself, and of engines on a cluster
OTHERS = {"OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"}


def instructions() -> list[tuple[str, str]]:
    """(word, the rest) of each instruction, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.M)
    lines = text.replace("\\\n", " ").splitlines()
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines) if word
    ]


def of_kind(word: str) -> list[str]:
    return [rest for kind, rest in instructions() if kind == word]


def copies() -> list[tuple[list[str], str]]:
    """(sources, target) of each COPY from the repository."""
    split = [rest.split() for rest in of_kind("COPY") if not rest.startswith("--from")]
    return [(words[:-1], words[-1]) for words in split]


IGNORED = [
    line
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def is_ignored(path: str) -> bool:
    """Whether Docker leaves a path out: the last pattern that matches it or a parent says."""
    parts, ignored = path.split("/"), False
    parents = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    for pattern in IGNORED:
        name = pattern.removeprefix("!").removeprefix("**/")
        tried = parts if pattern.startswith("**/") else parents
        if any(
            each.count("/") == name.count("/") and fnmatch.fnmatchcase(each, name) for each in tried
        ):
            ignored = not pattern.startswith("!")
    return ignored


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "-c", "core.quotePath=false", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8",
    )  # fmt: skip
    return listed.stdout.splitlines()


def compose(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))["services"]


@pytest.mark.skipif(not HADOLINT, reason="no hadolint here")
def test_dockerfile_is_clean():
    done = subprocess.run([HADOLINT, str(DOCKERFILE)], capture_output=True, text=True)
    assert not done.returncode and not done.stdout, done.stdout


def test_every_source_exists_and_reaches_the_builder():
    for sources, _ in copies():
        for source in sources:
            found = sorted(ROOT.glob(source))
            assert found, source
            assert not any(is_ignored(str(each.relative_to(ROOT))) for each in found), source


def test_the_builder_gets_what_it_copies_and_nothing_else():
    sent = {path.split("/")[0] for path in tracked() if not is_ignored(path)}
    copied = {source.split("/")[0] for sources, _ in copies() for source in sources}
    assert sent == copied
    assert is_ignored("pretrained_models/CosyVoice-300M-25Hz/llm.pt")
    assert is_ignored("cosyvoice/cli/__pycache__/voice.pyc") and is_ignored(".git/config")
    assert not is_ignored("cosyvoice/serve/page/index.html")


def test_the_service_runs_as_nobody_in_particular_and_can_write_where_it_must():
    user = of_kind("USER")[-1]
    assert user == "10001" and re.search(rf"useradd --uid {user}\b", " ".join(of_kind("RUN")))
    volumes = json.loads(of_kind("VOLUME")[0])
    named = {"OUTPUT_DIR", "STORE_DIR", "REFERENCE_DIR"}
    assert set(volumes) == {f"/app/{SETTINGS[name].relative_to(ROOT)}" for name in named}
    owned = re.search(r"chown speech (.*)", " ".join(of_kind("RUN")))[1].split()
    assert owned == ["output", "local_store"]  # references are only read


def test_ports_agree():
    port = str(SETTINGS["PORT"])
    assert of_kind("EXPOSE") == [port] and f"PORT={port}" in " ".join(of_kind("ENV"))
    assert "/health" in of_kind("HEALTHCHECK")[0] and "PORT" in of_kind("HEALTHCHECK")[0]
    speech, nginx = compose("compose.yaml").values()
    assert speech["expose"] == [port] and "ports" not in speech  # nginx alone is reached
    proxy = (ROOT / "deploy/nginx-compose.conf").read_text("utf-8")
    assert f"server speech:{port} " in proxy and "listen 8080;" in proxy
    assert nginx["ports"] == ["${LISTEN:-127.0.0.1:9883}:8080"]


@pytest.mark.parametrize("name", COMPOSE)
def test_variables_of_the_services_are_settings_with_the_same_defaults(name):
    for service in compose(name).values():
        for variable, value in service.get("environment", {}).items():
            assert variable in SETTINGS or variable in OTHERS, variable
            default = re.fullmatch(r"\$\{(\w+):-(.*)\}", str(value))
            if default and variable in SETTINGS and variable != "ALLOWED_HOSTS":
                assert default[1] == variable
                assert default[2] == f"{SETTINGS[variable]}".removesuffix(".0"), variable


@pytest.mark.parametrize("name", COMPOSE)
def test_every_path_of_the_compose_files_exists(name):
    for service in compose(name).values():
        for volume in service.get("volumes", []):
            source, target = volume.split(":")[:2]
            assert not source.startswith("./") or (ROOT / source).exists(), source
            assert (
                not target.startswith("/app/")
                or (ROOT / target[5:]).exists()
                or (target[5:] == "local_store")
            )
        if "build" in service:
            assert service["build"]["dockerfile"] == "deploy/Dockerfile"
            declared = {rest.partition("=")[0] for rest in of_kind("ARG")}
            assert set(service["build"]["args"]) <= declared


@pytest.mark.server
@pytest.mark.skipif(not NGINX, reason="no nginx here")
def test_nginx_takes_the_configuration_of_compose(tmp_path):
    """But for `resolve`, which needs nginx 1.27.3, and Docker's name server."""
    locations = tmp_path / "speech.conf"
    text = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    locations.write_text(text.replace("127.0.0.1:9883", "speech_service"), "utf-8")
    server = (ROOT / "deploy/nginx-compose.conf").read_text("utf-8")
    for written, here in {
        "/deploy/nginx-limits.conf": str(ROOT / "deploy/nginx-limits.conf"),
        "/tmp/speech.conf": str(locations),
        "speech:9883 resolve": "127.0.0.1:9883",
        "listen 8080": f"listen 127.0.0.1:{free_port()}",
    }.items():
        assert written in server
        server = server.replace(written, here)
    path = tmp_path / "nginx.conf"
    path.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{server}\n}}\n", "utf-8")
    done = subprocess.run(
        [NGINX, "-t", "-c", path, "-e", tmp_path / "error.log"], capture_output=True, text=True
    )
    assert "test is successful" in done.stderr, done.stderr


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.skipif("gunicorn" not in KINDS, reason="no gunicorn here")
def test_the_service_starts_from_what_the_image_holds(tmp_path):
    for sources, target in copies():
        if sources[0] != "requirements.txt":  # those of the first stage
            for source in (each for pattern in sources for each in ROOT.glob(pattern)):
                place = tmp_path / target
                into = place / source.name if target.endswith("/") else place
                into.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if source.is_dir() else shutil.copy
                copy(source, into)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "HOST": "127.0.0.1", "PORT": str(port),
    }  # fmt: skip
    command = json.loads(of_kind("CMD")[0])
    log = tmp_path / "log.txt"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=tmp_path, env=environment, stdout=out, stderr=out
        )
    try:
        wait_for(lambda: is_healthy(port, process, log), 60)
        speakers = requests.get(f"http://127.0.0.1:{port}/speakers", timeout=10).json()
        assert speakers["speakers"][0]["model"].startswith("CosyVoice-Mini")
        assert requests.get(f"http://127.0.0.1:{port}/", timeout=10).ok  # the page's files
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def is_healthy(port: int, process: subprocess.Popen, log: Path) -> bool:
    assert process.poll() is None, log.read_text("utf-8")
    check = re.search(r'"-c", (".*")\]', of_kind("HEALTHCHECK")[0])
    return not subprocess.run(
        [sys.executable, "-c", json.loads(check[1])],
        env={**os.environ, "PORT": str(port)},
        capture_output=True,
    ).returncode
