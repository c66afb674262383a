"""The pump between a real database and an upstream that the test directs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import sqlalchemy as sa
from messaging_support import DirectedSession, statuses, store, until, webhooks
from waba_node.api.settings import ApplicationSettings
from waba_node.messaging import pump
from waba_node.messaging.pump import Pump
from waba_node.store import outbox
from waba_node.store.engine import Database
from waba_node.upstream.loopback import LoopbackSession

SHARD = 0
Start = Callable[..., tuple[Pump, DirectedSession]]


@pytest.fixture
async def start(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """A function that connects a pump for the shard and returns it with its session."""
    monkeypatch.setattr(pump, "POLL", 0.05)
    running: list[Pump] = []

    def begin(session=None, still_owner: Callable[[], bool] = lambda: True) -> tuple[Pump, DirectedSession]:
        made, session = Pump(database, ApplicationSettings), session or DirectedSession()
        made.start(session, SHARD, still_owner)
        running.append(made)
        return made, session

    yield begin
    for made in running:
        await made.stop(drain=False)


async def test_messages_go_out_in_order_and_each_once(database: Database, start: Start) -> None:
    names = [f"m{number}" for number in range(2 * pump.GROUP + 1)]
    await store(database, *names)
    await store(database, "other", shard=1)
    made, session = start()
    await until(lambda: len(session.sent) == len(names))
    await store(database, "last")
    made.wake()
    await until(lambda: "last" in session.sent)
    assert session.sent == [*names, "last"]


async def test_an_upstream_that_hangs_up_is_noticed(start: Start) -> None:
    made, session = start()
    assert not made.ended()
    await session.disconnect()
    await until(made.ended)


async def test_the_next_owner_sends_what_the_upstream_has_not_confirmed(database: Database, start: Start) -> None:
    await store(database, "m1", "m2", "m3")
    former, session = start()
    await until(lambda: len(session.sent) == 3)
    session.say("sent", "m1")
    await until(lambda: confirmed(database, {"m1"}))
    await former.stop(drain=False)
    _rest, session = start()
    await until(lambda: len(session.sent) == 2)
    assert session.sent == ["m2", "m3"]


async def confirmed(database: Database, names: set[str]) -> bool:
    return {name for name, status in (await statuses(database)).items() if status != outbox.ACCEPTED} == names


async def test_a_message_that_comes_to_stand_before_what_was_sent_is_found(database: Database, start: Start) -> None:
    # The former owner was storing it when it lost the shard; its place was taken before the later ones'.
    await store(database, "m1", "late", "m3")
    async with database.begin() as connection:
        await connection.execute(sa.update(outbox.message).where(is_late).values(shard=7))
    _rest, session = start()
    await until(lambda: session.sent == ["m1", "m3"])
    async with database.begin() as connection:
        await connection.execute(sa.update(outbox.message).where(is_late).values(shard=SHARD))
    await until(lambda: session.sent == ["m1", "m3", "late"])


is_late = outbox.message.c.message_id == "late"


async def test_who_is_no_longer_the_owner_sends_nothing(database: Database, start: Start) -> None:
    await store(database, "m1", "m2")
    allowed = [True, False]
    _rest, session = start(still_owner=lambda: allowed.pop(0) if len(allowed) > 1 else allowed[0])
    await asyncio.sleep(4 * pump.POLL)
    assert session.sent == []


async def test_a_status_and_its_webhook_are_stored_together(database: Database, start: Start) -> None:
    await store(database, "m1")
    _rest, session = start()
    session.say("sent", "m1")
    session.say("sent", "m1", "nobody's")
    session.say("delivered", "m1")
    await until(lambda: has_status(database, "m1", "delivered"))
    stored = [webhook.payload for webhook in await webhooks(database)]
    assert len(stored) == 2
    assert '"sent"' in stored[0]
    assert '"delivered"' in stored[1]


async def has_status(database: Database, name: str, status: str) -> bool:
    return (await statuses(database)).get(name) == status


async def test_a_full_window_waits_for_the_upstream(database: Database, start: Start, monkeypatch) -> None:
    monkeypatch.setattr(pump, "WINDOW", 3)
    monkeypatch.setattr(pump, "GROUP", 3)
    await store(database, "m1", "m2", "m3", "m4")
    _rest, session = start()
    await until(lambda: len(session.sent) == 3)
    await asyncio.sleep(4 * pump.POLL)
    assert session.sent == ["m1", "m2", "m3"]
    session.say("sent", "m1", "m2")
    await until(lambda: session.sent == ["m1", "m2", "m3", "m4"])


async def test_a_handover_finishes_what_was_begun_and_leaves_the_rest(database: Database, start: Start) -> None:
    handed: list[str] = []

    class Unhurried(LoopbackSession):
        async def send(self, message_id: str, payload: dict) -> None:
            handed.append(message_id)
            await asyncio.sleep(0.02)
            await super().send(message_id, payload)

    names = [f"m{number}" for number in range(50)]
    await store(database, *names)
    made, _rest = start(Unhurried())
    await until(lambda: len(handed) > 1)
    await made.stop(drain=True)
    assert await statuses(database) == {name: "delivered" if name in handed else "accepted" for name in names}
    assert len(await webhooks(database)) == 2 * len(handed) < 2 * len(names)
