"""The length and the age of the queues are read at bounded cost."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa
from waba_node.store import backlog, deliveries, outbox, updates, webhook_queue
from waba_node.store.backlog import Backlog, event_time
from waba_node.store.engine import Database
from waba_node.store.updates import ReceivedUpdate


async def read(database: Database) -> dict[str, Backlog]:
    async with database.begin() as connection:
        return await backlog.read_backlogs(connection)


async def store_messages(database: Database, *names: str) -> None:
    rows = [{"message_id": name, "bucket": 3, "recipient": "49151", "payload": {}} for name in names]
    async with database.begin() as connection:
        await outbox.store_messages(connection, list(map(outbox.as_row, rows)))


async def test_empty_queues_have_no_age(database: Database) -> None:
    empty = Backlog(0, False, None)
    assert await read(database) == dict.fromkeys(("outbox", "uncertain", "webhooks", "updates", "set_aside"), empty)


async def test_outbox_has_the_accepted_messages_and_the_age_of_the_oldest(database: Database) -> None:
    await store_messages(database, "m1", "m2", "m3")
    async with database.begin() as connection:
        await outbox.record_statuses(connection, {"m1": "delivered"})
        old = sa.text("UPDATE message SET accepted_at = accepted_at - INTERVAL 1 HOUR WHERE message_id IN ('m1', 'm2')")
        await connection.execute(old)
    waiting = (await read(database))["outbox"]
    assert (waiting.waiting, waiting.more) == (2, False)
    assert waiting.oldest == pytest.approx(3600, abs=60)


async def test_uncertain_messages_are_those_whose_outcome_is_not_known(database: Database) -> None:
    await store_messages(database, "m1", "m2")
    async with database.begin() as connection:
        await deliveries.claim(connection, 1, {"m1": 3, "m2": 3})
        await deliveries.mark_uncertain(connection, 1, ["m2"])
    waiting = await read(database)
    assert waiting["uncertain"].waiting == 1
    assert waiting["uncertain"].oldest is not None
    assert waiting["outbox"].waiting == 0


async def test_webhooks_have_the_age_of_the_oldest_event(database: Database) -> None:
    payloads = [{"statuses": [{"id": "m1", "timestamp": str(int(time.time()) - age)}]} for age in (600, 5)]
    async with database.begin() as connection:
        await webhook_queue.store_webhooks(connection, 0, payloads)
    waiting = (await read(database))["webhooks"]
    assert waiting.waiting == 2
    assert waiting.oldest == pytest.approx(600, abs=60)


async def test_updates_that_were_set_aside_are_counted_apart(database: Database) -> None:
    rows = [ReceivedUpdate(0, "message", f"k{number}", "{}") for number in range(3)]
    async with database.begin() as connection:
        await updates.store_updates(connection, rows)
        first = (await updates.read_due_updates(connection, range(32), 1))[0]
        await updates.set_update_aside(connection, first.position, "no message")
    waiting = await read(database)
    assert (waiting["updates"].waiting, waiting["set_aside"].waiting) == (2, 1)
    assert waiting["updates"].oldest is not None


async def test_long_queue_is_counted_up_to_the_limit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "COUNTED", 2)
    await store_messages(database, "m1", "m2", "m3", "m4")
    rows = [ReceivedUpdate(0, "message", f"k{number}", "{}") for number in range(2)]
    async with database.begin() as connection:
        await updates.store_updates(connection, rows)
    waiting = await read(database)
    assert waiting["outbox"][:2] == (2, True)
    assert waiting["updates"][:2] == (2, False)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"statuses": [{"timestamp": "1518694235"}]}, 1518694235.0),
        ({"messages": [{"timestamp": 1518694235}]}, 1518694235.0),
        ({"contacts": [], "messages": []}, None),
        ({"statuses": [{"timestamp": "yesterday"}]}, None),
        ({"statuses": {"timestamp": "1"}}, None),
        ({"errors": [{"code": 1}]}, None),
    ],
)
def test_time_of_an_event_is_read_where_the_webhook_has_one(payload: dict, expected: float | None) -> None:
    assert event_time(payload) == expected
