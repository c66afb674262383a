"""Deliveries to an upstream whose sends are not idempotent (docs/adr/0024-claim-before-cloud-post.md). Times are the database's.

A message passes from `accepted` to `claimed`, to `handed_over` and to the statuses that the upstream reports. A row of `delivery` exists while
a message is claimed: the claim is in flight, or it is uncertain whether the message was sent. A row of a message that is accepted again
counts its attempts. `upstream_message` has the ids that the upstream gave to messages; a message that was sent again has several.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .buckets import among
from .keys import HASHED, key_of
from .metadata import NOW, Moment, metadata, seconds_from_now
from .outbox import ACCEPTED, CLAIMED, HANDED_OVER, Unsent, lock_messages, message
from .user_ids import whole_user

IN_FLIGHT = "claimed"
UNCERTAIN = "uncertain"
QUEUED = "queued"  # to be sent again

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("message_id", sa.String(64), primary_key=True),
    sa.Column("bucket", sa.Integer, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),  # of the owner that claimed the message
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),  # that may have sent the message
    sa.Column("changed_at", Moment, nullable=False),
    sa.Index("delivery_by_state", "state", "changed_at"),
)
upstream_message = sa.Table(
    "upstream_message",
    metadata,
    sa.Column("upstream_id", sa.String(255), primary_key=True),  # see keys.key_of
    sa.Column("message_id", sa.String(64), nullable=False, index=True),
    sa.Column("bucket", sa.Integer, nullable=False),
    sa.Column("failed", sa.Boolean, nullable=False),
    sa.Column("stored_at", Moment, nullable=False, index=True),
)


class NotClaimed(Exception):
    """A message was no longer accepted when it was to be claimed."""


class Waiting(NamedTuple):
    """A message to send, and its recipient. bucket: of the recipient."""

    unsent: Unsent
    recipient: str
    bucket: int


class Sent(NamedTuple):
    """A message of the cluster under one id of the upstream."""

    message_id: str
    bucket: int


# Placeholders only, so that the driver combines any number of rows into one statement.
CLAIM = insert(delivery)
CLAIM = CLAIM.on_duplicate_key_update(
    epoch=CLAIM.inserted.epoch, state=CLAIM.inserted.state, changed_at=CLAIM.inserted.changed_at
)
RECORD_SENT = insert(upstream_message).on_duplicate_key_update({"upstream_id": upstream_message.c.upstream_id})
RECORD_FAILED = insert(upstream_message)
RECORD_FAILED = RECORD_FAILED.on_duplicate_key_update(failed=RECORD_FAILED.inserted.failed)


async def read_waiting(connection: AsyncConnection, buckets: range, after: int, limit: int) -> list[Waiting]:
    """Return accepted messages of some buckets after a position, in order."""
    age = sa.func.timestampdiff(sa.text("MICROSECOND"), message.c.accepted_at, NOW)
    query = (
        sa.select(
            message.c.position,
            message.c.message_id,
            message.c.payload,
            message.c.bucket,
            whole_user(message.c.long_recipient, message.c.recipient).label("recipient"),
            age.label("age"),
        )
        .where(among(message.c.bucket, buckets), message.c.status == ACCEPTED, message.c.position > after)
        .order_by(message.c.position)
        .limit(limit)
    )
    return [
        Waiting(Unsent(row.position, row.message_id, json.loads(row.payload), row.age / 1e6), row.recipient, row.bucket)
        for row in await connection.execute(query)
    ]


async def claim(connection: AsyncConnection, epoch: int, messages: Mapping[str, int]) -> None:
    """Claim messages, id -> bucket. Raises NotClaimed unless all of them are accepted: undo the transaction and read them again.

    Call `ownership.guard` in the same transaction.
    """
    claimed = await connection.execute(
        sa.update(message)
        .where(message.c.message_id.in_(messages), message.c.status == ACCEPTED)
        .values(status=CLAIMED)
    )
    if claimed.rowcount != len(messages):
        raise NotClaimed(f"{len(messages) - claimed.rowcount} of {len(messages)} messages are not accepted any more")
    moment = (await connection.execute(sa.select(NOW))).scalar_one()
    common = {"epoch": epoch, "state": IN_FLIGHT, "attempts": 0, "changed_at": moment}
    await connection.execute(
        CLAIM, [{"message_id": name, "bucket": bucket, **common} for name, bucket in messages.items()]
    )


async def record_sent(connection: AsyncConnection, sent: Mapping[str, Sent]) -> None:
    """Record the upstream's ids of messages, which are handed over by that: upstream id -> message.

    This is a fact, not a decision, so a process that has lost the shard records it too. The messages are locked before their ids are recorded:
    a transaction that fails a message locks it as well, and then finds every id.
    """
    if not sent:
        return
    names = {one.message_id for one in sent.values()}
    await connection.execute(
        sa.update(message)
        .where(message.c.message_id.in_(names), message.c.status.in_((ACCEPTED, CLAIMED)))
        .values(status=HANDED_OVER)
    )
    moment = (await connection.execute(sa.select(NOW))).scalar_one()
    values = [
        {"upstream_id": key_of(upstream_id), **one._asdict(), "failed": False, "stored_at": moment}
        for upstream_id, one in sorted(sent.items())
    ]
    await connection.execute(RECORD_SENT, values)
    await end_deliveries(connection, names)


async def end_deliveries(connection: AsyncConnection, message_ids: Collection[str]) -> None:
    """Forget the deliveries of messages whose outcome is known."""
    if message_ids:
        await connection.execute(sa.delete(delivery).where(delivery.c.message_id.in_(message_ids)))


async def mark_uncertain(connection: AsyncConnection, epoch: int, message_ids: Collection[str]) -> None:
    """Record that messages which an owner has claimed may have been sent. Call `ownership.guard` in the same transaction."""
    if message_ids:
        await connection.execute(
            sa.update(delivery)
            .where(delivery.c.message_id.in_(message_ids), delivery.c.state == IN_FLIGHT, delivery.c.epoch == epoch)
            .values(state=UNCERTAIN, changed_at=NOW)
        )


async def mark_abandoned(connection: AsyncConnection, buckets: range, epoch: int) -> int:
    """Record that messages which an earlier owner has claimed may have been sent. Return their number.

    Call `ownership.guard` before, in the same transaction.
    """
    abandoned = await connection.execute(
        sa.update(delivery)
        .where(among(delivery.c.bucket, buckets), delivery.c.state == IN_FLIGHT, delivery.c.epoch < epoch)
        .values(state=UNCERTAIN, changed_at=NOW)
    )
    return abandoned.rowcount


async def abandon_waiting(connection: AsyncConnection) -> None:
    """Let an owner that has ended have claimed every message that waits: `mark_abandoned` then makes it uncertain.

    After a restore the upstream may have accepted such a message since the backup.
    """
    await connection.execute(sa.update(message).where(message.c.status == ACCEPTED).values(status=CLAIMED))
    claimed = sa.select(
        message.c.message_id, message.c.bucket, sa.literal(0), sa.literal(IN_FLIGHT), sa.literal(0), NOW
    ).where(message.c.status == CLAIMED)
    names = ["message_id", "bucket", "epoch", "state", "attempts", "changed_at"]
    statement = insert(delivery).from_select(names, claimed)
    await connection.execute(statement.on_duplicate_key_update(epoch=0, state=IN_FLIGHT))


async def read_overdue(connection: AsyncConnection, buckets: range, seconds: float, limit: int) -> list[str]:
    """Return messages that have been uncertain for so many seconds, the longest first."""
    query = (
        sa.select(delivery.c.message_id)
        .where(
            among(delivery.c.bucket, buckets),
            delivery.c.state == UNCERTAIN,
            delivery.c.changed_at <= seconds_from_now("seconds"),
        )
        .order_by(delivery.c.changed_at)
        .limit(limit)
    )
    return list((await connection.execute(query, {"seconds": -seconds})).scalars())


async def read_uncertain(connection: AsyncConnection, message_ids: Collection[str]) -> set[str]:
    """Return those messages that are uncertain, and lock their deliveries until the transaction ends."""
    if not message_ids:
        return set()
    query = (
        sa.select(delivery.c.message_id)
        .where(delivery.c.message_id.in_(message_ids), delivery.c.state == UNCERTAIN)
        .order_by(delivery.c.message_id)
        .with_for_update()
    )
    return set((await connection.execute(query)).scalars())


async def count_uncertain(connection: AsyncConnection, buckets: range) -> int:
    """Return the number of uncertain messages of some buckets."""
    query = sa.select(sa.func.count()).select_from(delivery)
    query = query.where(among(delivery.c.bucket, buckets), delivery.c.state == UNCERTAIN)
    return int((await connection.execute(query)).scalar_one())


async def queue_again(connection: AsyncConnection, message_ids: Collection[str], *, sent_perhaps: bool) -> None:
    """Let claimed messages be sent again. sent_perhaps: they may have been sent before.

    Call `ownership.guard` in the same transaction.
    """
    if not message_ids:
        return
    await connection.execute(
        sa.update(message)
        .where(message.c.message_id.in_(message_ids), message.c.status == CLAIMED)
        .values(status=ACCEPTED)
    )
    if sent_perhaps:
        await connection.execute(
            sa.update(delivery)
            .where(delivery.c.message_id.in_(message_ids))
            .values(state=QUEUED, attempts=delivery.c.attempts + 1, changed_at=NOW)
        )
        return
    mine = delivery.c.message_id.in_(message_ids)
    await connection.execute(sa.delete(delivery).where(mine, delivery.c.attempts == 0))
    await connection.execute(sa.update(delivery).where(mine).values(state=QUEUED, changed_at=NOW))


async def read_possible(connection: AsyncConnection, message_ids: Collection[str]) -> set[str]:
    """Return those messages that the upstream has accepted under an id that has not failed."""
    if not message_ids:
        return set()
    query = (
        sa.select(upstream_message.c.message_id)
        .distinct()
        .where(upstream_message.c.message_id.in_(message_ids), upstream_message.c.failed.is_(False))
    )
    return set((await connection.execute(query)).scalars())


async def read_repeated(connection: AsyncConnection, message_ids: Collection[str]) -> set[str]:
    """Return those messages that are being sent again."""
    if not message_ids:
        return set()
    query = sa.select(delivery.c.message_id).where(delivery.c.message_id.in_(message_ids), delivery.c.attempts > 0)
    return set((await connection.execute(query)).scalars())


async def record_failed(connection: AsyncConnection, sent: Mapping[str, Sent]) -> set[str]:
    """Record that messages have failed under some of the upstream's ids. Return the messages that have failed by that.

    A message that was sent again, or that the upstream has accepted under another id, may still arrive.
    """
    if not sent:
        return set()
    names = {one.message_id for one in sent.values()}
    await lock_messages(connection, names)
    moment = (await connection.execute(sa.select(NOW))).scalar_one()
    values = [
        {"upstream_id": key_of(upstream_id), **one._asdict(), "failed": True, "stored_at": moment}
        for upstream_id, one in sorted(sent.items())
    ]
    await connection.execute(RECORD_FAILED, values)
    failed = names - await read_possible(connection, names) - await read_repeated(connection, names)
    await end_deliveries(connection, failed)
    return failed


async def find_messages(connection: AsyncConnection, upstream_ids: Collection[str]) -> dict[str, Sent]:
    """Return upstream id -> message of those ids that are known."""
    if not upstream_ids:
        return {}
    keys = {key_of(name): name for name in upstream_ids}
    query = sa.select(upstream_message.c.upstream_id, upstream_message.c.message_id, upstream_message.c.bucket).where(
        upstream_message.c.upstream_id.in_(keys)
    )
    return {keys[row.upstream_id]: Sent(row.message_id, row.bucket) for row in await connection.execute(query)}


async def find_buckets(connection: AsyncConnection, upstream_ids: Collection[str]) -> dict[str, int]:
    """Return upstream id -> bucket of the message, of those ids that are known."""
    return {name: sent.bucket for name, sent in (await find_messages(connection, upstream_ids)).items()}


async def find_upstream_id(connection: AsyncConnection, message_id: str) -> str | None:
    """Return the latest id that the upstream gave to a message, or None. An id that has not failed is preferred.

    An id of which only the hash is stored cannot be used.
    """
    query = (
        sa.select(upstream_message.c.upstream_id)
        .where(upstream_message.c.message_id == message_id, upstream_message.c.upstream_id.not_like(f"{HASHED}%"))
        .order_by(upstream_message.c.failed, upstream_message.c.stored_at.desc())
        .limit(1)
    )
    return (await connection.execute(query)).scalar_one_or_none()


async def delete_old_ids(connection: AsyncConnection, seconds: int, limit: int) -> int:
    """Delete at most `limit` ids that the upstream gave so many seconds ago. Return their number."""
    query = (
        sa.select(upstream_message.c.upstream_id)
        .where(upstream_message.c.stored_at <= seconds_from_now("seconds"))
        .order_by(upstream_message.c.stored_at)
        .limit(limit)
    )
    old = (await connection.execute(query, {"seconds": -seconds})).scalars().all()
    if old:
        await connection.execute(sa.delete(upstream_message).where(upstream_message.c.upstream_id.in_(old)))
    return len(old)
