"""EPUB files for tests, made of what each test is about."""

import io
import zipfile

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf" '
    'media-type="application/oebps-package+xml"/></rootfiles></container>'
)
PAGE = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body>{}</body></html>'
)


def epub(
    documents: dict[str, str],
    nav: dict[str, str] | None = None,
    ncx: dict[str, str] | None = None,
    linear: dict[str, str] | None = None,
    title="山风",
    extra: dict[str, str | bytes] | None = None,
) -> bytes:
    """documents: name -> its body, in the order of the spine. nav, ncx: href -> title."""
    items = [
        f'<item id="d{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(documents)
    ]
    files: dict[str, str | bytes] = {
        f"OEBPS/{name}": PAGE.format(body) for name, body in documents.items()
    }
    if nav is not None:
        items.append('<item id="nav" href="nav.xhtml" properties="nav"/>')
        links = "".join(f'<li><a href="{href}">{text}</a></li>' for href, text in nav.items())
        files["OEBPS/nav.xhtml"] = PAGE.format(f'<nav epub:type="toc"><ol>{links}</ol></nav>')
    if ncx is not None:
        items.append('<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>')
        points = "".join(
            f"<navPoint><navLabel><text>{text}</text></navLabel><content src='{href}'/></navPoint>"
            for href, text in ncx.items()
        )
        files["OEBPS/toc.ncx"] = f"<ncx><docTitle><text>no</text></docTitle>{points}</ncx>"
    spine = "".join(
        f'<itemref idref="d{n}" linear="{(linear or {}).get(name, "yes")}"/>'
        for n, name in enumerate(documents)
    )
    package = (
        f"<package><metadata><dc:title>{title}</dc:title></metadata>"
        f"<manifest>{''.join(items)}</manifest><spine>{spine}</spine></package>"
    )
    files = {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": package, **files}
    with zipfile.ZipFile(made := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, **(extra or {})}.items():
            archive.writestr(name, content)
    return made.getvalue()
