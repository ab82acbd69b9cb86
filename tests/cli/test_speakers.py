"""Speakers that are added by zero-shot and saved beside the model."""

import os
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from cosyvoice.cli.cosyvoice import CosyVoice
from cosyvoice.cli.speakers import SpeakerFile, language_of_speaker
from cosyvoice.utils.errors import InputError, ReferenceAudioError

TEXT = "今天天气很好。"


@pytest.fixture
def folder(model_dir, tmp_path):
    return shutil.copytree(model_dir, tmp_path / model_dir.name)


def info(value: float) -> dict:
    return {"embedding": torch.full((1, 192), value)}


def load(path) -> dict:
    return torch.load(path, weights_only=True)


def join(chunks):
    return torch.cat([chunk["tts_speech"] for chunk in chunks], dim=1)


def test_a_saved_speaker_speaks_as_its_reference_after_a_restart(folder, reference_wav):
    first = CosyVoice(folder)
    assert first.add_zero_shot_spk("你好。", reference_wav, zero_shot_spk_id="小明") is True
    first.save_spkinfo()
    engine = CosyVoice(folder)
    assert engine.list_available_spks() == ["中文女", "英文男", "小明"]
    expected = join(engine.inference_zero_shot(TEXT, "你好。", reference_wav, seed=1))
    by_id = engine.inference_zero_shot(TEXT, "", None, zero_shot_spk_id="小明", seed=1)
    assert torch.equal(expected, join(by_id))
    assert torch.equal(expected, join(engine.inference_sft(TEXT, "小明", seed=1)))
    expected = join(engine.inference_cross_lingual(TEXT, reference_wav, seed=1))
    by_id = engine.inference_cross_lingual(TEXT, None, zero_shot_spk_id="小明", seed=1)
    assert torch.equal(expected, join(by_id))


def test_an_added_speaker_gives_its_timbre_to_an_instruction(engine, reference_wav, monkeypatch):
    monkeypatch.setattr(engine, "supports_instruct", True)
    monkeypatch.setattr(engine.frontend, "spk2info", {})
    engine.add_zero_shot_spk("你好。", prompt_speech_16k=reference_wav, zero_shot_spk_id="a")
    voice = engine.make_voice("你好。", reference_wav)
    own = join(engine.inference_instruct(TEXT, "a", "慢一点", seed=1))
    assert torch.equal(
        own, join(engine.inference_instruct(TEXT, "", "慢一点", voice=voice, seed=1))
    )


def test_a_speaker_needs_a_name_and_a_reference(engine, reference_wav):
    before = engine.list_available_spks()
    for name in ("", "  ", None):
        with pytest.raises(InputError, match="zero_shot_spk_id is empty"):
            engine.add_zero_shot_spk("你好。", reference_wav, name)
    with pytest.raises(ReferenceAudioError):
        engine.add_zero_shot_spk("你好。", torch.zeros(1, 16000), "a")
    assert engine.list_available_spks() == before


def test_the_file_holds_plain_data_and_keeps_its_other_speakers_as_they_were(tmp_path):
    path = tmp_path / "spk2info.pt"
    half = {"embedding": torch.ones(1, 192, dtype=torch.float16)}
    torch.save({"old": half, "gone": info(0)}, path)
    os.chmod(path, 0o640)
    file = SpeakerFile(path)
    speakers = file.read()
    assert speakers["old"]["embedding"].dtype == torch.float32
    speakers["new"] = info(2)
    del speakers["gone"]
    file.save(speakers)
    stored = load(path)
    assert list(stored) == ["old", "new"] and stored["old"]["embedding"].dtype == torch.float16
    assert os.listdir(tmp_path) == ["spk2info.pt"]
    assert os.name == "nt" or path.stat().st_mode & 0o777 == 0o640


def test_a_model_without_the_file_gets_one(tmp_path):
    file = SpeakerFile(tmp_path / "spk2info.pt")
    file.save({**file.read(), "new": info(1)})
    assert list(load(tmp_path / "spk2info.pt")) == ["new"]


def test_speakers_that_another_process_saved_are_kept(tmp_path):
    path = tmp_path / "spk2info.pt"
    torch.save({"old": info(0)}, path)
    ours, theirs = SpeakerFile(path), SpeakerFile(path)
    speakers, others = ours.read(), theirs.read()
    theirs.save({**others, "theirs": info(1), "both": info(1)})
    ours.save({**speakers, "ours": info(2), "both": info(2)})
    stored = load(path)
    assert set(stored) == {"old", "theirs", "ours", "both"}
    assert torch.equal(stored["both"]["embedding"], info(2)["embedding"])


def test_concurrent_saves_lose_no_speaker_and_the_file_is_always_whole(tmp_path):
    path = tmp_path / "spk2info.pt"
    torch.save({"old": info(0)}, path)
    file = SpeakerFile(path)
    speakers = file.read()

    def add(number: int):
        speakers[f"s{number}"] = info(number)
        file.save(speakers)

    with ThreadPoolExecutor(5) as pool:
        work = [pool.submit(add, number) for number in range(40)]
        while not all(each.done() for each in work):
            assert "old" in load(path)
        assert [each.result() for each in work] == [None] * 40
    assert set(load(path)) == {"old", *(f"s{number}" for number in range(40))}


def test_a_failed_save_leaves_the_file(tmp_path):
    file = SpeakerFile(tmp_path / "spk2info.pt")
    file.save({"old": info(0)})
    with pytest.raises((AttributeError, pickle.PicklingError)):
        file.save({"bad": {"embedding": lambda: 0}})
    assert list(load(file.path)) == ["old"] and os.listdir(tmp_path) == ["spk2info.pt"]
    file.save({"old": info(0), "new": info(1)})
    assert list(load(file.path)) == ["old", "new"]


def test_a_damaged_file_is_named_and_not_overwritten(tmp_path):
    path = tmp_path / "spk2info.pt"
    file = SpeakerFile(path)
    speakers = file.read()
    path.write_bytes(b"junk")
    with pytest.raises(RuntimeError, match="spk2info.pt is damaged"):
        file.save({**speakers, "new": info(1)})
    assert path.read_bytes() == b"junk"


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("中文女", "zh"),
        ("英文男2", "en"),
        ("日语男", "ja"),
        ("粤语女", "yue"),
        ("韩语女", "ko"),
        ("English woman", "en"),
        ("de_male_1", "de"),
        ("fr", "fr"),
        ("Italian-2", "it"),
        ("Frederic", ""),
        ("妈妈", ""),
        ("", ""),
    ],
)
def test_a_name_tells_the_language_of_its_speaker(name, language):
    assert language_of_speaker(name) == language
