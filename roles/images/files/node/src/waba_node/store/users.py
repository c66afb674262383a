"""API users and the tokens of their sessions. Times are the database's."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .metadata import NOW, Moment, metadata, seconds_from_now

api_user = sa.Table(
    "api_user",
    metadata,
    sa.Column("username", sa.String(32), primary_key=True),
    sa.Column("password", sa.String(200), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False),
    # Counts the transactions that rely on an administrator.
    sa.Column("guard", sa.BigInteger, nullable=False, server_default="0"),
)
api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("token_id", sa.String(36), primary_key=True),
    sa.Column("username", sa.String(32), nullable=False, index=True),
    sa.Column("expires_at", Moment, nullable=False),
)


ADMIN = "ROLE_ADMIN"  # docs/reference/vendor-contract.md#users-and-login


@dataclass(frozen=True)
class User:
    """An API user. password: a one-way hash."""

    username: str
    password: str
    role: str
    must_change: bool


async def read_user(connection: AsyncConnection, username: str, lock: bool = False) -> User | None:
    """Return a user, or None. lock: no other transaction changes it until this one ends."""
    query = sa.select(api_user).where(api_user.c.username == username)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    return User(row.username, row.password, row.role, bool(row.must_change)) if row else None


async def add_user(connection: AsyncConnection, user: User) -> bool:
    """Add a user. Return False when the name is taken. A repetition with the same hash has no other effect: each hash has its own salt."""
    added = await connection.execute(
        sa.insert(api_user)
        .prefix_with("IGNORE")
        .values(username=user.username, password=user.password, role=user.role, must_change=user.must_change)
    )
    return bool(added.rowcount) or await read_user(connection, user.username) == user


async def guard_admins(connection: AsyncConnection) -> set[str]:
    """Return the names of all admins, and make the transaction fail if one of them changes before its commit.

    The rows are written, not only locked: on a cluster of database servers a row lock is valid on one member only, and each of two
    requests could remove one of the last two admins.
    """
    admins = api_user.c.role == ADMIN
    await connection.execute(sa.update(api_user).where(admins).values(guard=api_user.c.guard + 1))
    return set((await connection.execute(sa.select(api_user.c.username).where(admins))).scalars())


async def set_password(connection: AsyncConnection, username: str, new: str) -> None:
    """Replace a user's hash and end every session of the user."""
    mine = api_user.c.username == username
    await connection.execute(sa.update(api_user).where(mine).values(password=new, must_change=False))
    await end_sessions(connection, username)


async def set_role(connection: AsyncConnection, username: str, role: str) -> None:
    """Change a user's role and end every session of the user."""
    await connection.execute(sa.update(api_user).where(api_user.c.username == username).values(role=role))
    await end_sessions(connection, username)


async def remove_user(connection: AsyncConnection, username: str) -> None:
    """Delete a user and every session of the user."""
    await connection.execute(sa.delete(api_user).where(api_user.c.username == username))
    await end_sessions(connection, username)


async def end_sessions(connection: AsyncConnection, username: str) -> None:
    """End every session of a user."""
    await connection.execute(sa.delete(api_token).where(api_token.c.username == username))


async def change_password(connection: AsyncConnection, username: str, old: str, new: str) -> bool:
    """Replace the hash `old` by `new` and end every session of the user. Return False when the hash is another one by now.

    A repetition after an unknown outcome has no other effect.
    """
    changed = await connection.execute(
        sa.update(api_user)
        .where(api_user.c.username == username, api_user.c.password.in_((old, new)))
        .values(password=new, must_change=False)
    )
    if not changed.rowcount:
        return False
    await end_sessions(connection, username)
    return True


async def add_token(connection: AsyncConnection, token_id: str, username: str, seconds: int) -> None:
    """Store a token, and delete those that have expired. A repetition has no other effect."""
    await connection.execute(sa.delete(api_token).where(api_token.c.expires_at < NOW))
    await connection.execute(
        insert(api_token)
        .values(token_id=token_id, username=username, expires_at=seconds_from_now("life"))
        .on_duplicate_key_update(token_id=token_id),
        {"life": seconds},
    )


async def find_token_user(connection: AsyncConnection, token_id: str) -> tuple[str, str] | None:
    """Return (username, role) of the user of a valid token, or None."""
    query = (
        sa.select(api_user.c.username, api_user.c.role)
        .join(api_token, api_token.c.username == api_user.c.username)
        .where(api_token.c.token_id == token_id, api_token.c.expires_at > NOW)
    )
    row = (await connection.execute(query)).one_or_none()
    return (row.username, row.role) if row else None


async def remove_token(connection: AsyncConnection, token_id: str) -> None:
    """End a session."""
    await connection.execute(sa.delete(api_token).where(api_token.c.token_id == token_id))
