"""/text/preview and /pronunciations: how texts are read, on both stores; warnings about tags."""

import json
import threading

import pytest

from tests.support.fake_engine import FakeEngine
from tests.support.jobs import CLONE, CROSS, INSTRUCT, SFT
from tests.support.sounds import wav_bytes

KEY = "learn-wave/1321/model/cosyvoice/pronunciations.json"
WORDS = [{"word": "重庆", "said": "chong2 qing4"}, {"word": "Nguyen", "said": "W IH1 N"}]
SAID = {entry["word"]: entry["said"] for entry in WORDS}


@pytest.fixture(params=["local", "oss"])
def api(request, service, tmp_path, monkeypatch):
    if request.param == "oss":
        for name, value in request.getfixturevalue("oss").environ.items():
            monkeypatch.setenv(name, value)
    return service()


@pytest.fixture
def local(service, tmp_path):
    """With a reference audio and an instruct model."""
    (tmp_path / "Fake-Instruct").mkdir()
    module = service(COSYVOICE_INSTRUCT_MODEL=tmp_path / "Fake-Instruct")
    (tmp_path / "reference/a").mkdir()
    (tmp_path / "reference/a/ref.wav").write_bytes(wav_bytes())
    return module


def keep(api, words=WORDS, user_id="1321", **options):
    return api.app.test_client().put(
        f"/pronunciations?user_id={user_id}", json={"pronunciations": words}, **options
    )


def kept(api, user_id="1321", **options):
    answer = api.app.test_client().get(f"/pronunciations?user_id={user_id}", **options)
    assert answer.status_code == 200, answer.json
    return answer.json["pronunciations"]


def preview(api, text, **fields):
    answer = api.app.test_client().post("/text/preview", json={"tts_text": text, **fields})
    assert answer.status_code == 200, answer.json
    return answer.json


def spoken(read: dict) -> str:
    return "".join(span["spoken"] for span in read["spans"])


# pronunciation lists


def test_a_list_is_kept_in_its_order_replaced_and_removed(api):
    assert kept(api) == []
    answer = keep(api)
    assert answer.status_code == 200 and answer.json == {"pronunciations": WORDS}
    assert kept(api) == WORDS and kept(api, "other") == []
    assert [entry.key for entry in api.store.list("")] == [KEY]
    assert keep(api, WORDS[::-1]).status_code == 200 and kept(api) == WORDS[::-1]
    assert keep(api, []).json == {"pronunciations": []} and list(api.store.list("")) == []


def test_a_list_is_no_voice(api):
    keep(api)
    assert api.app.test_client().get("/voices?user_id=1321").json == {"voices": []}


def test_a_thousand_long_entries_are_kept(api):
    words = [{"word": f"{n}".rjust(50, "词"), "said": "字" * 100} for n in range(1000)]
    assert keep(api, words).status_code == 200 and kept(api) == words
    answer = keep(api, [*words, {"word": "多", "said": "duo1"}])
    assert (answer.status_code, answer.json["code"]) == (400, "pronunciation_unusable")
    assert "1001" in answer.json["error"] and kept(api) == words


