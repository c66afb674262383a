"""Checked numbers with their WhatsApp IDs, and identities of users. Times are the database's."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .metadata import NOW, Moment, metadata
from .user_ids import user_key

CACHE_LIFE = sa.text("UTC_TIMESTAMP(6) - INTERVAL 7 DAY")  # docs/reference/vendor-contract.md#contacts
DELETED_AT_ONCE = 1000  # outdated entries that a check deletes
LONGEST_HASH = 64  # characters

contact = sa.Table(
    "contact",
    metadata,
    sa.Column("number", sa.String(20), primary_key=True),
    sa.Column("wa_id", sa.String(32)),
    sa.Column("checked_at", Moment, nullable=False, index=True),
)
contact_identity = sa.Table(
    "contact_identity",
    metadata,
    sa.Column("wa_id", sa.String(32), primary_key=True),  # see user_ids.user_key
    sa.Column("hash", sa.String(LONGEST_HASH), nullable=False),  # see stored_hash
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("acknowledged", sa.Boolean, nullable=False),
)


@dataclass(frozen=True)
class Identity:
    """The latest identity of a user. seen_at: when it was first observed, in milliseconds since 1970."""

    hash: str
    seen_at: int
    acknowledged: bool


async def read_checked_numbers(connection: AsyncConnection, numbers: Collection[str]) -> dict[str, str | None]:
    """Return number -> WhatsApp ID (None where there is none) of the numbers that were checked within the last 7 days."""
    query = sa.select(contact.c.number, contact.c.wa_id)
    rows = await connection.execute(query.where(contact.c.number.in_(numbers), contact.c.checked_at > CACHE_LIFE))
    return {row.number: row.wa_id for row in rows}


async def store_checked_numbers(connection: AsyncConnection, wa_ids: Mapping[str, str | None]) -> None:
    """Store the result of a check, number -> WhatsApp ID, and delete some outdated results."""
    if wa_ids:
        values = [{"number": number, "wa_id": wa_id, "checked_at": NOW} for number, wa_id in sorted(wa_ids.items())]
        statement = insert(contact).values(values)
        newer = {"wa_id": statement.inserted.wa_id, "checked_at": NOW}
        await connection.execute(statement.on_duplicate_key_update(newer))
    outdated = sa.delete(contact).where(contact.c.checked_at <= CACHE_LIFE)
    await connection.execute(outdated.with_dialect_options(mysql_limit=DELETED_AT_ONCE, mariadb_limit=DELETED_AT_ONCE))


def stored_hash(identity: str) -> str:
    """Return an identity as it is stored: a hash of one that the column cannot hold, which clients may send in its place."""
    return identity if len(identity) <= LONGEST_HASH else hashlib.sha256(identity.encode()).hexdigest()


async def observe_identity(
    connection: AsyncConnection, wa_id: str, current: str, first_is_known: bool = True
) -> Identity:
    """Record the present hash of a user's identity and return the identity.

    A user's first identity counts as acknowledged, unless the upstream reports it as a change: first_is_known=False.
    """
    current = stored_hash(current)
    first = insert(contact_identity).values(
        wa_id=user_key(wa_id), hash=current, seen_at=NOW, acknowledged=first_is_known
    )
    await connection.execute(first.on_duplicate_key_update(wa_id=contact_identity.c.wa_id))
    mine = contact_identity.c.wa_id == user_key(wa_id)
    await connection.execute(
        sa.update(contact_identity)
        .where(mine, contact_identity.c.hash != current)
        .values(hash=current, seen_at=NOW, acknowledged=False)
    )
    seen_at = sa.func.timestampdiff(sa.text("MICROSECOND"), sa.text("'1970-01-01'"), contact_identity.c.seen_at)
    row = (await connection.execute(sa.select(contact_identity, seen_at.label("us")).where(mine))).one()
    return Identity(row.hash, row.us // 1000, bool(row.acknowledged))


async def find_identity(connection: AsyncConnection, wa_id: str) -> str | None:
    """Return the hash of a user's identity that was observed last, or None."""
    query = sa.select(contact_identity.c.hash).where(contact_identity.c.wa_id == user_key(wa_id))
    return (await connection.execute(query)).scalar_one_or_none()


async def requires_acknowledgement(connection: AsyncConnection, wa_id: str) -> bool:
    """Return whether a user's identity has changed and the change is not acknowledged."""
    query = sa.select(contact_identity.c.acknowledged).where(contact_identity.c.wa_id == user_key(wa_id))
    return (await connection.execute(query)).scalar_one_or_none() is False


async def acknowledge_identity(connection: AsyncConnection, wa_id: str, given: str) -> bool | None:
    """Acknowledge a user's identity. Return whether `given` is the latest hash, None when no identity was observed."""
    query = sa.select(contact_identity.c.hash).where(contact_identity.c.wa_id == user_key(wa_id)).with_for_update()
    latest = (await connection.execute(query)).scalar_one_or_none()
    if latest is None or latest != stored_hash(given):
        return None if latest is None else False
    mine = contact_identity.c.wa_id == user_key(wa_id)
    await connection.execute(sa.update(contact_identity).where(mine).values(acknowledged=True))
    return True


async def count_contacts(connection: AsyncConnection) -> tuple[int, int]:
    """Return the number of checked contacts with and without a WhatsApp ID."""
    with_id = sa.func.count(contact.c.wa_id)
    row = (await connection.execute(sa.select(with_id, sa.func.count(contact.c.number)))).one()
    return int(row[0]), int(row[1]) - int(row[0])
