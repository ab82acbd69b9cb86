"""GET /requests/<id> and subtitles: states, sentence times, the two formats, age, who may read."""

import errno
import json
import os
import re
import threading
import time
from functools import partial

import pytest

from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.routes.request_states import KEEP, RequestStates, describe, srt, vtt
from cosyvoice.serve.speaking.record import Record
from tests.support.fake_engine import FakeEngine
from tests.support.jobs import SFT
from tests.support.waiting import wait_for

ID = "request-of-test-1"
SENTENCES = [
    {"index": 0, "text": "第一句 <b>&\n\n--> 完", "start": 0.0, "end": 1.5},
    {"index": 1, "text": "二", "start": 1.5, "end": 3661.0427},
    {"index": 2, "text": "空", "start": 3, "end": 3},
]


@pytest.fixture
def api(service):
    return service()


def speak(api, client=None, headers=None, id=ID, **fields):
    return (client or api.app.test_client()).post(
        "/generate_audio", json={**SFT, **fields}, headers={"X-Request-ID": id, **(headers or {})}
    )


def ask(api, what="", id=ID, **options):
    return api.app.test_client().get(f"/requests/{id}{what}", **options)


@pytest.mark.parametrize("stream, speed", [("True", 1), ("False", 1), ("True", 2)])
def test_sentence_times_are_those_of_the_samples_sent(api, stream, speed):
    speak(api, stream=stream, speed=speed, seed=7, tts_text="{chunks=3 size=22050}").get_data()
    state = ask(api).json
    assert state.pop("rtf") >= 0
    assert state == {
        "id": ID,
        "state": "done",
        "queue_position": None,
        "seconds": 3 / speed,
        "seed": 7,
        "sentences": [
            {"index": 0, "text": "句0", "start": 0, "end": 2 / speed},
            {"index": 1, "text": "句1", "start": 2 / speed, "end": 3 / speed},
        ],
    }
    assert ask(api, "/subtitles.json").json["sentences"] == state["sentences"]


def test_subtitles_during_the_stream_and_after_it(api):
    answer = speak(api, tts_text="{chunks=4 size=22050 delay=0.3}")
    chunks = iter(answer.response)
    next(chunks)
    assert ask(api).json["state"] == "running"
    early = ask(api, "/subtitles.srt").text
    assert re.fullmatch(r"1\n00:00:00,000 --> 00:00:0[12],000\n句0\n", early)
    for _ in chunks:
        pass
    assert (
        ask(api, "/subtitles.srt").text
        == "1\n00:00:00,000 --> 00:00:02,000\n句0\n\n2\n00:00:02,000 --> 00:00:04,000\n句1\n"
    )  # before the close
    answer.close()
    vtt_answer = ask(api, "/subtitles.vtt")
    assert (
        vtt_answer.text
        == "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n句0\n\n00:00:02.000 --> 00:00:04.000\n句1\n"
    )
    assert vtt_answer.mimetype == "text/vtt" and vtt_answer.headers["Cache-Control"] == "no-store"


def test_queue_position_is_told(service):
    api = service(MAX_CONCURRENT=1)
    first = speak(api, id="the-first-one", tts_text="{chunks=20 delay=0.1}")

    def has_place(id, place) -> bool:
        answer = ask(api, id=id)
        return answer.status_code == 200 and answer.json["queue_position"] == place

    threads = [
        threading.Thread(target=lambda id=id: speak(api, id=id).get_data())
        for id in ("second-of-three", "third-of-three")
    ]
    for place, (thread, id) in enumerate(zip(threads, ("second-of-three", "third-of-three")), 1):
        thread.start()
        wait_for(partial(has_place, id, place))
        assert ask(api, id=id).json["state"] == "queued"
    first.close()
    for thread in threads:
        thread.join()
    assert ask(api, id="the-first-one").json["state"] == "cancelled"
    assert (
        ask(api, id="third-of-three").json["state"] == "done"
        and ask(api, id="third-of-three").json["queue_position"] is None
    )


@pytest.mark.parametrize("fields, code", [({"tts_text": "{fail=0}"}, 500), ({"spk_id": "谁"}, 404)])
def test_failed_request_is_told(api, fields, code):
    assert speak(api, **fields).status_code == code
    assert ask(api).json["state"] == "failed" and ask(api, "/subtitles.srt").text == ""
    assert ask(api, "/subtitles.vtt").text == "WEBVTT\n"


def test_broken_stream_keeps_what_was_spoken(api):
    with pytest.raises(RuntimeError):
        speak(api, tts_text="{fail=2 size=22050}").get_data()
    assert ask(api).json["state"] == "failed" and ask(api).json["seconds"] == 2.0


