"""/voices: make, list, hear and delete saved voices, on both stores; and the doctor's route."""

import contextlib
import io
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import soundfile
import torch

from cosyvoice.cli.voice import load_voice, save_voice
from cosyvoice.serve.storage import voice_locks
from tests.support.fake_engine import FakeEngine, make_voice
from tests.support.files import everything
from tests.support.jobs import CLONE, SFT
from tests.support.server import KINDS, Server
from tests.support.sounds import speech, wav_bytes
from tools.stress import voices as stress

KEY = "learn-wave/1321/model/cosyvoice/{}.pt"
FIELDS = {
    "user_id": "1321",
    "name": "妈妈",
    "prompt_text": "希望你以后能够做的比我还好呦。",
    "consent": "本人同意",
}


def sound(seconds: float = 6.0, name: str = "take.wav") -> tuple:
    soundfile.write(file := io.BytesIO(), speech(seconds)[0].numpy(), 16000, format="WAV")
    return io.BytesIO(file.getvalue()), name


@pytest.fixture(params=["local", "oss"])
def api(request, service, tmp_path, monkeypatch):
    if request.param == "oss":
        for name, value in request.getfixturevalue("oss").environ.items():
            monkeypatch.setenv(name, value)
    return service()


@pytest.fixture
def local(service):
    return service()


def make(api, **fields):
    given = {**FIELDS, "prompt_speech_16k": sound(), **fields}
    return api.app.test_client().post(
        "/voices", data={name: value for name, value in given.items() if value is not None}
    )


def voices(api, user_id="1321") -> list:
    answer = api.app.test_client().get("/voices", query_string={"user_id": user_id})
    assert answer.status_code == 200
    return answer.json["voices"]


def test_voice_is_made_listed_heard_and_deleted(api, tmp_path):
    before = everything(tmp_path / "output")
    answer = make(api)
    assert answer.status_code == 201 and answer.json["name"] == "妈妈"
    assert (
        answer.json["reference"]["usable"]
        and answer.json["reference"]["used"] == [0, 6]
        and len(answer.json["reference"]["advice"]) == 7
    )
    assert [name for name, _ in FakeEngine.calls] == ["make_voice"] and FakeEngine.calls[0][1][
        "prompt_text"
    ] == FIELDS["prompt_text"]
    assert voices(api) == [
        {
            "name": "妈妈",
            "created": "2025-01-01",
            "consent": "本人同意",
            "family": "CosyVoice-300M-25Hz",
            "language": "zh",
            "problem": None,
        }
    ]
    client = api.app.test_client()
    heard = client.get("/voices/妈妈/preview?user_id=1321", buffered=True)
    assert heard.status_code == 200 and heard.mimetype == "audio/mpeg" and len(heard.data) > 5000
    assert FakeEngine.calls[-1][1]["voice"]["meta"]["consent"] == "本人同意"
    assert (
        client.post(
            "/generate_audio",
            json={**SFT, "user_id": "1321", "spk_customize": "妈妈"},
            buffered=True,
        ).status_code
        == 200
    )
    assert client.delete("/voices/妈妈?user_id=1321").json == {"name": "妈妈"}
    assert voices(api) == [] and list(api.store.list("")) == []
    for again in (client.delete, client.get):
        answer = again(
            "/voices/妈妈" + ("/preview" if again == client.get else ""),
            query_string={"user_id": "1321"},
        )
        assert answer.status_code == 404 and answer.json["code"] == "unknown_voice"
    assert everything(tmp_path / "output") == before and api.slots.running == 0


def test_existing_name_is_kept_unless_told_otherwise(api):
    assert make(api).status_code == 201
    answer = make(api, consent="changed")
    assert (answer.status_code, answer.json["code"], answer.json["field"]) == (
        409,
        "voice_exists",
        "name",
    )
    assert len(FakeEngine.calls) == 1 and voices(api)[0]["consent"] == "本人同意"
    assert (
        make(api, consent="changed", overwrite="True").status_code == 201
        and voices(api)[0]["consent"] == "changed"
    )


