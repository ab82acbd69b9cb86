"""Tags: pauses, SSML, HTML and the marks of the models, in a text.

[pause 500ms] and <break time="500ms"/> make silence. Of SSML, sub, say-as, p and s are followed;
other tags are left out. Marks that a model understands pass.
"""

import html
import re
from collections.abc import Callable

from cosyvoice.text.aligned import Aligned, Edit
from cosyvoice.text.language import TOKEN_MARK
from cosyvoice.text.objects import Mark, Objects, Pause, Said
from cosyvoice.utils.errors import TextError

LONGEST_PAUSE = 10.0  # seconds
LONGEST_SILENCE = 300.0  # seconds, of all pauses of a text

# Marks that the official models were trained with. Pinyin and phonemes of CosyVoice3 stand in
# brackets too, always several in a row: [j][ǐ].
SOUNDS = (
    "breath|noise|laughter|cough|clucking|accent|quick_breath|hissing|sigh|vocalized-noise|"
    "lipsmack|mn"
)
MODEL_MARK = re.compile(
    rf"{TOKEN_MARK}|\[(?:{SOUNDS})\]|</?(?:strong|laughter)>|<endofprompt>"
    r"|\[[a-zü]*[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ][a-z]*\]"
    r"|(?:\[(?:[a-zü\u00e0-\u01dc]{1,6}|[A-Z]{1,2}[0-2]?)\]){2,}"
)
OUR_PAUSE = re.compile(r"\[(?:pause|停顿|停頓)[ :：]?\s*([^\[\]\n]{0,40})\]", re.I)
LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|毫秒|s|sec|seconds?|秒)", re.I)
ATTRIBUTES = r"(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=]+))*"
TAG = re.compile(rf"<(/?)([A-Za-z][\w:.-]{{0,40}})({ATTRIBUTES})\s*(/?)>")
ELEMENT = re.compile(
    rf"<(?P<name>sub|say-as)(?P<attributes>{ATTRIBUTES})\s*>(?P<inside>[^<>]*)</(?P=name)\s*>", re.I
)
UNSEEN = re.compile(r"<!--.*?-->|<(script|style|head|template)\b[^>]*>.*?</\1\s*>", re.I | re.S)

SAY_AS = {  # as SSML 1.1 and its speech services name them -> the classes that we read
    "characters": "characters",
    "spell-out": "characters",
    "verbatim": "characters",
    "digits": "digits",
    "telephone": "telephone",
    "date": "date",
    "time": "time",
    "cardinal": "cardinal",
    "number": "cardinal",
    "ordinal": "ordinal",
}
LINES = frozenset(
    "p s br div li ul ol dl dt dd h1 h2 h3 h4 h5 h6 tr table thead tbody blockquote section "
    "article header footer main nav aside hr pre figure figcaption title body html form "
    "option".split()
)
CELLS = frozenset(("td", "th"))
INLINE = frozenset(
    "a abbr acronym address b bdi bdo big button center cite code data del dfn em font i img input "
    "ins kbd label link mark meta meter nobr o:p picture q rp rt ruby samp small source span "
    "strike sub sup svg path time tt u var video audio wbr canvas iframe object embed param "
    "textarea select colgroup col caption details summary".split()
)
SSML = frozenset("speak prosody voice emphasis phoneme audio lang mark w token say-as".split())
FOLLOWED = frozenset(("p", "s", "br", "break"))


def replace(
    text: Aligned, objects: Objects, left_out: Callable[[str], None] | None = None
) -> Aligned:
    """The text with each tag replaced: by a private character, a pause of its line, or nothing.

    left_out is called with the name of each tag that has no effect. Raises TextError for a pause
    that cannot be understood or is too long.
    """
    if "<" not in text.text and "[" not in text.text:
        return text
    note = left_out or (lambda name: None)
    text = text.drop(match.span() for match in UNSEEN.finditer(text.text))
    text = text.edit(_elements(text, objects, note))
    text = text.edit(_marks(text, objects))
    text = text.edit(_pauses(text, objects))
    return text.edit(_tags(text, objects, note))


