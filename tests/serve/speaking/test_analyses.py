"""Reading recordings: bounded, in order, and whoever leaves makes room."""

import io
import threading

import pytest

from cosyvoice.serve.speaking import analyses
from cosyvoice.serve.speaking.analyses import Analyses
from tests.support.jobs import CLONE, CROSS
from tests.support.sounds import wav_bytes
from tests.support.waiting import wait_for

VOICE = {"user_id": "1", "name": "v", "prompt_text": "你好"}
ENDPOINTS = [
    ("/voices/check", {}),
    ("/voices/doctor", {}),
    ("/voices", VOICE),
    ("/generate_audio", CLONE),
    ("/generate_audio", CROSS),
]


def send(api, path, fields):
    file = (io.BytesIO(wav_bytes()), "a.wav")
    return api.app.test_client().post(path, data={**fields, "prompt_speech_16k": file})


@pytest.mark.parametrize("path, fields", ENDPOINTS)
def test_every_endpoint_that_reads_a_recording_is_bounded(service, path, fields):
    api = service()
    api.analyses = Analyses(1, 0)
    with api.analyses.slots.take():
        answer = send(api, path, fields)
    assert (answer.status_code, answer.json["code"]) == (503, "busy")
    assert 1 <= int(answer.headers["Retry-After"]) < 10
    assert send(api, path, fields).status_code in (200, 201)
    assert api.analyses.slots.running == 0


def test_a_recording_waits_for_its_turn(service):
    api = service()
    api.analyses = Analyses(1, 2)
    answers = []
    with api.analyses.slots.take():
        waiting = threading.Thread(target=lambda: answers.append(send(api, "/voices/check", {})))
        waiting.start()
        wait_for(lambda: api.analyses.slots.queue)
    waiting.join()
    assert answers[0].status_code == 200


def test_a_client_who_leaves_is_not_waited_for(service, monkeypatch):
    class Gone:
        def __init__(self, environ):
            """Whoever asks."""

        def gone(self):
            return True

    api = service()
    api.analyses = Analyses(1, 2)
    monkeypatch.setattr(analyses, "client_of", Gone)
    with api.analyses.slots.take():
        assert send(api, "/voices/check", {}).status_code == 499
    assert not api.analyses.slots.queue


def test_a_recording_that_fails_makes_room(service):
    api = service()
    for _ in range(4):
        file = (io.BytesIO(b"not audio"), "a.wav")
        answer = api.app.test_client().post("/voices/check", data={"prompt_speech_16k": file})
        assert answer.status_code == 422
    assert api.analyses.slots.running == 0
