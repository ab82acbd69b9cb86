"""Training tables of the vocoder with the flow's mels: what it will be given in use is smoother than the mels of recordings.

    python -m tools.mini.flow_mels --work WORK --flow WORK/flow/flow.pt [--hours 2]

Speaks the tokens of the rows of WORK/train/data.list with their speakers' vectors, and writes their audio, pitch and mels
(`speech_feat`) to WORK/train_flow/*.parquet and data.list beside them, anew each time.
"""
import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from tqdm import tqdm

from cosyvoice.bin.train import load_config
from cosyvoice.utils.files import read_weights
from tools.mini.pack_parquet import FLOATS, INT32S, write_list
from tools.mini.train import CONFIG

SCHEMA = pa.schema([
    ("utt", pa.string()), ("text", pa.string()), ("text_token", INT32S), ("speech_token", INT32S), ("audio_data", pa.binary()),
    ("pitch_feat", FLOATS), ("utt_embedding", FLOATS), ("speech_feat", pa.list_(pa.float16())),
])
NOTHING = torch.zeros(1, 0, dtype=torch.int64)


def load_flow(path: Path) -> torch.nn.Module:
    flow = load_config(CONFIG, "flow")["flow"]
    flow.load_state_dict(read_weights(path))
    return flow.eval()


def mel_of(flow: torch.nn.Module, row: dict, number: int) -> torch.Tensor:
    """(T, 80) as the flow speaks the row's tokens, without a prompt."""
    token, none = torch.tensor(row["speech_token"])[None], torch.tensor([0])
    mel, _ = flow.inference(token, torch.tensor([token.shape[1]]), NOTHING, none, torch.zeros(1, 0, 80), none,
                            torch.tensor(row["utt_embedding"])[None], torch.zeros(1, 80, 0, 2), torch.Generator().manual_seed(number))
    return mel[0].T


def convert(flow: torch.nn.Module, source: Path, target: Path) -> int:
    """Write one table; returns its mel frames."""
    rows = [row for row in pq.read_table(source).to_pylist() if row["audio_data"] is not None]
    for number, row in enumerate(tqdm(rows, desc=source.stem, unit="row", leave=False)):
        row["speech_feat"] = mel_of(flow, row, number).half().numpy().ravel()
    kept = [{name: row[name] for name in SCHEMA.names} for row in rows]
    pq.write_table(pa.Table.from_pylist(kept, SCHEMA), target, compression="none")
    return sum(len(row["speech_feat"]) // 80 for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--flow", type=Path, required=True, help="weights of the flow")
    parser.add_argument("--hours", type=float, default=2.0, help="stop after so much speech")
    args = parser.parse_args()
    torch.set_num_threads(1)
    flow, folder, files, frames = load_flow(args.flow), args.work / "train_flow", [], 0
    folder.mkdir(exist_ok=True)
    for line in tqdm((args.work / "train/data.list").read_text("utf-8").splitlines(), desc="tables", unit="table"):
        if frames / 86.13 < args.hours * 3600:
            files.append(folder / Path(line).name)
            frames += convert(flow, Path(line), files[-1])
    write_list(folder / "data.list", files)


if __name__ == "__main__":
    main()
