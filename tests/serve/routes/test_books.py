"""/jobs: long texts are spoken part by part, kept, joined and owned."""

import io
import json
import re
import threading
import time

import numpy as np
import pytest
import soundfile

from cosyvoice.cli.voice import save_voice
from cosyvoice.encoders.mark import STATEMENT
from cosyvoice.serve.speaking import book_worker
from tests.support.epub_files import epub
from tests.support.fake_engine import FakeEngine, make_voice
from tests.support.sounds import shown_by_ffmpeg, speech
from tests.support.waiting import wait_for

TEXT = (
    "第一章 起\n{chunks=2 size=2000}清晨的风从山谷里吹来。\n\n第二章 落\n{chunks=1 size=900}一句。"
)
FIELDS = {"mode": "预训练音色", "spk_id": "中文女", "tts_text": TEXT, "user_id": "1321", "seed": 7}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(book_worker, "POLL", 0.02)
    monkeypatch.setattr(book_worker, "LOOK", 0.02)
    monkeypatch.setattr(book_worker, "RETRY", 0.05)


@pytest.fixture
def api(service):
    return service()


def post(api, headers=None, **fields):
    given = {name: value for name, value in {**FIELDS, **fields}.items() if value is not None}
    client = api.app.test_client()
    if any(isinstance(value, tuple) for value in given.values()):
        return client.post("/jobs", data=given, headers=headers)
    return client.post("/jobs", json=given, headers=headers)


def made(api, **fields) -> str:
    answer = post(api, **fields)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def state(api, id: str) -> dict:
    answer = api.app.test_client().get(f"/jobs/{id}")
    assert answer.status_code == 200, answer.text
    return answer.json


def ended(api, id: str) -> dict:
    wait_for(lambda: state(api, id)["ended"])
    return state(api, id)


def folder(api, id: str):
    return api.books.path(id)


def left(api, id: str) -> set[str]:
    return {path.name for path in folder(api, id).iterdir()}


def probe(content: bytes, path) -> str:
    path.write_bytes(content)
    return shown_by_ffmpeg(path)


@pytest.mark.parametrize("form, mimetype", [("m4b", "audio/mp4"), ("mp3", "audio/mpeg")])
def test_a_book_is_spoken_and_joined_with_its_chapters(api, tmp_path, form, mimetype):
    id = made(api, format=form, title="山风")
    done = ended(api, id)
    assert done["state"] == "done" and done["sentences_done"] == done["sentences"] == 4
    assert done["characters_done"] == done["characters"] and not done["skipped"]
    assert [chapter["title"] for chapter in done["chapters"]] == ["第一章 起", "第二章 落"]
    answer = api.app.test_client().get(f"/jobs/{id}/file")
    assert answer.mimetype == mimetype and f".{form}" in answer.headers["Content-Disposition"]
    assert answer.headers["X-AI-Generated"] == "true"
    about = probe(answer.data, tmp_path / f"book.{form}")
    assert about.count("Chapter #") == 2 and "第二章 落" in about and "山风" in about
    assert STATEMENT in about and "CosyVoice-300M-25Hz" in about and done["ended"][:10] in about
    hours, minutes, seconds = re.search(r"Duration: (\d+):(\d+):([\d.]+)", about).groups()
    assert abs(float(seconds) - done["seconds"]) < 0.2
    part = api.app.test_client().get(f"/jobs/{id}/file", headers={"Range": "bytes=0-9"})
    assert part.status_code == 206 and part.data == answer.data[:10]
    wait_for(lambda: left(api, id) == {"plan.json", "voice.pt", f"book.{form}"})


def test_making_a_job_is_a_request_that_ends(api):
    post(api).close()
    api.states.flush()
    assert not api.states.live


def test_each_part_is_spoken_once_with_a_seed_of_its_own(api):
    id = made(api)
    ended(api, id)
    texts = [call["text"] for _, call in FakeEngine.calls]
    seeds = [call["seed"] for _, call in FakeEngine.calls]
    assert texts[0] == "第一章 起" and texts[2] == "第二章 落" and len(texts) == 4
    assert seeds == [7, 8, 9, 10]
    assert not any(call["stream"] for _, call in FakeEngine.calls)


