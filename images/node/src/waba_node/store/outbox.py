"""Messages: accepted, then sent in the order of their positions. All times are the database's."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import LONGTEXT, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .metadata import NOW, Moment, metadata

ACCEPTED = "accepted"

message = sa.Table(
    "message",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("message_id", sa.String(64), nullable=False, unique=True),
    sa.Column("shard", sa.Integer, nullable=False),
    sa.Column("recipient", sa.String(32), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("payload", LONGTEXT, nullable=False),
    sa.Column("accepted_at", Moment, nullable=False),
    sa.Index("message_by_status", "shard", "status", "position"),
)


async def store_messages(connection: AsyncConnection, rows: list[dict]) -> None:
    """Store accepted messages: message_id, shard, recipient, payload (dict). One that is there already stays as it is."""
    values = [{**row, "payload": json.dumps(row["payload"]), "status": ACCEPTED, "accepted_at": NOW} for row in rows]
    as_it_is = {"message_id": message.c.message_id}
    await connection.execute(insert(message).values(values).on_duplicate_key_update(as_it_is))


async def unsent_messages(
    connection: AsyncConnection, shard: int, after: int, limit: int
) -> list[tuple[int, str, dict]]:
    """Return (position, id, payload) of messages that the upstream has not confirmed, in order, from a position on."""
    query = (
        sa.select(message.c.position, message.c.message_id, message.c.payload)
        .where(message.c.shard == shard, message.c.status == ACCEPTED, message.c.position > after)
        .order_by(message.c.position)
        .limit(limit)
    )
    return [(row.position, row.message_id, json.loads(row.payload)) for row in await connection.execute(query)]


async def count_messages(connection: AsyncConnection) -> dict[str, int]:
    """Return how many messages there are of each status."""
    rows = await connection.execute(sa.select(message.c.status, sa.func.count()).group_by(message.c.status))
    return {row[0]: row[1] for row in rows}


async def lock_messages(connection: AsyncConnection, message_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return id -> (recipient, status) of those messages that are known, and keep them so until the transaction ends."""
    query = (
        sa.select(message.c.message_id, message.c.recipient, message.c.status)
        .where(message.c.message_id.in_(message_ids))
        .order_by(message.c.message_id)
        .with_for_update()
    )
    return {row.message_id: (row.recipient, row.status) for row in await connection.execute(query)}


async def record_statuses(connection: AsyncConnection, statuses: Mapping[str, str]) -> None:
    """Record the new status of each message: id -> status."""
    for status in set(statuses.values()):
        ids = [message_id for message_id, new in statuses.items() if new == status]
        await connection.execute(sa.update(message).where(message.c.message_id.in_(ids)).values(status=status))
