"""The HTTP contract of all_api.py, with the fake engine."""

import io
import json
import time

import numpy as np
import pytest
import soundfile

from tests.support.fake_engine import RATE, FakeEngine
from tests.support.jobs import CLONE, CROSS, INSTRUCT, MODES, SFT
from tests.support.sounds import DELAY, decode, pcm_of, read_wav, snr, wav_bytes


@pytest.fixture
def api(service, tmp_path):
    """The module with a reference audio in its folder and an instruct model."""
    (tmp_path / "Fake-Instruct").mkdir()
    module = service(COSYVOICE_INSTRUCT_MODEL=tmp_path / "Fake-Instruct")
    (tmp_path / "reference/a").mkdir()
    (tmp_path / "reference/a/ref.wav").write_bytes(wav_bytes())
    return module


@pytest.fixture
def post(api):
    client = api.app.test_client()
    return lambda fields, **options: client.post(
        "/generate_audio",
        data=json.dumps(fields),
        content_type="application/json",
        **{"buffered": True, **options},
    )


@pytest.mark.parametrize("fields", MODES, ids=lambda f: f["mode"])
def test_stream_is_one_mp3_of_what_the_engine_made(post, fields):
    answer = post(fields)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "audio/mpeg")
    assert answer.headers["Content-Disposition"] == "inline; filename=sound.mp3"
    decoded, complaints = decode(answer.data)
    assert complaints == "" and 0 <= len(decoded) - DELAY - 90000 <= 1152
    assert snr(pcm_of(), decoded[DELAY : DELAY + 90000]) > 20


@pytest.mark.parametrize("fields", MODES, ids=lambda f: f["mode"])
def test_whole_is_a_wav_of_what_the_engine_made(post, fields):
    answer = post({**fields, "stream": "False"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "audio/wav")
    assert answer.content_length == len(answer.data)
    assert (read_wav(answer.data) == pcm_of()).all()


@pytest.mark.parametrize(
    "fields, method, asked",
    [
        (SFT, "sft", {"spk_id": "中文女", "voice": None}),
        (INSTRUCT, "instruct", {"instruct_text": "慢一点", "spk_id": "中文女"}),
        (CLONE, "zero_shot", {"prompt_text": "参考。"}),
        (CROSS, "cross_lingual", {}),
    ],
    ids=lambda x: str(x)[:20],
)
def test_mode_reaches_its_method_with_its_options(post, fields, method, asked):
    assert post({**fields, "seed": 7, "speed": 1.5, "stream": "False"}).status_code == 200
    name, arguments = FakeEngine.calls[-1]
    assert name == method
    assert (
        arguments.items()
        >= {"text": fields["tts_text"], "seed": 7, "speed": 1.5, "stream": False, **asked}.items()
    )


def test_reference_is_trimmed_and_levelled(post):
    post(CROSS)
    reference = FakeEngine.calls[-1][1]["prompt_wav"]
    assert reference.shape == (1, 48000 + 4410) and float(reference.abs().max()) <= 0.8


@pytest.mark.parametrize(
    "value, streamed",
    [
        ("True", True),
        ("False", False),
        ("false", False),
        ("TRUE", True),
        (True, True),
        (False, False),
    ],
)
def test_stream_takes_words_and_booleans(post, value, streamed):
    assert post({**SFT, "stream": value}).mimetype == ("audio/mpeg" if streamed else "audio/wav")


@pytest.mark.parametrize(
    "fields",
    [
        {"seed": "5", "speed": "1.5"},
        {"seed": 5, "speed": 1.5},
        {"seed": None, "speed": None, "unknown": []},
        {"seed": 2**32 - 1, "speed": 2},
        {"prompt_text": None, "exp_name": "", "user_id": "", "spk_customize": ""},
    ],
)
def test_values_that_are_accepted(post, fields):
    assert post({**SFT, **fields}).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_form_body_is_as_good_as_json(api, content_type):
    answer = api.app.test_client().post(
        "/generate_audio", data={**SFT, "seed": "3", "exp_name": ""}, content_type=content_type
    )
    assert answer.status_code == 200 and FakeEngine.calls[-1][1]["seed"] == 3


@pytest.mark.parametrize(
    "form, rate, channels",
    [
        ("WAV", 16000, 1),
        ("WAV", 8000, 1),
        ("WAV", 48000, 2),
        ("FLAC", 44100, 1),
        ("OGG", 22050, 1),
        ("MP3", 44100, 2),
    ],
)
def test_uploaded_file_is_the_reference(api, form, rate, channels):
    fields = {
        **CROSS,
        "prompt_speech_16k": (io.BytesIO(wav_bytes(2.0, rate, channels, format=form)), "说话.bin"),
    }
    answer = api.app.test_client().post("/generate_audio", data=fields)
    assert answer.status_code == 200, answer.json
    assert abs(FakeEngine.calls[-1][1]["prompt_wav"].shape[1] - 32000 - 4410) < 1500


def test_file_input_left_empty_is_no_file(api):
    for path, status in (("a/ref.wav", 200), ("", 400)):
        parts = {**CROSS, "prompt_speech_16k": path}
        body = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in parts.items()
        )
        empty_file = 'Content-Disposition: form-data; name="prompt_speech_16k"; filename=""'
        body += f"--x\r\n{empty_file}\r\n\r\n\r\n--x--\r\n"
        answer = api.app.test_client().post(
            "/generate_audio", data=body.encode(), content_type="multipart/form-data; boundary=x"
        )
        assert answer.status_code == status, answer.json


