"""Training tables of the vocoder with the flow's mels, which are smoother than those of recordings.

    python -m tools.mini.training.flow_mels --work WORK --flow WORK/flow/flow.pt [--hours 2]

Speaks the tokens of the rows of WORK/train/data.list with their speakers' vectors. Writes their
audio, pitch and mels (`speech_feat`) to WORK/train_flow/*.parquet, and data.list beside them, again
each time.
"""

import argparse
from pathlib import Path

import pyarrow as pa
import torch
from tqdm import tqdm

from cosyvoice.training.trainer import load_config
from cosyvoice.utils.files import read_weights
from tools.mini import CONFIG
from tools.mini.data.pack_parquet import MEL_HOP, RATE, SCHEMA, write, write_list
from tools.mini.data.tokens import read

WITH_MELS = SCHEMA.append(pa.field("speech_feat", pa.list_(pa.float16())))
NOTHING = torch.zeros(1, 0, dtype=torch.int64)


def load_flow(path: Path) -> torch.nn.Module:
    flow = load_config(CONFIG, "flow")["flow"]
    flow.load_state_dict(read_weights(path))
    return flow.eval()


def speak(
    flow: torch.nn.Module, tokens: torch.Tensor, vector: torch.Tensor, seed: int = 0
) -> torch.Tensor:
    """Mel (1, 80, T) of speech tokens (1, N) in the voice of a vector (192,), without a prompt."""
    none = torch.tensor([0])
    mel, _ = flow.inference(
        tokens,
        torch.tensor([tokens.shape[1]]),
        NOTHING,
        none,
        torch.zeros(1, 0, 80),
        none,
        vector[None],
        torch.zeros(1, 80, 0, 2),
        torch.Generator().manual_seed(seed),
    )
    return mel


def convert(flow: torch.nn.Module, source: Path, target: Path) -> float:
    """Write one table; returns its seconds."""
    rows, frames = [row for row in read([source]) if row["audio_data"] is not None], 0
    for number, row in enumerate(tqdm(rows, desc=source.stem, unit="row", leave=False)):
        tokens, vector = torch.tensor(row["speech_token"]), torch.tensor(row["utt_embedding"])
        mel = speak(flow, tokens[None], vector, seed=number)
        row["speech_feat"] = mel[0].T.half().numpy().ravel()
        frames += mel.shape[2]
    write(target, rows, WITH_MELS)
    return frames * MEL_HOP / RATE


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--flow", type=Path, required=True, help="weights of the flow")
    parser.add_argument("--hours", type=float, default=2.0, help="stop after this much speech")
    args = parser.parse_args()
    torch.set_num_threads(1)
    flow, folder, files, seconds = load_flow(args.flow), args.work / "train_flow", [], 0.0
    folder.mkdir(exist_ok=True)
    tables = (args.work / "train/data.list").read_text("utf-8").splitlines()
    for line in tqdm(tables, desc="tables", unit="table"):
        if seconds < args.hours * 3600:
            files.append(folder / Path(line).name)
            seconds += convert(flow, Path(line), files[-1])
    write_list(folder / "data.list", files)


if __name__ == "__main__":
    main()
