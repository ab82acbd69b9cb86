"""Mail and web addresses, files and names of users in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.numbers import LETTER, digits, in_pairs
from cosyvoice.text.english.tables import any_of
from cosyvoice.text.spans import reader

SIGNS = {
    "@": "at",
    ".": "dot",
    "/": "slash",
    "\\": "backslash",
    "-": "dash",
    "_": "underscore",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "+": "plus",
    "~": "tilde",
    "!": "exclamation mark",
    "$": "dollar",
    "*": "star",
    ",": "comma",
    ";": "semicolon",
}
# Endings that are read letter by letter
COUNTRIES = "de fr it uk us cn jp io ai tv ca au eu sm es ru kr nl ch be in me co".split()
ENDINGS = """
    com org net edu gov mil info biz app dev ly cc gl xyz online shop site tech cloud wiki abc
    """.split()
FILES = """
    txt md pdf doc docx xls xlsx ppt pptx csv tsv json yml yaml xml htm html css js jsx ts tsx
    py ipynb java cpp hpp cc go rs rb php sh bat exe dll zip tar gz rar 7z mp3 mp4 wav ogg flac
    avi mov mkv jpg jpeg png gif svg webp bmp ico iso apk dmg log ini cfg conf toml sql db onnx
    pt bin safetensors srt epub tex""".split()


def spell(written: str) -> str:
    """a.b@example.com -> a dot b at example dot com."""
    parts = re.findall(rf"\d+|[{LETTER}]+|\s+|.", written)
    return " ".join(word for part in parts if (word := part_words(part)))


def part_words(part: str) -> str:
    if part.isdecimal():
        return digits(part) if len(part) > 2 or part[0] == "0" else in_pairs(part)
    return part if part[0].isalpha() else SIGNS.get(part, "")


def say_web(match: re.Match[str]) -> str:
    """Without https://, which nobody says."""
    address = re.sub("^(?:https?|ftp)://", "", match[0].rstrip("/"))
    host, slash, rest = address.partition("/")
    return spell(host_letters(host) + slash + rest)


def say_mail(match: re.Match[str]) -> str:
    return spell(host_letters(match[0]))


def host_letters(host: str) -> str:
    """With capitals for what is read letter by letter: www and the names of countries."""
    host = re.sub(r"^www(?=\.)", "WWW", host)
    return re.sub(rf"(?<=\.){any_of(COUNTRIES)}$", lambda match: match[0].upper(), host)


PATH = r"(?:[/?#][\w\-.~:/?#@!$&*+=%,;]*[\w/=])?/?"
FOLDER = r"[\w-]{1,64}"
ADDRESSES = (
    reader(
        "address",
        r"(?<![\w.])[A-Za-z0-9][\w.+&-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,10}"
        r"(?:/[\w/-]*\w)?\b",
        say_mail,
    ),
    reader("address", rf"(?<![\w@])(?:https?|ftp)://[\w.:-]*\w{PATH}", say_web),
    reader("address", rf"(?<![\w@./])www\.[\w.-]*\w{PATH}", say_web),
    reader(
        "address",
        rf"(?<![\w@./-])(?:[a-z0-9][a-z0-9-]{{0,62}}\.){{1,4}}{any_of([*ENDINGS, *COUNTRIES])}"
        rf"(?::\d{{2,5}})?{PATH}(?![\w@])",
        say_web,
    ),
    reader(
        "address",  # Example.com
        rf"(?<![\w@./-])(?:[A-Z][A-Za-z0-9-]{{0,62}}\.){{1,2}}(?:com|org|net|io|ai)"
        rf"\b{PATH}(?![\w@])",
        say_web,
    ),
    reader("address", r"(?<![\w/])file:///?[\w.:/-]*\w", lambda match: spell(match[0])),
    reader(
        "address",  # src/main.py
        rf"(?<![\w.@/\\-])(?:(?:~|\.{{1,2}})?[/\\])?{FOLDER}(?:[/\\]{FOLDER}){{0,12}}"
        rf"(?:\.[\w-]{{1,20}}){{0,3}}\.{any_of(FILES)}(?![\w/]|\.\w)",
        lambda match: spell(match[0]),
    ),
    reader(
        "address",  # /usr/local/bin
        r"(?<![\w.<:/])(?:~|\.{1,2})?/[A-Za-z_.][\w.-]*(?:/[\w.-]*\w)+/?",
        lambda match: spell(match[0].rstrip("/")),
    ),
    reader("address", r"(?<!\w)[A-Za-z]:\\[\w\\.-]*\w", lambda match: spell(match[0])),
    reader("address", r"(?<![\w@.])@[A-Za-z_]\w*", lambda match: spell(match[0])),
    reader(
        "address",  # r/AskReddit
        r"(?<![\w/])[ru]/[A-Za-z]\w+",
        lambda match: match[0].replace("/", " slash "),
    ),
)
