import json
import logging
import random

import pytest
import torch

from cosyvoice.llm.llm import Qwen2Encoder
from cosyvoice.llm.qwen2 import Qwen2Config
from tests.support.tiny_qwen import CONFIG, MODELS, SPEECH_TOKENS, make_lm, write_config

END = {"v2": SPEECH_TOKENS, "v3": SPEECH_TOKENS + 1}
FILL = {"v2": SPEECH_TOKENS + 2, "v3": SPEECH_TOKENS + 3}


@pytest.fixture(params=MODELS)
def version(request):
    return request.param


@pytest.fixture
def lm(tmp_path, version):
    return make_lm(tmp_path, version)


def ids(size, high, seed):
    return torch.randint(0, high, (1, size), generator=torch.Generator().manual_seed(seed))


def request(text=6, prompt_text=4, prompt_speech=7, **changes):
    values = {
        "text": ids(text, 256, 1),
        "prompt_text": ids(prompt_text, 256, 2),
        "prompt_speech_token": ids(prompt_speech, SPEECH_TOKENS, 3),
    }
    lengths = {f"{name}_len": torch.tensor([v.shape[1]]) for name, v in values.items()}
    return {**values, **lengths, **changes}


def speak(model, seed=0, **changes):
    return list(
        model.inference(**request(**changes), generator=torch.Generator().manual_seed(seed))
    )


def script(model, monkeypatch, tokens):
    """Let the model say these tokens; returns the list its scores are collected in."""
    scores, tokens = [], iter(tokens)
    monkeypatch.setattr(
        model, "sampling", lambda s, *_, **__: scores.append(s.clone()) or next(tokens)
    )
    return scores


def in_turns(model, text, **changes):
    """inference_bistream with a text that comes in these pieces of ids."""
    values = request(**changes)
    values.pop("text"), values.pop("text_len")
    return model.inference_bistream(text=text, **values)


def batch_of(text, speech, instruction):
    values = {"text_token": text, "speech_token": speech, "instruct_token": instruction}
    return values | {f"{name}_len": torch.tensor([v.shape[1]]) for name, v in values.items()}


def test_step_by_step_states_equal_those_of_the_whole_sequence(tmp_path):
    encoder = Qwen2Encoder(str(write_config(tmp_path))).eval()
    x = torch.randn(1, 9, 16, generator=torch.Generator().manual_seed(1))
    whole, _ = encoder(x, torch.tensor([9]))
    cache = encoder.new_cache()
    parts = [encoder.step(part, cache) for part in x.split([4, 1, 3, 1], dim=1)]
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5)


def test_padding_changes_nothing(tmp_path):
    encoder = Qwen2Encoder(str(write_config(tmp_path))).eval()
    x = torch.randn(2, 9, 16, generator=torch.Generator().manual_seed(1))
    y, mask = encoder(x, torch.tensor([9, 5]))
    alone, _ = encoder(x[1:, :5], torch.tensor([5]))
    assert torch.allclose(y[1:, :5], alone, atol=1e-5)
    assert mask[1, 0].tolist() == [True] * 5 + [False] * 4


def test_scores_step_by_step_equal_the_training_loss(lm, version, monkeypatch):
    tokens = [3, 19, 7, END[version]]
    scores = script(lm, monkeypatch, tokens)
    spoken = speak(lm, prompt_speech=0, min_token_text_ratio=0)
    monkeypatch.setattr(random, "random", lambda: 1.0)
    asked = request(prompt_speech=0)
    result = lm(
        batch_of(
            torch.cat([asked["prompt_text"], asked["text"]], 1)
            if version == "v2"
            else asked["text"],
            torch.tensor([tokens[:-1]]),
            asked["prompt_text"],
        ),
        "cpu",
    )
    expected = -sum(s[token] for s, token in zip(scores, tokens)) / len(tokens)
    assert spoken == tokens[:-1]
    assert torch.allclose(result["loss"], expected, atol=1e-5)


def test_turns_in_inference_are_those_of_training(lm, version, monkeypatch):
    said, text = [n % SPEECH_TOKENS for n in range(23)], ids(7, 256, 1)
    script(lm, monkeypatch, [*said, END[version]])
    scores, draw = [], lm._scores
    monkeypatch.setattr(lm, "_scores", lambda *a: scores.append(draw(*a)) or scores[-1])
    spoken = list(in_turns(lm, [text[:, :4], text[:, 4:]], prompt_text=0, prompt_speech=0))
    monkeypatch.setattr(random, "random", lambda: 0.0)
    result = lm(batch_of(text, torch.tensor([said]), text[:, :0]), "cpu")
    targets = [*said[:15], FILL[version], *said[15:], END[version]]
    expected = -sum(s[target] for s, target in zip(scores, targets)) / len(targets)
    assert spoken == said
    assert torch.allclose(result["loss"], expected, atol=1e-5)