def test_voice_made_meanwhile_is_kept(local, monkeypatch):
    def slow(engine, *arguments):
        monkeypatch.undo()
        assert make(local, consent="first").status_code == 201
        return make_voice("CosyVoice-300M-25Hz")

    monkeypatch.setattr(FakeEngine, "make_voice", slow)
    assert make(local).status_code == 409 and voices(local)[0]["consent"] == "first"


def test_of_two_made_at_once_one_is_kept_and_the_other_refused(api, monkeypatch):
    gate = threading.Barrier(2)

    def make_both(engine, prompt_text, prompt_wav, consent=""):
        gate.wait(10)  # both have found the name free
        return make_voice("CosyVoice-300M-25Hz", consent=consent)

    monkeypatch.setattr(FakeEngine, "make_voice", make_both)
    with ThreadPoolExecutor(2) as pool:
        for name in ("a", "b", "c", "d"):
            answers = list(
                pool.map(lambda consent, name=name: make(api, name=name, consent=consent), "12")
            )
            assert sorted(answer.status_code for answer in answers) == [201, 409]
            kept = {voice["name"]: voice["consent"] for voice in voices(api)}
            assert kept[name] == "12"[[answer.status_code for answer in answers].index(201)]
            refused = next(answer for answer in answers if answer.status_code == 409)
            assert (refused.json["code"], refused.json["field"]) == ("voice_exists", "name")


def test_a_voice_made_again_after_a_vanished_one_is_listed(oss, service, monkeypatch):
    for name, value in oss.environ.items():
        monkeypatch.setenv(name, value)
    api, key = service(), KEY.format("妈妈")
    assert make(api).status_code == 201
    file, fetch = oss.objects[key], api.store.fetch
    with monkeypatch.context() as patch:  # deleted between the list and the look at the file

        def vanished(*arguments):
            oss.objects.pop(key)
            return fetch(*arguments)

        patch.setattr(api.store, "fetch", vanished)
        assert voices(api) == []
    oss.objects[key] = file  # of the same size and date
    assert [voice["name"] for voice in voices(api)] == ["妈妈"]