def test_the_sound_so_far_and_its_subtitles_can_be_had_before_the_end(api):
    slow = "第一章\n" + "{chunks=1 size=22050}一句。\n" * 3 + "{chunks=1 delay=20}慢。"
    id = made(api, tts_text=slow)
    wait_for(lambda: state(api, id)["sentences_done"] == 4)
    now = state(api, id)
    assert now["state"] == "running" and now["expected_end"] and not now["ended"]
    client = api.app.test_client()
    answer = client.get(f"/jobs/{id}/audio")
    assert answer.mimetype == "audio/mpeg" and answer.headers["X-AI-Generated"] == "true"
    heard, rate = soundfile.read(io.BytesIO(answer.data))
    assert abs(len(heard) / rate - now["seconds"]) < 0.2
    sentences = client.get(f"/jobs/{id}/subtitles.json").json["sentences"]
    assert sentences[-1]["end"] <= now["seconds"] and len(sentences) == 3 + 2
    assert client.get(f"/jobs/{id}/subtitles.srt").text.count("-->") == 5
    refused = client.get(f"/jobs/{id}/file")
    assert refused.status_code == 409 and refused.json["code"] == "job_unfinished"


@pytest.fixture
def unjoined(api, monkeypatch):
    """(id, event): a job that is all spoken, and joined when the event is set."""
    go_on, whole = threading.Event(), book_worker.join

    def held(*arguments):
        check = arguments[-1]
        while not go_on.wait(0.01):
            check()
        whole(*arguments)

    monkeypatch.setattr(book_worker, "join", held)
    id = made(api, tts_text="{chunks=1 size=110250}一句。\n" * 4)
    wait_for(lambda: state(api, id)["state"] == "joining")
    return id, go_on


def test_who_hears_the_sound_so_far_hears_it_to_its_end_when_the_job_is_done(api, unjoined):
    id, go_on = unjoined
    seconds = state(api, id)["seconds"]
    client = api.app.test_client()
    answers = [client.get(f"/jobs/{id}/audio") for _ in range(2)]
    heard = [next(answer.response) for answer in answers]
    go_on.set()
    assert ended(api, id)["state"] == "done"
    wait_for(lambda: not api.book_worker.joiner.is_alive())
    heard = [data + b"".join(answer.response) for data, answer in zip(heard, answers)]
    sounds = [soundfile.read(io.BytesIO(data)) for data in heard]
    assert all(abs(len(sound) / rate - seconds) < 0.2 for sound, rate in sounds)
    answers[0].close()
    assert any(name.endswith(".flac") for name in left(api, id))
    answers[1].close()
    assert left(api, id) == {"plan.json", "voice.pt", "book.m4b"}


def test_deleting_a_job_ends_what_is_heard_of_it_and_leaves_nothing(api, unjoined, caplog):
    id, _ = unjoined
    client = api.app.test_client()
    answer = client.get(f"/jobs/{id}/audio")
    next(answer.response)
    client.delete(f"/jobs/{id}")
    with pytest.raises(soundfile.LibsndfileError):
        b"".join(answer.response)
    answer.close()
    assert not folder(api, id).exists() and "cannot remove" not in caplog.text


