"""deploy/nginx.conf in a real nginx, before the service as gunicorn runs it.

Skipped where nginx or gunicorn is missing.
"""

import contextlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import requests
from websockets.sync.client import connect

from tests.support.jobs import SFT
from tests.support.server import KINDS, ROOT, Server, free_port, read_to_the_end
from tests.support.sounds import DELAY, decode
from tests.support.waiting import wait_for

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(not NGINX or "gunicorn" not in KINDS, reason="no nginx or no gunicorn here"),
]
HOST = "speech.example.com"
TEMPORARY = "".join(
    f"{name}_temp_path {{folder}}/{name};\n"
    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)
CONFIG = (
    "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
    "http {{ access_log off;\n{limits}\n"
    + TEMPORARY
    + "server {{ listen 127.0.0.1:{port};\n{locations}\n}} }}\n"
)


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory):
    server = Server("gunicorn", tmp_path_factory.mktemp("gunicorn"), ALLOWED_HOSTS=HOST)
    yield server
    server.process.kill()
    server.process.wait()


@pytest.fixture(scope="module")
def nginx(gunicorn, tmp_path_factory):
    """The address of an nginx before the service."""
    with running(gunicorn.port, tmp_path_factory.mktemp("nginx")) as url:
        yield url


@contextlib.contextmanager
def running(service_port: int, folder: Path, patience="5s", rate="1000r/s"):
    """An nginx as deployed, but less patient, with another rate for each address; its address."""
    port = free_port()
    locations = (
        (ROOT / "deploy/nginx.conf")
        .read_text("utf-8")
        .replace("127.0.0.1:9883", f"127.0.0.1:{service_port}")
        .replace("600s", patience)
    )
    limits = (ROOT / "deploy/nginx-limits.conf").read_text("utf-8")
    limits = limits.replace("50r/s", rate).replace(
        "burst=200", "burst=2" if rate == "1r/s" else "burst=200"
    )
    (folder / "nginx.conf").write_text(
        CONFIG.format(folder=folder, port=port, locations=locations, limits=limits), "utf-8"
    )
    process = subprocess.Popen([NGINX, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
    wait_for(lambda: reachable(port, process, folder / "error.log"), 20)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def reachable(port: int, process, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def post(nginx: str, text: str, host: str = HOST, **fields):
    return requests.post(
        f"{nginx}/generate_audio",
        json={**SFT, "tts_text": text, **fields},
        headers={"Host": host},
        stream=True,
        timeout=30,
    )


def test_sound_passes_while_it_is_made(nginx):
    began, data, first = time.monotonic(), b"", None
    for part in post(nginx, "{chunks=6 delay=0.4 size=22050}").iter_content(None):
        data, first = data + part, first or time.monotonic() - began
    assert first < 1.6 < 2.0 < time.monotonic() - began
    assert abs(len(decode(data)[0]) - DELAY - 6 * 22050) <= 1152


def test_failure_in_mid_stream_is_visible_behind_it(nginx):
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        read_to_the_end(post(nginx, "{chunks=3 fail=2 delay=0.1}"))


def test_listener_who_leaves_stops_the_work(nginx, gunicorn):
    before = gunicorn.log.read_text("utf-8").count("outcome=client_gone")
    with post(nginx, "{chunks=100 delay=0.2}") as answer:
        next(answer.iter_content(100))
    wait_for(lambda: gunicorn.log.read_text("utf-8").count("outcome=client_gone") > before, 10)
    assert post(nginx, "{chunks=1}", stream="False").ok


def test_public_name_must_be_allowed(nginx):
    assert post(nginx, "你好", host="elsewhere.example.com").status_code == 403


def test_request_keeps_its_id_and_errors_stay_json(nginx):
    answer = requests.post(
        f"{nginx}/generate_audio",
        json={},
        headers={"Host": HOST, "X-Request-ID": "behind-nginx-1"},
        timeout=30,
    )
    assert (
        answer.status_code == 400
        and answer.json()["field"] == "mode"
        and answer.headers["X-Request-ID"] == "behind-nginx-1"
    )


def is_own_error(answer, status: int, code: str, request_id: str | None = None) -> bool:
    told = answer.json()
    assert (
        answer.headers["Content-Type"] == "application/json"
        and sorted(told) == ["code", "error", "field"]
        and " / " in told["error"]
    )
    assert len(answer.headers["X-Request-ID"]) >= 8 and answer.headers["X-Request-ID"] == (
        request_id or answer.headers["X-Request-ID"]
    )
    return (answer.status_code, told["code"]) == (status, code)


def is_openai_error(answer, status: int, code: str, kind: str) -> bool:
    told = answer.json()["error"]
    assert (
        list(answer.json()) == ["error"]
        and sorted(told) == ["code", "message", "param", "type"]
        and " / " in told["message"]
    )
    return (answer.status_code, told["code"], told["type"], told["param"]) == (
        status,
        code,
        kind,
        None,
    )


def test_what_nginx_refuses_is_told_as_the_service_tells_it(nginx):
    headers = {"Host": HOST, "X-Request-ID": "behind-nginx-2"}
    assert is_own_error(
        requests.get(f"{nginx}/generate_audio_get?tts_text={'x' * 9000}", headers=headers),
        414,
        "address_too_long",
    )
    assert is_own_error(
        requests.get(f"{nginx}/health", headers={**headers, "X-Long": "x" * 9000}),
        400,
        "bad_request",
    )
    for body in (
        bytes(26_500_000),
        (bytes(500_000) for _ in range(53)),
    ):  # of known length, and chunked
        assert is_own_error(
            requests.post(f"{nginx}/generate_audio", headers=headers, data=body),
            413,
            "body_too_large",
            "behind-nginx-2",
        )


def test_what_nginx_refuses_of_openais_addresses_is_told_in_openais_form(nginx):
    headers, refused = {"Host": HOST}, "invalid_request_error"
    assert is_openai_error(
        requests.get(f"{nginx}/v1/models", headers={**headers, "X-Long": "x" * 9000}),
        400,
        "bad_request",
        refused,
    )
    assert is_openai_error(
        requests.post(f"{nginx}/v1/audio/speech", headers=headers, data=bytes(26_500_000)),
        413,
        "body_too_large",
        refused,
    )


def test_service_that_is_down_or_silent_is_told_as_the_service_tells_it(tmp_path):
    headers = {"X-Request-ID": "behind-nginx-3"}
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        with running(silent.getsockname()[1], tmp_path, patience="1s") as url:
            assert is_own_error(
                requests.get(f"{url}/health", headers=headers),
                502,
                "service_down",
                "behind-nginx-3",
            )
            assert is_openai_error(
                requests.get(f"{url}/v1/models"), 502, "service_down", "server_error"
            )
            silent.listen()
            assert is_own_error(
                requests.get(f"{url}/health", headers=headers),
                504,
                "service_timeout",
                "behind-nginx-3",
            )
            assert is_openai_error(
                requests.get(f"{url}/v1/models"), 504, "service_timeout", "server_error"
            )


def test_id_that_nginx_makes_is_the_one_in_the_log(nginx, gunicorn):
    made = requests.get(
        f"{nginx}/nothing", headers={"Host": HOST, "X-Request-ID": "short"}
    ).headers["X-Request-ID"]
    wait_for(lambda: gunicorn.lines(made))


@pytest.mark.parametrize("path", ["/health", "/v1/models"])
def test_an_address_that_asks_too_often_is_told_so(gunicorn, tmp_path, path):
    with running(gunicorn.port, tmp_path, rate="1r/s") as url:
        answers = [requests.get(url + path, headers={"Host": HOST}) for _ in range(6)]
    refused = answers[-1]
    told = refused.json()["error"] if path.startswith("/v1/") else refused.json()
    assert refused.status_code == 429 and told["code"] == "too_many_requests"
    assert refused.headers["Retry-After"] == "1" and refused.headers["X-Request-ID"]


def test_a_text_stream_passes_while_it_waits_for_text(nginx):
    headers = {"Host": HOST}
    stream = requests.post(f"{nginx}/streams", json={"voice": "中文女"}, headers=headers).json()
    answer = requests.get(nginx + stream["audio"], headers=headers, stream=True, timeout=30)
    assert answer.status_code == 200  # before there is any text
    for piece in ("你好 {chunks=1 ", "size=22050}。"):
        requests.post(nginx + stream["text"], json={"text": piece}, headers=headers)
    assert next(answer.iter_content(None))
    requests.post(nginx + stream["end"], headers=headers)
    assert answer.raw.read() is not None


def test_a_websocket_passes(nginx):
    url = f"{nginx.replace('http', 'ws')}/v1/text-to-speech/中文女/stream-input"
    with connect(url) as client:
        client.send(json.dumps({"text": "你好。"}))
        client.send(json.dumps({"text": ""}))
        messages = [json.loads(message) for message in client]
    assert messages[0]["audio"] and messages[-1]["isFinal"]


class SaysItsPort(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = str(self.server.server_port).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.mark.parametrize("page", ["streams.md", "streams.zh-CN.md"])
def test_requests_of_one_stream_reach_one_process_by_the_hash_of_the_docs(tmp_path, page):
    services = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), SaysItsPort) for _ in range(2)]
    for service in services:
        threading.Thread(target=service.serve_forever, daemon=True).start()
    lines = (ROOT / "docs" / page).read_text("utf-8").split("```nginx\n")[1].split("```")[0]
    for written, service in zip(("9883", "9884"), services):
        lines = lines.replace(f":{written}", f":{service.server_port}")
    port, proxy = free_port(), "location / { proxy_pass http://speech; }"
    config = CONFIG.format(folder=tmp_path, port=port, locations=proxy, limits=lines)
    (tmp_path / "nginx.conf").write_text(config, "utf-8")
    process = subprocess.Popen([NGINX, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log"])
    try:
        wait_for(lambda: reachable(port, process, tmp_path / "error.log"), 20)
        chosen = set()
        for number in range(20):
            id = f"my-stream-{number:04}"
            paths = ("/streams", "/streams/", f"/streams/{id}/text", f"/streams/{id}")
            headers = [{"X-Request-ID": id}] * 2 + [{"X-Request-ID": "another-id"}, {}]
            found = {
                requests.post(f"http://127.0.0.1:{port}{path}", headers=each, timeout=9).text
                for path, each in zip(paths, headers)
            }
            assert len(found) == 1
            chosen |= found
        assert len(chosen) == 2
    finally:
        process.terminate()
        process.wait(10)
        for service in services:
            service.shutdown()
            service.server_close()
