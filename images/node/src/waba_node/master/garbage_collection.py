"""Garbage collection of media, by the primary master."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from ..rpc import RpcError
from ..runtime.garbage_collection import GROUP
from ..store import media
from ..store.engine import Database
from ..store.media_folder import PART, MediaFolder


def media_webhook(end: dict) -> dict:
    """Return the webhook of a collection of media (vendor fact)."""
    return {"services": [{"media": {"gc": {"items_deleted": end.pop("deleted"), **end}}}]}


async def unused_media(database: Database, folder: MediaFolder, may_go_on: Callable[[], bool]) -> AsyncIterator[int]:
    """Delete media that were not used for 30 days, then old files that nobody knows. Raises FolderError, RpcError 1017.

    A row goes before its file: a file without a row is found again, a row without a file would promise what is not there.
    """
    await folder.check()
    count = GROUP
    while count == GROUP:
        if not may_go_on():
            raise RpcError(1017, "Not Primary Master", "another master has become the primary one")
        async with database.begin() as connection:
            unused = await media.take_unused(connection, GROUP)
        for entry in unused:
            if entry.file is not None:
                await folder.delete(entry.file)
        count = len(unused)
        yield count
    old = await folder.old_files()
    for begin in range(0, len(old), GROUP):
        files = old[begin : begin + GROUP]
        async with database.begin() as connection:
            known = await media.find_media(connection, [file.rpartition("/")[2] for file in files])
        places = {entry.file for entry in known.values()}
        unknown = [file for file in files if file not in places or file.endswith(PART)]
        for file in unknown:
            await folder.delete(file)
        yield len([file for file in unknown if not file.endswith(PART)])
