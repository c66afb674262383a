"""The rules by which the guards of a database cluster choose the writer."""

from __future__ import annotations

import dataclasses

import pytest
from waba_node.control.database_writer import PRECEDENCE, SILENCE, Decision, Incarnation, Observation, WriterRules

ONE, TWO, THREE = (Incarnation(f"db{number}", f"uuid{number}") for number in (1, 2, 3))
NO_MEMBER = Incarnation("", "")
WAIT, CLAIM, WRITE = Decision(True, False), Decision(True, True), Decision(False, False)
TWO_READS = Observation(
    TWO, primary=True, state="Synced", members=frozenset({ONE, TWO, THREE}), writer=ONE, epoch=5, read_only=True
)


def seen(**changes: object) -> Observation:
    return dataclasses.replace(TWO_READS, **changes)  # type: ignore[arg-type]


def decisions(observation: Observation, *moments: float) -> list[Decision]:
    rules = WriterRules()
    return [rules.decide(observation, moment) for moment in moments]


def test_a_reader_stays_read_only() -> None:
    assert decisions(TWO_READS, 0, 1, 100) == [WAIT] * 3


def test_the_named_writer_writes() -> None:
    assert decisions(seen(writer=TWO), 0) == [WRITE]


@pytest.mark.parametrize("changes", [{"primary": False}, {"state": "Joined"}, {"state": "Joiner"}])
def test_a_writer_outside_the_majority_or_behind_it_is_read_only(changes: dict[str, object]) -> None:
    assert decisions(seen(writer=TWO, **changes), 0) == [WAIT]


def test_an_outdated_member_neither_writes_nor_reads_nor_claims() -> None:
    assert decisions(seen(writer=TWO, outdated=True), 0) == [WAIT]
    assert decisions(seen(members=frozenset({TWO, THREE}), outdated=True), 0, 100) == [WAIT] * 2
    assert not seen(outdated=True).is_reader


def test_a_writer_that_is_a_donor_still_writes() -> None:
    assert decisions(seen(writer=TWO, state="Donor/Desynced"), 0) == [WRITE]


def test_the_first_member_replaces_an_absent_writer_at_once() -> None:
    assert decisions(seen(members=frozenset({TWO, THREE})), 0) == [CLAIM]
    assert decisions(seen(members=frozenset({ONE, TWO, THREE}), own=ONE, writer=NO_MEMBER), 0) == [CLAIM]


def test_other_members_wait_for_those_before_them() -> None:
    left = seen(own=THREE, members=frozenset({TWO, THREE}))
    assert decisions(left, 0, PRECEDENCE / 2, PRECEDENCE) == [WAIT, WAIT, CLAIM]


def test_a_restarted_writer_is_another_one() -> None:
    again = Incarnation("db1", "uuid9")
    assert decisions(seen(members=frozenset({again, TWO, THREE})), 0, PRECEDENCE) == [WAIT, CLAIM]


def test_a_claim_of_another_member_starts_the_wait_again() -> None:
    rules = WriterRules()
    absent = seen(own=THREE, members=frozenset({TWO, THREE}))
    assert rules.decide(absent, 0) == WAIT
    assert rules.decide(dataclasses.replace(absent, writer=TWO, epoch=6), PRECEDENCE) == WAIT
    assert rules.decide(dataclasses.replace(absent, epoch=7), PRECEDENCE + 0.1) == WAIT


def test_a_silent_writer_is_replaced_while_another_guard_answers() -> None:
    silent = seen(writer_serves=False, others_answer=True)
    assert decisions(silent, 0, SILENCE - 0.1, SILENCE) == [WAIT, WAIT, CLAIM]
    assert decisions(dataclasses.replace(silent, own=THREE), 0, SILENCE, SILENCE + PRECEDENCE) == [WAIT, WAIT, CLAIM]


def test_a_guard_that_no_other_guard_answers_replaces_no_silent_writer() -> None:
    assert decisions(seen(writer_serves=False, others_answer=False), 0, SILENCE, 100) == [WAIT] * 3


def test_a_short_silence_is_forgotten() -> None:
    rules = WriterRules()
    assert rules.decide(seen(writer_serves=False, others_answer=True), 0) == WAIT
    assert rules.decide(seen(), 1) == WAIT
    assert rules.decide(seen(writer_serves=False, others_answer=True), SILENCE) == WAIT
