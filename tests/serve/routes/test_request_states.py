"""GET /requests/<id> and subtitles: states, sentence times, the two formats, age, who may read."""

import errno
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.routes import request_states
from cosyvoice.serve.routes.request_states import KEEP, RequestStates, describe, srt, vtt
from cosyvoice.serve.speaking.record import Record
from cosyvoice.serve.speaking.sentence_times import SentenceTime
from cosyvoice.serve.storage.work_folders import WorkFolders
from tests.support.fake_engine import FakeEngine
from tests.support.jobs import SFT
from tests.support.server import ROOT
from tests.support.sounds import wav_bytes
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


def speak(api, client=None, headers=None, id=ID, buffered=False, **fields):
    return (client or api.app.test_client()).post(
        "/generate_audio",
        json={**SFT, **fields},
        headers={"X-Request-ID": id, **(headers or {})},
        buffered=buffered,
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
        "starts_in": None,
        "seconds": 3 / speed,
        "total_seconds": None,
        "seed": 7,
        "sentences": [
            {"index": 0, "text": "句0", "spoken": "说0", "start": 0, "end": 2 / speed},
            {"index": 1, "text": "句1", "spoken": "说1", "start": 2 / speed, "end": 3 / speed},
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


def bearer(key: str) -> dict:
    return {"Authorization": f"Bearer {key}"}


def test_text_of_no_user_is_read_by_the_key_that_sent_it(service, tmp_path):
    keys = {"one": ["1321"], "all": "*", "other": "*", "nobody": []}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    api = service(API_KEYS_FILE=tmp_path / "keys.json", API_KEY="master")
    for sender, readers in (
        ("all", {"all", "master"}),
        ("master", {"master"}),
        ("nobody", {"nobody", "master"}),
        ("one", {"one", "all", "other", "master"}),  # counts as of its only user
    ):
        id = f"request-of-{sender}"
        assert speak(api, id=id, headers=bearer(sender)).get_data()
        answers = {
            key: ask(api, "/subtitles.srt", id=id, headers=bearer(key)) for key in (*keys, "master")
        }
        assert {key for key, answer in answers.items() if answer.status_code == 200} == readers
        refused = [answer for key, answer in answers.items() if key not in readers]
        assert all(
            answer.status_code == 403 and set(answer.json) == {"error", "code", "field"}
            for answer in refused
        )
    state = ask(api, id="request-of-all", headers=bearer("all")).json
    assert not {"caller", "user_id", "process"} & state.keys()


SPEAKING = [
    ("post", "/generate_audio", {"json": SFT}),
    ("get", "/generate_audio_get", {"query_string": SFT}),
    ("post", "/v1/audio/speech", {"json": {"model": "tts-1", "input": "好", "voice": "alloy"}}),
    ("post", "/generate_audio", {"json": {**SFT, "spk_id": "谁"}}),
]


def is_refused(answer) -> bool:
    error = answer.json["error"]
    code = error["code"] if isinstance(error, dict) else answer.json["code"]
    return (answer.status_code, code) == (409, "request_id_taken") and " / " in str(error)


@pytest.mark.parametrize("method, path, options", SPEAKING)
def test_id_of_a_running_request_is_refused_before_anything_is_done(api, method, path, options):
    answer = speak(api, tts_text="{chunks=3 delay=0.3}", seed=7)
    calls = len(FakeEngine.calls)
    again = getattr(api.app.test_client(), method)(path, **options, headers={"X-Request-ID": ID})
    assert is_refused(again) and len(FakeEngine.calls) == calls
    assert again.headers["X-Request-ID"] == ID
    assert (ask(api).json["state"], ask(api).json["seed"]) == ("running", 7)
    answer.get_data()
    answer.close()
    assert (ask(api).json["state"], ask(api).json["seed"]) == ("done", 7)


def test_id_of_a_running_request_makes_no_voice(api):
    answer = speak(api, tts_text="{chunks=3 delay=0.3}")
    form = {
        "user_id": "1321",
        "name": "v",
        "prompt_text": "好",
        "prompt_speech_16k": (io.BytesIO(wav_bytes(3)), "a.wav"),
    }
    client, headers = api.app.test_client(), {"X-Request-ID": ID}
    assert is_refused(client.post("/voices", data=form, headers=headers))
    assert client.get("/voices?user_id=1321", headers=headers).json == {"voices": []}
    answer.close()
    assert ask(api).json["state"] == "cancelled"


@pytest.mark.parametrize("fields", [{}, {"spk_id": "谁"}, {"tts_text": "{fail=0}"}])
def test_state_of_another_caller_is_not_taken_over(service, tmp_path, fields):
    keys = {"one": ["1321", "1322"], "two": ["1322"], "all": "*"}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    api = service(API_KEYS_FILE=tmp_path / "keys.json", API_KEY="master")
    speak(api, headers=bearer("one"), user_id="1322", seed=7, buffered=True)
    wait_for(lambda: not api.states.live)
    for key, user_id in (("two", "1322"), ("all", "1322"), ("master", ""), ("one", "1321")):
        answer = speak(api, headers=bearer(key), user_id=user_id, buffered=True, **fields)
        assert is_refused(answer)
    assert len(FakeEngine.calls) == 1
    state = ask(api, headers=bearer("one")).json
    assert (state["state"], state["seed"]) == ("done", 7)


def test_callers_may_use_the_id_of_their_ended_request_again(api):
    for i, (text, state) in enumerate([("好", "done"), ("{fail=0}", "failed"), ("好", "done")]):
        speak(api, tts_text=text, seed=i, buffered=True)
        assert (ask(api).json["state"], ask(api).json["seed"]) == (state, i)


@pytest.mark.parametrize("flush", [True, False])
def test_a_refused_request_leaves_the_earlier_state_of_its_id(service, flush):
    api = service(MAX_CONCURRENT=1, MAX_QUEUE=0)
    speak(api, seed=7, buffered=True)
    for fields, status in (({"spk_id": "谁"}, 404), ({"speed": 9}, 400)):
        if flush:
            wait_for(lambda: not api.states.live)
        assert speak(api, seed=8, buffered=True, **fields).status_code == status
        assert (ask(api).json["state"], ask(api).json["seed"]) == ("done", 7)
    with api.slots.take():
        assert speak(api, seed=9, buffered=True).status_code == 503
    wait_for(lambda: not api.states.live)
    assert (ask(api).json["state"], ask(api).json["seed"]) == ("done", 7)


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


def states_in(tmp_path) -> RequestStates:
    """The states as another process of the service has them."""
    return RequestStates(tmp_path / "requests", WorkFolders(tmp_path))


def running(id=ID, **values) -> Record:
    return Record(id, **{"mode": "m", "sample_rate": 100, "state": "speaking", **values})


def test_another_worker_can_answer(tmp_path):
    states = states_in(tmp_path)
    states.note(record := running(sentence_times=[SentenceTime("1", "一", 0, 150)], samples=150))
    states.flush()
    assert states_in(tmp_path).read(ID) == describe(record)
    files = list((tmp_path / "requests").iterdir())
    assert ID not in str(files) and len(files) == 1


def test_sounds_of_a_pronunciation_list_are_shown_without_their_marks():
    times = [SentenceTime("去重庆。", "去<|py:chong2 qing4|>。", 0, 100)]
    (sentence,) = describe(running(sentence_times=times))["sentences"]
    assert (sentence["text"], sentence["spoken"]) == ("去重庆。", "去chong2 qing4。")


def test_growth_is_written_a_few_times_per_second_and_the_end_always(tmp_path, monkeypatch):
    states, written, record = (
        states_in(tmp_path),
        [],
        running(sentence_times=[SentenceTime("1", "一", 0, 0)]),
    )
    monkeypatch.setattr(states, "_write", lambda path, state: written.append(state["seconds"]))
    record.watchers = [states.note]
    for samples in range(1, 1001):
        record.change(samples=samples)
    assert len(written) < 20
    record.change(state="done", outcome="done")
    wait_for(lambda: not states.live)
    assert written[-1] == 10.0


def test_a_slow_disk_does_not_slow_the_thread_that_makes_sound(tmp_path, monkeypatch):
    states, record, disk = states_in(tmp_path), running(), threading.Event()
    monkeypatch.setattr(states, "_write", lambda path, state: disk.wait(10))
    record.watchers = [states.note]
    begin = time.monotonic()
    for samples in range(1, 101):
        record.change(samples=samples)
        time.sleep(0.001)
    assert states.read(ID) == describe(record) and time.monotonic() - begin < 1
    disk.set()


def test_old_states_go(tmp_path):
    states = states_in(tmp_path)
    for id in ("old-request", "new-request"):
        states.note(running(id, state="done"))
    states.flush()
    (states.folder / "left.part").touch()
    for path in (states._path("old-request"), states.folder / "left.part"):
        os.utime(path, (time.time() - KEEP - 5,) * 2)
    with pytest.raises(Problem):
        states.read("old-request")
    after = states_in(tmp_path)
    after.note(running("third-request"))
    after.flush()
    assert {path.name for path in states.folder.iterdir()} == {
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
    states = states_in(tmp_path)
    states.note(running("abcdefgh", seed=1))
    states.note(running("ABCDEFGH", seed=2))
    assert [states.read(id)["seed"] for id in ("abcdefgh", "ABCDEFGH")] == [1, 2]


def claim(states: RequestStates, id=ID, caller="", user_id="", **values) -> Record | None:
    """The record of a request that begins to speak; None when its id is refused."""
    record = Record(id, watchers=[states.note], **values)
    try:
        states.claim(record, caller, user_id)
    except Problem as problem:
        assert problem.code == "request_id_taken"
        return None
    record.change(mode="m", user_id=user_id, state="speaking")
    return record


def test_of_many_claims_by_two_workers_one_is_served(tmp_path):
    workers, gate = [states_in(tmp_path), states_in(tmp_path)], threading.Barrier(8)

    def begin(id: str, i: int) -> bool:
        gate.wait()
        return claim(workers[i % 2], id) is not None

    with ThreadPoolExecutor(8) as pool:
        for n in range(20):
            assert sum(pool.map(partial(begin, f"request-{n}"), range(8))) == 1


def test_id_that_another_worker_uses_is_refused_until_the_end(tmp_path):
    one, two = states_in(tmp_path), states_in(tmp_path)
    record = claim(one, user_id="1321", seed=7)
    assert claim(two, user_id="1321") is None and two.read(ID)["seed"] == 7
    record.change(state="done", outcome="done")
    one.flush()
    assert claim(two, user_id="1322") is None and claim(two, caller="key", user_id="1321") is None
    again = claim(two, user_id="1321", seed=8)
    record.change(samples=5)  # an engine that is being stopped still works
    one.flush()
    assert claim(one, user_id="1321") is None
    again.change(state="done", outcome="done")
    two.flush()
    assert [states.read(ID)["seed"] for states in (one, two)] == [8, 8]


def test_a_long_request_keeps_its_id(tmp_path):
    one, two = states_in(tmp_path), states_in(tmp_path)
    claim(one)
    one.flush()
    os.utime(one._path(ID), (time.time() - KEEP - 5,) * 2)
    two.flush()
    two._sweep()
    assert claim(two) is None and two.read(ID)["state"] == "running"


CLAIM = """
import sys; sys.path.insert(0, sys.argv[2])
from pathlib import Path
from cosyvoice.serve.routes.request_states import RequestStates
from cosyvoice.serve.speaking.record import Record
from cosyvoice.serve.speaking.sentence_times import SentenceTime
from cosyvoice.serve.storage.work_folders import WorkFolders
folder = Path(sys.argv[1])
states = RequestStates(folder / "requests", WorkFolders(folder))
states.claim(record := Record("request-of-test-1", watchers=[states.note]), "", "")
record.change(mode="m", state="speaking")
states.flush()
print("claimed", flush=True)
sys.stdin.read()
"""


def test_requests_of_a_killed_process_have_failed_and_free_their_ids(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIM, tmp_path, ROOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline().strip() == b"claimed"
        states = states_in(tmp_path)
        assert states.read(ID)["state"] == "running" and claim(states) is None
    finally:
        process.kill()
        process.wait()
    assert states.read(ID)["state"] == "failed"
    states.processes.sweep()  # at the next start
    assert states.read(ID)["state"] == "failed"
    assert claim(states) is not None


def test_no_more_than_a_number_of_states_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(request_states, "MOST", 20)
    monkeypatch.setattr(request_states, "SWEEP_CLAIMS", 5)
    states = states_in(tmp_path)
    running = claim(states, "running-request")
    for i in range(60):
        record = claim(states, f"refused-{i}")
        record.change(state="done", outcome="bad_value")
        states.flush()
        assert len(list(states.folder.iterdir())) <= 20 + 5 + 1
    assert states.read("refused-59")["state"] == "failed"
    with pytest.raises(Problem):
        states.read("refused-0")
    assert states.read("running-request")["state"] == "running" and running
    assert states._path("running-request").exists()


def test_a_folder_that_cannot_be_written_costs_no_request(tmp_path, caplog):
    (tmp_path / "requests").write_text("a file")
    states = states_in(tmp_path)
    record = claim(states)
    assert record and claim(states) is None
    record.change(state="done", outcome="done")
    states.flush()
    assert claim(states) and "is not written" in caplog.text


def test_text_with_half_a_character_is_written(tmp_path):
    states = states_in(tmp_path)
    claim(states).change(sentence_times=[SentenceTime("a\ud800", "a", 0, 0)], sample_rate=100)
    states.flush()
    assert states_in(tmp_path).read(ID)["sentences"][0]["text"] == "a\ud800"
