"""Media of inbound messages: the upstream stores them, and the shard's owner fetches them into the shared folder, at once or on request."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from ..address import PortName
from ..rpc import Payload, RpcError, RpcServer
from ..store import media
from ..store.engine import Database, error_summary
from ..store.media import StoredMedia
from ..store.media_folder import SHARED, FolderError, MediaFolder, TooLargeError
from ..upstream.base import UpstreamError, UpstreamEvent, UpstreamSession

log = logging.getLogger(__name__)

KINDS = ("image", "video", "audio", "voice", "document", "sticker")
LARGEST = 100 << 20  # bytes, as for uploads
NAMESPACE = uuid.UUID("8b1f9b5e-6a39-4c43-9e0c-1b7a3c5f0d52")


class ReceivedFile(NamedTuple):
    """A file of an inbound message. kind: one of KINDS."""

    kind: str
    media: StoredMedia


def assign_media_ids(events: Iterable[UpstreamEvent]) -> tuple[list[UpstreamEvent], list[ReceivedFile]]:
    """Replace the upstream's reference of every file in inbound messages by a media id. Return the events and the files.

    A repeated event has the same ids again.
    """
    result: list[UpstreamEvent] = []
    files: list[ReceivedFile] = []
    for event in events:
        if event.kind == "inbound" and "messages" in event.payload:
            messages = [_assign(message, files) for message in event.payload["messages"]]
            event = replace(event, payload={**event.payload, "messages": messages})
        result.append(event)
    return result, files


def _assign(message: dict[str, Any], files: list[ReceivedFile]) -> dict[str, Any]:
    kind, content = message["type"], message.get(message["type"])
    if kind not in KINDS or not isinstance(content, dict) or "reference" not in content:
        return message
    media_id = str(uuid.uuid5(NAMESPACE, message["id"]))
    rest = {name: value for name, value in content.items() if name != "reference"}
    origin = {"sender": message["from"], "reference": content["reference"]}
    files.append(ReceivedFile(kind, StoredMedia(media_id, content["mime_type"], content.get("sha256"), **origin)))
    return {**message, kind: {"id": media_id, **rest}}


class Attachments:
    """Fetches files. Concurrent requests for one file share one download."""

    def __init__(self, database: Database, folder: MediaFolder, session: Callable[[int], UpstreamSession]) -> None:
        """session: returns the connection for a bucket, or raises RpcError 1018."""
        self.database, self.folder, self.session = database, folder, session
        self.downloads: dict[str, asyncio.Task[None]] = {}

    async def fetch(self, payload: Payload) -> Payload:
        """Answer `media.fetch`: bucket, media_id. Raises RpcError."""
        await asyncio.shield(self.begin(payload["bucket"], payload["media_id"]))
        return {}

    def fetch_later(self, bucket: int, media_ids: Iterable[str]) -> None:
        """Begin to fetch files. A file whose download fails is fetched on request."""
        for media_id in media_ids:
            self.begin(bucket, media_id)

    def begin(self, bucket: int, media_id: str) -> asyncio.Task[None]:
        """Return the running download of a file; start one where none runs."""
        if media_id not in self.downloads:
            task = self.downloads[media_id] = asyncio.create_task(self.download(bucket, media_id))
            task.add_done_callback(lambda done: self.ended(media_id, done))
        return self.downloads[media_id]

    def ended(self, media_id: str, task: asyncio.Task[None]) -> None:
        """Forget a download, and log its failure."""
        del self.downloads[media_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("media %s was not fetched: %s", media_id, error_summary(error))

    async def download(self, bucket: int, media_id: str) -> None:
        """Store a file in the shared folder, and record it. Raises RpcError."""
        async with self.database.begin() as connection:
            known = await media.read_media(connection, media_id)
        if known is None or (known.file is None and known.reference is None):
            raise RpcError(1006, "Resource not found", "there is no media with this id")
        if known.file is not None or known.reference is None:
            return
        content = self.session(bucket).download(known.reference)
        try:
            saved = await self.folder.save(SHARED, media_id, content, LARGEST)
        except (UpstreamError, FolderError, TooLargeError) as error:
            raise RpcError(1014, "Internal error", str(error)) from error
        if known.sha256 not in (None, saved.sha256):
            await self.folder.delete(saved.file)
            raise RpcError(1014, "Internal error", "the sha256 of the upstream's file is not the one of the message")
        async with self.database.begin() as connection:
            await media.record_fetched(connection, media_id, saved)


def register(
    server: RpcServer, database: Database, folder: MediaFolder, session: Callable[[int], UpstreamSession]
) -> Attachments:
    """Answer `media.fetch` on the messaging port. session: returns the connection for a bucket, or raises RpcError 1018."""
    attachments = Attachments(database, folder, session)
    server.add(PortName.MESSAGING, "media.fetch", attachments.fetch)
    return attachments
