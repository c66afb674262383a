"""A coreapp takes messages in over a real wire, into a real database."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import sqlalchemy as sa
from messaging_support import rows, statuses, trusted
from waba_node.address import NodeAddress, PortName
from waba_node.coreapp import intake
from waba_node.rpc import RpcClient, RpcError, RpcServer
from waba_node.store import outbox, webhook_queue
from waba_node.store.buckets import EVERY_BUCKET
from waba_node.store.engine import Database
from waba_node.webapp.message import LARGEST_MESSAGE

Call = Callable[..., Awaitable[list[str]]]  # gives rows to a coreapp, returns which it refused
OWNED = 0


def content(*messages: dict, again: bool = False) -> dict:
    """Return what a webapp sends."""
    return {"messages": [{**outbox.as_row(message), "again": again} for message in messages]}


@pytest.fixture
async def serve(free_ports) -> AsyncIterator[Callable[[Database, Callable[[bool], None]], Awaitable[Call]]]:
    """A function that starts a coreapp's intake, the owner of bucket 0, and returns a webapp's call to it."""
    servers, client = [], RpcClient(trusted("127.0.0.1:webapp"))

    async def start(database: Database, stored: Callable[[bool], None] = lambda _again: None) -> Call:
        ports = free_ports(4)
        server = RpcServer(ports, trusted("127.0.0.1:x"))
        intake.register(server, database, lambda bucket: bucket == OWNED, stored)
        await server.start()
        servers.append(server)
        address = NodeAddress("127.0.0.1:x", "coreapp", "127.0.0.1", ports)

        async def accept(*messages: dict) -> list[str]:
            answer = await client.call(address, PortName.MESSAGING, "messages.accept", content(*messages), 10)
            return answer["refused"]

        return accept

    yield start
    await client.close()
    for server in servers:
        await server.stop()


async def test_a_message_is_in_the_database_when_the_answer_comes(database: Database, serve) -> None:
    woken = []
    accept = await serve(database, woken.append)
    (row,) = rows("gBGGone")
    assert await accept(row) == []
    async with database.begin() as connection:
        (stored,) = await outbox.unsent_messages(connection, EVERY_BUCKET, 0, 10)
    assert stored[:3] == (1, "gBGGone", row["payload"])
    assert woken


async def test_only_the_owner_of_the_shard_takes_a_message(database: Database, serve) -> None:
    woken = []
    accept = await serve(database, woken.append)
    assert await accept(*rows("gBGGone", bucket=1)) == ["gBGGone"]
    assert woken == []
    assert await accept(*rows("gBGGtwo", bucket=1), *rows("gBGGthree")) == ["gBGGtwo"]
    assert set(await statuses(database)) == {"gBGGthree"}


async def test_the_same_message_twice_is_one(database: Database, serve) -> None:
    accept = await serve(database)
    first, second = rows("gBGGone")[0], {**rows("gBGGone")[0], "recipient": "0000"}
    await accept(first)
    await accept(second)
    async with database.begin() as connection:
        assert (await connection.execute(sa.select(outbox.message.c.recipient))).scalars().all() == ["49151"]


async def test_ids_that_differ_in_case_alone_are_two(database: Database, serve) -> None:
    accept = await serve(database)
    await accept(rows("gBGGone")[0])
    await accept(rows("gBGGONE")[0])
    assert set(await statuses(database)) == {"gBGGone", "gBGGONE"}


async def test_many_at_once_are_all_stored(database: Database, serve) -> None:
    accept = await serve(database)
    names = [f"gBGG{number}" for number in range(3 * intake.LARGEST_BATCH)]
    groups = [names[:1], names[1 : intake.LARGEST_BATCH], names[intake.LARGEST_BATCH :]]
    await asyncio.gather(*(accept(*rows(*group)) for group in groups))
    assert set(await statuses(database)) == set(names)


async def test_what_cannot_be_stored_is_refused(database: Database, serve, free_ports) -> None:
    (nobody,) = free_ports(1)
    away = Database(dataclasses.replace(database.config, port=nobody))
    accept = await serve(away)
    with pytest.raises(RpcError) as refusal:
        await accept(rows("gBGGone")[0])
    assert refusal.value.code == 1023
    await away.close()


@pytest.mark.parametrize("count", [1, 80])
async def test_the_largest_messages_fit_the_server_s_packet(database: Database, count: int) -> None:
    names = [f"gBGG{number}" for number in range(count)]
    takes = intake.Intake(database, lambda _shard: True, lambda _again: None)
    largest = rows(*names, text={"body": "\0" * (LARGEST_MESSAGE // 6)})
    await asyncio.gather(*(takes.accept(content(row)) for row in largest))
    assert set(await statuses(database)) == set(names)


async def test_a_group_is_one_statement(database: Database) -> None:
    async def inserts(connection) -> int:
        return int((await connection.execute(sa.text("SHOW SESSION STATUS LIKE 'Com_insert'"))).one()[1])

    group = [outbox.as_row(row) for row in rows(*(f"gBGG{number}" for number in range(100)))]
    async with database.begin() as connection:
        before = await inserts(connection)
        await outbox.store_messages(connection, group)
        await webhook_queue.store_webhooks(connection, 0, [{"number": number} for number in range(100)])
        assert await inserts(connection) - before == 2
        webhooks = await webhook_queue.due_webhooks(connection, EVERY_BUCKET, 100)
    assert [webhook.payload["number"] for webhook in webhooks] == list(range(100))


async def test_what_is_stored_when_the_shard_is_lost_already_is_refused_and_the_next_owner_looks_for_it(
    database: Database,
) -> None:
    answers, woken = iter([True, False, True, True]), []
    made = intake.Intake(database, lambda _bucket: next(answers), woken.append)
    (row,) = rows("gBGGone")
    assert await made.accept(content(row)) == {"refused": ["gBGGone"]}
    assert set(await statuses(database)) == {"gBGGone"}
    assert woken == []
    assert await made.accept(content(row, again=True)) == {"refused": []}
    assert woken == [True]
