"""Backup and restore of registration and settings (docs/reference/vendor-contract.md#backup-and-restore). No messages, no users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from ...passwords import run_expensive
from ...store import documents, ownership
from ...store.documents import BACKUP_DOCUMENTS
from ..backup import BackupError, seal, unseal
from ..body import convert
from ..errors import ApiError
from ..schema.settings import BackupContent, BackupPassword, Restore, SealedBackup
from .table import ADMIN, Call, CallTable, JsonBody, Result

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..process import Webapp


async def back_up(webapp: Webapp, _request: web.Request, body: BackupPassword) -> Result:
    """POST /v1/settings/backup: registration and settings as one text, encrypted with the password.

    The backup cannot be opened without the password.
    """

    async def read(connection: AsyncConnection) -> dict[str, Any]:
        return {
            "shards": await ownership.count_shards(connection),
            "documents": {name: await documents.read_document(connection, name) for name in BACKUP_DOCUMENTS},
        }

    content = await webapp.database.run(read)
    return 200, {"settings": {"data": await run_expensive(seal, content, body.password)}}


async def restore(webapp: Webapp, _request: web.Request, body: Restore) -> Result:
    """POST /v1/settings/restore: replace registration and settings with those of a backup. The number of shards must be the same.

    Every node applies the restored settings at once. No restart is needed, unlike with the vendor's client.
    """
    try:
        content = convert(await run_expensive(unseal, body.data, body.password), BackupContent, strict=True)
    except BackupError as error:
        raise ApiError(1009, str(error)) from error
    await webapp.router.call_primary_master(
        "documents.restore", {"shards": content.shards, "documents": content.documents}
    )
    return 200, {}


CALLS: CallTable = [
    Call("POST", "/v1/settings/backup", ADMIN, back_up, JsonBody(BackupPassword), {200: SealedBackup}),
    Call("POST", "/v1/settings/restore", ADMIN, restore, JsonBody(Restore)),
]
