"""The flow's last stage trains the mel of inference; flow and critic do not move each other."""

import math
import random
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cosyvoice.flow.length_regulator import mel_frames
from tests.support.tiny_networks import CPU, flow_batch, make_flow
from tools.mini.data.tokens import SOUNDS
from tools.mini.hearing.listener import Listener, SoundLoss
from tools.mini.training import straight_flow
from tools.mini.training.pack_model import shrink
from tools.mini.training.spread import LAYER, spread
from tools.mini.training.spread import main as spread_file
from tools.mini.training.straight_flow import (
    SCALES,
    StraightFlow,
    distances,
    heard_voices,
    lend,
    pieces,
    rows_to_lend,
    taken_for_others,
)

pytestmark = pytest.mark.laboratory


@pytest.fixture
def straight(monkeypatch):
    monkeypatch.setattr(straight_flow, "PIECE", 32)
    monkeypatch.setattr(straight_flow, "JUDGED", 1.0)
    flow = make_flow(inference_cfg_rate=0, inference_temperature=0)
    for parameter in flow.parameters():
        parameter.requires_grad_(True)
    return StraightFlow(flow)


def gradients(module):
    return {
        name: parameter.grad.clone()
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }


def test_what_is_trained_is_what_is_spoken(straight, monkeypatch):
    monkeypatch.setattr(random, "random", lambda: 0.0)  # no prompts
    batch = flow_batch()
    made = straight.speak(batch, CPU)
    mask, mu, speakers, prompts = straight.flow.conditions(batch, CPU)
    assert straight.flow.decoder.n_timesteps == straight_flow.STEPS
    spoken, _ = straight.flow.decoder(
        mu[:1], speakers[:1], prompts[:1], 0, 8, torch.zeros(1, 80, 0, 2)
    )
    assert torch.allclose(made[:1].transpose(1, 2), spoken, atol=1e-5)


def test_critic_and_flow_learn_from_one_loss_and_leave_each_other_alone(straight):
    batch = flow_batch()
    random.seed(0)
    losses = straight(batch, CPU)
    losses["loss"].backward()
    both = gradients(straight)
    straight.zero_grad()
    random.seed(0)
    made = straight.speak(batch, CPU).detach()
    cuts = pieces(batch["speech_feat_len"])
    error = straight.judge(
        *(torch.stack([x[cut] for cut in cuts]) for x in (batch["speech_feat"], made))
    )
    (straight_flow.CRITIC_WEIGHT * error).backward()
    alone = gradients(straight)
    assert set(alone) == {name for name in both if name.startswith("critic.")}
    assert all(torch.allclose(both[name], grad, atol=1e-6) for name, grad in alone.items())
    assert both["flow.input_embedding.weight"].abs().sum() > 0


def test_the_critic_pulls_the_flow_to_what_it_takes_for_true(straight):
    torch.manual_seed(0)
    real, made = torch.randn(3, 32, 80), torch.zeros(3, 32, 80, requires_grad=True)
    before = dict((name, loss) for name, _, loss in straight.persuade(real, made))
    sum(before.values()).backward()
    after = dict(
        (name, loss)
        for name, _, loss in straight.persuade(
            real, made - 1e-3 * made.grad / made.grad.abs().mean()
        )
    )
    assert set(before) == {"like", "fool"} and sum(after.values()) < sum(before.values())


def test_pieces_are_taken_of_rows_that_are_long_enough():
    random.seed(1)
    lengths = torch.tensor([straight_flow.PIECE - 1, straight_flow.PIECE, 400])
    for _ in range(50):
        cuts = dict(pieces(lengths))
        assert set(cuts) == {1, 2} and cuts[1].start == 0
        assert all(
            cut.stop - cut.start == straight_flow.PIECE and cut.stop <= lengths[row]
            for row, cut in cuts.items()
        )


def test_patches_hear_what_goes_on_and_not_what_comes_and_goes():
    torch.manual_seed(0)
    real, lengths, sizes = (
        torch.randn(2, 64, 80),
        torch.tensor([64, 40]),
        len(SCALES) + 1,
    )  # and the whole row
    made = real + 0.5
    made[1, 40:] = 99  # padding
    fine, coarse = distances(real, made, lengths)
    assert torch.allclose(fine, torch.tensor(0.5))
    assert torch.allclose(
        coarse, torch.tensor(0.5 * sizes), rtol=0.15
    )  # patches across the padding's edge count a part
    noise = real + 0.5 * torch.randn_like(real).sign()
    fine, coarse = distances(real, noise, torch.tensor([64, 64]))
    assert torch.allclose(fine, torch.tensor(0.5)) and coarse < 0.2 * sizes


def batch_to_lend():
    g, tokens = torch.Generator().manual_seed(0), torch.tensor([20, 12, 9, 30, 16, 14])
    frames = torch.tensor([mel_frames(int(n), 25) for n in tokens])
    vectors = torch.randn(6, 192, generator=g)
    vectors[5] = 0
    return {
        "speech_token": torch.randint(0, 50, (6, 30), generator=g),
        "speech_token_len": tokens,
        "embedding": vectors,
        "speech_feat": torch.randn(6, int(frames.max()), 80, generator=g),
        "speech_feat_len": frames,
    }


