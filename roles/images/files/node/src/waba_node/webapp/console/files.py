"""The static files of the console. They hold no data, so they are served without credentials; the page then asks for a login."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "static"
PAGE = "index.html"
MEDIA_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}

# Nothing from another origin, no inline script or style, no frame. `form-action` stops a form that the script does not handle.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
PROTECTION = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PAGE_HEADERS = {
    **PROTECTION,
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",  # for browsers without frame-ancestors
    "Cache-Control": "no-cache",  # a browser compares the ETag, so that an upgrade takes effect at once
}
DATA_HEADERS = {**PROTECTION, "Cache-Control": "no-store"}


@dataclass(frozen=True)
class StaticFile:
    """A file in memory."""

    content: bytes
    media_type: str
    etag: str


def load_files() -> dict[str, StaticFile]:
    """Return name -> file. A request selects one of these names, so no path of a request reaches the file system."""
    files = {}
    for path in sorted(FOLDER.iterdir()):
        content = path.read_bytes()
        files[path.name] = StaticFile(content, MEDIA_TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:32])
    return files


def add_routes(router: web.UrlDispatcher) -> None:
    """Serve the files below /console/."""
    files = load_files()

    async def redirect(_request: web.Request) -> web.StreamResponse:
        """Add the slash to which the page's own links are relative; a proxy may serve the page below another path."""
        return web.Response(status=308, headers={**PAGE_HEADERS, "Location": "console/"})

    async def serve(request: web.Request) -> web.StreamResponse:
        file = files.get(request.match_info.get("name", PAGE))
        if file is None:
            raise web.HTTPNotFound
        tag = f'"{file.etag}"'
        headers = {**PAGE_HEADERS, "ETag": tag}
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.content, content_type=file.media_type, charset="utf-8", headers=headers)

    router.add_get("/console", redirect)
    router.add_get("/console/", serve)
    router.add_get("/console/{name}", serve)
