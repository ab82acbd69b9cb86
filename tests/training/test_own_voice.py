"""Training on one's own recordings, from a folder to a model that speaks, for each family."""

import errno
import json
import os
import random
import shutil
import signal
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cosyvoice.cli import train as command
from cosyvoice.cli.cosyvoice import AutoModel
from cosyvoice.cli.model_list import EMBEDDED, PRETRAINED
from cosyvoice.training import checkpoint, own_voice
from cosyvoice.training.own_voice import VoiceTrainer
from cosyvoice.training.prepare import split
from cosyvoice.training.recordings import Checked
from cosyvoice.training.source import Source
from cosyvoice.utils.errors import InputError
from tests.support.recordings import write_recordings
from tests.support.tiny_model import build
from tests.support.tiny_model_qwen import build as build_qwen


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_recordings(tmp_path_factory.mktemp("sound") / "me", seconds=2.6)


def options(recordings, model, **changes):
    result = dict.fromkeys(("speaker", "only", "lr", "batch", "work", "out"))
    result |= {"recordings": recordings, "model": str(model), "check": False}
    return Namespace(**{**result, "epochs": 1, "device": "cpu", **changes})


@pytest.fixture
def arguments(recordings, tmp_path):
    """A function that gives the arguments of one command for a model directory."""
    out = tmp_path / "out" / "me"
    return lambda model, **changes: options(recordings, model, **{"out": out, **changes})


def families(tmp_path):
    return {
        "300M": lambda: build(tmp_path / "CosyVoice-300M", 50),
        "25Hz": lambda: build(tmp_path / "CosyVoice-300M-25Hz", 25),
        "2": lambda: build_qwen(tmp_path / "CosyVoice2-0.5B", 2),
        "3": lambda: build_qwen(tmp_path / "Fun-CosyVoice3-0.5B", 3),
        "mini": lambda: PRETRAINED / EMBEDDED.name,
    }


@pytest.mark.slow
@pytest.mark.parametrize("family", ["300M", "25Hz", "2", "3"])
def test_every_family_learns_and_speaks_with_the_new_voice(family, arguments, tmp_path):
    source = families(tmp_path)[family]()
    before = {path.name: path.read_bytes() for path in source.iterdir() if path.is_file()}
    given = arguments(source, only=command.NETWORKS)
    command.train(given)
    model = AutoModel(given.out, precision="float32")
    assert "me" in model.list_available_spks()
    sound = next(model.inference_sft("你好。", "me", seed=1))["tts_speech"]
    assert sound.shape[1] > 1000 and sound.isfinite().all()
    for network in command.NETWORKS:
        old, new = (torch.load(folder / f"{network}.pt") for folder in (source, given.out))
        assert old.keys() == new.keys()
        names = own_voice.DEFAULTS[network].frozen
        frozen = [name for name in old if name.startswith(names)]
        assert bool(frozen) == bool(names)
        assert all(torch.equal(old[name], new[name]) for name in frozen)
        history = json.loads((given.out / "training.json").read_text("utf-8"))
        losses = history["validation_loss"][network]
        changed = any(not torch.equal(old[name], new[name]) for name in old)
        assert changed == (losses["best"] < losses["first"])
    assert before == {path.name: path.read_bytes() for path in source.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def prepared(model_dir, recordings, tmp_path_factory):
    """(model, working folder) of a training that was stopped before its first step."""
    folder = tmp_path_factory.mktemp("prepared")
    model = shutil.copytree(model_dir, folder / "model")
    (model / "README.md").write_text("card", encoding="utf-8")
    (model / "flow.decoder.estimator.fp32.onnx").write_bytes(b"of before")
    given = options(recordings, model, work=folder / "work", out=folder / "me")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command.Training, "train", interrupt)
        with pytest.raises(KeyboardInterrupt):
            command.train(given)
    return model, folder / "work"


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.fixture
def tiny(prepared, tmp_path):
    """The tiny model, for which the recordings are prepared in the test's working folder."""
    model, work = prepared
    shutil.copytree(work, tmp_path / "out" / "me.training")
    return model


def stop_at(monkeypatch, step):
    """Let a training get the signal of Ctrl-C once it has done so many steps."""
    update = VoiceTrainer.update

    def stopping(trainer, batches):
        if trainer.step + 1 == step:
            os.kill(os.getpid(), signal.SIGINT)
        return update(trainer, batches)

    monkeypatch.setattr(VoiceTrainer, "update", stopping)


