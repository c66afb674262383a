"""Webhooks, from a real database to a real HTTPS receiver with a certificate of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messaging_support import webhooks
from waba_node.control.ownership import Grant
from waba_node.coreapp.webhook_delivery import WebhookDelivery, backoff
from waba_node.settings import ApplicationSettings
from waba_node.store import webhook_queue
from waba_node.store.engine import Database
from waba_node.store.metadata import NOW

if TYPE_CHECKING:
    from tests.conftest import Receiver

GRANT = Grant(0, 1, of=2)
seconds = st.floats(0.001, 1e5)


@given(st.integers(1, 10_000), seconds, seconds)
def test_the_backoff_grows_by_one_step_per_failure_up_to_the_longest(
    attempts: int, step: float, longest: float
) -> None:
    pause, following = backoff(attempts, step, longest), backoff(attempts + 1, step, longest)
    assert pause <= longest
    assert following == longest or following - pause == pytest.approx(step)
    assert pause in (longest, attempts * step)


@pytest.fixture
async def deliveries(database: Database) -> AsyncIterator[WebhookDelivery]:
    made = WebhookDelivery(database, ApplicationSettings, GRANT)
    yield made
    await made.close()


def point(deliveries: WebhookDelivery, url: str, **settings: object) -> None:
    whole = msgspec.convert({"webhooks": {"url": url}, **settings}, ApplicationSettings)
    deliveries.settings = lambda: whole


async def store(database: Database, *numbers: int) -> None:
    async with database.begin() as connection:
        await webhook_queue.store_webhooks(connection, 0, [{"number": number} for number in numbers])


async def test_delivered_webhooks_are_deleted(
    database: Database, deliveries: WebhookDelivery, receiver: Receiver
) -> None:
    point(deliveries, receiver.url)
    await store(database, *range(10))
    while await webhooks(database):
        await deliveries.deliver_batch()
    assert sorted(hook["number"] for hook in receiver.received) == list(range(10))


async def test_webhooks_are_delivered_in_the_order_of_their_creation(
    database: Database, deliveries: WebhookDelivery, receiver: Receiver
) -> None:
    point(deliveries, receiver.url)
    await store(database, *range(5))
    await store(database, *range(5, 12))
    await deliveries.deliver_batch()
    assert sorted(hook["number"] for hook in receiver.received) == list(range(6))


@pytest.mark.parametrize("status", [500, 201, 302])
async def test_any_status_but_200_is_retried_after_the_backoff(
    database: Database, deliveries: WebhookDelivery, receiver: Receiver, status: int
) -> None:
    point(deliveries, receiver.url, callback_backoff_delay_ms=60_000, max_callback_backoff_delay_ms=90_000)
    receiver.answers = [status]
    await store(database, 1)
    for attempt, expected in ((1, 60), (2, 90), (3, 90)):
        await make_due(database)
        await deliveries.deliver_batch()
        (webhook,) = await webhooks(database)
        assert webhook.attempts == attempt
        assert expected - 30 < webhook.due_in / 1e6 <= expected
    receiver.answers = [200]
    await make_due(database)
    await deliveries.deliver_batch()
    assert await webhooks(database) == []
    assert [hook["number"] for hook in receiver.received] == [1, 1, 1, 1]


async def make_due(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(webhook_queue.webhook.update().values(due_at=NOW))


async def test_a_webhook_for_an_unreachable_receiver_is_delivered_later(
    database: Database, deliveries: WebhookDelivery, receiver: Receiver, free_ports: Callable[[int], tuple[int, ...]]
) -> None:
    (unused_port,) = free_ports(1)
    point(deliveries, f"https://127.0.0.1:{unused_port}/", callback_backoff_delay_ms=1)
    await store(database, 1)
    await deliveries.deliver_batch()
    assert [webhook.attempts for webhook in await webhooks(database)] == [1]
    point(deliveries, receiver.url)
    while await webhooks(database):
        await deliveries.deliver_batch()
    assert receiver.received == [{"number": 1}]


async def test_a_failed_webhook_does_not_delay_others(
    database: Database, deliveries: WebhookDelivery, receiver: Receiver
) -> None:
    point(deliveries, receiver.url, callback_backoff_delay_ms=60_000)
    receiver.answers = [500, 200]
    await store(database, 1)
    await deliveries.deliver_batch()
    await store(database, 2)
    await deliveries.deliver_batch()
    assert receiver.received == [{"number": 1}, {"number": 2}]


async def test_webhooks_without_a_receiver_stay_stored(
    database: Database, deliveries: WebhookDelivery, receiver: Receiver
) -> None:
    await store(database, 1)
    await deliveries.deliver_batch()
    assert len(await webhooks(database)) == 1
    point(deliveries, receiver.url)
    await deliveries.deliver_batch()
    assert receiver.received == [{"number": 1}]


def status(name: str, kind: str) -> dict:
    return {"statuses": [{"id": name, "status": kind}]}


async def test_statuses_of_one_message_are_delivered_in_their_order(
    database: Database, deliveries: WebhookDelivery, receiver: Receiver
) -> None:
    point(deliveries, receiver.url)
    await store_statuses(database, *((name, kind) for name in "abc" for kind in ("sent", "delivered", "read")))
    while await webhooks(database):
        await deliveries.deliver_batch()
    for name in "abc":
        assert [kind for other, kind in receiver.statuses() if other == name] == ["sent", "delivered", "read"]


async def test_later_status_waits_while_an_earlier_one_is_not_delivered(
    database: Database, deliveries: WebhookDelivery, receiver: Receiver
) -> None:
    point(deliveries, receiver.url, callback_backoff_delay_ms=60_000)
    receiver.answers = [500, 200]
    await store_statuses(database, ("a", "sent"), ("a", "delivered"))
    await deliveries.deliver_batch()
    await store_statuses(database, ("a", "read"), ("b", "sent"))  # stored after the failure
    await deliver_all_due(deliveries)
    assert receiver.statuses() == [("a", "sent"), ("b", "sent")]
    assert [webhook.attempts for webhook in await webhooks(database)] == [1, 0, 0]
    for _rest in range(3):
        await make_due(database)
        await deliveries.deliver_batch()
    assert receiver.statuses()[2:] == [("a", "sent"), ("a", "delivered"), ("a", "read")]
    assert await webhooks(database) == []


async def test_later_status_waits_at_the_end_of_a_batch(
    database: Database, deliveries: WebhookDelivery, receiver: Receiver
) -> None:
    point(deliveries, receiver.url, callback_backoff_delay_ms=60_000)
    receiver.answers = [500]
    others = [(f"other{number}", "sent") for number in range(deliveries.concurrency - 1)]
    await store_statuses(database, *others, ("a", "sent"), ("a", "delivered"))
    await deliver_all_due(deliveries)
    assert ("a", "sent") in receiver.statuses()
    assert ("a", "delivered") not in receiver.statuses()


async def store_statuses(database: Database, *reported: tuple[str, str]) -> None:
    async with database.begin() as connection:
        await webhook_queue.store_webhooks(connection, 0, [status(*one) for one in reported])


async def deliver_all_due(deliveries: WebhookDelivery) -> None:
    while await deliveries.deliver_batch() == 0:
        pass