def test_lists_and_deletes_survive_what_vanishes_in_output(local, tmp_path):
    """Other requests make and remove working folders with voices all the time."""
    save_voice(make_voice("CosyVoice-300M-25Hz"), voice := tmp_path / "voice.pt")
    stop = threading.Event()

    def other_requests():
        while not stop.is_set():
            with local.work_folders.folder(tmp_path / "output") as folder:
                (folder / "voice.pt").write_bytes(b"x")
            with local.work_folders.folder(tmp_path / "store") as folder:
                (folder / "object").write_bytes(b"x")

    threads = [threading.Thread(target=other_requests) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            local.store.push(voice, KEY.format("v"))
            assert [voice["name"] for voice in voices(local)] == ["v"]
            deleted = local.app.test_client().delete("/voices/v?user_id=1321")
            assert deleted.status_code == 200 and voices(local) == []
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_users_voices_are_found_without_a_look_at_other_users(local, tmp_path, monkeypatch):
    for user in ("1321", "1322", ".work-x"):
        (tmp_path / "output" / user).mkdir()
        save_voice(make_voice("CosyVoice-300M-25Hz"), tmp_path / "output" / user / "v.pt")
    make(local, user_id="1321", name="a")
    make(local, user_id="1322", name="b")
    scandir, seen = os.scandir, []

    def look(path):
        if not isinstance(path, int):  # shutil removes a working folder by its descriptor
            seen.append(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", look)
    assert {voice["name"] for voice in voices(local)} == {"a", "v"}
    assert len(seen) == 2 and not any("1322" in path or ".work" in path for path in seen)


def test_copies_are_found_by_their_exact_letter_case(local, tmp_path, monkeypatch):
    """As on a file system that takes a and A for the same."""
    (tmp_path / "output/abc").mkdir()
    save_voice(make_voice("CosyVoice-300M-25Hz"), tmp_path / "output/abc/voice.pt")
    for other in ("ABC", "abc"):
        (tmp_path / "output" / other).mkdir(exist_ok=True)
    monkeypatch.setattr(os, "listdir", lambda path: [".leases", "abc", "voice.pt"])
    client = local.app.test_client()
    (tmp_path / "output/abc/Voice.pt").write_bytes(b"the same file")
    (tmp_path / "output/ABC/voice.pt").write_bytes(b"the same file")
    for user, name, status in (("ABC", "voice", 404), ("abc", "Voice", 404), ("abc", "voice", 200)):
        fields = {**SFT, "user_id": user, "spk_customize": name}
        answer = client.post("/generate_audio", json=fields, buffered=True)
        deleted = client.delete(f"/voices/{name}?user_id={user}")
        assert (answer.status_code, deleted.status_code) == (status, status)
    assert (tmp_path / "output/ABC/voice.pt").exists() and voices(local, "ABC") == []


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
def test_a_copy_that_is_a_link_is_told_and_not_followed(local, tmp_path):
    (tmp_path / "output/1321").mkdir()
    make(local)
    make(local, name="b")
    secret = tmp_path / "secret.pt"
    save_voice(make_voice("CosyVoice-300M-25Hz", consent="secret"), secret)
    for link in ("妈妈.pt", "alone.pt"):
        (tmp_path / "output/1321" / link).symlink_to(secret)
    (tmp_path / "output/1322").symlink_to(tmp_path / "output/1321")
    found = {voice["name"]: voice["problem"] for voice in voices(local)}
    assert set(found) == {"妈妈", "b"} and "symbolic link" in found["妈妈"] and not found["b"]
    assert voices(local, "1322") == []
    assert local.app.test_client().delete("/voices/妈妈?user_id=1321").status_code == 200
    assert secret.exists()


def test_a_copy_deleted_during_a_push_does_not_come_back(local, tmp_path, monkeypatch):
    (tmp_path / "output/1321").mkdir()
    save_voice(make_voice("CosyVoice-300M-25Hz"), copy := tmp_path / "output/1321/妈妈.pt")
    push = local.store.push

    def slow(*arguments):
        push(*arguments)
        assert local.app.test_client().delete("/voices/妈妈?user_id=1321").status_code == 200

    monkeypatch.setattr(local.store, "push", slow)
    assert make(local, overwrite="True").status_code == 201
    assert voices(local) == [] and not copy.exists()


def test_a_copy_that_vanishes_gives_way_to_the_store(local, tmp_path, monkeypatch):
    make(local)
    monkeypatch.setattr(local, "inside", lambda *_: tmp_path / "output/1321/gone.pt")
    fields = {**SFT, "user_id": "1321", "spk_customize": "妈妈"}
    assert local.app.test_client().post("/generate_audio", json=fields).status_code == 200


def test_voices_of_generate_audio_and_of_other_users(api):
    fields = {**CLONE, "exp_name": "v", "prompt_speech_16k": sound(), "consent": "同意"}
    assert (
        api.app.test_client().post("/generate_audio", data=fields, buffered=True).status_code == 200
    )
    make(api, user_id="132")
    assert [(voice["name"], voice["consent"]) for voice in voices(api)] == [("v", "同意")] and [
        voice["name"] for voice in voices(api, "132")
    ] == ["妈妈"]
    assert api.app.test_client().delete("/voices/妈妈?user_id=1321").status_code == 404


def test_copy_in_output_is_listed_renewed_and_deleted(local, tmp_path):
    (tmp_path / "output/1321").mkdir()
    save_voice(make_voice("CosyVoice-300M-25Hz", consent="copy"), tmp_path / "output/1321/妈妈.pt")
    assert [voice["consent"] for voice in voices(local)] == ["copy"] and make(
        local
    ).status_code == 409
    assert make(local, overwrite="True").status_code == 201 and [
        voice["consent"] for voice in voices(local)
    ] == ["本人同意"]
    assert local.app.test_client().delete("/voices/妈妈?user_id=1321").status_code == 200
    assert voices(local) == [] and not (tmp_path / "output/1321/妈妈.pt").exists()


def test_voice_that_cannot_be_used_is_listed_with_the_reason(api, tmp_path):
    save_voice(make_voice("Other"), tmp_path / "other.pt")
    (tmp_path / "broken.pt").write_bytes(b"no voice")
    for name in ("other", "broken"):
        api.store.push(tmp_path / f"{name}.pt", KEY.format(name))
    api.store.push(tmp_path / "broken.pt", KEY.format("deeper/x"))
    problems = {voice["name"]: voice["problem"] for voice in voices(api)}
    assert (
        set(problems) == {"other", "broken"} and "Other" in problems["other"] and problems["broken"]
    )
    assert (
        api.app.test_client().delete("/voices/broken?user_id=1321").status_code == 200
        and len(voices(api)) == 1
    )


def test_newest_comes_first_and_a_file_is_read_once(local, monkeypatch):
    for name in ("b", "c", "a"):
        make(local, name=name)
    assert [voice["name"] for voice in voices(local)] == ["a", "c", "b"]
    monkeypatch.setattr(local.store, "fetch", None)
    assert len(voices(local)) == 3


def test_long_take_gives_a_voice_without_its_words(local, tmp_path):
    answer = make(local, prompt_speech_16k=sound(48))
    start, end = answer.json["reference"]["used"]
    assert (
        answer.status_code == 201
        and 20 < end - start < 30
        and answer.json["reference"]["advice"][0]["code"] == "trimmed"
    )
    assert FakeEngine.calls[0][1]["prompt_wav"].shape[1] <= 30 * 16000
    local.store.fetch(KEY.format("妈妈"), tmp_path / "voice.pt", 10**7)
    voice = load_voice(tmp_path / "voice.pt", "CosyVoice-300M-25Hz")
    assert voice["prompt_text"].shape == voice["llm_prompt_speech_token"].shape == (1, 0) and voice[
        "flow_prompt_speech_token"
    ].shape == (1, 25)


def test_path_and_key_name_a_reference(api, tmp_path):
    (tmp_path / "reference/a.wav").write_bytes(sound()[0].getvalue())
    (tmp_path / "b.wav").write_bytes(sound()[0].getvalue())
    api.store.push(tmp_path / "b.wav", "upload/b.wav")
    client = api.app.test_client()
    for name, path in (("one", "a.wav"), ("two", "upload/b.wav")):
        assert (
            client.post(
                "/voices", json={**FIELDS, "name": name, "prompt_speech_16k": path}
            ).status_code
            == 201
        )
    assert client.post("/voices/check", json={"prompt_speech_16k": "a.wav"}).json["usable"]


WRONG = [
    ({"user_id": None}, 400, "user_id"),
    ({"name": None}, 400, "name"),
    ({"name": " "}, 400, "name"),
    ({"name": "../x"}, 400, "name"),
    ({"name": "a/b"}, 400, "name"),
    ({"name": "无"}, 400, "name"),
    ({"name": "x" * 65}, 400, "name"),
    ({"user_id": ".."}, 400, "user_id"),
    ({"prompt_text": None}, 400, "prompt_text"),
    ({"prompt_text": "字" * 1001}, 413, "prompt_text"),
    ({"consent": "字" * 2001}, 413, "consent"),
    ({"overwrite": "perhaps"}, 400, "overwrite"),
    ({"prompt_speech_16k": None}, 400, "prompt_speech_16k"),
    ({"prompt_speech_16k": "none.wav"}, 404, "prompt_speech_16k"),
    ({"prompt_speech_16k": "../none.wav"}, 400, "prompt_speech_16k"),
    ({"prompt_speech_16k": b"no sound"}, 422, "prompt_speech_16k"),
    ({"prompt_speech_16k": b""}, 422, "prompt_speech_16k"),
    ({"prompt_speech_16k": wav_bytes(0.1)}, 422, "prompt_speech_16k"),
    ({"prompt_speech_16k": wav_bytes(0)}, 422, "prompt_speech_16k"),
    ({"prompt_speech_16k": wav_bytes(601, 8000)}, 422, "prompt_speech_16k"),
]


@pytest.mark.parametrize("fields, status, field", WRONG, ids=lambda value: str(value)[:40])
def test_wrong_value_is_an_error_that_names_the_field(local, fields, status, field):
    answer = make(
        local,
        **{
            name: (io.BytesIO(value), "a.wav") if isinstance(value, bytes) else value
            for name, value in fields.items()
        },
    )
    assert (answer.status_code, answer.json["field"]) == (status, field) and " / " in answer.json[
        "error"
    ]
    assert not FakeEngine.calls and list(local.store.list("")) == []


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("get", "/voices", 400),
        ("get", "/voices?user_id=", 400),
        ("get", "/voices?user_id=a/b", 400),
        ("delete", "/voices/a", 400),
        ("delete", "/voices/..%2f..?user_id=1", 404),
        ("delete", "/voices/.a?user_id=1", 400),
        ("get", "/voices/a/preview", 400),
        ("get", "/voices/无/preview?user_id=1", 400),
        ("delete", "/voices/%00?user_id=1", 400),
        ("delete", "/voices/none?user_id=1", 404),
        ("put", "/voices/a?user_id=1", 405),
    ],
)
def test_wrong_address_is_an_error(local, method, path, status):
    answer = getattr(local.app.test_client(), method)(path)
    assert answer.status_code == status and set(answer.json) == {"error", "code", "field"}


