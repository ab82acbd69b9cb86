"""Streams of text: what is spoken when, whose they are, how they end."""

import contextlib
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from cosyvoice.serve.speaking import slots, text_stream
from tests.support.fake_engine import FakeEngine
from tests.support.sounds import wav_bytes
from tests.support.waiting import wait_for

ID = "stream-of-test"
VOICE = {"voice": "中文女"}
QUICK = "{chunks=1 size=2205}"


@pytest.fixture
def service(service):
    """As in conftest.py; the streams that a test leaves open end with it."""
    modules = []

    def load(**environment):
        modules.append(service(**environment))
        return modules[-1]

    yield load
    for module in modules:
        module.opener.streams.close()
    wait_for(lambda: not threads_of(ID))


@pytest.fixture
def api(service):
    return service()


@pytest.fixture
def client(api):
    return api.app.test_client()


def open_stream(client, id=ID, headers=None, **fields):
    headers = {"X-Request-ID": id, **(headers or {})}
    return client.post("/streams", json={**VOICE, **fields}, headers=headers, buffered=True)


def add(client, text, id=ID, headers=None, **fields):
    return client.post(f"/streams/{id}/text", json={"text": text, **fields}, headers=headers)


def end(client, id=ID):
    return client.post(f"/streams/{id}/end")


def listen(client, id=ID, **options):
    return client.get(f"/streams/{id}/audio", **options)


def heard(client, id=ID) -> bytes:
    return listen(client, id, buffered=True).data


def spoken() -> list[str]:
    return [arguments["text"] for _, arguments in FakeEngine.calls]


def streams(api):
    return api.opener.streams


def speak(client, *pieces, id=ID, **fields) -> bytes:
    assert open_stream(client, id, **fields).status_code == 201
    for piece in pieces:
        assert add(client, piece, id).status_code == 200
    assert end(client, id).status_code == 200
    return heard(client, id)


def test_a_sentence_is_spoken_as_soon_as_it_is_whole(client):
    opened = open_stream(client).json
    assert opened == {
        "id": ID,
        "format": "mp3",
        "text": f"/streams/{ID}/text",
        "audio": f"/streams/{ID}/audio",
        "end": f"/streams/{ID}/end",
    }
    for piece in ("你好", "，世界", "。今天"):
        add(client, piece)
    wait_for(lambda: spoken() == ["你好，世界。"])
    time.sleep(0.3)
    assert spoken() == ["你好，世界。"]
    assert add(client, "很好", flush=True).json["waiting_characters"] >= 0
    wait_for(lambda: spoken() == ["你好，世界。", "今天很好"])
    end(client)
    answer = listen(client)
    assert answer.status_code == 200 and answer.mimetype == "audio/mpeg" and answer.data


def test_sound_reaches_the_listener_before_the_text_ends(client):
    open_stream(client)
    add(client, "你好。")
    sound = listen(client).iter_encoded()
    assert next(sound) == b"" and len(next(sound)) > 1000
    end(client)
    assert list(sound) is not None


@pytest.mark.parametrize("kind", ["mp3", "pcm", "wav"])
def test_every_way_to_cut_gives_the_same_bytes(client, kind):
    chance = random.Random(3)
    sentences = [
        "你好。",
        'One <break time="0.1s"/> and 3.14 is pi. ',
        "他说：“好。”",
        "# Title\n",
        "Mr. X",
    ]
    text = "".join(sentences)
    whole = speak(client, text, format=kind, seed=5)
    said = spoken()
    assert said == [sentence.strip() for sentence in sentences]
    for _ in range(2 if kind == "mp3" else 5):
        cuts = sorted(chance.choices(range(len(text) + 1), k=chance.randrange(1, 9)))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)])]
        FakeEngine.calls.clear()
        assert speak(client, *pieces, format=kind, seed=5) == whole
        assert spoken() == said
    assert [arguments["seed"] for _, arguments in FakeEngine.calls] == [5, 6, 7, 8, 9]


@pytest.mark.parametrize("kind", ["mp3", "wav", "pcm", "opus", "flac", "aac"])
def test_every_format_is_streamed(client, kind):
    assert len(speak(client, "你好。", "世界。", format=kind)) > 1000


