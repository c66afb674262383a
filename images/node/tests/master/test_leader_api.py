from __future__ import annotations

from types import SimpleNamespace

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
