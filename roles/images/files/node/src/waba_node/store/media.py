"""Media: files in the shared folder, and files that are still at the upstream. Times are the database's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .media_folder import Saved
from .metadata import NOW, Moment, metadata, seconds_from_now
from .user_ids import LONGEST, long_user, short_user, whole_user

UNUSED = sa.text("UTC_TIMESTAMP(6) - INTERVAL 30 DAY")

media = sa.Table(
    "media",
    metadata,
    sa.Column("media_id", sa.String(64), primary_key=True),
    sa.Column("mime_type", sa.String(255), nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("size", sa.BigInteger),
    sa.Column("file", sa.String(255)),
    sa.Column("sender", sa.String(32)),
    sa.Column("reference", sa.String(1024)),
    sa.Column("used_at", Moment, nullable=False, index=True),
    sa.Column("long_sender", sa.String(LONGEST)),  # the whole id of a sender that `sender` cannot hold
)


@dataclass(frozen=True)
class StoredMedia:
    """A file. sha256: hexadecimal. size: bytes. file: its path in the folder of media.

    file is None while the file is only at the upstream; the owner of the sender's shard can download it by its reference.
    """

    media_id: str
    mime_type: str
    sha256: str | None = None
    size: int | None = None
    file: str | None = None
    sender: str | None = None
    reference: str | None = None


SENDER = whole_user(media.c.long_sender, media.c.sender).label("sender")
COLUMNS = [SENDER if name == "sender" else media.c[name] for name in StoredMedia.__dataclass_fields__]


def _values(entry: StoredMedia) -> dict[str, Any]:
    sender = {"sender": entry.sender and short_user(entry.sender), "long_sender": long_user(entry.sender)}
    return {**asdict(entry), **sender, "used_at": NOW}


async def store_media(connection: AsyncConnection, entries: list[StoredMedia]) -> None:
    """Store media. Known media stay as they are."""
    if entries:
        values = [_values(entry) for entry in entries]
        as_it_is = {"media_id": media.c.media_id}
        await connection.execute(insert(media).values(values).on_duplicate_key_update(as_it_is))


async def read_media(connection: AsyncConnection, media_id: str) -> StoredMedia | None:
    """Return a file, or None."""
    return (await find_media(connection, [media_id])).get(media_id)


async def find_media(connection: AsyncConnection, media_ids: Collection[str]) -> dict[str, StoredMedia]:
    """Return the known ones of some media, by id."""
    rows = await connection.execute(sa.select(*COLUMNS).where(media.c.media_id.in_(media_ids)))
    return {row.media_id: StoredMedia(*row) for row in rows}


async def use_media(connection: AsyncConnection, media_ids: Collection[str]) -> bool:
    """Record a use of media, which protects them for another 30 days. Return whether all of them exist."""
    wanted = set(media_ids)
    used = await connection.execute(sa.update(media).where(media.c.media_id.in_(wanted)).values(used_at=NOW))
    return used.rowcount == len(wanted)


async def record_fetched(connection: AsyncConnection, media_id: str, saved: Saved) -> None:
    """Record that a file was downloaded from the upstream into the shared folder."""
    values = {"file": saved.file, "size": saved.size, "sha256": saved.sha256}
    await connection.execute(sa.update(media).where(media.c.media_id == media_id).values(**values))


async def read_unfetched(connection: AsyncConnection, seconds: int, limit: int) -> list[tuple[str, str]]:
    """Return (id, sender) of at most `limit` files that were received within so many seconds and are still only at the upstream, newest first."""
    query = (
        sa.select(media.c.media_id, SENDER)
        .where(media.c.file.is_(None), media.c.reference.is_not(None), media.c.used_at > seconds_from_now("seconds"))
        .order_by(media.c.used_at.desc())
        .limit(limit)
    )
    return [(row.media_id, row.sender) for row in await connection.execute(query, {"seconds": -seconds})]


async def forget_media(connection: AsyncConnection, media_ids: Collection[str]) -> None:
    """Delete media."""
    await connection.execute(sa.delete(media).where(media.c.media_id.in_(media_ids)))


async def take_unused(connection: AsyncConnection, limit: int) -> list[StoredMedia]:
    """Delete at most `limit` media that were not used for 30 days (docs/reference/vendor-contract.md#media). Return them."""
    query = sa.select(*COLUMNS).where(media.c.used_at <= UNUSED).order_by(media.c.used_at).limit(limit)
    unused = [StoredMedia(*row) for row in await connection.execute(query.with_for_update())]
    if unused:
        await forget_media(connection, [entry.media_id for entry in unused])
    return unused
