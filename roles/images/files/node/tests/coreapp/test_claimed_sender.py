"""Messages to an upstream whose sends are not idempotent: claimed before a send, never sent twice under `fail`."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import replace

import pytest
import sqlalchemy as sa
from claiming_support import Owner, ScriptedUpstream, delivery_states, promote, receive
from messaging_support import rows, statuses, store, until, webhooks
from sqlalchemy.ext.asyncio import AsyncConnection
from waba_node.control.dispatch import Item
from waba_node.control.ownership import Grant
from waba_node.coreapp import claimed_sender, update_processor
from waba_node.coreapp.claimed_sender import FAILED, FailRefused
from waba_node.store import contacts, deliveries, outbox
from waba_node.store.deliveries import UNCERTAIN, Sent
from waba_node.store.engine import Database
from waba_node.upstream.base import HandedOver, NotSent, Refused, Scope, Uncertain, UpstreamError, UpstreamEvent

Begin = Callable[..., Awaitable[Owner]]


@pytest.fixture
async def begin(database: Database, tasks: asyncio.TaskGroup, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Begin]:
    """A function that promotes a coreapp and starts its connection."""
    for module in (claimed_sender, update_processor):
        monkeypatch.setattr(module, "POLL", 0.1)
    monkeypatch.setattr(claimed_sender, "RESOLVE", 0.05)
    monkeypatch.setattr(claimed_sender, "SETTLE_TIMEOUT", 1.0)
    running: list[Owner] = []

    async def start(upstream: ScriptedUpstream, name: str = "c1", epoch: int = 1) -> Owner:
        await promote(database, name, epoch)
        owner = Owner(database, tasks, upstream, name, Grant(0, epoch))
        owner.connection.start()
        running.append(owner)
        return owner

    yield start
    for owner in running:
        await owner.close()


async def store_for(database: Database, **recipients: str) -> None:
    """Store messages, id -> recipient."""
    async with database.begin() as connection:
        made = [{**rows(name)[0], "recipient": recipient} for name, recipient in recipients.items()]
        await outbox.store_messages(connection, [outbox.as_row(row) for row in made])


async def all_are(database: Database, status: str, *others: str) -> bool:
    return set((await statuses(database)).values()) <= {status, *others}


async def state_of(database: Database, name: str) -> str | None:
    return (await delivery_states(database)).get(name)


async def reported(database: Database) -> list[tuple[str, str]]:
    """Return (message id, status) of every status webhook, in order."""
    found = []
    for row in await webhooks(database):
        for status in json.loads(row.payload).get("statuses", ()):
            found.append((status["id"], status["status"]))
    return found


async def test_every_message_is_claimed_and_sent_once_and_those_of_a_recipient_in_order(
    database: Database, begin: Begin
) -> None:
    await store_for(database, **{f"m{number:03}": f"4915{number % 50}" for number in range(300)})
    upstream = ScriptedUpstream()
    await begin(upstream)
    await until(lambda: len(upstream.received) == 300)
    await until(lambda: all_are(database, outbox.HANDED_OVER))
    assert await delivery_states(database) == {}
    assert len(set(upstream.received)) == 300
    for recipient in range(50):
        mine = [name for name in upstream.received if int(name[1:]) % 50 == recipient]
        assert mine == sorted(mine)
    async with database.begin() as connection:
        assert await deliveries.find_upstream_id(connection, "m007") == "wamid.m007.0"


async def test_an_owner_that_lost_the_shard_claims_nothing(database: Database, begin: Begin) -> None:
    upstream = ScriptedUpstream()
    await begin(upstream)
    await promote(database, "c2", 2)
    await store(database, "m1")
    await asyncio.sleep(0.5)
    assert upstream.received == []
    assert await statuses(database) == {"m1": outbox.ACCEPTED}


async def test_no_message_is_sent_twice_under_fail_when_owners_die_between_claim_and_answer(
    database: Database, begin: Begin
) -> None:
    await store_for(database, **{f"m{number:03}": f"4915{number}" for number in range(100)})
    upstream = ScriptedUpstream(grace=0.3, rate=300.0)
    for epoch in range(1, 5):
        owner = await begin(upstream, f"c{epoch}", epoch)
        upstream.may_answer.clear()
        before = len(upstream.received)
        await until(lambda before=before: len(upstream.received) > before)
        await owner.crash()
        upstream.may_answer.set()
    await begin(upstream, "c5", 5)
    await until(lambda: all_are(database, outbox.HANDED_OVER, "failed"))
    assert max(Counter(upstream.received).values()) == 1
    kinds = await statuses(database)
    assert sorted(upstream.received) == sorted(kinds), "each was sent once"
    failed = {name for name, status in kinds.items() if status == "failed"}
    assert failed
    assert sorted(await reported(database)) == sorted((name, "failed") for name in failed)
    assert await delivery_states(database) == {}


async def test_only_uncertain_messages_are_sent_again_under_resend(database: Database, begin: Begin) -> None:
    await store_for(database, m1="491", m2="492", m3="493")
    upstream = ScriptedUpstream(grace=0.2, resend=True)
    upstream.outcomes["m2"] = [Uncertain("the answer was lost")]
    await begin(upstream)
    await until(lambda: all_are(database, outbox.HANDED_OVER))
    assert Counter(upstream.received) == {"m1": 1, "m2": 2, "m3": 1}


async def test_a_status_resolves_an_uncertain_message(database: Database, begin: Begin) -> None:
    await store(database, "m1")
    upstream = ScriptedUpstream(grace=1.5)
    upstream.outcomes["m1"] = [Uncertain("the answer was lost")]
    await begin(upstream)
    await until(lambda: is_state(database, "m1", deliveries.UNCERTAIN))
    await receive(database, {"kind": "sent", "id": "wamid.A", "message": [0, "m1"]})
    await until(lambda: all_are(database, "sent"))
    await asyncio.sleep(2)
    assert await statuses(database) == {"m1": "sent"}
    async with database.begin() as connection:
        assert await deliveries.find_upstream_id(connection, "m1") == "wamid.A"
    await receive(database, {"kind": "delivered", "id": "wamid.A"})
    await until(lambda: all_are(database, "delivered"))
    assert upstream.received == ["m1"]


async def is_state(database: Database, name: str, state: str) -> bool:
    return await state_of(database, name) == state


async def test_a_status_may_come_before_the_answer(database: Database, begin: Begin) -> None:
    await store(database, "m1")
    upstream = ScriptedUpstream()
    upstream.may_answer.clear()
    await begin(upstream)
    await until(lambda: upstream.received == ["m1"])
    await receive(database, {"kind": "delivered", "id": "wamid.m1.0", "message": [0, "m1"]})
    await until(lambda: all_are(database, "delivered"))
    upstream.may_answer.set()
    await asyncio.sleep(0.3)
    assert await statuses(database) == {"m1": "delivered"}
    assert await delivery_states(database) == {}


async def test_a_refused_message_fails_with_the_errors_of_the_upstream(database: Database, begin: Begin) -> None:
    await store_for(database, m1="491", m2="491")
    upstream = ScriptedUpstream()
    upstream.outcomes["m1"] = [Refused([{"code": 470, "title": "Re-engagement message"}])]
    await begin(upstream)
    await until(lambda: all_are(database, "failed", outbox.HANDED_OVER))
    assert await statuses(database) == {"m1": "failed", "m2": outbox.HANDED_OVER}
    (row,) = await webhooks(database)
    assert '"code": 470' in row.payload
    assert await delivery_states(database) == {}


async def test_a_throttled_recipient_holds_up_no_other_one_and_keeps_its_order(
    database: Database, begin: Begin
) -> None:
    await store_for(database, m1="491", m2="491", m3="492")
    upstream = ScriptedUpstream()
    upstream.outcomes["m1"] = [NotSent("pair rate limit hit", Scope.RECIPIENT)]
    owner = await begin(upstream)
    await until(lambda: len(upstream.received) == 3)
    assert upstream.received == ["m3", "m1", "m2"]
    await until(lambda: all_are(database, outbox.HANDED_OVER))
    assert owner.statistics.counters["upstream_backoff"] == {(("scope", "recipient"),): 1}


async def test_a_throttled_number_pauses_before_that_is_recorded(
    database: Database, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = asyncio.Event()
    original = deliveries.queue_again

    async def queue_again(connection: AsyncConnection, message_ids: Collection[str], *, sent_perhaps: bool) -> None:
        await recorded.wait()
        await original(connection, message_ids, sent_perhaps=sent_perhaps)

    monkeypatch.setattr(deliveries, "queue_again", queue_again)
    upstream = ScriptedUpstream()
    upstream.outcomes["m1"] = [NotSent("too many messages", Scope.NUMBER, 0.5)]
    owner = await begin(upstream)
    await store_for(database, m1="491")
    owner.sender.wake()
    await until(lambda: bool(owner.sender.outcomes) or owner.sender.dispatch.budget.held_until > time.monotonic())
    began = time.monotonic()
    await store_for(database, m2="492")
    owner.sender.wake()
    await until(lambda: upstream.received == ["m2"])
    assert time.monotonic() - began > 0.3
    recorded.set()
    await until(lambda: upstream.received == ["m2", "m1"])


async def test_outcomes_wait_for_the_database(
    database: Database, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 3
    original = deliveries.record_sent

    async def record(*arguments: object) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise OSError("the database is away")
        await original(*arguments)

    monkeypatch.setattr(deliveries, "record_sent", record)
    await store(database, "m1")
    upstream = ScriptedUpstream()
    await begin(upstream)
    await until(lambda: all_are(database, outbox.HANDED_OVER))
    assert upstream.received == ["m1"]


async def test_a_claim_whose_transaction_fails_after_its_commit_is_undone_and_made_again(
    database: Database, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to a commit is lost: the message is claimed, but was not sent."""
    original = claimed_sender.ClaimedSender.claim
    failed = False

    async def claim(self: claimed_sender.ClaimedSender, items: list) -> bool:
        nonlocal failed
        done = await original(self, items)
        if not failed:
            failed = True
            self.unposted += items
            self.forget(items)
            raise OSError("the connection was lost during the commit")
        return done

    monkeypatch.setattr(claimed_sender.ClaimedSender, "claim", claim)
    await store(database, "m1")
    upstream = ScriptedUpstream()
    await begin(upstream)
    await until(lambda: all_are(database, outbox.HANDED_OVER))
    assert upstream.received == ["m1"]


