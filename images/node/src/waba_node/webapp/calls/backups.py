"""Backup and restore of the registration and the settings (vendor facts, section 2.11): no messages, no users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ...passwords import in_turn
from ...store import documents, ownership
from ..answers import Sealed
from ..backup import BackupError, opened, seal
from ..errors import ApiError
from ..requests import BackupContent, BackupPassword, Restore, converted
from .table import ADMIN, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from ..process import Webapp


async def back_up(webapp: Webapp, _request: web.Request, body: BackupPassword) -> tuple[int, dict]:
    """POST /v1/settings/backup: registration and settings as one text, which needs the password to be read again.

    Who loses the password has no backup.
    """
    async with webapp.database.begin() as connection:
        content = {
            "shards": await ownership.count_shards(connection),
            "documents": {name: await documents.read_document(connection, name) for name in documents.BACKUP_DOCUMENTS},
        }
    return 200, {"settings": {"data": await in_turn(seal, content, body.password)}}


async def restore(webapp: Webapp, _request: web.Request, body: Restore) -> tuple[int, dict]:
    """POST /v1/settings/restore: registration and settings are those of the backup; needs the same number of shards.

    Every node follows at once; unlike the vendor's, none need be restarted (ours).
    """
    try:
        content = converted(await in_turn(opened, body.data, body.password), BackupContent)
    except BackupError as error:
        raise ApiError(1009, str(error)) from error
    await webapp.router.primary_master("documents.restore", {"shards": content.shards, "documents": content.documents})
    return 200, {}


CALLS: CallTable = [
    Call("POST", "/v1/settings/backup", ADMIN, back_up, JsonBody(BackupPassword), {200: Sealed}),
    Call("POST", "/v1/settings/restore", ADMIN, restore, JsonBody(Restore)),
]
