"""OpenAI's speech API, used by the official `openai` package. Errors have OpenAI's form."""

import asyncio
import base64
import io
import json
import threading

import numpy as np
import openai
import pytest
import soundfile
import soxr
import torch
from werkzeug.serving import make_server

from cosyvoice.cli.voice import save_voice
from cosyvoice.encoders import Encoder
from cosyvoice.encoders.formats import FfmpegStream, ResampledPcm
from cosyvoice.encoders.mp3 import Mp3Stream
from cosyvoice.encoders.wav import PcmStream, WavStream
from cosyvoice.serve.http.jobs import OPENAI_VOICES
from cosyvoice.serve.routes.openai_speech import speaker_like
from cosyvoice.utils.audio import decode as decode_file
from cosyvoice.utils.audio import resample
from tests.support.fake_engine import RATE, FakeEngine, make_voice
from tests.support.sounds import decode, pcm_of

SPEECH = {"model": "tts-1", "input": "你好。", "voice": "alloy"}
SECONDS = 90000 / RATE


@pytest.fixture
def api(service, tmp_path):
    (tmp_path / "Fake-Instruct").mkdir()
    return service(COSYVOICE_INSTRUCT_MODEL=tmp_path / "Fake-Instruct", MP3_BITRATE="64k")


@pytest.fixture
def post(api):
    client = api.app.test_client()
    return lambda **fields: client.post(
        "/v1/audio/speech",
        data=json.dumps({**SPEECH, **fields}),
        content_type="application/json",
        buffered=True,
    )


@pytest.fixture
def official(api):
    """The official client, over a real socket."""
    server = make_server("127.0.0.1", 0, api.app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield openai.OpenAI(
        base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0
    )
    server.shutdown()


def keep_voice(api, user: str, name: str, path):
    save_voice(make_voice("CosyVoice-300M-25Hz"), path / "voice.pt")
    api.store.push(path / "voice.pt", api.voice_key(user, name))


def test_official_client_gets_mp3(official):
    sound = official.audio.speech.create(
        model="tts-1", input="Hello.", voice="alloy", speed=1.5
    ).content
    decoded, complaints = decode(sound)
    assert complaints == "" and abs(len(decoded) / RATE - SECONDS / 1.5) < 0.2
    assert (
        FakeEngine.calls[-1][1].items()
        >= {"spk_id": "英文女", "stream": True, "text": "Hello."}.items()
    )


def test_official_client_streams_bytes(official):
    with official.audio.speech.with_streaming_response.create(
        **SPEECH, response_format="pcm"
    ) as answer:
        assert (
            answer.headers["Content-Type"] == "audio/pcm"
            and answer.headers["X-Sample-Rate"] == "24000"
        )
        pcm = np.frombuffer(b"".join(answer.iter_bytes(4096)), "<i2")
    whole = soxr.resample(pcm_of().astype(np.float32), RATE, 24000)
    assert len(pcm) == len(whole) and np.abs(pcm - whole).max() <= 1


def test_official_client_streams_events(official):
    with official.audio.speech.with_streaming_response.create(
        **SPEECH, response_format="wav", stream_format="sse"
    ) as answer:
        events = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line]
    assert [event["type"] for event in events[:-1]] == ["speech.audio.delta"] * (len(events) - 1)
    sound, rate = soundfile.read(
        io.BytesIO(b"".join(base64.b64decode(event["audio"]) for event in events[:-1])),
        dtype="int16",
    )
    assert rate == RATE and (sound == pcm_of()).all()
    assert events[-1] == {
        "type": "speech.audio.done",
        "usage": {"input_tokens": 3, "output_tokens": 102, "total_tokens": 105},
    }


def test_official_client_lists_models_and_gets_its_exceptions(official):
    assert {"tts-1", "cosyvoice", "CosyVoice-300M-25Hz"} <= {
        model.id for model in official.models.list()
    }
    with pytest.raises(openai.NotFoundError) as caught:
        official.audio.speech.create(**{**SPEECH, "voice": "nobody"})
    assert (
        caught.value.code == "unknown_voice"
        and caught.value.param == "voice"
        and "中文女" in caught.value.message
    )
    with pytest.raises(openai.BadRequestError, match="speed"):
        official.audio.speech.create(**SPEECH, speed=9)


