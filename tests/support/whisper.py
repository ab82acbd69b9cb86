"""A stand-in for the package faster_whisper, which hears what it is told to."""

import types

SAID = "希望你以后能够做的比我还好呦。"


class Whisper:
    """language and said: what is heard. events: what was done, in order."""

    def __init__(self, said: str = SAID, language: str = "zh"):
        self.said, self.language, self.events = said, language, []
        self.model = types.SimpleNamespace(is_multilingual=True)

    def package(self, folder) -> types.SimpleNamespace:
        """The package, with the model `small` in a folder as if it was downloaded before."""
        (folder / "model.bin").touch()

        def download_model(name, local_files_only=False):
            assert local_files_only and name == "small"
            return str(folder)

        return types.SimpleNamespace(download_model=download_model, WhisperModel=self.load)

    def load(self, model, local_files_only, **options):
        assert local_files_only
        self.events.append("load")
        return self

    def detect_language(self, wav):
        assert wav.ndim == 1
        self.events.append("detect")
        return self.language, 0.9, []

    def transcribe(self, wav, language, **options):
        self.events.append(f"hear {language}")
        return iter([types.SimpleNamespace(text=self.said)]), None
