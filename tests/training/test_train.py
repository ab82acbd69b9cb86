"""Training: losses fall, a resumed run repeats an uninterrupted one, new data is used."""

import json
import math
import os
import signal
from functools import partial

import pytest
import torch

from cosyvoice.bin import train
from cosyvoice.training.trainer import Trainer, constant, cosine, load_config, warmup
from tests.support.tiny_training import config_24k, row, write_config, write_list, write_parquet


@pytest.fixture
def data(tmp_path):
    files = [
        write_parquet(tmp_path / f"{k}.parquet", [row(4 * k + i, 20 + 10 * i) for i in range(4)])
        for k in range(3)
    ]
    write_config(tmp_path)
    write_list(tmp_path / "cv.list", files[2:])
    write_list(tmp_path / "train.list", files[:2])
    return tmp_path


def trainer(data, model, out="out", *options):
    arguments = [
        "--config",
        data / "cosyvoice.yaml",
        "--model",
        model,
        "--train",
        data / "train.list",
        "--out",
        data / out,
        *options,
    ]
    return Trainer(train.parse([str(x) for x in arguments]))


def log(data, out="out"):
    return [json.loads(line) for line in (data / out / "log.jsonl").read_text().splitlines()]


def losses(data, out="out"):
    return [(entry["step"], entry["loss"]) for entry in log(data, out) if "loss" in entry]


@pytest.mark.slow
@pytest.mark.parametrize("model, steps", [("llm", 60), ("flow", 40), ("hift", 30)])
def test_loss_falls(data, model, steps):
    options = ["--steps", steps, "--max_frames", 60, "--reconstruct_steps", 1000, "--lr", 0.01]
    assert trainer(data, model, "out", *options).run()
    values = [loss for _, loss in losses(data)]
    assert len(values) == steps and sum(values[-5:]) < 0.9 * sum(values[:5])


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("model", ["flow", "hift"])
def test_flow_and_vocoder_of_24_khz_learn(data, version, model):
    write_config(data, config_24k(version))
    options = ["--steps", 12, "--max_frames", 60, "--reconstruct_steps", 1000, "--lr", 0.01]
    assert trainer(data, model, "out", *options).run()
    values = [loss for _, loss in losses(data)]
    assert len(values) == 12 and sum(values[-4:]) < sum(values[:4])