def test_its_sound_says_that_a_machine_made_it(service, tmp_path, monkeypatch):
    (tmp_path / "halves.py").write_text("def start(rate):\n    return lambda pcm: pcm // 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    slow = "{chunks=1 size=22050}一句。\n{chunks=1 delay=20}慢。"
    heard = []
    for settings in ({}, {"WATERMARK": "halves:start"}):
        api = service(**settings)
        id = made(api, tts_text=slow)
        wait_for(lambda api=api, id=id: state(api, id)["sentences_done"] == 1)
        answer = api.app.test_client().get(f"/jobs/{id}/audio")
        assert answer.headers["X-AI-Generated"] == "true"
        assert answer.data.startswith(b"ID3") and STATEMENT.encode() in answer.data[:1000]
        heard.append(soundfile.read(io.BytesIO(answer.data))[0])
        api.app.test_client().delete(f"/jobs/{id}")
    assert np.abs(heard[0]).max() == pytest.approx(2 * np.abs(heard[1]).max(), rel=0.1)


def test_a_deleted_book_stops_at_once_and_leaves_nothing(api):
    id = made(api, tts_text="{chunks=1 delay=30}慢。", prompt_text="x")
    wait_for(lambda: FakeEngine.speaking)
    client = api.app.test_client()
    assert client.delete(f"/jobs/{id}").json == {"id": id}
    wait_for(lambda: not FakeEngine.speaking)
    assert not folder(api, id).exists() and not api.books.spoken(id)
    for method, path in (("get", ""), ("delete", ""), ("get", "/audio"), ("get", "/file")):
        answer = getattr(client, method)(f"/jobs/{id}{path}")
        assert answer.status_code == 404 and answer.json["code"] == "unknown_job"
    wait_for(lambda: api.book_worker.thread is None)


def test_the_voice_is_kept_with_the_book(api, tmp_path):
    place = tmp_path / "output/1321"
    place.mkdir()
    save_voice(make_voice("CosyVoice-300M-25Hz", consent="yes"), place / "mum.pt")
    with api.slots.take():  # the book waits
        id = made(api, spk_customize="mum", spk_id=None)
        (place / "mum.pt").unlink()
    assert ended(api, id)["state"] == "done"
    assert all(call["voice"]["meta"]["consent"] == "yes" for _, call in FakeEngine.calls)


@pytest.mark.parametrize(
    "mode, method, words",
    [("3s极速复刻", "zero_shot", "参考。"), ("跨语种复刻", "cross_lingual", "")],
)
def test_a_recording_is_kept_with_the_book(api, mode, method, words):
    soundfile.write(file := io.BytesIO(), speech(6.0)[0].numpy(), 16000, format="WAV")
    recording = (io.BytesIO(file.getvalue()), "me.wav")
    id = made(api, mode=mode, prompt_speech_16k=recording, prompt_text=words, spk_id=None)
    assert ended(api, id)["state"] == "done"
    assert {name for name, _ in FakeEngine.calls} == {method} and len(FakeEngine.calls) == 4


def test_an_epub_is_spoken_chapter_by_chapter(api):
    content = epub(
        {"a.xhtml": "<h1>One</h1><p>Some words.</p>", "b.xhtml": "<p>More words.</p>"},
        nav={"a.xhtml": "One", "b.xhtml": "Two"},
    )
    id = made(api, tts_text=None, file=(io.BytesIO(content), "x.epub"))
    done = ended(api, id)
    assert done["title"] == "山风"
    assert [chapter["title"] for chapter in done["chapters"]] == ["One", "Two"]
    assert [call["text"] for _, call in FakeEngine.calls] == [
        *("One", "Some words.", "Two", "More words.")
    ]


@pytest.mark.parametrize(
    "fields, status, code",
    [
        ({"tts_text": ""}, 400, "missing_value"),
        ({"tts_text": "。。。"}, 400, "manuscript_unusable"),
        ({"tts_text": "好" * 2001}, 413, "text_too_long"),
        ({"tts_text": "好[pause 99s]。"}, 400, "text_unusable"),
        ({"mode": "x"}, 400, "bad_value"),
        ({"spk_id": "nobody"}, 404, "unknown_speaker"),
        ({"spk_customize": "nobody"}, 404, "unknown_voice"),
        ({"format": "wav"}, 400, "bad_value"),
        ({"file": "text"}, 400, "bad_value"),
        ({"file": (io.BytesIO(b"one"), "a.txt")}, 400, "bad_value"),
        (
            {"tts_text": None, "file": (io.BytesIO(b"PK\x03\x04no"), "a.epub")},
            400,
            "manuscript_unusable",
        ),
        ({"tts_text": None, "file": (io.BytesIO(b"a" * 2001), "a.txt")}, 413, "text_too_long"),
        ({"mode": "3s极速复刻"}, 400, "missing_value"),
    ],
)
def test_a_bad_request_is_refused_and_keeps_nothing(service, fields, status, code):
    api = service(MAX_JOB_CHARS=2000)
    answer = post(api, **fields)
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    assert not list(api.books.folder.glob("*/plan.json")) and api.book_worker.thread is None


def test_a_wrong_text_is_named_by_the_field_it_came_in(api):
    for text in ("。。。", "好[pause 99h]。"):
        assert post(api, tts_text=text).json["field"] == "tts_text"
        file = (io.BytesIO(text.encode()), "a.txt")
        assert post(api, tts_text=None, file=file).json["field"] == "file"


KEYS = {
    "anna-key": ["anna"],
    "both-keys": ["anna", "1321"],
    "few": {"users": ["1321"], "characters_per_day": 100},
}


def test_a_job_is_its_owners(service, tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps(KEYS))
    api = service(API_KEYS_FILE=tmp_path / "keys.json", API_KEY="master")
    client = api.app.test_client()

    def status(key: str, path: str, method="get") -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return getattr(client, method)(path, headers=headers).status_code

    answer = post(api, headers={"Authorization": "Bearer few"})
    path = f"/jobs/{answer.json['id']}"
    assert [status(key, path) for key in ("few", "both-keys", "master")] == [200] * 3
    assert [
        status("anna-key", path + end) for end in ("", "/audio", "/file", "/subtitles.srt")
    ] == [404] * 4
    assert (
        status("anna-key", path, "delete") == 404
        and status("anna-key", "/jobs?user_id=1321") == 403
    )
    assert status("few", "/jobs") == 200 and status("both-keys", "/jobs") == 400
    listed = client.get("/jobs?user_id=1321", headers={"Authorization": "Bearer master"}).json
    assert [job["id"] for job in listed["jobs"]] == [answer.json["id"]]
    refused = post(api, headers={"Authorization": "Bearer few"}, tts_text="好" * 60)
    assert refused.status_code == 429 and refused.json["code"] == "too_many_characters"


def test_one_caller_has_a_bounded_number_of_unfinished_jobs(api, monkeypatch):
    from cosyvoice.serve.routes import books as routes

    monkeypatch.setattr(routes, "MOST_OF_ONE", 1)
    with api.slots.take():
        id = made(api)
        refused = post(api)
        assert refused.status_code == 503 and refused.json["code"] == "too_many_jobs"
        other = made(api, user_id="2")
    ended(api, id), ended(api, other)


def test_a_listener_comes_first(service):
    api = service(MAX_CONCURRENT=1)
    id = made(api, tts_text="{chunks=1 size=100}一。\n" * 20)
    wait_for(lambda: state(api, id)["sentences_done"] > 1)
    fields = {**FIELDS, "tts_text": "{chunks=2 size=100 delay=0.3}听。"}
    answer = api.app.test_client().post("/generate_audio", json=fields, buffered=True)
    assert answer.status_code == 200 and not state(api, id)["ended"]
    calls = [call["text"] for _, call in FakeEngine.calls]
    between = calls[calls.index("{chunks=2 size=100 delay=0.3}听。") :]
    assert len(between) < 15 and FakeEngine.peak == 1
    assert ended(api, id)["state"] == "done"


def test_a_part_without_sound_is_told(api):
    id = made(api, tts_text="一句。\n{error=TextError}二句。\n三句。")
    done = ended(api, id)
    assert done["state"] == "done" and done["skipped"] == [
        {"index": 1, "text": "{error=TextError}二句。"}
    ]


def test_a_full_disk_stops_a_book_until_there_is_room(api, monkeypatch):
    import errno

    from cosyvoice.cli.long_speech import SoundFiles

    write, full = SoundFiles.write, [True]

    def fail(self, number, pcm):
        if full[0] and number == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, number, pcm)

    monkeypatch.setattr(SoundFiles, "write", fail)
    id = made(api)
    wait_for(lambda: state(api, id)["state"] == "waiting")
    assert state(api, id)["error"]["code"] == "disk_full" and state(api, id)["sentences_done"] == 2
    full[0] = False
    assert ended(api, id)["state"] == "done"


