"""The simulation sees each rule broken: what it says of the code as it is means something."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from waba_node.control import promotion
from waba_node.control.lease import MasterLease
from waba_node.control.observation import Observer
from waba_node.control.ownership import Grant, Ownership
from waba_node.control.sharding import redrawn

from . import coreapp, database
from .coreapp import Coreapp
from .database import Database
from .schedule import live
from .world import Violation

SCHEDULES = 2000


def never_disconnects_by_itself(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ownership, "deadline", lambda ownership: ownership.renewed_at + 10 * ownership.window)


def counts_its_right_from_the_answer(patch: pytest.MonkeyPatch) -> None:
    original = Ownership.renewed
    patch.setattr(
        Ownership, "renewed", lambda self, grant, sent_at, window: original(self, grant, sent_at + 1.5, window)
    )


def waits_for_a_third_of_the_takeover_delay(patch: pytest.MonkeyPatch) -> None:
    original = Observer.unchanged
    patch.setattr(Observer, "unchanged", lambda *arguments: 3 * original(*arguments))


def counts_on_from_an_earlier_renewal(patch: pytest.MonkeyPatch) -> None:
    original = Observer.observe

    def observe(self: Observer, counters: dict, arrived_at: float) -> None:
        before = self.seen
        original(self, counters, arrived_at)
        self.seen = {
            key: (counter, before[key][1] if key in before else at) for key, (counter, at) in self.seen.items()
        }

    patch.setattr(Observer, "observe", observe)


def promotes_when_the_owner_has_renewed_meanwhile(patch: pytest.MonkeyPatch) -> None:
    original = Database.promote

    def promote(self: Database, who: database.Who, epoch: int, due: promotion.Promotion) -> bool:
        row = self.row(due.shard, due.counter[0])
        due = due if row is None else dataclasses.replace(due, counter=(row.epoch, row.renewal))
        return original(self, who, epoch, due)

    patch.setattr(Database, "promote", promote)


def takes_a_lease_that_was_renewed_meanwhile(patch: pytest.MonkeyPatch) -> None:
    original = Database.take_lease
    patch.setattr(
        Database,
        "take_lease",
        lambda self, who, _observed, *more: original(self, who, self.lease.counter, *more),
    )


def overstays_the_lease(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MasterLease, "held", lambda lease, _now: lease.epoch is not None)


def promotes_without_looking_for_a_first_shard(patch: pytest.MonkeyPatch) -> None:
    original = Database.promote

    def promote(self: Database, *arguments) -> bool:
        with pytest.MonkeyPatch.context() as within:
            within.setattr(Database, "owned", lambda *_arguments: None)
            return original(self, *arguments)

    patch.setattr(Database, "promote", promote)


def never_finds_anybody_unhealthy(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(promotion, "unhealthy", lambda _coreapp, _unhealthy_interval: False)


def renews_by_masters_alone(patch: pytest.MonkeyPatch) -> None:
    def by_any_way(self: Coreapp, ask, answered=coreapp.nothing, failed=coreapp.nothing) -> None:
        way = (self.world.random.choice(self.world.masters).name, "db")
        self.world.call(self, way, ask, answered, failed, coreapp.patience(self.unhealthy))

    patch.setattr(Coreapp, "by_any_way", by_any_way)


def answers_before_a_message_is_stored(patch: pytest.MonkeyPatch) -> None:
    original = Coreapp.accept

    def accept(self: Coreapp, message: database.Message, again: bool) -> object:
        answer = original(self, message, again)
        return None if answer != coreapp.NOT_PRIMARY_COREAPP else answer

    patch.setattr(Coreapp, "accept", accept)


def takes_a_message_as_sent_once_handed_over(patch: pytest.MonkeyPatch) -> None:
    original = Coreapp.send

    def send(self: Coreapp, session) -> None:
        before = session.send

        def handed_over(message: database.Message) -> None:
            before(message)
            self.confirmed(session, message.id)

        session.send = session.__dict__.get("send", handed_over)
        original(self, session)

    patch.setattr(Coreapp, "send", send)


def sends_in_another_order(patch: pytest.MonkeyPatch) -> None:
    original = Database.unsent
    patch.setattr(Database, "unsent", lambda *arguments: original(*arguments)[::-1])


def draws_the_map_while_owners_are_connected(patch: pytest.MonkeyPatch) -> None:
    def fenced(rows: list, shards: int) -> list | None:
        return redrawn([dataclasses.replace(row, fenced=True) for row in rows], shards)

    original = promotion.plan

    def plan(shards: list, coreapps: dict, heartbeat: float, unhealthy: float, wanted: int | None = None):
        if wanted not in (None, len(shards)):
            return promotion.Plan([], [], promotion.Redraw(wanted, tuple(shards)))
        return original(shards, coreapps, heartbeat, unhealthy)

    patch.setattr(database, "redrawn", fenced)
    patch.setattr("tests.simulation.master.plan", plan)


def draws_the_map_with_the_old_epochs(patch: pytest.MonkeyPatch) -> None:
    def lower(rows: list, shards: int) -> list | None:
        drawn = redrawn(rows, shards)
        epochs = [row.epoch for row in rows] + [0] * shards
        return drawn and [dataclasses.replace(row, epoch=epochs[row.shard]) for row in drawn]

    patch.setattr(database, "redrawn", lower)


def sends_for_the_shard_of_another_map(patch: pytest.MonkeyPatch) -> None:
    original = Database.owned

    def owned(self: Database, name: str, life: str) -> Grant | None:
        grant = original(self, name, life)
        return grant and Grant(grant.shard, grant.epoch, self.shards)

    patch.setattr(Database, "owned", owned)


# With a seed near which it is seen, so that the search is short.
@pytest.mark.parametrize(
    ("mutation", "near", "seen"),
    [
        (never_disconnects_by_itself, 0, "two coreapps are connected"),
        (counts_its_right_from_the_answer, 0, "two coreapps are connected"),
        (waits_for_a_third_of_the_takeover_delay, 0, "two coreapps are connected|two masters act as primary"),
        (counts_on_from_an_earlier_renewal, 0, "two coreapps are connected|two masters act as primary"),
        (promotes_when_the_owner_has_renewed_meanwhile, 0, "two coreapps are connected"),
        (takes_a_lease_that_was_renewed_meanwhile, 0, "two masters act as primary"),
        (overstays_the_lease, 0, "two masters act as primary"),
        (promotes_without_looking_for_a_first_shard, 100, "one process owns two shards"),
        (never_finds_anybody_unhealthy, 0, "nobody took over"),
        (renews_by_masters_alone, 0, "with every master dead"),
        (answers_before_a_message_is_stored, 0, "is not in the database"),
        (takes_a_message_as_sent_once_handed_over, 0, "overtook|accepted and not arrived"),
        (sends_in_another_order, 0, "overtook"),
        (draws_the_map_while_owners_are_connected, 0, "two coreapps are connected"),
        (draws_the_map_with_the_old_epochs, 250, "not every shard is served"),
        (sends_for_the_shard_of_another_map, 0, "not every shard is served|two coreapps are connected"),
    ],
)
def test_a_node_that_breaks_a_rule_is_seen(
    mutation: Callable[[pytest.MonkeyPatch], None], near: int, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation(monkeypatch)
    with pytest.raises(Violation, match=seen):
        live_all(near, near + SCHEDULES)


def live_all(first: int, end: int) -> None:
    for seed in range(first, end):
        live(seed)
