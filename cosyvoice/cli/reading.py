"""`python -m cosyvoice read`: what will be spoken of a text, without a model and without sound."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterable

from cosyvoice.text.preview import preview
from cosyvoice.text.pronunciations import checked


def print_reading(arguments: Namespace) -> None:
    """Print the spans of arguments.text with their classes and words, then the sentences."""
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    if not text.strip():
        raise ValueError("the text is empty: write words or digits")
    read = preview(text, arguments.language, pronunciations_of(arguments.pronounce))
    print(json.dumps(read, ensure_ascii=False, indent=2) if arguments.json else table(read))


def pronunciations_of(entries: Iterable[str]) -> dict[str, str]:
    """Each WORD=HOW of the command line. Raises ValueError, or PronunciationError."""
    pairs = []
    for entry in entries:
        word, equals, said = entry.partition("=")
        if not equals:
            raise ValueError(
                f"--pronounce {entry!r} has no '=': write WORD=HOW, such as '重庆=chong2 qing4'"
            )
        pairs.append((word, said))
    return checked(pairs)


def table(read: dict) -> str:
    """For people: a line for each span and for each sentence."""
    spans = [f"{s['class']:<14}{s['language']:<5}{in_words(s)}" for s in read["spans"]]
    sentences = [f"{s['seconds']:5.1f} s  {s['spoken']}" for s in read["sentences"]]
    left_out = [f"tags left out: {', '.join(read['left_out_tags'])}"] * bool(read["left_out_tags"])
    return "\n".join([*spans, "", *sentences, f"{read['seconds']:5.1f} s  in all", *left_out])


def in_words(span: dict) -> str:
    """What is written and, where it differs, what is spoken."""
    written, spoken = span["written"].strip(), span["spoken"].strip()
    if span["class"] == "pause":
        return f"{span['seconds']:g} s"
    return spoken if written == spoken else f"{written} -> {spoken}"
