"""The service on a real engine of random weights: modes, outputs, voices, seeds under load."""

import io
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
import torch
from imageio_ffmpeg import get_ffmpeg_exe

from tests.support.jobs import CLONE, CROSS, INSTRUCT, SFT
from tests.support.sounds import DELAY, decode, read_wav
from tests.support.waiting import wait_for

TEXT = "今天天气很好，我们去公园走一走。Then we go home."


@pytest.fixture
def real(service, model_dir, tmp_path, reference_wav):
    """The service with the tiny engine, and the same files under an -Instruct name beside it."""
    shutil.copytree(model_dir, tmp_path / "Tiny-Instruct")
    module = service(
        fake=False, COSYVOICE_MODEL=model_dir, COSYVOICE_INSTRUCT_MODEL=tmp_path / "Tiny-Instruct"
    )
    (tmp_path / "reference/a").mkdir()
    soundfile.write(tmp_path / "reference/a/ref.wav", reference_wav[0].numpy(), 16000)
    spk = module.cosyvoice.list_available_spks()[0]
    module.post = lambda fields, **more: module.app.test_client().post(
        "/generate_audio",
        json={
            **fields,
            "tts_text": TEXT,
            **({"spk_id": spk} if "spk_id" in fields else {}),
            **more,
        },
        buffered=True,
    )
    return module


@pytest.mark.parametrize("fields", [SFT, CLONE, CROSS, INSTRUCT], ids=lambda f: f["mode"])
def test_every_mode_speaks_whole_and_streamed(real, fields):
    whole, streamed = real.post(fields, stream="False"), real.post(fields, stream="True")
    assert whole.status_code == streamed.status_code == 200, whole.json
    sound, (decoded, complaints) = read_wav(whole.data), decode(streamed.data)
    assert (
        complaints == "" and len(sound) > 5000 and len(decoded) > 5000 and np.abs(sound).max() > 100
    )
    slow = read_wav(real.post(fields, stream="False", speed=0.5).data)
    assert 1.8 < len(slow) / len(sound) < 2.2


def test_stream_is_what_the_engine_yields(real):
    engine, spk = real.cosyvoice, real.cosyvoice.list_available_spks()[0]
    pcm = torch.cat(
        [chunk["tts_speech"] for chunk in engine.inference_sft(TEXT, spk, stream=True, seed=3)], 1
    )
    decoded, _ = decode(real.post(SFT, seed=3).data)
    assert 0 <= len(decoded) - DELAY - pcm.shape[1] <= 1152


def test_cloned_voice_speaks_again_in_every_mode_that_takes_one(real, tmp_path):
    assert real.post(CLONE, exp_name="妈妈").status_code == 200
    voice = torch.load(
        tmp_path / "store/learn-wave/1321/model/cosyvoice/妈妈.pt", weights_only=True
    )
    assert voice["meta"]["family"] == real.cosyvoice.model_family and "text" not in voice
    for fields in (SFT, INSTRUCT):
        assert real.post(fields, spk_customize="妈妈", user_id="1321").status_code == 200


def test_same_seed_is_the_same_sound_also_beside_others(real):
    jobs = [(fields, seed) for fields in (SFT, CROSS) for seed in (1, 2)]
    alone = [real.post(fields, seed=seed).data for fields, seed in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: real.post(job[0], seed=job[1]).data, jobs))
    assert alone == together and len(set(alone)) == 4


@pytest.mark.parametrize("text", ["。！？", "😀", "a", "１２３"])
def test_odd_texts_give_sound_or_a_clear_error(real, text):
    answer = real.post(SFT, tts_text=text)
    assert answer.status_code == 200 or (
        answer.status_code == 400 and answer.json["field"] == "tts_text"
    )


def test_uploaded_m4a_or_webm_is_a_reference(real, reference_wav, tmp_path):
    for name in ("a.m4a", "a.webm"):
        subprocess.run(
            [
                get_ffmpeg_exe(),
                "-v",
                "error",
                "-i",
                tmp_path / "reference/a/ref.wav",
                tmp_path / name,
            ],
            check=True,
        )
        fields = {**CROSS, "prompt_speech_16k": (io.BytesIO((tmp_path / name).read_bytes()), name)}
        assert (
            real.app.test_client().post("/generate_audio", data=fields, buffered=True).status_code
            == 200
        )


