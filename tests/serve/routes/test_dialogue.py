"""POST /dialogue: one sound of several voices, its subtitles, and errors that name the line."""

import numpy as np
import pytest

from cosyvoice.cli.voice import save_voice
from tests.support.fake_engine import FakeEngine, make_voice, tone
from tests.support.sounds import read_wav

SIZE = 4410  # samples of each line, as its text tells the fake engine
WORDS = "你好 {chunks=1 size=4410}"
RATE = FakeEngine.sample_rate
LINE = {"voice": "中文女", "text": WORDS}
ID = "dialogue-of-test"


@pytest.fixture
def api(service, tmp_path):
    (tmp_path / "Fake-Instruct").mkdir()
    return service(COSYVOICE_INSTRUCT_MODEL=tmp_path / "Fake-Instruct")


def speak(api, *lines, headers=None, **fields):
    return api.app.test_client().post(
        "/dialogue",
        json={"lines": lines, **fields},
        headers={"X-Request-ID": ID, **(headers or {})},
    )


def save(api, user_id: str, name: str, family="CosyVoice-300M-25Hz"):
    folder = api.config.output_dir / user_id
    folder.mkdir(parents=True, exist_ok=True)
    save_voice(make_voice(family), folder / f"{name}.pt")


def samples(answer) -> np.ndarray:
    return read_wav(answer.data)


def calls(method):
    return [arguments for name, arguments in FakeEngine.calls if name == method]


