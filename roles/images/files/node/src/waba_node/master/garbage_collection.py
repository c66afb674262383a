"""Garbage collection of media, by the primary master."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from ..rpc import RpcError
from ..runtime.garbage_collection import BATCH
from ..store import media
from ..store.engine import Database
from ..store.media_folder import PART, MediaFolder


def media_webhook(end: dict[str, Any]) -> dict[str, Any]:
    """Return the webhook at the end of a collection of media."""
    return {"services": [{"media": {"gc": {"items_deleted": end.pop("deleted"), **end}}}]}


async def unused_media(
    database: Database, folder: MediaFolder, still_primary: Callable[[], bool]
) -> AsyncIterator[int]:
    """Delete media that were not used for 30 days, then old files without a row; yield each batch's count. Raises FolderError, RpcError 1017.

    A row is deleted before its file: a file without a row is found again, but a row without a file would offer a file that does not exist.
    """
    await folder.check()
    count = BATCH
    while count == BATCH:
        if not still_primary():
            raise RpcError(1017, "Not Primary Master", "another master has become primary")
        async with database.begin() as connection:
            unused = await media.take_unused(connection, BATCH)
        for entry in unused:
            if entry.file is not None:
                await folder.delete(entry.file)
        count = len(unused)
        yield count
    old = await folder.find_old_files()
    for begin in range(0, len(old), BATCH):
        files = old[begin : begin + BATCH]
        async with database.begin() as connection:
            known = await media.find_media(connection, [file.rpartition("/")[2] for file in files])
        recorded = {entry.file for entry in known.values()}
        unknown = [file for file in files if file not in recorded or file.endswith(PART)]
        for file in unknown:
            await folder.delete(file)
        yield len([file for file in unknown if not file.endswith(PART)])
