"""A coreapp accepts messages over a real socket, into a real database."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import sqlalchemy as sa
from asyncmy.errors import OperationalError as DriverError
from messaging_support import rows, statuses, trusted
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from waba_node.address import NodeAddress, PortName
from waba_node.coreapp import intake
from waba_node.rpc import RpcClient, RpcError, RpcServer
from waba_node.store import outbox, webhook_queue
from waba_node.store.buckets import EVERY_BUCKET
from waba_node.store.engine import Database
from waba_node.store.second_member import SecondMember
from waba_node.webapp.message import LARGEST_MESSAGE

Call = Callable[..., Awaitable[list[str]]]  # sends rows to a coreapp, returns the ids that it refused
Serve = Callable[..., Awaitable[Call]]  # starts a coreapp's intake on a database
OWNED = 0


def content(*messages: dict, again: bool = False) -> dict:
    """Return the payload of a webapp's call."""
    return {"messages": [{**outbox.as_row(message), "again": again} for message in messages]}


@pytest.fixture
async def serve(
    free_ports: Callable[[int], tuple[int, ...]],
) -> AsyncIterator[Serve]:
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


async def test_a_message_is_stored_before_the_answer(database: Database, serve: Serve) -> None:
    woken = []
    accept = await serve(database, woken.append)
    (row,) = rows("gBGGone")
    assert await accept(row) == []
    async with database.begin() as connection:
        (stored,) = await outbox.read_unsent_messages(connection, EVERY_BUCKET, 0, 10)
    assert stored[:3] == (1, "gBGGone", row["payload"])
    assert woken


async def test_only_the_owner_of_the_shard_accepts_a_message(database: Database, serve: Serve) -> None:
    woken = []
    accept = await serve(database, woken.append)
    assert await accept(*rows("gBGGone", bucket=1)) == ["gBGGone"]
    assert woken == []
    assert await accept(*rows("gBGGtwo", bucket=1), *rows("gBGGthree")) == ["gBGGtwo"]
    assert set(await statuses(database)) == {"gBGGthree"}


async def test_a_repeated_message_is_stored_once(database: Database, serve: Serve) -> None:
    accept = await serve(database)
    first, second = rows("gBGGone")[0], {**rows("gBGGone")[0], "recipient": "0000"}
    await accept(first)
    await accept(second)
    async with database.begin() as connection:
        assert (await connection.execute(sa.select(outbox.message.c.recipient))).scalars().all() == ["49151"]


async def test_ids_are_case_sensitive(database: Database, serve: Serve) -> None:
    accept = await serve(database)
    await accept(rows("gBGGone")[0])
    await accept(rows("gBGGONE")[0])
    assert set(await statuses(database)) == {"gBGGone", "gBGGONE"}


async def test_concurrent_messages_are_all_stored(database: Database, serve: Serve) -> None:
    accept = await serve(database)
    names = [f"gBGG{number}" for number in range(3 * intake.LARGEST_BATCH)]
    calls = [names[:1], names[1 : intake.LARGEST_BATCH], names[intake.LARGEST_BATCH :]]
    await asyncio.gather(*(accept(*rows(*call)) for call in calls))
    assert set(await statuses(database)) == set(names)


class FailingDatabase(Database):
    """A database whose first transactions fail with an error code, before or after their commit."""

    def __init__(self, database: Database, code: int, failures: int, after_commit: bool) -> None:
        super().__init__(database.config)
        self.code, self.failures, self.after_commit = code, failures, after_commit

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        self.failures -= 1
        error = OperationalError("COMMIT", None, DriverError(self.code, "injected"))
        if self.failures >= 0 and not self.after_commit:
            raise error
        async with super().begin() as connection:
            yield connection
        if self.failures >= 0:
            raise error


@pytest.mark.parametrize("code", [1047, 1180, 1213, 1290, 2006, 2013])
@pytest.mark.parametrize("after_commit", [False, True])
async def test_a_transaction_that_a_failover_interrupts_is_repeated(
    database: Database, code: int, after_commit: bool
) -> None:
    """Its outcome is unknown; the sender searches for the message from the oldest, and the message is stored once."""
    failing, notified = FailingDatabase(database, code, 2, after_commit), []
    made = intake.Intake(failing, lambda _bucket: True, notified.append)
    first, second = rows("gBGGone", "gBGGtwo")
    answers = await asyncio.gather(made.accept(content(first)), made.accept(content(second)))
    assert answers == [{"refused": []}, {"refused": []}]
    assert notified == [True, True]
    assert await statuses(database) == {"gBGGone": "accepted", "gBGGtwo": "accepted"}
    await failing.close()


