"""The page of the service: `/` and the static files under `/page/`.

Plain files with no build step, read once. They are open without a key (they hold no data), load
nothing from elsewhere, and are revalidated at every visit, so that all are of one version.
"""

from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from cosyvoice.serve.config import ROOT

FOLDER = Path(__file__).parents[1] / "page"
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")  # a container may leave them out
TYPES = {
    ".md": "text/plain",
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
PLACES = [*FOLDER.iterdir(), *(path for path in READMES if path.is_file())]
FILES = {path.name: path.read_bytes() for path in PLACES if path.suffix in TYPES}
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

page = Blueprint("page", __name__)


@page.get("/")
def index() -> Response:
    """The page itself."""
    return answer("index.html")


@page.get("/page/<name>")
def file(name: str) -> Response:
    """One file of the page; 404 for any other name."""
    return answer(name)


def answer(name: str) -> Response:
    """A file, or 304 for a browser that has it."""
    if name not in FILES:
        raise NotFound
    response = Response(FILES[name], mimetype=TYPES[Path(name).suffix])
    response.add_etag()
    response.make_conditional(request)
    return response


@page.after_request
def protect(response: Response) -> Response:
    """What the page may load and do; caches must ask again, which the ETag makes a 304."""
    response.headers.update(SECURITY)
    response.headers["Cache-Control"] = "no-cache"
    return response
