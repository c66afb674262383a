"""Shared by the tests of the webhook listener: a listener without the rest of a webapp, and a sender like Meta."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import aiohttp
import sqlalchemy as sa
from waba_node.address import NodeAddress
from waba_node.config import CloudConfig
from waba_node.runtime.health import Health
from waba_node.store.engine import Database
from waba_node.store.updates import received_update
from waba_node.webapp.cloud_signature import HEADER, sign
from waba_node.webapp.cloud_webhooks import CloudWebhooks

NUMBER_ID, ACCOUNT_ID = "700000000000001", "800000000000001"
SECRET, FORMER_SECRET, VERIFY_TOKEN = "app-secret", "former-app-secret", "verify-token"
USER = "15551234567"
OWNER = NodeAddress("c1:0123456789ab", "coreapp", "c1", (6250, 6251, 6252, 6253))


def cloud_config(port: int, **changes: Any) -> CloudConfig:
    return CloudConfig(
        **{
            "phone_number_id": NUMBER_ID,
            "waba_id": ACCOUNT_ID,
            "token": "access-token",
            "app_secrets": (SECRET,),
            "verify_token": VERIFY_TOKEN,
            "webhook_port": port,
            **changes,
        }
    )


class Router:
    """Records the notifications of owners."""

    def __init__(self) -> None:
        self.notified: list[tuple[NodeAddress, str, dict]] = []
        self.client = self

    async def find_owners(self, buckets: Iterable[int]) -> dict[NodeAddress, int]:
        return {OWNER: min(buckets)}

    async def call(self, owner: NodeAddress, _port: int, method: str, payload: dict, _timeout: float) -> dict:
        self.notified.append((owner, method, payload))
        return {}


class MemoryDatabase:
    """A database that accepts every transaction without running it."""

    def __init__(self) -> None:
        self.transactions = 0

    async def run(self, _transaction: object, _patience: float) -> None:
        self.transactions += 1


class StubWebapp(SimpleNamespace):
    """As much of a webapp as the listener uses."""

    def __init__(self, database: Database | MemoryDatabase, tasks: asyncio.TaskGroup) -> None:
        super().__init__(
            database=database, tasks=tasks, router=Router(), health=Health(), schema_ready=True, draining=False
        )

    def database_unavailable(self, _error: Exception) -> None:
        self.health.report("database", "the database does not answer")


@contextlib.asynccontextmanager
async def listening(webapp: StubWebapp, config: CloudConfig) -> AsyncIterator[CloudWebhooks]:
    """Run a listener."""
    webhooks = CloudWebhooks(webapp, config)
    await webhooks.start()
    try:
        yield webhooks
    finally:
        await webhooks.stop()


class Sender:
    """Posts webhooks as Meta does: text outside ASCII is escaped, and the bytes are signed."""

    def __init__(self, session: aiohttp.ClientSession, port: int, scheme: str = "http") -> None:
        self.session, self.url = session, f"{scheme}://127.0.0.1:{port}/hooks/whatsapp"

    async def post(self, content: object, secret: str = SECRET, **options: Any) -> int:
        """Post JSON content, or bytes as they are. Return the status."""
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"Content-Type": "application/json", HEADER: sign(raw, secret)} | options.pop("headers", {})
        async with self.session.post(self.url, data=raw, headers=headers, **options) as response:
            return response.status


@contextlib.asynccontextmanager
async def sending(port: int, **options: Any) -> AsyncIterator[Sender]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield Sender(session, port, **options)


def message(name: str, user: str = USER, text: str = "Hello") -> dict:
    return {"from": user, "id": name, "timestamp": "1790000000", "type": "text", "text": {"body": text}}


def status(wamid: str, kind: str = "sent", callback_data: str | None = None, user: str = USER) -> dict:
    made = {"id": wamid, "status": kind, "timestamp": "1790000004", "recipient_id": user}
    return made if callback_data is None else {**made, "biz_opaque_callback_data": callback_data}


def webhook(*, messages: Sequence[dict] = (), statuses: Sequence[dict] = (), number_id: str = NUMBER_ID) -> dict:
    """Return the body of a webhook."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15559876543", "phone_number_id": number_id},
    }
    if messages:
        value["contacts"] = [{"profile": {"name": "Ada"}, "wa_id": USER}]
        value["messages"] = messages
    if statuses:
        value["statuses"] = statuses
    change = {"value": value, "field": "messages"}
    return {"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT_ID, "changes": [change]}]}


async def stored(database: Database) -> list[sa.Row]:
    """Return the stored updates in their order."""
    async with database.begin() as connection:
        return list(await connection.execute(sa.select(received_update).order_by(received_update.c.position)))


async def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
