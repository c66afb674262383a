"""The map drawn anew, and waiting messages, on a real server."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from leases import address, counter, promote, renew
from waba_node.control.ownership import Grant
from waba_node.control.promotion import Promotion, Redraw, Shard
from waba_node.control.sharding import bucket_of
from waba_node.store import outbox, ownership, resharding, schema, webhook_queue
from waba_node.store.engine import Database

RECIPIENTS = [str(491510000000 + number) for number in range(40)]


async def request(database: Database, shards: int) -> None:
    async with database.begin() as connection:
        await resharding.request_shards(connection, shards)


async def read_map(database: Database) -> tuple[Shard, ...]:
    async with database.begin() as connection:
        return tuple(await ownership.read_map(connection))


async def redraw(database: Database, shards: int, observed: tuple[Shard, ...] | None = None) -> bool:
    """Draw the map anew. observed: the map that the decision is based on; None for the present one."""
    due = Redraw(shards, await read_map(database) if observed is None else observed)
    async with database.begin() as connection:
        return await resharding.redraw(connection, due)


async def epochs(database: Database) -> list[int]:
    return [row.epoch for row in await read_map(database)]


async def unsent(database: Database, shards: int) -> list[list[str]]:
    """Return the ids that each of so many shards would send, in order."""
    async with database.begin() as connection:
        found = [
            await outbox.read_unsent_messages(connection, Grant(shard, 1, shards).buckets, 0, 100)
            for shard in range(shards)
        ]
    return [[message.message_id for message in messages] for messages in found]


async def test_the_map_is_not_redrawn_while_an_owner_may_be_connected(database: Database) -> None:
    await request(database, 4)
    await promote(database, "c1", "a", (0, 0))
    assert not await redraw(database, 4)
    async with database.begin() as connection:
        await ownership.release(connection, 0, "a", 1)
    assert await redraw(database, 4)
    assert await epochs(database) == [2, 2, 2, 2]
    assert not await renew(database, "c1", "a", 1), "its epoch no longer exists"


async def test_the_map_is_not_redrawn_when_a_row_has_changed_since_it_was_observed(database: Database) -> None:
    await request(database, 2)
    observed = await read_map(database)
    await promote(database, "c1", "a", await counter(database))
    assert not await redraw(database, 2, observed)
    assert await renew(database, "c1", "a", 1)


async def test_the_map_is_not_redrawn_for_a_number_that_is_no_longer_wanted(database: Database) -> None:
    assert not await redraw(database, 2)
    await request(database, 2)
    await request(database, 1)
    assert not await redraw(database, 2)


async def test_a_shard_that_returns_has_a_higher_epoch_than_ever(database: Database) -> None:
    for shards in (2, 1, 2):
        await request(database, shards)
        assert await redraw(database, shards)
        last = (await read_map(database))[-1]
        assert await promote(database, "c1", str(shards), last.counter, last.shard)
        async with database.begin() as connection:
            await ownership.release(connection, last.shard, str(shards), last.epoch + 1)
    assert await epochs(database) == [5, 6]


async def test_a_coreapp_learns_the_number_of_shards_with_its_grant(database: Database) -> None:
    await request(database, 4)
    await redraw(database, 4)
    async with database.begin() as connection:
        await ownership.promote(connection, Promotion(3, address("c1").node_id, "a", (1, 0)))
        assert await ownership.find_grant(connection, address("c1").node_id, "a") == Grant(3, 2, of=4)
        assert await ownership.find_grant(connection, address("c1").node_id, "b") is None


@pytest.mark.parametrize("shards", [1, 2, 4, 8, 16, 32])
async def test_every_waiting_message_belongs_to_exactly_one_shard(database: Database, shards: int) -> None:
    rows = [
        outbox.as_row({"message_id": f"m{place:02}", "bucket": bucket_of(name), "recipient": name, "payload": {}})
        for place, name in enumerate(RECIPIENTS * 2)
    ]
    async with database.begin() as connection:
        await outbox.store_messages(connection, rows)
    by_shard = await unsent(database, shards)
    assert sorted(name for names in by_shard for name in names) == [row["message_id"] for row in rows]
    assert all(names == sorted(names) for names in by_shard), "in the order of acceptance"


async def test_webhooks_of_a_removed_shard_are_delivered_by_another(database: Database) -> None:
    async with database.begin() as connection:
        for shard in range(4):
            await webhook_queue.store_webhooks(connection, shard, [{"number": shard}])
        due = [await webhook_queue.read_due_webhooks(connection, Grant(shard, 1, 2).buckets, 9) for shard in range(2)]
        assert await webhook_queue.count_pending_webhooks(connection) == 4
        assert await webhook_queue.count_pending_webhooks(connection, Grant(0, 1, 2).buckets) == 2
    assert [[hook.payload["number"] for hook in hooks] for hooks in due] == [[0, 2], [1, 3]]


async def test_migration_0004_keeps_messages_and_gives_each_its_bucket(database: Database) -> None:
    recipients = [str(491510000000 + number) for number in range(4500)]  # more than two batches
    async with database.begin() as connection:
        for statement in (
            "ALTER TABLE message DROP INDEX message_by_status, CHANGE bucket shard INT NOT NULL",
            "ALTER TABLE webhook CHANGE bucket shard INT NOT NULL",
            "UPDATE alembic_version SET version_num = '0003'",
            "DELETE FROM schema_history WHERE revision > '0003'",
        ):
            await connection.execute(sa.text(statement))
        row = "(message_id, shard, recipient, status, payload, accepted_at)"
        values = ", ".join(f"('{name}', 0, '{name}', 'accepted', '{{}}', UTC_TIMESTAMP(6))" for name in recipients)
        await connection.execute(sa.text(f"INSERT INTO message {row} VALUES {values}".replace(":", r"\:")))
    await schema.upgrade(database, allowed)
    async with database.begin() as connection:
        stored = await connection.execute(sa.select(outbox.message.c.recipient, outbox.message.c.bucket))
        assert dict(stored.tuples().all()) == {name: bucket_of(name) for name in recipients}


async def allowed(_connection: object) -> bool:
    return True
