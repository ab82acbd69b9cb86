"""The small model's speech tokenizer: labels, augmentation, relative pitch, the ONNX file."""

import math

import numpy as np
import pytest
import torch

from cosyvoice.utils.audio import log_mel_spectrogram
from tools.mini.hearing.speech_tokenizer import (
    CONTENTS,
    LEVELS,
    SAMPLES_A_TOKEN,
    OfficialSignature,
    SpeechTokenizer,
    Trainer,
    Utterance,
    cut,
    export,
    f0_target,
    losses,
    make_batch,
    open_session,
    pitch_level,
    read_log_f0,
    scale_frequencies,
    tokenize,
)

pytestmark = pytest.mark.laboratory

SILENCE = 0
torch.set_num_threads(1)


@pytest.fixture
def utterance():
    """Fifty tokens; every sample's value is the number of its token, and so is its content."""
    content = np.arange(50)
    wav = np.repeat(content, SAMPLES_A_TOKEN).astype(np.int16)
    return Utterance(wav, content, np.full(50, 100.0, np.float32), content % 2 == 1, np.full(50, 3))


@pytest.mark.parametrize("seed", range(8))
def test_labels_stay_on_their_samples_at_any_pace(utterance, seed):
    wav, content, f0, voiced = cut(utterance, 20, SILENCE, np.random.default_rng(seed))
    middles = wav.reshape(20, SAMPLES_A_TOKEN)[:, SAMPLES_A_TOKEN // 2] * 32768
    assert np.abs(middles - content).max() <= 1
    assert (voiced == (content % 2 == 1)).all() and np.unique(f0).size == 1


def test_a_short_utterance_is_filled_with_silence(utterance):
    wav, content, _, voiced = cut(utterance, 80, SILENCE, np.random.default_rng(1))
    assert (
        (content[-15:] == SILENCE).all()
        and not voiced[-15:].any()
        and (wav[-15 * SAMPLES_A_TOKEN :] == 0).all()
    )


def test_f0_is_read_back_from_its_target():
    f0 = torch.tensor([61.0, 123.4, 250.0, 500.0])
    assert torch.allclose(read_log_f0(f0_target(f0).log()), f0.log(), atol=0.005)


def test_scaled_frequencies_are_those_of_a_higher_tone():
    """A tone of 1 kHz scaled by 1.1 has its peak where a tone of 1.1 kHz has it."""
    time = torch.arange(16000) / 16000
    low, high = (
        log_mel_spectrogram(torch.sin(2 * math.pi * hertz * time)[None])[0]
        for hertz in (1000, 1100)
    )
    before, found, wanted = (
        int(mel[:, 50].argmax()) for mel in (low, scale_frequencies(low, 1.1), high)
    )
    assert abs(found - wanted) <= 1 < wanted - before


def test_pitch_level_does_not_depend_on_the_speaker():
    melody = torch.tensor([[0.0, 0.1, -0.2, 0.3, 0.0]])
    voiced = torch.tensor([[1.0, 1.0, 1.0, 1.0, 0.0]])
    low, high = (pitch_level(math.log(base) + melody, voiced) for base in (100, 230))
    assert torch.equal(low, high) and low.unique().numel() > 2


def test_training_lowers_the_loss_and_resumes(utterance, tmp_path):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    trainer = Trainer(tmp_path / "tokenizer.pt", 1)
    batch = make_batch([utterance], 2, 24, SILENCE, rng)
    first = sum(trainer.train_step(batch).values())
    for _ in range(6):
        last = sum(trainer.train_step(batch).values())
    trainer.save()
    again = Trainer(tmp_path / "tokenizer.pt", 1)
    assert last < first and again.step == 7
    with torch.no_grad():
        assert losses(again.network.eval(), *batch) == losses(trainer.network.eval(), *batch)


def test_exported_file_is_the_network_and_small(tmp_path):
    torch.manual_seed(0)
    network = SpeechTokenizer().eval()
    export(network, tmp_path / "speech_tokenizer_v1.onnx")
    feats = torch.randn(1, 128, 163)
    found = tokenize(open_session(tmp_path / "speech_tokenizer_v1.onnx"), feats)
    with torch.no_grad():
        expected = OfficialSignature(network)(feats, torch.tensor([163])).numpy()
    assert (found // LEVELS == expected // LEVELS).mean() > 0.8  # int8 against float32, untrained
    assert found.shape == (1, 40) and found.dtype == np.int32
    assert 0 <= found.min() and found.max() < CONTENTS * LEVELS
    assert (tmp_path / "speech_tokenizer_v1.onnx").stat().st_size < 4e6
