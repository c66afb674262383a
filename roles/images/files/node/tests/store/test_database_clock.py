"""No decision depends on the database's clock: a failover to a server whose clock differs by half a minute promotes nothing early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from leases import address, promote, read_lease, renew, renew_lease, take_lease
from waba_node.control.failure_detector import Coreapp
from waba_node.control.observation import Observer
from waba_node.control.promotion import Shard, plan
from waba_node.store import ownership
from waba_node.store.engine import Database

DELAY = 1.0  # seconds
LEASE = "lease"


@pytest.fixture(params=[-30, 30])
async def other_clock(database: Database, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """The same database through connections whose clock is behind or ahead, as after a failover to another member."""
    moved = Database(database.config)

    @sa.event.listens_for(moved.engine.sync_engine, "begin")
    def set_clock(connection: sa.Connection) -> None:
        # The server evaluates the right side by its own clock, and the session's moments by the variable.
        connection.exec_driver_sql("SET timestamp = DEFAULT")
        connection.exec_driver_sql(f"SET timestamp = UNIX_TIMESTAMP() + {request.param}")

    yield moved
    await moved.close()


async def read_clock(database: Database) -> Any:
    async with database.begin() as connection:
        return (await connection.execute(sa.text("SELECT UTC_TIMESTAMP(6)"))).scalar_one()


async def observe(database: Database, observer: Observer) -> list[Shard]:
    async with database.begin() as connection:
        rows = await ownership.read_map(connection)
    return observer.observe_map(rows, asyncio.get_running_loop().time())


def promoted(rows: list[Shard]) -> list[str]:
    """Return which coreapps a primary master would promote: c1 owns the shard and no longer answers, c2 stands by."""
    coreapps = {
        address("c1").node_id: Coreapp(address("c1").node_id, "a", 1.0, 99.0, True, (99.0,)),
        address("c2").node_id: Coreapp(address("c2").node_id, "b", 1.0, 0.0, True, (0.0,)),
    }
    return [promotion.node for promotion in plan(rows, coreapps, 1, 3).promotions]


async def test_the_clock_of_the_other_server_differs(database: Database, other_clock: Database) -> None:
    assert 25 < abs((await read_clock(other_clock) - await read_clock(database)).total_seconds()) < 35


async def test_no_second_coreapp_is_promoted_before_the_takeover_delay(
    database: Database, other_clock: Database
) -> None:
    observer = Observer()
    await promote(database, "c1", "a", (0, 0))
    assert await renew(database, "c1", "a", 1, 1, DELAY)
    assert promoted(await observe(database, observer)) == []
    assert promoted(await observe(other_clock, observer)) == [], "at once after the failover"
    assert await renew(other_clock, "c1", "a", 1, 2, DELAY), "the owner goes on there"
    await asyncio.sleep(0.7 * DELAY)
    assert promoted(await observe(other_clock, observer)) == []
    assert promoted(await observe(database, observer)) == [], "and after the way back"
    await asyncio.sleep(0.6 * DELAY)
    rows = await observe(database, observer)
    assert promoted(rows) == []
    await asyncio.sleep(0.6 * DELAY)
    rows = await observe(other_clock, observer)
    assert promoted(rows) == [address("c2").node_id], "no renewal for the takeover delay"
    assert await promote(other_clock, "c2", "b", rows[0].counter) == 2


async def test_no_second_master_takes_the_lease_before_the_takeover_delay(
    database: Database, other_clock: Database
) -> None:
    observer, loop = Observer(), asyncio.get_running_loop()
    await take_lease(database, "m1", await read_lease(database), 1, DELAY)

    async def unchanged(server: Database) -> float:
        lease = await read_lease(server)
        assert not lease.free
        observer.observe({LEASE: lease.counter}, loop.time())
        return observer.unchanged(LEASE, loop.time())

    assert await unchanged(database) < DELAY
    assert await unchanged(other_clock) < DELAY
    assert await renew_lease(other_clock, "m1", 1, 2, DELAY)
    await asyncio.sleep(0.7 * DELAY)
    assert await unchanged(database) < DELAY
    await asyncio.sleep(1.1 * DELAY)
    assert await unchanged(other_clock) >= DELAY
    assert await take_lease(other_clock, "m2", await read_lease(other_clock)) == 2
