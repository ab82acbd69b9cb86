"""CosyVoice2 and Fun-CosyVoice3 through the public API, at tiny width."""

import shutil
import sys
from itertools import count
from pathlib import Path

import pytest
import torch

from cosyvoice.cli.cosyvoice import AutoModel, CosyVoice, CosyVoice2, CosyVoice3
from cosyvoice.cli.voice import load_voice, save_voice
from cosyvoice.utils.errors import TextError, UnknownSpeaker, VoiceError
from tests.support.tiny_model_qwen import build

SHORT = "你好。"  # nine ids: each byte is one
TEXT = "你好，世界。"
LONG = TEXT * 24
END = "<|endofprompt|>"
SYSTEM = "You are a helpful assistant."


@pytest.fixture
def folder(tmp_path):
    return build(tmp_path / "CosyVoice2-0.5B", 2)


@pytest.fixture
def inputs(qwen_engine, monkeypatch):
    """What the model is asked to speak, as texts; it says nothing."""
    asked, decode = [], qwen_engine.frontend.tokenizer._pairs.decode

    def tts(**given):
        words = {name: decode(given[name][0].tolist()) for name in ("text", "prompt_text")}
        asked.append(given | words)
        return (chunk for chunk in ())

    monkeypatch.setattr(qwen_engine.model, "tts", tts)
    return asked


def join(chunks):
    return torch.cat([chunk["tts_speech"] for chunk in chunks], dim=1)


def is_3(engine):
    return type(engine) is CosyVoice3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", ["sft", "zero_shot", "cross_lingual", "instruct2", "vc"])
def test_every_mode_speaks(qwen_engine, reference_wav, monkeypatch, mode, stream):
    info = {"preset": {"embedding": torch.ones(1, 192)}}
    monkeypatch.setattr(qwen_engine.frontend, "spk2info", info)
    arguments = {
        "sft": (TEXT, "preset"),
        "zero_shot": (TEXT, "你好", reference_wav),
        "cross_lingual": (TEXT, reference_wav),
        "instruct2": (TEXT, "用四川话说这句话", reference_wav),
        "vc": (reference_wav, reference_wav),
    }[mode]
    speak = getattr(qwen_engine, f"inference_{mode}")
    chunks = list(speak(*arguments, stream=stream, seed=3))
    assert len(chunks) > 1 if stream else len(chunks) == 1
    speech = join(chunks)
    assert speech.dtype == torch.float32 and speech.isfinite().all() and speech.abs().max() > 0


def test_the_class_fits_the_files_and_tells_its_rates(qwen_engine):
    expected = CosyVoice3 if "3" in qwen_engine.model_family else CosyVoice2
    assert type(qwen_engine) is expected
    assert qwen_engine.model_family == (
        "Fun-CosyVoice3-0.5B" if is_3(qwen_engine) else "CosyVoice2-0.5B"
    )
    assert (qwen_engine.token_rate, qwen_engine.sample_rate) == (25, 24000)
    assert qwen_engine.supports_instruct and qwen_engine.supports_instruct2
    assert qwen_engine.list_available_spks() == []


def test_a_whole_utterance_has_40_ms_for_each_token(qwen_engine, reference_wav, monkeypatch):
    monkeypatch.setattr(qwen_engine.model, "_decode", lambda *_: (n for n in [50, 60, 70] * 20))
    speech = join(qwen_engine.inference_cross_lingual(TEXT, reference_wav, seed=1))
    assert speech.shape[1] == 60 * 960