def test_body_of_another_kind_is_refused(local):
    client = local.app.test_client()
    assert client.post("/voices", data=b"x", content_type="audio/wav").status_code == 415
    assert client.post("/voices", json=[]).status_code == 400


def test_doctor_stores_nothing_and_speaks_nothing(local, tmp_path):
    before = everything(tmp_path)
    for path in ("/voices/doctor", "/voices/check"):
        answer = local.app.test_client().post(
            path, data={"prompt_speech_16k": sound(), "prompt_text": "好"}
        )
        assert answer.status_code == 200 and answer.json.keys() == {
            "seconds",
            "rate",
            "usable",
            "used",
            "advice",
        }
        assert {f["code"]: f["level"] for f in answer.json["advice"]}["transcript"] == "bad"
    answer = local.app.test_client().post(
        "/voices/doctor", data={"prompt_speech_16k": (io.BytesIO(wav_bytes(0.2)), "a.wav")}
    )
    assert (
        answer.status_code == 200
        and not answer.json["usable"]
        and answer.json["advice"][0]["level"] == "bad"
    )
    assert everything(tmp_path) == before and not FakeEngine.calls


def test_key_acts_for_its_users_only(service, tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps({"one": ["1321"]}))
    client = service(API_KEYS_FILE=tmp_path / "keys.json").app.test_client()
    bearer = {"headers": {"Authorization": "Bearer one"}}
    answers = [
        client.get("/voices?user_id=2", **bearer),
        client.delete("/voices/a?user_id=2", **bearer),
        client.get("/voices/a/preview?user_id=2", **bearer),
        client.post(
            "/voices", data={**FIELDS, "user_id": "2", "prompt_speech_16k": sound()}, **bearer
        ),
        client.post(
            "/voices",
            data={**FIELDS, "prompt_speech_16k": KEY.format("x").replace("1321", "2")},
            **bearer,
        ),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert (
        client.get("/voices?user_id=1321").status_code == 401
        and client.get("/voices?user_id=1321", **bearer).status_code == 200
    )


@pytest.mark.parametrize("fault, status", [("500", 502), ("403", 502), ("slow", 504)])
def test_store_that_fails_is_told(service, oss, monkeypatch, fault, status):
    for name, value in oss.environ.items():
        monkeypatch.setenv(name, value)
    client = service().app.test_client()
    oss.objects[KEY.format("a")] = b"voice"
    for ask in (
        lambda: client.get("/voices?user_id=1321"),
        lambda: client.delete("/voices/a?user_id=1321"),
        lambda: client.post("/voices", data={**FIELDS, "prompt_speech_16k": sound()}),
    ):
        oss.faults = [fault] * 3
        assert ask().status_code == status
    assert list(oss.objects) == [KEY.format("a")]


def test_busy_service_refuses_and_keeps_its_slots(service):
    api = service(MAX_CONCURRENT=1, MAX_QUEUE=0)
    with api.slots.take():
        answer = make(api)
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeEngine, "make_voice", lambda *_: 1 / 0)
        assert make(api).status_code == 500
    assert make(api).status_code == 201 and api.slots.running == 0


