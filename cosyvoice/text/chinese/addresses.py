"""Addresses of mail, pages and files, as they are said in Chinese."""

import re

from cosyvoice.text.chinese.numbers import any_of
from cosyvoice.text.language import HAN
from cosyvoice.text.numbers import chinese_number, telephone_digits
from cosyvoice.text.spans import reader

SIGNS = {
    ".": "点",
    "/": "斜杠",
    "\\": "反斜杠",
    "_": "下划线",
    "-": "杠",
    ":": "冒号",
    "@": " at ",
    "?": "问号",
    "=": "等于",
    "&": "和",
    "#": "井号",
    "%": "百分号",
    "+": "加",
    "~": "波浪号",
}
DOMAINS = """
    com cn net org io edu gov ai me tv cc info biz app dev co uk us jp hk tw top xyz vip site shop
    club online tech







"""
FILES = """
    html? php aspx? jsp json xml ya?ml toml ini cfg conf txt md pdf docx? xlsx? pptx? csv tsv log
    zip rar gz tar 7z exe dmg apk ipa iso jpe?g png gif bmp svg webp mp[34] m4a wav flac ogg avi
    mov mkv flv py js ts jsx tsx css java cpp rs go sh bat sql ipynb vue psd dll so bin dat bak tmp
    srt lrc epub mobi c h







"""
ENDING = rf"(?:{any_of(DOMAINS + FILES)})(?![A-Za-z0-9_])"
PART = r"[A-Za-z0-9_-]+"
PATH = r"[A-Za-z0-9._~:/?#@!$&*+=%-]*[A-Za-z0-9]"


def address(match: re.Match[str]) -> str:
    """Letters as they are, numbers and signs in words; https:// is left out."""
    text = re.sub(r"^(?:https?|ftp)://|^mailto:", "", match[0]).rstrip("/") or match[0]
    return "".join(piece_words(piece) for piece in re.findall(r"\d+|[A-Za-z]+|.", text))


def piece_words(piece: str) -> str:
    if not piece.isdecimal():
        return SIGNS.get(piece, piece)
    by_digits = len(piece) > 2 or piece[0] == "0"
    return telephone_digits(piece) if by_digits else chinese_number(int(piece))


READERS = (
    reader("address", rf"(?:https?|ftp)://{PATH}/?", address),
    reader(
        "address",
        rf"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+.-]{{1,64}}@{PART}(?:\.{PART}){{1,5}}",
        address,
    ),
    reader("address", rf"(?<![A-Za-z0-9._-])www\.{PATH}", address),
    reader(
        "address",
        rf"(?<![A-Za-z0-9._@/-]){PART}(?:\.{PART}){{0,5}}\.{ENDING}(?:[/?]{PATH})?",
        address,
    ),
    reader("address", rf"(?<=[{HAN}])\.(?={ENDING})", "点"),
    reader(
        "address",
        r"(?<![A-Za-z0-9.])(?:[A-Z]:\\|~?/|\.{1,2}/)[\w.-]+(?:[/\\][\w.-]+){1,20}",
        address,
    ),
)