@pytest.mark.parametrize("outcome", ["taken over", "undone"])
async def test_a_claim_whose_commit_is_under_way_is_waited_for(
    database: Database, tasks: asyncio.TaskGroup, outcome: str
) -> None:
    """The process sent the commit before its connection ended. The next transaction waits for the shard's row, not for the rows of the claim."""
    await promote(database, "c1", 1)
    await store_for(database, m1="a")
    sender = Owner(database, tasks, ScriptedUpstream(), "c1", Grant(0, 1)).sender
    async with database.begin() as connection:
        (waiting,) = await deliveries.read_waiting(connection, range(32), 0, 10)
        await sender.require_ownership(connection)
        if outcome == "undone":
            sender.unposted.append(Item(waiting.unsent.position, "m1", waiting.recipient))
        new = asyncio.create_task(sender.take_over() if outcome == "taken over" else sender.release_unposted())
        await asyncio.sleep(0.5)
        assert not new.done()
        await deliveries.claim(connection, 1, {"m1": waiting.bucket})
    await new
    assert await state_of(database, "m1") == (UNCERTAIN if outcome == "taken over" else None)
    assert (await statuses(database))["m1"] == (outbox.CLAIMED if outcome == "taken over" else outbox.ACCEPTED)


async def test_a_message_whose_ttl_has_ended_is_not_sent(database: Database, begin: Begin) -> None:
    await store(database, "m1", ttl=1)
    await asyncio.sleep(1.1)
    await store(database, "m2")
    upstream = ScriptedUpstream()
    await begin(upstream)
    await until(lambda: all_are(database, "failed", outbox.HANDED_OVER))
    assert upstream.received == ["m2"]
    assert await reported(database) == [("m1", "failed")]