@pytest.fixture
def small_batches(monkeypatch):
    """Several steps in an epoch."""
    few = own_voice.Defaults(1e-3, 2, 1200, ("input_embedding.",), log_interval=1)
    monkeypatch.setitem(own_voice.DEFAULTS, "flow", few)
    monkeypatch.setitem(own_voice.DEFAULTS, "hift", replace(few, max_frames=400, frozen=()))


@pytest.mark.slow
@pytest.mark.parametrize("network", ["flow", "hift"])
def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(
    network, arguments, tiny, small_batches, monkeypatch, tmp_path
):
    whole = arguments(tiny, only=[network], epochs=None)
    parts = arguments(tiny, only=[network], epochs=None, out=tmp_path / "parts" / "me")
    shutil.copytree(tmp_path / "out" / "me.training", tmp_path / "parts" / "me.training")
    command.train(whole)
    with monkeypatch.context() as patch:
        stop_at(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            command.train(parts)
    assert (parts.work / network / "last.pt").exists() and not parts.out.exists()
    command.train(parts)
    assert log(whole, network) == log(parts, network) and len(log(whole, network)) > 6


def log(arguments, network):
    """The entries of a training's log without its times."""
    lines = (arguments.work / network / "log.jsonl").read_text("utf-8").splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if "seconds" not in name}
        for line in lines
    ]


def test_what_was_prepared_is_not_made_again(arguments, tiny, monkeypatch):
    for name in ("cosyvoice.training.recordings.check", "cosyvoice.training.prepare.row"):
        monkeypatch.setattr(name, lambda *_: pytest.fail("made again"))
    given = arguments(tiny, only=["llm"])
    command.train(given)
    assert given.out.is_dir()


def test_a_full_disk_is_told_and_the_same_command_goes_on(arguments, tiny, monkeypatch):
    given = arguments(tiny, only=["llm"])

    def full(value, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write", full)
        with pytest.raises(InputError, match="is full.*磁盘已满"):
            command.train(given)
    assert not given.out.exists()
    command.train(given)
    assert given.out.is_dir()


def test_too_little_room_is_told_before_anything_is_made(arguments, tiny, monkeypatch, tmp_path):
    given = arguments(tiny, work=tmp_path / "other")
    monkeypatch.setattr(command, "COPIES", 10**12)
    with pytest.raises(InputError, match="too little room.*空间不足"):
        command.train(given)
    assert not (given.work / "data").exists()


def test_training_ends_when_validation_has_stopped_falling(arguments, tiny, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.4, 2.2])
    monkeypatch.setattr(VoiceTrainer, "validate", lambda self: {"loss": next(losses)})
    given = arguments(tiny, only=["llm"], epochs=50)
    command.train(given)
    history = json.loads((given.out / "training.json").read_text("utf-8"))
    assert history["validation_loss"]["llm"]["best"] == 2.0
    assert next(losses, None) is None


def test_the_start_is_kept_where_training_made_it_worse(arguments, tiny, monkeypatch):
    losses = iter([1.0, 2.0])
    monkeypatch.setattr(VoiceTrainer, "validate", lambda self: {"loss": next(losses)})
    given = arguments(tiny, only=["llm"])
    command.train(given)
    for name in ("llm.pt", "flow.pt", "hift.pt", "README.md"):
        assert os.path.samefile(given.out / name, tiny / name)
    assert not (given.out / "flow.decoder.estimator.fp32.onnx").exists()  # of older weights


def test_a_trained_vocoder_takes_the_place_of_the_link_to_the_old_one(arguments, tiny, monkeypatch):
    """The old model's own file keeps its bytes."""
    losses, before = iter([2.0, 1.0]), (tiny / "hift.pt").read_bytes()
    monkeypatch.setattr(VoiceTrainer, "validate", lambda self: {"loss": next(losses)})
    given = arguments(tiny, only=["hift"])
    command.train(given)
    assert (given.out / "hift.pt").read_bytes() != before
    assert (tiny / "hift.pt").read_bytes() == before
    assert os.path.samefile(given.out / "flow.pt", tiny / "flow.pt")
    assert AutoModel(given.out, precision="float32").sample_rate == 22050


