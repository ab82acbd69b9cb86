"""A book survives kill -9 of the service: every part once, and the bytes of one never stopped."""

import pytest
import requests

from tests.support.server import Server
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.server, pytest.mark.slow]
TEXT = "".join(
    f"第{chapter}章\n" + "".join(f"{{chunks=1 size=3000 delay=0.06}}第{n}句。\n" for n in range(8))
    for chapter in range(1, 4)
)
FIELDS = {"mode": "预训练音色", "spk_id": "中文女", "tts_text": TEXT, "seed": 7, "title": "山风"}


def test_a_book_killed_three_times_is_that_of_a_run_without_a_stop(tmp_path):
    server = Server("uvicorn", tmp_path)
    try:
        id = requests.post(server.url + "/jobs", json=FIELDS, timeout=10).json()["id"]
        for done in (5, 12, 19):
            wait_for(lambda: state(server, id)["sentences_done"] >= done, 60)  # noqa: B023
            server.process.kill()
            server.process.wait()
            server = Server("uvicorn", tmp_path)
        other = requests.post(server.url + "/jobs", json=FIELDS, timeout=10).json()["id"]
        wait_for(lambda: state(server, id)["ended"] and state(server, other)["ended"], 120)
        ended, whole = state(server, id), state(server, other)
        assert ended["state"] == whole["state"] == "done" and ended["sentences_done"] == 27
        assert ended["seconds"] == whole["seconds"]
        told = subtitles(server, id)
        assert told == subtitles(server, other)
        assert len(told) == 3 * 2 + 24  # the engine says two sentences for a title
        assert sound(server, id) == sound(server, other)
    finally:
        server.process.kill()
        server.process.wait()


def state(server: Server, id: str) -> dict:
    return requests.get(f"{server.url}/jobs/{id}", timeout=10).json()


def subtitles(server: Server, id: str) -> list:
    return requests.get(f"{server.url}/jobs/{id}/subtitles.json", timeout=10).json()["sentences"]


def sound(server: Server, id: str) -> bytes:
    return requests.get(f"{server.url}/jobs/{id}/file", timeout=10).content
