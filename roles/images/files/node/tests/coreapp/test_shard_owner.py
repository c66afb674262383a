"""A coreapp owns a shard by the map of a real database, and its upstream is controlled by the test."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from messaging_support import DirectedSession, until
from tests.environment_support import ENVIRONMENT
from waba_node.config import NodeConfig
from waba_node.control.promotion import Promotion
from waba_node.coreapp import shard_owner
from waba_node.coreapp.process import Coreapp
from waba_node.coreapp.shard_owner import ShardOwner
from waba_node.store import node_registry, ownership
from waba_node.store.engine import Database
from waba_node.upstream.base import StaleEpoch


class DirectedUpstream:
    """Every connection is a DirectedSession."""

    requires_registration = False
    idempotent = True

    def __init__(self) -> None:
        self.sessions: list[DirectedSession] = []
        self.may_connect = asyncio.Event()
        self.may_connect.set()
        self.refusal: Exception | None = None

    async def connect(self, shard: int, epoch: int) -> DirectedSession:
        await self.may_connect.wait()
        if self.refusal is not None:
            raise self.refusal
        self.sessions.append(DirectedSession())
        return self.sessions[-1]


class Clock:
    """The node's clock; a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(shard_owner, "now", made)
    return made


@pytest.fixture
def upstream() -> DirectedUpstream:
    return DirectedUpstream()


@pytest.fixture
async def owner(database: Database, tasks: asyncio.TaskGroup, upstream: DirectedUpstream, clock: Clock) -> ShardOwner:
    """The owner of a registered coreapp that was promoted for shard 0."""
    node = Coreapp(NodeConfig.from_environment({**ENVIRONMENT, "WABA_CONTAINER_ID": "abc"}), upstream)
    node.database = node.owner.database = database
    node.tasks, node.attachments = tasks, SimpleNamespace(fetch_later=lambda _bucket, _ids: None)
    async with database.begin() as connection:
        await node_registry.register(connection, node.address, node.incarnation, "1.0.0")
        (row,) = await ownership.read_map(connection)
        await ownership.promote(connection, Promotion(0, node.config.node_id, node.incarnation, row.counter))
    return node.owner


async def end(owner: ShardOwner) -> None:
    await owner.disconnect("the test ends")


async def test_a_promoted_coreapp_renews_and_connects(owner: ShardOwner, upstream: DirectedUpstream) -> None:
    assert not owner.owns(0)
    await owner.renew()
    assert owner.owns(0)
    assert owner.ownership.grant is not None
    assert len(upstream.sessions) == 1
    await end(owner)
    assert not owner.owns(0)


async def test_without_a_renewal_the_coreapp_disconnects_at_its_deadline(
    owner: ShardOwner, upstream: DirectedUpstream, clock: Clock
) -> None:
    await owner.renew()
    clock.now = owner.ownership.deadline() - 0.05
    assert await owner.enforce_deadline() == pytest.approx(0.05)
    assert owner.owns(0)
    clock.now += 0.05
    await owner.enforce_deadline()
    assert owner.connection is None
    assert owner.ownership.grant is None
    assert not upstream.sessions[0].open


async def test_a_drain_does_not_outlive_the_deadline(
    owner: ShardOwner, upstream: DirectedUpstream, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await owner.renew()
    never = asyncio.Event()
    assert owner.connection is not None
    monkeypatch.setattr(owner.connection.sender, "settle", lambda _ended: never.wait())
    clock.now = owner.ownership.deadline() - 0.1
    draining = asyncio.create_task(owner.disconnect("a drain", drain=True))
    await until(lambda: not upstream.sessions[0].open)
    never.set()
    await draining


async def test_a_coreapp_that_the_map_no_longer_names_disconnects_and_releases(
    database: Database, owner: ShardOwner, upstream: DirectedUpstream, clock: Clock
) -> None:
    await owner.renew()
    async with database.begin() as connection:
        await connection.execute(sa.update(ownership.shard_map).values(owner=None, incarnation=None))
    clock.now += 5
    await owner.renew()
    assert owner.connection is None
    assert not upstream.sessions[0].open
    async with database.begin() as connection:
        (row,) = await ownership.read_map(connection)
    assert row.fenced


async def test_a_coreapp_without_database_and_masters_keeps_its_right_until_the_deadline(
    owner: ShardOwner, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await owner.renew()

    async def unreachable(*_arguments: object) -> bool:
        raise OSError("unreachable")

    monkeypatch.setattr(ownership, "renew", unreachable)
    clock.now += 5
    await owner.renew()
    assert owner.owns(0)
    await end(owner)


async def test_a_refused_connection_gives_the_right_up(owner: ShardOwner, upstream: DirectedUpstream) -> None:
    upstream.refusal = StaleEpoch("a newer epoch was seen")
    await owner.renew()
    assert owner.connection is None
    assert owner.ownership.grant is None
    assert not owner.connecting


async def test_a_connection_that_comes_after_the_right_ended_is_closed(
    owner: ShardOwner, upstream: DirectedUpstream
) -> None:
    upstream.may_connect.clear()
    renewing = asyncio.create_task(owner.renew())
    await until(lambda: owner.connecting)
    owner.ownership.lost()
    upstream.may_connect.set()
    await renewing
    assert owner.connection is None
    assert [session.open for session in upstream.sessions] == [False]


async def test_a_connection_that_the_upstream_ends_is_made_again_with_the_next_renewal(
    owner: ShardOwner, upstream: DirectedUpstream, clock: Clock
) -> None:
    await owner.renew()
    await upstream.sessions[0].disconnect()
    assert owner.connection is not None
    await until(lambda: owner.connection.ended)
    await owner.enforce_deadline()
    assert owner.connection is None
    clock.now += 5
    await owner.renew()
    assert owner.owns(0)
    assert len(upstream.sessions) == 2
    await end(owner)


async def test_a_handover_releases_the_shard_and_removes_the_node(database: Database, owner: ShardOwner) -> None:
    await owner.renew()
    assert await owner.hand_over()
    async with database.begin() as connection:
        (row,) = await ownership.read_map(connection)
        assert await node_registry.read_nodes(connection) == []
    assert row.fenced
    assert owner.handed_over is not None
    await owner.renew()
    assert owner.connection is None, "a drained coreapp accepts no shard"
    owner.resume()
    assert owner.handed_over is None
