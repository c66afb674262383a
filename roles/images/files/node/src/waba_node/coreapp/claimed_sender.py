"""Sends a shard's messages to an upstream whose sends are not idempotent (docs/adr/0024-claim-before-cloud-post.md).

A message is claimed, sent, and its outcome recorded. A claim whose outcome was not recorded makes the message uncertain: after the grace period
it fails or is sent again, unless a status of the upstream says before that it was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from ..control.dispatch import Dispatch, Item
from ..control.ownership import Grant
from ..runtime.supervisor import Loop
from ..store import contacts, deliveries, outbox
from ..store.deliveries import NotClaimed, Sent, Waiting
from ..store.engine import DATABASE_ERRORS
from ..upstream.base import (
    DeliveryPolicy,
    HandedOver,
    NotSent,
    Refused,
    Scope,
    Uncertain,
    Unusable,
    UpstreamError,
    UpstreamEvent,
    UpstreamSession,
)
from .claiming import Claiming, NotOwner
from .event_receiver import EventReceiver
from .status_events import EXPIRED, FAILED

if TYPE_CHECKING:
    from .connection import Environment

log = logging.getLogger(__name__)

BATCH = 200  # messages in one query or claim
CONCURRENT = 256  # messages in flight
IN_MEMORY = 1000  # messages that wait in memory
OF_ONE_RECIPIENT = 20  # of them
PAUSE = 0.02  # seconds after a partial batch, so that the next one is larger
POLL = 2.0  # seconds between two queries without a wake-up, and between two scans from the oldest message
SHARE_OF_SCANS = 0.1  # of the time that scans from the oldest message may take
RESOLVE = 1.0  # seconds between two searches for overdue uncertain messages
SETTLE_TIMEOUT = 4.5  # seconds for answers before a handover; an unanswered message is uncertain
FINAL_RECORD = 2.0  # seconds to record the outcomes that are known when the connection ends
MAYBE_SENT = {
    "errors": [
        {
            "code": 1014,
            "title": "Internal error",
            "details": "It is uncertain whether the message was sent: its answer was lost, and no status has arrived",
        }
    ]
}

Outcome = HandedOver | UpstreamError


class FailMessages:
    """Fails those messages that are still in a state, in the transaction that stores the events."""

    def __init__(self, sender: ClaimedSender, message_ids: Collection[str], *, uncertain: bool) -> None:
        """uncertain: fail those that are uncertain; otherwise those that are still accepted."""
        self.sender, self.message_ids, self.uncertain = sender, message_ids, uncertain

    async def before(self, connection: AsyncConnection, events: list[UpstreamEvent]) -> list[UpstreamEvent]:
        """Return the events of messages whose state has not changed meanwhile."""
        locked = await outbox.lock_messages(connection, self.message_ids)
        if self.uncertain:
            failing = await deliveries.read_uncertain(connection, locked)
        else:
            failing = {name for name, message in locked.items() if message.status == outbox.ACCEPTED}
        await deliveries.end_deliveries(connection, failing)
        return [event for event in events if event.message_id in failing]

    async def after(self, connection: AsyncConnection) -> None:
        """Prove the ownership."""
        await self.sender.require_ownership(connection)


class FailRefused:
    """Fails messages that the upstream has refused, and records the other decisions about claims, in one transaction."""

    def __init__(
        self, sender: ClaimedSender, refused: Collection[str], unsent: Collection[str], uncertain: Collection[str]
    ) -> None:
        self.sender, self.refused, self.unsent, self.uncertain = sender, refused, unsent, uncertain

    async def before(self, connection: AsyncConnection, events: list[UpstreamEvent]) -> list[UpstreamEvent]:
        """Record the decisions. A refused message that the upstream has accepted in an earlier attempt does not fail."""
        await outbox.lock_messages(connection, self.refused)  # see deliveries.record_sent
        possible = await deliveries.read_possible(connection, self.refused)
        await deliveries.queue_again(connection, self.unsent, sent_perhaps=False)
        await deliveries.mark_uncertain(connection, self.sender.grant.epoch, self.uncertain)
        await deliveries.end_deliveries(connection, self.refused)
        return [event for event in events if event.message_id not in possible]

    async def after(self, connection: AsyncConnection) -> None:
        """Prove the ownership."""
        await self.sender.require_ownership(connection)


class ClaimedSender:
    """Sends the messages of one connection's shard."""

    def __init__(
        self,
        environment: Environment,
        claiming: Claiming,
        grant: Grant,
        session: UpstreamSession,
        still_owner: Callable[[], bool],
        receiver: EventReceiver,
        between_batches: Callable[[], AbstractAsyncContextManager[bool]],
    ) -> None:
        """still_owner: asked before every send. between_batches: see UpdateProcessor."""
        self.database, self.statistics = environment.database, environment.statistics
        self.claiming = claiming
        self.grant, self.buckets, self.session = grant, grant.buckets, session
        self.still_owner, self.receiver, self.between_batches = still_owner, receiver, between_batches
        self.dispatch = Dispatch(self.policy.rate / grant.of, time.monotonic())
        self.woken, self.recorded, self.stopping = asyncio.Event(), asyncio.Event(), False
        self.position, self.scan_began, self.next_scan, self.exhausted = 0, 0.0, float("-inf"), False
        self.skipped: set[str] = set()  # recipients of whom this scan has left messages in the database
        self.rescan, self.took_over = True, False
        self.in_memory: dict[str, Waiting] = {}  # of the messages in memory
        self.tasks: set[asyncio.Task[None]] = set()
        self.outcomes: list[tuple[Item, Outcome]] = []  # that are not recorded
        self.unposted: list[Item] = []  # perhaps claimed, and certainly not sent
        self.late: set[str] = set()  # failing for their ttl
        self.uncertain = 0

    @property
    def policy(self) -> DeliveryPolicy:
        """The present policy: the rate of the number may change."""
        return self.claiming.upstream.policy

    # -- the interface of a sender -------------------------------------------------------------------------------------

    def loops(self) -> list[Loop]:
        """Return the loops that send, record, and resolve what is uncertain."""
        return [
            Loop("send", self.send_batch, trigger=self.woken),
            Loop("record", self.record_batch, trigger=self.recorded),
            Loop("expire", self.expire_batch),
            Loop("resolve", self.resolve_batch),
        ]

    @property
    def unconfirmed(self) -> Collection[str]:
        """Return the messages whose outcome is not recorded."""
        return {item.message_id for item, _outcome in self.outcomes} | {
            name for name in self.in_memory if self.dispatch.is_in_flight(name)
        }

    def wake(self, rescan: bool = False) -> None:
        """Query the outbox now. rescan: a message may be stored before the position that was reached."""
        self.rescan |= rescan
        self.exhausted = False
        self.woken.set()

    def confirm(self, message_ids: set[str]) -> None:
        """Do nothing: the answer to a send confirms it."""

    async def settle(self, ended: Callable[[], bool]) -> None:
        """Wait, for a limited time, until every message in flight is answered and recorded."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_TIMEOUT):
                while (self.tasks or self.outcomes) and not ended():
                    await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Record the outcomes that are known, after the connection has ended; unanswered messages are uncertain."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        with contextlib.suppress(*DATABASE_ERRORS, NotOwner):
            async with asyncio.timeout(FINAL_RECORD):
                await self.record_batch()

    # -- claim and send ------------------------------------------------------------------------------------------------

    async def send_batch(self) -> float:
        """Claim and send the next messages. Return the seconds until the next query."""
        if not self.still_owner():
            return POLL
        if not self.took_over:
            await self.take_over()
        if self.unposted:
            await self.release_unposted()
        await self.read()
        self.dispatch.budget.rate = self.policy.rate / self.grant.of
        room = 0 if self.stopping else min(BATCH, CONCURRENT - len(self.tasks))
        now = time.monotonic()
        items = self.dispatch.take(now, room) if room > 0 else []
        if items and await self.claim(items):
            for item in items:
                task = asyncio.create_task(self.send(item))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
        if self.stopping:
            return POLL
        if items or not self.exhausted:
            await asyncio.sleep(PAUSE)
            return 0
        moment = self.dispatch.next_at(now)
        return POLL if moment is None or room <= 0 else min(POLL, max(PAUSE, moment - now))

    async def take_over(self) -> None:
        """Take the claims of earlier owners, and of this process's earlier connections, for uncertain."""
        async with self.database.begin() as connection:
            await self.require_ownership(connection)  # first: see ownership.guard
            abandoned = await deliveries.mark_abandoned(connection, self.buckets, self.grant.epoch + 1)
        self.took_over = True
        if abandoned:
            log.warning(
                "shard %d: %d messages were claimed when their owner ended: it is uncertain whether they were sent",
                self.grant.shard,
                abandoned,
            )
            self.statistics.add("upstream_uncertain", {"outcome": "abandoned"}, abandoned)

    async def read(self) -> None:
        """Read waiting messages into the memory while it has room.

        From time to time a scan begins at the oldest message again, as a message may be stored late, before the position that was reached.
        """
        now = time.monotonic()
        if self.rescan or now >= self.next_scan:
            self.position, self.scan_began, self.next_scan = 0, now, float("inf")
            self.skipped.clear()
            self.rescan = self.exhausted = False
        if self.exhausted or self.dispatch.waiting >= IN_MEMORY:
            return
        async with self.database.begin() as connection:
            found = await deliveries.read_waiting(connection, self.buckets, self.position, BATCH)
        for waiting in found:
            self.position = waiting.unsent.position
            self.add(waiting)
        if len(found) < BATCH:
            self.exhausted = True
            took = time.monotonic() - self.scan_began
            self.next_scan = time.monotonic() + max(POLL, took / SHARE_OF_SCANS - took)
        if late := [waiting.unsent.message_id for waiting in found if waiting.unsent.expired]:
            await self.fail_late(late)

    def add(self, waiting: Waiting) -> None:
        """Let a message wait in memory, unless its recipient has too many there: the order of a recipient's messages is preserved."""
        name = waiting.unsent.message_id
        if waiting.unsent.expired or name in self.late or name in self.in_memory:
            return
        if waiting.recipient in self.skipped or self.dispatch.count_of(waiting.recipient) >= OF_ONE_RECIPIENT:
            self.skipped.add(waiting.recipient)
            return
        self.in_memory[name] = waiting
        self.dispatch.add(Item(waiting.unsent.position, name, waiting.recipient))

    async def claim(self, items: list[Item]) -> bool:
        """Claim messages for this owner, and return whether that succeeded. Otherwise none of them is sent, and a scan finds them again."""
        buckets = {item.message_id: self.in_memory[item.message_id].bucket for item in items}
        try:
            async with self.database.begin() as connection:
                await deliveries.claim(connection, self.grant.epoch, buckets)
                await self.require_ownership(connection)
        except NotClaimed:
            self.forget(items)
            return False
        except BaseException:
            self.unposted += items  # the transaction may have been committed
            self.forget(items)
            raise
        return True

    async def release_unposted(self) -> None:
        """Undo claims whose transaction failed with an unknown outcome: nothing was sent after them."""
        async with self.database.begin() as connection:
            await self.require_ownership(connection)  # first: see ownership.guard
            names = [item.message_id for item in self.unposted]
            await deliveries.queue_again(connection, names, sent_perhaps=False)
        self.unposted.clear()
        self.rescan = True

    def forget(self, items: list[Item]) -> None:
        """Remove messages in flight from the memory; a scan finds those that are still accepted."""
        now, self.rescan = time.monotonic(), True
        for item in items:
            self.dispatch.ended(item.message_id, now)
            self.in_memory.pop(item.message_id, None)

    async def send(self, item: Item) -> None:
        """Send a claimed message, and store the outcome in memory."""
        began, outcome = time.monotonic(), None
        try:
            outcome = await self.outcome_of(item)
        finally:
            # A cancelled send may have sent the message.
            outcome = outcome or Uncertain("the connection ended before the answer")
            self.outcomes.append((item, outcome))
            if isinstance(outcome, HandedOver):
                self.dispatch.accepted(item.message_id, time.monotonic())
                self.statistics.timed("out_message_sent", time.monotonic() - began)
            elif isinstance(outcome, NotSent) and outcome.scope is Scope.NUMBER:
                # At once, not with its record: other messages would be sent until the database has answered.
                self.dispatch.number_throttled(time.monotonic(), outcome.retry_after)
            self.recorded.set()
            self.woken.set()

    async def outcome_of(self, item: Item) -> Outcome:
        """Send a claimed message unless this process has lost the shard."""
        if not self.still_owner():
            return NotSent("the shard was lost before the message was sent")
        try:
            handed_over = await self.session.send(item.message_id, self.in_memory[item.message_id].unsent.payload)
        except UpstreamError as error:
            known = (Refused, NotSent, Uncertain, Unusable)
            return error if isinstance(error, known) else Uncertain(str(error))
        except Exception as error:
            log.exception("shard %d: message %s: the send failed", self.grant.shard, item.message_id)
            return Uncertain(f"{type(error).__name__}: {error}")
        return handed_over or Uncertain("the upstream returned no id")

    # -- record --------------------------------------------------------------------------------------------------------

    async def record_batch(self) -> float:
        """Record the outcomes of sends in one transaction, or two. They stay in memory while the database is unreachable."""
        outcomes, self.outcomes = self.outcomes, []
        sent = [(item, outcome) for item, outcome in outcomes if isinstance(outcome, HandedOver)]
        others = [(item, outcome) for item, outcome in outcomes if isinstance(outcome, UpstreamError)]
        try:
            if sent:
                await self.record_sent(sent)
                sent = []
            if others:
                await self.record_others(others)
        except NotOwner:
            log.warning("shard %d: %d outcomes are left to the next owner", self.grant.shard, len(others))
            self.forget([item for item, _outcome in others])
        except BaseException:
            self.outcomes = [*sent, *others, *self.outcomes]
            raise
        if not outcomes:
            return POLL
        await asyncio.sleep(PAUSE)
        return 0 if self.outcomes else POLL

    async def record_sent(self, sent: list[tuple[Item, HandedOver]]) -> None:
        """Record the upstream's ids. No ownership is needed for a fact."""
        ids: dict[str, Sent] = {}
        for item, outcome in sent:
            ids[outcome.upstream_id] = Sent(item.message_id, self.in_memory[item.message_id].bucket)
        learned = {
            item.recipient: outcome.wa_id
            for item, outcome in sent
            if outcome.wa_id
            and outcome.wa_id != item.recipient
            and item.recipient.isdigit()
            and outcome.wa_id.isdigit()
        }
        async with self.database.begin() as connection:
            await deliveries.record_sent(connection, ids)
            if learned:
                await contacts.store_checked_numbers(connection, learned)
        for item, _outcome in sent:
            del self.in_memory[item.message_id]

    async def record_others(self, others: list[tuple[Item, UpstreamError]]) -> None:
        """Record refusals, messages to send again, and uncertain ones, as the owner."""
        refused = {item.message_id: outcome for item, outcome in others if isinstance(outcome, Refused)}
        unsent = [item.message_id for item, outcome in others if isinstance(outcome, (NotSent, Unusable))]
        uncertain = [item.message_id for item, outcome in others if isinstance(outcome, Uncertain)]
        moment = int(time.time())
        events = [UpstreamEvent(name, FAILED, moment, {"errors": outcome.errors}) for name, outcome in refused.items()]
        await self.receiver.store_with(events, FailRefused(self, refused, unsent, uncertain))
        now = time.monotonic()
        for item, outcome in others:
            self.schedule(item, outcome, now)
            if not isinstance(outcome, (NotSent, Unusable)):
                self.in_memory.pop(item.message_id, None)
        if uncertain:
            self.statistics.add("upstream_uncertain", {"outcome": "unanswered"}, len(uncertain))
            log.warning(
                "shard %d: it is uncertain whether %d messages were sent: %s",
                self.grant.shard,
                len(uncertain),
                next(str(outcome) for _item, outcome in others if isinstance(outcome, Uncertain)),
            )
        self.woken.set()

    def schedule(self, item: Item, outcome: UpstreamError, now: float) -> None:
        """Report the recorded outcome of a message to the schedule."""
        name = item.message_id
        if not isinstance(outcome, NotSent):
            if isinstance(outcome, Unusable):
                self.dispatch.put_back(name, now)
            else:
                self.dispatch.ended(name, now)
            return
        self.statistics.add("upstream_backoff", {"scope": str(outcome.scope)})
        if outcome.scope is Scope.NUMBER:
            self.dispatch.put_back(name, now)
        elif outcome.scope is Scope.RECIPIENT:
            self.dispatch.recipient_throttled(name, now, outcome.retry_after)
        else:
            self.dispatch.not_sent(name, now, outcome.retry_after)

    # -- ttl and uncertain messages ------------------------------------------------------------------------------------

    async def expire_batch(self) -> float:
        """Fail messages whose ttl has ended. A claimed one is left to its outcome. Return the seconds until the next query."""
        async with self.database.begin() as connection:
            ended = await outbox.read_expired_messages(connection, self.buckets, BATCH)
        if not ended or not self.still_owner():
            return POLL
        await self.fail_late([name for name, status in ended if status == outbox.ACCEPTED])
        done = [name for name, status in ended if status not in (outbox.ACCEPTED, outbox.CLAIMED)]
        if done:
            async with self.database.begin() as connection:
                await outbox.forget_expiry(connection, done)
        return POLL

    async def fail_late(self, message_ids: Collection[str]) -> None:
        """Fail messages whose ttl has ended, unless they are in flight."""
        late = {name for name in message_ids if not self.dispatch.is_in_flight(name)}
        if not late or not self.still_owner():
            return
        self.dispatch.remove(late, time.monotonic())
        for name in late:
            self.in_memory.pop(name, None)
        self.late |= late
        try:
            moment = int(time.time())
            events = [UpstreamEvent(name, FAILED, moment, EXPIRED) for name in late]
            await self.receiver.store_with(events, FailMessages(self, late, uncertain=False))
        finally:
            self.late -= late

    async def resolve_batch(self) -> float:
        """Apply the policy to messages that were uncertain for the grace period. Return the seconds until the next query."""
        if not self.still_owner() or not self.took_over:
            return RESOLVE
        async with self.database.begin() as connection:
            self.uncertain = await deliveries.count_uncertain(connection, self.buckets)
        if not self.uncertain:
            return RESOLVE
        async with self.between_batches() as caught_up:  # statuses that have arrived decide first
            overdue = await self.read_overdue() if caught_up else []
        if overdue:
            await (self.resend if self.policy.resend else self.fail_uncertain)(overdue)
        return RESOLVE if len(overdue) < BATCH else 0

    async def read_overdue(self) -> list[str]:
        """Return messages that were uncertain for the grace period, at most BATCH."""
        async with self.database.begin() as connection:
            return await deliveries.read_overdue(connection, self.buckets, self.policy.grace, BATCH)

    async def resend(self, message_ids: Collection[str]) -> None:
        """Send uncertain messages again."""
        async with self.database.begin() as connection:
            still = await deliveries.read_uncertain(connection, message_ids)
            await deliveries.queue_again(connection, still, sent_perhaps=True)
            await self.require_ownership(connection)
        log.warning("shard %d: %d uncertain messages are sent again", self.grant.shard, len(still))
        self.statistics.add("upstream_uncertain", {"outcome": "resent"}, len(still))
        self.wake(rescan=True)

    async def fail_uncertain(self, message_ids: Collection[str]) -> None:
        """Fail uncertain messages; the client decides whether to send them again."""
        moment = int(time.time())
        events = [UpstreamEvent(name, FAILED, moment, MAYBE_SENT) for name in message_ids]
        await self.receiver.store_with(events, FailMessages(self, message_ids, uncertain=True))
        log.warning("shard %d: %d uncertain messages have failed", self.grant.shard, len(message_ids))
        self.statistics.add("upstream_uncertain", {"outcome": "failed"}, len(message_ids))

    async def require_ownership(self, connection: AsyncConnection) -> None:
        """Make a transaction fail unless this process owns the shard. Raises NotOwner."""
        await self.claiming.require_ownership(connection, self.grant)
