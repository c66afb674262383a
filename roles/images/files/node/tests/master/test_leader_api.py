from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from waba_node.master.leader_api import LeaderApi
from waba_node.store import documents
from waba_node.store.engine import Database
from waba_node.upstream.account import Registration
from waba_node.upstream.loopback import CODE, Loopback


async def test_a_registration_is_broadcast_after_it_was_stored(database: Database) -> None:
    broadcasts: list[dict] = []

    async def broadcast() -> None:
        async with database.begin() as connection:
            broadcasts.append(await documents.read_document(connection, documents.ACCOUNT))

    leader_api = LeaderApi(SimpleNamespace(database=database, upstream=Loopback(), broadcast_settings=broadcast))
    number = {"cc": "49", "phone_number": "15112345678"}
    await leader_api.register_account({**number, "method": "sms"})
    assert broadcasts == []
    await leader_api.verify_account({"code": CODE})
    assert broadcasts == [{"registered": number}]


async def test_no_transaction_is_open_while_the_upstream_is_called(database: Database) -> None:
    """An upstream that takes long would hold locks, and a failover would undo what was recorded about a call that was made."""
    checked: list[str] = []

    class CheckingUpstream(Loopback):
        async def register(self, cc: str, phone_number: str, method: str, pin: str | None) -> Registration:
            await self.check("register")
            return await super().register(cc, phone_number, method, pin)

        async def verify(self, code: str) -> None:
            await self.check("verify")
            await super().verify(code)

        async def check(self, call: str) -> None:
            assert database.engine.pool.checkedout() == 0
            checked.append(call)

    async def broadcast() -> None:
        pass

    api = LeaderApi(SimpleNamespace(database=database, upstream=CheckingUpstream(), broadcast_settings=broadcast))
    await api.register_account({"cc": "49", "phone_number": "15112345678", "method": "sms"})
    await api.verify_account({"code": CODE})
    assert checked == ["register", "verify"]


async def test_upstream_with_an_account_decides_itself_whether_a_number_is_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The database may have a registration of another upstream, and a PIN."""
    number = {"cc": "49", "phone_number": "15112345678"}
    stored = {documents.ACCOUNT: {"registered": number}, documents.TWO_STEP: {"pin": "a hash"}}
    calls: list[tuple[object, ...]] = []

    async def read(_connection: object, name: str) -> dict:
        return stored[name]

    class Upstream(Loopback):
        account = object()

        async def register(self, *given: object) -> Registration:
            calls.append(given)
            return Registration(registered=True, name="Shop")

    class NoDatabase:
        @contextlib.asynccontextmanager
        async def begin(self) -> AsyncIterator[None]:
            yield

        async def run(self, _transaction: object, _patience: float = 0.0) -> None:
            calls.append(("stored",))

    async def broadcast() -> None:
        calls.append(("broadcast",))

    monkeypatch.setattr(documents, "read_document", read)
    api = LeaderApi(SimpleNamespace(database=NoDatabase(), upstream=Upstream(), broadcast_settings=broadcast))
    answer = await api.register_account({**number, "method": "sms", "pin": "123456"})
    assert answer == {"registered": True, "name": "Shop"}
    assert calls == [("49", "15112345678", "sms", "123456"), ("stored",), ("broadcast",)]


async def test_group_of_database_members_is_reported_where_there_is_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = SimpleNamespace(database=database, upstream=None, config=SimpleNamespace(node_id="host:master"))
    api = LeaderApi(master)
    single = (await api.tables({}))["db"]
    assert set(single) == {"db_table_rows", "db_table_bytes"}

    async def read_group_status(_connection: object) -> dict[str, int]:
        return {"members": 3, "receive_queue": 0}

    monkeypatch.setattr("waba_node.store.metadata.read_group_status", read_group_status)
    group = (await api.tables({}))["db"]
    assert group["db_members"]["data"] == [{"labels": {}, "value": 3}]
    assert group["db_receive_queue"]["data"] == [{"labels": {}, "value": 0}]
