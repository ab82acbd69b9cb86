"""The aids of the small model's training work, and the written weights do not have them."""

import random
import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from cosyvoice.hifigan.f0_predictor import ConvRNNF0Predictor
from cosyvoice.hifigan.hifigan import FINE
from cosyvoice.tokenizer.phoneme import END_OF_PROMPT_ID
from tests.support.tiny_networks import CPU, FRAMES, flow_batch, make_flow, make_llm
from tools.mini.data.tokens import CONTENTS, LEVELS, SOUNDS
from tools.mini.hearing.listener import SoundLoss
from tools.mini.hearing.voice_loss import (
    BankOfMels,
    VoiceLoss,
    bank_of_speech,
    filter_bank,
    to_encoder_rate,
)
from tools.mini.training.pitch import figures, finish
from tools.mini.training.straight_flow import StraightFlow
from tools.mini.training.train import (
    EDGES,
    FLOW_VOICE_WEIGHT,
    MANNER_WEIGHT,
    PIECE,
    POINTING_WEIGHT,
    USUAL_LEVEL,
    USUAL_PACE,
    VOICE_WEIGHT,
    GuidedFlow,
    Mishearing,
    TaughtLM,
    add_sound_losses,
    excite_by_true_pitch,
    known_voices,
    manner_of,
    next_phonemes,
    plain_weights,
    share,
    whiten,
)

pytestmark = pytest.mark.laboratory

PAIRS = torch.randint(0, len(SOUNDS), (CONTENTS, 2), generator=torch.Generator().manual_seed(0))


def shared_table(spread):
    table = nn.Linear(6, CONTENTS * LEVELS + 1)  # the language model's: every token, and the end
    before = table.weight.detach().clone()
    share(table, PAIRS, spread)
    return table, before


def test_a_token_is_the_sum_of_its_parts_and_of_itself():
    table, _ = shared_table(0.5)
    parts = table.parametrizations.weight[0]
    nn.init.normal_(table.parametrizations.weight.original)
    content, level = 77, 5
    first, second = PAIRS[content]
    expected = parts.first[first] + parts.second[second] + parts.pair[content] + parts.level[level]
    token = content * LEVELS + level
    assert torch.allclose(
        table.weight[token] - table.parametrizations.weight.original[token], expected, atol=1e-6
    )
    assert torch.equal(table.weight[-1], table.parametrizations.weight.original[-1])


def test_what_is_learned_of_one_token_moves_the_others_with_its_sound():
    table, _ = shared_table(0.5)
    table.weight[8].sum().backward()
    moved = table.parametrizations.weight[0].first.grad.abs().sum(1).nonzero().flatten()
    assert moved.tolist() == [PAIRS[1, 0].item()]


def test_trained_tables_go_on_from_what_they_were():
    table, before = shared_table(0.0)
    assert torch.equal(table.weight, before)


def test_weights_written_are_plain_and_training_goes_on():
    torch.manual_seed(0)
    network = nn.ModuleDict({"table": shared_table(0.5)[0], "other": weight_norm(nn.Linear(2, 2))})
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    written = plain_weights(network, ["table"])
    assert [name for name in written if name.startswith("table")] == ["table.bias", "table.weight"]
    plain = nn.ModuleDict(
        {"table": nn.Linear(6, CONTENTS * LEVELS + 1), "other": weight_norm(nn.Linear(2, 2))}
    )
    plain.load_state_dict(written, strict=True)
    x = torch.randn(3, 6)
    assert torch.equal(plain["table"](x), network["table"](x))
    network["table"](x).square().sum().backward()
    optimizer.step()
    assert not torch.equal(plain["table"](x), network["table"](x))


def test_whitened_speakers_differ_in_every_direction():
    generator = torch.Generator().manual_seed(1)
    vectors = torch.randn(500, 192, generator=generator) @ torch.diag(
        0.99 ** torch.arange(192.0)
    ) * 0.02 + torch.randn(192, generator=generator)
    layer = nn.Linear(192, 80)
    whiten(layer, vectors)
    with torch.no_grad():
        seen = layer(vectors)
    assert seen.mean(0).abs().max() < 1e-3 and 0.7 < seen.std(0).min() and seen.std(0).max() < 1.1


