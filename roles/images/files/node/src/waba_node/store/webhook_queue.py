"""Webhooks that wait for delivery. Times are the database's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.ext.asyncio import AsyncConnection

from .buckets import EVERY_BUCKET, among
from .keys import key_of
from .metadata import NOW, Moment, metadata, seconds_from_now

MESSAGE_KEY = 64  # characters

webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("bucket", sa.Integer, nullable=False),  # a bucket of the shard that stored it; its present owner delivers
    sa.Column("payload", LONGTEXT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("message_id", sa.String(MESSAGE_KEY)),  # of the message whose status it reports; see keys.key_of
    sa.Index("webhook_by_due", "due_at", "position", "bucket"),
    sa.Index("webhook_by_message", "message_id", "position"),
)


@dataclass(frozen=True)
class StoredWebhook:
    """A webhook that waits for delivery. message_id: a key of the message whose status it reports, None for any other webhook."""

    position: int
    payload: dict[str, Any]
    attempts: int
    message_id: str | None


async def store_webhooks(connection: AsyncConnection, bucket: int, payloads: list[dict[str, Any]]) -> None:
    """Store webhooks, due at once, in their order."""
    if payloads:
        # A value instead of SQL, so that the driver combines all rows into one statement.
        moment = (await connection.execute(sa.select(NOW))).scalar_one()
        values = [
            {
                "bucket": bucket,
                "payload": json.dumps(payload),
                "attempts": 0,
                "due_at": moment,
                "message_id": reported_message(payload),
            }
            for payload in payloads
        ]
        await connection.execute(sa.insert(webhook), values)


def reported_message(payload: dict[str, Any]) -> str | None:
    """Return a key of the message whose status a webhook reports, None for any other webhook."""
    statuses = payload.get("statuses")
    return key_of(statuses[0]["id"], MESSAGE_KEY) if statuses else None


async def read_due_webhooks(connection: AsyncConnection, buckets: range, limit: int) -> list[StoredWebhook]:
    """Return due webhooks of some buckets, the one that has been due longest first. Without failures this is the order of creation.

    A status waits until the earlier ones of its message are delivered, so there is at most one webhook of each message.
    """
    earlier = webhook.alias()
    waits = sa.exists().where(earlier.c.message_id == webhook.c.message_id, earlier.c.position < webhook.c.position)
    query = (
        sa.select(webhook)
        .where(among(webhook.c.bucket, buckets), webhook.c.due_at <= NOW, ~waits)
        .order_by(webhook.c.due_at, webhook.c.position)
        .limit(limit)
    )
    return [
        StoredWebhook(row.position, json.loads(row.payload), row.attempts, row.message_id)
        for row in await connection.execute(query)
    ]


async def delete_webhooks(connection: AsyncConnection, positions: list[int]) -> None:
    """Delete webhooks that were delivered."""
    await connection.execute(sa.delete(webhook).where(webhook.c.position.in_(positions)))


async def postpone_webhook(connection: AsyncConnection, failed: StoredWebhook, seconds: float) -> None:
    """Record a failure of a webhook, and try it again after some seconds. Later statuses of its message wait as long."""
    await connection.execute(
        sa.update(webhook)
        .where(webhook.c.position == failed.position)
        .values(attempts=webhook.c.attempts + 1, due_at=seconds_from_now("seconds")),
        {"seconds": seconds},
    )
    if failed.message_id is not None:
        await connection.execute(
            sa.update(webhook)
            .where(webhook.c.message_id == failed.message_id, webhook.c.position > failed.position)
            .values(due_at=seconds_from_now("seconds")),
            {"seconds": seconds},
        )


async def count_pending_webhooks(connection: AsyncConnection, buckets: range = EVERY_BUCKET) -> int:
    """Return the number of webhooks of some buckets that wait."""
    query = sa.select(sa.func.count()).select_from(webhook).where(among(webhook.c.bucket, buckets))
    return (await connection.execute(query)).scalar_one()
