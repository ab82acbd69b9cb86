"""Tables of written forms, as text that is easy to read and to extend."""

from __future__ import annotations

import re
from collections.abc import Iterable


def table(lines: str) -> dict[str, str]:
    """Written forms -> words.

    Entries are "words: form form"; a semicolon or the end of a line ends each. _ stands for a blank
    inside a form.
    """
    words: dict[str, str] = {}
    for entry in re.split(r"[;\n]", lines):
        if entry.strip():
            name, forms = entry.split(":")
            words |= {form.replace("_", " "): name.strip() for form in forms.split()}
    return words


def any_of(forms: Iterable[str]) -> str:
    """A pattern of these forms, the longest first."""
    return f"(?:{'|'.join(re.escape(form) for form in sorted(forms, key=len, reverse=True))})"
