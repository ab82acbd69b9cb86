"""The speakers of a model directory, in its spk2info.pt: {name: what the model needs to speak so}.

A preset speaker is {"embedding": (1, 192)}; one cloned from a reference is a voice, see voice.py.
"""

import re
from pathlib import Path
from threading import Lock

from cosyvoice.text.language import CODES
from cosyvoice.utils.files import read_dict, save_whole, widen

# How names of speakers begin or what is in them -> the language they speak.
NAMED_LANGUAGES = {
    "中文": "zh",
    "汉语": "zh",
    "普通话": "zh",
    "chinese": "zh",
    "mandarin": "zh",
    "英文": "en",
    "英语": "en",
    "english": "en",
    "粤语": "yue",
    "广东话": "yue",
    "cantonese": "yue",
    "日语": "ja",
    "日文": "ja",
    "japanese": "ja",
    "韩语": "ko",
    "韩文": "ko",
    "korean": "ko",
    "德语": "de",
    "german": "de",
    "法语": "fr",
    "french": "fr",
    "西班牙语": "es",
    "spanish": "es",
    "意大利语": "it",
    "italian": "it",
    "俄语": "ru",
    "russian": "ru",
}
SAVING = Lock()  # two engines of one process may share a directory


def language_of_speaker(name: str) -> str:
    """The language that a speaker's name tells: 日语男 -> ja, English woman -> en; else "".

    A name may also begin with a language's code: en_female_1.
    """
    lowered = name.casefold()
    code = re.match(rf"({'|'.join(CODES)})(?:[_-]|$)", lowered)
    named = (code_of for word, code_of in NAMED_LANGUAGES.items() if word in lowered)
    return code[1] if code else next(named, "")


class SpeakerFile:
    """Reads the file and saves what was changed since. Thread-safe.

    Processes that save at the same time: the last one wins, and the file is whole at any time.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.loaded: dict[str, dict] = {}

    def read(self) -> dict[str, dict]:
        """Its speakers as float32; none when there is no file."""
        if self.path.is_file():
            self.loaded = read_dict(self.path, widen)
        return dict(self.loaded)

    def save(self, speakers: dict[str, dict]) -> None:
        """Write what was added, replaced or removed since it was read; the rest stays as it is."""
        with SAVING:
            speakers = dict(speakers)
            stored = read_dict(self.path) if self.path.is_file() else self.loaded
            kept = {
                name: info
                for name, info in stored.items()
                if name in speakers or name not in self.loaded
            }
            changed = {
                name: info for name, info in speakers.items() if info is not self.loaded.get(name)
            }
            mode = self.path.stat().st_mode & 0o777 if self.path.is_file() else 0o644
            save_whole({**kept, **changed}, self.path, mode)
            self.loaded = speakers
