"""The speakers of a model directory, in its spk2info.pt: {name: what the model needs to speak so}.

A preset speaker is {"embedding": (1, 192)}; one cloned from a reference is a voice, see voice.py.
"""

from pathlib import Path
from threading import Lock

from cosyvoice.utils.files import read_dict, save_whole, widen

SAVING = Lock()  # two engines of one process may share a directory


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
