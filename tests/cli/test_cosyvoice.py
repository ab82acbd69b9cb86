import random
import shutil

import numpy as np
import pytest
import torch

from cosyvoice.cli import conversion
from cosyvoice.cli.cosyvoice import AutoModel, CosyVoice, UnsetWeights, entries, read_config
from cosyvoice.cli.voice import load_voice, save_voice
from cosyvoice.flow.length_regulator import mel_frames
from cosyvoice.utils.errors import (
    InputError,
    InstructUnsupported,
    PronunciationError,
    TextError,
    VoiceError,
)
from tests.support.sounds import speech
from tests.support.tiny_model import build

TEXT = (
    "今天天气很好，我们一起去公园散步吧。然后去吃一顿丰盛的晚餐，大家都很开心，聊了很多有趣的事情。"
)


def join(chunks):
    return torch.cat([chunk["tts_speech"] for chunk in chunks], dim=1)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", ["sft", "zero_shot", "cross_lingual", "instruct", "vc"])
def test_every_mode_speaks(engine, reference_wav, monkeypatch, mode, stream):
    monkeypatch.setattr(engine, "supports_instruct", True)
    arguments = {
        "sft": (TEXT, "中文女"),
        "zero_shot": (TEXT, "你好", reference_wav),
        "cross_lingual": (TEXT, reference_wav),
        "instruct": (TEXT, "中文女", "慢一点"),
        "vc": (reference_wav, reference_wav),
    }[mode]
    chunks = list(getattr(engine, f"inference_{mode}")(*arguments, stream=stream, seed=3))
    assert len(chunks) > 1 if stream else len(chunks) == 1
    speech = join(chunks)
    assert (
        speech.dtype == torch.float32
        and speech.dim() == 2
        and speech.isfinite().all()
        and speech.abs().max() > 0
    )


@pytest.fixture
def short_pieces(monkeypatch):
    """Pieces of a second or two, to convert little."""
    for name, seconds in (("SHORTEST", 0.7), ("LONGEST", 1.5), ("LAST", 0.5)):
        monkeypatch.setattr(conversion, name, seconds)


@pytest.mark.parametrize("stream, speed", [(False, 1.0), (True, 1.25)])
def test_a_long_source_is_converted_in_pieces_to_its_own_length(
    engine, short_pieces, stream, speed
):
    source = speech(2.4)
    chunks = list(engine.inference_vc(source, spk_id="中文女", stream=stream, speed=speed, seed=1))
    seconds = join(chunks).shape[1] / engine.sample_rate
    assert seconds == pytest.approx(source.shape[1] / 16000 / speed, abs=1e-4)
    assert {chunk["sentence"] for chunk in chunks} == {0, 1}


def test_a_silent_piece_stays_silent(engine, short_pieces):
    source = torch.cat([speech(1.2), torch.zeros(1, 16000)], 1)
    *_, last = engine.inference_vc(source, spk_id="中文女", seed=1)
    assert last["tts_speech"].shape[1] > 0.5 * engine.sample_rate and not last["tts_speech"].any()


def noted(asked: list):
    """In place of the model's tts: it notes what it is given and says nothing."""

    def tts(**given):
        asked.append(given)
        yield from ()

    return tts


def test_a_source_gets_the_voice_of_a_reference_a_speaker_or_a_saved_voice(
    engine, reference_wav, monkeypatch
):
    source, asked = speech(1.2), []
    monkeypatch.setattr(engine.model, "tts", noted(asked))
    voice = engine.make_voice("你好。", reference_wav)
    for target in ({"prompt_wav": reference_wav}, {"spk_id": "中文女"}, {"voice": voice}):
        list(engine.inference_vc(source, **target))
    by_reference, by_speaker, by_voice = asked
    assert torch.equal(by_voice["prompt_speech_feat"], by_reference["prompt_speech_feat"])
    assert torch.equal(by_voice["flow_embedding"], by_reference["flow_embedding"])
    assert "prompt_speech_feat" not in by_speaker
    assert all(given["source_speech_token"].shape[1] == 30 for given in asked)


def test_a_speaker_as_a_voice_speaks_as_the_speaker(engine, tmp_path):
    save_voice(engine.speaker_voice("中文女"), tmp_path / "v.pt")
    voice = load_voice(tmp_path / "v.pt", engine.model_family)
    plain, kept = (
        join(engine.inference_sft("你好。", "中文女", seed=1, **options))
        for options in ({}, {"voice": voice})
    )
    assert torch.equal(plain, kept)


