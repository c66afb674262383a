"""Nodes that break one rule each. The simulation must detect every one of them, or its silence about the real rules means nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Mapping
from math import inf
from typing import Any

import pytest
from waba_node.control import promotion
from waba_node.control.dispatch import Budget, Dispatch, Item
from waba_node.control.lease import MasterLease, takeover_delay
from waba_node.control.observation import Observer
from waba_node.control.ownership import Grant, Ownership
from waba_node.control.promotion import Plan, Promotion, Redraw, Shard
from waba_node.control.sharding import redrawn
from waba_node.coreapp import event_receiver, status_events
from waba_node.coreapp.claimed_sender import ClaimedSender, FailMessages, Outcome
from waba_node.coreapp.update_processor import Batch, UpdateProcessor
from waba_node.store.deliveries import Sent, Waiting
from waba_node.store.updates import StoredUpdate
from waba_node.upstream.base import DeliveryPolicy, NotSent, Scope, Uncertain, UpstreamEvent
from waba_node.webapp.cloud_updates import UpdateWriter

from . import coreapp, database, intake, master
from .cloud import store
from .cloud.database import CloudDatabase
from .cloud.store import RECEIVED_UPDATE
from .cloud.transactions import Transaction
from .coreapp import Coreapp
from .database import Database, Identity, Lease, Message
from .intake import Intake
from .outbox_sender import OutboxSender
from .process import ignore
from .upstream import Session

Mutation = Callable[[pytest.MonkeyPatch], None]

# -- owners and holders ----------------------------------------------------------------------------------------------------


def never_disconnects_by_itself(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ownership, "deadline", lambda ownership: ownership.renewed_at + 10 * ownership.window)


def counts_its_right_from_the_answer(patch: pytest.MonkeyPatch) -> None:
    original = Ownership.renewed

    def renewed(self: Ownership, grant: Grant, sent_at: float, window: float) -> None:
        original(self, grant, sent_at + 1.5, window)

    patch.setattr(Ownership, "renewed", renewed)


def stores_the_delay_of_lowered_settings_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ownership, "requested_delay", lambda _ownership, window: takeover_delay(window))


def overstays_the_lease(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MasterLease, "held", lambda lease, _now: lease.epoch is not None)


def renews_by_masters_alone(patch: pytest.MonkeyPatch) -> None:
    def by_any_way(
        self: Coreapp,
        request: Callable[[], Callable[[], Any]],
        answered: Callable[[Any], object] = ignore,
        failed: Callable[[], object] = ignore,
    ) -> None:
        way = (self.world.random.choice(self.world.masters).name, "db")
        self.world.call(self, way, request(), answered, failed, coreapp.patience(self.unhealthy))

    patch.setattr(Coreapp, "by_any_way", by_any_way)


def sends_for_the_shard_of_another_map(patch: pytest.MonkeyPatch) -> None:
    original = Database.owned

    def owned(self: Database, name: str, life: str) -> Grant | None:
        grant = original(self, name, life)
        return grant and Grant(grant.shard, grant.epoch, self.shards)

    patch.setattr(Database, "owned", owned)


# -- observers ---------------------------------------------------------------------------------------------------------------


def waits_for_a_third_of_the_takeover_delay(patch: pytest.MonkeyPatch) -> None:
    original = Observer.unchanged

    def unchanged(self: Observer, key: Hashable, now: float) -> float:
        return 3 * original(self, key, now)

    patch.setattr(Observer, "unchanged", unchanged)


def counts_on_from_an_earlier_renewal(patch: pytest.MonkeyPatch) -> None:
    original = Observer.observe

    def observe(self: Observer, counters: Mapping[Hashable, Hashable], arrived_at: float) -> None:
        before = self.seen
        original(self, counters, arrived_at)
        self.seen = {key: (one[0], before[key][1] if key in before else one[1]) for key, one in self.seen.items()}

    patch.setattr(Observer, "observe", observe)


def fences_by_times_of_the_database(patch: pytest.MonkeyPatch) -> None:
    """The rule of revision 0004: a renewal stores until when the owner may be connected, by the database's clock."""
    original_renew, original_read = Database.renew, Database.read_map

    def renew(self: Database, grant: Grant, name: str, life: str, renewal: int, delay: float) -> bool:
        renewed = original_renew(self, grant, name, life, renewal, delay)
        row = self.row(grant.shard, grant.epoch)
        if renewed and row is not None:
            row.__dict__["until"] = max(row.__dict__.get("until", -inf), self.time() + delay)
        return renewed

    def read_map(self: Database) -> list[Shard]:
        time = self.time()
        ended = [time >= row.__dict__.get("until", -inf) for row in self.rows]
        rows = zip(original_read(self), ended, strict=True)
        return [dataclasses.replace(row, fenced=row.fenced or over) for row, over in rows]

    patch.setattr(Database, "renew", renew)
    patch.setattr(Database, "read_map", read_map)
    patch.setattr(Observer, "observe_map", lambda _observer, rows, _arrived_at: list(rows))