@pytest.mark.parametrize(
    ("words", "field", "says"),
    [
        (
            [*WORDS, {"word": "!?", "said": "什么"}],
            "pronunciations[2]",
            "entry 3, '!?': no letters",
        ),
        ([{"word": "张", "said": "zhagn1"}], "pronunciations[0]", "no syllable 'zhagn1'"),
        ([{"word": "hi", "said": "HH AX1"}], "pronunciations[0]", "no phoneme 'AX1'"),
        ([{"word": "x"}], "pronunciations[0].said", "must be a string"),
        ([*WORDS, "x"], "pronunciations[2].word", "must be a string"),
        ({"重庆": "chong2 qing4"}, "pronunciations", "must be a list"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named_and_nothing_is_kept(local, words, field, says):
    answer = keep(local, words)
    assert (answer.status_code, answer.json["field"]) == (400, field)
    assert says in answer.json["error"] and kept(local) == []


def test_a_user_and_a_list_are_required(local):
    client = local.app.test_client()
    assert client.get("/pronunciations").json["field"] == "user_id"
    assert client.put("/pronunciations", json={"pronunciations": []}).json["field"] == "user_id"
    answer = client.put("/pronunciations?user_id=1321", json={})
    assert (answer.status_code, answer.json["field"]) == (400, "pronunciations")


def test_only_keys_that_may_act_for_a_user_see_and_change_the_list(service, tmp_path):
    keys = {"one": ["1321"], "other": ["42"], "both": ["1321", "42"]}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    api = service(API_KEYS_FILE=tmp_path / "keys.json")

    def by(key):
        return {"headers": {"Authorization": f"Bearer {key}"}}

    assert keep(api, **by("one")).status_code == 200 and kept(api, **by("both")) == WORDS
    assert keep(api, [], **by("other")).status_code == 403
    client = api.app.test_client()
    assert client.get("/pronunciations?user_id=1321", **by("other")).status_code == 403
    fields = {"tts_text": "重庆", "user_id": "1321"}
    assert client.post("/text/preview", json=fields, **by("other")).status_code == 403
    # A key of one user means that user.
    for key, said in (("one", "chong2 qing4"), ("other", "重庆"), ("both", "重庆")):
        answer = client.post("/text/preview", json={"tts_text": "重庆"}, **by(key))
        assert spoken(answer.json) == said
        client.post("/generate_audio", json=SFT, buffered=True, **by(key))
        assert FakeEngine.calls[-1][1]["pronunciations"] == (SAID if key == "one" else {})


@pytest.mark.parametrize("fields", [SFT, CLONE, CROSS, INSTRUCT], ids=lambda f: f["mode"])
def test_the_list_is_used_in_every_mode(local, fields):
    keep(local)
    answer = local.app.test_client().post(
        "/generate_audio", json={**fields, "user_id": "1321"}, buffered=True
    )
    assert answer.status_code == 200 and FakeEngine.calls[-1][1]["pronunciations"] == SAID


def test_the_list_is_used_in_every_endpoint(local):
    keep(local)
    client = local.app.test_client()
    speech = {"model": "tts-1", "input": "你好", "voice": "alloy", "user_id": "1321"}
    query = {**SFT, "user_id": "1321"}
    for answer in (
        client.get("/generate_audio_get", query_string=query, buffered=True),
        client.post("/v1/audio/speech", json=speech, buffered=True),
        client.post("/v1/audio/speech", json={**speech, "stream_format": "sse"}, buffered=True),
    ):
        assert answer.status_code == 200 and FakeEngine.calls[-1][1]["pronunciations"] == SAID
    client.post("/generate_audio", json=SFT, buffered=True)
    assert FakeEngine.calls[-1][1]["pronunciations"] == {}


def test_a_stored_list_that_is_damaged_says_what_to_do(local, tmp_path):
    (tmp_path / "broken").write_text("[")
    local.store.push(tmp_path / "broken", KEY)
    answer = local.app.test_client().get("/pronunciations?user_id=1321")
    assert (answer.status_code, answer.json["code"]) == (422, "pronunciations_damaged")
    assert keep(local).status_code == 200 and kept(local) == WORDS


def test_of_two_callers_who_save_at_once_one_wins_whole(local):
    lists = [[{"word": f"词{n}", "said": letter * 90} for n in range(300)] for letter in "甲乙"]
    threads = [threading.Thread(target=keep, args=(local, words)) for words in lists * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept(local) in lists


# previews


def test_a_preview_tells_spans_sentences_and_seconds_without_sound(local):
    keep(local)
    text = '我在<font color="red">重庆</font>，有3个。[pause 500ms]明天见<blink>！</blink>'
    read = preview(local, text, user_id="1321")
    kinds = [(s["class"], s["language"], s["written"], s["spoken"]) for s in read["spans"]]
    assert ("pronunciation", "zh", "重庆", "chong2 qing4") in kinds
    assert ("pause", "zh", "", "") in kinds
    assert next(s for s in read["spans"] if s["class"] == "pause")["seconds"] == 0.5
    assert [(s["written"], s["spoken"]) for s in read["sentences"]] == [
        ("我在重庆，有3个。", "我在chong2 qing4，有三个。"),
        ("明天见！", "明天见！"),
    ]
    assert read["seconds"] == pytest.approx(0.5 + sum(s["seconds"] for s in read["sentences"]))
    assert read["left_out_tags"] == ["font", "blink"] and not FakeEngine.calls


def test_what_is_written_and_spoken_is_all_of_the_text(local):
    text = "他有3只猫，花了$5。Then 2 dogs came!"
    read = preview(local, text)
    assert "".join(span["written"] for span in read["spans"]).replace(" ", "") == text.replace(
        " ", ""
    )
    assert not any(char.isdigit() for char in spoken(read))


@pytest.mark.parametrize(
    "hint", [{"spk_id": "英文女"}, {"prompt_text": "How are you?"}, {"language": "en"}]
)
def test_figures_are_read_in_the_language_of_the_voice(local, hint):
    assert spoken(preview(local, "42")) == "四十二"
    assert spoken(preview(local, "42", **hint)) in ("forty-two", "forty two")
    assert spoken(preview(local, "我有42个", **hint)) == "我有四十二个"


def test_speed_shortens_the_estimate_but_no_pause(local):
    text = "今天天气很好。[pause 2s]"
    usual, fast = (preview(local, text, speed=speed)["seconds"] for speed in (1, 2))
    assert usual - 2 == pytest.approx(2 * (fast - 2), abs=0.02)


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({}, 400, "tts_text"),
        ({"tts_text": " "}, 400, "tts_text"),
        ({"tts_text": "字" * 10_001}, 413, "tts_text"),
        ({"tts_text": "[pause 5 apples]"}, 400, "tts_text"),
        ({"tts_text": "好", "language": "xx"}, 400, "language"),
        ({"tts_text": "好", "speed": 3}, 400, "speed"),
    ],
)
def test_what_cannot_be_previewed_is_refused(local, fields, status, field):
    answer = local.app.test_client().post("/text/preview", json=fields)
    assert (answer.status_code, answer.json["field"]) == (status, field)


# tags in requests to speak


@pytest.mark.parametrize("stream", ["True", "False"])
def test_a_header_names_the_tags_that_were_left_out(local, stream):
    client = local.app.test_client()
    text = '<prosody rate="slow">你好</prosody><break time="1s"/><p>再见</p><fön a="b">x</fön>'
    answer = client.post(
        "/generate_audio", json={**SFT, "tts_text": text, "stream": stream}, buffered=True
    )
    assert answer.headers["X-Text-Warnings"] == "tags left out: prosody, f%C3%B6n"
    speech = {"model": "tts-1", "input": text, "voice": "alloy"}
    for fields in ({}, {"stream": False}, {"stream_format": "sse"}):
        answer = client.post("/v1/audio/speech", json={**speech, **fields}, buffered=True)
        assert answer.headers["X-Text-Warnings"] == "tags left out: prosody, f%C3%B6n"
    answer = client.post("/generate_audio", json=SFT, buffered=True)
    assert "X-Text-Warnings" not in answer.headers


def test_a_header_of_many_tags_stays_short(local):
    text = "好" + "".join(f"<tag{n} a='b'>x</tag{n}>" for n in range(300))
    answer = local.app.test_client().post(
        "/generate_audio", json={**SFT, "tts_text": text}, buffered=True
    )
    assert answer.headers["X-Text-Warnings"].endswith("tag19, ...")


@pytest.mark.parametrize("tag", ["[pause 5 apples]", "[pause 11s]", '<break time="20s"/>'])
def test_a_pause_that_cannot_be_made_is_refused_before_any_sound(local, tag):
    client = local.app.test_client()
    answer = client.post("/generate_audio", json={**SFT, "tts_text": "好。" * 2000 + tag})
    assert (answer.status_code, answer.json["field"]) == (400, "tts_text")
    assert not FakeEngine.calls


def test_a_pause_of_somebodys_page_is_left_out_with_a_warning(local):
    answer = local.app.test_client().post(
        "/generate_audio", json={**SFT, "tts_text": '好<break time="soon"/>'}, buffered=True
    )
    assert answer.headers["X-Text-Warnings"] == "tags left out: break"
