"""A text that changes on its way to speech and still knows what was written for each character."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

Edit = tuple[int, int, str, str]  # start, end, new text, what it was written as


class Aligned:
    """A text and, for each of its characters, the written characters that it stands for.

    Read from left to right, `written` is the text as its author wrote it, without what was markup:
    一百 for "100" has "100" at its first character and "" at its second.
    """

    __slots__ = ("text", "written")

    def __init__(self, text: str, written: Sequence[str] | None = None):
        self.text = text
        self.written = list(text) if written is None else list(written)
        assert len(self.text) == len(self.written)

    @classmethod
    def of_word(cls, spoken: str, written: str) -> Aligned:
        """Words that stand for something written as a whole; spoken must not be empty."""
        return cls(spoken, [written, *[""] * (len(spoken) - 1)])

    @property
    def as_written(self) -> str:
        return "".join(self.written)

    def __len__(self) -> int:
        return len(self.text)

    def __bool__(self) -> bool:
        return bool(self.text)

    def __getitem__(self, part: slice) -> Aligned:
        return Aligned(self.text[part], self.written[part])

    def __add__(self, other: Aligned) -> Aligned:
        return Aligned(self.text + other.text, self.written + other.written)

    def edit(self, edits: Iterable[Edit]) -> Aligned:
        """The text with some parts replaced; the edits are in order and do not overlap.

        What was written for a part that is left out joins the character before it.
        """
        edits = list(edits)
        if not edits:
            return self
        parts: list[str] = []
        written: list[str] = []
        at, lost = 0, ""
        for start, end, new, was in edits:
            parts += [self.text[at:start], new]
            kept = self.written[at:start]
            if lost and kept:
                kept[0], lost = lost + kept[0], ""
            written += kept
            if new:
                written += [lost + was, *[""] * (len(new) - 1)]
                lost = ""
            elif written:
                written[-1] += was
            else:
                lost += was
            at = end
        rest = self.written[at:]
        if lost and rest:
            rest[0] = lost + rest[0]
        return Aligned("".join([*parts, self.text[at:]]), written + rest)

    def sub(
        self, pattern: str | re.Pattern[str], new: str | Callable[[re.Match[str]], str]
    ) -> Aligned:
        """As re.sub, where the new text stands for all that the match was written as."""
        return self.edit(
            (
                match.start(),
                match.end(),
                new if isinstance(new, str) else new(match),
                "".join(self.written[match.start() : match.end()]),
            )
            for match in re.finditer(pattern, self.text)
        )

    def drop(self, parts: Iterable[tuple[int, int]]) -> Aligned:
        """Without some parts, which are markup and not shown; in order, each (start, end)."""
        return self.edit((start, end, "", "") for start, end in parts)

    def strip(self) -> Aligned:
        left = len(self.text) - len(self.text.lstrip())
        return self[left : len(self.text.rstrip())]
