import io
import shutil

import pytest
import soundfile
import torch

from cosyvoice.cli.frontend import (
    END_OF_INSTRUCTION,
    MAX_SPOKEN,
    PASS_THROUGH,
    CosyVoiceFrontEnd,
    OnnxModel,
    most_spoken,
    reference,
)
from cosyvoice.tokenizer import phoneme
from cosyvoice.utils.audio import resample, trim_and_level
from cosyvoice.utils.errors import ReferenceAudioError, TextError, TextTooLong, UnknownSpeaker


@pytest.fixture(scope="module")
def frontend(engine):
    return engine.frontend


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "。，！",
        "😀",
        "…… —— !!!",
        "\0\n",
        "<||>",
        "<|en|>",
        "<|en|>！<|HAPPY|>",
        "，" * 10000,
    ],
)
@pytest.mark.parametrize("text_frontend", [True, False])
def test_text_without_words_is_an_error(frontend, text, text_frontend):
    with pytest.raises(TextError):
        frontend.text_normalize(text, True, text_frontend)


@pytest.mark.parametrize("text", ["好", "a", "5", "[laughter]", "你好hello안녕привет", "😀好"])
def test_short_and_mixed_texts_are_one_sentence(frontend, text):
    assert len(frontend.text_normalize(text)) == 1


def test_a_script_the_tokenizer_cannot_read_is_an_error(frontend, monkeypatch):
    class Reader:  # as the phoneme tokenizer: no Korean, no marks
        encode = staticmethod(
            lambda text, allowed_special: [
                ord(c) for c in text.replace("[laughter]", "") if c < "\uac00" and c != " "
            ]
        )

    monkeypatch.setattr(frontend, "tokenizer", Reader)
    for text in ("안녕.", "안녕，안녕！", "[laughter]"):
        with pytest.raises(TextError):
            frontend.text_normalize(text)
    assert frontend.text_normalize("안녕 hello") == ["안녕 hello."]


@pytest.mark.parametrize("code", ["en", "zh"])
def test_a_language_mark_stays_and_decides_how_figures_are_read(frontend, code):
    words = {"en": "five", "zh": "五"}[code]
    assert frontend.text_normalize(f"<|{code}|>5")[0].rstrip(".。") == f"<|{code}|>{words}"
    assert frontend.text_normalize(f"<|{code}|>5", split=False) == f"<|{code}|>{words}"


def test_text_frontend_off_leaves_the_text_but_not_its_length(frontend):
    assert frontend.text_normalize("5 个", True, False) == ["5 个"]
    sentences = frontend.text_normalize("5 个" * 1000, True, False)
    assert all(len(frontend.encode(s)) <= PASS_THROUGH for s in sentences)


STORY = "清晨的风从山谷里吹来，带着泥土的气息。新的一天，就从2026年11月28日的问候开始：你好。"


def test_the_first_sentence_is_there_before_the_last_is_prepared(frontend):
    prepared = []
    sentences = frontend.sentences(STORY * 200, check=lambda: prepared.append(1))
    first = next(sentences)
    assert 60 < len(first.spoken) <= 80 and len(prepared) <= 4
    assert [part.spoken for part in [first, *sentences]] == frontend.text_normalize(STORY * 200)
    assert len(prepared) > 20


@pytest.mark.parametrize("text", [STORY * 200, "√a" * 2000, "1234567890" * 300, "a " * 3000])
@pytest.mark.parametrize("split", [True, False])
def test_the_preparation_of_a_text_can_be_stopped(frontend, text, split):
    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        frontend.text_normalize(text, split, check=stop)


def test_a_text_that_becomes_too_long_in_words_is_refused_before_anything_is_spoken(
    frontend, monkeypatch
):
    monkeypatch.setattr("cosyvoice.cli.frontend.MAX_SPOKEN", 2000)
    parts = []
    morning = "The morning wind comes from the valley. "
    signs = ("√a" * 500, "½" * 500, "7777777 " * 60)
    for text in (*(f"It is {sign}" for sign in signs), morning * 9 + "√a" * 500):
        parts.clear()
        with pytest.raises(TextTooLong, match="characters; send it in parts / .*分段"):
            next(frontend.sentences(text, check=lambda: parts.append(1)))
        assert len(parts) < 40, "it is not prepared to its end"