def takes_the_lease_by_times_of_the_database(patch: pytest.MonkeyPatch) -> None:
    """The same rule for the master lease."""
    original_renew, original_take = Database.renew_lease, Database.take_lease
    original_unchanged = Observer.unchanged

    def renew_lease(self: Database, holder: Identity, epoch: int, renewal: int, delay: float) -> bool:
        renewed = original_renew(self, holder, epoch, renewal, delay)
        if renewed:
            self.__dict__["until"] = self.time() + delay
        return renewed

    def take_lease(
        self: Database, holder: Identity, observed: tuple[int, int], renewal: int, delay: float
    ) -> int | None:
        epoch = original_take(self, holder, observed, renewal, delay)
        if epoch is not None:
            self.__dict__["until"] = self.time() + delay
        return epoch

    def read_lease(self: Database) -> Lease:
        ended = self.time() >= self.__dict__.get("until", -inf)
        return dataclasses.replace(self.lease, free=self.lease.free or ended)

    def unchanged(self: Observer, key: Hashable, now: float) -> float:
        return 0.0 if key == master.LEASE else original_unchanged(self, key, now)

    patch.setattr(Database, "renew_lease", renew_lease)
    patch.setattr(Database, "take_lease", take_lease)
    patch.setattr(Database, "read_lease", read_lease)
    patch.setattr(Observer, "unchanged", unchanged)


def replaces_an_owner_that_has_renewed_meanwhile(patch: pytest.MonkeyPatch) -> None:
    original = Database.promote

    def promote(self: Database, primary: Identity, epoch: int, due: Promotion) -> bool:
        row = self.row(due.shard, due.counter[0])
        current = due if row is None else dataclasses.replace(due, counter=(row.epoch, row.renewal))
        return original(self, primary, epoch, current)

    patch.setattr(Database, "promote", promote)


def takes_a_lease_that_was_renewed_meanwhile(patch: pytest.MonkeyPatch) -> None:
    original = Database.take_lease

    def take_lease(
        self: Database, primary: Identity, _observed: tuple[int, int], renewal: int, delay: float
    ) -> int | None:
        return original(self, primary, self.lease.counter, renewal, delay)

    patch.setattr(Database, "take_lease", take_lease)


def reuses_epochs_after_lost_commits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Database, "jump_epochs", lambda _database: None)


def takes_the_lease_of_lost_commits_at_once(patch: pytest.MonkeyPatch) -> None:
    original = Database.jump_epochs

    def jump_epochs(self: Database) -> None:
        original(self)
        self.lease = Lease(None, self.lease.epoch, 0, 0.0, free=True)

    patch.setattr(Database, "jump_epochs", jump_epochs)


# -- the primary master --------------------------------------------------------------------------------------------------------


def gives_one_process_two_shards(patch: pytest.MonkeyPatch) -> None:
    original = Database.promote

    def promote(self: Database, primary: Identity, epoch: int, due: Promotion) -> bool:
        with pytest.MonkeyPatch.context() as within:
            within.setattr(Database, "owned", lambda *_arguments: None)
            return original(self, primary, epoch, due)

    patch.setattr(Database, "promote", promote)


