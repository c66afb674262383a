"""The lease and the shard map on a real server: what the control logic counts on. Times are the server's."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from waba_node.address import NodeAddress
from waba_node.control.promotion import Demotion, Promotion
from waba_node.store import master_lease, node_registry, ownership

PORTS = (6250, 6251, 6252, 6253)


def address(name: str, role: str = "coreapp") -> NodeAddress:
    return NodeAddress(f"{name}:0123456789ab", role, name, PORTS)


async def promoted(database, name: str, incarnation: str, epoch: int, seconds: float) -> int | None:
    async with database.begin() as connection:
        promotion = Promotion(0, address(name).node_id, incarnation, epoch)
        return await ownership.promote(connection, promotion, seconds)


async def proven(database, name: str, incarnation: str, epoch: int, seconds: float = 30) -> bool:
    async with database.begin() as connection:
        return await ownership.renew(connection, 0, address(name).node_id, incarnation, epoch, seconds)


async def took(database, holder: str, incarnation: str, seconds: float) -> int | None:
    async with database.begin() as connection:
        return await master_lease.take(connection, holder, incarnation, seconds)


async def test_one_master_at_a_time_has_the_lease(database) -> None:
    epoch = await took(database, "m1", "a", 30)
    assert await took(database, "m2", "b", 30) is None
    assert await took(database, "m1", "other life", 30) is None
    assert await took(database, "m1", "a", 30) == epoch, "a renewal keeps the epoch"


async def test_an_expired_lease_is_taken_with_a_higher_epoch(database) -> None:
    epoch = await took(database, "m1", "a", 0.1)
    await asyncio.sleep(0.2)
    assert await took(database, "m2", "b", 30) == epoch + 1
    async with database.begin() as connection:
        assert not await master_lease.holds(connection, "a", epoch)
        assert await master_lease.holds(connection, "b", epoch + 1)


async def test_a_renewal_that_comes_late_never_shortens_the_lease(database) -> None:
    epoch = await took(database, "m1", "a", 30)
    assert await took(database, "m1", "a", 0.1) == epoch
    await asyncio.sleep(0.2)
    assert await took(database, "m2", "b", 30) is None


async def test_a_released_lease_is_free_at_once(database) -> None:
    await took(database, "m1", "a", 30)
    async with database.begin() as connection:
        await master_lease.release(connection, "a")
    assert await took(database, "m2", "b", 30) is not None


async def test_many_masters_compete_and_one_wins(database) -> None:
    epochs = await asyncio.gather(*(took(database, f"m{number}", str(number), 30) for number in range(6)))
    assert len([epoch for epoch in epochs if epoch is not None]) == 1


async def test_an_owner_is_replaced_only_when_its_fence_has_passed(database) -> None:
    assert await promoted(database, "c1", "a", 0, 0.3) == 1
    assert await proven(database, "c1", "a", 1, 0.6)
    assert await promoted(database, "c2", "b", 1, 30) is None
    await asyncio.sleep(0.8)
    assert await promoted(database, "c2", "b", 1, 30) == 2
    assert not await proven(database, "c1", "a", 1), "the former owner can prove nothing any more"


async def test_a_proof_never_shortens_the_fence(database) -> None:
    await promoted(database, "c1", "a", 0, 30)
    assert await proven(database, "c1", "a", 1, 0.1)
    await asyncio.sleep(0.2)
    assert await promoted(database, "c2", "b", 1, 30) is None


@pytest.mark.parametrize(("name", "life", "epoch"), [("c2", "a", 1), ("c1", "b", 1), ("c1", "a", 0), ("c1", "a", 2)])
async def test_nobody_else_proves_an_ownership(database, name: str, life: str, epoch: int) -> None:
    await promoted(database, "c1", "a", 0, 30)
    assert not await proven(database, name, life, epoch)


async def test_a_promotion_that_was_planned_on_an_older_map_does_nothing(database) -> None:
    await promoted(database, "c1", "a", 0, 30)
    async with database.begin() as connection:
        await ownership.release(connection, 0, "a", 1)
    assert await promoted(database, "c2", "b", 0, 30) is None
    assert await promoted(database, "c2", "b", 1, 30) == 2


async def test_a_coreapp_is_never_given_a_second_shard_by_an_older_plan(database) -> None:
    async with database.begin() as connection:
        another = {"shard": 1, "epoch": 0, "fence_until": sa.text("UTC_TIMESTAMP(6)")}
        await connection.execute(sa.insert(ownership.shard_map).values(another))
    assert await promoted(database, "c1", "a", 0, 30) == 1
    for incarnation, expected in (("a", None), ("b", 1)):  # a former process of the same coreapp is in nobody's way
        async with database.begin() as connection:
            promotion = Promotion(1, address("c1").node_id, incarnation, 0)
            assert await ownership.promote(connection, promotion, 30) == expected


async def test_a_demoted_owner_proves_nothing_and_is_replaced_when_its_fence_has_passed(database) -> None:
    await promoted(database, "c1", "a", 0, 0.5)
    async with database.begin() as connection:
        assert not await ownership.demote(connection, Demotion(0, 0)), "planned on an older map"
        assert await ownership.demote(connection, Demotion(0, 1))
    assert not await proven(database, "c1", "a", 1)
    assert await promoted(database, "c2", "b", 1, 30) is None, "it may still be connected"
    await asyncio.sleep(0.7)
    assert await promoted(database, "c2", "b", 1, 30) == 2


async def test_a_demoted_owner_that_has_disconnected_is_replaced_at_once(database) -> None:
    await promoted(database, "c1", "a", 0, 30)
    async with database.begin() as connection:
        await ownership.demote(connection, Demotion(0, 1))
        await ownership.release(connection, 0, "a", 0)
    assert await promoted(database, "c2", "b", 1, 30) is None, "that was about an earlier epoch"
    async with database.begin() as connection:
        await ownership.release(connection, 0, "a", 1)
    assert await promoted(database, "c2", "b", 1, 30) == 2
    async with database.begin() as connection:
        await ownership.release(connection, 0, "a", 1)
    assert await proven(database, "c2", "b", 2), "a late word of a former owner changes nothing"


async def test_a_node_that_calls_itself_like_another_takes_no_shard_from_it(database) -> None:
    async with database.begin() as connection:
        await node_registry.register(connection, address("c1"), "a", "1.0.0")
    await promoted(database, "c1", "a", 0, 30)
    namesake = NodeAddress(address("c1").node_id, "coreapp", "c1", (7250, 7251, 7252, 7253))
    async with database.begin() as connection:
        await node_registry.register(connection, namesake, "b", "1.0.0")
    assert await proven(database, "c1", "a", 1)


async def test_who_hangs_with_a_lock_loses_it(database) -> None:
    async with database.begin() as connection:
        limits = dict((await connection.execute(sa.text("SHOW SESSION VARIABLES LIKE '%timeout%'"))).all())
    # MariaDB ends idle transactions, MySQL at least idle connections.
    assert limits.get("idle_transaction_timeout", "5") == "5"
    assert "idle_transaction_timeout" in limits or limits["wait_timeout"] == "15"
    assert limits["innodb_lock_wait_timeout"] == "5"


async def test_a_restarted_container_releases_what_its_former_process_held(database) -> None:
    async with database.begin() as connection:
        await node_registry.register(connection, address("c1"), "a", "1.0.0")
    await promoted(database, "c1", "a", 0, 30)
    async with database.begin() as connection:
        await node_registry.register(connection, address("c1"), "b", "1.0.0")
        (row,) = await ownership.read_map(connection)
    assert (row.owner, row.fenced) == (None, True)


async def test_a_recreated_container_takes_the_place_of_the_old_one(database) -> None:
    old, new = NodeAddress("c1:old", "coreapp", "c1", PORTS), NodeAddress("c1:new", "coreapp", "c1", PORTS)
    async with database.begin() as connection:
        await node_registry.register(connection, old, "a", "1.0.0")
        await node_registry.register(connection, new, "b", "1.0.0")
        assert [row.address for row in await node_registry.read_nodes(connection)] == [new]
        assert not await node_registry.report(connection, old.node_id, "a")
        assert await node_registry.report(connection, new.node_id, "b")


async def test_webapps_find_the_owner_in_the_map(database) -> None:
    async with database.begin() as connection:
        assert await node_registry.find_owner(connection, 0) is None
        await node_registry.register(connection, address("c1"), "a", "1.0.0")
    await promoted(database, "c1", "a", 0, 30)
    async with database.begin() as connection:
        assert await node_registry.find_owner(connection, 0) == address("c1")