def test_a_voice_is_fetched_once_and_no_text_is_needed(api, client, monkeypatch):
    fields = {
        "mode": "3s极速复刻",
        "prompt_text": "参考。",
        "prompt_speech_16k": "a.wav",
        "voice": None,
    }
    (api.config.reference_dir / "a.wav").write_bytes(wav_bytes())
    speak(client, "你好。", "世界。", **fields)
    assert [name for name, _ in FakeEngine.calls] == ["make_voice", "zero_shot", "zero_shot"]
    assert speak(client, id="stream-of-test-2") == b""


def test_a_pause_alone_is_silence(client):
    sound = speak(client, f"你好 {QUICK}。", "[pause 1s]", format="pcm")
    assert len(sound) // 2 == pytest.approx((1 + 0.1) * 24000, abs=10)
    assert len(spoken()) == 1


def test_states_and_subtitles_are_kept_by_the_streams_id(client):
    speak(client, f"你好 {QUICK}。", f"世界 {QUICK}。", seed=3)
    state = client.get(f"/requests/{ID}").json
    assert state["state"] == "done" and state["seed"] == 3 and state["rtf"] < 1
    assert [each["start"] for each in state["sentences"]] == [0, 0.1]
    assert client.get(f"/requests/{ID}/subtitles.srt").text.startswith("1\n00:00:00,000")


def test_a_stream_that_waits_for_text_holds_no_slot(service):
    api = service(MAX_CONCURRENT=1)
    client = api.app.test_client()
    for number in range(5):
        open_stream(client, f"{ID}-{number}")
    assert api.slots.running == 0
    add(client, f"你好 {QUICK}。", f"{ID}-0")
    wait_for(lambda: len(spoken()) == 1 and api.slots.running == 0)
    whole = client.post("/generate_audio", json={**SFT_TEXT, "tts_text": "你好。"})
    assert whole.status_code == 200 and whole.data


def test_sentences_wait_for_the_model_also_when_the_queue_is_full(service):
    api = service(MAX_CONCURRENT=1, MAX_QUEUE=0)
    client = api.app.test_client()
    open_stream(client)
    with api.slots.take():
        add(client, "你好。")
        wait_for(lambda: len(api.slots.queue) == 1)
        assert client.post("/generate_audio", json=SFT_TEXT).status_code == 503
        assert client.get(f"/requests/{ID}").json["queue_position"] == 1
        assert not spoken()
    wait_for(lambda: spoken() == ["你好。"])


def test_text_after_the_end_is_a_409(client):
    open_stream(client)
    end(client)
    assert add(client, "你好").json["code"] == "stream_ended"
    assert heard(client) == b""
    for answer in (
        add(client, "你好"),
        end(client),
        listen(client),
        client.delete(f"/streams/{ID}"),
    ):
        assert answer.status_code == 409 and answer.json["code"] == "stream_ended"


def test_an_unknown_stream_is_a_404(client):
    for answer in (add(client, "a"), end(client), listen(client), client.delete(f"/streams/{ID}")):
        assert answer.status_code == 404 and answer.json["code"] == "unknown_stream"


def test_a_stream_of_another_key_is_a_404(service, tmp_path):
    (tmp_path / "keys.json").write_text('{"one": ["1"], "two": ["2"]}')
    client = service(API_KEYS_FILE=tmp_path / "keys.json").app.test_client()
    one, two = ({"Authorization": f"Bearer {key}"} for key in ("one", "two"))
    assert open_stream(client).status_code == 401
    assert open_stream(client, headers=one).status_code == 201
    assert open_stream(client, headers=two).status_code == 409  # the id is taken
    assert add(client, "你好", headers=two).status_code == 404
    assert listen(client, headers=two).status_code == 404
    assert client.delete(f"/streams/{ID}", headers=two).status_code == 404
    assert add(client, "你好", headers=one).status_code == 200
    assert client.delete(f"/streams/{ID}", headers=one).status_code == 200
    assert add(client, "你好", headers=two).status_code == 404
    assert add(client, "你好", headers=one).status_code == 409


def test_only_one_listens(client):
    open_stream(client)
    first = listen(client).iter_encoded()
    next(first)
    answer = listen(client)
    assert answer.status_code == 409 and answer.json["code"] == "has_listener"
    assert client.head(f"/streams/{ID}/audio").status_code == 200
    end(client)
    assert list(first) is not None


