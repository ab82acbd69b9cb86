"""EPUB -> title and chapters, in the order of its spine, with the titles of its table of contents.

The archive is read in memory, its files by their names in it, each within a limit of size; nothing
is extracted to a path. Entities that a document declares are not expanded. Scripts, notes, page
numbers and readings of characters (ruby) are left out. Source: EPUB 3.3 (W3C), and Open Packaging
Format 2.0.1 for older ones.
"""

import html
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterable
from urllib.parse import unquote

from cosyvoice.utils.errors import ManuscriptError

MAX_FILES = 20_000  # in the archive
MAX_FILE_BYTES = 4_000_000  # of one file that is read, unpacked
MAX_ALL_BYTES = 20_000_000  # of all that are read
MAX_TAGS = 500_000  # in all that are read
CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"

# What zipfile raises for archives that are damaged
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)
MAX_TAG = 4000  # characters of a tag that are looked at
MAX_GREATER = 5  # ">" in the attributes of a tag
TAG_NAME = re.compile(r"(/?)([A-Za-z_][\w:.-]{0,60})")
ATTRIBUTE = re.compile(r"([\w:.-]{1,60})\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)")
RAW = frozenset(("script", "style"))  # whose text is no markup
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
UNSPOKEN = frozenset("script style head template svg math audio video object rt rp nav".split())
UNSPOKEN_TYPES = frozenset(
    "noteref footnote footnotes endnote endnotes rearnote rearnotes note pagebreak page-list toc "
    "landmarks doc-noteref doc-footnote doc-endnote doc-endnotes doc-pagebreak doc-toc".split()
)
BLOCKS = frozenset(
    "p div br hr li ul ol dl dt dd h1 h2 h3 h4 h5 h6 tr table section article header footer main "
    "aside blockquote pre figure figcaption caption body".split()
)
HEADINGS = frozenset("h1 h2 h3".split())

Attributes = dict[str, str]
Chapters = list[tuple[str, str]]  # (title, text)


def read_epub(content: bytes) -> tuple[str, Chapters]:
    """The book's title, and (title, text) of each chapter; "" for no title.

    Raises ManuscriptError that says why the file cannot be used.
    """
    if content.count(b"PK\x01\x02") > MAX_FILES:  # before zipfile makes an object for each
        raise too_large_error(f"it holds more than {MAX_FILES} files")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return EpubReader(Archive(archive)).read()
    except ManuscriptError:
        raise
    except UNREADABLE as error:
        raise damaged_error(f"its archive is damaged ({type(error).__name__})") from error


class Archive:
    """The files of an EPUB, read within limits."""

    def __init__(self, archive: zipfile.ZipFile):
        self.archive, self.bytes_left, self.tags_left = archive, MAX_ALL_BYTES, MAX_TAGS
        self.files = {info.filename: info for info in archive.infolist()}

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def read(self, name: str) -> str:
        """The text of a file. Raises ManuscriptError."""
        if name not in self.files:
            raise damaged_error(f"{name[:80]!r} is missing in it")
        info = self.files[name]
        if info.flag_bits & 1:
            raise protected_error()
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise damaged_error("it is packed in a way that EPUB does not allow")
        with self.archive.open(info) as file:
            data = file.read(MAX_FILE_BYTES + 1)  # whatever size the archive claims
        text = decode_xml(data)
        self.bytes_left -= len(data)
        self.tags_left -= text.count("<")
        if len(data) > MAX_FILE_BYTES or min(self.bytes_left, self.tags_left) < 0:
            raise too_large_error("it unpacks to too much text")
        return text


