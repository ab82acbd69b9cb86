"""Errors that a caller of the engine can cause, with a message in English and in Chinese.

The service maps each class to an HTTP error. Programs may catch InputError for all of them.
"""

import errno

# numbers of an OSError
DISK_FULL = frozenset((errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)))


class InputError(ValueError):
    """A value from the caller cannot be used. str() has both languages on one line."""

    def __init__(self, en: str, zh: str):
        super().__init__(f"{en} / {zh}")
        self.en, self.zh = en, zh


class TextError(InputError):
    """The text is empty, too long, or holds nothing that can be spoken."""


class TextTooLong(TextError):
    """The text is too long when its numbers and signs are read in words."""


class PronunciationError(InputError):
    """An entry of a pronunciation list cannot be used. entry: its index, None for no one entry."""

    def __init__(self, en: str, zh: str, entry: int | None = None):
        super().__init__(en, zh)
        self.entry = entry


class ReferenceAudioError(InputError):
    """The reference audio cannot be read, is silent, too short or too long."""


class SourceAudioError(InputError):
    """Audio to convert cannot be read, is silent or without speech, too short or too long."""


class UnknownSpeaker(InputError):
    """The model has no speaker of that name."""


class VoiceError(InputError):
    """A saved voice is damaged, incomplete, or made by another model family."""


class InstructUnsupported(InputError):
    """The loaded model was not trained to follow instructions."""


class ManuscriptError(InputError):
    """A file to read from is no text and no EPUB, is damaged, protected, or holds nothing."""
