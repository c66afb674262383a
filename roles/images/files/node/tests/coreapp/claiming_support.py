"""Shared by the tests of claims: an upstream whose sends are not idempotent, and that a test controls."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import sqlalchemy as sa
from waba_node.control.ownership import Grant
from waba_node.coreapp.claiming import Claiming
from waba_node.coreapp.connection import Connection, Environment
from waba_node.runtime.statistics import Statistics
from waba_node.settings import ApplicationSettings
from waba_node.store import deliveries, ownership, updates
from waba_node.store.engine import Database
from waba_node.store.updates import ReceivedUpdate
from waba_node.upstream.base import DeliveryPolicy, HandedOver, Uncertain, UpstreamError, UpstreamEvent


@dataclasses.dataclass(frozen=True)
class ScriptedUpdate:
    """An update: {"kind", "id": the upstream's id, "message": [bucket, id] or null, "user", "identity", "quotes"}."""

    given: dict[str, Any]

    @property
    def references(self) -> Collection[str]:
        return {self.given.get("quotes") or self.given["id"]}

    @property
    def status_of(self) -> str:
        return "" if self.given["kind"] == "inbound" else self.given["id"]

    @property
    def message(self) -> tuple[int, str] | None:
        return tuple(self.given["message"]) if self.given.get("message") else None

    @property
    def identity(self) -> tuple[str, str] | None:
        return (self.given["user"], self.given["identity"]) if "identity" in self.given else None

    def events(self, message_ids: Mapping[str, str]) -> list[UpstreamEvent]:
        kind, name = self.given["kind"], self.given["id"]
        if kind == "raise":
            raise KeyError("a translation that fails")
        if kind == "inbound":
            quoted = self.given.get("quotes")
            context = {"context": {"id": message_ids.get(quoted, quoted)}} if quoted else {}
            message = {"id": name, "from": self.given["user"], "type": "text", "text": {"body": "x"}, **context}
            return [UpstreamEvent(name, kind, 1, {"messages": [message]})]
        payload = {"errors": [{"code": 500, "title": "Generic error"}]} if kind == "failed" else {}
        return [UpstreamEvent(message_ids[name], kind, 1, payload)]


class ScriptedUpstream:
    """Counts what it receives. outcomes: message id -> outcomes of its next sends; without one, a send succeeds."""

    requires_registration = False
    idempotent = False
    account = None

    def __init__(self, grace: float = 60.0, resend: bool = False, rate: float = 1000.0) -> None:
        self.policy = DeliveryPolicy(rate, grace, resend)
        self.rate_level = self.restriction = ""
        self.outcomes: dict[str, list[HandedOver | UpstreamError]] = {}
        self.received: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def connect(self, shard: int, epoch: int) -> ScriptedSession:
        return ScriptedSession(self)

    def parse_update(self, content: str) -> ScriptedUpdate:
        return ScriptedUpdate(json.loads(content))


class ScriptedSession:
    """One connection to a ScriptedUpstream."""

    def __init__(self, upstream: ScriptedUpstream) -> None:
        self.upstream, self.closed = upstream, asyncio.Event()

    async def send(self, message_id: str, payload: dict[str, Any]) -> HandedOver:
        upstream = self.upstream
        outcomes = upstream.outcomes.get(message_id, [])
        outcome = (
            outcomes.pop(0) if outcomes else HandedOver(f"wamid.{message_id}.{upstream.received.count(message_id)}")
        )
        if isinstance(outcome, (HandedOver, Uncertain)):
            upstream.received.append(message_id)
        answered = asyncio.create_task(upstream.may_answer.wait())
        closed = asyncio.create_task(self.closed.wait())
        await asyncio.wait([answered, closed], return_when=asyncio.FIRST_COMPLETED)
        answered.cancel()
        closed.cancel()
        if self.closed.is_set():
            raise Uncertain("the connection was closed")
        if isinstance(outcome, UpstreamError):
            raise outcome
        return outcome

    async def events(self) -> AsyncIterator[UpstreamEvent]:
        await self.closed.wait()
        return
        yield

    async def disconnect(self) -> None:
        self.closed.set()


class Owner:
    """A coreapp process with a grant in the database."""

    def __init__(
        self, database: Database, tasks: asyncio.TaskGroup, upstream: ScriptedUpstream, name: str, grant: Grant
    ) -> None:
        self.statistics, self.owns = Statistics(), True
        self.session = ScriptedSession(upstream)
        environment = Environment(
            database,
            ApplicationSettings,
            tasks,
            statistics=self.statistics,
            claiming=Claiming(upstream, name, name),
        )
        self.connection = Connection(grant, self.session, environment, lambda: self.owns)

    @property
    def sender(self) -> Any:
        return self.connection.sender

    async def close(self, drain: bool = False) -> None:
        await self.connection.close(drain=drain, timeout=10)

    async def crash(self) -> None:
        """End as a killed process does: nothing that it knows is recorded."""
        await self.connection.supervisor.stop()
        for task in self.sender.tasks:
            task.cancel()
        await asyncio.gather(*self.sender.tasks, return_exceptions=True)
        await self.session.disconnect()


async def promote(database: Database, name: str, epoch: int) -> None:
    async with database.begin() as connection:
        await connection.execute(
            sa.update(ownership.shard_map).values(owner=name, incarnation=name, epoch=epoch, renewal=0)
        )


async def receive(database: Database, *given: dict[str, Any], bucket: int = 0) -> None:
    """Store updates as a webapp does."""
    rows = [ReceivedUpdate(bucket, one["kind"], f"{one['id']}/{one['kind']}", json.dumps(one)) for one in given]
    async with database.begin() as connection:
        await updates.store_updates(connection, rows)


async def delivery_states(database: Database) -> dict[str, str]:
    async with database.begin() as connection:
        rows = await connection.execute(sa.select(deliveries.delivery.c.message_id, deliveries.delivery.c.state))
        return dict(rows.tuples().all())
