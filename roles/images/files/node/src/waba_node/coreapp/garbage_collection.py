"""Garbage collection of messages, by the coreapp that owns their shard (docs/reference/vendor-contract.md#messages)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ..control.ownership import Grant
from ..runtime.garbage_collection import BATCH, HOUR
from ..store import deliveries, inbox, outbox, updates, upstream_media
from ..store.engine import Database
from .intake import not_primary

MESSAGE_AGES = {  # status -> seconds since the message was accepted; the ages are our own
    "read": HOUR,
    "failed": HOUR,
    "delivered": 24 * HOUR,
    "sent": 30 * 24 * HOUR,
    outbox.HANDED_OVER: 30 * 24 * HOUR,  # as long as the upstream may try
}
INBOUND_AGE = 30 * 24 * HOUR  # seconds since the message was received
# Rows about an upstream: seconds for which they are retained, and the function that deletes a batch.
UPSTREAM_AGES: tuple[tuple[int, Callable[[AsyncConnection, int, int], Awaitable[int]]], ...] = (
    (60 * 24 * HOUR, deliveries.delete_old_ids),
    (30 * 24 * HOUR, upstream_media.delete_old_uploads),
    (30 * 24 * HOUR, updates.delete_set_aside),
)


def message_webhook(node: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a function that builds the webhook at the end of a coreapp's collection."""

    def webhook(end: dict[str, Any]) -> dict[str, Any]:
        gc = {"messages_deleted": end.pop("deleted"), "node": node, **end}
        return {"services": [{"message": {"gc": gc}}]}

    return webhook


async def completed_messages(database: Database, grant: Grant, still_owner: Callable[[], bool]) -> AsyncIterator[int]:
    """Delete a shard's messages that need nothing more, batch by batch; yield each count. Raises RpcError 1018 once the shard is lost."""
    for status, age in MESSAGE_AGES.items():
        count = BATCH
        while count == BATCH:
            if not still_owner():
                raise not_primary(grant.shard)
            async with database.begin() as connection:
                count = await outbox.delete_messages(connection, grant.buckets, status, age, BATCH)
            yield count
    count = BATCH
    while grant.shard == 0 and count == BATCH:  # inbound messages belong to no shard, so one coreapp deletes them
        async with database.begin() as connection:
            count = await inbox.delete_inbound(connection, INBOUND_AGE, BATCH)
        yield count
    for age, delete in UPSTREAM_AGES if grant.shard == 0 else ():
        count = BATCH
        while count == BATCH:
            async with database.begin() as connection:
                count = await delete(connection, age, BATCH)
