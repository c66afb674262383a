"""A coreapp checks contacts over a real socket and a real database, with an upstream that the test controls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import sqlalchemy as sa
from messaging_support import DirectedSession, trusted, until
from waba_node.address import NodeAddress, PortName
from waba_node.coreapp import contact_checks as service
from waba_node.coreapp.intake import not_primary
from waba_node.rpc import RpcClient, RpcError, RpcServer
from waba_node.store import contacts
from waba_node.store.engine import Database

Call = Callable[..., Awaitable[dict]]


@pytest.fixture
def session() -> DirectedSession:
    return DirectedSession()


@pytest.fixture
async def call(
    database: Database, session: DirectedSession, free_ports: Callable[[int], tuple[int, ...]]
) -> AsyncIterator[Call]:
    """A webapp's call to a coreapp that is connected for bucket 0."""

    def connection(bucket: int) -> DirectedSession:
        if bucket != 0:
            raise not_primary(bucket)
        return session

    ports = free_ports(4)
    server, client = RpcServer(ports, trusted("127.0.0.1:x")), RpcClient(trusted("127.0.0.1:webapp"))
    service.register(server, database, connection)
    await server.start()
    address = NodeAddress("127.0.0.1:x", "coreapp", "127.0.0.1", ports)

    async def ask(method: str, **payload: object) -> dict:
        return await client.call(address, PortName.CONTACTS, method, {"bucket": 0, **payload}, 10)

    yield ask
    await client.close()
    await server.stop()


async def cached(database: Database, *numbers: str) -> dict[str, str | None]:
    async with database.begin() as connection:
        return await contacts.read_checked_numbers(connection, numbers)


async def test_a_waiting_caller_gets_the_upstreams_answer_and_it_is_stored(database: Database, call: Call) -> None:
    found = {"49151": "49151", "15551": None}
    assert await call("contacts.check", numbers=["49151", "15551"], wait=True) == {"wa_ids": found}
    assert await cached(database, "49151", "15551", "33333") == found


async def test_the_result_of_a_check_without_wait_is_stored_later(
    database: Database, call: Call, session: DirectedSession
) -> None:
    session.may_answer.clear()
    assert await call("contacts.check", numbers=["49151"], wait=False) == {"wa_ids": {}}
    assert await cached(database, "49151") == {}
    session.may_answer.set()

    async def stored() -> bool:
        return await cached(database, "49151") == {"49151": "49151"}

    await until(stored)


async def test_checks_without_wait_are_limited(
    call: Call, session: DirectedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_CHECKS", 2)
    session.may_answer.clear()
    for _rest in range(2):
        await call("contacts.check", numbers=["49151"], wait=False)
    with pytest.raises(RpcError, match="1015"):
        await call("contacts.check", numbers=["49151"], wait=False)
    session.may_answer.set()


@pytest.mark.parametrize(("bucket", "code"), [(1, 1018), (0, 1014)])
async def test_a_check_without_a_connection_is_refused(
    call: Call, session: DirectedSession, bucket: int, code: int
) -> None:
    await session.disconnect()
    with pytest.raises(RpcError, match=str(code)):
        await call("contacts.check", bucket=bucket, numbers=["49151"], wait=True)


async def test_a_result_is_stored_for_seven_days(database: Database, call: Call) -> None:
    await call("contacts.check", numbers=["49151", "49152"], wait=True)
    for number, age in (("49151", "7 DAY"), ("49152", "167 HOUR")):
        earlier = contacts.contact.c.checked_at - sa.text(f"INTERVAL {age}")
        async with database.begin() as connection:
            await connection.execute(
                sa.update(contacts.contact).where(contacts.contact.c.number == number).values(checked_at=earlier)
            )
    assert await cached(database, "49151", "49152") == {"49152": "49152"}
    await call("contacts.check", numbers=["49153"], wait=True)
    async with database.begin() as connection:
        numbers = (await connection.execute(sa.select(contacts.contact.c.number))).scalars().all()
    assert numbers == ["49152", "49153"], "outdated results are deleted"


async def test_concurrent_checks_of_the_same_numbers_succeed(database: Database, call: Call) -> None:
    numbers = [str(49000 + number) for number in range(50)]
    await asyncio.gather(
        *(call("contacts.check", numbers=numbers[shift:] + numbers[:shift], wait=True) for shift in range(10))
    )
    assert len(await cached(database, *numbers)) == 50


async def test_a_changed_identity_must_be_acknowledged(
    database: Database, call: Call, session: DirectedSession
) -> None:
    with pytest.raises(RpcError, match="1006"):
        await call("contacts.identity", wa_id="49151")
    session.identities["49151"] = "first"
    first = await call("contacts.identity", wa_id="49151")
    assert (first["hash"], first["acknowledged"]) == ("first", True)
    session.identities["49151"] = "second"
    second = await call("contacts.identity", wa_id="49151")
    assert (second["hash"], second["acknowledged"]) == ("second", False)
    assert second["created_timestamp"] > first["created_timestamp"] > 1.6e12
    assert await call("contacts.identity", wa_id="49151") == second
    async with database.begin() as connection:
        assert await contacts.acknowledge_identity(connection, "49151", "first") is False
        assert await contacts.acknowledge_identity(connection, "49152", "second") is None
        assert await contacts.acknowledge_identity(connection, "49151", "second") is True
    assert await call("contacts.identity", wa_id="49151") == {**second, "acknowledged": True}