def test_official_client_gets_one_model_by_its_name(official):
    listed = official.models.list().data
    for name in [*(model.id for model in listed), "gpt-4o-mini-tts-2025-12-15"]:
        model = official.models.retrieve(name)
        assert (model.id, model.object, model.owned_by) == (name, "model", "cosyvoice")
    with pytest.raises(openai.NotFoundError) as caught:
        official.models.retrieve("gpt-5")
    assert caught.value.code == "model_not_found" and "tts-1" in caught.value.message
    with pytest.raises(openai.APIStatusError) as caught:
        official.models.delete("tts-1")
    assert caught.value.status_code == 405 and caught.value.code == "wrong_method"


@pytest.mark.parametrize("voice", ["英文女", "alloy"])
def test_every_voice_that_is_listed_can_be_sent_as_an_object(official, voice):
    for sent in (voice, {"id": voice}):
        official.audio.speech.create(**{**SPEECH, "input": "Hello.", "voice": sent}).read()
        assert FakeEngine.calls[-1][1]["spk_id"] == "英文女"


def test_of_one_name_the_object_is_the_saved_voice(post, api, tmp_path):
    keep_voice(api, "42", "英文女", tmp_path)
    post(voice={"id": "英文女"}, user_id="42")
    assert FakeEngine.calls[-1][1]["voice"]["meta"]["family"] == "CosyVoice-300M-25Hz"
    post(voice="英文女", user_id="42")
    assert FakeEngine.calls[-1][1]["spk_id"] == "英文女"


def test_official_client_may_send_every_parameter_it_has(official):
    """And ours in extra_body."""
    sound = official.audio.speech.create(
        model="gpt-4o-mini-tts-2025-12-15",
        input="你好。",
        voice={"id": "alloy"},
        instructions="慢一点",
        response_format="flac",
        speed=0.8,
        stream_format="audio",
        extra_body={"seed": 7, "stream": False},
    )
    assert sound.response.headers["Content-Type"] == "audio/flac"
    assert sound.response.headers["Content-Length"]
    assert FakeEngine.calls[-1][1].items() >= {"seed": 7, "speed": 0.8, "stream": False}.items()


def test_the_asynchronous_client_gets_the_same(official):
    async def speak() -> bytes:
        async with openai.AsyncOpenAI(base_url=official.base_url, api_key="none") as client:
            return (await client.audio.speech.create(**SPEECH, response_format="wav")).content

    assert (
        asyncio.run(speak())
        == official.audio.speech.create(**SPEECH, response_format="wav").content
    )


@pytest.mark.parametrize(
    "kind, mimetype",
    [("wav", "audio/wav"), ("flac", "audio/flac"), ("opus", "audio/ogg"), ("aac", "audio/aac")],
)
def test_every_format_is_the_same_sound(post, kind, mimetype):
    answer = post(response_format=kind)
    assert (answer.status_code, answer.mimetype) == (200, mimetype)
    sound, rate = decode_file(answer.data)
    assert abs(len(sound) / rate - SECONDS) < 0.1
    if kind in ("wav", "flac"):
        assert (np.round(sound * 32768).astype(int) == pcm_of()).all()


def test_names_of_openai_are_speakers_of_the_texts_language():
    speakers = ["中文女", "中文男", "英文女", "中文男2"]
    assert speaker_like(OPENAI_VOICES["nova"], "Hello", speakers) == "英文女"
    assert speaker_like(OPENAI_VOICES["ballad"], "你好", speakers) == "中文男2"
    assert speaker_like(OPENAI_VOICES["coral"], "你好", speakers) == "中文女"
    assert speaker_like(OPENAI_VOICES["echo"], "Hello", speakers) == "中文男"
    assert all(
        speaker_like(ending, "Hello", ["anna"]) == "anna" for ending in OPENAI_VOICES.values()
    )


