"""The simulation detects each broken rule, so what it reports of the real rules means something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from . import mutations
from .cloud.upstream import (
    LATE,
    LOSES_ANSWERS,
    MIXED,
    MOODS,
    REFUSES,
    SHARE_OF_GOOD,
    SLOW,
    THROTTLES,
    THROTTLES_RECIPIENTS,
    UNCLEAR,
    UNREACHABLE,
    UNUSABLE,
    Mood,
)
from .faults import Fault
from .invariants import Violation
from .mutations import Mutation
from .schedule import CLOUD, Schedule, live, outcome
from .world import QUICK

SCHEDULES, CLOUD_SCHEDULES = 2000, 40
TWO_COREAPPS, TWO_MASTERS = "two coreapps are connected", "two masters act as primary"


# With a seed near which it is detected, so that the search is short.
@pytest.mark.parametrize(
    ("mutation", "near", "detected"),
    [
        (mutations.never_disconnects_by_itself, 0, TWO_COREAPPS),
        (mutations.counts_its_right_from_the_answer, 0, TWO_COREAPPS),
        (mutations.waits_for_a_third_of_the_takeover_delay, 0, f"{TWO_COREAPPS}|{TWO_MASTERS}"),
        (mutations.counts_on_from_an_earlier_renewal, 0, f"{TWO_COREAPPS}|{TWO_MASTERS}"),
        (mutations.takes_the_lease_by_times_of_the_database, 0, TWO_MASTERS),
        (mutations.replaces_an_owner_that_has_renewed_meanwhile, 1700, TWO_COREAPPS),
        (mutations.takes_a_lease_that_was_renewed_meanwhile, 0, TWO_MASTERS),
        (
            mutations.reuses_epochs_after_lost_commits,
            0,
            f"{TWO_COREAPPS}|{TWO_MASTERS}|not every shard is served",
        ),
        (mutations.takes_the_lease_of_lost_commits_at_once, 0, TWO_MASTERS),
        (mutations.overstays_the_lease, 0, TWO_MASTERS),
        (mutations.gives_one_process_two_shards, 100, "one process owns two shards"),
        (mutations.never_finds_a_coreapp_unhealthy, 0, "no coreapp took over"),
        (mutations.renews_by_masters_alone, 0, "with every master dead"),
        (mutations.answers_before_a_message_is_stored, 0, "is not in the database"),
        (mutations.records_a_message_as_sent_when_it_is_handed_over, 0, "overtook|accepted and not arrived"),
        (mutations.sends_in_reverse_order, 0, "overtook"),
        (mutations.redraws_the_map_while_owners_are_connected, 0, TWO_COREAPPS),
        (mutations.sends_for_the_shard_of_another_map, 0, f"not every shard is served|{TWO_COREAPPS}"),
    ],
)
def test_a_broken_rule_is_detected(
    mutation: Mutation, near: int, detected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation(monkeypatch)
    found = (violation_of(seed) for seed in range(near, near + SCHEDULES))
    assert any(violation is not None and re.search(detected, violation) for violation in found)


def violation_of(seed: int) -> str | None:
    """Return the violation of a schedule, or None."""
    try:
        live(seed)
    except Violation as violation:
        return str(violation)
    return None


# -- the Cloud API -------------------------------------------------------------------------------------------------------------

COREAPPS = (0.4, 0.6, 0.8)  # m0, m1, c0, c1, c2, w0: see Fault.process


def mood(at: float, wanted: Mood) -> Fault:
    """Return the fault after which the upstream has a mood."""
    return Fault(at, "upstream", 0.0, SHARE_OF_GOOD + (1 - SHARE_OF_GOOD) * (MOODS.index(wanted) + 0.5) / len(MOODS))


def moods(*wanted: Mood, pause: float = 3.0) -> tuple[Fault, ...]:
    """Return the faults after which the upstream has one mood after the other."""
    return tuple(mood(0.1 + pause * number, one) for number, one in enumerate(wanted))


def repeated(kind: str, pause: float, *hows: float) -> tuple[Fault, ...]:
    """Return faults of one kind at regular moments."""
    return tuple(Fault(1.0 + pause * number, kind, 0.0, how) for number, how in enumerate(hows))


def losses_of_every_coreapp(pause: float = 5.0, down: float = 1.0) -> tuple[Fault, ...]:
    """Return the faults by which all coreapps crash together and start again, again and again."""
    moments = [(3.0 + pause * time, 3.0 + down + pause * time) for time in range(int(15 / pause))]
    return tuple(
        Fault(at, kind, process, 0.0)
        for crashed, started in moments
        for at, kind in ((crashed, "crash"), (started, "start"))
        for process in COREAPPS
    )


NOT_ARRIVED, TWICE, OVERTOOK = "accepted and not arrived", "was sent 2 times", "overtook"


# Each with the faults and conditions in which its rule matters, and with a seed near which it is detected.
@pytest.mark.parametrize(
    ("mutation", "detected", "faults", "options"),
    [
        (
            mutations.claims_after_the_loss_of_its_shard,
            f"{NOT_ARRIVED}|{OVERTOOK}",
            tuple(
                Fault(at, kind, process, 0.0) for at, kind in ((3, "freeze"), (12, "thaw")) for process in COREAPPS[:2]
            ),
            {},
        ),
        (mutations.sends_without_a_claim, TWICE, moods(LOSES_ANSWERS), {}),
        (mutations.forgets_the_claims_of_former_owners, NOT_ARRIVED, moods(SLOW) + losses_of_every_coreapp(), {}),
        (
            mutations.forgets_the_claims_of_its_own_earlier_connections,
            f"{NOT_ARRIVED}|{OVERTOOK}",
            moods(SLOW, UNUSABLE, SLOW, UNUSABLE, SLOW),
            {"near": 7},
        ),
        (
            mutations.forgets_claims_of_unknown_outcome,
            f"{NOT_ARRIVED}|{OVERTOOK}",
            repeated("restart_database", 3.0, *[0.01] * 6),
            {"slowest": 0.3},
        ),
        (mutations.takes_a_lost_answer_for_a_refusal_to_send, TWICE, moods(LOSES_ANSWERS), {}),
        (mutations.sends_uncertain_messages_again_under_fail, "is sent again", moods(LOSES_ANSWERS), {}),
        (mutations.never_ends_the_grace_period, NOT_ARRIVED, moods(UNCLEAR), {}),
        (
            mutations.fails_messages_that_are_not_uncertain_any_more,
            "is reported as uncertain and is not",
            moods(LATE),
            {},
        ),
        (mutations.fails_messages_without_a_notification, "the client is not notified", moods(REFUSES), {}),
        (
            mutations.fails_a_message_that_was_accepted_under_another_id,
            "fails and the upstream has accepted it",
            moods(LATE, REFUSES, LATE, REFUSES, LATE, REFUSES),
            {"resend": True},
        ),
        (mutations.sends_what_waits_in_a_restored_database, TWICE, repeated("lose_commits", 3.0, *[0.06] * 6), {}),
        (
            mutations.sends_two_messages_of_a_recipient_at_once,
            f"two messages of one recipient|{OVERTOOK}",
            moods(SLOW),
            {},
        ),
        (mutations.exceeds_the_rate, "exceeds its share of the rate", moods(UNREACHABLE), {"rate": 8}),
        (
            mutations.takes_the_whole_rate_for_each_shard,
            "exceeds its share of the rate",
            moods(UNREACHABLE),
            {"rate": 8, "shards": 4, "coreapps": 5},
        ),
        (mutations.ignores_the_pause_of_a_number, "in the pause of the number", moods(THROTTLES), {}),
        (
            mutations.pauses_a_number_when_that_is_recorded,
            "in the pause of the number",
            moods(UNREACHABLE, THROTTLES),
            {"rate": 8},
        ),
        (mutations.ignores_the_pause_of_a_recipient, "in the pause of a recipient", moods(THROTTLES_RECIPIENTS), {}),
        (mutations.answers_a_webhook_before_its_updates_are_stored, "is not in the database", (), {}),
        (mutations.processes_repeated_messages, "is notified twice", (), {}),
        (mutations.processes_the_newest_updates_first, "comes after a later one", losses_of_every_coreapp(), {}),
        (
            mutations.orders_updates_by_times_of_the_database,
            "comes after a later one",
            repeated("set_database_clock", 5.0, 0.99 / 64, 0.01 / 64) + losses_of_every_coreapp(15.0, 3.5),
            {},
        ),
        (
            mutations.deletes_updates_before_their_events_are_stored,
            "at the upstream and|not in the client's queue",
            (),
            {"loss": 0.3},
        ),
        (mutations.ends_the_grace_period_while_statuses_wait, "a status of it waits", moods(LATE), {}),
        (
            mutations.drops_failures_while_a_message_is_sent_again,
            "has failed at the upstream and is",
            moods(UNCLEAR, MIXED, UNCLEAR, MIXED, pause=6.0),
            {"resend": True, "near": 50},
        ),
        (mutations.resolves_messages_by_known_ids_alone, "a status of it waits", moods(LOSES_ANSWERS), {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_rule_of_the_cloud_api_is_detected(
    mutation: Mutation,
    detected: str,
    faults: tuple[Fault, ...],
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mutation(monkeypatch)
    schedules = cloud_schedules(faults, **options)
    assert any((violation := outcome(one)) is not None and re.search(detected, str(violation)) for one in schedules)


def cloud_schedules(faults: tuple[Fault, ...], near: int = 0, **options: Any) -> Iterator[Schedule]:
    """Return schedules of a small cluster with the Cloud API."""
    usual = {"shards": 1, "coreapps": 3, "masters": 2, "webapps": 1, "loss": 0.0, "slowest": QUICK, "upstream": CLOUD}
    return (Schedule(seed, faults=faults, **{**usual, **options}) for seed in range(near, near + CLOUD_SCHEDULES))


def test_slow_processing_of_updates_breaks_no_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    mutations.processes_updates_slowly(monkeypatch)
    assert [outcome(one) for one in islice(cloud_schedules(moods(LATE), near=3), 2)] == [None] * 2
