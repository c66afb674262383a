"""Received messages that a client may still refer to. Times are the database's."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from .keys import key_of
from .metadata import NOW, Moment, metadata, seconds_from_now
from .user_ids import LONGEST, long_user, short_user, whole_user

inbound_message = sa.Table(
    "inbound_message",
    metadata,
    sa.Column("message_id", sa.String(255), primary_key=True),  # see keys.key_of
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
    keys = {key_of(name): name for name in senders}
    query = sa.select(inbound_message.c.message_id).where(inbound_message.c.message_id.in_(keys))
    new = keys.keys() - set((await connection.execute(query)).scalars())
    if new:
        values = [
            {
                "message_id": key,
                "sender": short_user(senders[keys[key]]),
                "long_sender": long_user(senders[keys[key]]),
                "received_at": NOW,
            }
            for key in sorted(new)
        ]
        try:
            await connection.execute(sa.insert(inbound_message).values(values))
        except IntegrityError as error:
            raise StoredMeanwhile("a received message is being stored by another transaction") from error
    return {keys[key] for key in new}


async def find_sender(connection: AsyncConnection, message_id: str) -> str | None:
    """Return the sender of a received message, or None."""
    sender = whole_user(inbound_message.c.long_sender, inbound_message.c.sender)
    query = sa.select(sender).where(inbound_message.c.message_id == key_of(message_id))
    return (await connection.execute(query)).scalar_one_or_none()


async def record_read(connection: AsyncConnection, message_id: str) -> None:
    """Record that a received message was marked as read. The first time counts."""
    await connection.execute(
        sa.update(inbound_message)
        .where(inbound_message.c.message_id == key_of(message_id), inbound_message.c.read_at.is_(None))
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