def test_delete_stops_the_work_and_breaks_the_answer(api, client):
    open_stream(client)
    add(client, "你好 {chunks=200 size=2205 delay=0.04}。")
    wait_for(spoken)
    assert client.delete(f"/streams/{ID}").status_code == 200
    wait_for(lambda: FakeEngine.speaking == 0 and api.slots.running == 0)
    assert FakeEngine.ended_early == 1 and not streams(api).open
    wait_for(lambda: client.get(f"/requests/{ID}").json["state"] == "cancelled")


def test_a_listener_who_leaves_ends_the_stream(api, client):
    open_stream(client)
    answer = listen(client)
    next(answer.iter_encoded())
    answer.close()
    assert add(client, "你好。").status_code == 409
    assert client.get(f"/requests/{ID}").json["state"] == "cancelled"
    wait_for(lambda: not threads_of(ID))


def test_an_idle_stream_ends_and_is_forgotten(api, client, monkeypatch):
    monkeypatch.setattr(text_stream, "IDLE", 0.3)
    open_stream(client)
    add(client, f"你好 {QUICK}。世")
    wait_for(lambda: len(spoken()) == 2)  # the rest too
    assert [call["seed"] for _, call in FakeEngine.calls] == [0, 1]
    wait_for(lambda: not streams(api).open)
    assert add(client, "界").status_code == 409 and not threads_of(ID)
    assert client.get(f"/requests/{ID}").json["state"] == "cancelled"  # nobody has heard it


def test_an_engine_that_fails_breaks_the_answer_and_ends_the_stream(api, client):
    open_stream(client)
    add(client, "你好 {chunks=2 fail=1}。")
    with pytest.raises(RuntimeError):
        listen(client).get_data()
    assert client.get(f"/requests/{ID}").json["state"] == "failed"
    assert add(client, "a").status_code == 409 and api.slots.running == 0


def test_a_failure_that_nobody_hears_is_told_by_the_state(client):
    open_stream(client)
    add(client, "你好 {fail=0}。")
    wait_for(lambda: client.get(f"/requests/{ID}").json["state"] == "failed")


def test_too_much_text_is_refused_and_nothing_of_it_taken(service, monkeypatch):
    api = service(MAX_TEXT_CHARS=100)
    client = api.app.test_client()
    monkeypatch.setattr(text_stream, "MAX_WAITING", 20)
    open_stream(client)
    assert add(client, "好" * 101).status_code == 413
    with api.slots.take(), api.slots.take():
        assert add(client, "好" * 15).status_code == 200
        answer = add(client, "好" * 6)
        assert answer.status_code == 429 and answer.json["code"] == "too_much_waiting"
        assert "20" in answer.json["error"] and int(answer.headers["Retry-After"]) >= 1
        assert add(client, "好" * 5).json["waiting_characters"] == 20
    monkeypatch.undo()
    add(client, "", flush=True)
    wait_for(lambda: spoken() == ["好" * 20])
    assert add(client, "好" * 81).status_code == 413
    assert "100" in add(client, "好" * 81).json["error"]


def test_a_tag_that_is_wrong_is_refused_with_its_piece(client):
    open_stream(client)
    assert add(client, "等一等[pause 5 ").status_code == 200
    answer = add(client, "apples]。")
    assert (answer.status_code, answer.json["field"]) == (400, "text")
    assert add(client, "s]好。<font>").json["left_out_tags"] == []
    wait_for(lambda: spoken() == ["等一等[pause 5 s]好。"])
    assert add(client, "啊。").json["left_out_tags"] == ["font"]


BAD = [
    ({"mode": "x"}, 400, "mode"),
    ({"voice": "谁"}, 404, "voice"),
    ({"voice": None}, 400, "spk_id"),
    ({"voice": None, "spk_id": "谁"}, 404, "spk_id"),
    ({"format": "ogg"}, 400, "format"),
    ({"speed": 3}, 400, "speed"),
    ({"seed": -1}, 400, "seed"),
    ({"tts_text": "你好"}, 400, "tts_text"),
    ({"exp_name": "anna"}, 400, "exp_name"),
    ({"stream": "False"}, 400, "stream"),
]


def test_what_generate_audio_refuses_opens_no_stream(api, client):
    for wrong, status, field in BAD:
        answer = open_stream(client, **wrong)
        assert (answer.status_code, answer.json["field"]) == (status, field), wrong
        assert not streams(api).open and not threads_of(ID)
    assert open_stream(client).status_code == 201  # the id is free


