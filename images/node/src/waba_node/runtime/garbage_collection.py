"""Garbage collection (vendor facts, section 2.10): messages by the coreapp that owns their shard, media by the primary master.

What is garbage: messages that are through, and media that nobody used for 30 days. The ages of messages are ours, and so is that files which the
database does not know go too. Everything is deleted in small groups, each found by an index and deleted by its key, so that no table is locked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from ..control.ownership import Grant
from ..coreapp.intake import not_primary
from ..rpc import RpcError
from ..store import inbox, media, outbox, webhook_queue
from ..store.engine import Database
from ..store.media_folder import PART, FolderError, MediaFolder
from .node import DATABASE_TROUBLE, cause

log = logging.getLogger(__name__)

GROUP = 500  # rows in one transaction
PAUSE = 0.02  # seconds between two groups, in which others get at the database
BUSY = 1015
HOUR = 3600
MESSAGE_AGES = {
    "read": HOUR,
    "failed": HOUR,
    "delivered": 24 * HOUR,
    "sent": 30 * 24 * HOUR,
}  # status -> seconds since accepted
INBOUND_AGE = 30 * 24 * HOUR  # seconds since it came in
AUTOMATIC = HOUR  # seconds between two collections that the settings ask for
LAST_GROUP = 1.0  # seconds that a node which stops waits for it
TELLING = 30  # tries, a second apart, to store the webhook that says how it ended


class Collector:
    """Runs one collection at a time; its end is told by a webhook where a client asked for it."""

    def __init__(
        self,
        database: Database,
        collect: Callable[[], AsyncIterator[int]],
        webhook: Callable[[dict], dict],
        bucket: Callable[[], int],
    ) -> None:
        """collect: deletes a group a step and yields how many. webhook: made of the end's own fields. bucket: whose owner delivers it."""
        self.database, self.collect, self.webhook, self.bucket = database, collect, webhook, bucket
        self.running: asyncio.Task | None = None
        self.ending = False

    def begin(self, told: bool = True) -> None:
        """Begin a collection. Raises RpcError 1015 while one runs."""
        if self.running is not None and not self.running.done():
            raise RpcError(BUSY, "Too many requests", "a garbage collection is running already")
        self.ending = False
        self.running = asyncio.create_task(self.run(told), name="garbage")

    def begin_silently(self) -> None:
        """Begin a collection that nobody asked for, unless one runs."""
        if self.running is None or self.running.done():
            self.begin(told=False)

    async def stop(self) -> None:
        """End a collection where it is. A library may swallow the cancellation; then it ends after the group at hand."""
        if self.running is not None:
            self.ending = True
            self.running.cancel()
            await asyncio.wait([self.running], timeout=LAST_GROUP)

    async def run(self, told: bool) -> None:
        deleted, errors = 0, []
        try:
            async for count in self.collect():
                deleted += count
                if self.ending:
                    return
                await asyncio.sleep(PAUSE)
        except FolderError as error:
            errors.append(
                {"code": 1014, "title": "Internal error", "details": f"Could not delete media files: {error}"}
            )
        except RpcError as error:
            errors.append({"code": error.code, "title": error.title, "details": error.details})
        except DATABASE_TROUBLE as error:
            errors.append({"code": 1023, "title": "Database error", "details": cause(error)})
        log.info("garbage collection: %d deleted%s", deleted, f", then {errors[0]['details']}" if errors else "")
        if told:
            end = {"errors": errors, "status": "failed"} if errors else {"status": "complete"}
            await self.tell(self.webhook({"deleted": deleted, **end}))

    async def tell(self, webhook: dict) -> None:
        for _try in range(TELLING):
            try:
                async with self.database.begin() as connection:
                    await webhook_queue.store_webhooks(connection, self.bucket(), [webhook])
                return
            except DATABASE_TROUBLE:
                await asyncio.sleep(1)
        log.warning("the end of a garbage collection could not be told")


def message_webhook(node: str) -> Callable[[dict], dict]:
    """Return what makes the webhook of a coreapp's collection (vendor fact)."""

    def webhook(end: dict) -> dict:
        gc = {"messages_deleted": end.pop("deleted"), "node": node, **end}
        return {"services": [{"message": {"gc": gc}}]}

    return webhook


def media_webhook(end: dict) -> dict:
    """Return the webhook of a collection of media (vendor fact)."""
    return {"services": [{"media": {"gc": {"items_deleted": end.pop("deleted"), **end}}}]}


async def old_messages(database: Database, grant: Grant, may_go_on: Callable[[], bool]) -> AsyncIterator[int]:
    """Delete a shard's messages that are through. Raises RpcError 1018 once the shard is another's."""
    for status, age in MESSAGE_AGES.items():
        count = GROUP
        while count == GROUP:
            if not may_go_on():
                raise not_primary(grant.shard)
            async with database.begin() as connection:
                count = await outbox.delete_messages(connection, grant.buckets, status, age, GROUP)
            yield count
    count = GROUP
    while grant.shard == 0 and count == GROUP:  # what came in belongs to no shard; one coreapp is enough
        async with database.begin() as connection:
            count = await inbox.delete_inbound(connection, INBOUND_AGE, GROUP)
        yield count


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
