from __future__ import annotations

from types import SimpleNamespace

from waba_node.master.leader_api import LeaderApi
from waba_node.store import documents
from waba_node.store.engine import Database
from waba_node.upstream.loopback import CODE, Loopback


async def test_every_node_hears_at_once_that_the_number_is_registered(database: Database) -> None:
    heard: list[dict] = []

    async def broadcast() -> None:
        async with database.begin() as connection:
            heard.append(await documents.read_document(connection, documents.ACCOUNT))

    registrar = LeaderApi(SimpleNamespace(database=database, upstream=Loopback(), broadcast_settings=broadcast))
    number = {"cc": "49", "phone_number": "15112345678"}
    await registrar.register_account({**number, "method": "sms"})
    assert heard == []
    await registrar.verify_account({"code": CODE})
    assert heard == [{"registered": number}]