def test_text_must_be_text(client):
    open_stream(client)
    for wrong in ({}, {"text": 3}, {"text": "a", "flush": "maybe"}):
        assert client.post(f"/streams/{ID}/text", json=wrong).status_code == 400
    assert client.post(f"/streams/{ID}/text", data={"text": "你好。"}).status_code == 200
    wait_for(lambda: spoken() == ["你好。"])


def test_pieces_count_as_characters_but_not_as_requests(service, tmp_path):
    limits = '{"key": {"users": "*", "requests_per_minute": 1, "characters_per_day": 10}}'
    (tmp_path / "keys.json").write_text(limits)
    client = service(API_KEYS_FILE=tmp_path / "keys.json").app.test_client()
    key = {"Authorization": "Bearer key"}
    assert open_stream(client, headers=key).status_code == 201
    for _ in range(2):
        assert add(client, "好" * 5, headers=key).status_code == 200
    answer = add(client, "好", headers=key)
    assert answer.status_code == 429 and answer.json["code"] == "too_many_characters"
    assert open_stream(client, id="stream-of-test-2", headers=key).status_code == 429


def test_there_are_only_so_many_streams(api, client, monkeypatch):
    monkeypatch.setattr(text_stream, "MAX_STREAMS", 2)
    assert [open_stream(client, f"{ID}-{n}").status_code for n in range(3)] == [201, 201, 503]
    client.delete(f"/streams/{ID}-0")
    assert open_stream(client, f"{ID}-3").status_code == 201


def test_a_stream_of_another_process_is_told(api, client, monkeypatch):
    monkeypatch.setattr(api.states, "elsewhere", lambda id: ("", ""))
    answer = add(client, "你好")
    assert answer.status_code == 421 and answer.json["code"] == "other_process"


def test_many_pieces_from_many_threads_are_all_spoken(client):
    open_stream(client, format="pcm")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: add(client, f"第{n}句{QUICK}。"), range(40)))
    end(client)
    assert len(listen(client).data) // 2 == pytest.approx(40 * 0.1 * 24000, abs=20)
    assert sorted(spoken()) == sorted(f"第{n}句{QUICK}。" for n in range(40))


def test_an_idle_stream_ends_the_answer_of_its_listener_as_a_whole(client, monkeypatch):
    monkeypatch.setattr(text_stream, "IDLE", 0.3)
    open_stream(client)
    add(client, f"你好 {QUICK}。世界")
    assert heard(client) and len(spoken()) == 2
    assert client.get(f"/requests/{ID}").json["state"] == "done"


def test_waiting_for_text_or_for_the_model_is_no_stall(service, monkeypatch):
    api = service(REQUEST_TIMEOUT="0.7", MAX_CONCURRENT=1)
    for module in (text_stream, slots):
        monkeypatch.setattr(module, "POLL", 0.02)
    client = api.app.test_client()
    open_stream(client)
    sound = listen(client).iter_encoded()
    next(sound)
    held = api.slots.take()
    threading.Timer(0.9, add, [client, f"你好 {QUICK}。"]).start()
    threading.Timer(1.8, held.release).start()
    threading.Timer(1.9, end, [client]).start()
    assert b"".join(sound) and client.get(f"/requests/{ID}").json["state"] in ("done", "running")


def test_delete_breaks_the_answer_of_the_listener(running_service):
    _, host = running_service()
    url = f"http://{host}"
    stream = requests.post(f"{url}/streams", json=VOICE, timeout=9).json()
    with requests.get(url + stream["audio"], stream=True, timeout=9) as answer:
        requests.post(url + stream["text"], json={"text": "你好。"}, timeout=9)
        sound = answer.iter_content(None)
        assert next(sound)
        assert requests.delete(f"{url}/streams/{stream['id']}", timeout=9).ok
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(sound)


def test_listeners_that_wait_leave_the_threads_of_the_service_free(running_service):
    api, host = running_service(THREADS=2)
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stream = requests.post(f"http://{host}/streams", json=VOICE, timeout=9).json()
            url = f"http://{host}{stream['audio']}"
            stack.enter_context(requests.get(url, stream=True, timeout=9))
        answer = requests.post(f"http://{host}/generate_audio", json=SFT_TEXT, timeout=9)
        assert answer.ok and answer.content and len(streams(api).open) == 5


def threads_of(id: str) -> list:
    return [thread for thread in threading.enumerate() if id in thread.name]


SFT_TEXT = {"mode": "预训练音色", "tts_text": "你好。", "spk_id": "中文女"}
