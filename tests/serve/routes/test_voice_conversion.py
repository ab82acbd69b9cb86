"""POST /voice_conversion: where sources and voices come from, limits, progress, errors."""

import io
import json

import pytest
import soundfile

from tests.support.fake_engine import FakeEngine, make_voice
from tests.support.sounds import decode, read_wav, speech, wav_bytes

PATH = "/voice_conversion"


def take(seconds=2.4) -> tuple:
    soundfile.write(file := io.BytesIO(), speech(seconds)[0].numpy(), 16000, format="WAV")
    return io.BytesIO(file.getvalue()), "me.wav"


@pytest.fixture
def api(service):
    return service()


def convert(api, headers=None, **fields):
    given = {"source_speech_16k": take(), "spk_id": "中文女", **fields}
    given = {name: value for name, value in given.items() if value is not None}
    return api.app.test_client().post(PATH, data=given, headers=headers, buffered=True)


def asked() -> dict:
    name, arguments = FakeEngine.calls[-1]
    assert name == "vc"
    return arguments


def test_a_recording_is_answered_as_mp3_or_as_wav(api):
    answer = convert(api, seed=7, speed=1.5)
    assert answer.status_code == 200 and answer.mimetype == "audio/mpeg"
    assert len(decode(answer.data)[0]) > 50_000
    assert asked()["source_wav"].shape == (1, 38400) and asked()["stream"] is True
    assert (asked()["seed"], asked()["speed"], asked()["spk_id"]) == (7, 1.5, "中文女")
    answer = convert(api, stream="False")
    assert answer.mimetype == "audio/wav" and len(read_wav(answer.data)) == 90_000


def test_the_new_voice_is_a_saved_one_else_a_recording_else_a_speaker(api):
    api.push_voice(make_voice("CosyVoice-300M-25Hz"), "1", "mine")
    reference = (io.BytesIO(wav_bytes()), "him.wav")
    assert convert(api, spk_customize="mine", user_id="1", prompt_speech_16k=reference).data
    assert asked()["voice"] and asked()["prompt_wav"] is None
    reference = (io.BytesIO(wav_bytes()), "him.wav")
    assert convert(api, prompt_speech_16k=reference).data
    assert asked()["voice"] is None and asked()["prompt_wav"].shape[0] == 1


def test_source_and_reference_are_also_paths(api, tmp_path):
    (tmp_path / "reference/me.wav").write_bytes(take()[0].getvalue())
    (tmp_path / "reference/him.wav").write_bytes(wav_bytes())
    fields = {"source_speech_16k": "me.wav", "prompt_speech_16k": "him.wav"}
    answer = api.app.test_client().post(PATH, json=fields, buffered=True)
    assert answer.status_code == 200 and asked()["source_wav"].shape == (1, 38400)


@pytest.mark.parametrize(
    "fields, status, code, field",
    [
        ({"source_speech_16k": None}, 400, "missing_value", "source_speech_16k"),
        ({"source_speech_16k": "../x.wav"}, 400, "bad_path", "source_speech_16k"),
        ({"source_speech_16k": "none.wav"}, 404, "no_reference", "source_speech_16k"),
        ({"spk_id": None}, 400, "missing_value", "spk_id"),
        ({"spk_id": "nobody"}, 404, "unknown_speaker", "spk_id"),
        ({"spk_customize": "nobody", "user_id": "1"}, 404, "unknown_voice", "spk_customize"),
        ({"spk_customize": "mine"}, 400, "missing_value", "user_id"),
        ({"speed": "3"}, 400, "bad_value", "speed"),
    ],
)
def test_a_wrong_request_is_refused_by_name(api, fields, status, code, field):
    answer = convert(api, **fields)
    found = (answer.status_code, answer.json["code"], answer.json["field"])
    assert found == (status, code, field)


@pytest.mark.parametrize(
    "data, told",
    [
        (b"no audio", "cannot be read"),
        (wav_bytes(0.2), "0.20 s"),
        (wav_bytes(2), "no speech"),
        (wav_bytes(601, 4000, subtype="PCM_U8"), "longer than 600 s"),
    ],
    ids=["none", "short", "tone", "long"],
)
def test_audio_that_cannot_be_converted_is_refused_before_the_model_is_asked(api, data, told):
    answer = convert(api, source_speech_16k=(io.BytesIO(data), "me.wav"))
    assert answer.status_code == 422 and answer.json["code"] == "source_unusable"
    assert answer.json["field"] == "source_speech_16k" and told in answer.json["error"]
    assert not FakeEngine.calls


def test_the_state_says_how_much_sound_there_will_be(api):
    convert(api, {"X-Request-ID": "conversion-1"}, speed=1.2)
    state = api.app.test_client().get("/requests/conversion-1").json
    assert state["total_seconds"] == 2.0 and state["state"] == "done"


def test_a_source_may_be_larger_than_other_uploads(service):
    api = service(MAX_BODY_MB=1, MAX_SOURCE_MB=3)
    form = "multipart/form-data"
    assert api.body_limit(form, PATH) == api.body_limit(form, PATH + "/") == 3_000_000
    assert api.body_limit(form, "/voices") == 1_000_000
    big = (io.BytesIO(wav_bytes(2, 48000, 8)), "me.wav")  # 1.5 MB
    assert convert(api, source_speech_16k=big).json["code"] == "source_unusable"


def test_seconds_of_a_source_count_as_characters_of_its_key(service, tmp_path):
    rights = {"users": "*", "characters_per_day": 15, "requests_per_minute": 5}
    (tmp_path / "keys.json").write_text(json.dumps({"a": rights}))
    api = service(API_KEYS_FILE=tmp_path / "keys.json")
    key = {"Authorization": "Bearer a"}
    assert convert(api).status_code == 401
    assert convert(api, key).status_code == 200  # 2.4 s are 11 characters
    refused = convert(api, key)
    assert refused.status_code == 429 and refused.json["code"] == "too_many_characters"


def test_another_users_recordings_are_not_read(service, tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps({"a": ["1"]}))
    api = service(API_KEYS_FILE=tmp_path / "keys.json")
    key = {"Authorization": "Bearer a"}
    answer = convert(api, key, source_speech_16k="learn-wave/2/me.wav")
    assert answer.status_code == 403 and answer.json["field"] == "source_speech_16k"