def test_form_without_a_boundary_is_told_so(api):
    answer = api.app.test_client().post(
        "/generate_audio", data=b"--x\r\n", content_type="multipart/form-data"
    )
    assert (
        answer.status_code == 400
        and "no boundary" in answer.json["error"]
        and answer.json["field"] is None
    )


def test_get_speaks_a_demonstration_and_takes_fields(api):
    client = api.app.test_client()
    assert client.get("/generate_audio_get").mimetype == "audio/mpeg"
    assert FakeEngine.calls[-1][1]["spk_id"] == "中文女"
    assert (
        client.get(
            "/generate_audio_get", query_string={"tts_text": "再见", "stream": "False", "seed": "9"}
        ).mimetype
        == "audio/wav"
    )
    assert FakeEngine.calls[-1][1].items() >= {"text": "再见", "seed": 9}.items()
    calls = len(FakeEngine.calls)
    look = client.head("/generate_audio_get")
    assert look.status_code == 200 and look.headers["X-AI-Generated"] == "true"
    assert "Content-Length" not in look.headers and len(FakeEngine.calls) == calls


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_only_a_post_keeps_a_voice(api, method):
    for field in ("exp_name", "consent"):
        answer = api.app.test_client().open(
            "/generate_audio_get", method=method, query_string={**CLONE, field: "pwned"}
        )
        assert answer.status_code == (204 if method == "OPTIONS" else 400)
        if method == "GET":
            assert answer.json["field"] == field and "POST /generate_audio" in answer.json["error"]
    assert not list(api.store.list("")) and FakeEngine.calls == []
    described = api.app.test_client().get("/openapi.json").json["paths"]["/generate_audio_get"]
    assert "exp_name" not in {field["name"] for field in described["get"]["parameters"]}
    answer = api.app.test_client().get(
        "/generate_audio_get", query_string={**CLONE, "exp_name": ""}
    )
    assert answer.status_code == 200


