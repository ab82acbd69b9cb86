"""A request leaves no file behind but those it was asked to store."""

import errno
import io
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from pydub.exceptions import CouldntEncodeError

from tests.support.fake_engine import FakeEngine, make_voice
from tests.support.files import everything
from tests.support.jobs import CLONE, CROSS, SFT
from tests.support.sounds import wav_bytes
from tests.support.waiting import wait_for

KEY = "learn-wave/1321/model/cosyvoice/v.pt"


@pytest.fixture
def place(service, tmp_path, oss, monkeypatch):
    """The service on the stand-in OSS, among files that were there before."""
    for name, value in oss.environ.items():
        monkeypatch.setenv(name, value)
    module = service()
    for name in (
        "output/1321/own.pt",
        "output/1322/v.pt",
        "reference/a/ref.wav",
        "reference/top.wav",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(wav_bytes() if name.endswith("wav") else b"voice")
    oss.objects["upload/ref.wav"] = wav_bytes()
    module.client, module.oss, module.tmp = module.app.test_client(), oss, tmp_path
    module.before = everything(tmp_path)
    return module


def unchanged(place) -> bool:
    wait_for(lambda: place.slots.running == 0)
    return (
        everything(place.tmp) == place.before and len(list((place.tmp / "output").iterdir())) == 4
    )  # two users, lock files, scratch


@pytest.mark.parametrize(
    "fields",
    [
        {**CLONE, "exp_name": "v"},
        {**CLONE, "exp_name": "v", "prompt_speech_16k": "upload/ref.wav"},
        {**CLONE, "prompt_speech_16k": "top.wav"},
        {**CROSS, "prompt_speech_16k": "upload/ref.wav"},
        {**CROSS, "tts_text": "{fail=0}"},
        {**CROSS, "prompt_speech_16k": "upload/none.wav"},
        {**SFT, "user_id": "1321", "spk_customize": "none"},
        {**SFT, "user_id": "1321", "spk_customize": "own"},
        {**CLONE, "tts_text": "{error=TextError}"},
    ],
    ids=lambda f: f["mode"] + f["tts_text"],
)
@pytest.mark.parametrize("stream", ["True", "False"])
def test_nothing_is_left_and_nothing_is_lost(place, fields, stream):
    place.client.post("/generate_audio", json={**fields, "stream": stream}, buffered=True)
    assert unchanged(place)
    assert (KEY in place.oss.objects) == (fields.get("exp_name") == "v")


def test_listener_who_leaves_loses_no_voice_and_leaves_no_file(place):
    answer = place.client.post(
        "/generate_audio", json={**CLONE, "exp_name": "v", "tts_text": "{chunks=50 delay=0.1}"}
    )
    next(answer.response)
    answer.close()
    assert KEY in place.oss.objects and unchanged(place)


@pytest.mark.parametrize("fault, status", [("500", 502), ("403", 502), ("slow", 504)])
@pytest.mark.parametrize("stream", ["True", "False"])
def test_store_that_fails_is_told_before_the_first_byte(place, fault, status, stream):
    place.oss.faults = [fault] * 3
    answer = place.client.post("/generate_audio", json={**CLONE, "exp_name": "v", "stream": stream})
    assert answer.status_code == status and answer.json["code"].startswith("store")
    assert KEY not in place.oss.objects and unchanged(place)


@pytest.mark.parametrize("fault, status", [("500", 502), ("cut", 502), ("slow", 504), ("404", 404)])
@pytest.mark.parametrize(
    "fields, field",
    [
        ({**CROSS, "prompt_speech_16k": "upload/ref.wav"}, "prompt_speech_16k"),
        ({**SFT, "user_id": "1321", "spk_customize": "v"}, "spk_customize"),
    ],
    ids=["reference", "voice"],
)
def test_failed_fetch_is_told(place, fault, status, fields, field):
    torch.save(make_voice("CosyVoice-300M-25Hz"), file := io.BytesIO())
    place.oss.objects[KEY], place.oss.faults = file.getvalue(), [fault] * 4
    answer = place.client.post("/generate_audio", json=fields)
    assert answer.status_code == status and unchanged(place) and FakeEngine.calls == []
    place.oss.faults = []
    assert place.client.post("/generate_audio", json=fields, buffered=True).status_code == 200


def test_reference_larger_than_the_limit_is_413(place):
    place.oss.objects["big.wav"] = bytes(20_000_001)
    assert place.client.post(
        "/generate_audio", json={**CROSS, "prompt_speech_16k": "big.wav"}
    ).status_code == 413 and unchanged(place)


def test_requests_of_one_user_do_not_disturb_each_other(place):
    def clone(i):
        fields = {
            **CLONE,
            "exp_name": f"v{i % 3}",
            "prompt_speech_16k": ["a/ref.wav", "upload/ref.wav"][i % 2],
            "seed": i,
        }
        return (
            place.app.test_client().post("/generate_audio", json=fields, buffered=True).status_code
        )

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(clone, range(16))) == {200}
    assert unchanged(place) and sum(key.endswith(".pt") for key in place.oss.objects) == 3


def test_copy_that_an_operator_keeps_is_renewed_and_stays(place):
    place.client.post("/generate_audio", json={**CLONE, "exp_name": "own"}, buffered=True)
    kept = place.tmp / "output/1321/own.pt"
    assert (
        kept.read_bytes() == place.oss.objects["learn-wave/1321/model/cosyvoice/own.pt"] != b"voice"
    )
    assert (
        place.client.post(
            "/generate_audio",
            json={**SFT, "user_id": "1321", "spk_customize": "own"},
            buffered=True,
        ).status_code
        == 200
    )
    assert kept.exists()


@pytest.mark.parametrize(
    "fields",
    [{**CLONE, "exp_name": "v"}, {**CROSS, "prompt_speech_16k": "upload/ref.wav"}],
    ids=["voice", "reference"],
)
def test_full_disk_is_507_and_leaves_nothing(place, monkeypatch, fields):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(place, "save_voice", full)
    monkeypatch.setattr(place.store, "_download", full)
    answer = place.client.post("/generate_audio", json=fields)
    assert (
        (answer.status_code, answer.json["code"]) == (507, "disk_full")
        and unchanged(place)
        and KEY not in place.oss.objects
    )


@pytest.mark.parametrize(
    "where, error",
    [
        ("tempfile.NamedTemporaryFile", OSError(errno.ENOSPC, "No space left on device")),
        (
            "AudioSegment.export",
            CouldntEncodeError(
                "error code: 228\n[out#0/mp3] Error writing trailer: No space left on device"
            ),
        ),
    ],
    ids=["pydub", "ffmpeg"],
)
def test_full_disk_under_the_encoder_is_507(place, monkeypatch, where, error):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(f"cosyvoice.encoders.mp3.{where}", full)
    answer = place.client.post("/generate_audio", json=SFT)
    assert answer.status_code == 507 and unchanged(place)
