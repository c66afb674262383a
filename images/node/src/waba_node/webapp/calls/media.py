"""Media: uploaded raw, served raw (vendor facts, section 2.8). Any webapp serves what another stored."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiohttp import web

from ...address import PortName
from ...store import media
from ...store.media import StoredMedia
from ...store.media_folder import OUTGOING, FolderError, TooLargeError
from ..answers import Uploaded
from ..errors import ApiError
from .table import USER, Call, CallTable, RawBody

if TYPE_CHECKING:
    from ..process import Webapp

log = logging.getLogger(__name__)

LARGEST_UPLOAD = 100 << 20  # bytes (vendor fact)
FETCH_TIMEOUT = 60.0  # seconds for what is still at the upstream
ANYTHING = RawBody(("*/*",))
CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")  # RFC 6838, in lower case
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
BEGINNINGS = {  # of files, where a content type has one
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF",
    "audio/ogg": b"OggS",
    "audio/amr": b"#!AMR",
}


async def upload_media(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/media: store a file of at most 100 MB, the raw body, under its Content-Type.

    The limits of each kind of media hold when a message is sent. Messages name the file by the id that is answered.
    """
    content_type = content_type_of(request)
    if (request.content_length or 0) > LARGEST_UPLOAD:
        raise too_large()
    media_id = str(uuid.uuid4())
    try:
        saved = await webapp.media.save(OUTGOING, media_id, body(request, content_type), LARGEST_UPLOAD)
    except TooLargeError as error:
        raise too_large() from error
    except FolderError as error:
        raise folder_failed(error) from error
    try:
        async with webapp.database.begin() as connection:
            await media.store_media(
                connection, [StoredMedia(media_id, content_type, saved.sha256, saved.size, saved.file)]
            )
    except BaseException:
        await webapp.media.delete(saved.file)
        raise
    return 200, {"media": [{"id": media_id}]}


def content_type_of(request: web.Request) -> str:
    if "Content-Type" not in request.headers:
        raise ApiError(1008, "the Content-Type header is missing")
    content_type = request.headers["Content-Type"].partition(";")[0].strip().lower()
    if content_type in FORMS:
        raise ApiError(1009, f"the body must be the file itself, with its own Content-Type, not {content_type}")
    if len(content_type) > 127 or not CONTENT_TYPE.fullmatch(content_type):
        raise ApiError(1009, "the Content-Type is none")
    return content_type


async def body(request: web.Request, content_type: str) -> AsyncIterator[bytes]:
    """Yield the request's body, unless it is none, begins unlike its content type, or does not come whole. Raises ApiError."""
    beginning = BEGINNINGS.get(content_type, b"")
    seen = b""
    try:
        async for chunk in request.content.iter_any():
            if len(seen) < len(beginning):
                seen += chunk[: len(beginning) - len(seen)]
                if not beginning.startswith(seen):
                    raise ApiError(1009, f"the file is not {content_type}")
            seen = seen or chunk[:1]
            yield chunk
    except (web.RequestPayloadError, OSError) as error:
        raise ApiError(1025, "the body did not arrive as it was announced") from error
    if not seen or len(seen) < len(beginning):
        raise ApiError(1009, f"the file is not {content_type}" if seen else "the file is empty")


def too_large() -> ApiError:
    return ApiError(1025, f"the file is larger than {LARGEST_UPLOAD} bytes", 413)


def folder_failed(error: FolderError) -> ApiError:
    """Return the refusal of a call that the folder failed (ours: 507 when it is full, else 503)."""
    return ApiError(1014, str(error), 507 if error.full else 503)


async def known_media(webapp: Webapp, request: web.Request) -> StoredMedia:
    async with webapp.database.begin() as connection:
        found = await media.read_media(connection, request.match_info["id"])
    if found is None:
        raise ApiError(1006, "there is no media with this id")
    return found


async def download_media(webapp: Webapp, request: web.Request) -> web.StreamResponse:
    """GET /v1/media/{id}: the raw bytes of a file, under its Content-Type. What came in is fetched from the upstream now, if it was not yet."""
    found = await known_media(webapp, request)
    if found.file is None:
        content = {"media_id": found.media_id}
        await webapp.router.to_owner(found.sender, PortName.MESSAGING, "media.fetch", content, FETCH_TIMEOUT)
        found = await known_media(webapp, request)
    try:
        opened = await webapp.media.open(found.file)
    except FolderError as error:
        raise folder_failed(error) from error
    if opened is None:
        raise ApiError(1006, "the file of this media is gone")
    response = web.StreamResponse(
        headers={"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"},
    )
    response.content_type, response.content_length = found.mime_type, found.size
    return await sent(request, response, webapp.media.read(opened))


async def sent(request: web.Request, response: web.StreamResponse, chunks: AsyncIterator[bytes]) -> web.StreamResponse:
    """Send a file. One that ends early breaks the connection: the client must not take it for whole, nor a refusal for a part of it."""
    whole = False
    try:  # what cannot be read at all can still be refused
        first = await chunks.__anext__()
    except StopAsyncIteration:
        first = b""
    except FolderError as error:
        raise folder_failed(error) from error
    try:
        await response.prepare(request)
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
        whole = True
    except (FolderError, OSError) as error:
        log.warning("a file was not sent whole: %s", error)
    finally:
        await chunks.aclose()
        if not whole and request.transport is not None:
            request.transport.abort()
    return response


async def delete_media(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """DELETE /v1/media/{id}: forget and delete a file."""
    found = await known_media(webapp, request)
    async with webapp.database.begin() as connection:
        await media.forget_media(connection, [found.media_id])
        if found.file is not None:
            try:
                await webapp.media.delete(found.file)
            except FolderError as error:
                raise folder_failed(error) from error
    return 200, {}


CALLS: CallTable = [
    Call("POST", "/v1/media", USER, upload_media, ANYTHING, {200: Uploaded}),
    Call("GET", "/v1/media/{id}", USER, download_media, answers={200: ANYTHING}),
    Call("DELETE", "/v1/media/{id}", USER, delete_media),
]
