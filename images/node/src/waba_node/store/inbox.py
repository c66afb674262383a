"""What came in from the upstream, as far as a client may still speak of it. All times are the database's."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from .metadata import NOW, Moment, metadata, seconds_from_now

inbound_message = sa.Table(
    "inbound_message",
    metadata,
    sa.Column("message_id", sa.String(128), primary_key=True),
    sa.Column("sender", sa.String(32), nullable=False),
    sa.Column("received_at", Moment, nullable=False, index=True),
    sa.Column("read_at", Moment),
)


class StoredMeanwhile(Exception):
    """Another transaction stored what this one took for new; done again, it will be seen."""


async def store_inbound(connection: AsyncConnection, senders: dict[str, str]) -> set[str]:
    """Remember messages that came in, id -> sender, and return the ids of those that came for the first time. Raises StoredMeanwhile."""
    if not senders:
        return set()
    query = sa.select(inbound_message.c.message_id).where(inbound_message.c.message_id.in_(senders))
    new = senders.keys() - set((await connection.execute(query)).scalars())
    if new:
        values = [{"message_id": name, "sender": senders[name], "received_at": NOW} for name in sorted(new)]
        stored = await connection.execute(sa.insert(inbound_message).prefix_with("IGNORE").values(values))
        if stored.rowcount != len(new):
            raise StoredMeanwhile(
                f"{len(new) - stored.rowcount} messages that came in are being stored by somebody else"
            )
    return new


async def sender_of(connection: AsyncConnection, message_id: str) -> str | None:
    """Return who sent a message that came in, or None."""
    query = sa.select(inbound_message.c.sender).where(inbound_message.c.message_id == message_id)
    return (await connection.execute(query)).scalar_one_or_none()


async def record_read(connection: AsyncConnection, message_id: str) -> None:
    """Record that a message was marked as read; the first time counts."""
    await connection.execute(
        sa.update(inbound_message)
        .where(inbound_message.c.message_id == message_id, inbound_message.c.read_at.is_(None))
        .values(read_at=NOW)
    )


async def delete_inbound(connection: AsyncConnection, seconds: int, limit: int) -> int:
    """Forget messages that came in so many seconds ago; return how many of at most `limit`."""
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