WRONG = [
    ({}, 400, "mode"),
    ({"mode": "歌唱"}, 400, "mode"),
    ({"mode": 3}, 400, "mode"),
    ({"mode": ["预训练音色"]}, 400, "mode"),
    ({"tts_text": None}, 400, "tts_text"),
    ({"tts_text": " \n\u3000"}, 400, "tts_text"),
    ({"tts_text": 5}, 400, "tts_text"),
    ({"tts_text": {"a": 1}}, 400, "tts_text"),
    ({"tts_text": "字" * 10001}, 413, "tts_text"),
    ({"tts_text": "\ud800"}, 400, "tts_text"),
    ({"spk_id": None}, 400, "spk_id"),
    ({"spk_id": 1}, 400, "spk_id"),
    ({"spk_id": "谁"}, 404, "spk_id"),
    ({"spk_id": "../中文女"}, 404, "spk_id"),
    ({"seed": -1}, 400, "seed"),
    ({"seed": 2**32}, 400, "seed"),
    ({"seed": 1.5}, 400, "seed"),
    ({"seed": "x"}, 400, "seed"),
    ({"seed": True}, 400, "seed"),
    ({"seed": []}, 400, "seed"),
    ({"seed": "9" * 5000}, 400, "seed"),
    ({"seed": ""}, 400, "seed"),
    ({"speed": 0.49}, 400, "speed"),
    ({"speed": 2.01}, 400, "speed"),
    ({"speed": "fast"}, 400, "speed"),
    ({"speed": "nan"}, 400, "speed"),
    ({"speed": float("inf")}, 400, "speed"),
    ({"speed": {}}, 400, "speed"),
    ({"speed": True}, 400, "speed"),
    ({"stream": "yes"}, 400, "stream"),
    ({"stream": 1}, 400, "stream"),
    ({"stream": []}, 400, "stream"),
    ({"prompt_text": "字" * 1001}, 413, "prompt_text"),
    ({"prompt_text": 4}, 400, "prompt_text"),
    ({"prompt_speech_16k": 4}, 400, "prompt_speech_16k"),
    ({"user_id": 5}, 400, "user_id"),
    ({"exp_name": []}, 400, "exp_name"),
    ({"spk_customize": 5}, 400, "spk_customize"),
    ({"spk_customize": "我的"}, 400, "user_id"),
    ({"spk_customize": "我的", "user_id": "1"}, 404, "spk_customize"),
    ({**CLONE, "prompt_text": ""}, 400, "prompt_text"),
    ({**CLONE, "prompt_speech_16k": ""}, 400, "prompt_speech_16k"),
    ({**CLONE, "exp_name": "无"}, 400, "exp_name"),
    ({**CLONE, "prompt_speech_16k": "a/none.wav"}, 404, "prompt_speech_16k"),
    ({**CLONE, "exp_name": "v", "user_id": ""}, 400, "user_id"),
    ({**CROSS, "prompt_speech_16k": None}, 400, "prompt_speech_16k"),
    ({**INSTRUCT, "prompt_text": " "}, 400, "prompt_text"),
    ({**INSTRUCT, "spk_id": ""}, 400, "spk_id"),
    ({"tts_text": "{error=TextError}"}, 400, "tts_text"),
    ({"tts_text": "{error=UnknownSpeaker}"}, 404, "spk_id"),
    ({"tts_text": "{error=ReferenceAudioError}"}, 422, "prompt_speech_16k"),
    ({"tts_text": "{error=VoiceError}"}, 422, "spk_customize"),
    ({"tts_text": "{chunks=0}"}, 422, "tts_text"),
    ({"tts_text": "{chunks=1 size=0}"}, 422, "tts_text"),
    ({"tts_text": "{fail=0}"}, 500, None),
]