def test_the_older_keyword_is_the_same_reference(engine, reference_wav):
    newer = engine.inference_cross_lingual("你好。", prompt_wav=reference_wav, seed=1)
    older = engine.inference_cross_lingual("你好。", prompt_speech_16k=reference_wav, seed=1)
    assert torch.equal(join(newer), join(older))


def test_chunks_tell_their_sentence(engine):
    text = "今天天气很好。" * 20
    chunks = list(engine.inference_sft(text, "中文女", stream=True, seed=1))
    indices = [chunk["sentence"] for chunk in chunks]
    assert indices == sorted(indices) and set(indices) == {0, 1}
    assert "".join(dict((chunk["sentence"], chunk["text"]) for chunk in chunks).values()) == text


def test_sentences_of_a_whole_request_draw_on_from_one_seed(engine):
    torch.manual_seed(8)
    from_global = list(engine.inference_sft("今天天气很好。" * 20, "中文女"))
    from_seed = list(engine.inference_sft("今天天气很好。" * 20, "中文女", seed=8))
    assert len(from_seed) == 2 and torch.equal(join(from_global), join(from_seed))


def test_an_official_voice_gives_its_speaker_to_an_instruct_model_of_another_rate(
    engine, reference_wav, monkeypatch
):
    voice = engine.make_voice("你好", reference_wav)
    monkeypatch.setattr(engine, "supports_instruct", True)
    own = join(engine.inference_instruct("你好。", "", "慢一点", voice=voice, seed=1))
    monkeypatch.setattr(engine, "model_family", "CosyVoice-300M")
    assert torch.equal(
        join(engine.inference_instruct("你好。", "", "慢一点", voice=voice, seed=1)), own
    )
    for family in ("CosyVoice-Mini-25Hz", None, ["CosyVoice-300M"]):
        with pytest.raises(VoiceError):
            join(
                engine.inference_instruct(
                    "你好。", "", "慢一点", voice={**voice, "meta": {"family": family}}
                )
            )


@pytest.mark.parametrize("text", ["好", "a", "你好hello안녕5😀", "<|en|>hello"])
def test_short_and_mixed_texts_speak(engine, text):
    assert join(engine.inference_sft(text, "中文女", seed=1)).shape[1] > 0


def test_text_without_words_is_an_error(engine):
    with pytest.raises(TextError):
        next(engine.inference_sft("。。。", "中文女"))


def test_speaker_names_are_listed_under_both_spellings(engine):
    assert engine.list_available_spks() == engine.list_avaliable_spks() == ["中文女", "英文男"]


def test_an_engine_tells_its_rates_and_its_device(engine):
    assert (engine.token_rate, engine.sample_rate) == (25, 22050)
    assert engine.device == str(engine.model.device)


@pytest.mark.parametrize("mark", ["<endofprompt>", "<|endofprompt|>"])
def test_an_instruction_that_ends_with_its_mark_gets_no_second_one(engine, monkeypatch, mark):
    monkeypatch.setattr(engine, "supports_instruct", True)
    seen = []
    monkeypatch.setattr(
        engine.model, "tts", lambda **given: (x for x in [seen.append(given["prompt_text"])][:0])
    )
    list(engine.inference_instruct("你好。", "中文女", f"慢一点{mark}"))
    instructions = [engine.frontend.tokenizer.decode(ids[0].tolist()) for ids in seen]
    assert instructions == [f"慢一点{mark}"]


# voices


def test_a_saved_voice_speaks_as_its_reference(engine, reference_wav, tmp_path):
    voice = engine.make_voice("你好。", reference_wav, consent="agreed")
    assert (
        voice["meta"]["family"] == engine.model_family == "CosyVoice-300M-25Hz"
        and voice["meta"]["consent"] == "agreed"
    )
    save_voice(voice, tmp_path / "v.pt")
    loaded = load_voice(tmp_path / "v.pt", engine.model_family)
    expected = join(engine.inference_zero_shot(TEXT, "你好。", reference_wav, seed=1))
    assert torch.equal(expected, join(engine.inference_sft(TEXT, "", voice=loaded, seed=1)))
    assert torch.equal(expected, join(engine.inference_zero_shot(TEXT, voice=loaded, seed=1)))


def test_instruct_takes_the_timbre_of_a_voice_only(engine, reference_wav, monkeypatch):
    monkeypatch.setattr(engine, "supports_instruct", True)
    voice = engine.make_voice("你好。", reference_wav)
    monkeypatch.setitem(
        engine.frontend.spk2info, "same timbre", {"embedding": voice["flow_embedding"]}
    )
    assert torch.equal(
        join(engine.inference_instruct(TEXT, "", "慢一点", voice=voice, seed=1)),
        join(engine.inference_instruct(TEXT, "same timbre", "慢一点", seed=1)),
    )