def test_the_guide_teaches_the_encoder_and_leaves_the_flow_loss_alone():
    flow, inputs = make_flow(), flow_batch()
    guided = GuidedFlow(flow)  # draws the times of the solver from here on
    random.seed(0), torch.manual_seed(0)
    plain = flow(inputs, CPU)["loss"]
    random.seed(0), torch.manual_seed(0)
    losses = guided(inputs, CPU)
    assert losses["loss_flow"].item() == pytest.approx(plain.item(), rel=1e-6)
    assert losses["loss"].item() == pytest.approx(
        plain.item() + losses["loss_guess"].item(), rel=1e-6
    )
    (losses["loss"] - plain).backward()
    assert (
        flow.input_embedding.weight.grad.abs().sum() > 0
        and not flow.length_regulator._forward_hooks
    )


def test_most_times_of_the_flow_are_early():
    flow = make_flow()
    GuidedFlow(flow)
    torch.manual_seed(0)
    times = flow.decoder.random_times(torch.zeros(4000, 80, 1))
    assert times.shape == (4000, 1, 1) and 0 <= times.min() and times.max() <= 1
    assert times.median().item() == pytest.approx(
        1 - 0.5**0.5, abs=0.02
    )  # as the solver's middle step


def test_attention_is_pulled_to_the_phoneme_that_comes_next():
    torch.manual_seed(0)
    llm = make_llm().train()
    inputs = {
        "text_token": torch.randint(0, 9, (2, 6)),
        "text_token_len": torch.tensor([6, 4]),
        "speech_token": torch.randint(0, 20, (2, 8)),
        "speech_token_len": torch.tensor([8, 5]),
        "text_position": torch.tensor([[0, 0, 1, 2, 2, 3, 4, 5], [0, 1, 2, 2, 3, 0, 0, 0]]),
        "embedding": torch.cat([torch.randn(1, 192), torch.zeros(1, 192)]),
    }
    row, query, key = next_phonemes(inputs)
    assert row.tolist() == [0] * 8 + [1] * 5
    assert (
        query.tolist() == [8, 9, 10, 11, 12, 13, 14, 15] + [5, 6, 7, 8, 9]
        and key.tolist()[:3] == [2, 2, 3]
        and key.tolist()[8:] == [1, 2, 3, 3, 4]
    )
    pointed = TaughtLM(llm, layers=[1])
    optimizer, before = torch.optim.Adam(llm.parameters(), 0.01), pointed(inputs, CPU)
    assert before["loss"].item() == pytest.approx(
        llm(inputs, CPU)["loss"].item()
        + POINTING_WEIGHT * before["loss_pointing"].item()
        + MANNER_WEIGHT * before["loss_manner"].item(),
        rel=1e-5,
    )
    for _ in range(60):
        optimizer.zero_grad()
        pointed(inputs, CPU)["loss"].backward()
        optimizer.step()
    assert pointed(inputs, CPU)["loss_pointing"] < 0.5 * before["loss_pointing"]


@pytest.mark.parametrize(
    "network, model",
    [
        ("llm", lambda: TaughtLM(make_llm())),
        ("flow", lambda: StraightFlow(make_flow())),
        ("hift", lambda: None),
    ],
)
def test_every_edge_that_adam_keeps_is_there(network, model, hift):
    names = [name for name, _ in (model() or hift).named_parameters()]
    assert all(any(name.startswith(edge) for name in names) for edge in EDGES[network])


