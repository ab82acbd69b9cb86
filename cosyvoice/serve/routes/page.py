"""The page of the service: `/` and the static files under `/page/`.

Plain files with no build step. They are open without a key (they hold no data), load nothing from
elsewhere, and are revalidated at every visit, so that a page and its modules are of one version.
"""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

FOLDER = Path(__file__).parents[1] / "page"
TYPES = {  # Windows' registry may say otherwise
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
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
    return send_from_directory(FOLDER, "index.html", max_age=0)


@page.get("/page/<name>")
def file(name: str) -> Response:
    """One file of the page; 404 for any other name."""
    return send_from_directory(FOLDER, name, mimetype=TYPES.get(Path(name).suffix), max_age=0)


@page.after_request
def protect(response: Response) -> Response:
    """What the page may load and do; caches must ask again, which the ETag makes a 304."""
    response.headers.update(SECURITY)
    response.headers["Cache-Control"] = "no-cache"
    return response
