"""Previews: what will be spoken of a text, span by span and sentence by sentence, without sound."""

import re
from collections.abc import Mapping

from cosyvoice.text.language import PACE, hint, syllables
from cosyvoice.text.objects import Pause
from cosyvoice.text.pronunciations import Spoken, as_typed
from cosyvoice.text.read import Note, Span, read, unnoted
from cosyvoice.text.sentences import Sentence, clauses_of, segments
from cosyvoice.text.tags import left_out_tags

ROUGH_TOKEN = re.compile(r"\w{1,5}|[^\w\s]")  # a tokenizer's, which decides where sentences are cut


def preview(
    text: str,
    near: str = "",
    pronunciations: Mapping[str, str] | None = None,
    speed: float = 1.0,
    note: Note = unnoted,
) -> dict:
    """What will be spoken, as JSON has it; errors and arguments as those of `read`.

    {"spans": [{"class", "language", "written", "spoken"}], a pause with its "seconds"; "sentences":
    [{"written", "spoken", "seconds"}]; "seconds": of all, pauses included; "left_out_tags": names}.
    Pinyin and phonemes of the list are shown as they are. Seconds of speech are estimates.
    """
    left_out = left_out_tags(text)
    spoken = Spoken(pronunciations or {}, as_typed)
    passages = list(read(text, hint(text, near), spoken, note))
    parts = list(segments(passages, rough_tokens))
    sentences = [each for part in parts if isinstance(part, Sentence) for each in part.pieces]
    lengths = [round(estimated_seconds(said) / speed, 2) for _, said in sentences]
    lines = [
        {"written": written, "spoken": said, "seconds": seconds}
        for (written, said), seconds in zip(sentences, lengths)
    ]
    pauses = sum(part.seconds for part in parts if isinstance(part, Pause))
    return {
        "spans": [described(span) for passage in passages for span in passage.spans],
        "sentences": lines,
        "seconds": round(sum(lengths) + pauses, 2),
        "left_out_tags": left_out,
    }


def described(span: Span) -> dict:
    about: dict = {"class": span.kind, "language": span.language, "written": span.written}
    if span.kind == "pause":
        return {**about, "spoken": "", "seconds": span.pause}
    return {**about, "spoken": span.spoken}


def estimated_seconds(spoken: str) -> float:
    """How long words take: a syllable, and the pause after a clause, at the usual pace."""
    return sum(syllables(clause) + 1.0 for clause in clauses_of(spoken)) / PACE


def rough_tokens(text: str) -> list[int]:
    return [0] * len(ROUGH_TOKEN.findall(text))
