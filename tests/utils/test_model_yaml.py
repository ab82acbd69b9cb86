"""A model's YAML can build what official files build, and run nothing else."""

import os
from pathlib import Path

import pytest

from cosyvoice.cli.cosyvoice import read_config
from cosyvoice.training.trainer import load_config
from cosyvoice.utils.files import read_yaml
from cosyvoice.utils.model_yaml import load_model_yaml

ROOT = Path(__file__).parents[2]
EVIL = [
    "x: !apply:os.system [touch {mark}]",
    "x: !apply:subprocess.call [[touch, {mark}]]",
    "x: !new:subprocess.Popen [[touch, {mark}]]",
    "x: !new:omegaconf.DictConfig {{content: !apply:os.system [touch {mark}]}}",
    "x: !name:os.system",
    "x: !module:os",
    "x: !applyref:os.system [touch {mark}]",
    "x: !include:{mark}.yaml",
    "x: !copy <a>",
    "x: !apply:cosyvoice.utils.files.save_whole [1, {mark}]",
    "x: !apply:cosyvoice.utils.whole_file.os.mkdir [{mark}]",
    "x: !new:random.seed [1]",
    "x: !!python/object/apply:os.system [touch {mark}]",
    "x: !!python/name:os.system",
    "x: !<!apply:os.system> [touch {mark}]",
    "x: !<tag:yaml.org,2002:python/object/apply:os.system> [touch {mark}]",
    "x: !%61pply:os.system [touch {mark}]",
    "%TAG !e! !apply:os.\n---\nx: !e!system [touch {mark}]",
    "x: (!!python/object/apply:os.system [touch {mark}])",
    "x: '(!!python/object/apply:os.system [touch {mark}])'",
    'x: "(!!python/object/apply:os.system [touch {mark}])"',
    "x: !tuple '(!!python/object/apply:os.system [touch {mark}])'",
    "? !apply:os.system [touch {mark}]\n: 1",
    "x: [1, {{y: !apply:os.system [touch {mark}]}}]",
    "a: &a !apply:os.system [touch {mark}]\nx: *a",
    "a: {{b: 1}}\nx: !ref <a.__class__>",
    "a: {{b: 1}}\nx: !ref <a[b]>",
    "a: 9\nx: !ref <a> ** 99999999999",
    "a: 9\nb: '<a> ** 99999999999'\nx: !ref <b>",
    "a: '9 ** 99999999999'\nx: !ref <a> * 1",
    "a: \"'x' * 99999999999\"\nx: !ref <a> + 0",
    "a: (!!python/object/apply:os.system\nb: ' [touch {mark}])'\nx: !ref <a><b>",
    "x: !unknown 1",
    "x: !!binary aGk=",
]


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("overrides", [None, {"llm": None}])
def test_nothing_else_runs(text, overrides, tmp_path):
    mark = tmp_path / "mark"
    with pytest.raises(RuntimeError, match=r"some.yaml.*(refused.*download|damaged)"):
        load_model_yaml(text.format(mark=mark), "some.yaml", overrides)
    assert not mark.exists()


def test_the_refusal_names_the_file_the_tag_and_what_is_allowed(tmp_path):
    path = tmp_path / "cosyvoice.yaml"
    path.write_text("a: 1\nllm: !apply:os.system [touch x]\n")
    for load in (lambda: load_model_yaml(path.read_text(), path), lambda: load_config(path, "llm")):
        with pytest.raises(RuntimeError) as refused:
            load()
        for part in (f"{path}, line 2", "!apply:os.system", "!new:", "model_yaml.py", "官方"):
            assert part in str(refused.value)


@pytest.mark.parametrize("entry", ["llm", "get_tokenizer", "sample_rate"])
def test_the_engine_refuses_a_model_that_would_run_a_program(entry, model_dir, tmp_path):
    text = (model_dir / "cosyvoice.yaml").read_text("utf-8")
    path = tmp_path / "cosyvoice.yaml"
    extra = f"\n    evil: !apply:os.system [touch {tmp_path}/mark]\n"
    kept = [block for block in text.split("\n\n") if not block.startswith(f"{entry}:")]
    path.write_text("\n\n".join(kept) + f"\n{entry}:{extra}", "utf-8")
    with pytest.raises(RuntimeError, match="refused"):
        read_config(path)
    assert not (tmp_path / "mark").exists()


def test_references_and_arithmetic_on_numbers_are_allowed():
    text = "a: 25\nb: 2\nc: !ref <a> * <b>\nd: !ref <a>\ne: [1, 2.5, null, yes, 'all']\n"
    loaded = load_model_yaml(text, "some.yaml", {"b": 4})
    assert (loaded["c"], loaded["d"], loaded["e"][:3]) == (100, 25, [1, 2.5, None])


def test_what_is_no_yaml_is_damaged():
    for text in ("", "a: [", "just a string", "- 1", "a: \0"):
        with pytest.raises(RuntimeError, match="some.yaml.*damaged"):
            load_model_yaml(text, "some.yaml")


@pytest.mark.parametrize(
    "path",
    ["tools/mini/cosyvoice.yaml", "pretrained_models/CosyVoice-Mini-25Hz/cosyvoice.yaml"],
)
@pytest.mark.parametrize("network", ["llm", "flow", "hift"])
def test_our_own_files_load(path, network):
    assert os.path.getsize(ROOT / path) and load_config(ROOT / path, network)[network]
    assert read_yaml(ROOT / path)