def left_out_tags(text: str) -> list[str]:
    """The names of the tags in a text that have no effect, each once.

    Raises TextError as `replace`, and for pauses that are too long together.
    """
    names: dict[str, None] = {}
    objects = Objects()
    replace(Aligned(text), objects, lambda name: names.setdefault(name))
    check_silence(objects.pause_seconds)
    return list(names)


def check_silence(seconds: float) -> None:
    """Raises TextError for pauses that are too long together."""
    if seconds > LONGEST_SILENCE:
        raise TextError(
            f"the pauses are {seconds:g} s together: use at most {LONGEST_SILENCE:g} s in a text",
            f"停顿共 {seconds:g} 秒，每段文本最多 {LONGEST_SILENCE:g} 秒",
        )


def _elements(text: Aligned, objects: Objects, note: Callable[[str], None]) -> list[Edit]:
    edits: list[Edit] = []
    for match in ELEMENT.finditer(text.text):
        attributes, inside = _attributes(match["attributes"]), match["inside"].strip()
        start = match.start("inside")
        written = "".join(text.written[start : match.end("inside")]).strip()
        if match["name"].lower() == "sub" and attributes.get("alias", "").strip():
            said = Said(written, alias=attributes["alias"].strip())
        elif match["name"].lower() == "say-as" and (
            kind := SAY_AS.get(attributes.get("interpret-as", "").lower())
        ):
            said = Said(inside, interpret_as=kind)
        else:
            note(match["name"].lower())
            edits.append((match.start(), start, "", ""))
            edits.append((match.end("inside"), match.end(), "", ""))
            continue
        edits.append((match.start(), match.end(), objects.add(said), written))
    return edits


def _marks(text: Aligned, objects: Objects) -> list[Edit]:
    return [
        (match.start(), match.end(), objects.add(Mark(match[0])), "")
        for match in MODEL_MARK.finditer(text.text)
    ]


def _pauses(text: Aligned, objects: Objects) -> list[Edit]:
    return [
        (match.start(), match.end(), objects.add(Pause(our_pause(match))), "")
        for match in OUR_PAUSE.finditer(text.text)
    ]


def our_pause(match: re.Match[str]) -> float:
    """The seconds of [pause 500ms]; TextError when it cannot be understood."""
    seconds = pause_seconds(match[1])
    if seconds is None:
        raise TextError(
            f"{match[0]} is not a pause: write a number with ms or s, such as [pause 500ms]",
            f"{match[0]} 不是有效的停顿，请写数字加 ms 或 s，例如 [pause 500ms]",
        )
    return seconds


def pause_seconds(length: str) -> float | None:
    """500ms -> 0.5; None for what is no length. Raises TextError for one that is too long."""
    match = LENGTH.fullmatch(length.strip())
    if match is None:
        return None
    seconds = float(match[1]) * (0.001 if match[2].lower() in ("ms", "毫秒") else 1.0)
    if seconds > LONGEST_PAUSE:
        raise TextError(
            f"a pause of {length.strip()} is too long: use at most {LONGEST_PAUSE:g} s",
            f"停顿 {length.strip()} 过长，最长 {LONGEST_PAUSE:g} 秒",
        )
    return seconds


def _tags(text: Aligned, objects: Objects, note: Callable[[str], None]) -> list[Edit]:
    closed = {match[2].lower() for match in TAG.finditer(text.text) if match[1] or match[4]}
    edits: list[Edit] = []
    for match in TAG.finditer(text.text):
        name = match[2].lower()
        known = name in LINES or name in CELLS or name in INLINE or name in SSML or name == "break"
        if not (known or name in closed or match[3].strip()):
            continue  # a sign: 1<x and y>2
        new = ""
        if name == "break":
            length = _attributes(match[3]).get("time", "")
            seconds = pause_seconds(length)
            if seconds is None:
                note(name)
            else:
                new = objects.add(Pause(seconds))
        elif name in LINES:
            new = "\n\n" if name in ("p", "s") or re.fullmatch(r"h\d", name) else "\n"
        elif name in CELLS:
            new = ", " if match[1] else ""
        if name not in FOLLOWED:
            note(name)
        edits.append((match.start(), match.end(), new, " " if new.isspace() else ""))
    return edits


def _attributes(text: str) -> dict[str, str]:
    found = re.findall(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>=]+))", text)
    return {name.lower(): html.unescape(a or b or c) for name, a, b, c in found}