@pytest.mark.slow
@pytest.mark.parametrize("model", ["llm", "flow", "hift"])
def test_resumed_run_repeats_an_uninterrupted_one(data, model):
    options = [
        "--max_frames",
        80,
        "--reconstruct_steps",
        3,
        "--ema",
        0.9,
        "--save_every",
        4,
        "--cv",
        data / "cv.list",
        "--cv_every",
        2,
    ]
    trainer(data, model, "whole", "--steps", 9, *options).run()
    for steps in (5, 9):
        trainer(data, model, "parts", "--steps", steps, *options).run()
    assert losses(data, "whole") == losses(data, "parts")
    whole, parts = (torch.load(data / out / f"{model}.pt") for out in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_killed_run_repeats_what_was_not_saved(data):
    killed = trainer(data, "llm", "killed", "--steps", 10, "--save_every", 3)
    killed.save = lambda save=killed.save: save() if killed.step == 3 else None
    killed.run()
    assert losses(data, "killed")[-1][0] == 10
    trainer(data, "llm", "killed", "--steps", 10).run()
    trainer(data, "llm", "whole", "--steps", 10).run()
    assert losses(data, "killed") == losses(data, "whole")


def test_vocoder_turns_to_its_discriminators_after_the_first_steps(data):
    trainer(data, "hift", "out", "--steps", 3, "--reconstruct_steps", 2).run()
    assert ["loss_disc_d" in entry for entry in log(data)] == [False, False, True]
    assert [name for name in torch.load(data / "out" / "hift.pt") if name.startswith("disc")] == []


def test_exported_weights_load_and_start_another_run(data):
    trainer(data, "flow", "out", "--steps", 2, "--save_every", 1, "--keep_every", 2).run()
    weights = torch.load(data / "out" / "flow.pt")
    next_run = trainer(
        data, "flow", "next", "--init", data / "out" / "flow_0000002.pt", "--ema", 0.9
    )
    assert all(torch.equal(x, weights[name]) for name, x in next_run.model.state_dict().items())
    assert all(
        torch.equal(x, weights[name]) for name, x in next_run.shadow.module.state_dict().items()
    )


def test_averaged_weights_are_exported_and_validated(data):
    run = trainer(
        data, "llm", "out", "--steps", 4, "--ema", 0.9, "--cv", data / "cv.list", "--cv_every", 4
    )
    run.run()
    exported, current = torch.load(data / "out" / "llm.pt"), run.model.state_dict()
    assert not torch.equal(exported["llm_decoder.bias"], current["llm_decoder.bias"])
    run.model.load_state_dict(exported)
    run.shadow = None
    assert run.validate()["loss"] == pytest.approx(log(data)[-1]["cv_loss"], rel=1e-4)


def test_files_added_to_the_list_are_seen_in_the_next_epoch(data):
    run = trainer(data, "llm", "out", "--steps", 12)
    stream = run.stream()
    names = {utt for batch in next(stream) for utt in batch["utts"]}
    write_list(data / "train.list", [data / f"{k}.parquet" for k in range(3)])
    while run.epoch < 2:
        names.update(utt for batch in next(stream) for utt in batch["utts"])
    assert {f"u{i}" for i in range(12)} <= names


def test_signal_saves_and_ends(data):
    run = trainer(data, "llm", "out", "--steps", 1000)
    run.at_intervals = lambda means, bar: run.step == 3 and os.kill(os.getpid(), signal.SIGTERM)
    assert not run.run()
    assert torch.load(data / "out" / "last.pt")["step"] == 3


def test_time_limit_saves_and_ends(data):
    assert not trainer(data, "llm", "out", "--steps", 1000, "--max_minutes", 0).run()
    assert (data / "out" / "last.pt").exists()


def test_schedules_rise_and_fall():
    rates = [constant(step, 100) for step in range(101)]
    assert set(rates) == {1.0}
    assert warmup(9, 100, warmup_steps=10) == pytest.approx(1) and warmup(
        39, 100, warmup_steps=10
    ) == pytest.approx(0.5)
    fall = partial(cosine, total=100, warmup_steps=10)
    assert [fall(step) for step in (0, 9, 55, 100)] == pytest.approx([0.1, 1, 0.5, 0])


def test_what_cannot_be_trained_is_said(data):
    with pytest.raises(ValueError, match="unknown optim 'sgd'; use one of adam, adamw"):
        (data / "cosyvoice.yaml").write_text(
            (data / "cosyvoice.yaml").read_text().replace("optim: adam,", "optim: sgd,")
        )
        trainer(data, "llm")
    write_list(data / "train.list", [])
    with pytest.raises(ValueError, match="names no parquet file"):
        next(trainer(data, "hift").stream())
    (data / "cosyvoice.yaml").write_text("llm: 1\n")
    with pytest.raises(ValueError, match="has no data_pipeline, train_conf"):
        trainer(data, "llm")


def test_endless_bad_gradients_end_the_training(data):
    run = trainer(data, "llm", "out", "--steps", 100)
    run.model.llm_decoder.bias.data.fill_(math.nan)
    with pytest.raises(FloatingPointError, match="without a finite gradient"):
        run.run()


def test_the_tokenizer_of_the_50_hz_models_is_ours_without_openai_whisper(data):
    path = data / "cosyvoice.yaml"
    path.write_text(
        path.read_text().replace(
            "get_tokenizer: null",
            "get_tokenizer: !name:whisper.tokenizer.get_tokenizer "
            "{multilingual: True, num_languages: 100}",
        )
    )
    tokenize = load_config(path, "llm")["tokenize"]
    assert next(tokenize([{"text": "你好"}]))["text_token"]


@pytest.mark.parametrize("count, device", [("0", "cpu"), ("2", "cuda")])
def test_a_number_of_processes_that_cannot_be_is_refused(count, device, capsys):
    with pytest.raises(SystemExit):
        train.parse(
            [
                "--config",
                "c",
                "--model",
                "flow",
                "--train",
                "t",
                "--out",
                "o",
                "--processes",
                count,
                "--device",
                device,
            ]
        )
    assert (
        f"--processes {count} with --device {device}: give 1 or more with cpu, and 1 with cuda"
        in capsys.readouterr().err
    )


@pytest.mark.slow
def test_two_processes_take_one_step_as_one_process_with_all_their_batches(data):
    text = (
        (data / "cosyvoice.yaml")
        .read_text("utf-8")
        .replace("dropout_rate: 0.1", "dropout_rate: 0.0")
    )
    (data / "cosyvoice.yaml").write_text(text.replace("accum_grad: 2", "accum_grad: 1"), "utf-8")
    options = [
        "--config",
        data / "cosyvoice.yaml",
        "--model",
        "llm",
        "--train",
        data / "train.list",
        "--max_frames",
        60,
        "--steps",
        3,
        "--threads",
        1,
    ]
    train.main([*map(str, options), "--out", str(data / "two"), "--processes", "2"])
    (data / "cosyvoice.yaml").write_text(text, "utf-8")
    train.main([*map(str, options), "--out", str(data / "one")])
    two, one = (torch.load(data / out / "llm.pt") for out in ("two", "one"))
    assert all(torch.allclose(two[name], one[name], atol=1e-5) for name in one)
    assert [step for step, _ in losses(data, "two")] == [1, 2, 3]