def test_preview_speaks_the_voices_language_else_the_listeners_and_not_for_head(local):
    make(local)
    client = local.app.test_client()
    for own, language, start in (
        ("zh", "en-US", "你好"),
        ("ja", "en-US", "こんにちは"),
        ("de", "en-US", "Hello"),  # which this model does not speak
        ("", "en-US,en;q=0.9,zh;q=0.5", "Hello"),
        ("", "zh-CN", "你好"),
        ("", "fr", "你好"),
    ):
        voice = make_voice("CosyVoice-300M-25Hz")
        voice["meta"]["language"] = own
        local.push_voice(voice, "1321", "妈妈")
        client.get(
            "/voices/妈妈/preview?user_id=1321",
            headers={"Accept-Language": language},
            buffered=True,
        )
        assert FakeEngine.calls[-1][1]["text"].startswith(start)
    calls = len(FakeEngine.calls)
    assert (
        client.head("/voices/妈妈/preview?user_id=1321").status_code == 200
        and len(FakeEngine.calls) == calls
    )


def test_state_of_a_voice_in_the_making_can_be_asked(local):
    client = local.app.test_client()
    client.post(
        "/voices",
        data={**FIELDS, "prompt_speech_16k": sound()},
        headers={"X-Request-ID": "voice-of-test"},
        buffered=True,
    )
    assert client.get("/requests/voice-of-test").json["state"] == "done"


