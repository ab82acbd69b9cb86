"""The service in a process of its own, as uvicorn or gunicorn runs it."""

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import requests

from tests.support.jobs import SFT
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
KINDS = [
    "uvicorn",
    *(["gunicorn"] if importlib.util.find_spec("gunicorn") and os.name != "nt" else []),
]
FAKE_SERVER = [sys.executable, "-m", "tests.support.fake_server"]
LINUX = sys.platform.startswith("linux")


def free_port() -> int:
    """A free port of 127.0.0.1."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def read_to_the_end(answer: requests.Response) -> bytes:
    return answer.content


def send(
    port: int, body: bytes, length: int | None = None, path="/generate_audio"
) -> socket.socket:
    """A connection that has sent a request of JSON; length: of the body, as the header gives it."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    head = (
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {length or len(body)}",
    )
    connection.sendall("\r\n".join((*head, "", "")).encode() + body)
    return connection


def figure(url: str, name: str) -> float:
    """A figure of /metrics without labels, such as queue_length, of the service at that address."""
    figures = requests.get(url.rstrip("/") + "/metrics", timeout=10).text
    return float(re.search(rf"^cosyvoice_{name} (\S+)", figures, re.M)[1])


class Server:
    """A running service in a folder of its own."""

    def __init__(self, kind: str, folder: Path, **environment):
        self.port = free_port()
        self.kind, self.folder, self.log = kind, folder, folder / "log.txt"
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            **os.environ,
            "COSYVOICE_MODEL": str(folder),
            "OUTPUT_DIR": str(folder / "output"),
            "STORE_DIR": str(folder / "store"),
            "PORT": str(self.port),
            "MAX_CONCURRENT": "1",
            "MAX_QUEUE": "1",
            "REQUEST_TIMEOUT": "3",
            "GRACE_OF_TEST": "1",
            **environment,
        }
        command = {
            "uvicorn": FAKE_SERVER,
            "gunicorn": [
                sys.executable,
                "-m",
                "gunicorn",
                "-c",
                "deploy/gunicorn.conf.py",
                "--access-logfile",
                "-",
                "--access-logformat",
                "%(m)s %(U)s %(s)s",
                "tests.support.fake_server:app",
            ],
        }[kind]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environ,
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
        )
        wait_for(self.answers, 120)

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(self.url + "/ready", timeout=2).ok
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout):
            return False

    def post(self, text: str, **fields):
        options = {name: fields.pop(name) for name in ("timeout", "headers") if name in fields}
        return requests.post(
            self.url + "/generate_audio",
            json={**SFT, "tts_text": text, **fields},
            stream=True,
            **{"timeout": 30, **options},
        )

    def raw(self, body: bytes, length: int | None = None, path="/generate_audio") -> socket.socket:
        return send(self.port, body, length, path)

    def lines(self, request_id: str) -> list[str]:
        return [
            line
            for line in self.log.read_text("utf-8").splitlines()
            if request_id in line and "outcome=" in line
        ]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(30)