@pytest.mark.parametrize("fields, status, field", WRONG, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("stream", ["True", "False"])
def test_wrong_value_is_an_error_that_names_the_field(post, fields, status, field, stream):
    body = {} if fields == {} else {**SFT, "stream": stream, **fields}
    answer = post(body)
    assert answer.status_code == status and answer.mimetype == "application/json"
    assert answer.json["field"] == field and answer.json["code"] and " / " in answer.json["error"]
    assert "Traceback" not in answer.text and len(answer.text) < 1500


@pytest.mark.parametrize(
    "body, content_type, status",
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"null", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100000, "application/json", 400),
        (b"mode=1", "text/plain", 415),
        (b"x", "", 415),
        (b"--x", "multipart/form-data", 400),
        (b"9" * 10000, "application/json", 400),
        (json.dumps(SFT).encode().rjust(21_000_000), "application/json", 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_body_is_an_error(api, body, content_type, status):
    answer = api.app.test_client().post("/generate_audio", data=body, content_type=content_type)
    assert answer.status_code == status and set(answer.json) == {"error", "code", "field"}
    assert ("one JSON object" in answer.json["error"]) == (
        (content_type, status) == ("application/json", 400)
    )


@pytest.mark.parametrize(
    "method, path, status",
    [("get", "/generate_audio", 405), ("get", "/nothing", 404), ("put", "/speakers", 405)],
)
def test_wrong_address_is_json_too(api, method, path, status):
    answer = getattr(api.app.test_client(), method)(path)
    assert (
        answer.status_code == status
        and set(answer.json) == {"error", "code", "field"}
        and answer.headers["X-Request-ID"]
    )


@pytest.mark.parametrize(
    "data, status",
    [
        (b"this is text, not sound" * 100, 422),
        (b"", 422),
        (wav_bytes(0.1), 422),
        (wav_bytes(45), 422),
        (wav_bytes(601, 8000), 422),
        (wav_bytes(3)[:50], 422),
        (b"RIFF" + b"\0" * 100, 422),
    ],
    ids=lambda v: str(v)[:12] + str(len(v)) if isinstance(v, bytes) else str(v),
)
def test_reference_that_cannot_be_used(api, data, status):
    fields = {**CLONE, "prompt_speech_16k": (io.BytesIO(data), "a.wav")}
    answer = api.app.test_client().post("/generate_audio", data=fields)
    assert (answer.status_code, answer.json["field"]) == (status, "prompt_speech_16k")


def test_reference_with_nan_or_silence_is_refused(api, tmp_path):
    silent, broken = np.zeros(48000), np.full(48000, np.nan, np.float32)
    for sound, subtype in ((silent, "PCM_16"), (broken, "FLOAT")):
        soundfile.write(tmp_path / "reference/bad.wav", sound, 16000, subtype=subtype)
        answer = api.app.test_client().post(
            "/generate_audio", json={**CLONE, "prompt_speech_16k": "bad.wav"}
        )
        assert (answer.status_code, answer.json["field"]) == (422, "prompt_speech_16k")


def test_cloned_voice_is_stored_and_speaks(post, api, tmp_path):
    assert post({**CLONE, "exp_name": "妈妈"}).status_code == 200
    assert [entry.key for entry in api.store.list("")] == [
        "learn-wave/1321/model/cosyvoice/妈妈.pt"
    ]
    for mode in (SFT, INSTRUCT):
        assert (
            post({**mode, "spk_id": "谁", "spk_customize": "妈妈", "user_id": "1321"}).status_code
            == 200
        )
        assert FakeEngine.calls[-1][1]["voice"]["meta"]["family"] == "CosyVoice-300M-25Hz"
    assert post({**SFT, "spk_customize": "妈妈", "user_id": "1322"}).status_code == 404


def test_engine_error_in_mid_stream_breaks_the_answer(post):
    answer = post({**SFT, "tts_text": "{fail=2}"}, buffered=False)
    assert answer.status_code == 200
    with pytest.raises(RuntimeError):
        answer.get_data()


def test_stalled_engine_is_504(service):
    client = service(REQUEST_TIMEOUT="0.5").app.test_client()
    answer = client.post("/generate_audio", json={**SFT, "tts_text": "{delay=5}"})
    assert (answer.status_code, answer.json["code"]) == (504, "stalled")
    assert client.post("/generate_audio", json=SFT).status_code == 200


def test_request_ids(post):
    assert (
        post(SFT, headers={"X-Request-ID": "my-request_1"}).headers["X-Request-ID"]
        == "my-request_1"
    )
    for wrong in ("short", "x" * 65, "sp ace 123", "läuft-nicht"):
        assert post(SFT, headers={"X-Request-ID": wrong}).headers["X-Request-ID"] != wrong


def test_same_seed_is_the_same_bytes(post):
    bodies = [
        post({**SFT, "seed": seed, "stream": stream}).data
        for stream in ("True", "False")
        for seed in (5, 5, 6)
    ]
    assert bodies[0] == bodies[1] != bodies[2] and bodies[3] == bodies[4] != bodies[5]


def test_instruct_without_a_model_for_it_says_which(service):
    client = service().app.test_client()
    for answer in (client.post("/generate_audio", json=INSTRUCT), client.get("/change_instruct")):
        assert answer.status_code == 404 and "CosyVoice-300M-Instruct" in answer.json["error"]


def test_change_instruct_loads_the_second_model_and_keeps_the_first(api):
    client = api.app.test_client()
    assert len(client.get("/speakers").json["speakers"]) == 3
    assert client.get("/change_instruct").json == {"status": "success"}
    assert len(client.get("/speakers").json["speakers"]) == 6
    assert not api.cosyvoice.supports_instruct


def test_health_and_readiness(api):
    client = api.app.test_client()
    assert client.get("/health").json == {"status": "ok"}
    for _ in range(200):
        answer = client.get("/ready")
        if answer.status_code == 200:
            break
        assert answer.status_code == 503
        time.sleep(0.05)
    assert answer.json["max_text_chars"] == 10_000
    assert (
        answer.json["ready"]
        and answer.json["sample_rate"] == RATE
        and answer.json["real_time_factor"] > 0
    )


def test_one_line_per_request_without_its_text(post, caplog):
    caplog.set_level("INFO")
    post(
        {**SFT, "tts_text": "秘密的内容", "user_id": "1321"}, headers={"X-Request-ID": "find-me-1"}
    )
    post({**SFT, "speed": 9}, headers={"X-Request-ID": "find-me-2"})
    good, wrong = [record for record in caplog.records if "outcome=" in record.getMessage()]
    assert (
        good.request_id == "find-me-1"
        and "outcome=done" in good.getMessage()
        and "characters=5" in good.getMessage()
    )
    assert wrong.request_id == "find-me-2" and "outcome=bad_value" in wrong.getMessage()
    assert "秘密" not in caplog.text


def test_every_line_of_a_request_has_its_id(post, caplog):
    caplog.set_level("INFO")
    post(
        {**CLONE, "exp_name": "v", "tts_text": "{fail=1}", "stream": "False"},
        headers={"X-Request-ID": "find-me-3"},
    )
    assert {record.request_id for record in caplog.records} == {"find-me-3"}


def test_sound_says_that_a_machine_made_it(service, post):
    whole, streamed = (post({**SFT, "stream": stream}) for stream in (False, True))
    assert [answer.headers["X-AI-Generated"] for answer in (whole, streamed)] == ["true", "true"]
    assert whole.data[:4] == b"RIFF" and b"LIST" in whole.data[-300:]
    assert streamed.data[:1] == b"\xff"  # a frame, no tag
    marking = service(MARK="always").app.test_client()
    assert marking.post("/generate_audio", json=SFT).data[:3] == b"ID3"


def test_a_watermark_of_the_operators_goes_into_the_sound(service, tmp_path, monkeypatch):
    (tmp_path / "my_watermark.py").write_text(
        "def start(sample_rate):\n    return lambda pcm: pcm // 2\n", "utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    plain, marked = (
        read_wav(
            service(WATERMARK=watermark)
            .app.test_client()
            .post("/generate_audio", json={**SFT, "stream": False})
            .data
        )
        for watermark in ("", "my_watermark:start")
    )
    assert (marked == plain // 2).all()
    with pytest.raises(ValueError, match="WATERMARK is 'nothing:here'"):
        service(WATERMARK="nothing:here")
    with pytest.raises(ValueError, match="MARK is 'never'"):
        service(MARK="never")


def test_json_that_is_sent_as_a_form_is_named(api):
    kind = "application/x-www-form-urlencoded"  # what `curl -d` sends by itself
    client = api.app.test_client()
    answer = client.post("/generate_audio", data=json.dumps(SFT), content_type=kind)
    assert answer.status_code == 415 and "Content-Type: application/json" in answer.json["error"]


def test_a_model_without_instruct2_says_that_it_takes_no_recording(post):
    fields = {**INSTRUCT, "prompt_speech_16k": "a/ref.wav"}
    del fields["spk_id"]
    answer = post(fields)
    assert (answer.status_code, answer.json["field"]) == (400, "prompt_speech_16k")
    assert "takes no recording" in answer.json["error"]
