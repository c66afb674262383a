"""Ids from outside of any length and with any characters are stored exactly."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DataError
from waba_node.store import contacts, deliveries, inbox, outbox, webhook_queue
from waba_node.store.deliveries import Sent
from waba_node.store.engine import Database
from waba_node.store.keys import key_of

LONG = "wamid." + "x" * 300
# Ids that a column would truncate, or a comparison would take for each other.
STRANGE = [
    LONG,
    LONG + "y",
    "wamid.A",
    "wamid.A ",
    "wamid.a",
    "",
    " ",
    "wamid.\x00",
    "wamid.é",
    "wamid.e",
    "~" + "0" * 64,
]


@pytest.mark.parametrize("longest", [32, 64, 255])
def test_keys_of_different_ids_differ_and_fit(longest: int) -> None:
    keys = [key_of(name, longest) for name in STRANGE]
    assert len(set(keys)) == len(STRANGE)
    assert all(0 < len(key) <= longest for key in keys)
    assert key_of("wamid.A", longest) == "wamid.A"


async def test_received_messages_are_new_once(database: Database) -> None:
    senders = dict.fromkeys(STRANGE, "49151")
    for expected in (set(STRANGE), set()):
        async with database.begin() as connection:
            assert await inbox.store_inbound(connection, senders) == expected
    async with database.begin() as connection:
        for name in STRANGE:
            assert await inbox.find_sender(connection, name) == "49151"
            await inbox.record_read(connection, name)
        assert await inbox.find_sender(connection, LONG + "z") is None


async def test_a_long_id_of_the_upstream_leads_to_its_message(database: Database) -> None:
    async with database.begin() as connection:
        row = {"message_id": "m1", "bucket": 3, "recipient": "49151", "payload": {}}
        await outbox.store_messages(connection, [outbox.as_row(row)])
        await deliveries.record_sent(connection, {LONG: Sent("m1", 3)})
        assert await deliveries.find_messages(connection, [LONG, LONG + "y"]) == {LONG: Sent("m1", 3)}
        assert await deliveries.find_upstream_id(connection, "m1") is None, "the whole id is not known"
        assert await deliveries.record_failed(connection, {LONG: Sent("m1", 3)}) == {"m1"}


async def test_the_deletion_of_a_message_with_a_long_id_is_delivered(database: Database) -> None:
    status = {"id": LONG, "recipient_id": "49151", "status": "deleted", "timestamp": "1"}
    async with database.begin() as connection:
        await webhook_queue.store_webhooks(connection, 0, [{"statuses": [status]}, {"messages": []}])
        first, second = await webhook_queue.read_due_webhooks(connection, range(32), 10)
        assert first.payload == {"statuses": [status]}
        assert second.message_id is None


async def test_a_long_identity_is_acknowledged_by_either_form(database: Database) -> None:
    identity = "h" * 100
    async with database.begin() as connection:
        observed = await contacts.observe_identity(connection, "49151", identity)
        assert await contacts.observe_identity(connection, "49151", identity) == observed, "it has not changed"
        assert await contacts.acknowledge_identity(connection, "49151", identity)
        assert await contacts.acknowledge_identity(connection, "49151", observed.hash)
        assert not await contacts.acknowledge_identity(connection, "49151", "h" * 99)


async def test_a_value_that_a_column_cannot_hold_is_refused(database: Database) -> None:
    with pytest.raises(DataError):
        async with database.begin() as connection:
            await connection.execute(
                sa.insert(inbox.inbound_message), {"message_id": "m1", "sender": "4" * 33, "received_at": sa.func.now()}
            )
