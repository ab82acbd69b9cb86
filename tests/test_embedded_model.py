"""The small model of the repository, end to end: speech of the right length, voice and pitch.

When MINI_WORK names the work folder of tools/mini, into which its judges are fetched, whisper must
also recognise the text.
"""

import functools
import io
import os
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from cosyvoice.cli.cosyvoice import CosyVoice
from tests.support.jobs import CLONE, CROSS, INSTRUCT, SFT
from tests.support.sounds import decode, read_wav
from tools.judges import cosine, signal_facts
from tools.mini.data.speaker_vector import pitch_of

pytestmark = pytest.mark.slow
MODEL = Path(__file__).resolve().parents[1] / "pretrained_models/CosyVoice-Mini-25Hz"
ZH, EN = (
    "今天天气很好，我们一起去公园走走吧。",
    "The weather is nice today, so let us take a walk in the park.",
)
RATE = 22050


@pytest.fixture(scope="module")
def mini():
    return CosyVoice(str(MODEL))


@pytest.fixture(scope="module")
def spoken(mini):
    """A function that speaks a text with a speaker of the model, each combination once."""

    @functools.cache
    def speak(text: str, speaker: str, seed: int) -> np.ndarray:
        return speech(mini.inference_sft(text, speaker, seed=seed))

    return speak


def speech(chunks) -> np.ndarray:
    return np.concatenate([chunk["tts_speech"][0].numpy() for chunk in chunks])


def pitch(wav: np.ndarray) -> float:
    """Median F0 in Hz over the louder half of the frames."""
    f0 = librosa.yin(wav, fmin=60, fmax=450, sr=RATE, frame_length=2048, hop_length=512)
    loudness = librosa.feature.rms(y=wav, frame_length=2048, hop_length=512)[0]
    return float(np.median(f0[loudness > np.median(loudness)]))


def assert_is_speech(wav: np.ndarray, shortest: float, longest: float):
    facts = signal_facts(wav, RATE)
    assert shortest < facts["seconds"] < longest and np.isfinite(wav).all()
    assert (
        0.05 < facts["peak"]
        and facts["clipped"] == 0
        and facts["lead"] < 0.6
        and facts["longest_pause"] < 1.0
    )


def vector(mini, wav) -> np.ndarray:
    return mini.frontend.frontend_cross_lingual(audio_file(wav))["flow_embedding"][0].numpy()


def audio_file(wav) -> io.BytesIO:
    soundfile.write(file := io.BytesIO(), wav, RATE, format="WAV")
    file.seek(0)
    return file


def test_directory_is_small_and_says_what_it_is():
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 40e6
    card = (MODEL / "README.md").read_text("utf-8")
    assert "Kokoro" in card and "consent" in card and "zh_per" in card


def test_every_speaker_speaks(mini, spoken):
    speakers = mini.list_available_spks()
    assert len(speakers) >= 8 and {"中文女", "中文男", "英文女", "英文男"} <= set(speakers)
    for i, speaker in enumerate(speakers):
        assert_is_speech(spoken((ZH, EN)[i % 2], speaker, 1), 2, 7)


def test_women_speak_higher_than_men(spoken):
    high, low = (pitch(spoken(ZH, name, 1)) for name in ("中文女", "中文男"))
    assert high > 1.2 * low


def test_a_stream_says_the_same_and_begins_early(mini, spoken):
    whole, chunks = (
        spoken(ZH, "中文女", 1),
        [c["tts_speech"] for c in mini.inference_sft(ZH, "中文女", stream=True, seed=1)],
    )
    assert len(chunks) > 1 and chunks[0].shape[1] < 0.6 * len(whole)
    assert_is_speech(np.concatenate([chunk[0].numpy() for chunk in chunks]), 2, 7)


