"""The simulation detects each broken rule, so what it reports of the real rules means something."""

from __future__ import annotations

import re

import pytest

from . import mutations
from .invariants import Violation
from .mutations import Mutation
from .schedule import live

SCHEDULES = 2000
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
