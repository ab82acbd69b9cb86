"""Pack a trained small model: WORK's weights -> pretrained_models/CosyVoice-Mini-25Hz.

    python -m tools.mini.training.pack_model --work WORK --llm llm.pt --flow flow.pt \\
        --hift hift.pt [--figures figures.json]

The directory has the official layout. Weights become int8 with a scale a row, or float16; the
loader casts them back. `spk2info.pt` holds the preset speakers: for each, the mean vector of some
of its training utterances by the speaker encoder. `codebook.json` says which sounds each speech
token names. `--figures` puts what `tools.evaluate --json`
wrote into the model card.
"""

import argparse
import io
import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import soundfile
import torch

from cosyvoice.tokenizer.sounds import BOOK
from cosyvoice.utils.files import unpack_int8, widen
from tools.judges import kaldi_features, one_thread_session, to_judge_rate
from tools.mini import CONFIG
from tools.mini.data.generate import seconds_of
from tools.mini.data.speaker_vector import pitch_of, with_pitch

MODEL_NAME = "CosyVoice-Mini-25Hz"
# Name in the service -> training speaker. Chosen of sixty, as understood well on sentences that are
# not the held-out ones.
PRESETS = {
    "中文女": "preset_zf_2",
    "中文男": "mix_009",
    "英文女": "mix_051",
    "英文男": "am_adam",
    "中文女2": "mix_152",
    "中文童声": "mix_132",
    "英文女2": "mix_135",
    "英文男2": "mix_075",
}
INT8 = ("llm", "flow")  # the vocoder has float16: it is small, and its weights are split in two
SMALLEST_INT8 = 4096  # values; smaller weights stay float16
UTTERANCES = 12  # whose vectors make one preset
CARD = Path(__file__).with_name("model_card.md")
log = logging.getLogger(__name__)


def shrink(path: Path, target: Path, int8: bool):
    """Copy a state dict: large weights as int8 with a float32 scale a row (or not), other floats as
    float16.

    The loader is cosyvoice/utils/files.py. The prefix `generator.` of the vocoder's training is
    removed. Packed weights may be packed again, also into the same file.
    """
    # Not mapped into memory, since `path` may be the target.
    state = unpack_int8(widen(torch.load(path, map_location="cpu", weights_only=True)))
    small = {}
    for name, value in state.items():
        name = name.removeprefix("generator.")
        matrix = value.is_floating_point() and value.dim() > 1
        if int8 and matrix and value.numel() >= SMALLEST_INT8:
            small[name], small[f"{name}.int8_scale"] = rows_to_int8(value)
        else:
            small[name] = value.half() if value.is_floating_point() else value
    bad = [
        name
        for name, value in small.items()
        if value.is_floating_point() and not value.isfinite().all()
    ]
    if bad:
        raise ValueError(
            f"{path} cannot be float16: {', '.join(bad[:5])} overflow or are not finite"
        )
    torch.save(small, target)


def rows_to_int8(value):
    """(int8 values, float32 scale of each row) of a weight.

    Rows are output channels, or entries of an embedding.
    """
    scale = value.float().flatten(1).abs().amax(1).clamp(min=1e-12) / 127
    scaled = value.float() / scale.reshape(-1, *[1] * (value.dim() - 1))
    return scaled.round().to(torch.int8), scale


def preset_clips(work: Path, wanted):
    """Up to UTTERANCES uninstructed utterances (N,) at 16 kHz of each wanted training speaker.

    Raises KeyError naming a speaker without speech.
    """
    clips = {name: [] for name in wanted}
    for shard in sorted((work / "data").glob("shard-*.parquet")):
        for row in pq.read_table(shard, columns=["speaker", "style", "audio"]).to_pylist():
            found = clips.get(row["speaker"])
            if found is not None and not row["style"] and len(found) < UTTERANCES:
                wav, rate = soundfile.read(io.BytesIO(row["audio"]), dtype="float32")
                found.append(to_judge_rate(wav, rate))
        if all(len(found) == UTTERANCES for found in clips.values()):
            break
    for name, found in clips.items():
        if not found:
            raise KeyError(f"no utterance of {name} in {work / 'data'}: generate more speech")
    return clips


def speaker_vector(session, clips):
    """(1, 192): unit mean of the clips' vectors, with their mean pitch."""
    feats = [np.asarray(kaldi_features(wav), dtype=np.float32) for wav in clips]
    name = session.get_inputs()[0].name
    vectors = [session.run(None, {name: (feat - feat.mean(0))[None]})[0][0] for feat in feats]
    mean = np.mean(vectors, axis=0)
    return torch.from_numpy(with_pitch(mean / np.linalg.norm(mean), pitch_of(mean)))[None]


def preset_speakers(work: Path, campplus: Path):
    """The content of spk2info.pt: name -> {"embedding": (1, 192) float32}."""
    session, clips = one_thread_session(campplus), preset_clips(work, set(PRESETS.values()))
    return {
        name: {"embedding": speaker_vector(session, clips[speaker])}
        for name, speaker in PRESETS.items()
    }


def model_card(work, figures):
    """The directory's README.md: model_card.md with the figures and the hours of speech."""
    from tools.evaluate import table

    card, unknown = CARD.read_text("utf-8"), "Not evaluated yet: run `python -m tools.evaluate`."
    speakers = json.loads((work / "speakers.json").read_text("utf-8"))["speakers"]
    filled = {
        "figures": table(figures) if figures else unknown,
        "hours": f"{hours(work / 'data'):.1f}",
        "prosody_hours": f"{hours(work / 'prosody'):.0f}",
        "speakers": str(len(speakers)),
    }
    for name, value in filled.items():
        card = card.replace(f"{{{name}}}", value)
    return card


def hours(folder: Path) -> float:
    return sum(seconds_of(shard) for shard in folder.glob("shard-*.parquet")) / 3600


def pack(work: Path, weights: dict[str, Path], out: Path, figures=None):
    """Write the model directory `out`; weights: paths of llm, flow and hift."""
    out.mkdir(parents=True, exist_ok=True)
    for name, path in weights.items():
        shrink(path, out / f"{name}.pt", name in INT8)
    shutil.copyfile(work / "speaker_encoder.onnx", out / "campplus.onnx")
    shutil.copyfile(work / "speech_tokenizer_v1.onnx", out / "speech_tokenizer_v1.onnx")
    shutil.copyfile(CONFIG, out / "cosyvoice.yaml")
    shutil.copyfile(work / BOOK, out / BOOK)
    torch.save(preset_speakers(work, out / "campplus.onnx"), out / "spk2info.pt")
    (out / "README.md").write_text(model_card(work, figures), "utf-8")
    for path in sorted(out.iterdir()):
        log.info("%8.2f MB  %s", path.stat().st_size / 1e6, path.name)


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--llm", type=Path, required=True)
    parser.add_argument("--flow", type=Path, required=True)
    parser.add_argument("--hift", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("pretrained_models") / MODEL_NAME)
    parser.add_argument("--figures", type=Path, help="JSON that tools.evaluate wrote")
    args = parser.parse_args()
    figures = json.loads(args.figures.read_text("utf-8"))["figures"] if args.figures else None
    pack(args.work, {"llm": args.llm, "flow": args.flow, "hift": args.hift}, args.out, figures)


if __name__ == "__main__":
    main()
