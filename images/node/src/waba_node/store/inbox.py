"""Received messages that a client may still refer to. Times are the database's."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from .metadata import NOW, Moment, metadata, seconds_from_now
from .user_ids import LONGEST, long_user, short_user, whole_user

inbound_message = sa.Table(
    "inbound_message",
    metadata,
    sa.Column("message_id", sa.String(255), primary_key=True),
    sa.Column("sender", sa.String(32), nullable=False),
    sa.Column("received_at", Moment, nullable=False, index=True),
    sa.Column("read_at", Moment),
    sa.Column("long_sender", sa.String(LONGEST)),  # the whole id of a sender that `sender` cannot hold
)


class StoredMeanwhile(Exception):
    """Another transaction has stored a message that this one took for new. A repetition finds it."""


async def store_inbound(connection: AsyncConnection, senders: dict[str, str]) -> set[str]:
    """Store received messages, id -> sender. Return the ids of those that were received for the first time. Raises StoredMeanwhile."""
    if not senders:
        return set()
    query = sa.select(inbound_message.c.message_id).where(inbound_message.c.message_id.in_(senders))
    new = senders.keys() - set((await connection.execute(query)).scalars())
    if new:
        values = [
            {
                "message_id": name,
                "sender": short_user(senders[name]),
                "long_sender": long_user(senders[name]),
                "received_at": NOW,
            }
            for name in sorted(new)
        ]
        stored = await connection.execute(sa.insert(inbound_message).prefix_with("IGNORE").values(values))
        if stored.rowcount != len(new):
            raise StoredMeanwhile(
                f"{len(new) - stored.rowcount} received messages are being stored by another transaction"
            )
    return new


async def find_sender(connection: AsyncConnection, message_id: str) -> str | None:
    """Return the sender of a received message, or None."""
    sender = whole_user(inbound_message.c.long_sender, inbound_message.c.sender)
    query = sa.select(sender).where(inbound_message.c.message_id == message_id)
    return (await connection.execute(query)).scalar_one_or_none()


async def record_read(connection: AsyncConnection, message_id: str) -> None:
    """Record that a received message was marked as read. The first time counts."""
    await connection.execute(
        sa.update(inbound_message)
        .where(inbound_message.c.message_id == message_id, inbound_message.c.read_at.is_(None))
        .values(read_at=NOW)
    )


async def delete_inbound(connection: AsyncConnection, seconds: int, limit: int) -> int:
    """Delete at most `limit` messages that were received so many seconds ago. Return their number."""
    query = (
        sa.select(inbound_message.c.message_id)
        .where(inbound_message.c.received_at <= seconds_from_now("seconds"))
        .order_by(inbound_message.c.received_at)
        .limit(limit)
    )
    old = (await connection.execute(query, {"seconds": -seconds})).scalars().all()
    if old:
        await connection.execute(sa.delete(inbound_message).where(inbound_message.c.message_id.in_(old)))
    return len(old)