def test_records_that_cannot_be_read_do_not_stop_the_service(service, caplog):
    service().books.folder.mkdir()
    (service().books.file).write_bytes(b"no database" * 500)
    client = service().app.test_client()
    assert "cannot be read" in caplog.text and client.get("/health").status_code == 200
    assert client.get("/jobs/x").status_code == 500


def test_what_keeps_failing_ends_as_failed(api):
    id = made(api, tts_text="一句。\n{fail=0}二句。")
    failed = ended(api, id)
    assert failed["state"] == "failed" and failed["error"]["code"] == "internal_error"
    assert "at sentence 2" in failed["error"]["error"]
    assert failed["sentences_done"] == 1 and len(FakeEngine.calls) == 4
    answer = api.app.test_client().get(f"/jobs/{id}/audio")
    assert answer.status_code == 200 and len(answer.data) > 1000


def test_a_book_of_another_model_waits(api, monkeypatch):
    with api.slots.take():
        id = made(api)
        monkeypatch.setattr(api.cosyvoice, "model_family", "other")
    wait_for(lambda: state(api, id)["state"] == "waiting")
    assert (
        state(api, id)["error"]["code"] == "other_model" and state(api, id)["sentences_done"] <= 1
    )
    monkeypatch.setattr(api.cosyvoice, "model_family", "CosyVoice-300M-25Hz")
    assert ended(api, id)["state"] == "done"


def test_ended_books_are_removed_after_the_set_days(service, monkeypatch):
    api = service(JOB_DAYS="0.00001")
    id = made(api)
    wait_for(lambda: api.book_worker.thread is None)
    time.sleep(1)
    api.books.sweep()
    assert api.books.get(id) is None and not folder(api, id).exists()


def test_the_sound_of_parts_is_that_of_the_file(api, tmp_path):
    """Lossless: the parts are the engine's samples and the pauses."""
    slow = "{chunks=1 size=3000}一句。\n{chunks=1 delay=20}慢。"
    id = made(api, tts_text=slow)
    wait_for(lambda: state(api, id)["sentences_done"] == 1)
    pcm = api.books.sounds(api.books.get(id)).read(0)
    assert pcm.dtype == np.int16 and len(pcm) == 3000 + round(0.3 * 22050)