def test_a_clone_is_nearer_to_its_reference_than_to_another(mini, spoken):
    """Of a woman and a man; tools/evaluate.py measures how well more voices are told apart."""
    references = {name: spoken(ZH, name, 2) for name in ("中文女", "中文男")}
    known = {name: vector(mini, wav) for name, wav in references.items()}
    for name, wav in references.items():
        for cloned in (
            mini.inference_zero_shot(
                "你好，很高兴认识你，我们明天再见。", ZH, audio_file(wav), seed=3
            ),
            mini.inference_cross_lingual(EN, audio_file(wav), seed=3),
        ):
            heard = vector(mini, speech(cloned))
            assert max(known, key=lambda other: cosine(known[other], heard)) == name


def test_a_clone_speaks_at_the_pitch_of_its_reference(mini, spoken):
    """Of a deep, a middle and a high voice; two are the middle one at other speeds."""
    middle = spoken(ZH, "中文男", 2)
    for faster in (0.85, 1.0, 1.2):
        wav = librosa.resample(middle, orig_sr=RATE * faster, target_sr=RATE)
        assert pitch_of(vector(mini, wav)) == pytest.approx(
            faster * pitch_of(vector(mini, middle)), rel=0.1
        )
        assert pitch(
            speech(mini.inference_cross_lingual(ZH, audio_file(wav), seed=3))
        ) == pytest.approx(pitch(wav), rel=0.15)


def test_instructions_change_pace_and_pitch(mini):
    slow, fast, high, low = (
        speech(mini.inference_instruct(ZH, "中文女", told, seed=1))
        for told in ("请说得慢一点", "Speak faster", "用更高的音调说话", "Use a lower voice")
    )
    assert len(slow) > 1.3 * len(fast) and pitch(high) > 1.15 * pitch(low)


@pytest.mark.parametrize(
    "text, speaker", [("I", "英文女"), ("A.", "英文女"), ("啊", "中文女"), ("一", "中文男")]
)
def test_a_lone_word_sounds_and_ends_by_itself(mini, caplog, text, speaker):
    wav = speech(mini.inference_sft(text, speaker, seed=1))
    assert np.abs(wav).max() > 0.05 and "did not end" not in caplog.text


def test_a_lone_interjection_sounds_in_every_try(mini, caplog):
    tries = [speech(mini.inference_sft("啊", "中文女", seed=seed)) for seed in range(1, 5)]
    assert all(np.abs(wav).max() > 0.05 for wav in tries) and "did not end" not in caplog.text


@pytest.mark.parametrize(
    "text", ["好", "ok", "3.14", "我用iPhone发email给Bob。", "龘靐齉", "😀你好😀"]
)
def test_any_text_is_spoken(mini, text):
    assert_is_speech(speech(mini.inference_sft(text, "中文女", seed=1)), 0.2, 5)


def test_the_service_speaks_with_it_in_every_mode(service, tmp_path, spoken):
    module = service(fake=False, COSYVOICE_MODEL=MODEL)
    (tmp_path / "reference/a").mkdir()
    reference = audio_file(spoken(ZH, "中文男", 1))
    (tmp_path / "reference/a/ref.wav").write_bytes(reference.getvalue())
    for fields in (SFT, CLONE, CROSS, INSTRUCT):
        for stream in ("True", "False"):
            said = {"prompt_text": ZH} if fields is CLONE else {}
            answer = module.app.test_client().post(
                "/generate_audio",
                json={**fields, **said, "tts_text": ZH, "stream": stream},
                buffered=True,
            )
            assert answer.status_code == 200, answer.json
            wav = decode(answer.data)[0] if stream == "True" else read_wav(answer.data)
            assert_is_speech(np.asarray(wav, np.float32) / 32768, 2, 7)


@pytest.mark.laboratory
@pytest.mark.skipif("MINI_WORK" not in os.environ, reason="MINI_WORK names no folder with judges")
def test_an_asr_reads_back_what_was_asked(mini):
    from tools.judges import Judges, reading_errors, to_judge_rate

    judges = Judges(os.environ["MINI_WORK"])
    for text, speaker, language, allowed in ((ZH, "中文女", "zh", 0.2), (EN, "英文女", "en", 0.25)):
        found = reading_errors(
            text,
            judges.transcribe(
                to_judge_rate(speech(mini.inference_sft(text, speaker, seed=1)), RATE), language
            ),
            language,
        )
        assert found["errors"] <= allowed * found["units"]
