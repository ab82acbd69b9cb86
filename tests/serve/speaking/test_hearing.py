"""What is said in a recording: told by /voices/check and used by POST /voices where it is asked."""

import io
import sys
import threading

import pytest
import soundfile

from cosyvoice.cli.verify import has_whisper
from cosyvoice.serve.speaking import voice_maker
from tests.support.fake_engine import FakeEngine
from tests.support.sounds import speech, wav_bytes
from tests.support.waiting import wait_for
from tests.support.whisper import SAID, Whisper

FIELDS = {"user_id": "1321", "name": "妈妈", "transcribe": "True"}


def send(api, path="/voices/check", headers=None, seconds=6.0, **fields):
    soundfile.write(file := io.BytesIO(), speech(seconds)[0].numpy(), 16000, format="WAV")
    given = {**FIELDS, "prompt_speech_16k": (io.BytesIO(file.getvalue()), "a.wav"), **fields}
    data = {name: value for name, value in given.items() if value is not None}
    return api.app.test_client().post(path, data=data, headers=headers, buffered=True)


def test_a_look_at_a_recording_tells_what_is_said_in_it(service, whisper):
    api = service()
    assert api.app.test_client().get("/ready").json["can_hear"] is True
    for _ in range(2):
        answer = send(api, headers={"X-Request-ID": "hearing-of-test"})
        assert answer.json["transcript"] == {"text": SAID, "language": "zh"}
        assert answer.json["usable"] and len(answer.json["advice"]) == 6
    assert whisper.events == ["load", *["detect", "hear zh"] * 2]
    assert api.slots.running == 0 and list(api.store.list("")) == []
    state = api.app.test_client().get("/requests/hearing-of-test").json
    assert state["state"] == "done"


def test_nothing_is_heard_unless_it_is_asked(service, whisper):
    answer = send(service(), transcribe=None)
    assert "transcript" not in answer.json and not whisper.events


def test_without_the_package_or_the_model_a_look_tells_no_words(service, whisper, monkeypatch):
    for missing in ({"faster_whisper": None}, {"faster_whisper": Whisper()}):
        for name, module in missing.items():
            monkeypatch.setitem(sys.modules, name, module)
        api = service()
        assert api.app.test_client().get("/ready").json["can_hear"] is False
        answer = send(api)
        assert answer.status_code == 200 and "transcript" not in answer.json
        refused = send(api, "/voices")
        assert (refused.status_code, refused.json["code"]) == (404, "no_hearing")


def test_a_folder_without_the_weights_hears_nothing(whisper, tmp_path):
    (tmp_path / "empty").mkdir()
    assert has_whisper("small") and has_whisper(str(tmp_path / "small"))
    assert not has_whisper(str(tmp_path / "empty")) and not has_whisper("medium")


@pytest.mark.parametrize("said", ["", "嗯", "谢谢观看。" * 40])
def test_words_that_cannot_be_those_of_the_recording_are_not_told(service, whisper, said):
    api, whisper.said = service(), said
    answer = send(api)
    assert answer.status_code == 200 and "transcript" not in answer.json
    refused = send(api, "/voices")
    assert (refused.status_code, refused.json["code"]) == (422, "nothing_heard")
    assert not FakeEngine.calls


def test_signs_beside_chinese_characters_are_full_width(service, whisper):
    whisper.said = "今天天气很好,我们去公园走走吧!1,000 OK?"
    assert send(service()).json["transcript"]["text"] == "今天天气很好，我们去公园走走吧！1,000 OK?"


def test_a_model_of_english_alone_hears_english(service, whisper):
    whisper.model.is_multilingual, whisper.said = False, "What a fine day to go to the park."
    transcript = send(service()).json["transcript"]
    assert transcript == {"text": whisper.said, "language": "en"}
    assert whisper.events == ["load", "hear en"]


def test_a_voice_is_made_with_the_words_that_were_heard(service, whisper):
    answer = send(service(), "/voices")
    assert answer.status_code == 201 and answer.json["transcript"]["text"] == SAID
    assert FakeEngine.calls[-1][1]["prompt_text"] == SAID


def test_words_that_are_given_are_not_heard(service, whisper):
    assert "transcript" not in send(service(), "/voices", prompt_text="你好。").json
    assert FakeEngine.calls[-1][1]["prompt_text"] == "你好。" and not whisper.events


def test_of_a_recording_that_was_cut_the_part_that_is_used_is_heard(service, whisper):
    whisper.said = SAID * 6
    api = service()
    assert send(api, "/voices", seconds=48).json["transcript"]["text"] == SAID * 6
    assert api.fetch_voice("1321", "妈妈")["prompt_text"].numel()


def test_an_unusable_recording_is_not_heard(service, whisper):
    answer = send(service(), prompt_speech_16k=(io.BytesIO(wav_bytes(0.2)), "a.wav"))
    assert not answer.json["usable"] and not whisper.events


def test_hearing_takes_a_slot_as_speech_does(service, whisper):
    api = service(MAX_CONCURRENT=1, MAX_QUEUE=0)
    with api.slots.take():
        answer = send(api)
        assert (answer.status_code, answer.json["code"]) == (503, "busy")
        assert send(api, transcribe=None).status_code == 200
    assert send(api).status_code == 200


def test_a_caller_who_left_is_not_heard_for(service, whisper, monkeypatch):
    class Leaving:
        """Goes when the language is known."""

        def __init__(self, environ):
            pass

        def gone(self):
            return "detect" in whisper.events

    api = service()
    monkeypatch.setattr(voice_maker, "client_of", Leaving)
    assert send(api).status_code == 499
    assert whisper.events == ["load", "detect"] and api.slots.running == 0


def test_two_at_once_load_one_model(service, whisper):
    api, answers = service(), []
    threads = [threading.Thread(target=lambda: answers.append(send(api))) for _ in range(2)]
    with api.slots.take(), api.slots.take():
        for thread in threads:
            thread.start()
        wait_for(lambda: len(api.slots.queue) == 2)
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert whisper.events.count("load") == 1


def test_a_damaged_model_is_told_and_not_tried_at_every_request(service, whisper, monkeypatch):
    api, tries = service(), []

    def load(*arguments, **options):
        tries.append(1)
        raise RuntimeError("damaged")

    monkeypatch.setattr(sys.modules["faster_whisper"], "WhisperModel", load)
    for _ in range(2):
        answer = send(api)
        assert (answer.status_code, answer.json["code"]) == (503, "hearing_damaged")
        assert "damaged" not in answer.json["error"] and answer.headers["Retry-After"] == "30"
    assert len(tries) == 1


def test_hearing_counts_against_the_limits_of_a_key(service, whisper, tmp_path):
    (tmp_path / "keys.json").write_text('{"k": {"users": ["1321"], "requests_per_minute": 1}}')
    api, key = service(API_KEYS_FILE=tmp_path / "keys.json"), {"Authorization": "Bearer k"}
    assert send(api, headers=key).status_code == 200
    assert send(api, headers=key).status_code == 429
    assert send(api, headers=key, transcribe=None).status_code == 200
