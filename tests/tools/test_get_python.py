"""run.sh where no Python fits: tools/launch.sh gets uv from a mirror and, with it, a Python.

A server stands in for the mirror. The uv that it has is a script that notes how it is called and
lays a Python where the real one would.
"""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = "bash uname dirname grep cut mkdir rm mv chmod cat ln env curl sha256sum unzip".split()
ROW = re.compile(r"(Linux-x86_64|Linux-aarch64|Darwin-arm64|Windows-AMD64) [0-9a-f]{64} \S+\.whl")
UV = f"""#!/usr/bin/env bash
env | grep "^UV_" > "$UV_PYTHON_INSTALL_DIR/environment"; echo "$@" > "$UV_PYTHON_INSTALL_DIR/asked"
bin="$UV_PYTHON_INSTALL_DIR/cpython-3.12.1-linux/bin"
mkdir -p "$bin" && ln -s {sys.executable} "$bin/python3"
"""


pytestmark = pytest.mark.skipif(
    os.name == "nt" or not all(map(shutil.which, TOOLS)), reason="needs bash, curl and unzip"
)


def wheel(script=UV) -> bytes:
    """The same bytes at any time: its files have a date of their own, not the clock's."""
    with zipfile.ZipFile(data := io.BytesIO(), "w") as archive:
        for name, text in (("uv/__init__.py", ""), ("uv-0.13.9.data/scripts/uv", script)):
            file = zipfile.ZipInfo(name)
            file.external_attr = 0o600 << 16
            archive.writestr(file, text)
    return data.getvalue()


@pytest.fixture
def mirror(tmp_path):
    """(folder, address) of a server of files."""
    (folder := tmp_path / "mirror").mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(tmp_path):
    """The launcher in a folder with a space and Chinese characters; launch.py tells who runs it."""
    (tools := tmp_path / "我的 语音" / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools/launch.sh", tools)
    shutil.copy(ROOT / "run.sh", tools.parent)
    (tools / "launch.py").write_text("import sys; print(sys.executable, sys.argv[1:])")
    machine = os.uname()
    (tools / "uv.txt").write_text(
        f"{machine.sysname}-{machine.machine} {hashlib.sha256(wheel()).hexdigest()} 3d/uv.whl\n"
    )
    return tools.parent


@pytest.fixture
def start(project, mirror, tmp_path):
    """A function that runs run.sh with a PATH of a few tools, and of the programs it is given."""
    (links := tmp_path / "links").mkdir()
    (programs := tmp_path / "programs").mkdir()  # apart: nothing is ever written through a link
    for name in TOOLS:
        (links / name).symlink_to(shutil.which(name))

    def run(**scripts: str):
        for name, script in scripts.items():
            (programs / name).write_text(f"#!/usr/bin/env bash\n{script}\n")
            (programs / name).chmod(0o755)
        return subprocess.run(
            [links / "bash", project / "run.sh", "--port", "1"],
            env={
                "PATH": f"{programs}:{links}",
                "COSYVOICE_UV_URL": f"{mirror[1]}/",
                "HOME": str(tmp_path),
            },
            capture_output=True,
            text=True,
        )

    return run


def offer(folder: Path, data: bytes) -> None:
    (folder / "3d").mkdir(exist_ok=True)
    (folder / "3d/uv.whl").write_bytes(data)


def test_a_python_is_got_for_the_folder_alone_and_used_again(start, project, mirror):
    offer(mirror[0], wheel())
    ran = start(python3="exit 9", python="echo 'Python was not found'; exit 1")
    own = project / ".python"
    assert ran.returncode == 0 and "getting one into .python" in ran.stdout
    assert "正在下载一份到 .python" in ran.stdout and ran.stdout.endswith("['--port', '1']\n")
    assert (own / "asked").read_text() == "python install 3.12\n"
    told = dict(line.split("=", 1) for line in (own / "environment").read_text().splitlines())
    assert told["UV_PYTHON_INSTALL_DIR"] == str(own) and told["UV_PYTHON_INSTALL_BIN"] == "0"
    assert Path(told["UV_CACHE_DIR"]).parent == own and told["UV_NO_CONFIG"] == "1"
    shutil.rmtree(mirror[0] / "3d")
    again = start()
    assert again.returncode == 0 and "getting" not in again.stdout
    assert str(own.relative_to(project)) in again.stdout or str(own) in again.stdout


def test_a_python_of_the_path_that_fits_is_used(start, project):
    fitting = f'exec {sys.executable} "$@"'
    ran = start(python3="exit 1", **{"python3.11": fitting})
    assert ran.returncode == 0 and "getting" not in ran.stdout
    assert not (project / ".python").exists()


def test_what_is_not_the_expected_file_is_never_run(start, project, mirror):
    offer(mirror[0], wheel() + b"more")
    ran = start()
    assert ran.returncode == 1 and "SHA-256" in ran.stderr and "COSYVOICE_UV_URL" in ran.stderr
    assert list((project / ".python").iterdir()) == []


def test_a_mirror_without_the_file_is_named(start, mirror):
    ran = start()
    assert ran.returncode == 1 and f"{mirror[1]}/3d/uv.whl" in ran.stderr
    assert "install Python 3.10 to 3.13 yourself" in ran.stderr and "请检查网络" in ran.stderr


def test_a_python_that_cannot_be_had_is_told_with_its_mirror(start, mirror, project):
    offer(mirror[0], data := wheel("#!/usr/bin/env bash\nexit 2\n"))
    rows = project / "tools/uv.txt"
    expected, got = (hashlib.sha256(each).hexdigest() for each in (wheel(), data))
    rows.write_text(rows.read_text().replace(expected, got))
    ran = start()
    assert ran.returncode == 1 and "UV_PYTHON_INSTALL_MIRROR" in ran.stderr


def test_every_platform_has_a_pinned_uv():
    rows = (ROOT / "tools/uv.txt").read_text("utf-8").splitlines()[1:]
    assert len(rows) == 4 and all(ROW.fullmatch(row) for row in rows)
    assert len({re.search(r"uv-([\d.]+)-", row)[1] for row in rows}) == 1


def test_the_windows_launchers_have_the_form_that_their_readers_need():
    """cmd reads by code page and line ends; PowerShell 5 needs a mark to read UTF-8."""
    batch = (ROOT / "run.bat").read_bytes()
    assert batch.isascii() and batch.count(b"\n") == batch.count(b"\r\n") > 10
    script = (ROOT / "tools/get_python.ps1").read_bytes()
    assert script.startswith(b"\xef\xbb\xbf") and script.count(b"\n") == script.count(b"\r\n")


def test_the_batch_file_has_no_block_in_parentheses_and_every_label():
    """In a block, %VARIABLES% have the values from before it and a ) in a path ends it."""
    lines = (ROOT / "run.bat").read_text("ascii").splitlines()
    assert not [line for line in lines if line.rstrip().endswith("(") or line.startswith(")")]
    labels = {line[1:].lower() for line in lines if line.startswith(":")}
    text = "\n".join(line for line in lines if not line.startswith("rem "))
    assert set(re.findall(r"\b(?:goto |call :)(\w+)", text)) == labels
    assert "python.exe" in text and "Store" not in text