class EpubReader:
    """Reads one EPUB."""

    def __init__(self, archive: Archive):
        self.archive = archive

    def read(self) -> tuple[str, Chapters]:
        root = Elements(self.archive.read(CONTAINER)).first("rootfile", "full-path")
        package = Elements(self.archive.read(root))
        self.folder = posixpath.dirname(root)
        self.manifest = {
            item["id"]: item for item in package.named("item") if "id" in item and item.get("href")
        }
        order = [
            self.manifest.get(ref.get("idref", ""), {})
            for ref in package.named("itemref")
            if ref.get("linear", "yes").lower() != "no"
        ]
        spine = [
            self.path(self.folder, item["href"])
            for item in order
            if "html" in item.get("media-type", "")  # not pictures
        ]
        if not spine:
            raise damaged_error("it names no chapters")
        self.refuse_protected(spine)
        toc = self.table_of_contents(package)
        return package.text_of("title"), self.chapters(spine, toc)

    def refuse_protected(self, spine: list[str]) -> None:
        """Fonts may be disguised; a document that is makes the book unreadable."""
        if ENCRYPTION in self.archive:
            listed = Elements(self.archive.read(ENCRYPTION)).named("cipherreference")
            if {self.path("", item.get("uri", "")) for item in listed} & set(spine):
                raise protected_error()

    def table_of_contents(self, package: "Elements") -> dict[str, dict[str, str]]:
        """{path of a document: {fragment, "" for its beginning: title}}."""
        for item in self.manifest.values():
            is_nav = "nav" in item.get("properties", "").split()
            if is_nav or item.get("media-type") == "application/x-dtbncx+xml":
                path = self.path(self.folder, item["href"])
                if path in self.archive:
                    contents = Contents(self.archive.read(path))
                    if entries := self.entries(contents, posixpath.dirname(path)):
                        return entries
        return {}

    def entries(self, contents: "Contents", folder: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for href, title in contents.entries:
            name, _, fragment = href.partition("#")
            if title:
                found.setdefault(self.path(folder, name), {}).setdefault(fragment, title)
        return found

    def chapters(self, spine: list[str], toc: dict[str, dict[str, str]]) -> Chapters:
        """A document without an entry of its own goes on with the chapter before it."""
        found: list[tuple[str, list[str]]] = []
        for path in dict.fromkeys(spine):
            titles = toc.get(path, {})
            text = DocumentText(self.archive.read(path), titles)
            for title, words in text.sections():
                if not words:
                    continue
                if title is None and toc and found:
                    found[-1][1].append(words)
                    continue
                title = " ".join((title or ("" if titles else text.heading)).split())
                has_title = words[: 2 * len(title)].replace("\n", " ").startswith(title)
                found.append((title, [words] if has_title else [title, words]))
        return [(title, "\n".join(texts)) for title, texts in found]

    @staticmethod
    def path(folder: str, href: str) -> str:
        """The name in the archive that a reference stands for."""
        return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


class Parser:
    """Reads XML or HTML as it comes, in time that grows with its length whatever is in it.

    Calls begin, words and end with names in lower case without their prefix. Python's html.parser
    takes the square of the length for some texts, and expat refuses what is not well formed.
    """

    def read(self, text: str) -> None:
        at = 0
        while (opened := text.find("<", at)) >= 0:
            self.words(html.unescape(text[at:opened]))
            at = self._read_markup(text, opened)
        self.words(html.unescape(text[at:]))

    def _read_markup(self, text: str, opened: int) -> int:
        """The place after what begins with this "<"."""
        for begin, end in (("<!--", "-->"), ("<![CDATA[", "]]>")):
            if text.startswith(begin, opened):
                inside, after = between(text, opened + len(begin), end)
                if begin == "<![CDATA[":
                    self.words(inside)
                return after
        if text[opened + 1 : opened + 2] in ("!", "?"):  # a declaration or an instruction
            return between(text, opened, ">")[1]
        match = TAG_NAME.match(text, opened + 1)
        if match is None:
            self.words("<")
            return opened + 1
        tag, after = between(text, match.end(), ">")
        for _ in range(MAX_GREATER):  # a ">" may stand in the value of an attribute
            if tag.count('"') % 2 == 0 or after == len(text):
                break
            more, after = between(text, after, ">")
            tag += ">" + more
        name = match[2].rpartition(":")[2].lower()
        if match[1]:
            self.end(name)
            return after
        self.begin(name, attributes_of(tag[:MAX_TAG]))
        if tag.endswith("/"):
            self.end(name)
        elif name in RAW:
            _, after = between(text, after, f"</{match[2]}")
            _, after = between(text, after, ">")
            self.end(name)
        return after

    def begin(self, tag: str, attributes: Attributes) -> None: ...

    def words(self, words: str) -> None: ...

    def end(self, tag: str) -> None: ...


def between(text: str, start: int, end: str) -> tuple[str, int]:
    """What stands before the next `end`, and the place after it; to the end where there is none."""
    found = text.find(end, start)
    return (text[start:found], found + len(end)) if found >= 0 else (text[start:], len(text))


def attributes_of(text: str) -> Attributes:
    return {
        name.rpartition(":")[2].lower(): html.unescape(value.strip("\"'"))
        for name, value in ATTRIBUTE.findall(text)
    }


class Elements(Parser):
    """The elements of a small XML file, in their order."""

    def __init__(self, text: str):
        self.found: list[tuple[str, Attributes]] = []
        self.texts: dict[str, str] = {}  # of the first element of each name
        self.open = ""
        self.read(text)

    def begin(self, tag, attributes):
        self.found.append((tag, attributes))
        self.open = "" if tag in self.texts else tag

    def end(self, tag):
        self.open = ""

    def words(self, words):
        if self.open:
            self.texts[self.open] = self.texts.get(self.open, "") + words

    def named(self, name: str) -> list[Attributes]:
        return [attributes for tag, attributes in self.found if tag == name]

    def first(self, name: str, attribute: str) -> str:
        for attributes in self.named(name):
            if attributes.get(attribute):
                return attributes[attribute]
        raise damaged_error(f"its {name} is missing")

    def text_of(self, name: str) -> str:
        return " ".join(self.texts.get(name, "").split())


class Contents(Parser):
    """The entries (address, title) of a table of contents: of EPUB 3's nav, or of EPUB 2's NCX."""

    def __init__(self, text: str):
        self.entries: list[tuple[str, str]] = []
        self.entry: list[str] | None = None  # words of the entry being read
        self.address = ""
        self.navs: list[bool] = []  # whether each nav that is open is the table of contents
        self.read(text)

    def begin(self, tag, attributes):
        if tag == "nav":
            self.navs.append("toc" in attributes.get("type", "").split())
        elif tag == "a" and any(self.navs):
            self.address, self.entry = attributes.get("href", ""), []
        elif tag == "navlabel":
            self.entry = []
        elif tag == "content" and self.entry is not None:
            self.address = attributes.get("src", "")
            self._add()

    def end(self, tag):
        if tag == "a" and self.entry is not None and any(self.navs):
            self._add()
        elif tag == "nav" and self.navs:
            self.navs.pop()

    def words(self, words):
        if self.entry is not None:
            self.entry.append(words)

    def _add(self):
        assert self.entry is not None
        self.entries.append((self.address, " ".join("".join(self.entry).split())))
        self.entry = None


class DocumentText(Parser):
    """The text of one document, a line for each block, cut where an entry of the contents leads."""

    def __init__(self, text: str, titles: dict[str, str]):
        self.titles = titles  # {fragment: title}
        self.heading = ""  # the first one
        self.parts: list[tuple[str | None, list[str]]] = [(titles.get(""), [])]
        self.skipped, self.depth = "", 0  # an element that is left out, and how many in each other
        self.in_heading = False
        self.read(text)

    def begin(self, tag, attributes):
        if (fragment := attributes.get("id", "")) in self.titles and fragment:
            self.parts.append((self.titles[fragment], []))
        if self.skipped:
            self.depth += tag == self.skipped
            return
        if is_unspoken(tag, attributes):
            if tag not in VOID:
                self.skipped, self.depth = tag, 1
            return
        if tag in BLOCKS:
            self._add("\n")
        elif tag in ("td", "th"):
            self._add(" ")
        self.in_heading = self.in_heading or (tag in HEADINGS and not self.heading)

    def end(self, tag):
        if self.skipped:
            self.depth -= tag == self.skipped
            self.skipped = self.skipped if self.depth else ""
            return
        if tag in BLOCKS:
            self._add("\n")
        if tag in HEADINGS:
            self.in_heading = False

    def words(self, words):
        if not self.skipped:
            words = re.sub(r"\s+", " ", words)
            self._add(words)
            if self.in_heading:
                self.heading += words

    def _add(self, words: str):
        self.parts[-1][1].append(words)

    def sections(self) -> Iterable[tuple[str | None, str]]:
        """(title of its entry or None, text) of each part."""
        for title, parts in self.parts:
            lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
            yield title, "\n".join(line for line in lines if line)


def is_unspoken(tag: str, attributes: Attributes) -> bool:
    kinds = f"{attributes.get('type', '')} {attributes.get('role', '')}".split()
    return (
        tag in UNSPOKEN
        or attributes.get("hidden") in ("", "hidden", "true")
        or (tag not in ("input", "ol", "ul") and not UNSPOKEN_TYPES.isdisjoint(kinds))
    )


def decode_xml(data: bytes) -> str:
    """By its mark, its XML declaration, or as UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    declared = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding=[\"']([\w.-]{1,40})", data)
    try:
        return data.decode(declared[1].decode() if declared else "utf-8-sig", "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8-sig", "replace")


def damaged_error(reason: str) -> ManuscriptError:
    return ManuscriptError(
        f"the EPUB cannot be read: {reason}; save it again, or send its text",
        "无法读取该 EPUB：文件不完整或已损坏，请重新导出，或直接发送文本",
    )


def protected_error() -> ManuscriptError:
    return ManuscriptError(
        "the EPUB is encrypted (copy protection): send a file without it, or its text",
        "该 EPUB 已加密（版权保护），请发送未加密的文件或直接发送文本",
    )


def too_large_error(reason: str) -> ManuscriptError:
    return ManuscriptError(
        f"the EPUB is too large: {reason}; send it in parts", "该 EPUB 解压后过大，请分册发送"
    )