async def test_a_handover_waits_for_answers_and_leaves_nothing_uncertain(database: Database, begin: Begin) -> None:
    await store_for(database, m1="491", m2="492")
    upstream = ScriptedUpstream()
    upstream.may_answer.clear()
    owner = await begin(upstream)
    await until(lambda: len(upstream.received) == 2)
    asyncio.get_running_loop().call_later(0.3, upstream.may_answer.set)
    await owner.close(drain=True)
    assert await statuses(database) == dict.fromkeys(("m1", "m2"), outbox.HANDED_OVER)


async def test_a_connection_that_ends_records_what_is_uncertain(database: Database, begin: Begin) -> None:
    await store(database, "m1")
    upstream = ScriptedUpstream()
    upstream.may_answer.clear()
    owner = await begin(upstream)
    await until(lambda: upstream.received == ["m1"])
    await owner.close()
    assert await delivery_states(database) == {"m1": deliveries.UNCERTAIN}


async def test_the_answer_to_a_former_owner_is_recorded_and_its_refusal_is_not(
    database: Database, begin: Begin
) -> None:
    await store_for(database, m1="491", m2="492")
    upstream = ScriptedUpstream()
    upstream.outcomes["m2"] = [Refused([{"code": 470, "title": "Re-engagement message"}])]
    upstream.may_answer.clear()
    await begin(upstream)
    await until(lambda: all_are(database, outbox.CLAIMED))
    await until(lambda: upstream.received == ["m1"])
    await promote(database, "c2", 2)
    upstream.may_answer.set()
    await until(lambda: is_handed_over(database, "m1"))
    await asyncio.sleep(0.3)
    assert (await statuses(database))["m2"] == outbox.CLAIMED