def test_a_voice_beyond_the_models_tables_or_of_another_rate_is_refused(engine, reference_wav):
    voice = engine.make_voice("你好。", reference_wav)
    with pytest.raises(VoiceError, match="vocabulary"):
        engine.check_voice(
            {**voice, "flow_prompt_speech_token": voice["flow_prompt_speech_token"] + 4096}
        )
    with pytest.raises(VoiceError, match="duration"):
        engine.check_voice(
            {**voice, "flow_prompt_speech_token": voice["flow_prompt_speech_token"].repeat(1, 2)}
        )


def test_instructions_need_a_model_trained_for_them(engine):
    with pytest.raises(InstructUnsupported, match="CosyVoice-300M-Instruct"):
        next(engine.inference_instruct(TEXT, "中文女", "慢一点"))


# loading


def test_loading_leaves_the_random_state_of_the_process(model_dir):
    def states():
        return (
            random.getstate(),
            np.random.get_state()[1].tobytes(),
            torch.random.get_rng_state().numpy().tobytes(),
        )

    before = states()
    CosyVoice(str(model_dir))
    assert states() == before


def test_networks_are_built_without_drawing_their_weights():
    state = torch.random.get_rng_state()
    with UnsetWeights():
        (
            torch.nn.Linear(3, 3),
            torch.nn.Embedding(3, 3),
            torch.nn.Conv1d(3, 3, 3).weight.data.normal_(0, 0.01),
        )
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.nn.Linear(3, 3).weight.any()


def test_the_50_hz_models_load(tmp_path, reference_wav):
    engine = CosyVoice(str(build(tmp_path / "CosyVoice-300M-Instruct", frame_rate=50)))
    assert engine.model_family == "CosyVoice-300M" and engine.supports_instruct
    assert engine.frontend.tokenizer.n_vocab == 51866
    whole, stream = (
        join(engine.inference_zero_shot(TEXT, "你好", reference_wav, stream=stream, seed=1))
        for stream in (False, True)
    )
    assert abs(whole.shape[1] - stream.shape[1]) <= 256


def test_a_yaml_may_name_its_family(tmp_path):
    engine = CosyVoice(
        str(build(tmp_path / "m", extra="model_family: Mine\nsupports_instruct: True\n"))
    )
    assert engine.model_family == "Mine" and engine.supports_instruct


def test_a_yaml_may_limit_the_tokens_a_text_may_have(tmp_path):
    engine = CosyVoice(
        str(build(tmp_path / "m", extra="min_token_text_ratio: 3\nmax_token_text_ratio: 3\n"))
    )
    ids = engine.frontend.text_token(TEXT)
    assert (
        join(engine.inference_sft(TEXT, "中文女", seed=1)).shape[1]
        == mel_frames(3 * ids.shape[1], 25) * 256
    )


@pytest.mark.parametrize(
    "ratios, shortest, longest",
    [("min_token_text_ratio: 1\nmax_token_text_ratio: 6\n", 12, 40), ("", 6, 60)],
)
def test_a_lone_word_has_time_with_a_models_own_limits_and_upstreams_with_official_ones(
    tmp_path, monkeypatch, caplog, ratios, shortest, longest
):
    engine = CosyVoice(str(build(tmp_path / "m", extra=ratios)))
    lm, text = engine.model.llm, torch.ones(1, 3, dtype=torch.int32)

    def tokens():
        none = text[:, :0]
        return len(list(engine.model._decode(text, none, none, torch.zeros(0, 192), None)))

    monkeypatch.setattr(
        lm,
        "sampling",
        lambda scores, *_, **__: lm.eos_token if scores[lm.eos_token].isfinite() else 1,
    )
    assert tokens() == shortest
    monkeypatch.setattr(lm, "sampling", lambda *_, **__: 1)
    assert tokens() == longest and "did not end" in caplog.text


def test_an_instruction_may_ask_for_haste(tmp_path, monkeypatch):
    engine = CosyVoice(
        str(
            build(
                tmp_path / "m", extra="min_token_text_ratio: 2\nmin_token_text_ratio_instruct: 1\n"
            )
        )
    )
    lm, text = engine.model.llm, torch.ones(1, 20, dtype=torch.int32)

    def tokens(*prompt):
        return len(list(engine.model._decode(text, *prompt, torch.zeros(0, 192), None)))

    monkeypatch.setattr(
        lm,
        "sampling",
        lambda scores, *_, **__: lm.eos_token if scores[lm.eos_token].isfinite() else 1,
    )
    nothing, some = text[:, :0], text[:, :4]
    assert (tokens(nothing, nothing), tokens(some, some), tokens(some, nothing)) == (40, 40, 20)


