"""What the API keeps: settings, users, tokens, messages, webhooks. All times are the database's."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import LONGTEXT, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ..api import settings
from ..api.settings import ApplicationSettings
from .metadata import NOW, Moment, metadata, seconds_from_now

document = sa.Table(
    "document",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("content", LONGTEXT, nullable=False),
)
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
message = sa.Table(
    "message",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("message_id", sa.String(64), nullable=False, unique=True),
    sa.Column("shard", sa.Integer, nullable=False),
    sa.Column("recipient", sa.String(32), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("payload", LONGTEXT, nullable=False),
    sa.Column("accepted_at", Moment, nullable=False),
    sa.Index("message_by_status", "shard", "status", "position"),
)
webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("shard", sa.Integer, nullable=False),
    sa.Column("payload", LONGTEXT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Index("webhook_by_due", "shard", "due_at"),
)

# -- documents: settings and the account -----------------------------------------------------------------------------


async def read_document(connection: AsyncConnection, name: str, lock: bool = False) -> dict:
    """Return a stored JSON object, {} when there is none."""
    query = sa.select(document.c.content).where(document.c.name == name)
    content = (await connection.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    return json.loads(content) if content else {}


async def write_document(connection: AsyncConnection, name: str, content: dict) -> None:
    """Store a JSON object."""
    text = json.dumps(content)
    await connection.execute(insert(document).values(name=name, content=text).on_duplicate_key_update(content=text))


async def read_settings(connection: AsyncConnection) -> ApplicationSettings:
    """Return the application settings: what was set, on top of the defaults."""
    return settings.read(await read_document(connection, "settings"))


async def agreed_secret(connection: AsyncConnection, name: str, proposal: str) -> str:
    """Return a secret that all nodes share: the first proposal that was stored."""
    await connection.execute(
        sa.insert(document).prefix_with("IGNORE").values(name=name, content=json.dumps({"secret": proposal}))
    )
    return (await read_document(connection, name))["secret"]


# -- users and tokens ---------------------------------------------------------------------------------------------------


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


# -- messages -----------------------------------------------------------------------------------------------------------

ACCEPTED = "accepted"


async def store_messages(connection: AsyncConnection, rows: list[dict]) -> None:
    """Store accepted messages: message_id, shard, recipient, payload (dict). One that is there already stays as it is."""
    values = [{**row, "payload": json.dumps(row["payload"]), "status": ACCEPTED, "accepted_at": NOW} for row in rows]
    as_it_is = {"message_id": message.c.message_id}
    await connection.execute(insert(message).values(values).on_duplicate_key_update(as_it_is))


async def unsent_messages(
    connection: AsyncConnection, shard: int, after: int, limit: int
) -> list[tuple[int, str, dict]]:
    """Return (position, id, payload) of messages that the upstream has not confirmed, in order, from a position on."""
    query = (
        sa.select(message.c.position, message.c.message_id, message.c.payload)
        .where(message.c.shard == shard, message.c.status == ACCEPTED, message.c.position > after)
        .order_by(message.c.position)
        .limit(limit)
    )
    return [(row.position, row.message_id, json.loads(row.payload)) for row in await connection.execute(query)]


async def count_messages(connection: AsyncConnection) -> dict[str, int]:
    """Return how many messages there are of each status."""
    rows = await connection.execute(sa.select(message.c.status, sa.func.count()).group_by(message.c.status))
    return {row[0]: row[1] for row in rows}


async def lock_messages(connection: AsyncConnection, message_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return id -> (recipient, status) of those messages that are known, and keep them so until the transaction ends."""
    query = (
        sa.select(message.c.message_id, message.c.recipient, message.c.status)
        .where(message.c.message_id.in_(message_ids))
        .order_by(message.c.message_id)
        .with_for_update()
    )
    return {row.message_id: (row.recipient, row.status) for row in await connection.execute(query)}


async def record_statuses(connection: AsyncConnection, statuses: Mapping[str, str]) -> None:
    """Record the new status of each message: id -> status."""
    for status in set(statuses.values()):
        ids = [message_id for message_id, new in statuses.items() if new == status]
        await connection.execute(sa.update(message).where(message.c.message_id.in_(ids)).values(status=status))


# -- webhooks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredWebhook:
    """A webhook that waits for its delivery."""

    position: int
    payload: dict
    attempts: int


async def store_webhooks(connection: AsyncConnection, shard: int, payloads: list[dict]) -> None:
    """Store webhooks for delivery at once, in their order."""
    if payloads:
        values = [
            {"shard": shard, "payload": json.dumps(payload), "attempts": 0, "due_at": NOW} for payload in payloads
        ]
        await connection.execute(sa.insert(webhook).values(values))


async def due_webhooks(connection: AsyncConnection, shard: int, limit: int) -> list[StoredWebhook]:
    """Return webhooks of a shard that are due, the one that has been due for longest first: at first the order of their creation."""
    query = (
        sa.select(webhook)
        .where(webhook.c.shard == shard, webhook.c.due_at <= NOW)
        .order_by(webhook.c.due_at, webhook.c.position)
        .limit(limit)
    )
    return [
        StoredWebhook(row.position, json.loads(row.payload), row.attempts) for row in await connection.execute(query)
    ]


async def webhooks_delivered(connection: AsyncConnection, positions: list[int]) -> None:
    """Forget webhooks that were answered with 200."""
    await connection.execute(sa.delete(webhook).where(webhook.c.position.in_(positions)))


async def webhook_failed(connection: AsyncConnection, position: int, seconds: float) -> None:
    """Put a webhook off."""
    await connection.execute(
        sa.update(webhook)
        .where(webhook.c.position == position)
        .values(attempts=webhook.c.attempts + 1, due_at=seconds_from_now("seconds")),
        {"seconds": seconds},
    )


async def pending_webhooks(connection: AsyncConnection) -> int:
    """Return how many webhooks wait."""
    return (await connection.execute(sa.select(sa.func.count()).select_from(webhook))).scalar_one()
