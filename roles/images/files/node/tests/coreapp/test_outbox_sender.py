"""A connection between a real database and an upstream that the test controls."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable

import pytest
import sqlalchemy as sa
from messaging_support import DirectedSession, statuses, store, until, webhooks
from sqlalchemy.ext.asyncio import AsyncConnection
from waba_node.control.ownership import Grant
from waba_node.coreapp import event_receiver, outbox_sender
from waba_node.coreapp.connection import Connection, Environment
from waba_node.coreapp.status_events import expiry
from waba_node.coreapp.webhook_delivery import WebhookDelivery
from waba_node.settings import ApplicationSettings
from waba_node.store import contacts, inbox, outbox
from waba_node.store.engine import Database
from waba_node.upstream.base import UpstreamEvent, UpstreamSession
from waba_node.upstream.loopback import LoopbackSession

GRANT = Grant(0, 1, of=2)
Start = Callable[..., tuple[Connection, DirectedSession]]


@pytest.fixture
async def start(database: Database, tasks: asyncio.TaskGroup, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """A function that starts a connection for the shard and returns it with its session."""
    monkeypatch.setattr(outbox_sender, "POLL", 0.05)
    running: list[Connection] = []
    environment = Environment(database, ApplicationSettings, tasks)

    def begin(
        session: UpstreamSession | None = None, still_owner: Callable[[], bool] = lambda: True
    ) -> tuple[Connection, DirectedSession]:
        session = session or DirectedSession()
        connection = Connection(GRANT, session, environment, still_owner)
        connection.start()
        running.append(connection)
        return connection, session

    yield begin
    for connection in running:
        await connection.close(drain=False, timeout=5)


async def test_messages_are_sent_once_and_in_order(database: Database, start: Start) -> None:
    names = [f"m{number}" for number in range(2 * outbox_sender.BATCH + 1)]
    await store(database, *names)
    await store(database, "other", bucket=1)
    made, session = start()
    await until(lambda: len(session.sent) == len(names))
    await store(database, "last")
    made.sender.wake()
    await until(lambda: "last" in session.sent)
    assert session.sent == [*names, "last"]


async def test_a_connection_that_the_upstream_ends_is_ended(start: Start) -> None:
    made, session = start()
    assert not made.ended
    await session.disconnect()
    await until(lambda: made.ended)


async def test_next_owner_sends_unconfirmed_messages_again(database: Database, start: Start) -> None:
    await store(database, "m1", "m2", "m3")
    former, session = start()
    await until(lambda: len(session.sent) == 3)
    session.say("sent", "m1")
    await until(lambda: confirmed(database, {"m1"}))
    await former.close(drain=False, timeout=5)
    _rest, session = start()
    await until(lambda: len(session.sent) == 2)
    assert session.sent == ["m2", "m3"]


async def confirmed(database: Database, names: set[str]) -> bool:
    return {name for name, status in (await statuses(database)).items() if status != outbox.ACCEPTED} == names


async def wake_forever(made: Connection) -> None:
    """Wake the sender as often as under load, so that it never waits for a whole poll."""
    while True:
        made.sender.wake()
        await asyncio.sleep(outbox_sender.POLL / 10)


@pytest.mark.parametrize("under_load", [False, True])
async def test_a_message_stored_late_before_the_position_is_sent(
    database: Database, start: Start, under_load: bool
) -> None:
    # A former owner stored it while it lost the shard: its position is before those of later messages.
    await store(database, "m1", "late", "m3")
    async with database.begin() as connection:
        await connection.execute(sa.update(outbox.message).where(is_late).values(bucket=7))
    made, session = start()
    load = asyncio.create_task(wake_forever(made) if under_load else asyncio.sleep(0))
    await until(lambda: session.sent == ["m1", "m3"])
    async with database.begin() as connection:
        await connection.execute(sa.update(outbox.message).where(is_late).values(bucket=0))
    await until(lambda: session.sent == ["m1", "m3", "late"])
    load.cancel()


async def test_wake_with_rescan_finds_an_earlier_message_at_once(
    database: Database, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(database, "m1", "late", "m3")
    async with database.begin() as connection:
        await connection.execute(sa.update(outbox.message).where(is_late).values(bucket=7))
    made, session = start()
    await until(lambda: session.sent == ["m1", "m3"])
    monkeypatch.setattr(outbox_sender, "POLL", 60.0)
    await asyncio.sleep(0.1)  # the query in progress
    async with database.begin() as connection:
        await connection.execute(sa.update(outbox.message).where(is_late).values(bucket=0))
    await store(database, "m4")
    made.sender.wake(rescan=True)
    await until(lambda: session.sent == ["m1", "m3", "late", "m4"])


is_late = outbox.message.c.message_id == "late"


async def test_a_former_owner_sends_nothing(database: Database, start: Start) -> None:
    await store(database, "m1", "m2")
    allowed = [True, False]
    _rest, session = start(still_owner=lambda: allowed.pop(0) if len(allowed) > 1 else allowed[0])
    await asyncio.sleep(4 * outbox_sender.POLL)
    assert session.sent == []


async def test_a_status_and_its_webhook_are_stored_in_one_transaction(database: Database, start: Start) -> None:
    await store(database, "m1")
    _rest, session = start()
    session.say("sent", "m1")
    session.say("sent", "m1", "unknown")
    session.say("delivered", "m1")
    await until(lambda: has_status(database, "m1", "delivered"))
    stored = [webhook.payload for webhook in await webhooks(database)]
    assert len(stored) == 2
    assert '"sent"' in stored[0]
    assert '"delivered"' in stored[1]


async def test_delivered_does_not_overtake_a_sent_whose_store_failed(
    database: Database, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_receiver, "RETRY", 0.05)
    await store(database, "m1")
    made, session = start()
    failing = made.receiver.database = FailingDatabase(database, failures=3)
    session.say("sent", "m1")
    await until(lambda: failing.failures == 2)
    session.say("delivered", "m1")
    assert not await made.receiver.store([expiry("m1", 1)])  # as the sender does at the end of a ttl
    await until(lambda: has_status(database, "m1", "delivered"))
    assert await webhook_statuses(database) == ["sent", "delivered"]


async def test_a_ttl_that_ends_while_the_confirmation_is_stored_does_not_fail_the_message(
    database: Database, start: Start
) -> None:
    await store(database, "m1", ttl=60)
    made, session = start()
    await until(lambda: session.sent == ["m1"])
    session.say("sent", "m1")
    await until(lambda: has_status(database, "m1", "sent"))
    assert await made.sender.fail(["m1"])  # the query for ended ttls was before the confirmation
    assert await statuses(database) == {"m1": "sent"}
    assert await webhook_statuses(database) == ["sent"]


class FailingDatabase:
    """A database whose next transactions fail. failures: their number."""

    def __init__(self, database: Database, failures: int) -> None:
        self.database, self.failures = database, failures

    def begin(self) -> contextlib.AbstractAsyncContextManager[AsyncConnection]:
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away")
        return self.database.begin()


async def webhook_statuses(database: Database) -> list[str]:
    """Return the status of every stored webhook, in the order of their positions."""
    return [json.loads(webhook.payload)["statuses"][0]["status"] for webhook in await webhooks(database)]


async def has_status(database: Database, name: str, status: str) -> bool:
    return (await statuses(database)).get(name) == status


async def test_a_full_window_waits_for_confirmations(
    database: Database, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_sender, "WINDOW", 3)
    monkeypatch.setattr(outbox_sender, "BATCH", 3)
    await store(database, "m1", "m2", "m3", "m4")
    _rest, session = start()
    await until(lambda: len(session.sent) == 3)
    await asyncio.sleep(4 * outbox_sender.POLL)
    assert session.sent == ["m1", "m2", "m3"]
    session.say("sent", "m1", "m2")
    await until(lambda: session.sent == ["m1", "m2", "m3", "m4"])


async def test_a_drain_finishes_the_messages_in_progress_and_leaves_the_rest(database: Database, start: Start) -> None:
    sent: list[str] = []

    class Unhurried(LoopbackSession):
        async def send(self, message_id: str, payload: dict) -> None:
            sent.append(message_id)
            await asyncio.sleep(0.02)
            await super().send(message_id, payload)

    names = [f"m{number}" for number in range(50)]
    await store(database, *names)
    made, _rest = start(Unhurried())
    await until(lambda: len(sent) > 1)
    await made.close(drain=True, timeout=5)
    assert await statuses(database) == {name: "delivered" if name in sent else "accepted" for name in names}
    assert len(await webhooks(database)) == 2 * len(sent) < 2 * len(names)


async def test_a_message_after_its_ttl_fails_with_410_and_is_not_sent(database: Database, start: Start) -> None:
    await store(database, "late", ttl=60, biz_opaque_callback_data="order 7")
    await store(database, "early", ttl=3600)
    await store(database, "without")
    await age(database, 61)
    _rest, session = start()
    await until(lambda: has_status(database, "late", "failed"))
    await until(lambda: len(session.sent) == 2)
    assert session.sent == ["early", "without"]
    (webhook,) = await webhooks(database)
    (status,) = json.loads(webhook.payload)["statuses"]
    assert (status["id"], status["status"], status["errors"][0]["code"]) == ("late", "failed", 410)
    assert status["biz_opaque_callback_data"] == "order 7"


async def age(database: Database, seconds: int) -> None:
    """Make every message older."""
    earlier = sa.text(f"INTERVAL {seconds} SECOND")
    async with database.begin() as connection:
        await connection.execute(sa.update(outbox.message).values(accepted_at=outbox.message.c.accepted_at - earlier))
        expires_at = outbox.message_expiry.c.expires_at - earlier
        await connection.execute(sa.update(outbox.message_expiry).values(expires_at=expires_at))


async def test_a_ttl_ends_while_the_window_is_full(
    database: Database, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_sender, "WINDOW", 1)
    monkeypatch.setattr(outbox_sender, "BATCH", 1)
    await store(database, "stuck", "waiting", ttl=60)
    _rest, session = start()
    await until(lambda: session.sent == ["stuck"])
    await age(database, 61)
    await until(lambda: has_status(database, "waiting", "failed"))
    assert session.sent == ["stuck"]
    session.say("sent", "stuck")
    await until(lambda: has_status(database, "stuck", "sent"))


async def test_the_expiry_of_a_sent_message_is_deleted_after_its_ttl(database: Database, start: Start) -> None:
    await store(database, "m1", "m2", ttl=60)
    _rest, session = start()
    session.say("sent", "m1")
    await until(lambda: len(session.sent) == 2)
    await age(database, 61)
    await until(lambda: no_expiry(database))


async def no_expiry(database: Database) -> bool:
    async with database.begin() as connection:
        return (await connection.execute(sa.select(outbox.message_expiry))).all() == []


async def test_an_unconfirmed_message_expires_at_the_next_owner(database: Database, start: Start) -> None:
    await store(database, "m1", ttl=60)
    former, session = start()
    await until(lambda: session.sent == ["m1"])
    await age(database, 61)
    await until(lambda: no_expiry(database))
    await former.close(drain=False, timeout=5)
    _rest, session = start()
    await until(lambda: has_status(database, "m1", "failed"))
    assert session.sent == []


async def test_an_inbound_message_is_stored_with_its_sender_and_causes_one_webhook(
    database: Database, start: Start
) -> None:
    _rest, session = start()
    for name in ("ABGGone", "ABGGone", "ABGGtwo"):  # twice in one batch
        session.queue.put_nowait(inbound(name))
    await until(lambda: reported_ids(database, ["ABGGone", "ABGGtwo"]))
    for name in ("ABGGone", "ABGGthree"):  # and again in another
        session.queue.put_nowait(inbound(name))
    await until(lambda: reported_ids(database, ["ABGGone", "ABGGtwo", "ABGGthree"]))
    async with database.begin() as connection:
        assert await inbox.find_sender(connection, "ABGGone") == "49151"
        assert await inbox.find_sender(connection, "ABGGONE") is None


def inbound(name: str, **content: object) -> UpstreamEvent:
    message = {"from": "49151", "id": name, "type": "text", "text": {"body": "hi"}, **content}
    return UpstreamEvent(name, "inbound", 1, {"messages": [message]})


async def reported_ids(database: Database, expected: list[str]) -> bool:
    stored = [json.loads(webhook.payload) for webhook in await webhooks(database)]
    return [message["id"] for payload in stored for message in payload["messages"]] == expected


async def test_an_inbound_message_that_two_owners_store_causes_one_webhook(database: Database, start: Start) -> None:
    made, session = start()
    async with database.begin() as connection:
        await inbox.store_inbound(connection, {"ABGGone": "49151"})
        storing = asyncio.create_task(made.receiver.store([inbound("ABGGone")]))
        await until(lambda: waits_to_insert(database))
    assert not await storing  # the receiver stores it again, and then it is known
    session.queue.put_nowait(inbound("ABGGone"))
    session.queue.put_nowait(inbound("ABGGtwo"))
    await until(lambda: reported_ids(database, ["ABGGtwo"]))


async def waits_to_insert(database: Database) -> bool:
    query = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'INSERT INTO inbound_message%'"
    async with database.begin() as connection:
        return (await connection.execute(sa.text(query))).scalar_one() == 1


async def test_a_changed_identity_must_be_acknowledged_without_a_webhook(database: Database, start: Start) -> None:
    _rest, session = start()
    changed = {"type": "user_identity_changed", "identity": "aGFzaA==", "user": "49151"}
    session.queue.put_nowait(inbound("ABGGnotice", type="system", system=changed))
    session.queue.put_nowait(inbound("ABGGone"))
    await until(lambda: reported_ids(database, ["ABGGone"]))  # the settings suppress the notice
    async with database.begin() as connection:
        assert await contacts.requires_acknowledgement(connection, "49151")
        assert await contacts.acknowledge_identity(connection, "49151", "aGFzaA==")
        assert not await contacts.requires_acknowledgement(connection, "49151")
        assert not await contacts.requires_acknowledgement(connection, "49152")


async def test_a_drain_finishes_the_webhooks_in_progress(
    database: Database, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, finished = asyncio.Event(), []

    async def deliver(_self: WebhookDelivery) -> float:
        begun.set()
        await asyncio.sleep(0.2)
        finished.append(True)
        return 60.0

    monkeypatch.setattr(WebhookDelivery, "deliver_batch", deliver)
    made, _session = start()
    await begun.wait()
    await made.close(drain=True, timeout=5)
    assert finished


async def test_a_drain_waits_for_confirmations(database: Database, start: Start) -> None:
    await store(database, "m1")
    made, session = start()
    await until(lambda: session.sent == ["m1"])
    stopping = asyncio.create_task(made.close(drain=True, timeout=5))
    await asyncio.sleep(0.1)
    assert session.open
    session.say("sent", "m1")
    await stopping
    assert await statuses(database) == {"m1": "sent"}
    assert not session.open
