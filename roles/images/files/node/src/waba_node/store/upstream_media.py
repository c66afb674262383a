"""Files that an upstream has: which id it gave to an upload. Times are the database's."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .metadata import NOW, Moment, metadata, seconds_from_now

upstream_media = sa.Table(
    "upstream_media",
    metadata,
    sa.Column("source", sa.String(255), primary_key=True),  # the id of one of our media, or the hash of a link
    sa.Column("upstream_id", sa.String(255), nullable=False),
    sa.Column("mime_type", sa.String(255), nullable=False),
    sa.Column("uploaded_at", Moment, nullable=False, index=True),
)


class Upload(NamedTuple):
    """A file at the upstream."""

    upstream_id: str
    mime_type: str


async def find_upload(connection: AsyncConnection, source: str, seconds: int) -> Upload | None:
    """Return the upload of a file that is not older than so many seconds, or None."""
    query = sa.select(upstream_media.c.upstream_id, upstream_media.c.mime_type).where(
        upstream_media.c.source == source, upstream_media.c.uploaded_at > seconds_from_now("seconds")
    )
    row = (await connection.execute(query, {"seconds": -seconds})).one_or_none()
    return Upload(row.upstream_id, row.mime_type) if row else None


async def record_upload(connection: AsyncConnection, source: str, upload: Upload) -> None:
    """Record an upload. A later one replaces it."""
    values = {**upload._asdict(), "uploaded_at": NOW}
    statement = insert(upstream_media).values(source=source, **values)
    await connection.execute(statement.on_duplicate_key_update(values))


async def forget_upload(connection: AsyncConnection, source: str, upstream_id: str) -> None:
    """Forget an upload that the upstream does not know any more. A later one of the same source stays."""
    stale = (upstream_media.c.source == source, upstream_media.c.upstream_id == upstream_id)
    await connection.execute(sa.delete(upstream_media).where(*stale))


async def delete_old_uploads(connection: AsyncConnection, seconds: int, limit: int) -> int:
    """Delete at most `limit` uploads that are older than so many seconds. Return their number."""
    query = (
        sa.select(upstream_media.c.source)
        .where(upstream_media.c.uploaded_at <= seconds_from_now("seconds"))
        .order_by(upstream_media.c.uploaded_at)
        .limit(limit)
    )
    old = (await connection.execute(query, {"seconds": -seconds})).scalars().all()
    if old:
        await connection.execute(sa.delete(upstream_media).where(upstream_media.c.source.in_(old)))
    return len(old)