def never_finds_a_coreapp_unhealthy(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(promotion, "unhealthy", lambda _coreapp, _unhealthy_interval: False)


def redraws_the_map_while_owners_are_connected(patch: pytest.MonkeyPatch) -> None:
    original = promotion.plan

    def all_fenced(rows: list[Shard], shards: int) -> list[Shard] | None:
        return redrawn([dataclasses.replace(row, fenced=True) for row in rows], shards)

    def plan(shards: list[Shard], *facts: Any) -> Plan:
        wanted = facts[-1]
        if wanted not in (None, len(shards)):
            return Plan([], [], Redraw(wanted, tuple(shards)))
        return original(shards, *facts)

    patch.setattr(database, "redrawn", all_fenced)
    patch.setattr("tests.simulation.master.plan", plan)


def redraws_the_map_with_the_old_epochs(patch: pytest.MonkeyPatch) -> None:
    def lower(rows: list[Shard], shards: int) -> list[Shard] | None:
        drawn = redrawn(rows, shards)
        epochs = [row.epoch for row in rows] + [0] * shards
        return drawn and [dataclasses.replace(row, epoch=epochs[row.shard]) for row in drawn]

    patch.setattr(database, "redrawn", lower)


# -- messages ------------------------------------------------------------------------------------------------------------------


def answers_before_a_message_is_stored(patch: pytest.MonkeyPatch) -> None:
    original = Intake.accept

    def accept(self: Intake, message: Message, again: bool) -> object:
        answer = original(self, message, again)
        return None if answer != intake.NOT_PRIMARY_COREAPP else answer

    patch.setattr(Intake, "accept", accept)


def records_a_message_as_sent_when_it_is_handed_over(patch: pytest.MonkeyPatch) -> None:
    original = OutboxSender.send

    def send(self: OutboxSender) -> None:
        before = Session.send

        def handed_over(session: Session, message: Message) -> None:
            before(session, message)
            self.confirmed(message.id)

        self.session.__dict__["send"] = lambda message: handed_over(self.session, message)
        original(self)

    patch.setattr(OutboxSender, "send", send)


def sends_in_reverse_order(patch: pytest.MonkeyPatch) -> None:
    original = Database.unsent
    patch.setattr(Database, "unsent", lambda *arguments: original(*arguments)[::-1])


def refuses_messages_at_the_first_failure(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(intake, "FAILOVER_PATIENCE", 0.0)


# -- the Cloud API: claims and outcomes ----------------------------------------------------------------------------------------

SLOW = 3.0  # seconds


def claims_after_the_loss_of_its_shard(patch: pytest.MonkeyPatch) -> None:
    original = ClaimedSender.claim

    async def wait(_connection: Transaction) -> None:
        """Require nothing, but give the process time to lose the shard."""
        await asyncio.sleep(SLOW)

    async def claim(self: ClaimedSender, items: list[Item]) -> bool:
        self.__dict__["require_ownership"] = wait
        try:
            return await original(self, items)
        finally:
            del self.__dict__["require_ownership"]

    patch.setattr(ClaimedSender, "claim", claim)


def sends_without_a_claim(patch: pytest.MonkeyPatch) -> None:
    async def claim(_self: ClaimedSender, _items: list[Item]) -> bool:
        return True

    patch.setattr(ClaimedSender, "claim", claim)


def forgets_the_claims_of_former_owners(patch: pytest.MonkeyPatch) -> None:
    async def mark_abandoned(_connection: Transaction, _buckets: range, _epoch: int) -> int:
        return 0

    patch.setattr(store, "mark_abandoned", mark_abandoned)


def forgets_the_claims_of_its_own_earlier_connections(patch: pytest.MonkeyPatch) -> None:
    original = store.mark_abandoned

    async def mark_abandoned(connection: Transaction, buckets: range, epoch: int) -> int:
        return await original(connection, buckets, epoch - 1)

    patch.setattr(store, "mark_abandoned", mark_abandoned)


def forgets_claims_of_unknown_outcome(patch: pytest.MonkeyPatch) -> None:
    async def release_unposted(self: ClaimedSender) -> None:
        self.unposted.clear()

    patch.setattr(ClaimedSender, "release_unposted", release_unposted)


def takes_a_lost_answer_for_a_refusal_to_send(patch: pytest.MonkeyPatch) -> None:
    original = ClaimedSender.outcome_of

    async def outcome_of(self: ClaimedSender, item: Item) -> Outcome:
        outcome = await original(self, item)
        return NotSent(str(outcome)) if isinstance(outcome, Uncertain) else outcome

    patch.setattr(ClaimedSender, "outcome_of", outcome_of)


def sends_uncertain_messages_again_under_fail(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ClaimedSender, "fail_uncertain", ClaimedSender.resend)


def never_ends_the_grace_period(patch: pytest.MonkeyPatch) -> None:
    async def read_overdue(_connection: Transaction, _buckets: range, _seconds: float, _limit: int) -> list[str]:
        return []

    patch.setattr(store, "read_overdue", read_overdue)


def fails_messages_that_are_not_uncertain_any_more(patch: pytest.MonkeyPatch) -> None:
    async def before(self: FailMessages, connection: Transaction, events: list[UpstreamEvent]) -> list[UpstreamEvent]:
        await asyncio.sleep(SLOW)  # statuses arrive meanwhile
        await store.end_deliveries(connection, self.message_ids)
        return events

    patch.setattr(FailMessages, "before", before)


def fails_messages_without_a_notification(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(status_events, "is_reported", lambda kind, _settings: kind != "failed")


def fails_a_message_that_was_accepted_under_another_id(patch: pytest.MonkeyPatch) -> None:
    async def read_possible(_connection: Transaction, _message_ids: Collection[str]) -> set[str]:
        return set()

    patch.setattr(store, "read_possible", read_possible)


def sends_what_waits_in_a_restored_database(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(CloudDatabase, "abandon_waiting", lambda _database: None)


# -- the Cloud API: order and pace ---------------------------------------------------------------------------------------------


def sends_two_messages_of_a_recipient_at_once(patch: pytest.MonkeyPatch) -> None:
    def add(self: ClaimedSender, waiting: Waiting) -> None:
        name = waiting.unsent.message_id
        if name not in self.in_memory:
            self.in_memory[name] = waiting
            self.dispatch.add(Item(waiting.unsent.position, name, f"{waiting.recipient} {name}"))

    patch.setattr(ClaimedSender, "add", add)


def exceeds_the_rate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Budget, "allows", lambda budget, now: now >= budget.held_until)


def takes_the_whole_rate_for_each_shard(patch: pytest.MonkeyPatch) -> None:
    def policy(self: ClaimedSender) -> DeliveryPolicy:
        present = self.claiming.upstream.policy
        return dataclasses.replace(present, rate=self.grant.of * present.rate)

    patch.setattr(ClaimedSender, "policy", property(policy))


def ignores_the_pause_of_a_number(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Budget, "slow_down", lambda *_arguments: None)


def pauses_a_number_when_that_is_recorded(patch: pytest.MonkeyPatch) -> None:
    original = ClaimedSender.schedule

    def schedule(self: ClaimedSender, item: Item, outcome: Outcome, now: float) -> None:
        if isinstance(outcome, NotSent) and outcome.scope is Scope.NUMBER:
            self.dispatch.budget.slow_down(now, outcome.retry_after)
        original(self, item, outcome, now)

    patch.setattr(Dispatch, "number_throttled", lambda *_arguments: None)
    patch.setattr(ClaimedSender, "schedule", schedule)


def ignores_the_pause_of_a_recipient(patch: pytest.MonkeyPatch) -> None:
    def recipient_throttled(self: Dispatch, message_id: str, now: float, _retry_after: float | None) -> None:
        self.put_back(message_id, now)

    patch.setattr(Dispatch, "recipient_throttled", recipient_throttled)


# -- the Cloud API: updates ----------------------------------------------------------------------------------------------------


def answers_a_webhook_before_its_updates_are_stored(patch: pytest.MonkeyPatch) -> None:
    async def store_updates(_self: UpdateWriter, _rows: list[object]) -> None:
        """Store nothing."""

    patch.setattr(UpdateWriter, "store", store_updates)


def processes_repeated_messages(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(event_receiver, "without_repeated", lambda events, _new: list(events))


def processes_the_newest_updates_first(patch: pytest.MonkeyPatch) -> None:
    original = store.read_due_updates

    async def read_due_updates(connection: Transaction, buckets: range, limit: int) -> list[StoredUpdate]:
        return (await original(connection, buckets, limit))[::-1]

    patch.setattr(store, "read_due_updates", read_due_updates)


def orders_updates_by_times_of_the_database(patch: pytest.MonkeyPatch) -> None:
    original = store.store_updates

    async def store_updates(connection: Transaction, rows: Any) -> None:
        await original(connection, rows)
        for (table, _key), row in connection.written.items():
            if table == RECEIVED_UPDATE:
                row.due_at = row.received_at

    patch.setattr(store, "store_updates", store_updates)


def deletes_updates_before_their_events_are_stored(patch: pytest.MonkeyPatch) -> None:
    original = UpdateProcessor.process

    async def process(self: UpdateProcessor, rows: list[StoredUpdate]) -> None:
        async with self.database.begin() as connection:
            await store.delete_updates(connection, [row.position for row in rows])  # type: ignore[arg-type]
        await original(self, rows)

    async def after(self: Batch, connection: Transaction) -> None:
        await self.claiming.require_ownership(connection, self.grant)  # type: ignore[arg-type]

    patch.setattr(UpdateProcessor, "process", process)
    patch.setattr(Batch, "after", after)


def processes_updates_slowly(patch: pytest.MonkeyPatch) -> None:
    """Break no rule: see the next mutation."""
    original = UpdateProcessor.process

    async def process(self: UpdateProcessor, rows: list[StoredUpdate]) -> None:
        await asyncio.sleep(2 * SLOW)
        await original(self, rows)

    patch.setattr(UpdateProcessor, "process", process)


def ends_the_grace_period_while_statuses_wait(patch: pytest.MonkeyPatch) -> None:
    processes_updates_slowly(patch)

    @contextlib.asynccontextmanager
    async def between_batches(_processor: UpdateProcessor) -> AsyncIterator[bool]:
        yield True

    patch.setattr(UpdateProcessor, "between_batches", between_batches)


def drops_failures_while_a_message_is_sent_again(patch: pytest.MonkeyPatch) -> None:
    original = Batch.before

    async def before(self: Batch, connection: Transaction, events: list[UpstreamEvent]) -> list[UpstreamEvent]:
        self.failures.clear()
        return await original(self, connection, events)  # type: ignore[arg-type]

    patch.setattr(Batch, "before", before)


def resolves_messages_by_known_ids_alone(patch: pytest.MonkeyPatch) -> None:
    def message_of(self: Batch, update: Any) -> Sent | None:
        return self.known.get(update.status_of)

    patch.setattr(Batch, "message_of", message_of)