def test_rows_lend_their_voices_to_each_other(monkeypatch):
    monkeypatch.setattr(straight_flow, "LENT", 12)
    torch.manual_seed(0)
    batch = batch_to_lend()
    rows = rows_to_lend(batch)
    assert sorted(rows) == [0, 1, 3, 4]  # one is too short, one has no vector
    (lent, share), vectors = lend(batch, rows), F.normalize(batch["embedding"][:, :-1], dim=1)
    assert 0 < (share > 0).sum() < 4
    for i, token in enumerate(lent["speech_token"]):
        whole, one, other = (rows[(i + step) % 4] for step in range(3))
        assert any(
            torch.equal(token, batch["speech_token"][whole, start : start + 12])
            for start in range(19)
        )
        near = vectors[[whole, one, other]] @ lent["embedding"][i, :-1]
        assert near[0] < 0.5 and (near[1:].square().sum() > 0.8 if share[i] else near[1] > 0.999)
        assert lent["embedding"][i, -1].item() == pytest.approx(
            torch.lerp(*batch["embedding"][[one, other], -1], share[i]).item(), abs=1e-5
        )
    monkeypatch.setattr(straight_flow, "LENT", 16)
    assert not rows_to_lend(batch)


def test_other_voices_teach_the_flow_and_nobody_else(straight, monkeypatch):
    monkeypatch.setattr(straight_flow, "LENT", 12)
    monkeypatch.setattr(straight_flow, "HEARD", 2)
    encoder, batch = nn.Linear(80, 8), batch_to_lend()
    straight.voice_loss = SimpleNamespace(activations=lambda mel: [encoder(mel.mean(1))])
    straight.sound_loss = SoundLoss(Listener(), torch.randint(0, len(SOUNDS), (512, 2)))
    told = {
        name: weight * loss
        for name, weight, loss in straight.in_other_voices(batch, rows_to_lend(batch), CPU)
    }
    sum(told.values()).backward()
    assert set(told) == {"lent_voice", "lent_right", "lent_sound", "lent_fool"}
    assert len(straight.known_voices) == 4
    assert straight.flow.spk_embed_affine_layer.weight.grad.abs().sum() > 0
    assert (
        not any(name.startswith("critic.") for name in gradients(straight))
        and straight.sound_loss.listener.read.weight.grad is None
    )


def test_a_voice_is_heard_in_all_pieces_of_its_row_alike(monkeypatch):
    monkeypatch.setattr(straight_flow, "HEARD", 2)
    loud_and_soft = torch.tensor([[3.0, 0, 0], [0, 0.1, 0], [0, 0, 5], [0, 0, 2]])
    voices = heard_voices(SimpleNamespace(activations=lambda mels: [mels]), loud_and_soft)
    assert torch.allclose(voices, torch.tensor([[0.5**0.5, 0.5**0.5, 0], [0, 0, 1]]))


def test_voices_known_beforehand_are_told_from_until_later_ones_take_their_place(straight):
    vectors = torch.randn(straight_flow.REMEMBERED + 1, 8)
    known = StraightFlow(straight.flow, known_voices=vectors).known_voices
    assert torch.equal(torch.stack([*known]), vectors[1:])
    known.extend(vectors[:1])
    assert torch.equal(torch.stack([*known]), torch.cat([vectors[2:], vectors[:1]]))


def test_a_voice_is_taken_for_another_where_it_is_nearer_to_it():
    one, other = torch.eye(3)[:2]
    voice, halfway = one[None], F.normalize(one + other, dim=0)[None]
    right, doubtful, wrong = (
        taken_for_others(found, voice, torch.stack([one, other])).item()
        for found in (voice, halfway, other[None])
    )
    assert (
        right < 1e-6
        and doubtful == pytest.approx(math.log(2))
        and wrong == pytest.approx(straight_flow.SHARPNESS, rel=1e-6)
    )
    assert taken_for_others(other[None], voice, voice) == 0  # itself is no other


def test_a_spread_flow_hears_voices_further_from_the_mean_at_their_pitch():
    flow, mean, voices = (
        make_flow(),
        F.normalize(torch.randn(192), dim=0) / 2,
        F.normalize(torch.randn(3, 192)),
    )
    further = mean + 1.5 * (voices - mean)
    further[:, -1] = voices[:, -1]
    wanted = flow.spk_embed_affine_layer(further)
    flow.load_state_dict(spread(flow.state_dict(), mean, 1.5), strict=True)
    torch.testing.assert_close(flow.spk_embed_affine_layer(voices), wanted)
    assert LAYER in dict(flow.named_modules())


def test_the_spread_of_packed_weights_can_be_taken_out_again(tmp_path, monkeypatch):
    mean = F.normalize(torch.randn(192), dim=0) / 2
    monkeypatch.setattr("tools.mini.training.spread.mean_vector", lambda data_list: mean)
    weights = {f"{LAYER}.weight": torch.randn(80, 192), f"{LAYER}.bias": torch.randn(80)}
    torch.save(spread(weights, mean, 1.1), tmp_path / "spread.pt")
    shrink(tmp_path / "spread.pt", tmp_path / "packed.pt", int8=True)
    spread_file(
        [
            "--work",
            str(tmp_path),
            "--flow",
            str(tmp_path / "packed.pt"),
            "--out",
            str(tmp_path / "out.pt"),
            "--times",
            str(1 / 1.1),
        ]
    )
    torch.testing.assert_close(
        torch.load(tmp_path / "out.pt", weights_only=True), weights, rtol=0, atol=0.03
    )