def test_unknown_and_refused_requests(api):
    speak(api, seed=-1)
    for id in (ID, "x" * 8, "..", "a%2f..%2fb", "%00%ff", "字", "x" * 5000):
        for what in ("", "/subtitles.srt", "/subtitles.json"):
            answer = ask(api, what, id=id)
            assert answer.status_code == 404 and set(answer.json) == {"error", "code", "field"}
    assert ask(api, "/subtitles.ass").status_code == 404
    assert (
        api.app.test_client().get("/health", headers={"X-Request-ID": ID}).status_code == 200
        and ask(api).status_code == 404
    )


def test_only_the_users_key_may_ask(service, tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps({"one": ["1321"], "two": ["1322"], "all": "*"}))
    api = service(API_KEYS_FILE=tmp_path / "keys.json")
    speak(api, headers={"Authorization": "Bearer one"}, user_id="1321").get_data()
    statuses = [
        ask(api, "/subtitles.srt", headers={"Authorization": f"Bearer {key}"}).status_code
        for key in ("one", "all", "two", "none")
    ]
    assert (
        statuses == [200, 200, 403, 401]
        and "user_id" not in ask(api, headers={"Authorization": "Bearer one"}).json
    )


def test_subtitles_hold_whatever_the_text_holds():
    assert srt(SENTENCES) == (
        "1\n00:00:00,000 --> 00:00:01,500\n第一句 <b>& → 完\n\n"
        "2\n00:00:01,500 --> 01:01:01,043\n二\n"
    )
    assert vtt(SENTENCES) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n第一句 &lt;b&gt;&amp; → 完\n\n"
        "00:00:01.500 --> 01:01:01.043\n二\n"
    )


# the files


def running(id=ID, **values) -> Record:
    return Record(id, **{"mode": "m", "sample_rate": 100, "state": "speaking", **values})


def test_another_worker_can_answer(tmp_path):
    states = RequestStates(tmp_path)
    states.note(record := running(sentence_times=[("一", 0, 150)], samples=150))
    states.flush()
    assert RequestStates(tmp_path).read(ID) == describe(record)
    assert ID not in str(list(tmp_path.iterdir())) and len(list(tmp_path.iterdir())) == 1


def test_growth_is_written_a_few_times_per_second_and_the_end_always(tmp_path, monkeypatch):
    states, written, record = RequestStates(tmp_path), [], running(sentence_times=[("一", 0, 0)])
    monkeypatch.setattr(states, "_write", lambda path, state: written.append(state["seconds"]))
    record.watchers = [states.note]
    for samples in range(1, 1001):
        record.change(samples=samples)
    assert len(written) < 20
    record.change(state="done", outcome="done")
    wait_for(lambda: not states.live)
    assert written[-1] == 10.0


def test_a_slow_disk_does_not_slow_the_thread_that_makes_sound(tmp_path, monkeypatch):
    states, record, disk = RequestStates(tmp_path), running(), threading.Event()
    monkeypatch.setattr(states, "_write", lambda path, state: disk.wait(10))
    record.watchers = [states.note]
    begin = time.monotonic()
    for samples in range(1, 101):
        record.change(samples=samples)
        time.sleep(0.001)
    assert states.read(ID) == describe(record) and time.monotonic() - begin < 1
    disk.set()


def test_old_states_go(tmp_path):
    states = RequestStates(tmp_path)
    for id in ("old-request", "new-request"):
        states.note(running(id, state="done"))
    states.flush()
    (tmp_path / "left.part").touch()
    for path in (states._path("old-request"), tmp_path / "left.part"):
        os.utime(path, (time.time() - KEEP - 5,) * 2)
    with pytest.raises(Problem):
        states.read("old-request")
    after = RequestStates(tmp_path)
    after.note(running("third-request"))
    after.flush()
    assert {path.name for path in tmp_path.iterdir()} == {
        states._path("new-request").name,
        states._path("third-request").name,
    }


def test_full_disk_costs_the_state_and_not_the_sound(api, caplog, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(RequestStates, "_write", full)
    with speak(api) as answer:
        assert answer.get_data() and FakeEngine.calls
    wait_for(lambda: "no space left" in caplog.text and ask(api).status_code == 404)


def test_ids_that_differ_in_case_only_are_two(tmp_path):
    states = RequestStates(tmp_path)
    states.note(running("abcdefgh", seed=1))
    states.note(running("ABCDEFGH", seed=2))
    assert [states.read(id)["seed"] for id in ("abcdefgh", "ABCDEFGH")] == [1, 2]
