"""What a transaction relies on is in its write set, which the members of a database cluster compare.

Two transactions that run at the same time on two members both commit unless their write sets meet: a lock that one member holds does not
exist on another. So each pair below, run from the same state, must write a common row or a common unique key.

With WABA_TEST_SECOND_MEMBER, the address of another member of the database's cluster, each pair runs on the two members instead: molecule/database_ha.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa
from leases import address, promote, read_lease, renew, take_lease
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from waba_node.control.promotion import Demotion, Promotion, Redraw
from waba_node.store import documents, master_lease, node_registry, ownership, resharding, users
from waba_node.store.engine import Database
from waba_node.store.metadata import metadata

Transaction = Callable[[AsyncConnection], Awaitable[object]]
Key = tuple[object, ...]  # of a row, or of a unique index
TABLES = (master_lease.lease, ownership.shard_map, node_registry.node, documents.document, users.api_user)


SECOND_MEMBER = "WABA_TEST_SECOND_MEMBER"
CONFLICT = 1213


class Undone(Exception):
    """Ends a transaction without a commit."""


async def read_rows(connection: AsyncConnection) -> dict[Key, Key]:
    """Return key -> row of all tables that these tests write."""
    found: dict[Key, Key] = {}
    for table in TABLES:
        for row in await connection.execute(sa.select(table)):
            key = tuple(getattr(row, column.name) for column in table.primary_key)
            found[(table.name, *key)] = tuple(row)
            if table is ownership.shard_map and row.owner is not None:
                found[("one_shard_per_process", row.owner, row.incarnation)] = (row.shard,)
    return found


async def write_set(database: Database, transaction: Transaction) -> set[Key]:
    """Return the keys that a transaction writes, and undo it."""
    assert set(metadata.tables) >= {table.name for table in TABLES}
    changed: set[Key] = set()
    try:
        async with database.begin() as connection:
            before = await read_rows(connection)
            await transaction(connection)
            after = await read_rows(connection)
            changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
            raise Undone
    except Undone:
        return changed


async def conflict(database: Database, first: Transaction, second: Transaction) -> bool:
    """Return whether one of two transactions is aborted when both run from the present state, each on a member of its own."""
    if other := os.environ.get(SECOND_MEMBER):
        return await conflict_on_members(database, other, first, second)
    return bool(await write_set(database, first) & await write_set(database, second))


async def conflict_on_members(database: Database, other: str, first: Transaction, second: Transaction) -> bool:
    """Run two transactions on two members, commit both at once, and restore the state. Return whether one was aborted."""
    elsewhere = Database(dataclasses.replace(database.config, host=other))
    async with database.begin() as connection:
        before = {table: (await connection.execute(sa.select(table))).mappings().all() for table in TABLES}
    async with database.engine.connect() as one, elsewhere.engine.connect() as two:
        await two.execute(sa.text("SET SESSION wsrep_sync_wait = 15"))  # see what the first member has committed
        await two.execute(sa.text("SELECT 1"))
        await two.rollback()
        await first(one)
        await second(two)
        outcomes = await asyncio.gather(one.commit(), two.commit(), return_exceptions=True)
    await elsewhere.close()
    errors = [outcome for outcome in outcomes if outcome is not None]
    assert all(isinstance(error, DBAPIError) and error.orig.args[0] == CONFLICT for error in errors), errors
    async with database.begin() as connection:
        for table, rows in before.items():
            await connection.execute(sa.delete(table))
            if rows:
                await connection.execute(sa.insert(table), [dict(row) for row in rows])
    assert len(errors) < 2
    return bool(errors)


def guarded(transaction: Transaction) -> Transaction:
    """Return a transaction of the primary master m1, whose lease has epoch 1."""

    async def run(connection: AsyncConnection) -> None:
        assert await master_lease.guard(connection, "m1", 1)
        assert await transaction(connection) is not False

    return run


def promotion(name: str, shard: int, counter: tuple[int, int] = (0, 0)) -> Transaction:
    due = Promotion(shard, address(name).node_id, "a", counter)
    return lambda connection: ownership.promote(connection, due)


@pytest.fixture
async def cluster(database: Database) -> Database:
    """A database with two shards, of which c1 owns the first, and the primary master m1."""
    async with database.begin() as connection:
        await connection.execute(sa.insert(ownership.shard_map), [{"shard": 1, "epoch": 0}, {"shard": 2, "epoch": 0}])
        await node_registry.register(connection, address("c1"), "a", "1.0.0")
    await promote(database, "c1", "a", (0, 0))
    await renew(database, "c1", "a", 1)
    await take_lease(database, "m1", await read_lease(database))
    return database


async def test_a_lock_alone_is_not_in_the_write_set(cluster: Database) -> None:
    """The counterexample: with locks instead of guards, one process came to own two shards, each given to it on another member."""
    locked = sa.select(master_lease.lease).with_for_update()
    assert await write_set(cluster, lambda connection: connection.execute(locked)) == set()

    def locked_promotion(name: str, shard: int) -> Transaction:
        async def run(connection: AsyncConnection) -> None:
            await connection.execute(locked)
            await promotion(name, shard)(connection)

        return run

    assert not await conflict(cluster, locked_promotion("c2", 1), locked_promotion("c3", 2))


async def test_two_promotions_of_one_process_conflict(cluster: Database) -> None:
    assert await conflict(cluster, promotion("c2", 1), promotion("c2", 2)), "also without the guard"
    assert await conflict(cluster, guarded(promotion("c2", 1)), guarded(promotion("c2", 2)))


async def test_a_promotion_conflicts_with_a_takeover_of_the_lease(cluster: Database) -> None:
    observed = await read_lease(cluster)

    async def take_over(connection: AsyncConnection) -> None:
        assert await master_lease.take(connection, "m2", "m2", observed, 1, 30.0)

    assert await conflict(cluster, guarded(promotion("c2", 1)), take_over)
    assert await conflict(cluster, guarded(promotion("c2", 1)), lambda one: master_lease.release(one, "m1"))


async def test_a_promotion_conflicts_with_a_renewal_of_the_owner(cluster: Database) -> None:
    def renewal(connection: AsyncConnection) -> Awaitable[bool]:
        return ownership.renew(connection, 0, address("c1").node_id, "a", 1, 2, 30.0)

    assert await conflict(cluster, promotion("c2", 0, (1, 1)), renewal)
    assert await conflict(cluster, lambda one: ownership.demote(one, Demotion(0, 1)), renewal)
    assert await conflict(cluster, lambda one: node_registry.register(one, address("c1"), "b", "1.0.0"), renewal)


async def test_a_claim_conflicts_with_every_change_of_the_owner(cluster: Database) -> None:
    def claim(connection: AsyncConnection) -> Awaitable[bool]:
        return ownership.guard(connection, 0, address("c1").node_id, "a", 1)

    assert await conflict(cluster, claim, promotion("c2", 0, (1, 1)))
    assert await conflict(cluster, claim, lambda one: ownership.demote(one, Demotion(0, 1)))
    assert await conflict(cluster, claim, lambda one: ownership.release(one, 0, "a", 1))
    assert await conflict(cluster, claim, lambda one: node_registry.register(one, address("c1"), "b", "1.0.0"))


async def test_a_redrawn_map_conflicts_with_every_change_that_it_excludes(cluster: Database) -> None:
    async with cluster.begin() as connection:
        await ownership.release(connection, 0, "a", 1)
        await connection.execute(sa.update(ownership.shard_map).values(released_epoch=ownership.shard_map.c.epoch))
        await resharding.request_shards(connection, 2)
        rows = tuple(await ownership.read_map(connection))
    redraw = guarded(lambda connection: resharding.redraw(connection, Redraw(2, rows)))
    for shard, row in enumerate(rows):
        assert await conflict(cluster, redraw, promotion("c2", shard, row.counter))
    assert await conflict(cluster, redraw, guarded(lambda one: resharding.request_shards(one, 1)))


async def test_two_requests_that_each_remove_one_of_the_last_two_administrators_conflict(cluster: Database) -> None:
    async with cluster.begin() as connection:
        for name in ("one", "two"):
            await users.add_user(connection, users.User(name, "hash", users.ADMIN, must_change=False))

    def removal(name: str) -> Transaction:
        async def remove(connection: AsyncConnection) -> None:
            assert await users.guard_admins(connection) == {"one", "two"}
            await users.remove_user(connection, name)

        return remove

    assert await conflict(cluster, removal("one"), removal("two"))


async def test_two_proposals_of_one_secret_conflict(cluster: Database) -> None:
    def proposal(secret: str) -> Transaction:
        return lambda connection: documents.agree_on_secret(connection, documents.NODE_SECRET, secret)

    assert await conflict(cluster, proposal("one"), proposal("two"))


async def test_transactions_that_may_both_commit_do_not_conflict(cluster: Database) -> None:
    """Otherwise the tests above would say nothing."""
    assert not await conflict(
        cluster,
        promotion("c2", 1),
        lambda one: ownership.renew(one, 0, address("c1").node_id, "a", 1, 2, 30.0),
    )
