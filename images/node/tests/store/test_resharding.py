"""The map drawn anew, and messages that wait, on a real server. Times are the server's."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from test_cluster_state import address, promoted, proven
from waba_node.control.ownership import Grant
from waba_node.control.promotion import Promotion
from waba_node.control.sharding import bucket_of
from waba_node.store import outbox, ownership, resharding, schema, webhook_queue
from waba_node.store.engine import Database

RECIPIENTS = [str(491510000000 + number) for number in range(40)]


async def wanted(database: Database, shards: int) -> None:
    async with database.begin() as connection:
        await resharding.want_shards(connection, shards)


async def redrawn(database: Database, shards: int) -> bool:
    async with database.begin() as connection:
        return await resharding.redraw(connection, shards)


async def epochs(database: Database) -> list[int]:
    async with database.begin() as connection:
        return [row.epoch for row in await ownership.read_map(connection)]


async def unsent(database: Database, shards: int) -> list[list[str]]:
    """Return the ids that each of so many shards would send, in order."""
    async with database.begin() as connection:
        found = [
            await outbox.unsent_messages(connection, Grant(shard, 1, shards).buckets, 0, 100) for shard in range(shards)
        ]
    return [[message.message_id for message in messages] for messages in found]


async def test_nothing_is_drawn_while_an_owner_may_be_connected(database: Database) -> None:
    await wanted(database, 4)
    await promoted(database, "c1", "a", 0, 0.5)
    assert not await redrawn(database, 4)
    await asyncio.sleep(0.7)
    assert await redrawn(database, 4)
    assert await epochs(database) == [2, 2, 2, 2]
    assert not await proven(database, "c1", "a", 1), "its epoch is no more"


async def test_nothing_is_drawn_that_is_not_wanted_any_more(database: Database) -> None:
    assert not await redrawn(database, 2)
    await wanted(database, 2)
    await wanted(database, 1)
    assert not await redrawn(database, 2)


async def test_a_shard_that_comes_back_has_a_higher_epoch_than_ever(database: Database) -> None:
    for shards in (2, 1, 2):
        await wanted(database, shards)
        assert await redrawn(database, shards)
        async with database.begin() as connection:
            last = Promotion(
                shards - 1, address("c1").node_id, str(shards), (await ownership.read_map(connection))[-1].epoch
            )
            assert await ownership.promote(connection, last, 0)
    assert await epochs(database) == [5, 6]


async def test_a_coreapp_hears_how_many_shards_there_are(database: Database) -> None:
    await wanted(database, 4)
    await redrawn(database, 4)
    async with database.begin() as connection:
        await ownership.promote(connection, Promotion(3, address("c1").node_id, "a", 1), 30)
        assert await ownership.find_grant(connection, address("c1").node_id, "a") == Grant(3, 2, of=4)
        assert await ownership.find_grant(connection, address("c1").node_id, "b") is None


@pytest.mark.parametrize("shards", [1, 2, 4, 8, 16, 32])
async def test_what_waits_belongs_to_one_shard_whatever_their_number(database: Database, shards: int) -> None:
    rows = [
        outbox.as_row({"message_id": f"m{place:02}", "bucket": bucket_of(name), "recipient": name, "payload": {}})
        for place, name in enumerate(RECIPIENTS * 2)
    ]
    async with database.begin() as connection:
        await outbox.store_messages(connection, rows)
    by_shard = await unsent(database, shards)
    assert sorted(name for names in by_shard for name in names) == [row["message_id"] for row in rows]
    assert all(names == sorted(names) for names in by_shard), "in the order of acceptance"


async def test_webhooks_of_a_shard_that_is_no_more_are_delivered_by_another(database: Database) -> None:
    async with database.begin() as connection:
        for shard in range(4):
            await webhook_queue.store_webhooks(connection, shard, [{"number": shard}])
        due = [await webhook_queue.due_webhooks(connection, Grant(shard, 1, 2).buckets, 9) for shard in range(2)]
        assert await webhook_queue.pending_webhooks(connection) == 4
        assert await webhook_queue.pending_webhooks(connection, Grant(0, 1, 2).buckets) == 2
    assert [[hook.payload["number"] for hook in hooks] for hooks in due] == [[0, 2], [1, 3]]


async def test_a_database_of_before_keeps_its_messages_and_gives_each_its_bucket(database: Database) -> None:
    async with database.begin() as connection:
        for statement in (
            "ALTER TABLE message DROP INDEX message_by_status, CHANGE bucket shard INT NOT NULL",
            "ALTER TABLE webhook CHANGE bucket shard INT NOT NULL",
            "UPDATE alembic_version SET version_num = '0003'",
            "DELETE FROM schema_history WHERE revision > '0003'",
        ):
            await connection.execute(sa.text(statement))
        row = "(message_id, shard, recipient, status, payload, accepted_at)"
        values = ", ".join(f"('{name}', 0, '{name}', 'accepted', '{{}}', UTC_TIMESTAMP(6))" for name in RECIPIENTS)
        await connection.execute(sa.text(f"INSERT INTO message {row} VALUES {values}".replace(":", r"\:")))
    await schema.upgrade(database, allowed)
    async with database.begin() as connection:
        stored = await connection.execute(sa.select(outbox.message.c.recipient, outbox.message.c.bucket))
        assert dict(stored.tuples().all()) == {name: bucket_of(name) for name in RECIPIENTS}


async def allowed(_connection: object) -> bool:
    return True
