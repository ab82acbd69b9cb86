"""How sentences would be spoken, without sound: sentences.jsonl -> WORK/prosody/*.parquet.

The teacher computes durations, F0 and energy before its decoder, which takes 97 % of the time:
without the decoder it is 30 times as fast. Speech tokens need no more than that, so the language
model can learn from many more hours than the flow and the vocoder.

Rows are those of generate.py with an empty `audio`. Speakers, speeds and edges are drawn with
another seed, and again in every round: the model learns by heart what it meets twice (58 % of next
tokens right, 50 % where the same speech was cut elsewhere). The command can be resumed.

    python -m tools.mini.data.prosody --work WORK [--seed 2] [--rounds 2]
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
from onnx.utils import Extractor
from tqdm import tqdm

from tools.mini.data.generate import SCHEMA, SHARD, part, read_speakers
from tools.mini.data.teacher import EDGE_FRAMES, Speaker, Teacher, inputs, trim_frames

ENERGY = "/encoder/Squeeze_1_output_0"  # two values a frame; an input of the decoder, as F0 is
SILENT_ENERGY = -2.5  # mean of a frame; below it the decoder's frames are 40 dB under the loudest


class ProsodyTeacher(Teacher):
    def __init__(self, folder: Path):
        super().__init__(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.network = onnxruntime.InferenceSession(
            without_decoder(folder / "kokoro.onnx").SerializeToString(), options
        )

    def prosody(
        self, said: str, speaker: Speaker, lang: str, speed: float, f0_scale: float, rng
    ) -> tuple[np.ndarray, np.ndarray]:
        """(durations in frames with the two pads, F0 with two values a frame).

        Trimmed as generate.py trims.
        """
        given = inputs(said, self.style(speaker, lang, len(said)), speed, f0_scale)
        durations, f0, energy = self.network.run(["durations", "f0", ENERGY], given)
        durations = durations.ravel().astype(np.int64)
        silent = energy.reshape(-1, 2).mean(1) < SILENT_ENERGY
        edges = rng.integers(*EDGE_FRAMES, size=2, endpoint=True)
        durations, head, end = trim_frames(durations, silent, said, edges)
        return durations, f0.ravel()[2 * head : 2 * end]


def without_decoder(path: Path) -> onnx.ModelProto:
    model = onnx.load(path)
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(ENERGY, onnx.TensorProto.FLOAT, None)
    )
    return Extractor(model).extract_model(
        [x.name for x in model.graph.input], ["durations", "f0", ENERGY]
    )


def utterance(
    row: dict, teacher: ProsodyTeacher, speakers: list[Speaker], pitches: dict, seed: int
) -> dict | None:
    rng = np.random.default_rng([seed, row["id"]])
    chosen = part(row, speakers, pitches, seed, rng)
    return chosen and chosen.row(*teacher.prosody(*chosen.spoken, rng), b"")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    folder = args.work / "prosody"
    folder.mkdir(exist_ok=True)
    teacher, speakers = ProsodyTeacher(args.work / "teacher"), read_speakers(args.work)
    pitches = json.loads((args.work / "speakers.json").read_text("utf-8"))["pitches"]
    rows = [
        json.loads(line) for line in (args.work / "sentences.jsonl").read_text("utf-8").splitlines()
    ]
    parts = [rows[start : start + SHARD] for start in range(0, len(rows), SHARD)]
    for number in tqdm(range(args.rounds * len(parts)), unit="shard"):
        target = folder / f"shard-{number:05d}.parquet"
        if target.exists():
            continue
        turn, part_number = divmod(number, len(parts))
        spoken = [
            utterance(row, teacher, speakers, pitches, args.seed + turn)
            for row in parts[part_number]
        ]
        table = pa.Table.from_pylist([row for row in spoken if row], SCHEMA)
        pq.write_table(table, partial := target.with_suffix(".partial"))
        os.replace(partial, target)


if __name__ == "__main__":
    main()