def test_a_seed_decides_the_sound(qwen_engine, reference_wav):
    one, same, other = (
        join(qwen_engine.inference_zero_shot(SHORT, "", reference_wav, seed=seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, same) and not (one.shape == other.shape and torch.equal(one, other))


# what the language model reads


def test_the_system_prompt_stands_before_each_sentence_and_is_not_spoken(
    qwen_engine, inputs, reference_wav
):
    list(qwen_engine.inference_cross_lingual(LONG, reference_wav))
    prompt = SYSTEM + END if is_3(qwen_engine) else ""
    assert len(inputs) > 1 and {each["prompt_text"] for each in inputs} == {prompt}
    assert "".join(each["text"] for each in inputs) == LONG


def test_the_system_prompt_stands_before_the_references_words(qwen_engine, inputs, reference_wav):
    list(qwen_engine.inference_zero_shot(TEXT, "参考。", reference_wav))
    assert inputs[0]["prompt_text"] == (SYSTEM + END if is_3(qwen_engine) else "") + "参考。"


@pytest.mark.parametrize("own", [f"You are a helpful assistant.{END}", f"Be quick.{END}"])
def test_a_callers_own_prompt_is_kept_alone(qwen_engine, inputs, reference_wav, own):
    list(qwen_engine.inference_zero_shot(TEXT, f"{own}参考。", reference_wav))
    list(qwen_engine.inference_cross_lingual(own + LONG, reference_wav))
    assert inputs[0]["prompt_text"] == f"{own}参考。"
    assert {each["prompt_text"] for each in inputs[1:]} == {own} and len(inputs) > 2
    assert "".join(each["text"] for each in inputs[1:]) == LONG


def test_instructions_are_read_as_the_model_was_trained(qwen_engine, inputs, reference_wav):
    prompt = f"{SYSTEM} " if is_3(qwen_engine) else ""
    for given, read in [
        ("请用广东话表达。", f"{prompt}请用广东话表达。{END}"),
        (f"{SYSTEM} 慢一点。", f"{SYSTEM} 慢一点。{END}"),
        (f"慢一点。{END}", f"慢一点。{END}"),
    ]:
        list(qwen_engine.inference_instruct2(TEXT, given, reference_wav))
        assert inputs[-1]["prompt_text"] == read
        assert "llm_prompt_speech_token" not in inputs[-1]
        assert inputs[-1]["flow_prompt_speech_token"].shape[1] > 0


def test_an_instruction_takes_the_place_of_a_voices_words(qwen_engine, inputs, reference_wav):
    voice = qwen_engine.make_voice("参考。", reference_wav)
    qwen_engine.add_zero_shot_spk("参考。", reference_wav, "kept")
    list(qwen_engine.inference_instruct(TEXT, "", "慢一点。", voice=voice))
    list(qwen_engine.inference_instruct(TEXT, "kept", "慢一点。"))
    list(qwen_engine.inference_instruct2(TEXT, "慢一点。", zero_shot_spk_id="kept"))
    del qwen_engine.frontend.spk2info["kept"]
    for each in inputs:
        assert each["prompt_text"].endswith(f"慢一点。{END}") and "参考" not in each["prompt_text"]
        assert torch.equal(each["prompt_speech_feat"], voice["prompt_speech_feat"])


@pytest.mark.parametrize(
    "text",
    ["对报道[j][ǐ]予好评。", "[HH][AH0][L][OW1] there.", "嗯[breath]，<strong>好</strong>。"],
)
def test_marks_of_sounds_reach_the_model(qwen_engine, inputs, reference_wav, text):
    list(qwen_engine.inference_cross_lingual(text, reference_wav))
    assert inputs[0]["text"] == text


def test_speakers_are_saved_as_upstream_reads_them(qwen_engine, reference_wav):
    """Its Fun-CosyVoice3 wants the prompt among a speaker's own ids."""
    qwen_engine.add_zero_shot_spk("参考。", reference_wav, "kept")
    saved = qwen_engine.frontend.spk2info.pop("kept")
    ids = qwen_engine.frontend.encode((SYSTEM + END if is_3(qwen_engine) else "") + "参考。")
    assert saved["prompt_text"].tolist() == [ids]
    assert saved["prompt_text_len"].tolist() == [len(ids)]


def test_tokens_and_mel_of_a_reference_are_of_equal_duration(qwen_engine, reference_wav):
    for samples in (16000, 17000, 19999, 40000):
        voice = qwen_engine.frontend.frontend_zero_shot("", reference_wav[:, :samples])
        tokens = voice["flow_prompt_speech_token"].shape[1]
        assert tokens and voice["prompt_speech_feat"].shape[1] == 2 * tokens
        assert voice["llm_prompt_speech_token_len"].tolist() == [tokens]


def test_pauses_are_cut_in_fun_cosyvoice3(qwen_engine, reference_wav, monkeypatch):
    monkeypatch.setattr(qwen_engine.model, "_decode", lambda *_: (n for n in [5, *[1, 28] * 5, 5]))
    speech = join(qwen_engine.inference_cross_lingual(TEXT, reference_wav, seed=1))
    assert speech.shape[1] == (7 if is_3(qwen_engine) else 12) * 960


def test_silence_without_end_can_be_stopped(qwen_engine, reference_wav, monkeypatch):
    def check():
        calls.append(1)
        if len(calls) > 100:
            raise InterruptedError

    calls = []
    monkeypatch.setattr(qwen_engine.model, "_decode", lambda *_: (1 for _ in count()))
    with pytest.raises(InterruptedError):
        join(qwen_engine.inference_cross_lingual(TEXT, reference_wav, check=check))


# a text that arrives bit by bit


def test_a_text_may_arrive_in_parts(qwen_engine, reference_wav):
    def speak(*parts):
        reference = reference_wav[:, :16000]
        return list(qwen_engine.inference_zero_shot(iter(parts), "参考。", reference, seed=1))

    chunks = speak("你", "好，世", "界。")
    assert [(chunk["sentence"], chunk["text"]) for chunk in chunks] == [(0, "你好，世界。")]
    assert torch.equal(join(chunks), join(speak("你好，世界。")))


def test_speech_begins_before_the_text_is_there(qwen_engine, reference_wav):
    def parts():
        for word in "今天天气很好我们去公园散步":
            read.append(word)
            yield word

    read = []
    reference = reference_wav[:, :16000]
    chunks = qwen_engine.inference_zero_shot(parts(), "参考。", reference, stream=True, seed=1)
    first = next(chunks)
    chunks.close()
    assert first["tts_speech"].shape[1] and len(read) < 13


def test_a_text_without_words_is_an_error(qwen_engine, reference_wav):
    with pytest.raises(TextError):
        join(qwen_engine.inference_zero_shot(iter([]), "参考。", reference_wav))
    with pytest.raises(TextError):
        join(qwen_engine.inference_cross_lingual(SYSTEM + END, reference_wav))


# speakers and voices


def test_a_model_without_speakers_says_so(qwen_engine):
    with pytest.raises(UnknownSpeaker, match="no speakers of its own: clone a voice"):
        join(qwen_engine.inference_sft(TEXT, "中文女"))


def test_a_saved_voice_speaks_as_its_reference(qwen_engine, reference_wav, tmp_path):
    voice = qwen_engine.make_voice("参考。", reference_wav)
    save_voice(voice, tmp_path / "v.pt")
    loaded = load_voice(tmp_path / "v.pt", qwen_engine.model_family)
    expected = join(qwen_engine.inference_zero_shot(SHORT, "参考。", reference_wav, seed=1))
    assert torch.equal(expected, join(qwen_engine.inference_sft(SHORT, "", voice=loaded, seed=1)))
    with pytest.raises(VoiceError, match="clone it again with this model"):
        load_voice(tmp_path / "v.pt", "CosyVoice-300M-25Hz")
    with pytest.raises(VoiceError, match="llm_prompt_speech_token is beyond"):
        tokens = voice["llm_prompt_speech_token"] * 0 + 6561
        qwen_engine.check_voice({**voice, "llm_prompt_speech_token": tokens})


# loading


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_text_table_is_mapped_from_its_file(qwen_engine):
    address = qwen_engine.model.llm.text_embedding.weight.data_ptr()
    mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if "llm.pt" in line]
    ranges = [[int(end, 16) for end in line.split()[0].split("-")] for line in mapped]
    assert any(start <= address < end for start, end in ranges)


@pytest.mark.parametrize("option", ["load_vllm", "load_jit", "load_trt"])
def test_accelerations_we_lack_are_refused_by_name(folder, option):
    with pytest.raises(ValueError, match=f"{option} is not available"):
        CosyVoice2(folder, **{option: True})


@pytest.mark.parametrize("other", [CosyVoice, CosyVoice3])
def test_another_class_names_the_one_that_fits(folder, other):
    with pytest.raises(RuntimeError, match=r"cosyvoice2\.yaml.* use CosyVoice2 or AutoModel"):
        other(folder)


def test_missing_files_are_named_all_at_once_with_the_models_own_command(folder):
    (folder / "flow.pt").unlink()
    (folder / "CosyVoice-BlankEN/vocab.json").unlink()
    with pytest.raises(
        FileNotFoundError,
        match=r"flow\.pt, .*vocab\.json not found: .*--model iic/CosyVoice2-0\.5B --local_dir",
    ):
        AutoModel(folder)


def test_a_checkpoint_that_is_cut_off_or_of_another_model_is_refused(folder, tmp_path):
    data = (folder / "llm.pt").read_bytes()
    (folder / "llm.pt").write_bytes(data[: len(data) // 2])
    with pytest.raises(RuntimeError, match=r"llm\.pt is damaged"):
        AutoModel(folder)
    other = build(tmp_path / "other", 3)
    (folder / "llm.pt").write_bytes((other / "llm.pt").read_bytes())
    with pytest.raises(RuntimeError, match=r"llm\.pt does not fit the cosyvoice2?\.yaml beside it"):
        AutoModel(folder)


def test_an_older_file_name_is_told_by_its_language_model(folder):
    (folder / "cosyvoice2.yaml").rename(folder / "cosyvoice.yaml")
    with pytest.raises(RuntimeError, match="is Qwen2LM, not TransformerLM; download the newest"):
        AutoModel(folder)


def test_a_file_of_before_the_change_of_names_does_no_harm(folder):
    shutil.copy(folder / "cosyvoice2.yaml", folder / "cosyvoice.yaml")
    assert type(AutoModel(folder)) is CosyVoice2


def test_loading_leaves_the_random_state_of_the_process(folder):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    AutoModel(folder)
    assert torch.equal(torch.get_rng_state(), state)
