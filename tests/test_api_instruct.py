"""自然语言控制 with models that follow instructions with any voice, with the fake engine."""

import io

import pytest

from cosyvoice.cli.instructions import OF_COSYVOICE3
from tests.support.fake_engine import FakeEngine, make_voice
from tests.support.jobs import CROSS, INSTRUCT, SFT
from tests.support.sounds import decode, read_wav, wav_bytes
from tests.support.waiting import wait_for

WHOLE = {"stream": "False"}
RECORDED = {**CROSS, "mode": INSTRUCT["mode"], "prompt_text": "慢一点", **WHOLE}


@pytest.fixture
def load(service, tmp_path):
    """A function: the name of a model's directory -> the client of its service."""

    def load(name):
        (tmp_path / name).mkdir()
        module = service(COSYVOICE_MODEL=tmp_path / name)
        (tmp_path / "reference/a").mkdir()
        (tmp_path / "reference/a/ref.wav").write_bytes(wav_bytes())
        load.module = module
        return module.app.test_client()

    return load


@pytest.fixture
def client(load):
    return load("Fun-CosyVoice3-0.5B-2512")


def asked():
    return FakeEngine.calls[-1]


def test_a_recording_speaks_as_instructed(client):
    answer = client.post("/generate_audio", json=RECORDED)
    assert answer.status_code == 200 and len(read_wav(answer.data, 24000))
    method, arguments = asked()
    assert method == "instruct2" and arguments["instruct_text"] == "慢一点"
    assert arguments["prompt_wav"].shape == (1, 48000 + 4410)


def test_an_uploaded_recording_too(client):
    fields = {k: v for k, v in RECORDED.items() if k != "prompt_speech_16k"}
    upload = (io.BytesIO(wav_bytes()), "a.wav")
    answer = client.post("/generate_audio", data={**fields, "prompt_speech_16k": upload})
    assert answer.status_code == 200 and asked()[0] == "instruct2"


def test_a_saved_voice_goes_before_a_recording(client, load):
    load.module.push_voice(make_voice("Fun-CosyVoice3-0.5B"), "1321", "mine")
    chosen = {"user_id": "1321", "spk_customize": "mine"}
    assert client.post("/generate_audio", json=RECORDED | chosen).status_code == 200
    method, arguments = asked()
    assert method == "instruct" and arguments["voice"]["meta"]["family"] == "Fun-CosyVoice3-0.5B"


def test_a_voice_of_another_family_is_refused(client, load):
    load.module.push_voice(make_voice("CosyVoice2-0.5B"), "1321", "mine")
    chosen = {"user_id": "1321", "spk_customize": "mine"}
    answer = client.post("/generate_audio", json=SFT | chosen)
    assert (answer.status_code, answer.json["code"]) == (422, "voice_unusable")
    assert "made with 'CosyVoice2-0.5B'" in answer.json["error"]


@pytest.mark.parametrize("fields", [SFT, INSTRUCT], ids=lambda fields: fields["mode"])
def test_a_model_without_speakers_says_how_to_make_a_voice(client, fields):
    answer = client.post("/generate_audio", json=fields)
    assert (answer.status_code, answer.json["field"]) == (404, "spk_id")
    assert "POST /voices" in answer.json["error"] and "没有预训练音色" in answer.json["error"]


def test_a_model_that_takes_speakers_only_still_needs_one(load):
    client = load("Fake-Instruct")
    answer = client.post("/generate_audio", json=RECORDED)
    assert (answer.status_code, answer.json["field"]) == (400, "prompt_speech_16k")
    assert client.post("/generate_audio", json=RECORDED | {"spk_id": "中文女"}).status_code == 200
    assert asked()[0] == "instruct"


def test_an_instruction_needs_someone_to_follow_it(client):
    answer = client.post("/generate_audio", json={**INSTRUCT, "spk_id": ""})
    assert (answer.status_code, answer.json["field"]) == (400, "spk_id")


def test_openai_instructions_work_with_cloned_voices(client, load):
    load.module.push_voice(make_voice("Fun-CosyVoice3-0.5B"), "1321", "mine")
    answer = client.post(
        "/v1/audio/speech",
        json={
            "model": "cosyvoice",
            "input": "你好。",
            "voice": {"id": "mine"},
            "user_id": "1321",
            "instructions": "请用四川话表达。",
            "response_format": "wav",
        },
    )
    assert answer.status_code == 200 and answer.headers["X-Sample-Rate"] == "24000"
    method, arguments = asked()
    assert method == "instruct" and arguments["instruct_text"] == "请用四川话表达。"


def test_openai_voices_are_those_that_can_speak(client):
    assert client.get("/v1/audio/voices").json == {"voices": []}
    request = {"model": "tts-1", "input": "你好。", "voice": "alloy"}
    answer = client.post("/v1/audio/speech", json=request)
    assert answer.status_code == 404 and "POST /voices" in answer.json["error"]["message"]


def test_known_instructions_are_listed(client):
    listed = client.get("/instructions").json
    assert listed["model"] == "Fun-CosyVoice3-0.5B"
    assert listed["supported"] and listed["with_recording"]
    assert [each["text"] for each in listed["instructions"]] == [i.text for i in OF_COSYVOICE3]
    assert {"text", "kind", "en", "zh"} == set(listed["instructions"][0])


def test_a_model_without_instructions_lists_none(load):
    listed = load("CosyVoice-300M-25Hz").get("/instructions").json
    assert (listed["supported"], listed["with_recording"], listed["instructions"]) == (
        False,
        False,
        [],
    )


@pytest.mark.parametrize("stream", ["True", "False"])
def test_sounds_and_subtitles_are_at_the_models_rate(client, stream):
    id_ = "a0f3b6c2-2f7e-4b59-9d6e-0123456789ab"
    fields = {**RECORDED, "tts_text": "{chunks=3 size=24000}", "stream": stream}
    answer = client.post("/generate_audio", json=fields, headers={"X-Request-ID": id_})
    if stream == "False":
        assert len(read_wav(answer.data, 24000)) == 3 * 24000
    else:
        assert abs(len(decode(answer.data, 24000)[0]) - 3 * 24000) < 3000
    state = client.get(f"/requests/{id_}").json
    assert state["seconds"] == 3 and state["sentences"][-1]["end"] == 3


def test_a_model_without_speakers_tries_its_first_sentence_with_a_reference(client):
    wait_for(lambda: client.get("/ready").status_code == 200, 10)
    about = client.get("/ready").json
    assert about["sample_rate"] == 24000 and about["real_time_factor"] > 0
    method, arguments = asked()
    assert method == "sft" and arguments["voice"]["meta"]["family"] == "Fun-CosyVoice3-0.5B"
