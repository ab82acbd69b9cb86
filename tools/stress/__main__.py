"""Start the service on loopback, under each server, and try to stop it; prints a table.

    python -m tools.stress [--kinds sockets ...] [--servers uvicorn ...] [--model DIR]

Bounded in count and time, under ten minutes in all. The exit status is 1 when a bar is missed.
"""

import argparse
import contextlib
import importlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from tools.stress import Row, starts

ROOT = Path(__file__).resolve().parents[2]
KEY = "a-key-of-the-stress-test"
START_SECONDS = 120
NGINX = """daemon off; pid {folder}/pid; error_log {folder}/error.log;
worker_rlimit_nofile 8192; events {{ worker_connections 4096; }}
http {{ access_log off; {limits} client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{ listen 127.0.0.1:{port} backlog=1024; {locations} }} }}
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def service(server: str, model: str, folder: Path) -> Iterator[tuple[str, int]]:
    """The address and the process id of a running service."""
    port = free_port()
    commands = {
        "uvicorn": [sys.executable, "all_api.py"],
        "gunicorn": [
            sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "all_api:app",
        ],
    }  # fmt: skip
    environment = {
        "COSYVOICE_MODEL": model,
        "PORT": str(port),
        "OUTPUT_DIR": str(folder / "output"),
        "STORE_DIR": str(folder / "store"),
    }
    command = commands["uvicorn" if server == "uvicorn" else "gunicorn"]
    with open(folder / "service.log", "ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, folder)
        if server == "nginx":
            with nginx(port, folder) as url:
                yield url, process.pid
        else:
            yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_until_ready(url: str, process: subprocess.Popen, folder: Path):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{url}/ready", timeout=2).ok:
                return
        time.sleep(0.3)
    raise RuntimeError(f"the service did not start: {(folder / 'service.log').read_text()[-2000:]}")


@contextlib.contextmanager
def nginx(service_port: int, folder: Path) -> Iterator[str]:
    """The address of an nginx before the service, with the locations of deploy/nginx.conf."""
    port = free_port()
    locations = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    locations = locations.replace("127.0.0.1:9883", f"127.0.0.1:{service_port}")
    limits = (ROOT / "deploy/nginx-limits.conf").read_text("utf-8")
    path = folder / "nginx.conf"
    text = NGINX.format(folder=folder, port=port, locations=locations, limits=limits)
    path.write_text(text, "utf-8")
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "nginx"
    process = subprocess.Popen([program, "-c", str(path), "-p", str(folder)])
    time.sleep(1)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


# Which loads which server gets, so that all of it takes less than ten minutes.
PLAN = {
    "uvicorn": ("sockets", "uploads"),
    "gunicorn": ("sockets", "voices"),
    "nginx": ("sockets",),
}


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.stress", description=__doc__)
    parser.add_argument("--servers", nargs="*", default=list(PLAN), choices=list(PLAN))
    parser.add_argument("--kinds", nargs="+", default=["sockets", "uploads", "voices", "starts"])
    parser.add_argument("--model", default="pretrained_models/CosyVoice-Mini-25Hz")
    arguments = parser.parse_args(argv)
    os.environ["API_KEY"] = KEY
    rows: list[Row] = []

    def report(server: str, new: list[Row]):
        for row in new:
            verdict = "ok " if row.ok else "BAD"
            print(f"{verdict} {server:8} {row.kind}: {row.measured} (bar: {row.bar})", flush=True)
        rows.extend(new)

    for server in arguments.servers:
        for kind in PLAN[server]:
            if kind in arguments.kinds:
                with tempfile.TemporaryDirectory() as folder:
                    with service(server, arguments.model, Path(folder)) as (url, pid):
                        module = importlib.import_module(f"tools.stress.{kind}")
                        report(server, module.run(url, pid))
    if "starts" in arguments.kinds:
        with tempfile.TemporaryDirectory() as folder:
            report("starts", starts.run(Path(folder)))
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
