"""The engine's benchmark, on the tiny model: what is measured, of how much, and how it is told."""

import io
import json

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from tools import bench


@pytest.fixture(scope="module")
def tiny(model_dir):
    return bench.Bench(bench.networks_of(model_dir), str(model_dir), seconds=0.4)


def test_every_measurement_tells_wall_and_cpu_seconds(tiny):
    rows = {
        what: row for name in ("load", *bench.ROUND) for what, row in getattr(tiny, name)().items()
    }
    assert len(rows) == 9 and all(row["wall"] > 0 and row["cpu"] > 0 for row in rows.values())
    assert rows["LM, each further token"]["tokens"] == bench.LM_TOKENS


@pytest.mark.parametrize(
    "name, what",
    [("whole", "whole utterance"), ("stream", "stream, all of it"), ("vocoder", "vocoder")],
)
def test_speech_has_the_length_asked_for_though_the_model_would_end_sooner(tiny, name, what):
    assert getattr(tiny, name)()[what]["audio"] == pytest.approx(0.4, abs=1 / 86)


def test_a_checkout_answers_one_line_per_measurement(model_dir):
    settings = {
        "yaml": bench.networks_of(model_dir),
        "folder": str(model_dir),
        "threads": 1,
        "seconds": 0.2,
    }
    answers = io.StringIO()
    bench.serve(iter([json.dumps(settings), "load\n", "vocoder\n", "memory\n"]), answers)
    assert [set(json.loads(line)) for line in answers.getvalue().splitlines()] == [
        {"load"},
        {"vocoder"},
        {"peak memory"},
    ]


@pytest.mark.parametrize(
    "size, millions",
    [
        ("300m-25hz", {"llm": 315, "flow": 105, "hift": 20.5}),
        ("cosyvoice2", {"llm": 506, "flow": 112.5, "hift": 20.8}),
        ("cosyvoice3", {"llm": 506, "flow": 332.3, "hift": 20.9}),
    ],
)
def test_random_weights_have_the_published_sizes(tmp_path, size, millions):
    bench.write_qwen2(tmp_path)
    with torch.device("meta"):
        networks = load_hyperpyyaml(bench.random_yaml(size, tmp_path))
    counted = {
        name: sum(p.numel() for p in networks[name].parameters()) / 1e6 for name in bench.NETWORKS
    }
    assert counted == pytest.approx(millions, abs=0.6)


def test_the_best_round_counts_and_checkouts_take_turns():
    asked = []

    class Checkout:
        def __init__(self, label, walls):
            self.label, self.walls = label, iter(walls)

        def measure(self, name):
            asked.append((name, self.label))
            return {name: {"wall": next(self.walls), "cpu": 1}}

    best = bench.measure(
        {"this": Checkout("this", [3, 9, 2]), "other": Checkout("other", [4, 9, 5])},
        ["lm", "flow", "lm"],
    )
    assert asked == [
        ("lm", "this"),
        ("lm", "other"),
        ("flow", "this"),
        ("flow", "other"),
        ("lm", "this"),
        ("lm", "other"),
    ]
    assert best["this"]["lm"]["wall"] == 2 and best["other"]["lm"]["wall"] == 4


def test_the_table_tells_ratios_of_two_checkouts():
    this = {
        "flow": {"wall": 2.0, "cpu": 4.0, "audio": 5.0},
        "LM": {"wall": 1.0, "cpu": 2.0, "tokens": 50},
        "peak": {"mib": 1000},
    }
    other = {
        "flow": {"wall": 6.0, "cpu": 8.0, "audio": 5.0},
        "LM": {"wall": 4.0, "cpu": 2.0, "tokens": 50},
        "peak": {"mib": 1500},
    }
    assert bench.table({"this": this, "other": other}).splitlines()[2:] == [
        "| flow | RTF 0.40; 2.00 s, CPU 4.00 s | RTF 1.20; 6.00 s, CPU 8.00 s "
        "| wall 3.00, cpu 2.00 |",
        "| LM | 20.0 ms, 50.0 a second; 1.00 s, CPU 2.00 s "
        "| 80.0 ms, 12.5 a second; 4.00 s, CPU 2.00 s | wall 4.00, cpu 1.00 |",
        "| peak | 1000 MiB | 1500 MiB | mib 1.50 |",
    ]
    assert "other" not in bench.table({"this": this})


def test_a_folder_that_is_no_checkout_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="no folder cosyvoice"):
        bench.Checkout(tmp_path, [], {"threads": 1})