@pytest.mark.parametrize("options", [{"load_jit": True}, {"load_trt": True}, {"load_onnx": True}])
def test_accelerations_we_lack_are_refused_by_name(model_dir, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        CosyVoice(str(model_dir), **options)


@pytest.mark.parametrize(
    "name", ["cosyvoice.yaml", "llm.pt", "hift.pt", "campplus.onnx", "speech_tokenizer_v1.onnx"]
)
def test_a_missing_file_is_named_with_where_to_get_it(model_dir, tmp_path, name):
    folder = shutil.copytree(model_dir, tmp_path / "model")
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} not found.*modelscope download"):
        CosyVoice(str(folder))


@pytest.mark.parametrize("model_dir", ["pretrained_models/none", "./x/y", "a\\b", "/no/such/place"])
def test_a_missing_directory_is_no_model_id(model_dir):
    with pytest.raises(FileNotFoundError, match="give a model directory"):
        CosyVoice(model_dir)


def test_auto_model_picks_the_class_by_the_files(model_dir):
    engine = AutoModel(model_dir=str(model_dir))
    assert type(engine) is CosyVoice and engine.list_available_spks() == ["中文女", "英文男"]


@pytest.mark.parametrize("version", "23")
def test_a_directory_of_another_family_is_named_with_the_class_for_it(tmp_path, version):
    (tmp_path / f"cosyvoice{version}.yaml").touch()
    with pytest.raises(RuntimeError, match=f"cosyvoice{version}.yaml.* use CosyVoice{version} or"):
        CosyVoice(tmp_path)


def test_an_older_directory_of_another_family_is_told_by_its_classes(model_dir, tmp_path):
    text = (model_dir / "cosyvoice.yaml").read_text("utf-8")
    (tmp_path / "cosyvoice.yaml").write_text(text.replace("TransformerLM", "Qwen2LM"), "utf-8")
    with pytest.raises(
        RuntimeError, match="family that is not supported.*is Qwen2LM, not TransformerLM"
    ):
        AutoModel(model_dir=tmp_path)


def test_auto_model_passes_options_to_the_class(model_dir):
    with pytest.raises(ValueError, match="load_trt is not available"):
        AutoModel(model_dir=str(model_dir), load_trt=True)


@pytest.mark.parametrize("yaml", ["sample_rate: 24000\n", "", "a: [1"])
def test_a_yaml_of_another_model_or_none_is_named(tmp_path, yaml):
    (tmp_path / "cosyvoice.yaml").write_text(yaml)
    with pytest.raises(RuntimeError, match="lacks llm, flow"):
        read_config(tmp_path / "cosyvoice.yaml")


def test_only_needed_entries_and_what_they_name_are_read():
    unused = "seed: !apply:random.seed [1]\n"
    used = "a: 1\n# comment <a>\nb: !ref <a>\nllm: !new:x\n    y: !ref <b>\n"
    pipeline = "pipeline: [\n    !ref <seed>,\n]\n"
    assert entries(unused + used + pipeline, ["llm", "absent"]) == used


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_a_pause_is_silence_of_its_length_at_any_speed(engine, stream, speed):
    """Between and inside sentences; the speech around it stays as it is with another pause."""

    def parts(text):
        chunks = list(engine.inference_sft(text, "中文女", stream=stream, speed=speed, seed=5))
        silences = [chunk["tts_speech"] for chunk in chunks if not chunk["sentences"]]
        return silences, join(chunk for chunk in chunks if chunk["sentences"]), chunks

    short, speech, chunks = parts('你好[pause 500ms]世界。<break time="1.234s"/>再见。')
    long, same_speech, _ = parts('你好[pause 3s]世界。<break time="20ms"/>再见。')
    assert [sound.shape for sound in short] == [(1, 11025), (1, round(1.234 * 22050))]
    assert [sound.shape for sound in long] == [(1, 66150), (1, 441)]
    assert not join([{"tts_speech": sound} for sound in short]).any()
    assert torch.equal(speech, same_speech)
    told = [(chunk["sentence"], chunk["text"], chunk["spoken"]) for chunk in chunks]
    assert list(dict.fromkeys(told)) == [
        (0, "你好", "你好。"),
        (1, "", ""),
        (2, "世界。", "世界。"),
        (3, "", ""),
        (4, "再见。", "再见。"),
    ]


def test_pauses_alone_are_no_speech(engine):
    with pytest.raises(TextError, match="nothing that can be spoken"):
        next(engine.inference_sft("[pause 1s] … [pause 2s]", "中文女"))


