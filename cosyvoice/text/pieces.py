"""A text that comes in pieces -> its sentences, each as soon as it is whole.

Where a sentence ends depends on the text alone, never on where the pieces were cut: a place is
decided only when what decides it has arrived. So 3. waits for what may be 3.14, Mr. for a name, and
a tag or Markdown for its other half. A full stop of Chinese or Japanese is decided at once.
"""

import re

from cosyvoice.text.language import HAN, KANA

LONGEST = 300  # characters; a text without any end is cut at its last comma or blank before that
LOOKAHEAD = 60  # characters after it that may decide whether a place is an end
QUOTATION = 60  # characters; a longer quotation does not keep its sentences together

CLOSING = "”’」』）】》\"')*_~`\\]"
WIDE_STOP = rf"[。！？।॥؟۔]|(?<=[{HAN}{KANA}])[!?]"
PLACE = re.compile(
    rf"(?P<wide>(?:{WIDE_STOP})[{CLOSING}]*)|(?P<narrow>[.!?]+[{CLOSING}]*)|(?P<line>\n)"
)
WIDE = re.compile(rf"[{HAN}{KANA}“‘「『（《【]")
HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]")
# What begins a line that is no continuation of the one before it. MARKER characters decide that.
BLOCK = re.compile(
    r"#{1,6}[ \t]|[-*+•·●○][ \t]|\d{1,3}[.)、．](?!\d)|[一二三四五六七八九十]{1,3}、|>|\||```|~~~"
)
MAY_BEGIN_BLOCK = re.compile(r"[-#*+•·●○>|`~\d一二三四五六七八九十]")
MARKER = 6

TITLES = frozenset(
    "mr mrs ms dr prof st jr sr rev gen capt lt col sgt hon gov sen vs "
    "hr fr bzw ca mme mlle sra dra ud uds".split()
)
BEFORE_FIGURES = frozenset(
    "no nos nr fig figs eq sec ch vol pp art cap approx "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
BLANKS = re.compile(r"\A\s+")
AFTER_STOP = re.compile(r"\A[\s。！？!?”’」』）】]+")  # of 好！！！, whose first mark ended it
LAST_WORD = re.compile(r"[\w'’]+\Z")

# What is open at the end of a text and waits for its other half.
OPEN = re.compile(
    r"<[A-Za-z/!|][^<>\n]{0,200}\Z"  # a tag or a mark
    r"|\[[^\[\]\n]{0,80}\Z"
    rf"|“[^”]{{0,{QUOTATION}}}\Z|「[^」]{{0,{QUOTATION}}}\Z|『[^』]{{0,{QUOTATION}}}\Z"
    rf"|（[^）]{{0,{QUOTATION}}}\Z|《[^》]{{0,{QUOTATION}}}\Z"
)
OPEN_TAG = re.compile(r"<[A-Za-z/!|][^<>\n]{0,200}\Z|\[[^\[\]\n]{0,80}\Z")
ELEMENTS = "sub|say-as|strong|laughter|script|style|head|template"
ELEMENT_BEGIN, ELEMENT_END = (
    re.compile(rf"{bracket}(?:{ELEMENTS})\b", re.I) for bracket in ("<", "</")
)
NO_WORDS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
BREAK = re.compile(r"[，、；：,;:]|\s")


class Pieces:
    """The sentences of a text that comes in pieces. Not thread-safe."""

    def __init__(self) -> None:
        self.rest = ""  # what is no whole sentence yet
        self.left_over = BLANKS  # what is dropped before the next sentence

    def add(self, piece: str) -> list[str]:
        """The sentences that are whole now."""
        self.rest = self.left_over.sub("", self.rest + piece)
        sentences = []
        while (end := end_of_first(self.rest)) is not None:
            sentences.append(self.rest[:end].strip())
            self.left_over = AFTER_STOP
            self.rest = AFTER_STOP.sub("", self.rest[end:])
        return sentences

    def flush(self) -> list[str]:
        """What is left as a sentence, if there is anything."""
        rest, self.rest = self.rest.strip(), ""
        return [rest] if rest else []


def end_of_first(text: str) -> int | None:
    """Where the first sentence of a text ends; None while more text may still decide that."""
    seen = text[: LONGEST + LOOKAHEAD]
    for match in PLACE.finditer(seen):
        if match.start() >= LONGEST:
            break
        if match["wide"]:
            ends = range(match.start() + 1, match.end() + 1)
            if end := next((end for end in ends if is_whole(seen[:end])), None):
                return end
            continue
        is_end = line_ends(seen, match.start()) if match["line"] else narrow_ends(seen, match)
        if is_end is None:
            break
        if is_end and is_whole(seen[: match.end()]):
            return match.end()
    return forced_end(seen[:LONGEST]) if len(text) >= LONGEST + LOOKAHEAD else None


def narrow_ends(text: str, match: re.Match[str]) -> bool | None:
    """Whether stops of Latin script end a sentence; None while more text may decide that."""
    after = text[match.end() :].lstrip(" \t")
    if not after:
        return None
    if after[0] == "\n":
        return True
    if after == text[match.end() :]:  # nothing between: 3.14, example.com, 他说OK.然后
        return WIDE.match(after) is not None
    return not (after[0].islower() or is_abbreviation(text[: match.end()], after[0]))


def is_abbreviation(before: str, following: str) -> bool:
    """Whether the text ends with a dot that is part of a word: J. Smith, Mr. Smith, No. 5."""
    found = LAST_WORD.search(before[:-1]) if before.endswith(".") else None
    if found is None:
        return False
    word = found[0].lower()
    return (
        len(word) == 1
        or word in TITLES
        or (word.isdigit() and len(word) == 2)
        or (word in BEFORE_FIGURES and following.isdigit())
    )


def line_ends(text: str, newline: int) -> bool | None:
    """Whether the end of a line ends a sentence; None while more text may decide that.

    It does before an empty line, after a heading, and before a line that is an item, a heading, a
    row, a quotation or a fence. Other lines are parts of a paragraph.
    """
    if HEADING.match(text, text.rfind("\n", 0, newline) + 1):
        return True
    after = text[newline + 1 :].lstrip(" \t")
    if not after:
        return None
    if after[0] == "\n":
        return True
    if MAY_BEGIN_BLOCK.match(after) is None:
        return False
    if len(after) < MARKER and "\n" not in after:
        return None
    return BLOCK.match(after) is not None


def is_whole(text: str) -> bool:
    """Whether a text has words, which show its language, and nothing in it is open."""
    return any(char.isalpha() for char in NO_WORDS.sub("", text)) and not (
        OPEN.search(text)
        or text.count("**") % 2
        or text.count("`") % 2
        or text.count("<!--") != text.count("-->")
        or len(ELEMENT_BEGIN.findall(text)) != len(ELEMENT_END.findall(text))
    )


def forced_end(text: str) -> int:
    """Where a text without ends is cut: at its last comma or blank, outside of tags if it can."""
    ends = [match.end() for match in BREAK.finditer(text, len(text) // 3)]
    return next((end for end in reversed(ends) if not OPEN_TAG.search(text[:end])), len(text))
