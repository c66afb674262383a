"""Nodes that break one rule each. The simulation must detect every one of them, or its silence about the real rules means nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from math import inf
from typing import Any

import pytest
from waba_node.control import promotion
from waba_node.control.lease import MasterLease, takeover_delay
from waba_node.control.observation import Observer
from waba_node.control.ownership import Grant, Ownership
from waba_node.control.promotion import Plan, Promotion, Redraw, Shard
from waba_node.control.sharding import redrawn

from . import coreapp, database, intake, master
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
    patch.setattr(intake, "RETRY", 0.0)
