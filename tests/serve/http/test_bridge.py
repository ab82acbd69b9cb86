"""The server by itself: a small WSGI app behind the Gate and the Bridge, on a real socket."""

import contextlib
import http.client
import json
import socket
import threading
import time

import pytest
import uvicorn

from cosyvoice.serve import server as servers
from cosyvoice.serve.http import bridge as bridges
from cosyvoice.serve.http import gate as gates
from cosyvoice.serve.http.bridge import Bridge
from tests.support.waiting import wait_for

LIMIT = 5000  # bytes of a body


class App:
    """A WSGI app that says what it was asked; its path says how."""

    def __init__(self):
        self.seen = []  # environments
        self.closed = threading.Event()

    def __call__(self, environ, start_response):
        self.seen.append(environ)
        path = environ["PATH_INFO"]
        if path == "/endless":
            start_response("200 OK", [])
            return self.endless()
        if path == "/short":
            start_response("200 OK", [("Content-Length", "10")])
            return [b"12345"]
        if path == "/none":
            start_response("204 NO CONTENT", [])
            return []
        body = environ["wsgi.input"].read()
        size = int(environ["QUERY_STRING"] or 0)
        answer = body + b"x" * size
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer]

    def endless(self):
        try:
            while True:
                yield b"x" * 10_000
        finally:
            self.closed.set()


@pytest.fixture
def running(monkeypatch):
    """A function that starts the server with some constants of its modules changed."""
    stops = []

    def start(connections=gates.MAX_CONNECTIONS, **constants):
        for name, value in constants.items():
            for module in (gates, bridges):
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, value)
        monkeypatch.setattr(servers, "open_files", lambda: connections + servers.OTHER_FILES)
        app = App()
        listener = servers.listen("127.0.0.1", 0)
        options = uvicorn.Config(
            Bridge(app, 2, lambda content_type, path: LIMIT),
            timeout_graceful_shutdown=1,
            **servers.settings(),
        )
        server = uvicorn.Server(options)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        stops.append((server, thread))
        wait_for(lambda: server.started)
        app.port = listener.getsockname()[1]
        return app

    yield start
    for server, thread in stops:
        server.should_exit = True
        thread.join(10)


def connect(app) -> socket.socket:
    return socket.create_connection(("127.0.0.1", app.port), timeout=10)


def ask(app, path="/", method="GET", body=None, headers=None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=10)
    connection.request(method, path, body, headers or {})
    return connection.getresponse()


def ends(connection: socket.socket) -> bool:
    """Whether the server closes the connection within ten seconds."""
    with contextlib.suppress(ConnectionError):
        while connection.recv(1 << 16):
            pass
    return True


@pytest.mark.parametrize("method, path", [("GET", "/?3"), ("HEAD", "/?3"), ("GET", "/none")])
def test_a_connection_serves_one_request_after_another(running, method, path):
    app = running()
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=10)
    for _ in range(50):
        connection.request(method, path)
        answer = connection.getresponse()
        assert answer.read() == (b"xxx" if method == "GET" and path == "/?3" else b"")
    assert len({environ["REMOTE_PORT"] for environ in app.seen}) == 1


def test_a_body_comes_whole_however_it_is_sent(running):
    app = running()
    assert ask(app, method="POST", body=b"whole").read() == b"whole"
    parts = iter([b"in ", b"parts"])
    assert ask(app, method="POST", body=parts).read() == b"in parts"
    assert [e["CONTENT_LENGTH"] for e in app.seen] == ["5", "8"]


def test_headers_with_an_underscore_are_dropped(running):
    app = running()
    ask(app, headers={"X-Request-ID": "right", "X_Request_ID": "wrong"}).read()
    assert app.seen[0]["HTTP_X_REQUEST_ID"] == "right"


def test_a_body_over_its_limit_is_refused_before_it_is_read(running):
    app = running()
    answer = ask(app, method="POST", body=b"", headers={"Content-Length": str(LIMIT + 1)})
    assert answer.status == 413 and json.loads(answer.read())["code"] == "body_too_large"
    answer = ask(app, "/v1/x", "POST", iter([b"x" * 3000] * 2))
    assert answer.status == 413 and "error" in json.loads(answer.read())["error"]["type"]
    assert not app.seen


def test_all_bodies_together_are_bounded(running):
    app = running(ALL_BODIES=6000)
    first = connect(app)
    first.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n" + b"x" * 3900)
    time.sleep(0.3)
    answer = ask(app, method="POST", body=b"x" * 4000)
    assert answer.status == 503 and answer.headers["Retry-After"]
    first.sendall(b"x" * 100)
    assert first.recv(100).startswith(b"HTTP/1.1 200")
    first.close()
    wait_for(lambda: ask(app, method="POST", body=b"x" * 4000).status == 200)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow:",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1",
    ],
    ids=["nothing", "head", "body"],
)
def test_a_client_who_does_not_go_on_is_disconnected(running, sent):
    app = running(HEAD_SECONDS=0.3, BODY_SECONDS=0.3)
    connection = connect(app)
    connection.sendall(sent)
    begin = time.monotonic()
    assert ends(connection) and 0.2 < time.monotonic() - begin < 5


def test_a_body_that_comes_a_byte_at_a_time_has_a_deadline_in_all(running):
    app = running(BODY_SECONDS_IN_ALL=0.5)
    connection = connect(app)
    connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n")
    begin = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - begin < 8:
            connection.sendall(b"x")
            time.sleep(0.05)
    assert time.monotonic() - begin < 5 and not app.seen
    connection.close()


def test_a_client_who_does_not_read_is_disconnected_and_the_app_stops(running):
    app = running(SEND_SECONDS=0.3, OUTBOX=100_000)
    connection = connect(app)
    connection.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    assert app.closed.wait(10)
    connection.close()


def test_a_client_who_leaves_stops_the_app(running):
    app = running(OUTBOX=100_000)
    connection = connect(app)
    connection.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.recv(100)
    connection.close()
    assert app.closed.wait(10)


def test_unread_answers_hold_no_thread(running):
    app = running()
    readers = [connect(app) for _ in range(6)]
    for reader in readers:
        reader.sendall(b"GET /?6000000 HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_for(lambda: len(app.seen) == 6)
    assert ask(app).status == 200
    for reader in readers:
        reader.close()


def test_the_client_who_has_waited_longest_makes_room(running):
    app = running(connections=5)
    idle = [connect(app) for _ in range(5)]
    assert ask(app).status == 200
    assert ends(idle[0])
    idle[4].sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert idle[4].recv(100).startswith(b"HTTP/1.1 200")
    for connection in idle:
        connection.close()


def test_requests_sent_ahead_are_not_served(running):
    app = running()
    connection = connect(app)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
    assert ends(connection) and len(app.seen) == 1


def test_an_answer_shorter_than_it_says_is_broken(running):
    with pytest.raises(http.client.IncompleteRead):
        ask(running(), "/short").read()


def test_nonsense_gets_the_form_of_errors(running):
    app = running()
    for sent, status in ((b"NONSENSE\r\n\r\n", b"400"), (b"GET /" + b"x" * 40_000, b"431")):
        connection = connect(app)
        connection.sendall(sent)
        answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 " + status) and b'"code"' in answer
