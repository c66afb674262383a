"""Upload and download of media as raw bytes (docs/reference/vendor-contract.md#media). Any webapp serves the files that another one stored."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from aiohttp import web

from ...address import PortName
from ...store import media
from ...store.media import StoredMedia
from ...store.media_folder import OUTGOING, FolderError, TooLargeError
from ..errors import ApiError
from ..schema.messaging import Uploaded
from .table import USER, Call, CallTable, RawBody, Result

if TYPE_CHECKING:
    from ..process import Webapp

log = logging.getLogger(__name__)

LARGEST_UPLOAD = 100 << 20  # bytes
FETCH_TIMEOUT = 60.0  # seconds to fetch a file from the upstream
ANY_TYPE = RawBody(("*/*",))
CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")  # RFC 6838, in lower case
FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")
SIGNATURES = {  # content type -> first bytes of such a file
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF",
    "audio/ogg": b"OggS",
    "audio/amr": b"#!AMR",
}


async def upload_media(webapp: Webapp, request: web.Request) -> Result:
    """POST /v1/media: store the raw body, at most 100 MB, under its Content-Type.

    Messages refer to the file by the id in the answer. The limits of each kind of media apply when a message is sent.
    """
    content_type = _content_type(request)
    if (request.content_length or 0) > LARGEST_UPLOAD:
        raise _too_large()
    media_id = str(uuid.uuid4())
    try:
        saved = await webapp.media.save(OUTGOING, media_id, _validated_body(request, content_type), LARGEST_UPLOAD)
    except TooLargeError as error:
        raise _too_large() from error
    except FolderError as error:
        raise _folder_failed(error) from error
    try:
        entry = StoredMedia(media_id, content_type, saved.sha256, saved.size, saved.file)
        await webapp.database.run(lambda connection: media.store_media(connection, [entry]))
    except BaseException:
        await webapp.media.delete(saved.file)
        raise
    return 200, {"media": [{"id": media_id}]}


def _content_type(request: web.Request) -> str:
    """Return the content type of an upload, without parameters and in lower case. Raises ApiError."""
    if "Content-Type" not in request.headers:
        raise ApiError(1008, "the Content-Type header is missing")
    content_type = request.headers["Content-Type"].partition(";")[0].strip().lower()
    if content_type in FORM_TYPES:
        raise ApiError(1009, f"the body must be the file itself with its own Content-Type, not {content_type}")
    if len(content_type) > 127 or not CONTENT_TYPE.fullmatch(content_type):
        raise ApiError(1009, "the Content-Type header is not a content type")
    return content_type


async def _validated_body(request: web.Request, content_type: str) -> AsyncGenerator[bytes]:
    """Yield the request's body. Raises ApiError if it is empty, incomplete, or does not begin as its content type requires."""
    signature = SIGNATURES.get(content_type, b"")
    seen = b""
    try:
        async for chunk in request.content.iter_any():
            if len(seen) < len(signature):
                seen += chunk[: len(signature) - len(seen)]
                if not signature.startswith(seen):
                    raise ApiError(1009, f"the file is not {content_type}")
            seen = seen or chunk[:1]
            yield chunk
    except (web.RequestPayloadError, OSError) as error:
        raise ApiError(1025, "the body is incomplete or not encoded as announced") from error
    if not seen or len(seen) < len(signature):
        raise ApiError(1009, f"the file is not {content_type}" if seen else "the file is empty")


def _too_large() -> ApiError:
    return ApiError(1025, f"the file is larger than {LARGEST_UPLOAD} bytes", 413)


def _folder_failed(error: FolderError) -> ApiError:
    """Return the refusal for a failure of the media folder: 507 if it is full, otherwise 503. The statuses are our decision."""
    return ApiError(1014, str(error), 507 if error.full else 503)


async def _find_media(webapp: Webapp, request: web.Request) -> StoredMedia:
    """Return the file whose id is in the path. Raises ApiError 1006."""
    async with webapp.database.begin() as connection:
        found = await media.read_media(connection, request.match_info["id"])
    if found is None:
        raise ApiError(1006, "no media has this id")
    return found


async def download_media(webapp: Webapp, request: web.Request) -> Result:
    """GET /v1/media/{id}: the raw bytes of a file, under its Content-Type. A received file is fetched from the upstream if necessary."""
    found = await _find_media(webapp, request)
    if found.file is None:
        content = {"media_id": found.media_id}
        await webapp.router.call_owner(found.sender or "", PortName.MESSAGING, "media.fetch", content, FETCH_TIMEOUT)
        found = await _find_media(webapp, request)
    try:
        opened = await webapp.media.open(found.file or "")
    except FolderError as error:
        raise _folder_failed(error) from error
    if opened is None:
        raise ApiError(1006, "the file of this media was deleted")
    response = web.StreamResponse(
        headers={"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"},
    )
    response.content_type, response.content_length = found.mime_type, found.size
    return await _stream(request, response, webapp.media.read(opened))


async def _stream(
    request: web.Request, response: web.StreamResponse, chunks: AsyncGenerator[bytes]
) -> web.StreamResponse:
    """Send a file. If it ends early, abort the connection: the client must not take a part of the file for the whole."""
    complete = False
    try:  # until the first byte is sent, a failure can still be answered
        first = await chunks.__anext__()
    except StopAsyncIteration:
        first = b""
    except FolderError as error:
        raise _folder_failed(error) from error
    try:
        await response.prepare(request)
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
        complete = True
    except (FolderError, OSError) as error:
        log.warning("a file was not sent completely: %s", error)
    finally:
        await chunks.aclose()
        if not complete and request.transport is not None:
            request.transport.abort()
    return response


async def delete_media(webapp: Webapp, request: web.Request) -> Result:
    """DELETE /v1/media/{id}: delete an uploaded or received file."""
    found = await _find_media(webapp, request)
    async with webapp.database.begin() as connection:
        await media.forget_media(connection, [found.media_id])
        if found.file is not None:
            try:
                await webapp.media.delete(found.file)
            except FolderError as error:
                raise _folder_failed(error) from error
    return 200, {}


CALLS: CallTable = [
    Call("POST", "/v1/media", USER, upload_media, ANY_TYPE, {200: Uploaded}),
    Call("GET", "/v1/media/{id}", USER, download_media, answers={200: ANY_TYPE}),
    Call("DELETE", "/v1/media/{id}", USER, delete_media),
]