def test_the_vocoder_learns_by_the_pitch_that_was_measured_once(
    arguments, tiny, monkeypatch, tmp_path
):
    for name in ("cosyvoice.dataset.processor.pitch", "cosyvoice.training.prepare.pitch"):
        monkeypatch.setattr(name, lambda *_: pytest.fail("measured again"))
    given = arguments(tiny, only=["hift"])
    command.train(given)
    (first, last) = own_voice.logged(given.work / "hift")
    assert last != first


def test_no_model_is_overwritten(arguments, tiny):
    with pytest.raises(InputError, match="is there already.*已存在"):
        command.train(arguments(tiny, out=tiny))


def test_a_speaker_of_the_model_keeps_its_name(arguments, tiny):
    with pytest.raises(InputError, match="has a speaker.*已有音色"):
        command.train(arguments(tiny, speaker="中文女"))


def test_a_working_folder_is_of_one_training(arguments, tiny):
    with pytest.raises(InputError, match="another model or speaker.*另一音色"):
        command.train(arguments(tiny, speaker="you"))


def test_a_model_that_follows_instructions_by_its_name_still_does(arguments, model_dir, tmp_path):
    source = tmp_path / "CosyVoice-300M-Instruct"
    shutil.copytree(model_dir, source)
    given = arguments(source, only=["llm"])
    command.train(given)
    assert AutoModel(given.out).supports_instruct


def test_recordings_of_one_text_are_not_both_learned_and_held_out():
    pairs = [(None, Checked(str(i), f"text {i // 2}")) for i in range(40)]
    train, validation = split(pairs)
    assert len(train) + len(validation) == 40 and validation
    assert not {p[1].text for p in train} & {p[1].text for p in validation}


def test_the_small_models_language_model_is_left_as_it_is():
    """Its recordings' tokens are misheard ones."""
    assert Source(PRETRAINED / EMBEDDED.name).trainable == ("flow", "hift")


@pytest.mark.parametrize("given, rate", [(None, own_voice.SMALL_FLOW.lr), (1e-5, 1e-5)])
def test_the_small_models_flow_has_a_rate_and_a_batch_of_its_own(given, rate):
    source = Source(PRETRAINED / EMBEDDED.name)
    nowhere = Path()
    plan = own_voice.Plan(source, "flow", nowhere, nowhere, nowhere, torch.zeros(1, 192), given)
    assert plan.options().lr == rate
    assert plan.options().max_frames == own_voice.SMALL_FLOW.max_frames
    other = replace(plan, network="llm", lr=None).options()
    assert other.lr == own_voice.DEFAULTS["llm"].lr


@pytest.mark.parametrize("epoch_steps, passes", [(10, 8), (91, 7), (300, 2), (5000, 1)])
def test_long_passes_are_as_many_as_make_enough_steps(epoch_steps, passes):
    assert own_voice.SMALL_FLOW.passes(epoch_steps) == passes
    assert own_voice.DEFAULTS["flow"].passes(epoch_steps) == own_voice.DEFAULTS["flow"].epochs


def test_the_small_model_learns_what_it_speaks():
    """Its flow speaks in two steps from no noise, and so it is trained."""
    flow = own_voice.read_config(PRETRAINED / EMBEDDED.name / "cosyvoice.yaml", "flow")["flow"]
    assert own_voice.spoken_without_noise(flow)
    torch.manual_seed(0)
    frames = 86
    batch = {
        "speech_token": torch.randint(4096, (1, 25)),
        "speech_token_len": torch.tensor([25]),
        "speech_feat": torch.randn(1, frames, 80),
        "speech_feat_len": torch.tensor([frames]),
        "embedding": torch.randn(1, 192),
    }
    flow.eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        random.seed(1)  # no prompt
        losses = own_voice.loss_of_what_is_spoken(flow, batch, torch.device("cpu"))
        mel, _ = flow.inference(
            batch["speech_token"],
            batch["speech_token_len"],
            torch.zeros(1, 0, dtype=torch.int32),
            torch.tensor([0]),
            torch.zeros(1, 0, 80),
            torch.tensor([0]),
            batch["embedding"],
            torch.zeros(1, 80, 0, 2),
        )
    wanted = (mel.transpose(1, 2) - batch["speech_feat"]).abs().mean()
    assert torch.isclose(losses["loss_mel"], wanted, rtol=1e-3)