def test_lines_follow_each_other_with_their_pauses_in_one_sound(api):
    lines = [LINE, {**LINE, "voice": "中文男", "pause_after": "500ms"}, {**LINE, "pause_after": 1}]
    answer = speak(api, *lines, format="wav", stream=False, seed=7)
    assert answer.status_code == 200 and answer.mimetype == "audio/wav"
    sound = samples(answer)
    assert len(sound) == 3 * SIZE + round(1.5 * RATE)
    quiet = sound[2 * SIZE : 2 * SIZE + RATE // 2]
    assert not quiet.any() and sound[:SIZE].any() and not sound[-RATE:].any()


def test_a_bare_list_is_a_dialogue(api):
    answer = api.app.test_client().post("/dialogue", json=[LINE, LINE])
    assert answer.status_code == 200 and answer.mimetype == "audio/mpeg" and answer.data


def test_each_line_has_the_next_seed_unless_it_has_its_own(api):
    speak(api, LINE, LINE, {**LINE, "seed": 99}, LINE, seed=2**32 - 1, stream=False, format="wav")
    assert [call["seed"] for call in calls("sft")] == [2**32 - 1, 0, 99, 2]


def test_a_line_sounds_as_it_does_alone(api):
    answer = speak(api, LINE, {**LINE, "speed": 2}, seed=3, format="wav", stream=False)
    alone = tone(0, SIZE // 2, 4)[0]
    assert np.abs(samples(answer)[SIZE:] / 32767 - alone).max() < 1e-4


def test_speakers_saved_voices_and_instructions_are_mixed(api):
    save(api, "42", "anna")
    answer = speak(
        api,
        LINE,
        {"voice": "anna", "text": WORDS},
        {"spk_customize": "anna", "text": WORDS, "instruct": "慢一点"},
        {"spk_id": "中文男", "text": WORDS, "instruct": "快一点"},
        user_id="42",
        stream=False,
    )
    assert answer.status_code == 200
    assert [call["voice"] is None for call in calls("sft")] == [True, False]
    assert [call["instruct_text"] for call in calls("instruct")] == ["慢一点", "快一点"]


def test_each_voice_is_fetched_once_and_before_the_first_sound(api, monkeypatch):
    save(api, "42", "anna")
    fetched = []
    load = api.load_voice
    monkeypatch.setattr(
        api, "load_voice", lambda *a: fetched.append(FakeEngine.calls[:]) or load(*a)
    )
    anna = {"voice": "anna", "text": WORDS}
    assert speak(api, LINE, anna, LINE, anna, user_id="42", stream=False).status_code == 200
    assert fetched == [[]]


def test_states_and_subtitles_name_the_speaker(api):
    lines = [LINE, {**LINE, "voice": "中文男", "pause_after": 0.5}, {**LINE, "speaker": "安<娜>"}]
    speak(api, *lines, stream=False, format="wav")
    client = api.app.test_client()
    state = client.get(f"/requests/{ID}").json
    assert state["state"] == "done"
    found = [(each["speaker"], each["start"]) for each in state["sentences"]]
    seconds = SIZE / RATE
    assert found == [
        ("中文女", 0),
        ("中文男", round(seconds, 3)),
        ("安<娜>", round(2 * seconds + 0.5, 3)),
    ]
    srt = client.get(f"/requests/{ID}/subtitles.srt").text
    assert "\n中文女: 句0\n" in srt and "\n安<娜>: 句0\n" in srt
    vtt = client.get(f"/requests/{ID}/subtitles.vtt").text
    assert "\n<v 中文男>句0\n" in vtt and "\n<v 安&lt;娜&gt;>句0\n" in vtt


BAD = [
    ({"voice": "谁"}, 404, "lines[1].voice", "unknown_voice"),
    ({"voice": {"id": "谁"}}, 404, "lines[1].voice", "unknown_voice"),
    ({"voice": None, "spk_id": "谁"}, 404, "lines[1].spk_id", "unknown_speaker"),
    ({"voice": 3}, 400, "lines[1].voice", "bad_value"),
    ({"voice": None}, 400, "lines[1].spk_id", "missing_value"),
    ({"text": " "}, 400, "lines[1].text", "missing_value"),
    ({"text": "！？"}, 400, "lines[1].text", "text_unusable"),
    ({"text": "好[pause 5 apples]"}, 400, "lines[1].text", "text_unusable"),
    ({"text": "好" * 101}, 413, "lines[1].text", "text_too_long"),
    ({"speed": 3}, 400, "lines[1].speed", "bad_value"),
    ({"seed": -1}, 400, "lines[1].seed", "bad_value"),
    ({"pause_after": 10.5}, 400, "lines[1].pause_after", "bad_value"),
    ({"pause_after": "11s"}, 400, "lines[1].pause_after", "bad_value"),
    ({"pause_after": "5 apples"}, 400, "lines[1].pause_after", "bad_value"),
    ({"pause_after": True}, 400, "lines[1].pause_after", "bad_value"),
]


def test_an_error_names_the_line(service):
    api = service(MAX_TEXT_CHARS=100)
    for number, (wrong, *expected) in enumerate(BAD):
        id = {"X-Request-ID": f"{ID}-{number}"}
        answer = speak(api, LINE, {**LINE, **wrong}, user_id="42", headers=id)
        error = answer.json
        assert [answer.status_code, error["field"], error["code"]] == expected, wrong
        assert error["error"].startswith("lines[1]") and not FakeEngine.calls


def test_what_is_no_list_of_lines_is_refused(api):
    client = api.app.test_client()
    for lines in (None, [], "a", [1], [LINE] * 501):
        answer = client.post("/dialogue", json={"lines": lines})
        assert answer.status_code == 400 and answer.json["field"] == "lines"
    assert client.post("/dialogue", json="a").status_code == 400


def test_texts_and_pauses_count_together(service):
    api = service(MAX_TEXT_CHARS=100)
    answer = speak(api, *[{**LINE, "text": "好" * 51}] * 2)
    assert answer.status_code == 413 and answer.json["field"] == "lines"
    answer = speak(api, *[{"voice": "中文女", "text": "好", "pause_after": 10}] * 31)
    assert (answer.status_code, answer.json["field"]) == (400, "lines[30].text")


def test_an_engine_of_another_rate_is_refused(service, tmp_path, monkeypatch):
    api = service()
    other = FakeEngine("Fake-Instruct")
    other.sample_rate = 24000
    monkeypatch.setattr(api.instruct_model, "get", lambda: other)
    answer = speak(api, LINE, {**LINE, "instruct": "慢一点"})
    assert (answer.status_code, answer.json["code"]) == (400, "other_sample_rate")
    assert answer.json["error"].startswith("lines[1]") and "24000 Hz" in answer.json["error"]


def test_a_key_may_only_use_its_own_users_voices(service, tmp_path):
    (tmp_path / "keys.json").write_text('{"secret": ["42"]}')
    api = service(API_KEYS_FILE=tmp_path / "keys.json")
    save(api, "43", "anna")
    key = {"Authorization": "Bearer secret"}
    assert speak(api, {**LINE, "voice": "anna"}, user_id="43", headers=key).status_code == 403
    assert speak(api, {**LINE, "voice": "anna"}, headers=key).status_code == 404
    assert speak(api, LINE).status_code == 401