@pytest.mark.parametrize("tag", ["[pause 5 apples]", "[pause 11s]", '<break time="10.1s"/>'])
def test_a_pause_that_cannot_be_made_is_refused_before_any_sound(engine, tag):
    with pytest.raises(TextError, match="pause"):
        next(engine.inference_sft("今天天气很好。" * 100 + tag, "中文女"))


def test_the_words_of_a_list_are_said_in_every_mode(engine, reference_wav, monkeypatch):
    monkeypatch.setattr(engine, "supports_instruct", True)
    said = {"pronunciations": {"重庆": "chong2 qing4", "996": "nine nine six"}}
    for chunks in (
        engine.inference_sft("重庆996", "中文女", **said),
        engine.inference_zero_shot("重庆996", "你好", reference_wav, **said),
        engine.inference_cross_lingual("重庆996", reference_wav, **said),
        engine.inference_instruct("重庆996", "中文女", "慢一点", **said),
    ):
        chunk = next(chunks)
        assert (chunk["text"], chunk["spoken"]) == ("重庆996", "虫庆nine nine six。")


def test_phonemes_are_refused_by_a_model_that_reads_characters(engine):
    said = {"Nguyen": "W IH1 N", "Zuck": "扎克"}
    chunk = next(engine.inference_sft("Zuck，Nguyens。", "中文女", pronunciations=said))
    assert chunk["spoken"] == "扎克，Nguyens。"
    with pytest.raises(PronunciationError, match="Nguyen.*in words or in pinyin"):
        next(engine.inference_sft("你好。" * 200 + "Nguyen。", "中文女", pronunciations=said))


def test_sounds_in_the_text_itself_are_said_by_a_model_that_reads_characters(engine):
    chunk = next(engine.inference_sft("去<|py:chong2 qing4|>。", "中文女"))
    assert chunk["spoken"] == "去虫庆。"
    with pytest.raises(PronunciationError, match="in phonemes"):
        next(engine.inference_sft("你好。" * 200 + "<|ph:HH AH0 L OW1|>", "中文女"))


def test_a_text_of_figures_is_read_in_the_language_of_the_voice(engine, reference_wav, tmp_path):
    def first(chunks):
        return next(chunks)["spoken"]

    english, chinese = first(engine.inference_sft("42", "英文男")), "四十二。"
    assert english != first(engine.inference_sft("42", "中文女")) == chinese
    save_voice(engine.make_voice("How are you doing?", reference_wav), tmp_path / "voice.pt")
    saved = load_voice(tmp_path / "voice.pt", engine.model_family)
    assert saved["meta"]["language"] == "en"
    assert first(engine.inference_sft("42", "", voice=saved)) == english
    assert first(engine.inference_zero_shot("42", "", None, voice=saved)) == english
    without_meta = {name: value for name, value in saved.items() if name != "meta"}
    assert first(engine.inference_sft("42", "", voice=without_meta)) == chinese
    assert first(engine.inference_zero_shot("42", "How are you?", reference_wav)) == english
    assert first(engine.inference_zero_shot("42", "你好。", reference_wav)) == chinese
    assert first(engine.inference_sft("我有42个。", "英文男")) == "我有四十二个。"


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_an_engine_of_any_precision_speaks_whole_and_streamed(model_dir, precision):
    engine = CosyVoice(model_dir, precision=precision)
    whole, stream = (
        torch.cat([chunk["tts_speech"] for chunk in chunks], 1)
        for chunks in (
            engine.inference_sft("你好，今天天气很好。", "中文女", seed=0, stream=stream)
            for stream in (False, True)
        )
    )
    assert whole.isfinite().all() and whole.dtype == torch.float32
    assert whole.shape[1] > 22050 / 4 and stream.shape[1] > 22050 / 4


def test_the_precision_is_checked_before_anything_is_loaded(tmp_path):
    with pytest.raises(InputError, match="precision 'double' is not possible"):
        CosyVoice(tmp_path, precision="double")


def test_graphs_are_refused_where_there_is_no_gpu(tmp_path):
    with pytest.raises(InputError, match="cuda_graphs needs an NVIDIA GPU"):
        CosyVoice(tmp_path, cuda_graphs=True)


@pytest.mark.parametrize("options", [{"flow_steps": 65}, {"flow_steps": 0.5}, {"flow_guidance": 2}])
def test_an_impossible_number_of_steps_or_time_is_refused_by_name(tmp_path, options):
    with pytest.raises(InputError, match=f"{next(iter(options))} must be a"):
        CosyVoice(tmp_path, **options)
