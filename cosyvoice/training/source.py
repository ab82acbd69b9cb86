"""A model directory as the start of a training: its files, and what makes its inputs.

The networks are not built here; the trainer builds the one that it trains.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cosyvoice.cli.cosyvoice import fingerprint
from cosyvoice.cli.frontend import CosyVoiceFrontEnd
from cosyvoice.cli.frontend_qwen import QwenFrontEnd
from cosyvoice.cli.model_list import (
    FAMILY_MINI,
    Family,
    Layout,
    check_files,
    family_of,
    find_model,
    layout_of,
)
from cosyvoice.cli.speakers import SpeakerFile
from cosyvoice.training.trainer import read_config


@dataclass(frozen=True)
class Source:
    """The model that is trained further. Raises as the engine does for a directory it cannot load.

    folder: of the model.
    """

    folder: Path

    @classmethod
    def of(cls, model: str) -> "Source":
        """model: a directory, or a ModelScope id, which is downloaded."""
        source = cls(find_model(model))
        check_files(source.folder, source.layout)
        return source

    @cached_property
    def layout(self) -> Layout:
        return layout_of(self.folder)

    @property
    def config_path(self) -> Path:
        return self.folder / self.layout.config

    @cached_property
    def config(self) -> dict:
        """The entries of its YAML; of the networks only the flow is built, without weights."""
        return read_config(self.config_path, "flow")

    @property
    def sample_rate(self) -> int:
        return self.config["sample_rate"]

    @property
    def hop_size(self) -> int:
        """Samples of a mel frame."""
        return self.config["feat_extractor"].keywords["hop_size"]

    @property
    def token_rate(self) -> int:
        return self.config["flow"].input_frame_rate

    @property
    def causal(self) -> bool:
        """Whether it is CosyVoice2 or 3, whose tokens have a whole number of mel frames."""
        return self.config["flow"].causal

    @cached_property
    def family(self) -> Family:
        return family_of(self.layout, self.token_rate)

    @property
    def small(self) -> bool:
        """Whether it is the small model of the repository, or was trained from it."""
        return str(self.config.get("model_family", "")).startswith(FAMILY_MINI.name)

    @property
    def trainable(self) -> tuple[str, ...]:
        """The networks that gain from recordings.

        The small model's language model learned from exact tokens. Its speech tokenizer mishears a
        fifth of the sounds, so recordings would teach it to misspeak. Its vocoder learned from few
        voices and gains (docs/training.md), which of the official ones is not known.
        """
        return ("flow", "hift") if self.small else ("llm", "flow")

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.folder, self.layout)

    @cached_property
    def speakers(self) -> dict[str, dict]:
        return SpeakerFile(self.folder / self.layout.speakers).read()

    @cached_property
    def front_end(self) -> CosyVoiceFrontEnd:
        parts = (
            self.config["get_tokenizer"],
            self.config["feat_extractor"],
            self.folder / self.layout.speaker_encoder,
            self.folder / self.layout.speech_tokenizer,
            self.folder / self.layout.speakers,
            self.config["allowed_special"],
            self.sample_rate,
        )
        if self.layout.text_model:
            return QwenFrontEnd(*parts, system_prompt=self.family.system_prompt)
        return CosyVoiceFrontEnd(*parts)
