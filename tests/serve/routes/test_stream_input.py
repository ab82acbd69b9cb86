"""The WebSocket of text streams, on a real server: messages, errors, who may connect."""

import base64
import json
import socket
from urllib.parse import quote

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support.fake_engine import FakeEngine
from tests.support.waiting import wait_for

PATH = "/v1/text-to-speech/中文女/stream-input"
QUICK = "{chunks=1 size=2205}"


def talk(host, *messages, path=PATH, query="", **options) -> tuple[bytes, list[dict]]:
    """The sound and the other messages of one conversation, until the server closes it."""
    sound, others = b"", []
    with connect(f"ws://{host}{path}{query}", **options) as client:
        for message in messages:
            client.send(message if isinstance(message, str) else json.dumps(message))
        for message in client:
            values = json.loads(message)
            if values.get("audio"):
                sound += base64.b64decode(values["audio"])
            else:
                others.append(values)
    return sound, others


def texts(*pieces):
    return [{"text": piece} for piece in pieces]


def spoken():
    return [arguments["text"] for _, arguments in FakeEngine.calls]


def test_text_becomes_sound_and_an_end(running_service):
    _, host = running_service()
    first = {"text": " ", "voice_settings": {"stability": 0.5, "speed": 2}, "xi_api_key": "any"}
    sound, others = talk(host, first, *texts(f"你好 {QUICK}", "。世界 ", f"{QUICK}", ""))
    assert sound[:1] == b"\xff" and others == [{"audio": None, "isFinal": True}]
    assert spoken() == [f"你好 {QUICK}。", f"世界 {QUICK}"]
    assert {call["speed"] for _, call in FakeEngine.calls} == {2.0}


def test_it_sounds_as_over_http(running_service):
    _, host = running_service()
    pieces = (f"你好 {QUICK}。", f"世界 {QUICK}", "")
    sound, _ = talk(host, *texts(*pieces), query="?output_format=pcm_24000&seed=5")
    fields = {"voice": "中文女", "format": "pcm", "seed": 5}
    opened = requests.post(f"http://{host}/streams", json=fields, timeout=9).json()
    with requests.get(f"http://{host}{opened['audio']}", stream=True, timeout=9) as answer:
        for piece in pieces[:2]:
            requests.post(f"http://{host}{opened['text']}", json={"text": piece}, timeout=9)
        requests.post(f"http://{host}{opened['end']}", timeout=9)
        assert answer.status_code == 200 and answer.content == sound and len(sound) > 9000


def test_flush_speaks_what_is_not_whole(running_service):
    _, host = running_service()
    with connect(f"ws://{host}{PATH}") as client:
        client.send(json.dumps({"text": f"你好 {QUICK}", "flush": True}))
        assert json.loads(client.recv(timeout=9))["audio"]
        assert spoken() == [f"你好 {QUICK}"]


def test_pcm_has_the_wanted_rate(running_service):
    _, host = running_service()
    for rate in (8000, 16000, 44100):
        sound, _ = talk(host, *texts(f"你好 {QUICK}。", ""), query=f"?output_format=pcm_{rate}")
        assert len(sound) // 2 == pytest.approx(0.1 * rate, abs=5)


WRONG = [
    ("no JSON", "bad_request"),
    ([], "bad_request"),
    ({"flush": True}, "bad_value"),
    ({"text": 3}, "bad_value"),
    ({"text": "好[pause 5 apples]。"}, "text_unusable"),
    ({"text": "好", "voice_settings": {"speed": 9}}, "bad_value"),
    ({"text": "好" * 101}, "text_too_long"),
]


def test_a_wrong_message_is_told_and_ends_it(running_service):
    api, host = running_service(MAX_TEXT_CHARS=100)
    for message, code in WRONG:
        with connect(f"ws://{host}{PATH}") as client:
            client.send(message if isinstance(message, str) else json.dumps(message))
            assert json.loads(client.recv(timeout=9))["error"]["code"] == code
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=9)
            assert (client.close_code, client.close_reason) == (1008, code)
    wait_for(lambda: not api.opener.streams.open)


