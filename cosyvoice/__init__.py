"""CosyVoice: text to speech and voice cloning from the official model directories."""

import sys
from importlib.util import find_spec
from pathlib import Path

from cosyvoice.utils.process import prepare

prepare()  # before torch is imported
if find_spec("matcha") is None:  # cosyvoice.yaml names modules under Matcha's names
    sys.path.append(str(Path(__file__).resolve().parent.parent / "third_party" / "Matcha-TTS"))