def test_a_mixture_in_the_making_has_a_state_that_ends(local):
    client, weights = local.app.test_client(), {"中文女": 1, "英文女": 1}
    client.post(
        "/voices",
        json={"user_id": "1321", "name": "混合", "mix": weights},
        headers={"X-Request-ID": "mixture-of-test"},
        buffered=True,
    )
    assert client.get("/requests/mixture-of-test").json["state"] == "done"


@pytest.mark.parametrize("words", ["希望你好。", ""])
def test_voice_without_words_speaks_as_cross_lingual_does(engine, reference_wav, tmp_path, words):
    from cosyvoice.serve.speaking.voice_maker import without_words

    save_voice(without_words(engine.make_voice(words, reference_wav)), tmp_path / "v.pt")
    voice = load_voice(tmp_path / "v.pt", engine.model_family)
    pairs = zip(
        engine.inference_sft("你好。", "", voice=voice, seed=1),
        engine.inference_cross_lingual("你好。", reference_wav, seed=1),
        strict=True,
    )
    assert all(torch.equal(a["tts_speech"], b["tts_speech"]) for a, b in pairs)


@pytest.mark.server
@pytest.mark.parametrize("kind", KINDS)
def test_mixed_operations_of_many_callers_lose_nothing(tmp_path, kind):
    """A small part of the load of tools/stress; with gunicorn on two processes."""
    environment = {"GUNICORN_CMD_ARGS": "--workers=2", "MAX_CONCURRENT": "2", "MAX_QUEUE": "16"}
    server = Server(kind, tmp_path, **environment)
    try:
        rows = stress.run(server.url, server.process.pid, operations=240)
    finally:
        server.stop()
    assert all(row.ok for row in rows), rows


def mixed(api, weights, **fields):
    given = {"user_id": "1321", "name": "混合", "mix": weights, **fields}
    return api.app.test_client().post("/voices", json=given)


def test_speakers_and_saved_voices_are_mixed_and_the_answer_says_whose_prompt_it_is(api):
    make(api)
    answer = mixed(api, {"中文女": 1, "妈妈": 3})
    assert answer.status_code == 201
    assert answer.json["mix"] == {"中文女": 0.25, "妈妈": 0.75}
    assert answer.json["prompt_of"] == "妈妈" and "妈妈" in answer.json["about"]
    assert voices(api)[0]["consent"] == "妈妈: 本人同意"
    voice = api.fetch_voice("1321", "混合")
    assert voice["prompt_text"].shape == (1, 25)
    answer = mixed(api, {"中文女": 0.7, "英文女": 0.3}, name="speakers", consent="ok")
    assert answer.json["prompt_of"] is None and "no prompt" in answer.json["about"]
    speak = {**SFT, "spk_customize": "speakers", "user_id": "1321"}
    assert api.app.test_client().post("/generate_audio", json=speak, buffered=True).data
    assert mixed(api, {"中文女": 0.7, "英文女": 0.3}).status_code == 409


