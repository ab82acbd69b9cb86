"""The voices of all recordings, as the speaker encoder finds them in mels -> WORK/voices.pt.

    python -m tools.mini.training.voices --work WORK

(N, D) float32, a unit vector for each recording in WORK/train/data.list that is long enough. The
flow's last stage (tools/mini/training/straight_flow.py) collects the voices of its batches, which a
voice must not be mistaken for; with this file it has them before its first step.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from cosyvoice.training.trainer import load_config
from tools.mini import CONFIG
from tools.mini.hearing.listener import spoken_mels
from tools.mini.hearing.voice_loss import BankOfMels, VoiceLoss
from tools.mini.training.straight_flow import HEARD, PIECE, heard_voices, piece


@torch.inference_mode()
def voices(work: Path) -> Tensor:
    mel_spectrogram = load_config(CONFIG, "flow")["feat_extractor"]
    voice_loss = VoiceLoss.of(work, BankOfMels.of(work, mel_spectrogram))
    found = []
    for mel, _ in spoken_mels(work / "train/data.list", mel_spectrogram):
        if len(mel) >= PIECE:
            pieces = [mel[piece(0, len(mel), PIECE)[1]] for _ in range(HEARD)]
            found.append(heard_voices(voice_loss, torch.stack(pieces)))
    return torch.cat(found)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.save(voices(args.work), args.work / "voices.pt")


if __name__ == "__main__":
    main()
