"""Received updates wait in their order until the owner of their bucket has processed them."""

from __future__ import annotations

import sqlalchemy as sa
from waba_node.store import updates
from waba_node.store.engine import Database
from waba_node.store.updates import ReceivedUpdate

EVEN = range(0, 32, 2)


def update(key: str, bucket: int = 0, kind: str = "message") -> ReceivedUpdate:
    return ReceivedUpdate(bucket, kind, key, key)


async def store(database: Database, *rows: ReceivedUpdate) -> None:
    async with database.begin() as connection:
        await updates.store_updates(connection, rows)


async def due(database: Database, buckets: range = EVEN) -> list[updates.StoredUpdate]:
    async with database.begin() as connection:
        return await updates.read_due_updates(connection, buckets, 100)


async def test_updates_of_the_given_buckets_are_read_in_their_order(database: Database) -> None:
    await store(database, *(update(f"k{number}", number % 2) for number in range(10)))
    await store(database, update("later"))
    assert [row.content for row in await due(database)] == ["k0", "k2", "k4", "k6", "k8", "later"]


async def test_updates_keep_their_order_when_the_clock_of_the_database_goes_back(database: Database) -> None:
    for key, seconds in (("first", 30), ("second", 0)):
        async with database.begin() as connection:
            await connection.execute(sa.text(f"SET timestamp = UNIX_TIMESTAMP() + {seconds}"))
            await updates.store_updates(connection, [update(key)])
            await connection.execute(sa.text("SET timestamp = DEFAULT"))
    assert [row.content for row in await due(database)] == ["first", "second"]


async def test_an_update_that_waits_is_not_stored_again(database: Database) -> None:
    await store(database, update("one"), update("one"))
    await store(database, update("one"), update("one", kind="status"), update("ONE"))
    assert len(await due(database)) == 3


async def test_many_updates_are_stored_at_once(database: Database) -> None:
    await store(database, *(update(f"k{number}") for number in range(1000)))
    async with database.begin() as connection:
        numbers = await updates.read_statistics(connection, EVEN)
    assert (numbers.waiting, numbers.set_aside) == (1000, 0)
    assert 0 <= numbers.oldest < 60


async def test_an_update_that_was_set_aside_or_postponed_is_not_due(database: Database) -> None:
    await store(database, update("bad"), update("early"), update("good"))
    bad, early, good = await due(database)
    async with database.begin() as connection:
        await updates.set_update_aside(connection, bad.position, "a problem " * 100)
        await updates.postpone_updates(connection, [early.position], 60)
    assert [row.position for row in await due(database)] == [good.position]
    async with database.begin() as connection:
        numbers = await updates.read_statistics(connection, EVEN)
        assert (numbers.waiting, numbers.set_aside) == (2, 1)
        assert await updates.delete_set_aside(connection, 60, 10) == 0
        assert await updates.delete_set_aside(connection, -1, 10) == 1
        assert await updates.delete_updates(connection, [good.position, early.position, bad.position]) == 2
