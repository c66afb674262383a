"""Who may call the API: users and the tokens of their sessions. All times are the database's."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from .metadata import NOW, Moment, metadata, seconds_from_now

api_user = sa.Table(
    "api_user",
    metadata,
    sa.Column("username", sa.String(32), primary_key=True),
    sa.Column("password", sa.String(200), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False),
)
api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("token_id", sa.String(36), primary_key=True),
    sa.Column("username", sa.String(32), nullable=False, index=True),
    sa.Column("expires_at", Moment, nullable=False),
)


@dataclass(frozen=True)
class User:
    """An API user; `password` is a one-way hash."""

    username: str
    password: str
    role: str
    must_change: bool


async def read_user(connection: AsyncConnection, username: str) -> User | None:
    """Return a user, or None."""
    row = (await connection.execute(sa.select(api_user).where(api_user.c.username == username))).one_or_none()
    return User(row.username, row.password, row.role, bool(row.must_change)) if row else None


async def add_user(connection: AsyncConnection, user: User) -> None:
    """Add a user unless there is one of that name."""
    await connection.execute(
        sa.insert(api_user)
        .prefix_with("IGNORE")
        .values(username=user.username, password=user.password, role=user.role, must_change=user.must_change)
    )


async def change_password(connection: AsyncConnection, username: str, old: str, new: str) -> bool:
    """Replace the hash `old` by `new`, and end every session of the user. Return False when `old` is no longer the hash."""
    changed = await connection.execute(
        sa.update(api_user)
        .where(api_user.c.username == username, api_user.c.password == old)
        .values(password=new, must_change=False)
    )
    if not changed.rowcount:
        return False
    await connection.execute(sa.delete(api_token).where(api_token.c.username == username))
    return True


async def add_token(connection: AsyncConnection, token_id: str, username: str, seconds: int) -> None:
    """Remember a token, and forget those that have expired."""
    await connection.execute(sa.delete(api_token).where(api_token.c.expires_at < NOW))
    await connection.execute(
        sa.insert(api_token).values(token_id=token_id, username=username, expires_at=seconds_from_now("life")),
        {"life": seconds},
    )


async def token_role(connection: AsyncConnection, token_id: str) -> str | None:
    """Return the role of the user whose token is valid, or None."""
    query = (
        sa.select(api_user.c.role)
        .join(api_token, api_token.c.username == api_user.c.username)
        .where(api_token.c.token_id == token_id, api_token.c.expires_at > NOW)
    )
    return (await connection.execute(query)).scalar_one_or_none()


async def remove_token(connection: AsyncConnection, token_id: str) -> None:
    """End a session."""
    await connection.execute(sa.delete(api_token).where(api_token.c.token_id == token_id))
