"""Updates that an upstream has posted to a webapp and that no coreapp has processed yet. Times are the database's."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import LONGTEXT, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .buckets import among
from .metadata import NOW, Moment, metadata, seconds_from_now

received_update = sa.Table(
    "received_update",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),  # of kind and key: an update waits once
    sa.Column("bucket", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("content", LONGTEXT, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("due_at", Moment),  # AT_ONCE until it is postponed; None: set aside
    sa.Column("problem", sa.String(255)),  # why it was set aside
    sa.Index("received_update_by_due", "due_at", "position", "bucket"),
)


class ReceivedUpdate(NamedTuple):
    """An update to store. bucket: of the user. kind, key: an update with the same kind and key waits once.

    content: JSON of which the update's processor can rebuild the update.
    """

    bucket: int
    kind: str
    key: str
    content: str


class StoredUpdate(NamedTuple):
    """An update that waits. content: JSON as stored, decoded by the processor so that one bad row stays alone. age: seconds."""

    position: int
    bucket: int
    kind: str
    content: str
    age: float


class UpdateStatistics(NamedTuple):
    """Updates that wait, the age of the oldest one in seconds, and updates that were set aside."""

    waiting: int
    oldest: float
    set_aside: int


# Placeholders only, so that the driver combines any number of rows into one statement.
# A new update is due at a fixed moment in the past, so that updates are processed in the order of their positions also when the database's clock
# goes back, as it may with another member after a failover.
AT_ONCE = datetime(2000, 1, 1)
STORE = insert(received_update).on_duplicate_key_update({"digest": received_update.c.digest})
AGE = sa.func.timestampdiff(sa.text("MICROSECOND"), received_update.c.received_at, NOW)


def digest_of(kind: str, key: str) -> str:
    """Return the unique key of an update."""
    return hashlib.sha256(f"{kind} {key}".encode("utf-8", "surrogatepass")).hexdigest()


async def store_updates(connection: AsyncConnection, rows: Sequence[ReceivedUpdate]) -> None:
    """Store updates in their order. One that waits already stays as it is.

    An update that was processed before is stored again; its processing finds the repetition by the message's id or status.
    """
    if not rows:
        return
    moment = (await connection.execute(sa.select(NOW))).scalar_one()
    values = [
        {
            "digest": digest_of(row.kind, row.key),
            "bucket": row.bucket,
            "kind": row.kind,
            "content": row.content,
            "received_at": moment,
            "due_at": AT_ONCE,
        }
        for row in rows
    ]
    await connection.execute(STORE, values)


async def read_due_updates(connection: AsyncConnection, buckets: range, limit: int) -> list[StoredUpdate]:
    """Return due updates of some buckets, in the order of their arrival."""
    query = (
        sa.select(
            received_update.c.position,
            received_update.c.bucket,
            received_update.c.kind,
            received_update.c.content,
            AGE.label("age"),
        )
        .where(among(received_update.c.bucket, buckets), received_update.c.due_at <= NOW)
        .order_by(received_update.c.due_at, received_update.c.position)
        .limit(limit)
    )
    return [
        StoredUpdate(row.position, row.bucket, row.kind, row.content, row.age / 1e6)
        for row in await connection.execute(query)
    ]


async def delete_updates(connection: AsyncConnection, positions: Collection[int]) -> int:
    """Delete processed updates. Return how many were still there."""
    if not positions:
        return 0
    deleted = await connection.execute(sa.delete(received_update).where(received_update.c.position.in_(positions)))
    return deleted.rowcount


async def postpone_updates(connection: AsyncConnection, positions: Collection[int], seconds: float) -> None:
    """Process updates again after some seconds."""
    if positions:
        await connection.execute(
            sa.update(received_update)
            .where(received_update.c.position.in_(positions))
            .values(due_at=seconds_from_now("seconds")),
            {"seconds": seconds},
        )


async def set_update_aside(connection: AsyncConnection, position: int, problem: str) -> None:
    """Keep an update that cannot be processed, for an operator; nothing processes it any more."""
    await connection.execute(
        sa.update(received_update)
        .where(received_update.c.position == position)
        .values(due_at=None, problem=problem[:255])
    )


async def read_statistics(connection: AsyncConnection, buckets: range) -> UpdateStatistics:
    """Return the numbers of some buckets' updates."""
    waits = received_update.c.due_at.is_not(None)
    query = sa.select(
        sa.func.count(received_update.c.due_at),
        sa.func.max(sa.case((waits, AGE), else_=0)),
        sa.func.count() - sa.func.count(received_update.c.due_at),
    ).where(among(received_update.c.bucket, buckets))
    waiting, oldest, aside = (await connection.execute(query)).one()
    return UpdateStatistics(int(waiting), float(oldest or 0) / 1e6, int(aside))


async def delete_set_aside(connection: AsyncConnection, seconds: int, limit: int) -> int:
    """Delete at most `limit` updates that were received so many seconds ago and set aside. Return their number."""
    query = (
        sa.select(received_update.c.position)
        .where(received_update.c.due_at.is_(None), received_update.c.received_at <= seconds_from_now("seconds"))
        .limit(limit)
    )
    old = (await connection.execute(query, {"seconds": -seconds})).scalars().all()
    return await delete_updates(connection, old)
