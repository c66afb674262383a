"""The master lease and the shard map on a real server: conditional writes, and no decision by the server's clock."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from leases import DELAY, PORTS, address, counter, is_guarded, promote, read_lease, renew, renew_lease, take_lease
from waba_node.address import NodeAddress
from waba_node.control.promotion import Demotion
from waba_node.store import master_lease, node_registry, ownership
from waba_node.store.engine import Database

# -- the master lease ------------------------------------------------------------------------------------------------


async def test_the_lease_of_a_new_cluster_is_free_and_one_of_many_masters_takes_it(database: Database) -> None:
    free = await read_lease(database)
    assert free.free
    epochs = await asyncio.gather(*(take_lease(database, f"m{number}", free) for number in range(6)))
    assert [epoch for epoch in epochs if epoch is not None] == [1]
    assert not (await read_lease(database)).free


async def test_a_renewal_keeps_the_epoch_and_changes_the_counter(database: Database) -> None:
    epoch = await take_lease(database, "m1", await read_lease(database))
    assert epoch is not None
    before = await read_lease(database)
    assert await renew_lease(database, "m1", epoch, 2)
    after = await read_lease(database)
    assert (after.epoch, after.renewal) == (epoch, 2)
    assert after.counter != before.counter


async def test_a_lease_is_not_taken_when_it_was_renewed_since_it_was_observed(database: Database) -> None:
    await take_lease(database, "m1", await read_lease(database))
    observed = await read_lease(database)
    await renew_lease(database, "m1", 1, 2)
    assert await take_lease(database, "m2", observed) is None
    assert await take_lease(database, "m2", await read_lease(database)) == 2
    assert not await renew_lease(database, "m1", 1, 3), "the former holder can renew nothing any more"


async def test_a_late_renewal_of_the_lease_changes_nothing(database: Database) -> None:
    await take_lease(database, "m1", await read_lease(database))
    assert await renew_lease(database, "m1", 1, 5, delay=30)
    assert not await renew_lease(database, "m1", 1, 4, delay=3)
    assert (await read_lease(database)).takeover_delay == 30


async def test_a_released_lease_is_free_and_a_late_renewal_does_not_undo_that(database: Database) -> None:
    await take_lease(database, "m1", await read_lease(database))
    async with database.begin() as connection:
        await master_lease.release(connection, "m1")
    assert not await renew_lease(database, "m1", 1, 2)
    assert not await is_guarded(database, "m1", 1)
    assert (await read_lease(database)).free


async def test_a_guard_holds_for_the_holder_and_its_epoch_only(database: Database) -> None:
    first = await take_lease(database, "m1", await read_lease(database))
    assert await is_guarded(database, "m1", first)
    second = await take_lease(database, "m2", await read_lease(database))
    assert not await is_guarded(database, "m1", first)
    assert not await is_guarded(database, "m1", second)
    assert await is_guarded(database, "m2", second)


async def test_a_guard_is_written_so_that_other_members_of_a_cluster_see_it(database: Database) -> None:
    """An update that changes no value writes nothing, and then another member has nothing to compare."""
    await take_lease(database, "m1", await read_lease(database))
    guards = []
    for _time in range(2):
        assert await is_guarded(database, "m1", 1)
        async with database.begin() as connection:
            guards.append((await connection.execute(sa.select(master_lease.lease.c.guard))).scalar_one())
    assert guards == [1, 2]


async def test_a_guard_does_not_look_like_a_renewal(database: Database) -> None:
    await take_lease(database, "m1", await read_lease(database))
    before = await read_lease(database)
    await is_guarded(database, "m1", 1)
    assert await read_lease(database) == before


async def test_a_transaction_of_the_lease_row_ends_soon_when_its_master_hangs(database: Database) -> None:
    async with database.begin() as connection:
        limits = dict((await connection.execute(sa.text("SHOW SESSION VARIABLES LIKE '%timeout%'"))).tuples().all())
    # MariaDB ends idle transactions, MySQL at least idle connections.
    assert limits.get("idle_transaction_timeout", "5") == "5"
    assert "idle_transaction_timeout" in limits or limits["wait_timeout"] == "15"
    assert limits["innodb_lock_wait_timeout"] == "5"


async def test_masters_of_revision_0004_compete_for_the_same_lease(database: Database) -> None:
    """Such a master renews `expires_at` alone, which counts as a renewal; and it finds the lease held while this version holds it."""
    async with database.begin() as connection:
        for column in ("renewal", "takeover_delay", "released_epoch", "guard"):
            await connection.execute(sa.text(f"ALTER TABLE lease DROP COLUMN {column}"))
        await connection.execute(
            sa.text(
                "UPDATE lease SET holder = 'old', incarnation = 'old', epoch = 7, expires_at = UTC_TIMESTAMP(6) + INTERVAL 9 SECOND"
            )
        )
    async with database.begin() as connection:
        await master_lease.create_table(connection)
    observed = await read_lease(database)
    assert not observed.free
    async with database.begin() as connection:
        await connection.execute(sa.text("UPDATE lease SET expires_at = UTC_TIMESTAMP(6) + INTERVAL 10 SECOND"))
    assert await take_lease(database, "m1", observed) is None
    assert await take_lease(database, "m1", await read_lease(database)) == 8
    async with database.begin() as connection:
        left = sa.text("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), expires_at) FROM lease")
        assert (await connection.execute(left)).scalar_one() >= DELAY - 2


# -- the shard map -----------------------------------------------------------------------------------------------------


async def test_a_shard_of_a_new_cluster_is_fenced(database: Database) -> None:
    async with database.begin() as connection:
        (row,) = await ownership.read_map(connection)
    assert (row.owner, row.fenced, row.counter) == (None, True, (0, 0))


async def test_a_promotion_raises_the_epoch_and_waits_for_the_first_renewal(database: Database) -> None:
    assert await promote(database, "c1", "a", (0, 0)) == 1
    async with database.begin() as connection:
        (row,) = await ownership.read_map(connection)
    assert (row.incarnation, row.counter, row.takeover_delay, row.fenced) == ("a", (1, 0), 0.0, False)
    assert await renew(database, "c1", "a", 1, 8, 2.5)
    async with database.begin() as connection:
        (row,) = await ownership.read_map(connection)
    assert (row.counter, row.takeover_delay) == ((1, 8), 2.5)


async def test_an_owner_is_not_replaced_when_it_has_renewed_since_it_was_observed(database: Database) -> None:
    await promote(database, "c1", "a", (0, 0))
    observed = await counter(database)
    assert await renew(database, "c1", "a", 1)
    assert await promote(database, "c2", "b", observed) is None
    assert await promote(database, "c2", "b", await counter(database)) == 2
    assert not await renew(database, "c1", "a", 1, 2), "the former owner can renew nothing any more"


async def test_a_renewal_that_arrives_after_a_later_one_changes_nothing(database: Database) -> None:
    await promote(database, "c1", "a", (0, 0))
    assert await renew(database, "c1", "a", 1, 5, 30)
    assert await renew(database, "c1", "a", 1, 4, 3), "the map still names the owner"
    assert await renew(database, "c1", "a", 1, 5, 3), "the same request by way of a second master"
    async with database.begin() as connection:
        (row,) = await ownership.read_map(connection)
    assert (row.counter, row.takeover_delay) == ((1, 5), 30)


@pytest.mark.parametrize(
    ("name", "incarnation", "epoch"), [("c2", "a", 1), ("c1", "b", 1), ("c1", "a", 0), ("c1", "a", 2)]
)
async def test_only_the_owner_renews_and_only_its_epoch(
    database: Database, name: str, incarnation: str, epoch: int
) -> None:
    await promote(database, "c1", "a", (0, 0))
    assert not await renew(database, name, incarnation, epoch)


async def test_a_promotion_that_was_planned_on_an_older_map_does_nothing(database: Database) -> None:
    await promote(database, "c1", "a", (0, 0))
    async with database.begin() as connection:
        await ownership.release(connection, 0, "a", 1)
    assert await promote(database, "c2", "b", (0, 0)) is None
    assert await promote(database, "c2", "b", (1, 0)) == 2


@pytest.fixture
async def two_shards(database: Database) -> Database:
    """A database whose map has two shards."""
    async with database.begin() as connection:
        await connection.execute(sa.insert(ownership.shard_map).values(shard=1, epoch=0))
    return database


async def test_one_process_never_owns_two_shards(two_shards: Database) -> None:
    assert await promote(two_shards, "c1", "a", (0, 0)) == 1
    assert await promote(two_shards, "c1", "a", (0, 0), shard=1) is None
    assert await promote(two_shards, "c1", "b", (0, 0), shard=1) == 1, "a former process of the coreapp blocks nothing"


async def test_two_transactions_at_once_cannot_give_one_process_two_shards(two_shards: Database) -> None:
    """The unique key decides, not a lock: the key is part of what members of a database cluster compare."""
    epochs = await asyncio.gather(*(promote(two_shards, "c1", "a", (0, 0), shard) for shard in range(2)))
    assert sorted(epochs, key=str) == [1, None]


async def test_shards_without_an_owner_do_not_meet_in_the_unique_key(two_shards: Database) -> None:
    for shard, name in enumerate(("c1", "c2")):
        await promote(two_shards, name, name, (0, 0), shard)
        async with two_shards.begin() as connection:
            assert await ownership.demote(connection, Demotion(shard, 1))
    async with two_shards.begin() as connection:
        assert [row.owner for row in await ownership.read_map(connection)] == [None, None]


async def test_a_demoted_owner_renews_nothing_and_is_fenced_only_once_it_released_the_shard(database: Database) -> None:
    await promote(database, "c1", "a", (0, 0))
    await renew(database, "c1", "a", 1)
    async with database.begin() as connection:
        assert not await ownership.demote(connection, Demotion(0, 0)), "planned on an older map"
        assert await ownership.demote(connection, Demotion(0, 1))
    assert not await renew(database, "c1", "a", 1, 2)
    for epoch, fenced in ((0, False), (1, True)):
        async with database.begin() as connection:
            await ownership.release(connection, 0, "a", epoch)
            (row,) = await ownership.read_map(connection)
        assert row.fenced is fenced
    assert row.counter == (1, 1), "an observer goes on counting from the last renewal"


async def test_a_release_of_a_former_owner_changes_nothing(database: Database) -> None:
    await promote(database, "c1", "a", (0, 0))
    await promote(database, "c2", "b", (1, 0))
    async with database.begin() as connection:
        await ownership.release(connection, 0, "a", 1)
    assert await renew(database, "c2", "b", 2)


# -- nodes that register -------------------------------------------------------------------------------------------------


async def test_a_restarted_container_releases_the_shard_of_its_former_process(database: Database) -> None:
    async with database.begin() as connection:
        await node_registry.register(connection, address("c1"), "a", "1.0.0")
    await promote(database, "c1", "a", (0, 0))
    await renew(database, "c1", "a", 1)
    async with database.begin() as connection:
        await node_registry.register(connection, address("c1"), "b", "1.0.0")
        (row,) = await ownership.read_map(connection)
    assert (row.owner, row.fenced) == (None, True)


async def test_a_node_with_the_name_of_another_takes_no_shard_from_it(database: Database) -> None:
    async with database.begin() as connection:
        await node_registry.register(connection, address("c1"), "a", "1.0.0")
    await promote(database, "c1", "a", (0, 0))
    namesake = NodeAddress(address("c1").node_id, "coreapp", "c1", (7250, 7251, 7252, 7253))
    async with database.begin() as connection:
        await node_registry.register(connection, namesake, "b", "1.0.0")
    assert await renew(database, "c1", "a", 1)


async def test_a_recreated_container_replaces_the_old_one(database: Database) -> None:
    old, new = NodeAddress("c1:old", "coreapp", "c1", PORTS), NodeAddress("c1:new", "coreapp", "c1", PORTS)
    async with database.begin() as connection:
        await node_registry.register(connection, old, "a", "1.0.0")
        await node_registry.register(connection, new, "b", "1.0.0")
        assert [row.address for row in await node_registry.read_nodes(connection)] == [new]
        assert not await node_registry.report(connection, old.node_id, "a")
        assert await node_registry.report(connection, new.node_id, "b")


async def test_webapps_find_the_owner_in_the_map(database: Database) -> None:
    async with database.begin() as connection:
        assert await node_registry.find_owner(connection, 0) is None
        await node_registry.register(connection, address("c1"), "a", "1.0.0")
    await promote(database, "c1", "a", (0, 0))
    async with database.begin() as connection:
        assert await node_registry.find_owner(connection, 0) == address("c1")
