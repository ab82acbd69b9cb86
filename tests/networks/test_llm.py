import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from cosyvoice.llm.loss import next_token_loss
from cosyvoice.utils.common import ras_sampling
from tests.support.tiny_networks import END, make_llm


def make_batch(seed=1):
    g = torch.Generator().manual_seed(seed)
    return {
        "text_token": torch.randint(0, 30, (3, 6), generator=g),
        "text_token_len": torch.tensor([6, 2, 4]),
        "speech_token": torch.randint(0, END, (3, 15), generator=g),
        "speech_token_len": torch.tensor([9, 15, 5], dtype=torch.int32),
        "embedding": torch.randn(3, 192, generator=g),
    }


def rows(batch, *indices):
    return {key: value[list(indices)] for key, value in batch.items()}


def request(**changes):
    batch = make_batch()
    return {
        "text": batch["text_token"][:1],
        "text_len": torch.tensor([6]),
        "prompt_text": batch["text_token"][2:, :4],
        "prompt_text_len": torch.tensor([4]),
        "prompt_speech_token": batch["speech_token"][:1, :7],
        "prompt_speech_token_len": torch.tensor([7]),
        "embedding": batch["embedding"][:1],
        **changes,
    }


def speak(model, seed=0, **changes):
    return list(
        model.inference(**request(**changes), generator=torch.Generator().manual_seed(seed))
    )


def spy_on(model, monkeypatch, replay):
    """Let the model say the tokens `replay`; returns the list its scores are collected in."""
    scores, script = [], iter(replay)
    monkeypatch.setattr(
        model, "sampling", lambda s, *_, **__: scores.append(s.clone()) or next(script)
    )
    return scores


def test_step_by_step_scores_equal_the_training_loss(monkeypatch):
    model, batch = make_llm(), rows(make_batch(), 0)
    tokens = batch["speech_token"][0, :9].tolist() + [END]
    scores = spy_on(model, monkeypatch, tokens)
    empty = torch.zeros(1, 0, dtype=torch.int32)
    none = torch.tensor([0])
    spoken = speak(
        model,
        text=batch["text_token"],
        prompt_text=empty,
        prompt_text_len=none,
        prompt_speech_token=empty,
        prompt_speech_token_len=none,
        min_token_text_ratio=0,
    )
    expected = -sum(s[token] for s, token in zip(scores, tokens)) / len(tokens)
    guessed = sum(s.argmax() == token for s, token in zip(scores, tokens)) / len(tokens)
    result = model(batch, "cpu")
    assert spoken == tokens[:-1]
    assert torch.allclose(result["loss"], expected, atol=1e-5) and torch.allclose(
        result["acc"], guessed
    )


def test_batch_loss_is_the_mean_over_all_tokens_of_all_rows():
    model, batch = make_llm(), make_batch()
    alone = [model(rows(batch, i), "cpu") for i in range(3)]
    counts = torch.tensor([10.0, 16, 6])
    for key in ("loss", "acc"):
        assert torch.allclose(
            model(batch, "cpu")[key], torch.stack([r[key] for r in alone]) @ counts / 32, atol=1e-5
        )
    per_row = make_llm(length_normalized_loss=False)(batch, "cpu")["loss"]
    assert torch.allclose(per_row, model(batch, "cpu")["loss"] * 32 / 3, atol=1e-4)


def test_smoothed_loss_is_the_divergence_from_the_smoothed_target():
    logits, target = torch.randn(7, END + 1), torch.randint(0, END + 1, (7,))
    smoothed = torch.full((7, END + 1), 0.1 / END).scatter(1, target[:, None], 0.9)
    expected = torch.nn.functional.kl_div(logits.log_softmax(1), smoothed, reduction="sum") / 7
    assert torch.allclose(
        next_token_loss(logits, target, 1, 0.1, True)["loss"], expected, atol=1e-5
    )


