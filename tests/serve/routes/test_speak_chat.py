"""docs/speak_chat.py: a chat that is streamed becomes sound, with real sockets on both sides."""

import http.server
import importlib.util
import json
import threading

import pytest

from tests.support.fake_engine import FakeEngine
from tests.support.server import ROOT
from tests.support.waiting import wait_for

pytest.importorskip("openai")


@pytest.fixture
def example():
    spec = importlib.util.spec_from_file_location("speak_chat", ROOT / "docs/speak_chat.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Chat(http.server.BaseHTTPRequestHandler):
    """A chat model; it writes the last piece when the first sentence is being spoken."""

    pieces = ["你", "好，", "世界。", "今天", "3", ".5 度"]

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in self.pieces:
            if piece == self.pieces[-1]:
                wait_for(lambda: FakeEngine.calls)
            choice = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
            event = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
            self.wfile.write(f"data: {json.dumps({**event, 'choices': [choice]})}\n\n".encode())
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *args):
        pass


@pytest.fixture
def chat(monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    yield server
    server.shutdown()
    server.server_close()


def test_a_chat_is_spoken_while_it_is_written(example, chat, running_service, tmp_path):
    _, host = running_service()
    path = tmp_path / "answer.mp3"
    example.main(["问题", "--service", f"http://{host}", "-o", str(path)])
    assert [call["text"] for _, call in FakeEngine.calls] == ["你好，世界。", "今天3.5 度"]
    assert path.read_bytes()[:1] == b"\xff" and path.stat().st_size > 5000


def test_an_error_of_the_chat_or_the_service_is_raised(example, running_service):
    _, host = running_service()

    def broken():
        yield "你好。"
        raise ValueError("the chat broke")

    with pytest.raises(ValueError, match="the chat broke"):
        list(example.speak(broken(), f"http://{host}", voice="中文女"))
    with pytest.raises(RuntimeError, match="unknown_voice"):
        list(example.speak([], f"http://{host}", voice="谁"))
