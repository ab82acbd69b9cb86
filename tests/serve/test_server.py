"""The service behind real sockets: in uvicorn, as all_api.py runs it, and in gunicorn."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path

import pytest
import requests

from tests.support.jobs import SFT
from tests.support.server import (
    FAKE_SERVER,
    KINDS,
    LINUX,
    ROOT,
    Server,
    figure,
    read_to_the_end,
)
from tests.support.sounds import DELAY, decode, read_wav
from tests.support.waiting import wait_for

pytestmark = pytest.mark.server


@pytest.fixture(scope="module", params=KINDS)
def server(request, tmp_path_factory):
    server = Server(request.param, tmp_path_factory.mktemp(request.param))
    yield server
    server.process.kill()
    server.process.wait()


@pytest.fixture(autouse=True)
def idle(request):
    """Every test starts with a free model."""
    if "server" in request.fixturenames:
        server = request.getfixturevalue("server")
        wait_for(lambda: server.post("{chunks=1}", stream="False").ok)


def test_sound_comes_while_it_is_made(server):
    answer = server.post("{chunks=6 delay=0.3 size=22050}")
    begin, data = time.monotonic(), b""
    for part in answer.iter_content(None):
        data += part
        if len(data) == len(part):
            first = time.monotonic() - begin
    assert (
        answer.headers["Transfer-Encoding"] == "chunked"
        and first < 0.5 < 1.0 < time.monotonic() - begin
    )
    assert abs(len(decode(data)[0]) - DELAY - 6 * 22050) <= 1152


def test_whole_answer_says_its_length(server):
    answer = server.post("你好", stream="False")
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert len(read_wav(answer.content)) == 90000


def test_failure_in_mid_stream_is_visible(server):
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        read_to_the_end(server.post("{chunks=3 fail=2 delay=0.1}"))


@pytest.mark.slow
def test_stall_in_mid_stream_is_visible(server):
    answer = server.post("{chunks=2 hang=1}", headers={"X-Request-ID": f"stall-{server.port}"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        read_to_the_end(answer)
    wait_for(
        lambda: any("outcome=stalled" in line for line in server.lines(f"stall-{server.port}"))
    )
    wait_for(lambda: server.post("{chunks=1}", stream="False").ok, 20)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(
    "text",
    ["{chunks=100 delay=0.2}", "{chunks=2 delay=20}", "{chunks=2 size=44100 delay=20}"],
    ids=["streaming", "before the first byte", "long steps"],
)
def test_client_who_leaves_stops_the_work_at_once(server, text, reset):
    name = f"gone-{server.port}-{time.monotonic_ns()}"
    connection = server.raw(json.dumps({**SFT, "tts_text": text}).encode())
    if "delay=0.2" in text:
        connection.recv(1000)
    time.sleep(0.3)
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    begin = time.monotonic()
    answer = server.post("{chunks=1}", stream="False", headers={"X-Request-ID": name})
    assert answer.ok and time.monotonic() - begin < 2.5
    wait_for(lambda: "outcome=client_gone" in server.log.read_text("utf-8"))


def test_client_who_leaves_the_queue_makes_room(server):
    with server.post("{chunks=100 delay=0.5}") as running:
        parts = running.iter_content(100)  # while it lives, the connection stays open
        next(parts)
        with server.raw(json.dumps({**SFT, "tts_text": "你好"}).encode()):
            wait_for(lambda: figure(server.url, "queue_length") == 1)
        wait_for(lambda: figure(server.url, "queue_length") == 0)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(server.post, "{chunks=1}")
            wait_for(lambda: figure(server.url, "queue_length") == 1)
            assert server.post("{chunks=1}").status_code == 503
            running.close()
            assert waiting.result().ok


def test_too_many_are_refused_at_once(server):
    with ThreadPoolExecutor(1) as pool, server.post("{chunks=100 delay=0.5}"):
        waiting = pool.submit(server.post, "{chunks=1}")
        wait_for(lambda: figure(server.url, "queue_length") == 1)
        begin = time.monotonic()
        refused = server.post("{chunks=1}")
        assert (
            refused.status_code == 503
            and int(refused.headers["Retry-After"]) >= 1
            and refused.json()["code"] == "busy"
        )
        assert requests.get(server.url + "/health").ok and time.monotonic() - begin < 1
    assert waiting.result().ok


def test_slow_reader_does_not_hold_the_model(server):
    with server.post("{chunks=6 size=441000}") as slow:
        parts = slow.iter_content(10)  # while it lives, the connection stays open
        next(parts)
        assert server.post("{chunks=1}", stream="False").ok


@pytest.mark.parametrize("path", ["/generate_audio", "/v1/audio/speech"])
def test_body_of_100_mb_is_413_in_the_form_of_the_address(server, path):
    with server.raw(b"{", 100_000_000, path) as connection, HTTPResponse(connection) as answer:
        answer.begin()
        told = json.loads(answer.read())
    assert answer.status == 413
    assert (told["error"] if path.startswith("/v1/") else told)["code"] == "body_too_large"


@pytest.mark.parametrize(
    "head",
    ["NONSENSE", "GET /health?{long} HTTP/1.1", "GET /health HTTP/1.1\r\nX-Long: {long}"],
    ids=["nonsense", "address", "headers"],
)
def test_what_the_server_itself_refuses_has_the_form_of_errors(server, head):
    head = head.format(long="x" * 33_000)
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection,
        connection.makefile("rb") as file,
    ):
        connection.sendall(f"{head}\r\n\r\n".encode())
        first, *headers, body = file.read().decode().splitlines()
    told = json.loads(body)
    assert (
        first.split()[1] in ("400", "414", "431")
        and sorted(told) == ["code", "error", "field"]
        and " / " in told["error"]
    )
    assert told["code"] != "http_error" and any(
        line.lower().startswith("x-request-id: ") for line in headers
    )


def test_chunked_body_is_read_and_limited(server):
    body = json.dumps(SFT).encode()
    headers = {"Content-Type": "application/json"}
    assert requests.post(
        server.url + "/generate_audio", data=iter([body[:9], body[9:]]), headers=headers
    ).ok
    try:
        answer = requests.post(
            server.url + "/generate_audio",
            data=(b" " * 1_000_000 for _ in range(25)),
            headers=headers,
        )
        assert answer.status_code == 413
    except requests.exceptions.ConnectionError:
        pass  # the server hung up while the body was still coming


def test_query_holds_a_text_of_some_length(server):
    assert requests.get(server.url + "/generate_audio_get", params={"tts_text": "字" * 880}).ok


def test_log_has_no_text_and_no_query(server):
    requests.get(server.url + "/generate_audio_get", params={"tts_text": "秘密", "seed": "987654"})
    with contextlib.suppress(requests.exceptions.ChunkedEncodingError):
        requests.get(
            server.url + "/generate_audio_get",
            params={"tts_text": "{chunks=2 fail=1}秘密", "seed": "987654"},
        )
    time.sleep(0.3)
    log = server.log.read_text("utf-8")
    assert (
        "秘密" not in log and "%E7%A7%98" not in log and "987654" not in log and "seed=" not in log
    )


def children(server) -> list[int]:
    """The processes that the server has started; Linux only."""
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Whether the process lives; one that has ended and is not yet reaped does not. Linux only."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_hundreds_of_requests_leave_nothing_behind(server):
    pid = children(server)[0] if server.kind == "gunicorn" else server.process.pid

    def state():
        memory = int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])
        return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd")), memory

    def burst(n):
        for i in range(n):
            text = ["{chunks=1 size=5000}", "{chunks=2 fail=1}", "{chunks=0}", " "][i % 4]
            try:
                read_to_the_end(server.post(text, stream=["True", "False"][i // 4 % 2]))
            except requests.exceptions.ChunkedEncodingError:
                pass

    burst(40)
    wait_for(lambda: server.post("{chunks=1}", stream="False").ok)
    time.sleep(0.5)
    threads, files, memory = state()
    burst(200)
    wait_for(lambda: state()[0] <= threads + 2 and state()[1] <= files + 3)
    assert state()[2] < memory + 20_000
    assert len([p for p in (server.folder / "output").iterdir()]) == 2 and not list(
        (server.folder / "output").glob(".work-*/*")
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("kind", KINDS)
def test_end_and_killing(kind, tmp_path):
    server = Server(kind, tmp_path)
    worker = children(server)[0] if kind == "gunicorn" and LINUX else None
    server.stop(signal.SIGKILL)
    if worker:
        wait_for(lambda: not is_running(worker))  # it notices that the master is gone
    elif kind == "gunicorn":
        time.sleep(1.5)
    assert len(list((tmp_path / "output").glob(".work-*"))) <= 1
    server = Server(kind, tmp_path)
    assert len(list((tmp_path / "output").glob(".work-*"))) == 1
    assert server.stop() == 0
    assert [path.name for path in (tmp_path / "output").iterdir()] == [".leases"]
    assert "Traceback" not in server.log.read_text("utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not LINUX or "gunicorn" not in KINDS, reason="reads /proc")
def test_killed_worker_is_replaced_and_the_other_keeps_its_files(tmp_path):
    def folders():
        return {path.name for path in (tmp_path / "output").glob(".work-*")}

    server = Server("gunicorn", tmp_path, GUNICORN_CMD_ARGS="--workers 2")
    try:
        wait_for(lambda: len(folders()) == 2, 60)
        before = folders()
        os.kill(children(server)[0], signal.SIGKILL)
        wait_for(lambda: "left by a process that has ended" in server.log.read_text("utf-8"), 60)
        wait_for(lambda: folders() - before, 60)  # the new worker sweeps, then makes its own
        after = folders()
        assert len(after) == 2 and len(before & after) == 1
        with ThreadPoolExecutor(4) as pool:
            texts = ["{chunks=2}"] * 6
            assert all(
                answer.status_code in (200, 503)
                for answer in pool.map(lambda text: server.post(text, stream="False"), texts)
            )
    finally:
        server.stop()


@pytest.mark.slow
def test_port_in_use_is_told(server):
    done = subprocess.run(
        FAKE_SERVER,
        cwd=ROOT,
        env=server.environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1 and "--port" in done.stderr and "Traceback" not in done.stderr