def test_tokens_are_misread_as_they_were_heard_and_only_in_training():
    torch.manual_seed(0)
    asked = np.array([8, 9, 16, 17, 24])  # contents 1, 2 and 3; a level is the rest
    heard = np.array([8, 10, 24, 25, 24])  # 1 stays, once a level higher; 2 becomes 3; 3 stays
    mishearing, tokens = (
        Mishearing(asked, heard),
        torch.tensor([8, 19, 27, 40]).repeat(100)[None].repeat(50, 1),
    )
    read = mishearing.misheard(tokens)
    same, seen = read == tokens, read.view(50, 100, 4)
    assert 0.4 < same.float().mean() < 0.9 and (seen[..., 3] == 40).all()  # never heard: stays
    assert set((seen[..., 1] // 8).unique().tolist()) == {2, 3} and (seen[..., 0] // 8 == 1).all()
    share = (
        (seen[..., 1] // 8 == 3).float().mean(1)
    )  # in a row; half of the rows begin with a stretch of it
    assert (share < 0.2).float().mean() > 0.4 and share.max() > 0.7
    table = nn.Embedding(64, 4)
    table.register_forward_pre_hook(mishearing)
    assert table.eval()(tokens).equal(table.weight[tokens]) and not table.train()(tokens).equal(
        table.weight[tokens]
    )


def test_the_vocoder_learns_with_a_source_of_the_true_pitch(gan, batch):
    heard = []
    gan.generator.m_source.register_forward_hook(
        lambda module, given, result: heard.append(given[0])
    )
    gan(batch | {"turn": "reconstruct"}, CPU)
    excite_by_true_pitch(gan)
    losses = gan(batch | {"turn": "reconstruct"}, CPU)
    assert not heard[0].equal(torch.full((2, 256 * FRAMES), 175.0)) and heard[1].equal(
        torch.full((2, 256 * FRAMES), 175.0)
    )
    losses["loss_f0"].backward()
    assert gan.generator.f0_predictor.classifier.weight.grad.abs().sum() > 0


class Ear(nn.Module):
    """A stand-in for CAM++ with modules of its names."""

    def __init__(self):
        super().__init__()
        self.head, self.xvector = (
            nn.Linear(80, 4),
            nn.ModuleDict(
                {
                    name: nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
                    for name in ("block1", "block2", "block3")
                }
            ),
        )
        self.xvector["dense"] = nn.Linear(4, 4)

    def forward(self, x):
        x = self.head(x)
        for layer in self.xvector.values():
            x = layer(x)


def test_the_vocoder_is_told_how_unlike_the_voice_is_and_its_tries_are_held_apart(gan, batch):
    batch = {
        name: value.repeat(1, 2 * FINE[0] // 256 // FRAMES, *[1] * (value.dim() - 2))
        for name, value in batch.items()
    }
    torch.manual_seed(0)
    voice_loss = VoiceLoss(Ear(), bank_of_speech)
    torch.manual_seed(0)
    plain = gan(batch | {"turn": "reconstruct"}, CPU)
    add_sound_losses(gan, voice_loss)
    torch.manual_seed(0)
    told = gan(batch | {"turn": "reconstruct"}, CPU)
    assert abs(voice_loss(batch["speech"], batch["speech"])) < 1e-6 < told["loss_voice"]
    added = VOICE_WEIGHT * told["loss_voice"] + told["loss_fine"] - told["loss_twin"]
    assert told["loss"].item() == pytest.approx((plain["loss"] + added).item(), rel=1e-4)
    assert told["loss_twin"] > 0 == gan.distance(batch["speech"], batch["speech"])
    added.backward()
    assert all(p.grad is not None for p in gan.generator.conv_post.parameters())
    assert "loss_voice" not in gan(batch | {"turn": "discriminator"}, CPU)


def test_the_voice_loss_hears_what_the_speaker_encoder_is_given():
    pytest.importorskip("kaldi_native_fbank")
    from cosyvoice.utils.audio import kaldi_fbank

    wav = 0.1 * torch.randn(1, 441 * 40, generator=torch.Generator().manual_seed(0)).cumsum(1).sin()
    at_16k = to_encoder_rate(wav)
    expected = kaldi_fbank(at_16k)
    torch.testing.assert_close(filter_bank(at_16k)[0], expected, atol=2e-3, rtol=0)


def test_a_tone_is_the_same_tone_at_the_encoder_rate():
    wav = torch.sin(2 * torch.pi * 500 * torch.arange(22050) / 22050)[None]
    torch.testing.assert_close(
        to_encoder_rate(wav),
        torch.sin(2 * torch.pi * 500 * torch.arange(16000) / 16000)[None],
        atol=1e-3,
        rtol=0,
    )


def test_manner_is_pace_and_pitch_of_what_follows_the_instruction():
    inputs = {
        "text_token": torch.tensor([[5, 6, END_OF_PROMPT_ID, 7, 8], [5, 6, 7, 8, 0]]),
        "text_token_len": torch.tensor([5, 4]),
        "speech_token": torch.tensor([[3, 3, 4, 4], [7, 7, 7, 7]]),
        "speech_token_len": torch.tensor([4, 4]),
    }
    pace, level = (
        manner_of(inputs) * torch.tensor([USUAL_PACE[1], USUAL_LEVEL[1]])
        + torch.tensor([USUAL_PACE[0], USUAL_LEVEL[0]])
    ).T
    assert torch.allclose(pace.exp(), torch.tensor([2.0, 1.0])) and torch.allclose(
        level, torch.tensor([3.5, 7.0])
    )


def mel_of(bank):
    """In place of a mel: the filter bank's bins in another order and scale, at 22,050 / 256 Hz."""
    frames = int(bank.shape[1] * 160 / 16000 * 22050 / 256) - 2
    place = (torch.arange(frames) + 0.5) * 256 / 22050 * 100 - 1.25
    before = place.clamp(0, bank.shape[1] - 2).long()
    return (
        0.5
        * torch.lerp(
            bank[:, before], bank[:, before + 1], (place - before).clamp(0, 1)[:, None]
        ).flip(2)
        - 3
    )


def test_a_mel_is_heard_as_the_filter_bank_it_comes_from():
    generator = torch.Generator().manual_seed(0)
    banks = [torch.randn(1, 200, 80, generator=generator).cumsum(1) for _ in range(4)]
    learned = BankOfMels([mel_of(bank) for bank in banks[:3]], banks[:3])
    heard = learned(mel_of(banks[3]))
    expected = banks[3][:, : heard.shape[1]]
    assert abs(heard.shape[1] - 200) < 6
    assert (heard - expected).square().mean() < 0.02 * expected.var()


def test_what_tells_bins_apart_is_heard_beneath_what_they_share():
    generator = torch.Generator().manual_seed(0)
    time, rates = torch.arange(20_000)[:, None] / 100, 0.5 + torch.rand(80, generator=generator)
    shared, own = 5 * torch.sin(time), 0.01 * torch.sin(rates * time)
    bank = (shared + own)[None]
    heard = BankOfMels([mel_of(bank)], [bank])(mel_of(bank))
    error = heard - bank[:, : heard.shape[1]]
    assert error[:, 100:-100].square().mean() < 0.05 * own.var()


def test_the_flow_is_heard_where_it_is_going_in_rows_that_know_their_speaker():
    generator = torch.Generator().manual_seed(0)
    mel, noisy = (torch.randn(3, PIECE + 20, 80, generator=generator) for _ in range(2))
    t, speakers = torch.tensor([0.0, 0.5, 0.9]), torch.tensor([[1.0], [0.0], [1.0]]).expand(3, 80)
    right = ((mel - noisy) / (1 - t)[:, None, None]).transpose(1, 2)
    network = GuidedFlow(make_flow())

    def heard(*lengths):
        return network.pieces(
            mel,
            torch.tensor(lengths),
            (noisy.transpose(1, 2), None, None, t, speakers, None),
            right,
        )

    true, aim = heard(PIECE + 20, PIECE + 20, PIECE)
    assert len(true) == 2 and true[1].equal(mel[2, :PIECE])
    torch.testing.assert_close(aim, true, atol=1e-4, rtol=0)
    assert heard(PIECE - 1, PIECE, PIECE - 1) is None


def test_the_flow_learns_from_what_the_speaker_encoder_hears():
    torch.manual_seed(0)
    flow, inputs = make_flow(), flow_batch()
    long = torch.full((2,), PIECE)
    inputs |= {"speech_feat": torch.randn(2, PIECE, 80), "speech_feat_len": long}
    flow.decoder.training_cfg_rate = 0
    losses = GuidedFlow(flow, VoiceLoss(Ear(), lambda mel: mel))(inputs, CPU)
    voice = losses["loss"] - losses["loss_flow"] - losses["loss_guess"]
    assert voice.item() == pytest.approx(FLOW_VOICE_WEIGHT * losses["loss_voice"].item(), rel=1e-4)
    assert "loss_voice" not in GuidedFlow(make_flow())(inputs, CPU)


@pytest.mark.slow
def test_the_pitch_predictor_learns_pitch_and_voicing_by_itself():
    torch.manual_seed(0)
    predictor, rows = ConvRNNF0Predictor(1, 80, 16), []
    for hertz in (90, 120, 160, 210, 280) * 4:
        pitch = torch.full((200,), float(hertz))
        pitch[:100] = 0
        mel = torch.full((200, 80), -8.0)
        mel[100:, hertz // 10 :] = 0.0  # the higher the voice, the fewer its bands
        rows.append((mel, pitch))
    before = figures(predictor, rows, 45)
    finish(predictor, list(rows), 300, 3e-3, 0)
    after = figures(predictor, rows, 45)
    assert after["voicing"] > 0.97 > before["voicing"] and after["close"] > 0.9


@pytest.mark.parametrize(
    "needs, stage",
    [
        (Mishearing.of, "hearing.speech_tokenizer hear"),
        (SoundLoss.of, "hearing.listener"),
        (known_voices, "training.voices"),
    ],
)
def test_a_stage_that_lacks_the_file_of_another_names_its_command(tmp_path, needs, stage):
    command = re.escape(f"python -m tools.mini.{stage} --work {tmp_path}")
    with pytest.raises(FileNotFoundError, match=f"not found: make it with {command}$"):
        needs(tmp_path)
