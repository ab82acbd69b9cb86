"""Fine-tuning of CosyVoice2 and Fun-CosyVoice3 with the pipeline of their files."""

import shutil

import pytest
import torch

from cosyvoice.bin import train
from cosyvoice.cli.cosyvoice import AutoModel
from tests.support.tiny_model_qwen import build
from tests.support.tiny_training import row, write_list, write_parquet

END = "<|endofprompt|>"


@pytest.mark.slow
@pytest.mark.parametrize("version", [2, 3])
def test_fine_tuned_weights_load_into_their_directory(tmp_path, version):
    folder = build(tmp_path / "model", version)
    instruct = {"instruct": f"You are a helpful assistant.{END}"} if version == 3 else {}
    rows = [row(i, 100 + 20 * i, text="你好。", text_token=None, **instruct) for i in range(3)]
    data = write_list(tmp_path / "data.list", [write_parquet(tmp_path / "a.parquet", rows)])
    for network in ("llm", "flow"):
        options = {
            "config": folder / f"cosyvoice{version}.yaml",
            "model": network,
            "init": folder / f"{network}.pt",
            "train": data,
            "out": tmp_path / "out",
            "steps": 1,
        }
        train.main([word for name, value in options.items() for word in (f"--{name}", str(value))])
        before = torch.load(folder / f"{network}.pt")
        shutil.move(tmp_path / "out" / f"{network}.pt", folder / f"{network}.pt")
        after = torch.load(folder / f"{network}.pt")
        shutil.rmtree(tmp_path / "out")
        assert before.keys() == after.keys()
        assert any(not torch.equal(before[name], after[name]) for name in before)
    assert AutoModel(folder).model.llm