async def test_messages_keep_their_order_when_their_transaction_is_repeated(database: Database) -> None:
    failing = FailingDatabase(database, 1213, 1, after_commit=False)
    made = intake.Intake(failing, lambda _bucket: True, lambda _again: None)
    first = asyncio.create_task(made.accept(content(*rows("gBGGone"))))
    await asyncio.sleep(0.05)  # its first attempt has failed
    await asyncio.gather(first, made.accept(content(*rows("gBGGtwo"))))
    async with database.begin() as connection:
        unsent = await outbox.read_unsent_messages(connection, EVERY_BUCKET, 0, 10)
    assert [message.message_id for message in unsent] == ["gBGGone", "gBGGtwo"]
    await failing.close()


async def test_an_error_that_repetition_cannot_remove_refuses_at_once(database: Database) -> None:
    failing = FailingDatabase(database, 1406, 1, after_commit=False)
    made = intake.Intake(failing, lambda _bucket: True, lambda _again: None)
    with pytest.raises(RpcError) as refusal:
        async with asyncio.timeout(1):
            await made.accept(content(*rows("gBGGone")))
    assert refusal.value.code == 1023
    await failing.close()


async def test_a_message_that_cannot_be_stored_is_refused_with_1023(
    database: Database, serve: Serve, free_ports: Callable[[int], tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "FAILOVER_PATIENCE", 0.5)
    (unused_port,) = free_ports(1)
    away = Database(dataclasses.replace(database.config, port=unused_port))
    accept = await serve(away)
    with pytest.raises(RpcError) as refusal:
        await accept(rows("gBGGone")[0])
    assert refusal.value.code == 1023
    await away.close()


@pytest.mark.parametrize("count", [1, 80])
async def test_the_largest_messages_fit_into_the_servers_packet(
    database: Database, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ATTEMPT", 30.0)  # a busy machine takes long for so much
    monkeypatch.setattr(intake, "FAILOVER_PATIENCE", 60.0)
    names = [f"gBGG{number}" for number in range(count)]
    accepting = intake.Intake(database, lambda _shard: True, lambda _again: None)
    largest = rows(*names, text={"body": "\0" * (LARGEST_MESSAGE // 6)})
    await asyncio.gather(*(accepting.accept(content(row)) for row in largest))
    assert set(await statuses(database)) == set(names)


async def test_a_batch_is_one_statement(database: Database) -> None:
    async def inserts(connection: AsyncConnection) -> int:
        return int((await connection.execute(sa.text("SHOW SESSION STATUS LIKE 'Com_insert'"))).one()[1])

    batch = [outbox.as_row(row) for row in rows(*(f"gBGG{number}" for number in range(100)))]
    async with database.begin() as connection:
        before = await inserts(connection)
        await outbox.store_messages(connection, batch)
        await webhook_queue.store_webhooks(connection, 0, [{"number": number} for number in range(100)])
        assert await inserts(connection) - before == 2
        webhooks = await webhook_queue.read_due_webhooks(connection, EVERY_BUCKET, 100)
    assert [webhook.payload["number"] for webhook in webhooks] == list(range(100))


async def test_a_message_stored_after_the_shard_was_lost_is_refused_and_the_next_owner_rescans(
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


class SlowMember(SecondMember):
    """A second member of the database that applies what was committed when the test lets it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.config)
        self.applied, self.failure = asyncio.Event(), None

    async def confirm(self, _writer: Database, _until: float) -> bool:
        await self.applied.wait()
        if self.failure is not None:
            raise self.failure
        return True


async def test_a_message_is_accepted_when_a_second_member_has_applied_it(database: Database) -> None:
    second = SlowMember(database)
    made = intake.Intake(database, lambda _bucket: True, lambda _again: None, second)
    first = asyncio.create_task(made.accept(content(*rows("gBGGone"))))
    while "gBGGone" not in await statuses(database):
        await asyncio.sleep(0.01)
    other = asyncio.create_task(made.accept(content(*rows("gBGGtwo"))))
    while "gBGGtwo" not in await statuses(database):
        await asyncio.sleep(0.01)
    assert not first.done()
    assert not other.done()
    second.applied.set()
    assert await asyncio.gather(first, other) == [{"refused": []}, {"refused": []}]


async def test_a_message_that_a_second_member_does_not_apply_in_time_is_refused_with_1023(database: Database) -> None:
    second = SlowMember(database)
    second.failure = TimeoutError()
    second.applied.set()
    made = intake.Intake(database, lambda _bucket: True, lambda _again: None, second)
    with pytest.raises(RpcError) as refusal:
        await made.accept(content(*rows("gBGGone")))
    assert refusal.value.code == 1023
