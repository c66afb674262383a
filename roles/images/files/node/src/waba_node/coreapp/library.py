"""The data of the cluster that the upstream of a coreapp may use: see upstream.base.Library."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from ..runtime.statistics import Statistics
from ..store import contacts, deliveries, documents, media, node_registry, upstream_media
from ..store.engine import Database
from ..store.media_folder import MediaFolder
from ..store.upstream_media import Upload
from ..upstream.base import OpenedFile

RESOLVE_TIMEOUT = 2.0  # seconds


class StoredLibrary:
    """Reads the database and the media folder of a node."""

    def __init__(self, database: Database, folder: MediaFolder, statistics: Statistics) -> None:
        self.database, self.folder, self.statistics = database, folder, statistics

    async def find_upstream_id(self, message_id: str) -> str | None:
        """Return the upstream's id of a message that was sent, or None."""
        async with self.database.begin() as connection:
            return await deliveries.find_upstream_id(connection, message_id)

    async def find_upload(self, source: str, seconds: int) -> tuple[str, str] | None:
        """Return the upstream's id and the content type of an upload, or None."""
        async with self.database.begin() as connection:
            return await upstream_media.find_upload(connection, source, seconds)

    async def record_upload(self, source: str, upstream_id: str, mime_type: str) -> None:
        """Record an upload."""
        async with self.database.begin() as connection:
            await upstream_media.record_upload(connection, source, Upload(upstream_id, mime_type))

    async def forget_upload(self, source: str, upstream_id: str) -> None:
        """Forget an upload that the upstream does not know any more."""
        async with self.database.begin() as connection:
            await upstream_media.forget_upload(connection, source, upstream_id)

    @contextlib.asynccontextmanager
    async def open_file(self, media_id: str) -> AsyncIterator[OpenedFile | None]:
        """Open one of the cluster's media; None when it does not exist."""
        async with self.database.begin() as connection:
            known = await media.read_media(connection, media_id)
        opened = await self.folder.open(known.file) if known is not None and known.file is not None else None
        if known is None or opened is None:
            yield None
            return
        async with contextlib.aclosing(self.folder.read(opened)) as content:
            yield OpenedFile(known.mime_type, known.size, content)

    async def find_provider(self, name: str) -> Mapping[str, Any] | None:
        """Return the settings of a media provider, or None."""
        async with self.database.begin() as connection:
            return (await documents.read_document(connection, documents.PROVIDERS)).get(name)

    async def find_identity(self, wa_id: str) -> str | None:
        """Return the hash of a user's identity that was seen last, or None."""
        async with self.database.begin() as connection:
            return await contacts.find_identity(connection, wa_id)

    async def find_wa_ids(self, numbers: Collection[str]) -> Mapping[str, str | None]:
        """Return number -> WhatsApp ID of the numbers for which one is known."""
        async with self.database.begin() as connection:
            return await contacts.read_checked_numbers(connection, numbers)

    async def find_addresses(self) -> Collection[str]:
        """Return the addresses of the cluster's hosts."""
        async with self.database.begin() as connection:
            nodes = await node_registry.read_nodes(connection)
        hostnames = {row.address.hostname for row in nodes} | {self.database.config.host}
        return set().union(*await asyncio.gather(*map(addresses_of, hostnames)))

    def count(self, name: str, **labels: str) -> None:
        """Increase a counter of the node."""
        self.statistics.add(name, labels)


async def addresses_of(hostname: str) -> set[str]:
    """Return the addresses of a host, none if its name is not resolved in time."""
    with contextlib.suppress(OSError):  # a TimeoutError is one
        async with asyncio.timeout(RESOLVE_TIMEOUT):
            loop = asyncio.get_running_loop()
            return {str(entry[4][0]) for entry in await loop.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)}
    return set()
