"""Mail and web addresses, files, handles and hashtags in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.numbers import LETTER, digits, in_pairs
from cosyvoice.text.spans import reader

SIGNS = {
    "@": "at", ".": "dot", "/": "slash", "\\": "backslash", "-": "dash", "_": "underscore", ":": "colon", "?": "question mark",
    "=": "equals", "&": "and", "#": "hash", "%": "percent", "+": "plus", "~": "tilde", "!": "exclamation mark", "$": "dollar",
    "*": "star", ",": "comma", ";": "semicolon",
}  # fmt: skip
COUNTRIES = frozenset("de fr it uk us cn jp io ai tv ca au eu sm es ru kr nl se ch at be in me co".split())
EXTENSIONS = (
    "txt md pdf docx? xlsx? pptx? csv tsv json ya?ml xml html? css jsx? tsx? py ipynb java cpp hpp cc go rs rb php sh bat exe "
    "dll zip tar gz rar 7z mp3 mp4 wav ogg flac avi mov mkv jpe?g png gif svg webp bmp ico iso apk dmg log ini cfg conf toml "
    "sql db onnx pt bin safetensors srt epub tex"
).split()
FILE_END = rf"(?:{'|'.join(EXTENSIONS)})"
DOMAIN_END = "(?:com|org|net|edu|gov|mil|info|biz|io|ai|app|dev|tv|ly|cc|gl|co|uk|de|fr|cn|jp|eu|us|ca|au|ru|in|it|abc|sm|es|nl|ch|kr|me|xyz|online|shop|site|tech|cloud|wiki)"


def spell(written: str) -> str:
    """a.b@example.com -> a dot b at example dot com."""
    words = []
    for part in re.findall(rf"\d+|[{LETTER}]+|\s+|.", written):
        if part.isdigit() and part.isascii():
            words.append(digits(part) if len(part) > 2 or part[0] == "0" else in_pairs(part))
        elif part[0].isalpha():
            words.append(part)
        else:
            words.append(SIGNS.get(part, ""))
    return " ".join(word for word in words if word)


def say_web(match: re.Match[str]) -> str:
    """Without https://, which nobody says; www and the names of countries are letters."""
    address = re.sub(r"^(?:https?|ftp)://", "", match["address"].rstrip("/"))
    host, slash, rest = address.partition("/")
    host = re.sub(r"^www(?=\.)", "WWW", host)
    host = re.sub(r"(?<=\.)([a-z]{2})$", lambda m: m[1].upper() if m[1] in COUNTRIES else m[1], host)
    return spell(host + slash + rest)


def say_mail(match: re.Match[str]) -> str:
    return spell(re.sub(r"(?<=\.)([a-z]{2})$", lambda m: m[1].upper() if m[1] in COUNTRIES else m[1], match[0]))


def say_hashtag(match: re.Match[str]) -> str:
    return f"hashtag {separate_words(match['tag'])}"


def separate_words(name: str) -> str:
    """ThrowbackThursday -> Throwback Thursday, snake_case -> snake case."""
    parts = re.findall(rf"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-zà-öø-ɏ]+|[{LETTER}]+", name)
    return " ".join(in_pairs(part) if part.isdigit() and part.isascii() else part for part in parts)


PATH = r"(?:[/?#][\w\-.~:/?#@!$&*+=%,;]*[\w/=])?/?"
HOST = r"[A-Za-z0-9](?:[\w-]*\.)+"
ADDRESSES = (
    reader("address", r"(?<![\w.])[A-Za-z0-9][\w.+&-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,10}(?:/[\w/-]*\w)?\b", say_mail),
    reader("address", rf"(?<![\w@])(?P<address>(?:https?|ftp)://[\w.:-]*\w{PATH})", say_web),
    reader("address", rf"(?<![\w@./])(?P<address>www\.[\w.-]*\w{PATH})", say_web),
    reader("address", rf"(?<![\w@./-])(?P<address>(?:[a-z0-9][a-z0-9-]{{0,62}}\.){{1,4}}{DOMAIN_END}(?::\d{{2,5}})?{PATH})(?![\w@])", say_web),
    reader("address", rf"(?<![\w@./-])(?P<address>(?:[A-Z][A-Za-z0-9-]{{0,62}}\.){{1,2}}(?:com|org|net|io|ai)\b{PATH})(?![\w@])", say_web),
    reader("address", r"(?<![\w/])file:///?[\w.:/-]*\w", lambda m: spell(m[0])),
    reader("address", rf"(?<![\w.@/\\])(?:~|\.{{1,2}})?(?:[/\\]?[\w-]{{1,64}}){{0,12}}(?:\.[\w-]{{1,20}}){{0,3}}\.{FILE_END}(?![\w/]|\.\w)", lambda m: spell(m[0])),
    reader("address", r"(?<![\w.<:/])(?:~|\.{1,2})?/[A-Za-z_.][\w.-]*(?:/[\w.-]*\w)+/?", lambda m: spell(m[0].rstrip("/"))),
    reader("address", r"(?<![\w])[A-Za-z]:\\[\w\\.-]*\w", lambda m: spell(m[0])),
    reader("address", r"(?<![\w@.])@(?P<name>[A-Za-z_]\w*)", lambda m: f"at {spell(m['name'])}"),
    reader("address", r"(?<![\w#&/])#(?P<tag>[A-Za-z_]\w*)", say_hashtag),
    reader("address", r"(?<![\w/])(?P<kind>[ru])/(?P<name>[A-Za-z]\w+)", lambda m: f"{m['kind']} slash {m['name']}"),
    # identifiers of programs
    reader("code", r"(?<![\w.-])[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+(?:\(\))?", lambda m: separate_words(m[0])),
    reader("code", r"(?<![\w.-])[a-z]{2,}(?:[A-Z][a-z]+)+(?:\(\))?(?!\w)", lambda m: separate_words(m[0])),
    reader("code", r"(?<![\w-])(?P<dashes>--?)(?P<name>[A-Za-z][\w-]*)(?==| |$|[,.;)])", lambda m: f"{'dash ' * len(m['dashes'])}{spell(m['name'])}" if m["dashes"] == "--" or len(m["name"]) == 1 else None),
)
