"""What stands in a text and is no text: marks of the models, pauses, and words given by a tag.

While a text is read, each is one character of a private plane, so that no rule looks into it and
nothing cuts it. `Objects` knows what each of these characters stands for.
"""

from dataclasses import dataclass, field

FIRST = 0xF0000  # private use; such characters of a caller's text are dropped before
OBJECT = f"[{chr(FIRST)}-{chr(FIRST + 0xFFFD)}]"


@dataclass(frozen=True)
class Mark:
    """A mark that the model itself understands: <|en|>, [laughter], <strong>."""

    text: str


@dataclass(frozen=True)
class Pause:
    """A silence of this length."""

    seconds: float


@dataclass(frozen=True)
class Said:
    """Written text with the way to say it: an alias, or the class it is to be read as."""

    written: str
    alias: str | None = None
    interpret_as: str | None = None


@dataclass
class Objects:
    found: list[Mark | Pause | Said] = field(default_factory=list)

    def add(self, item: Mark | Pause | Said) -> str:
        """The character that stands for it from now on."""
        self.found.append(item)
        return chr(FIRST + len(self.found) - 1)

    @property
    def pause_seconds(self) -> float:
        """All pauses together."""
        return sum(item.seconds for item in self.found if isinstance(item, Pause))

    def get(self, character: str) -> Mark | Pause | Said | None:
        """What this character stands for; None for an ordinary character."""
        index = ord(character) - FIRST
        return self.found[index] if 0 <= index < len(self.found) else None