def test_row_of_zeros_is_a_row_without_speaker(monkeypatch):
    model, batch = make_llm(), make_batch()
    batch["embedding"][1] = 0
    with torch.no_grad():
        for parameter in model.spk_embed_affine_layer.parameters():
            parameter.copy_(torch.randn_like(parameter))
    without = model(rows(batch, 1), "cpu")["loss"]
    others = model(rows(batch, 0, 2), "cpu")["loss"]
    assert torch.allclose(model(batch, "cpu")["loss"], (without * 16 + others * 16) / 32, atol=1e-5)
    tokens = batch["speech_token"][1].tolist() + [END]
    scores = spy_on(model, monkeypatch, tokens)
    empty, none = torch.zeros(1, 0, dtype=torch.int32), torch.tensor([0])
    speak(
        model,
        text=batch["text_token"][1:2, :2],
        text_len=torch.tensor([2]),
        prompt_text=empty,
        prompt_text_len=none,
        prompt_speech_token=empty,
        prompt_speech_token_len=none,
        embedding=torch.zeros(0, 192),
        min_token_text_ratio=0,
    )
    assert torch.allclose(without, -sum(s[t] for s, t in zip(scores, tokens)) / 16, atol=1e-5)


def test_speaker_counts_by_its_direction_alone():
    model, batch = make_llm(), make_batch()
    louder = {**batch, "embedding": batch["embedding"] * 7}
    assert torch.allclose(model(batch, "cpu")["loss"], model(louder, "cpu")["loss"], atol=1e-6)
    assert speak(model) == speak(model, embedding=request()["embedding"] * 7)


def test_training_learns_a_toy_batch():
    model, batch = make_llm().train(), make_batch()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        result = model(batch, "cpu")
        result["loss"].backward()
        optimizer.step()
        losses.append(result["loss"].item())
    assert losses[-1] < losses[0] / 10 and result["acc"] == 1
    assert all(p.grad is not None for p in model.parameters())


def test_training_under_bfloat16_autocast_is_near_float32():
    model, batch = make_llm(), make_batch()
    exact = model(batch, "cpu")["loss"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model(batch, "cpu")["loss"]
    loss.backward()
    assert loss.dtype == torch.float32 and torch.allclose(loss, exact, rtol=0.02)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_same_seed_says_the_same_also_beside_another_request():
    model = make_llm()
    alone = [speak(model, seed=seed) for seed in (1, 2)]
    torch.manual_seed(5)
    streams = [
        model.inference(**request(), generator=torch.Generator().manual_seed(seed))
        for seed in (1, 2)
    ]
    together = [[], []]
    for _ in range(130):
        for tokens, stream in zip(together, streams):
            tokens += [token for token in [next(stream, None)] if token is not None]
    assert together == alone and alone[0] != alone[1]


def test_same_seed_says_the_same_also_in_threads():
    alone = [speak(make_llm(), seed=seed) for seed in range(4)]
    model = make_llm()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda seed: speak(model, seed=seed), range(4))) == alone


def test_without_a_generator_the_global_one_decides():
    model = make_llm()
    torch.manual_seed(3)
    first = list(model.inference(**request()))
    torch.manual_seed(3)
    assert first == list(model.inference(**request()))


def test_speech_that_does_not_end_is_cut_with_a_warning(monkeypatch, caplog):
    model = make_llm()
    spy_on(model, monkeypatch, [3] * 12)
    with caplog.at_level(logging.WARNING):
        assert speak(model, max_token_text_ratio=2, uuid="r-17") == [3] * 12
    assert "12 tokens" in caplog.text and "r-17" in caplog.text


def test_end_cannot_come_before_the_shortest_length():
    model = make_llm()
    with torch.no_grad():
        model.llm_decoder.bias[END] = 1e4
    assert len(speak(model, min_token_text_ratio=2)) == 12
    assert speak(model, min_token_text_ratio=0) == []


@pytest.mark.parametrize("embedding", [torch.ones(1, 192), torch.zeros(0, 192)])
def test_inference_changes_nothing_it_is_given(embedding):
    model, given = make_llm(), request(embedding=embedding)
    before = {key: value.clone() for key, value in given.items()}
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    assert list(model.inference(**given))
    assert all(torch.equal(given[key], before[key]) for key in given)
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())


def test_sampling_is_repetition_aware_unless_the_yaml_says_otherwise():
    assert make_llm().sampling is ras_sampling


def test_state_dict_has_the_checkpoint_names():
    prefixes = {name.split(".")[0] for name in make_llm().state_dict()}
    assert prefixes == {
        "text_embedding",
        "text_encoder",
        "text_encoder_affine_layer",
        "llm_embedding",
        "llm",
        "llm_decoder",
        "speech_embedding",
        "spk_embed_affine_layer",
    }