def test_readiness_measures_the_engine(real):
    client = real.app.test_client()
    wait_for(lambda: client.get("/ready").status_code == 200, 60)
    assert client.get("/ready").json["real_time_factor"] > 0


PAUSED = "今天天气很好[pause 700ms]我们去公园走3圈。<break time='1.5s'/>回家。"


def silences(pcm: np.ndarray) -> list[int]:
    """Lengths of the runs of zeros of more than 0.3 s."""
    edges = np.flatnonzero(np.diff(np.concatenate([[1], pcm != 0, [1]]).astype(int)))
    return [int(n) for n in (edges[1::2] - edges[::2]) if n > 0.3 * 22050]


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_pauses_are_exact_in_a_wav_and_part_of_the_subtitles(real, speed):
    wanted = [round(0.7 * 22050), round(1.5 * 22050)]
    answer = real.post(SFT, tts_text=PAUSED, stream="False", speed=speed)
    assert silences(read_wav(answer.data)) == wanted
    state = real.app.test_client().get(f"/requests/{answer.headers['X-Request-ID']}").json
    shown = [(s["text"], s["spoken"]) for s in state["sentences"]]
    assert shown == [
        ("今天天气很好", "今天天气很好。"),
        ("我们去公园走3圈。", "我们去公园走三圈。"),
        ("回家。", "回家。"),
    ]
    gaps = [b["start"] - a["end"] for a, b in zip(state["sentences"], state["sentences"][1:])]
    assert gaps == pytest.approx([0.7, 1.5], abs=0.002)


@pytest.mark.parametrize("kind", ["mp3", "wav", "pcm", "opus", "flac", "aac"])
@pytest.mark.parametrize("stream", [True, False])
def test_pauses_lengthen_the_sound_of_every_format_by_their_length(real, kind, stream):
    def seconds(text: str) -> float:
        fields = {"model": "tts-1", "voice": "中文女", "response_format": kind, "stream": stream}
        answer = real.app.test_client().post(
            "/v1/audio/speech", json={**fields, "input": text, "seed": 3}, buffered=True
        )
        assert answer.status_code == 200, answer.json
        return len(decoded(answer.data, kind)) / 24000

    short, long = seconds("你好。[pause 100ms]再见。"), seconds("你好。[pause 4.1s]再见。")
    assert long - short == pytest.approx(4.0, abs=0.06)


def decoded(data: bytes, kind: str) -> np.ndarray:
    """Samples at 24,000 Hz."""
    source = ["-f", "s16le", "-ar", "24000"] if kind == "pcm" else []
    command = [get_ffmpeg_exe(), "-v", "error", *source, "-i", "-"]
    done = subprocess.run(
        [*command, "-f", "s16le", "-ar", "24000", "-ac", "1", "-"], input=data, capture_output=True
    )
    return np.frombuffer(done.stdout, np.int16)


def test_a_text_stream_sounds_the_same_however_it_is_cut(real):
    client, spk = real.app.test_client(), real.cosyvoice.list_available_spks()[0]

    def sound(*pieces):
        fields = {"voice": spk, "format": "pcm", "seed": 3}
        stream = client.post("/streams", json=fields).json
        for piece in pieces:
            client.post(stream["text"], json={"text": piece})
        client.post(stream["end"])
        return client.get(stream["audio"], buffered=True).data

    text = "你好。Then we go home."
    whole = sound(text)
    assert len(whole) > 5000 and sound(*text) == whole


def test_a_line_of_a_dialogue_sounds_as_it_does_alone(real):
    spk = real.cosyvoice.list_available_spks()[0]
    lines = [{"voice": spk, "text": text} for text in ("你好。", "Good.")]
    fields = {"lines": lines, "format": "wav", "stream": "False", "seed": 3}
    together = real.app.test_client().post("/dialogue", json=fields, buffered=True).data
    alone = [
        read_wav(real.post(SFT, tts_text=line["text"], seed=3 + place, stream="False").data)
        for place, line in enumerate(lines)
    ]
    assert (read_wav(together) == np.concatenate(alone)).all()
    assert all(len(each) > 1000 for each in alone)