def test_turns_begin_after_the_instruction_and_go_on_with_the_reference(lm, monkeypatch):
    """[start, instruction, 5 of text, 15 of the reference, 5 of text, its rest], then speech."""
    read, step = [], lm.llm.step
    monkeypatch.setattr(lm.llm, "step", lambda x, cache: read.append(x[0]) or step(x, cache))
    script(lm, monkeypatch, [1, 2])
    asked = request(prompt_text=9, prompt_speech=18)
    speech = in_turns(
        lm, iter([ids(6, 256, 1)]), prompt_text=9, prompt_speech=18, instruction_len=2
    )
    assert [next(speech), next(speech)] == [1, 2]
    words = torch.cat([asked["prompt_text"][0], ids(6, 256, 1)[0]])
    start, _ = lm._marks()
    reference = lm.speech_embedding(asked["prompt_speech_token"][0])
    expected = [start, *(lm.text_embedding(w) for w in (words[:2], words[2:7]))]
    expected += [reference[:15], lm.text_embedding(words[7:12]), reference[15:]]
    assert torch.equal(read[0], torch.cat(expected))


def test_a_reference_that_the_text_did_not_reach_is_read_before_the_rest(lm, monkeypatch):
    read, step = [], lm.llm.step
    monkeypatch.setattr(lm.llm, "step", lambda x, cache: read.append(x[0]) or step(x, cache))
    script(lm, monkeypatch, [1])
    asked = request(prompt_text=0, prompt_speech=20)
    next(in_turns(lm, iter([ids(3, 256, 1)]), prompt_text=0, prompt_speech=20))
    start, task = lm._marks()
    expected = [start, lm.text_embedding(ids(3, 256, 1)[0]), task]
    expected += [lm.speech_embedding(asked["prompt_speech_token"][0])]
    assert torch.equal(read[0], torch.cat(expected))


def test_only_the_fill_token_ends_a_turn(lm, version, monkeypatch):
    scores = script(lm, monkeypatch, [1, FILL[version], 2])
    speech = in_turns(lm, [ids(10, 256, 1)], prompt_text=0, prompt_speech=0)
    assert [next(speech), next(speech)] == [1, 2]
    ruled_out = scores[0].isinf().nonzero().flatten().tolist()
    assert ruled_out == [i for i in lm._no_speech() if i != FILL[version]]


def test_speech_has_its_shortest_length(lm, version, monkeypatch):
    scores = script(lm, monkeypatch, [3] * 12 + [END[version]])
    assert speak(lm, text=6) == [3] * 12
    assert [bool(s[END[version]].isinf()) for s in scores] == [True] * 12 + [False]


def test_speech_that_does_not_end_is_cut_and_logged(lm, monkeypatch, caplog):
    script(lm, monkeypatch, iter(lambda: 3, None))
    with caplog.at_level(logging.WARNING):
        assert len(speak(lm, text=6)) == 20 * 6
    assert "did not end" in caplog.text


def test_upstreams_fault_in_the_shortest_length_can_be_repeated(tmp_path, monkeypatch):
    lm = make_lm(tmp_path, "v3")
    script(lm, monkeypatch, [3, END["v3"]])
    lm.like_upstream = True
    assert speak(lm) == [3]
    ruled_out = script(lm, monkeypatch, [END["v3"]])
    speak(lm)
    assert ruled_out[0].isinf().nonzero().tolist() == [[SPEECH_TOKENS]]


def test_the_same_seed_speaks_the_same(tmp_path):
    lm, state = make_lm(tmp_path, "v2"), torch.get_rng_state()
    assert speak(lm, seed=3) == speak(lm, seed=3) != speak(lm, seed=4)
    assert torch.equal(torch.get_rng_state(), state)


def test_checkpoints_hold_the_text_table_twice_and_load_with_or_without(lm, tmp_path):
    weights = lm.state_dict()
    head, table = "llm.model.lm_head.weight", "llm.model.model.embed_tokens.weight"
    assert weights[head].data_ptr() == weights[table].data_ptr()
    lm.load_state_dict(dict(weights), strict=True)
    lm.load_state_dict({name: w for name, w in weights.items() if name != head}, strict=True)
    with pytest.raises(RuntimeError, match="embed_tokens"):
        lm.load_state_dict({name: w for name, w in weights.items() if name != table}, strict=True)


def test_training_needs_the_instruction_in_fun_cosyvoice3_only(tmp_path):
    batch = batch_of(ids(4, 256, 1), ids(9, SPEECH_TOKENS, 2), ids(2, 256, 3))
    del batch["instruct_token"]
    assert make_lm(tmp_path, "v2")(batch, "cpu")["loss"].isfinite()
    with pytest.raises(ValueError, match="instruct"):
        make_lm(tmp_path, "v3")(batch, "cpu")


def test_sizes_come_from_the_config_and_what_is_not_supported_is_refused(tmp_path):
    assert Qwen2Config.read(write_config(tmp_path)).head_size == 4
    for name, value in [("hidden_act", "gelu"), ("use_sliding_window", True), ("rope_scaling", {})]:
        with pytest.raises(ValueError, match=name):
            Qwen2Config.read(write_config(tmp_path, **{name: value}))
    for text in (json.dumps({k: v for k, v in CONFIG.items() if k != "rope_theta"}), "[]", "{"):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(RuntimeError, match=r"config\.json is damaged"):
            Qwen2Config.read(tmp_path)