def test_a_plain_text_of_any_length_is_not_too_long(frontend):
    assert most_spoken("a") == MAX_SPOKEN and most_spoken("a" * 100_000) == 400_000
    assert frontend.text_normalize("1, 2, 3. " * 1000)


def test_a_model_of_phonemes_gets_the_sounds_of_a_list(engine, model_dir):
    files = [model_dir / "campplus.onnx", model_dir / "speech_tokenizer_v1.onnx"]
    frontend = CosyVoiceFrontEnd(phoneme.get_tokenizer, engine.frontend.feat_extractor, *files)
    said = {"重庆": "chong2 qing4", "Nguyen": "W IH1 N", "996": "nine nine six"}
    parts = frontend.sentences("重庆的 Nguyen：996。" * 30, pronunciations=said)
    for part in parts:
        marks = part.spoken.count("<|py:chong2 qing4|>"), part.spoken.count("<|ph:W IH1 N|>")
        assert min(marks) > 0 and part.written.count("重庆") == marks[0]
        assert part.spoken.count("<") == part.spoken.count("|>") == sum(marks)  # none is cut


def test_the_empty_transcript_is_allowed(frontend):
    assert frontend.text_normalize("", split=False) == ""


def test_a_reference_may_be_a_tensor_a_path_or_a_file(frontend, reference_wav, tmp_path):
    soundfile.write(tmp_path / "r.wav", reference_wav[0].numpy(), 16000, subtype="FLOAT")
    from_tensor = frontend.features(reference_wav)
    for wav in (
        str(tmp_path / "r.wav"),
        tmp_path / "r.wav",
        io.BytesIO((tmp_path / "r.wav").read_bytes()),
        reference_wav[0],
        reference_wav.expand(2, -1),
        reference_wav[None],
    ):
        assert all(torch.equal(a, b) for a, b in zip(from_tensor, frontend.features(wav)))


def test_features_have_the_models_shapes_and_rates(frontend, reference_wav):
    token, mel, embedding = frontend.features(reference_wav)
    assert token.dtype == torch.int32 and token.shape == (1, 62)  # 2.5 s at 25 Hz
    assert mel.dtype == torch.float32 and mel.shape == (
        1,
        215,
        80,
    )  # at 22,050 Hz; upstream's 24,000 make 234
    assert torch.equal(
        mel, frontend.feat_extractor(resample(reference_wav, 16000, 22050)).transpose(1, 2)
    )
    assert embedding.shape == (1, 192)


def test_features_are_computed_once_per_reference(frontend, reference_wav, monkeypatch):
    frontend.features(reference_wav)
    monkeypatch.setattr(frontend, "speech_tokenizer", None)
    frontend.features(reference_wav.clone())


@pytest.mark.parametrize(
    "wav, reason",
    [
        (torch.ones(1, 7999), "0.50 s"),
        (torch.ones(1, 16000 * 30 + 1), "30.00 s"),
        (torch.zeros(1, 16000), "silent"),
        (torch.full((1, 16000), 5e-4), "silent"),
        (torch.full((1, 16000), torch.nan), "numbers"),
        (torch.zeros(1, 0), "0.00 s"),
        (torch.full((1, 16000), 9000, dtype=torch.int16), "numbers"),
        (None, "no reference"),
    ],
)
def test_references_that_cannot_be_used_are_refused(frontend, wav, reason):
    with pytest.raises(ReferenceAudioError, match=reason):
        frontend.features(wav)


