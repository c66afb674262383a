"""Garbage collection (vendor facts, section 2.10): messages by the coreapp that owns their shard, media by the primary master.

What is garbage: messages that are through, and media that nobody used for 30 days. The ages of messages are ours, and so is that files which the
database does not know go too. Everything is deleted in small groups, each found by an index and deleted by its key, so that no table is locked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from ..rpc import RpcError
from ..store import webhook_queue
from ..store.engine import DATABASE_ERRORS, Database, error_summary
from ..store.media_folder import FolderError

log = logging.getLogger(__name__)

GROUP = 500  # rows in one transaction
PAUSE = 0.02  # seconds between two groups, in which others get at the database
BUSY = 1015
HOUR = 3600
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
        except DATABASE_ERRORS as error:
            errors.append({"code": 1023, "title": "Database error", "details": error_summary(error)})
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
            except DATABASE_ERRORS:
                await asyncio.sleep(1)
        log.warning("the end of a garbage collection could not be told")