def test_an_engine_that_fails_is_told(running_service):
    _, host = running_service()
    with connect(f"ws://{host}{PATH}") as client:
        client.send(json.dumps({"text": "你好 {fail=0}。"}))
        assert json.loads(client.recv(timeout=9))["error"]["code"] == "internal_error"
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=9)
        assert client.close_code == 1011


def test_a_client_that_leaves_stops_the_work(running_service):
    api, host = running_service()
    with connect(f"ws://{host}{PATH}") as client:
        client.send(json.dumps({"text": "你好 {chunks=500 size=2205 delay=0.04}。"}))
        client.recv(timeout=9)
    wait_for(lambda: not api.opener.streams.open and FakeEngine.speaking == 0)


def refused(host, path=PATH, **options) -> int:
    with pytest.raises(InvalidStatus) as error, connect(f"ws://{host}{path}", **options):
        pass
    return error.value.response.status_code


def accepted(host, **options):
    with connect(f"ws://{host}{PATH}", **options) as client:
        client.send(json.dumps({"text": ""}))
        assert json.loads(client.recv(timeout=9))["isFinal"]


def test_the_handshake_is_refused_with_the_status_of_http(running_service):
    _, host = running_service()
    assert refused(host, "/v1/text-to-speech/谁/stream-input") == 404
    assert refused(host, PATH + "?output_format=ulaw_8000") == 400
    assert refused(host, "/generate_audio_get") == 404
    assert requests.get(f"http://{host}{PATH}", timeout=9).status_code == 426


def test_a_page_of_another_site_may_not_connect(running_service):
    _, host = running_service()
    assert refused(host, origin="https://evil.example") == 403
    assert refused(host, additional_headers={"Sec-Fetch-Site": "cross-site"}) == 403
    accepted(host, origin=f"http://{host}")


def test_a_page_of_an_allowed_origin_may_connect(running_service):
    _, host = running_service(CORS_ORIGINS="https://page.example")
    accepted(host, origin="https://page.example")


def test_the_key_is_asked_for_in_either_header(running_service):
    _, host = running_service(API_KEY="secret")
    assert refused(host) == 401
    assert refused(host, additional_headers={"xi-api-key": "wrong"}) == 401
    for header in ({"xi-api-key": "secret"}, {"Authorization": "Bearer secret"}):
        accepted(host, additional_headers=header)


def test_connections_are_counted_until_they_close(running_service, monkeypatch):
    from cosyvoice.serve.http.gate import Gate

    gates = []
    make = Gate.__init__
    monkeypatch.setattr(Gate, "__init__", lambda self, *a: (gates.append(self), make(self, *a))[1])
    _, host = running_service()
    (gate,) = gates
    with connect(f"ws://{host}{PATH}") as client:
        assert gate.count == 1 and not gate.owing
        client.send(json.dumps({"text": f"你好 {QUICK}。"}))
        client.recv(timeout=9)
    wait_for(lambda: gate.count == 0 and not gate.owing)


def test_the_service_stops_while_one_waits(running_service):
    _, host = running_service()
    waiting = connect(f"ws://{host}{PATH}").__enter__()  # open until the end of the fixture
    assert waiting.ping().wait(9)


def test_a_handshake_that_is_wrong_is_refused_and_forgotten(running_service):
    _, host = running_service()
    address, port = host.split(":")
    with socket.create_connection((address, int(port)), timeout=9) as client:
        lines = (f"GET {quote(PATH)} HTTP/1.1", f"Host: {host}", "Connection: Upgrade")
        client.sendall("\r\n".join((*lines, "Upgrade: websocket", "", "")).encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 4")
    assert requests.get(f"http://{host}/health", timeout=9).ok
