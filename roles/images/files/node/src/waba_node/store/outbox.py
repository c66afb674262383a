"""The outbox: accepted messages, sent in the order of their positions. Times are the database's."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import LONGTEXT, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .buckets import among
from .metadata import NOW, Moment, metadata, seconds_from_now
from .user_ids import LONGEST, long_user, short_user, whole_user

ACCEPTED = "accepted"
# Only of an upstream whose sends are not idempotent, between accepted and sent: see store.deliveries.
CLAIMED = "claimed"
HANDED_OVER = "handed_over"

message = sa.Table(
    "message",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("message_id", sa.String(64), nullable=False, unique=True),
    sa.Column("bucket", sa.Integer, nullable=False),
    sa.Column("recipient", sa.String(32), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("payload", LONGTEXT, nullable=False),
    sa.Column("accepted_at", Moment, nullable=False),
    sa.Column("callback_data", sa.String(512)),  # comes back with every status
    sa.Column("long_recipient", sa.String(LONGEST)),  # the whole id of a recipient that `recipient` cannot hold
    sa.Index("message_by_status", "status", "position", "bucket"),
)
# Only for messages with a ttl, so that others cost no additional row.
message_expiry = sa.Table(
    "message_expiry",
    metadata,
    sa.Column("message_id", sa.String(64), primary_key=True),
    sa.Column("expires_at", Moment, nullable=False, index=True),
)


class Unsent(NamedTuple):
    """A message that the upstream has not confirmed. age: seconds since it was accepted."""

    position: int
    message_id: str
    payload: dict[str, Any]
    age: float

    @property
    def expired(self) -> bool:
        """Return whether the message has a ttl that has ended."""
        return bool(self.age >= self.payload.get("ttl", float("inf")))


def as_row(accepted: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a message whose payload is a dict."""
    payload = accepted["payload"]
    return {
        **accepted,
        "payload": json.dumps(payload),
        "callback_data": payload.get("biz_opaque_callback_data"),
        "ttl": payload.get("ttl"),
    }


# Placeholders only, so that the driver combines any number of rows into one statement. With a moment in SQL it would send row by row.
STORE = insert(message).on_duplicate_key_update({"message_id": message.c.message_id})


async def store_messages(connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Store accepted messages, rows of `as_row`. A message that is stored already stays as it is."""
    moment = (await connection.execute(sa.select(NOW))).scalar_one()
    values = [
        {
            **row,
            "recipient": short_user(row["recipient"]),
            "long_recipient": long_user(row["recipient"]),
            "status": ACCEPTED,
            "accepted_at": moment,
        }
        for row in rows
    ]
    lives = {row["message_id"]: life for row in values if (life := row.pop("ttl")) is not None}
    await connection.execute(STORE, values)
    if lives:
        as_it_is = {"message_id": message_expiry.c.message_id}
        statement = insert(message_expiry).values(message_id=sa.bindparam("name"), expires_at=seconds_from_now("ttl"))
        await connection.execute(
            statement.on_duplicate_key_update(as_it_is), [{"name": name, "ttl": life} for name, life in lives.items()]
        )


async def read_unsent_messages(connection: AsyncConnection, buckets: range, after: int, limit: int) -> list[Unsent]:
    """Return unconfirmed messages of some buckets after a position, in order."""
    age = sa.func.timestampdiff(sa.text("MICROSECOND"), message.c.accepted_at, NOW)
    query = (
        sa.select(message.c.position, message.c.message_id, message.c.payload, age.label("age"))
        .where(among(message.c.bucket, buckets), message.c.status == ACCEPTED, message.c.position > after)
        .order_by(message.c.position)
        .limit(limit)
    )
    return [
        Unsent(row.position, row.message_id, json.loads(row.payload), row.age / 1e6)
        for row in await connection.execute(query)
    ]


async def read_expired_messages(connection: AsyncConnection, buckets: range, limit: int) -> list[tuple[str, str]]:
    """Return (id, status) of messages whose ttl has ended and whose expiry is not handled yet, the earliest first."""
    query = (
        sa.select(message.c.message_id, message.c.status)
        .join(message_expiry, message_expiry.c.message_id == message.c.message_id)
        .where(message_expiry.c.expires_at <= NOW, among(message.c.bucket, buckets))
        .order_by(message_expiry.c.expires_at)
        .limit(limit)
    )
    return [(row.message_id, row.status) for row in await connection.execute(query)]


async def forget_expiry(connection: AsyncConnection, message_ids: Collection[str]) -> None:
    """Record that the end of a ttl was handled."""
    await connection.execute(sa.delete(message_expiry).where(message_expiry.c.message_id.in_(message_ids)))


async def count_messages(connection: AsyncConnection) -> dict[str, int]:
    """Return status -> number of messages."""
    rows = await connection.execute(sa.select(message.c.status, sa.func.count()).group_by(message.c.status))
    return {row[0]: row[1] for row in rows}


class StoredMessage(NamedTuple):
    """What a status event needs of its message. callback_data: returned to the client with every status."""

    recipient: str
    status: str
    callback_data: str | None = None


async def lock_messages(connection: AsyncConnection, message_ids: Collection[str]) -> dict[str, StoredMessage]:
    """Return id -> message of those messages that are stored, and lock them until the transaction ends."""
    recipient = whole_user(message.c.long_recipient, message.c.recipient).label("recipient")
    query = (
        sa.select(message.c.message_id, recipient, message.c.status, message.c.callback_data)
        .where(message.c.message_id.in_(message_ids))
        .order_by(message.c.message_id)
        .with_for_update()
    )
    return {
        row.message_id: StoredMessage(row.recipient, row.status, row.callback_data)
        for row in await connection.execute(query)
    }


async def record_statuses(connection: AsyncConnection, statuses: Mapping[str, str]) -> None:
    """Record the new status of each message: id -> status."""
    for status in set(statuses.values()):
        ids = [message_id for message_id, new in statuses.items() if new == status]
        await connection.execute(sa.update(message).where(message.c.message_id.in_(ids)).values(status=status))


async def delete_messages(connection: AsyncConnection, buckets: range, status: str, seconds: int, limit: int) -> int:
    """Delete at most `limit` messages of some buckets and a status that were accepted so many seconds ago. Return their number.

    Messages are read in the order of their acceptance up to the first younger one, so no more than `limit` are read.
    """
    age = sa.func.timestampdiff(sa.text("SECOND"), message.c.accepted_at, NOW)
    query = (
        sa.select(message.c.position, message.c.message_id, age.label("age"))
        .where(among(message.c.bucket, buckets), message.c.status == status)
        .order_by(message.c.position)
        .limit(limit)
    )
    old = [row for row in await connection.execute(query) if row.age >= seconds]
    if old:
        await forget_expiry(connection, [row.message_id for row in old])
        await connection.execute(sa.delete(message).where(message.c.position.in_([row.position for row in old])))
    return len(old)