@pytest.mark.parametrize("voice", ["anna", {"id": "anna"}])
def test_a_saved_voice_speaks(post, api, tmp_path, voice):
    keep_voice(api, "42", "anna", tmp_path)
    assert post(voice=voice, user_id="42", response_format="wav").status_code == 200
    assert FakeEngine.calls[-1][1]["voice"]["meta"]["family"] == "CosyVoice-300M-25Hz"
    assert post(voice=voice).json["error"]["code"] == "unknown_voice"  # whose?
    names = [
        voice["id"]
        for voice in api.app.test_client().get("/v1/audio/voices?user_id=42").json["voices"]
    ]
    assert names[:3] == ["中文女", "中文男", "英文女"] and names[-1] == "anna" and "alloy" in names


def test_a_key_of_one_user_needs_no_user_id(service, tmp_path):
    (tmp_path / "keys.json").write_text('{"k1": ["42"], "k2": ["43", "44"]}')
    api = service(API_KEYS_FILE=tmp_path / "keys.json")
    keep_voice(api, "42", "anna", tmp_path)
    client = api.app.test_client()

    def ask(key, **fields):
        return client.post(
            "/v1/audio/speech",
            json={**SPEECH, "voice": "anna", "response_format": "wav", **fields},
            headers={"Authorization": f"Bearer {key}"},
            buffered=True,
        )

    assert ask("k1").status_code == 200
    assert ask("k2").status_code == 404
    foreign, nobody = ask("k2", user_id="42"), ask("wrong")
    assert (foreign.status_code, foreign.json["error"]["type"]) == (403, "permission_error")
    assert (nobody.status_code, nobody.json["error"]["type"], nobody.json["error"]["code"]) == (
        401,
        "authentication_error",
        "no_key",
    )


def test_instructions_are_spoken_by_the_instruct_model(post):
    assert post(instructions="Speak slowly.", response_format="wav").status_code == 200
    name, arguments = FakeEngine.calls[-1]
    assert (
        name == "instruct"
        and arguments.items() >= {"instruct_text": "Speak slowly.", "spk_id": "中文女"}.items()
    )


@pytest.mark.parametrize("speed, used", [(4, 2.0), (0.25, 0.5)])
def test_speeds_beyond_the_engines_are_clamped_with_a_warning(post, speed, used):
    answer = post(speed=speed, response_format="wav")
    assert (
        FakeEngine.calls[-1][1]["speed"] == used
        and f"{used:g} was used" in answer.headers["Warning"]
    )
    assert "Warning" not in post(speed=1.5, response_format="wav").headers


@pytest.mark.parametrize(
    "fields, status, param, code",
    [
        ({"input": "  "}, 400, "input", "missing_value"),
        ({"voice": None}, 400, "voice", "missing_value"),
        ({"model": ""}, 400, "model", "missing_value"),
        ({"input": "a" * 4097}, 413, "input", "text_too_long"),
        ({"input": 5}, 400, "input", "bad_value"),
        ({"input": "\ud800"}, 400, "input", "bad_value"),
        ({"model": "gpt-5"}, 404, "model", "model_not_found"),
        ({"model": []}, 400, "model", "bad_value"),
        ({"voice": "../x", "user_id": "4"}, 400, "voice", "bad_name"),
        ({"voice": {"id": 3}}, 400, "voice", "bad_value"),
        ({"voice": {}}, 400, "voice", "bad_value"),
        ({"voice": {"id": " "}}, 400, "voice", "bad_value"),
        ({"voice": {"id": "nobody"}}, 404, "voice", "unknown_voice"),
        ({"voice": "anna", "user_id": "4"}, 404, "voice", "unknown_voice"),
        ({"user_id": "a/b"}, 400, "user_id", "bad_name"),
        ({"response_format": "mid"}, 400, "response_format", "bad_value"),
        ({"response_format": {}}, 400, "response_format", "bad_value"),
        ({"stream_format": "x"}, 400, "stream_format", "bad_value"),
        ({"speed": "fast"}, 400, "speed", "bad_value"),
        ({"speed": 0}, 400, "speed", "bad_value"),
        ({"speed": True}, 400, "speed", "bad_value"),
        ({"instructions": "a" * 1001}, 413, "instructions", "text_too_long"),
        ({"seed": -1}, 400, "seed", "bad_value"),
        ({"input": "{error=TextError}"}, 400, "input", "text_unusable"),
        ({"input": "{fail=0}"}, 500, None, "internal_error"),
    ],
)
def test_refusals_are_in_openais_form(post, fields, status, param, code):
    answer = post(**fields)
    error = answer.json["error"]
    assert (answer.status_code, error["param"], error["code"]) == (status, param, code)
    assert (
        error["type"] == ("server_error" if status == 500 else "invalid_request_error")
        and error["message"]
    )


