"""LEGACY_API: the interface of the Windows bundle beside the page and the service's own."""

import json

import pytest

from tests.support.fake_engine import FakeEngine, make_voice
from tests.support.sounds import read_wav

TEXT = {"text": "你好。", "speaker": "中文女"}
LOCAL = {"Host": "127.0.0.1:9883"}


@pytest.fixture
def client(service):
    api = service(LEGACY_API="1", LEGACY_USER="7")
    api.push_voice(make_voice("CosyVoice-300M-25Hz"), "7", "mine")
    return api.app.test_client()


def test_without_the_setting_nothing_changes(service):
    client = service().app.test_client()
    assert client.get("/", query_string=TEXT).mimetype == "text/html"
    assert client.post("/", json=TEXT).status_code == 405
    assert "speakers" in client.get("/speakers").json
    for path in ("/speakers_list", "/file/output.srt"):
        assert client.get(path).status_code == 404


def test_the_page_keeps_its_address(client):
    page = client.get("/")
    assert (
        page.mimetype == "text/html"
        and "script-src 'self'" in page.headers["Content-Security-Policy"]
    )


@pytest.mark.parametrize("streaming", [None, 0, "0", False])
def test_a_text_and_a_speaker_are_spoken_as_wav(client, streaming):
    given = TEXT if streaming is None else {**TEXT, "streaming": streaming}
    for answer in (
        client.post("/", json=given, buffered=True),
        client.get("/", query_string=given | {"new": 1}, buffered=True),
    ):
        assert answer.mimetype == "audio/wav" and len(read_wav(answer.data)) == 90_000
    assert FakeEngine.calls[-1][1]["spk_id"] == "中文女"


def test_streaming_is_one_ogg_stream(client):
    answer = client.post("/?speed=1.5", json={**TEXT, "streaming": 1}, buffered=True)
    assert answer.mimetype == "audio/ogg" and answer.data[:4] == b"OggS"
    assert answer.data.count(b"OpusHead") == 1 and FakeEngine.calls[-1][1]["speed"] == 1.5
    assert answer.headers["Content-Disposition"] == "attachment; filename=sound.ogg"


def test_a_look_at_the_headers_costs_no_speech(client):
    assert client.head("/", query_string=TEXT).status_code == 200 and not FakeEngine.calls


def test_lists_have_speakers_and_saved_voices_in_the_old_form(client):
    names = ["中文女", "中文男", "英文女", "mine"]
    listed = client.get("/speakers").json
    assert listed == [{"name": name, "voice_id": name} for name in names]
    assert client.get("/speakers_list").json == names


def test_the_page_gets_its_own_form_of_the_speakers(client):
    own = client.get("/speakers", headers={"Sec-Fetch-Site": "same-origin"}).json
    assert own == client.get("/speakers?form=object").json
    assert own["speakers"][0]["id"] == "中文女"


def test_a_saved_voice_speaks_by_its_name(client):
    for speaker in ("mine", "mine.pt"):
        client.post("/", json={**TEXT, "speaker": speaker}, buffered=True)
        assert FakeEngine.calls[-1][1]["voice"]["meta"]["family"] == "CosyVoice-300M-25Hz"


def test_tts_to_audio_has_a_speaker_of_its_own(client):
    for given, used in (
        ({"text": "你好。"}, "中文女"),
        ({"text": "你好。", "speaker_wav": "英文女", "language": "zh"}, "英文女"),
    ):
        answer = client.post("/tts_to_audio/", json=given, buffered=True)
        assert answer.mimetype == "audio/wav" and FakeEngine.calls[-1][1]["spk_id"] == used


@pytest.mark.parametrize(
    "given, status, field",
    [
        ({"speaker": "中文女"}, 400, "text"),
        ({"text": "你好。"}, 400, "speaker"),
        ({"text": "你好。", "speaker": "nobody"}, 404, "speaker"),
        ({**TEXT, "streaming": "maybe"}, 400, "streaming"),
        ({**TEXT, "speed": 9}, 400, "speed"),
    ],
)
def test_a_wrong_call_is_refused_by_name(client, given, status, field):
    answer = client.post("/", json=given)
    assert (answer.status_code, answer.json["field"]) == (status, field) and answer.json["error"]


def test_the_last_subtitles_are_for_this_computers_user_only(client):
    assert client.get("/file/output.srt", headers=LOCAL).status_code == 404
    client.post("/", json=TEXT, headers={"Host": "speech.example"}, buffered=True)
    assert client.get("/file/output.srt", headers=LOCAL).status_code == 404
    client.post("/", json=TEXT, headers=LOCAL, buffered=True)
    assert "句0" in client.get("/file/output.srt", headers=LOCAL).text
    for headers in ({**LOCAL, "X-Forwarded-For": "1.2.3.4"}, {**LOCAL, "Via": "1.1 proxy"}):
        assert client.get("/file/output.srt", headers=headers).status_code == 403
    elsewhere = client.get(
        "/file/output.srt", headers=LOCAL, environ_base={"REMOTE_ADDR": "10.0.0.9"}
    )
    assert elsewhere.status_code == 403
    assert client.get("/file/other.wav", headers=LOCAL).status_code == 404


def test_with_keys_a_call_needs_one_and_sees_its_own_subtitles(service, tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps({"a": ["1"], "b": ["2"]}))
    api = service(LEGACY_API="1", API_KEYS_FILE=tmp_path / "keys.json")
    api.push_voice(make_voice("CosyVoice-300M-25Hz"), "2", "foreign")
    client, key, other = api.app.test_client(), *({"Authorization": f"Bearer {k}"} for k in "ab")
    assert client.get("/").status_code == 200
    assert client.get("/", query_string=TEXT).status_code == 401
    assert client.post("/", json=TEXT).status_code == 401
    assert client.post("/", json=TEXT, headers=key, buffered=True).status_code == 200
    assert client.get("/file/output.srt", headers=key).status_code == 200
    assert client.get("/file/output.srt", headers=other).status_code == 404
    assert client.get("/speakers_list", headers=key).json == ["中文女", "中文男", "英文女"]
    foreign = client.post("/", json={**TEXT, "user_id": "2"}, headers=key)
    assert foreign.status_code == 403


def test_a_link_on_a_foreign_page_does_not_make_it_speak(client):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}
    assert client.get("/", headers=link).status_code == 200
    assert client.get("/", query_string=TEXT, headers=link).status_code == 403
    assert not FakeEngine.calls
