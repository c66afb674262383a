"""Updates are processed once and in order, by the owner only, and a bad one holds up no other one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import sqlalchemy as sa
from claiming_support import Owner, ScriptedUpstream, promote, receive
from messaging_support import statuses, store, until, webhooks
from waba_node.control.ownership import Grant
from waba_node.coreapp import claimed_sender, update_processor
from waba_node.store import contacts, deliveries, outbox, updates
from waba_node.store.deliveries import Sent
from waba_node.store.engine import Database

Begin = Callable[..., Awaitable[Owner]]
ALL = range(32)


@pytest.fixture
async def begin(database: Database, tasks: asyncio.TaskGroup, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Begin]:
    """A function that promotes a coreapp and starts its connection."""
    for module in (claimed_sender, update_processor):
        monkeypatch.setattr(module, "POLL", 0.1)
    monkeypatch.setattr(update_processor, "UNKNOWN_PAUSE", 0.1)
    running: list[Owner] = []

    async def start(name: str = "c1", epoch: int = 1) -> Owner:
        await promote(database, name, epoch)
        owner = Owner(database, tasks, ScriptedUpstream(), name, Grant(0, epoch))
        owner.connection.start()
        running.append(owner)
        return owner

    yield start
    for owner in running:
        await owner.close()


def inbound(name: str, user: str = "49151", **more: str) -> dict:
    return {"kind": "inbound", "id": name, "user": user, **more}


async def waiting(database: Database) -> updates.UpdateStatistics:
    async with database.begin() as connection:
        return await updates.read_statistics(connection, ALL)


async def processed(database: Database) -> bool:
    return (await waiting(database)).waiting == 0


async def received_ids(database: Database) -> list[str]:
    payloads = [json.loads(row.payload) for row in await webhooks(database)]
    return [message["id"] for payload in payloads for message in payload.get("messages", ())]


async def test_updates_that_arrived_without_an_owner_are_processed_in_order_and_once(
    database: Database, begin: Begin
) -> None:
    names = [f"wamid.{number:03}" for number in range(600)]
    await receive(database, *map(inbound, names))
    await begin()
    await until(lambda: processed(database))
    await receive(database, *map(inbound, names[:10]), inbound("wamid.last"))
    await until(lambda: processed(database))
    assert await received_ids(database) == [*names, "wamid.last"]


async def test_repetitions_of_strange_ids_hold_up_no_other_update(database: Database, begin: Begin) -> None:
    names = ["wamid." + "x" * 300, "wamid.blank", "wamid.blank "]
    await receive(database, *map(inbound, names))
    await begin()
    await until(lambda: processed(database))
    await receive(database, *map(inbound, names), inbound("wamid.last"))
    await until(lambda: processed(database))
    assert await received_ids(database) == [*names, "wamid.last"]


async def test_a_query_that_fails_leaves_it_open_whether_updates_wait(
    database: Database, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await begin()
    processor = owner.connection.processor
    assert processor is not None

    async def caught_up() -> bool:
        async with processor.between_batches() as nothing_waits:
            return nothing_waits

    await until(caught_up)

    async def read_due_updates(*_arguments: object) -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(updates, "read_due_updates", read_due_updates)

    async def left_open() -> bool:
        return not await caught_up()

    await until(left_open)


async def test_an_update_that_cannot_be_processed_is_set_aside_and_holds_up_no_other_one(
    database: Database, begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    bad = {"kind": "raise", "id": "wamid.bad", "message": [0, "m1"]}
    await receive(database, inbound("wamid.1"), bad, inbound("wamid.2"))
    owner = await begin()
    await until(lambda: processed(database))
    assert await received_ids(database) == ["wamid.1", "wamid.2"]
    assert (await waiting(database)).set_aside == 1
    assert owner.statistics.counters["upstream_updates"][(("kind", "set_aside"),)] == 1
    assert "is set aside: KeyError" in caplog.text


async def test_a_process_that_does_not_own_the_shard_processes_nothing(database: Database, begin: Begin) -> None:
    await begin()
    await promote(database, "c2", 2)
    await receive(database, inbound("wamid.1"))
    await asyncio.sleep(0.5)
    assert await received_ids(database) == []
    assert not await processed(database)


async def test_a_status_of_an_unknown_message_waits_for_its_answer(database: Database, begin: Begin) -> None:
    await store(database, "m1")
    async with database.begin() as connection:
        await connection.execute(sa.update(outbox.message).values(status=outbox.CLAIMED))
    await begin()
    await receive(database, {"kind": "failed", "id": "wamid.A"}, inbound("wamid.1"))
    await until(lambda: is_received(database, "wamid.1"))
    assert (await waiting(database)).waiting == 1
    async with database.begin() as connection:
        await deliveries.record_sent(connection, {"wamid.A": Sent("m1", 0)})
    await until(lambda: processed(database))
    assert await statuses(database) == {"m1": "failed"}


async def is_received(database: Database, name: str) -> bool:
    return name in await received_ids(database)


async def test_a_status_of_a_message_that_stays_unknown_is_dropped(
    database: Database, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_processor, "UNKNOWN_AGE", 0.5)
    owner = await begin()
    await receive(database, {"kind": "sent", "id": "wamid.foreign"})
    await until(lambda: processed(database))
    assert owner.statistics.counters["upstream_updates"][(("kind", "foreign"),)] == 1


async def test_a_reply_refers_to_the_clusters_own_id(database: Database, begin: Begin) -> None:
    async with database.begin() as connection:
        await deliveries.record_sent(connection, {"wamid.A": Sent("m1", 0)})
    await receive(database, inbound("wamid.1", quotes="wamid.A"), inbound("wamid.2", quotes="wamid.other"))
    await begin()
    await until(lambda: processed(database))
    first, second = [json.loads(row.payload)["messages"][0] for row in await webhooks(database)]
    assert (first["context"]["id"], second["context"]["id"]) == ("m1", "wamid.other")


async def test_the_clients_own_callback_data_returns(database: Database, begin: Begin) -> None:
    await store(database, "m1", biz_opaque_callback_data="order 7")
    await begin()
    await receive(database, {"kind": "sent", "id": "wamid.m1.0", "message": [0, "m1"]})
    await until(lambda: is_sent(database))
    (row,) = await webhooks(database)
    assert json.loads(row.payload)["statuses"][0]["biz_opaque_callback_data"] == "order 7"


async def is_sent(database: Database) -> bool:
    return await statuses(database) == {"m1": "sent"}


async def test_the_identity_of_an_update_is_stored(database: Database, begin: Begin) -> None:
    await receive(database, inbound("wamid.1", identity="one"), inbound("wamid.2", identity="two"))
    await begin()
    await until(lambda: processed(database))
    async with database.begin() as connection:
        assert await contacts.find_identity(connection, "49151") == "two"
