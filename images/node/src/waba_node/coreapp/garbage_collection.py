"""Garbage collection of messages, by the coreapp that owns their shard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from ..control.ownership import Grant
from ..runtime.garbage_collection import GROUP, HOUR
from ..store import inbox, outbox
from ..store.engine import Database
from .intake import not_primary

MESSAGE_AGES = {
    "read": HOUR,
    "failed": HOUR,
    "delivered": 24 * HOUR,
    "sent": 30 * 24 * HOUR,
}  # status -> seconds since accepted
INBOUND_AGE = 30 * 24 * HOUR  # seconds since it came in


def message_webhook(node: str) -> Callable[[dict], dict]:
    """Return what makes the webhook of a coreapp's collection (vendor fact)."""

    def webhook(end: dict) -> dict:
        gc = {"messages_deleted": end.pop("deleted"), "node": node, **end}
        return {"services": [{"message": {"gc": gc}}]}

    return webhook


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