def test_wrong_addresses_and_bodies_are_told_in_openais_form(api):
    client = api.app.test_client()
    assert client.get("/v1/nothing").json["error"]["code"] == "no_such_path"
    assert client.get("/v1/audio/speech").json["error"]["code"] == "wrong_method"
    assert (
        client.post("/v1/audio/speech", data="{", content_type="application/json").json["error"][
            "code"
        ]
        == "bad_request"
    )
    assert client.post("/v1/audio/speech", json=[]).json["error"]["type"] == "invalid_request_error"
    assert client.get("/nothing").json["code"] == "no_such_path"  # elsewhere as before


def test_a_failure_in_mid_stream_is_the_last_event(post):
    lines = post(input="{fail=2}", response_format="wav", stream_format="sse").text.split("\n\n")
    last = json.loads(lines[-2].removeprefix("data: "))
    assert (
        last["type"] == "error"
        and last["error"]["code"] == "internal_error"
        and "broke" not in last["error"]["message"]
    )


def test_resampled_joints_cannot_be_heard():
    rng = np.random.default_rng(0)
    pcm = (8000 * rng.standard_normal(50000)).astype(np.int16).clip(-32768, 32767)
    encoder, data = ResampledPcm(RATE, 24000), b""
    for part in np.split(pcm, [0, 1, 100, 148, 400, 20000, 20001]):
        data += encoder.feed(part)
    got = np.frombuffer(data + encoder.end(), "<i2")
    whole = soxr.resample(pcm.astype(np.float32), RATE, 24000).round().clip(-32768, 32767)
    assert len(got) == round(len(pcm) * 24000 / RATE) and np.array_equal(got, whole)


def test_resampled_pcm_agrees_with_the_resampler_of_references():
    pcm = (8000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.int16)
    encoder = ResampledPcm(RATE, 24000)
    got = np.frombuffer(encoder.feed(pcm) + encoder.end(), "<i2")
    other = resample(torch.from_numpy(pcm.astype(np.float32))[None], RATE, 24000)[0].numpy()
    assert len(got) == len(other) and np.abs(got - other)[200:-200].max() < 20


def test_resampling_hardly_delays_the_first_sound():
    first = ResampledPcm(RATE, 24000).feed(np.zeros(RATE // 2, np.int16))
    assert len(first) // 2 == pytest.approx(12000, abs=0.02 * 24000)


@pytest.mark.parametrize("to_rate", [RATE, 16000])
def test_resampled_pcm_of_other_rates(to_rate):
    encoder = ResampledPcm(RATE, to_rate)
    assert len(encoder.feed(np.zeros(1000, np.int16)) + encoder.end()) == 2 * int(
        np.ceil(1000 * to_rate / RATE)
    )


def test_an_encoder_given_up_leaves_no_process_and_no_file(tmp_path):
    encoder = FfmpegStream("opus", RATE, tmp_path)
    encoder.feed(pcm_of())
    process = encoder.ffmpeg.process
    encoder.close()
    encoder.close()
    assert process.poll() is not None and list(tmp_path.iterdir()) == []
    assert FfmpegStream("aac", RATE, tmp_path).end() == b""


@pytest.mark.parametrize(
    "make",
    [
        lambda: Mp3Stream(RATE),
        PcmStream,
        lambda: WavStream(RATE),
        lambda: ResampledPcm(RATE, 24000),
        lambda: FfmpegStream("opus", RATE),
    ],
)
def test_every_encoder_may_be_closed_before_its_end_after_it_and_again(make):
    unused: Encoder = make()
    unused.close()
    encoder: Encoder = make()
    assert encoder.feed(pcm_of()) + encoder.end()
    encoder.close()
    encoder.close()


def test_a_failed_engine_stops_its_encoder(post, api):
    assert post(input="{fail=1}", response_format="opus").status_code in (200, 500)
    assert [path for path in api.scratch.iterdir() if path.name.startswith("opus")] == []
