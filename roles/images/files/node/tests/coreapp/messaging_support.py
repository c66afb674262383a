"""Shared by the tests of the coreapp: stored messages, and an upstream that a test controls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import sqlalchemy as sa
from waba_node.rpc import ClusterTime, Trust
from waba_node.store import outbox, webhook_queue
from waba_node.store.engine import Database
from waba_node.upstream.base import UpstreamError, UpstreamEvent


class DirectedSession:
    """A connection whose other end is the test: `sent` has the ids of sent messages, `say` sends events."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.read: list[str] = []
        self.checked: list[list[str]] = []
        self.identities: dict[str, str] = {}
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.queue: asyncio.Queue[UpstreamEvent | None] = asyncio.Queue()
        self.open = True

    async def send(self, message_id: str, payload: dict) -> None:
        if not self.open:
            raise UpstreamError("the connection is closed")
        self.sent.append(message_id)

    def say(self, kind: str, *message_ids: str) -> None:
        for message_id in message_ids:
            self.queue.put_nowait(UpstreamEvent(message_id, kind, 1))

    async def events(self) -> AsyncIterator[UpstreamEvent]:
        while (event := await self.queue.get()) is not None:
            yield event

    async def mark_read(self, message_id: str) -> None:
        if not self.open:
            raise UpstreamError("the connection is closed")
        self.read.append(message_id)

    async def check_contacts(self, numbers: list[str]) -> dict[str, str | None]:
        self.checked.append(numbers)
        await self.may_answer.wait()
        if not self.open:
            raise UpstreamError("the connection is closed")
        return {number: None if number.startswith("1") else number for number in numbers}

    async def identity(self, wa_id: str) -> str | None:
        return self.identities.get(wa_id)

    async def disconnect(self) -> None:
        self.open = False
        self.queue.put_nowait(None)


def trusted(node_id: str) -> Trust:
    """Return a node's Trust, with the secret and the time that all nodes of a test share."""
    made = ClusterTime(time.time)
    made.synchronize(0, 0, 0)
    return Trust(node_id, "cluster-secret", made)


def rows(*message_ids: str, bucket: int = 0, **extras: object) -> list[dict]:
    """Return messages as the webapp sends them to a coreapp."""
    payload = {"to": "49151", "type": "text", "text": {"body": "hello"}, **extras}
    return [{"message_id": name, "bucket": bucket, "recipient": "49151", "payload": payload} for name in message_ids]


async def store(database: Database, *message_ids: str, bucket: int = 0, **extras: object) -> None:
    async with database.begin() as connection:
        await outbox.store_messages(connection, list(map(outbox.as_row, rows(*message_ids, bucket=bucket, **extras))))


async def statuses(database: Database) -> dict[str, str]:
    """Return id -> status of every message."""
    query = sa.select(outbox.message.c.message_id, outbox.message.c.status)
    async with database.begin() as connection:
        return dict((await connection.execute(query)).tuples().all())


async def webhooks(database: Database) -> list[sa.Row]:
    """Return every stored webhook with `due_in`, the seconds until it is due."""
    due_in = sa.func.timestampdiff(sa.text("MICROSECOND"), sa.func.utc_timestamp(6), webhook_queue.webhook.c.due_at)
    query = sa.select(webhook_queue.webhook, due_in.label("due_in")).order_by(webhook_queue.webhook.c.position)
    async with database.begin() as connection:
        return list(await connection.execute(query))


async def until(condition: Callable[[], Awaitable[bool] | bool], seconds: float = 10.0) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            answer = condition()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.01)