async def is_handed_over(database: Database, name: str) -> bool:
    return (await statuses(database))[name] == outbox.HANDED_OVER


async def test_a_refusal_waits_for_an_id_of_the_message_that_is_being_recorded(
    database: Database, begin: Begin
) -> None:
    await store(database, "m1")
    upstream = ScriptedUpstream()
    upstream.may_answer.clear()
    owner = await begin(upstream)
    await until(lambda: all_are(database, outbox.CLAIMED))
    event = UpstreamEvent("m1", FAILED, 1, {"errors": [{"code": 470, "title": "Re-engagement message"}]})
    refusal = FailRefused(owner.sender, ["m1"], [], [])
    async with database.begin() as connection:
        await deliveries.record_sent(connection, {"wamid.first": Sent("m1", 0)})
        refused = asyncio.create_task(owner.sender.receiver.store_with([event], refusal))
        await asyncio.sleep(0.3)
        assert not refused.done()
    await refused
    assert await statuses(database) == {"m1": outbox.HANDED_OVER}
    assert await reported(database) == []


async def test_failed_under_one_id_is_not_reported_while_another_may_arrive(database: Database, begin: Begin) -> None:
    await store(database, "m1")
    upstream = ScriptedUpstream(grace=0.1, resend=True)
    upstream.outcomes["m1"] = [Uncertain("the answer was lost")]
    await begin(upstream)
    await until(lambda: len(upstream.received) == 2)
    await until(lambda: all_are(database, outbox.HANDED_OVER))
    await receive(database, {"kind": "failed", "id": "wamid.first", "message": [0, "m1"]})
    await until(lambda: no_updates(database))
    assert await statuses(database) == {"m1": outbox.HANDED_OVER}
    await receive(database, {"kind": "failed", "id": "wamid.m1.1"})
    await until(lambda: all_are(database, "failed"))
    assert await reported(database) == [("m1", "failed")]


async def test_failed_under_every_id_is_reported_when_the_failures_come_before_the_last_answer(
    database: Database, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_processor, "UNKNOWN_PAUSE", 0.1)
    await store(database, "m1")
    upstream = ScriptedUpstream(grace=0.5, resend=True)
    upstream.outcomes["m1"] = [Uncertain("the answer was lost")]
    await begin(upstream)
    await until(lambda: all_are_uncertain(database))
    upstream.may_answer.clear()
    await until(lambda: len(upstream.received) == 2)
    for name in ("wamid.first", "wamid.m1.1"):
        await receive(database, {"kind": "failed", "id": name, "message": [0, "m1"]})
    await asyncio.sleep(0.3)
    assert await reported(database) == []
    upstream.may_answer.set()
    await until(lambda: all_are(database, "failed"))
    await until(lambda: no_updates(database))
    assert await reported(database) == [("m1", "failed")]


async def all_are_uncertain(database: Database) -> bool:
    return set((await delivery_states(database)).values()) == {deliveries.UNCERTAIN}


async def no_updates(database: Database) -> bool:
    async with database.begin() as connection:
        return (await connection.execute(sa.text("SELECT COUNT(*) FROM received_update"))).scalar_one() == 0


async def test_a_learned_whatsapp_id_is_remembered(database: Database, begin: Begin) -> None:
    await store_for(database, m1="5491155", m2="US.13491208655302741918")
    upstream = ScriptedUpstream()
    upstream.outcomes["m1"] = [HandedOver("wamid.1", "541155")]
    upstream.outcomes["m2"] = [HandedOver("wamid.2", "US.1")]
    await begin(upstream)
    await until(lambda: all_are(database, outbox.HANDED_OVER))
    async with database.begin() as connection:
        assert await contacts.read_checked_numbers(connection, ["5491155"]) == {"5491155": "541155"}


async def test_the_rate_of_the_number_may_change_while_messages_are_sent(database: Database, begin: Begin) -> None:
    upstream = ScriptedUpstream(rate=80.0)
    owner = await begin(upstream)
    await until(lambda: owner.sender.dispatch.budget.rate == 80.0)
    upstream.policy = replace(upstream.policy, rate=1000.0)
    await until(lambda: owner.sender.dispatch.budget.rate == 1000.0)


async def test_an_unexpected_error_of_a_send_makes_the_message_uncertain(database: Database, begin: Begin) -> None:
    await store(database, "m1")
    upstream = ScriptedUpstream()
    upstream.outcomes["m1"] = [UpstreamError("neither refused nor sent")]
    await begin(upstream)
    await until(lambda: is_state(database, "m1", deliveries.UNCERTAIN))
