"""Webhooks that wait for their delivery. All times are the database's."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.ext.asyncio import AsyncConnection

from .buckets import EVERY_BUCKET, among
from .metadata import NOW, Moment, metadata, seconds_from_now

webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("bucket", sa.Integer, nullable=False),  # one of the shard that stored it; whoever has it now delivers
    sa.Column("payload", LONGTEXT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Index("webhook_by_due", "due_at", "position", "bucket"),
)


@dataclass(frozen=True)
class StoredWebhook:
    """A webhook that waits for its delivery."""

    position: int
    payload: dict
    attempts: int


async def store_webhooks(connection: AsyncConnection, bucket: int, payloads: list[dict]) -> None:
    """Store webhooks for delivery at once, in their order."""
    if payloads:
        # As a value of its own, not in SQL: then the driver makes one statement of all rows.
        moment = (await connection.execute(sa.select(NOW))).scalar_one()
        values = [
            {"bucket": bucket, "payload": json.dumps(payload), "attempts": 0, "due_at": moment} for payload in payloads
        ]
        await connection.execute(sa.insert(webhook), values)


async def due_webhooks(connection: AsyncConnection, buckets: range, limit: int) -> list[StoredWebhook]:
    """Return webhooks of some buckets that are due, the one that has been due for longest first: at first the order of their creation."""
    query = (
        sa.select(webhook)
        .where(among(webhook.c.bucket, buckets), webhook.c.due_at <= NOW)
        .order_by(webhook.c.due_at, webhook.c.position)
        .limit(limit)
    )
    return [
        StoredWebhook(row.position, json.loads(row.payload), row.attempts) for row in await connection.execute(query)
    ]


async def webhooks_delivered(connection: AsyncConnection, positions: list[int]) -> None:
    """Forget webhooks that were answered with 200."""
    await connection.execute(sa.delete(webhook).where(webhook.c.position.in_(positions)))


async def webhook_failed(connection: AsyncConnection, position: int, seconds: float) -> None:
    """Put a webhook off."""
    await connection.execute(
        sa.update(webhook)
        .where(webhook.c.position == position)
        .values(attempts=webhook.c.attempts + 1, due_at=seconds_from_now("seconds")),
        {"seconds": seconds},
    )


async def pending_webhooks(connection: AsyncConnection, buckets: range = EVERY_BUCKET) -> int:
    """Return how many webhooks of some buckets wait."""
    query = sa.select(sa.func.count()).select_from(webhook).where(among(webhook.c.bucket, buckets))
    return (await connection.execute(query)).scalar_one()
