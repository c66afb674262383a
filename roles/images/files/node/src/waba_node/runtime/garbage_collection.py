"""Runs garbage collections: of messages in a coreapp, of media in the primary master.

Rows are deleted in small batches, each found by an index and deleted by key, so that no table is locked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from ..rpc import RpcError
from ..store import webhook_queue
from ..store.engine import DATABASE_ERRORS, Database, error_summary
from ..store.media_folder import FolderError

log = logging.getLogger(__name__)

BATCH = 500  # rows in one transaction
PAUSE = 0.02  # seconds between two batches, for other transactions
BUSY = 1015
HOUR = 3600
AUTOMATIC_INTERVAL = HOUR  # seconds between two collections that the settings ask for
LAST_BATCH = 1.0  # seconds that a node which stops waits for the present batch
REPORT_ATTEMPTS = 30  # one second apart, to store the webhook at the end


class Collector:
    """Runs one collection at a time. A webhook reports the end of a requested one."""

    def __init__(
        self,
        database: Database,
        collect: Callable[[], AsyncIterator[int]],
        webhook: Callable[[dict[str, Any]], dict[str, Any]],
        bucket: Callable[[], int],
    ) -> None:
        """collect: deletes one batch a step and yields its count. webhook: builds the webhook of the end. bucket: whose owner delivers it."""
        self.database, self.collect, self.webhook, self.bucket = database, collect, webhook, bucket
        self.running: asyncio.Task[None] | None = None
        self.ending = False

    def begin(self, report: bool = True) -> None:
        """Begin a collection. report: its end causes a webhook. Raises RpcError 1015 while one runs."""
        if self.running is not None and not self.running.done():
            raise RpcError(BUSY, "Too many requests", "a garbage collection is running already")
        self.ending = False
        self.running = asyncio.create_task(self.run(report), name="garbage collection")

    def begin_automatic(self) -> None:
        """Begin a collection that the settings ask for, unless one runs."""
        if self.running is None or self.running.done():
            self.begin(report=False)

    async def stop(self) -> None:
        """End the running collection. A library may swallow the cancellation; then the collection ends after the present batch."""
        if self.running is not None:
            self.ending = True
            self.running.cancel()
            await asyncio.wait([self.running], timeout=LAST_BATCH)

    async def run(self, report: bool) -> None:
        """Collect to the end, and report it."""
        deleted = 0
        errors: list[dict[str, Any]] = []
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
        if report:
            end = {"errors": errors, "status": "failed"} if errors else {"status": "complete"}
            await self.store_webhook(self.webhook({"deleted": deleted, **end}))

    async def store_webhook(self, webhook: dict[str, Any]) -> None:
        """Store the webhook of the end, for its delivery."""
        for _attempt in range(REPORT_ATTEMPTS):
            try:
                async with self.database.begin() as connection:
                    await webhook_queue.store_webhooks(connection, self.bucket(), [webhook])
                return
            except DATABASE_ERRORS:
                await asyncio.sleep(1)
        log.warning("the webhook at the end of a garbage collection could not be stored")
