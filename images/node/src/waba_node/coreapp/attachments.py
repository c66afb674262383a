"""Media of messages that came in: the upstream keeps them, the shard's owner fetches them into the shared folder, at once or when asked for."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace

from ..address import PortName
from ..rpc import RpcError, RpcServer
from ..store import media
from ..store.engine import Database
from ..store.media import StoredMedia
from ..store.media_folder import SHARED, FolderError, MediaFolder, TooLargeError
from ..upstream.base import UpstreamError, UpstreamEvent, UpstreamSession

log = logging.getLogger(__name__)

KINDS = ("image", "video", "audio", "voice", "document", "sticker")
LARGEST = 100 << 20  # bytes, as of what is uploaded
NAMES = uuid.UUID("8b1f9b5e-6a39-4c43-9e0c-1b7a3c5f0d52")  # a namespace of our own


def attach(events: Iterable[UpstreamEvent]) -> tuple[list[UpstreamEvent], list[tuple[str, StoredMedia]]]:
    """Give every file of the messages that came in an id, in the place of the upstream's reference; return the events, and each file with its kind.

    An event that comes twice has the same ids again.
    """
    told, files = [], []
    for event in events:
        if event.kind == "inbound" and "messages" in event.payload:
            messages = [_attach(message, files) for message in event.payload["messages"]]
            event = replace(event, payload={**event.payload, "messages": messages})
        told.append(event)
    return told, files


def _attach(message: dict, files: list[tuple[str, StoredMedia]]) -> dict:
    kind, content = message["type"], message.get(message["type"])
    if kind not in KINDS or not isinstance(content, dict) or "reference" not in content:
        return message
    media_id = str(uuid.uuid5(NAMES, message["id"]))
    told = {name: value for name, value in content.items() if name != "reference"}
    origin = {"sender": message["from"], "reference": content["reference"]}
    files.append((kind, StoredMedia(media_id, content["mime_type"], content.get("sha256"), **origin)))
    return {**message, kind: {"id": media_id, **told}}


class Attachments:
    """Fetches files; two who ask for the same one share the fetching."""

    def __init__(self, database: Database, folder: MediaFolder, session: Callable[[int], UpstreamSession]) -> None:
        self.database, self.folder, self.session = database, folder, session
        self.fetching: dict[str, asyncio.Task] = {}

    async def fetch(self, payload: dict) -> dict:
        """Answer `media.fetch`: bucket, media_id. Raises RpcError."""
        await asyncio.shield(self.begin(payload["bucket"], payload["media_id"]))
        return {}

    def fetch_later(self, bucket: int, media_ids: Iterable[str]) -> None:
        """Fetch without being waited for; what fails is fetched when it is asked for."""
        for media_id in media_ids:
            self.begin(bucket, media_id)

    def begin(self, bucket: int, media_id: str) -> asyncio.Task:
        if media_id not in self.fetching:
            task = self.fetching[media_id] = asyncio.create_task(self.store(bucket, media_id))
            task.add_done_callback(lambda done: self.fetched(media_id, done))
        return self.fetching[media_id]

    def fetched(self, media_id: str, task: asyncio.Task) -> None:
        del self.fetching[media_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("media %s was not fetched: %s", media_id, str(error).split("\n", 1)[0])

    async def store(self, bucket: int, media_id: str) -> None:
        async with self.database.begin() as connection:
            known = await media.read_media(connection, media_id)
        if known is None:
            raise RpcError(1006, "Resource not found", "there is no media with this id")
        if known.file is not None:
            return
        content = self.session(bucket).download(known.reference)
        try:
            saved = await self.folder.save(SHARED, media_id, content, LARGEST)
        except (UpstreamError, FolderError, TooLargeError) as error:
            raise RpcError(1014, "Internal error", str(error)) from error
        if known.sha256 not in (None, saved.sha256):
            await self.folder.delete(saved.file)
            raise RpcError(
                1014, "Internal error", "the upstream's file is not the one that was sent: its sha256 differs"
            )
        async with self.database.begin() as connection:
            await media.record_fetched(connection, media_id, saved)


def register(
    server: RpcServer, database: Database, folder: MediaFolder, session: Callable[[int], UpstreamSession]
) -> Attachments:
    """Answer `media.fetch` on the messaging port. session: the connection for a bucket, or RpcError 1018."""
    made = Attachments(database, folder, session)
    server.add(PortName.MESSAGING, "media.fetch", made.fetch)
    return made
