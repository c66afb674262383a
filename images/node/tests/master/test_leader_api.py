from __future__ import annotations

from types import SimpleNamespace

from waba_node.master.leader_api import LeaderApi
from waba_node.store import documents
from waba_node.store.engine import Database
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