@pytest.mark.parametrize(
    "weights, status, told",
    [
        ({"中文女": 1, "nobody": 1}, 404, "nobody"),
        ({"中文女": 1, "../x": 1}, 400, "mix"),
        ({"中文女": 1}, 400, "2 to 8"),
        ({str(i): 1 for i in range(9)}, 400, "2 to 8"),
        ("half and half", 400, "JSON"),
        (["中文女"], 400, "2 to 8"),
        ({"中文女": 0, "英文女": 0}, 400, "sum to nothing"),
        ({"中文女": "much", "英文女": 1}, 400, "number"),
        ({"中文女": True, "英文女": 1}, 400, "number"),
        ({"中文女": -1, "英文女": 2}, 400, "number"),
        ({"中文女": 1e9, "英文女": 2}, 400, "number"),
    ],
)
def test_a_mixture_that_cannot_be_made_is_refused_by_name(local, weights, status, told):
    answer = mixed(local, weights)
    assert answer.status_code == status and answer.json["field"] == "mix"
    assert told in answer.json["error"] and voices(local) == []


def test_not_a_number_is_no_weight(local):
    answer = local.app.test_client().post(
        "/voices",
        data='{"user_id": "1321", "name": "x", "mix": {"中文女": NaN, "英文女": 1}}'.encode(),
        content_type="application/json",
    )
    assert answer.status_code == 400 and answer.json["field"] == "mix"


def test_a_voice_is_renamed_and_only_one_name_is_left(api):
    make(api)
    make(api, name="爸爸")
    client = api.app.test_client()

    def rename(old, new, **fields):
        fields = {"user_id": "1321", "new_name": new, **fields}
        return client.patch(f"/voices/{old}", json=fields)

    before = api.fetch_voice_file("1321", "妈妈")
    assert rename("妈妈", "爸爸").status_code == 409
    assert rename("nobody", "x").status_code == 404
    assert rename("妈妈", "../x").status_code == 400
    assert rename("妈妈", "").status_code == 400
    assert rename("妈妈", "妈妈").json == {"name": "妈妈"}
    assert rename("妈妈", "mum").json == {"name": "mum"}
    assert {voice["name"] for voice in voices(api)} == {"mum", "爸爸"}
    assert api.fetch_voice_file("1321", "mum") == before
    assert rename("mum", "爸爸", overwrite=True).status_code == 200
    assert [voice["name"] for voice in voices(api)] == ["爸爸"]


@pytest.fixture
def meeting(api, monkeypatch):
    """Two renames at once have read their voices before either changes anything.

    Where one holds off the other, the first goes on alone after a moment.
    """
    barrier, fetch = threading.Barrier(2), api.shelf.fetch_file

    def fetch_file(user_id, name):
        data = fetch(user_id, name)
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(0.3)
        return data

    monkeypatch.setattr(api.shelf, "fetch_file", fetch_file)


def both(*calls) -> list[int]:
    """The statuses of two calls at once, in their order."""
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(call) for call in calls]
        return [answer.result().status_code for answer in answers]


def renamed(api, old: str, new: str, **fields):
    client = api.app.test_client()
    fields = {"user_id": "1321", "new_name": new, **fields}
    return lambda: client.patch(f"/voices/{old}", json=fields)


@pytest.mark.parametrize("names", [("甲", "乙"), ("甲", "甲")])
def test_of_two_renames_of_one_voice_at_once_one_wins(api, meeting, names):
    make(api)
    before = api.fetch_voice_file("1321", "妈妈")
    statuses = both(*(renamed(api, "妈妈", name, overwrite=True) for name in names))
    assert sorted(statuses) == [200, 404]
    winner = names[statuses.index(200)]
    assert [voice["name"] for voice in voices(api)] == [winner]
    assert api.fetch_voice_file("1321", winner) == before


def test_two_renames_that_cross_lose_no_voice_but_the_one_overwritten(api, meeting):
    make(api)
    make(api, name="爸爸", consent="爸爸同意")
    crossing = [("妈妈", "爸爸"), ("爸爸", "妈妈")]
    statuses = both(*(renamed(api, *names, overwrite=True) for names in crossing))
    assert statuses == [200, 200]
    left = voices(api)
    assert len(left) == 1 and left[0]["consent"] in ("本人同意", "爸爸同意")


