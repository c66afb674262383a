"""RPC methods of the primary master for documents other than the application settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from ..passwords import matches
from ..rpc import Payload, RpcError
from ..settings import read_settings
from ..store import documents, ownership

if TYPE_CHECKING:
    from .process import Master

CHANGEABLE = {*documents.BACKUP_DOCUMENTS, documents.PHOTO, documents.WEB_CERTIFICATE} - {
    documents.SETTINGS,
    documents.ACCOUNT,
}


class DocumentsApi:
    """Changes documents. The webapp has validated their content."""

    def __init__(self, master: Master) -> None:
        self.master, self.database = master, master.database

    async def change(self, payload: Payload) -> Payload:
        """Change a document: `set` fields of it, `remove` others, or `replace` it as a whole. Raises RpcError."""
        name = payload["document"]
        if name not in CHANGEABLE:
            raise RpcError(1006, "Resource not found", f"no document {name}")
        async with self.database.begin() as connection:
            content = {} if payload.get("replace") else await documents.read_document(connection, name, lock=True)
            content.update(payload.get("set", {}))
            for field in payload.get("remove", []):
                content.pop(field, None)
            await documents.write_document(connection, name, content)
        await self.master.broadcast_settings()
        return {}

    async def restore(self, payload: Payload) -> Payload:
        """Replace the documents by those of a backup: documents, shards. Raises RpcError without having changed anything."""
        restored = {
            name: content for name, content in payload["documents"].items() if name in documents.BACKUP_DOCUMENTS
        }
        try:
            read_settings(restored.get(documents.SETTINGS, {}))
        except msgspec.ValidationError as error:
            raise RpcError(1009, "Parameter value is not valid", f"the settings in the backup: {error}") from error
        async with self.database.begin() as connection:
            shards = await ownership.count_shards(connection)
            if payload["shards"] != shards:
                problem = f"the backup is of a cluster with {payload['shards']} shards, this one has {shards}"
                raise RpcError(1009, "Parameter value is not valid", problem)
            for name in documents.BACKUP_DOCUMENTS:
                await documents.write_document(connection, name, restored.get(name, {}))
        await self.master.broadcast_settings()
        return {}


async def require_pin(connection: AsyncConnection, pin: str | None) -> None:
    """Raise RpcError 1005 unless a registration has the PIN that two-step verification requires."""
    stored = (await documents.read_document(connection, documents.TWO_STEP)).get("pin")
    if stored and not (pin and await matches(pin, stored)):
        raise RpcError(1005, "Access denied", "two-step verification is on: the pin is missing or wrong")