@pytest.mark.parametrize("seconds", [0.1, 29.9])
def test_the_length_of_a_refused_reference_does_not_count_the_silence_added_to_it(seconds):
    with pytest.raises(
        ReferenceAudioError, match=f"holds {seconds:.2f} s of sound.*use 0.5 to 30 s"
    ):
        reference(trim_and_level(0.5 * torch.ones(1, int(seconds * 16000))))


def test_zero_shot_gives_upstreams_keys(frontend, reference_wav):
    voice = frontend.frontend_zero_shot("你好", reference_wav)
    assert set(voice) == {
        "prompt_text",
        "prompt_text_len",
        "llm_prompt_speech_token",
        "llm_prompt_speech_token_len",
        "flow_prompt_speech_token",
        "flow_prompt_speech_token_len",
        "prompt_speech_feat",
        "prompt_speech_feat_len",
        "llm_embedding",
        "flow_embedding",
    }


def test_cross_lingual_keeps_the_reference_from_the_lm(frontend, reference_wav):
    assert not {"prompt_text", "llm_prompt_speech_token"} & set(
        frontend.frontend_cross_lingual(reference_wav)
    )


@pytest.mark.parametrize("text", ["慢一点", "慢一点" + END_OF_INSTRUCTION])
def test_an_instruction_ends_with_its_mark_once(frontend, text):
    condition = frontend.frontend_instruct(torch.zeros(1, 192), text)
    assert (
        frontend.tokenizer.decode(condition["prompt_text"][0].tolist())
        == "慢一点" + END_OF_INSTRUCTION
    )
    assert "llm_embedding" not in condition


def test_the_mark_that_upstreams_callers_write_is_kept_as_the_only_one(frontend):
    text = "慢一点<|endofprompt|>"
    ids = frontend.frontend_instruct(torch.zeros(1, 192), text)["prompt_text"][0].tolist()
    assert frontend.tokenizer.decode(ids) == text


def test_an_unknown_speaker_is_named_with_the_known_ones(frontend):
    with pytest.raises(UnknownSpeaker, match="'nobody'.*中文女"):
        frontend.frontend_sft("nobody")


def test_a_zero_shot_speaker_of_the_model_speaks_as_zero_shot(frontend, reference_wav, monkeypatch):
    voice = frontend.frontend_zero_shot("你好", reference_wav)
    monkeypatch.setitem(frontend.spk2info, "mine", voice)
    assert frontend.frontend_sft("mine") is frontend.frontend_zero_shot("", None, "mine") is voice
    with pytest.raises(UnknownSpeaker, match="inference_sft"):
        frontend.frontend_zero_shot("", None, "中文女")


ONNX = ("campplus.onnx", 1), ("speech_tokenizer_v1.onnx", 2)  # files and their inputs


@pytest.mark.parametrize("name, inputs", ONNX)
def test_a_damaged_onnx_file_is_named_before_it_is_used(model_dir, tmp_path, name, inputs):
    whole = (model_dir / name).read_bytes()
    OnnxModel(model_dir / name, inputs)
    damaged = [b"", b"junk", b"<html>not found</html>", bytes(1000), whole + b"<", whole + b"\0"]
    for data in damaged + [whole[:size] for size in range(1, len(whole), 7)]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(RuntimeError, match=f"{name} is damaged"):
            OnnxModel(tmp_path / name, inputs)


@pytest.mark.parametrize("name, inputs", ONNX)
def test_another_models_onnx_file_is_named(model_dir, name, inputs):
    with pytest.raises(RuntimeError, match="another model's file"):
        OnnxModel(model_dir / name, 3 - inputs)


def test_a_model_without_speakers_loads(model_dir, tmp_path):
    from cosyvoice.cli.cosyvoice import CosyVoice

    folder = shutil.copytree(model_dir, tmp_path / "model")
    (folder / "spk2info.pt").unlink()
    engine = CosyVoice(folder)
    assert engine.list_available_spks() == []
    with pytest.raises(UnknownSpeaker, match="no speakers of its own: clone a voice"):
        next(engine.inference_sft("你好", "中文女"))