def test_a_voice_made_while_one_of_its_name_is_renamed_is_not_lost(api, monkeypatch):
    make(api)
    again, delete = make_voice("CosyVoice-300M-25Hz", consent="新"), api.shelf.delete
    is_renamed, is_made = threading.Event(), threading.Event()

    def delete_late(*names):
        is_renamed.set()
        is_made.wait(0.3)
        return delete(*names)

    def make_again():
        is_renamed.wait(10)
        api.push_voice(again, "1321", "妈妈")
        is_made.set()
        return api.app.test_client().get("/health")

    monkeypatch.setattr(api.shelf, "delete", delete_late)

    assert both(renamed(api, "妈妈", "甲"), make_again) == [200, 200]
    assert {voice["name"]: voice["consent"] for voice in voices(api)} == {
        "甲": "本人同意",
        "妈妈": "新",
    }


def test_a_change_that_does_not_end_is_told_to_who_waits_for_it(local, monkeypatch):
    monkeypatch.setattr(voice_locks, "PATIENCE", 0.05)
    make(local)
    key = KEY.format("妈妈")
    with ThreadPoolExecutor(1) as pool, local.voice_locks.hold(key):
        answer = pool.submit(renamed(local, "妈妈", "甲")).result()
    assert (answer.status_code, answer.json["code"]) == (503, "busy")
    assert answer.headers["Retry-After"] == "5"
    assert renamed(local, "妈妈", "甲")().status_code == 200


def bring(api, data: bytes, name="mine", **fields):
    given = {"user_id": "77", "name": name, "voice_file": (io.BytesIO(data), "v.pt"), **fields}
    return api.app.test_client().post("/voices", data=given)


def test_a_voice_travels_as_a_file_with_its_meta(api):
    make(api)
    answer = api.app.test_client().get("/voices/妈妈/file?user_id=1321")
    assert answer.status_code == 200 and answer.mimetype == "application/octet-stream"
    assert "attachment" in answer.headers["Content-Disposition"]
    brought = bring(api, answer.data)
    assert brought.status_code == 201 and brought.json["consent"] == "本人同意"
    listed = voices(api, "77")[0]
    assert {**voices(api)[0], "name": "mine"} == listed
    assert bring(api, answer.data).status_code == 409
    assert api.app.test_client().get("/voices/none/file?user_id=1321").status_code == 404


def test_a_file_that_is_no_voice_of_this_family_is_refused(local, tmp_path):
    save_voice(make_voice("CosyVoice2-0.5B"), tmp_path / "other.pt")
    for data, told in (
        ((tmp_path / "other.pt").read_bytes(), "CosyVoice2-0.5B"),
        (b"no voice", "not an archive"),
        (b"x" * (9 << 20), "larger than 8 MiB"),
    ):
        answer = bring(local, data)
        assert answer.status_code == 422 and answer.json["code"] == "voice_unusable"
        assert told in answer.json["error"] and answer.json["field"] == "voice_file"
    words = {"user_id": "77", "name": "x", "voice_file": "v.pt"}
    answer = local.app.test_client().post("/voices", json=words)
    assert answer.status_code == 400 and "multipart" in answer.json["error"]


def test_a_voice_that_is_not_there_is_told_by_its_name(api):
    client = api.app.test_client()
    own = {"user_id": "1321"}
    for answer in (
        client.get("/voices/nobody/file", query_string=own),
        client.get("/voices/nobody/preview", query_string=own),
        client.patch("/voices/nobody", json={**own, "new_name": "else"}),
        client.patch("/voices/nobody", json={**own, "new_name": "nobody"}),
    ):
        assert (answer.status_code, answer.json["field"]) == (404, "name"), answer.text


def test_another_users_voice_is_neither_renamed_nor_taken_along(service, tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps({"a": ["1"], "b": ["2"]}))
    api = service(API_KEYS_FILE=tmp_path / "keys.json")
    api.push_voice(make_voice("CosyVoice-300M-25Hz"), "1", "mine")
    client, other = api.app.test_client(), {"Authorization": "Bearer b"}
    fields = {"user_id": "1", "new_name": "stolen"}
    for answer in (
        client.get("/voices/mine/file?user_id=1", headers=other),
        client.patch("/voices/mine", json=fields, headers=other),
        client.post(
            "/voices",
            json={"user_id": "1", "name": "x", "mix": {"mine": 1, "中文女": 1}},
            headers=other,
        ),
    ):
        assert answer.status_code == 403
