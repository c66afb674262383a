# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import bootstrap

HOSTS = ("db1", "db2", "db3")
UUID = "6d0b2a8e-5f3c-11ef-9d5e-0242ac110002"
OTHER = "11111111-5f3c-11ef-9d5e-0242ac110002"

Facts = dict[str, Any]

EMPTY: Facts = {"running": False, "initialised": False, "member": False}
SINGLE: Facts = {"running": True, "initialised": True, "member": False, "status": ""}
SILENT: Facts = {"running": True}
LOST: Facts = {"running": True, "status": "non-Primary", "member": True}


def stopped(seqno: int, clean: bool = False, uuid: str = UUID, **more: Any) -> Facts:
    return {
        "running": False,
        "initialised": True,
        "member": True,
        "uuid": uuid,
        "seqno": seqno,
        "clean": clean,
        **more,
    }


def primary(seqno: int = 10, **more: Any) -> Facts:
    return {**stopped(seqno), "running": True, "status": "Primary", "state": "Synced", **more}


def decided(*facts: Facts | None, **options: Any) -> list[tuple[str, str]]:
    decision = bootstrap.decide(dict(zip(HOSTS, facts)), HOSTS, **options)
    assert decision.problems == ()
    return [(step.host, step.action) for step in decision.steps]


def refused(*facts: Facts | None, **options: Any) -> str:
    decision = bootstrap.decide(dict(zip(HOSTS, facts)), HOSTS, **options)
    assert decision.steps == ()
    assert decision.problems
    return decision.problems[0].problem


def test_the_first_host_begins_where_no_volume_has_data() -> None:
    assert decided(EMPTY, EMPTY, EMPTY) == [("db1", "bootstrap")]


def test_the_host_with_the_data_of_a_single_server_begins() -> None:
    assert decided(EMPTY, SINGLE, EMPTY) == [("db2", "bootstrap")]


def test_a_first_start_is_refused_while_a_host_does_not_answer() -> None:
    assert "may have the data" in refused(EMPTY, EMPTY, None)


def test_hosts_join_one_after_the_other_and_a_running_join_is_waited_for() -> None:
    assert decided(primary(), EMPTY, EMPTY) == [("db2", "join")]
    assert decided(primary(), EMPTY, SILENT) == [("db3", "join")]
    assert decided(primary(), stopped(3), None) == [("db2", "join")]


def test_nothing_is_left_to_do_where_every_member_is_synced() -> None:
    assert decided(primary(), primary(), primary()) == []
    assert decided(primary(), primary(), None) == []


def test_members_that_run_are_given_time_before_their_positions_are_read() -> None:
    assert decided(LOST, LOST, stopped(4)) == [("db1", "start"), ("db2", "start"), ("db3", "start")]
    assert decided(LOST, LOST, stopped(4), waited=True) == [("db1", "stop"), ("db2", "stop")]


def test_the_most_advanced_volume_begins_after_the_loss_of_all() -> None:
    assert decided(stopped(7), stopped(9), stopped(8)) == [("db2", "bootstrap")]
    assert decided(stopped(9, clean=True), stopped(9, clean=True, safe_to_bootstrap=True), stopped(9, clean=True)) == [
        ("db2", "bootstrap")
    ]


def test_two_of_three_decide_where_the_last_of_them_crashed() -> None:
    assert decided(stopped(7), stopped(9), None) == [("db2", "bootstrap")]
    assert decided(stopped(7, clean=True), stopped(9), None) == [("db2", "bootstrap")]
    assert decided(None, stopped(9, clean=True, safe_to_bootstrap=True), stopped(9, clean=True)) == [
        ("db2", "bootstrap")
    ]


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ((stopped(7), stopped(9, clean=True), None), "may have continued alone after the orderly stop of db2"),
        ((stopped(9), stopped(9, clean=True), None), "may have continued alone after the orderly stop of db2"),
        ((stopped(9), None, None), "cannot prove"),
        ((stopped(9), EMPTY, None), "cannot prove"),
        ((stopped(9), stopped(9, unfinished_sst=True), None), "cannot prove"),
        ((stopped(9), stopped(9, uuid=bootstrap.NO_UUID), None), "cannot prove"),
        ((stopped(9), stopped(8), stopped(9, uuid=OTHER)), "different clusters"),
        ((stopped(9), SINGLE, EMPTY), "a join would delete"),
        ((SINGLE, SINGLE, EMPTY), "a join would delete"),
        ((stopped(9, remembered={"uuid": UUID, "seqno": 12}), stopped(8), stopped(9)), "lower than 12"),
        ((stopped(-1), stopped(-1), EMPTY), "no volume can begin"),
    ],
)
def test_a_choice_without_evidence_is_refused(facts: tuple[Facts | None, ...], problem: str) -> None:
    assert problem in refused(*facts)


def test_an_operator_chooses_a_host_with_the_position_that_was_reported() -> None:
    facts = (stopped(7), None, None)
    decision = bootstrap.decide(dict(zip(HOSTS, facts)), HOSTS, bootstrap_from="db1@7")
    assert [(step.host, step.action, step.seqno, step.forced) for step in decision.steps] == [
        ("db1", "bootstrap", 7, True)
    ]
    assert "has seqno 7" in refused(*facts, bootstrap_from="db1@6")
    assert "does not answer" in refused(*facts, bootstrap_from="db2@7")
    assert "not of the form" in refused(*facts, bootstrap_from="db1")
    assert "cannot begin" in refused(stopped(7, unfinished_sst=True), None, None, bootstrap_from="db1@7")


def test_a_choice_is_refused_while_the_database_runs() -> None:
    assert "runs on db1" in refused(primary(), stopped(7), None, bootstrap_from="db2@7")


def test_a_former_permission_to_begin_is_withdrawn_first() -> None:
    pending = {"uuid": UUID, "seqno": 7, "run": "a"}
    assert decided(stopped(7, bootstrap=pending), stopped(9), stopped(9)) == [("db1", "withdraw")]
    assert decided(stopped(9, bootstrap=pending), stopped(8), stopped(8)) == [("db1", "bootstrap")]
    assert decided(primary(), stopped(7, bootstrap=pending), primary()) == [("db2", "withdraw")]


def test_readers_are_replaced_before_the_writer_hands_over() -> None:
    assert decided(primary(due=True, is_writer=True), primary(due=True), primary(due=True)) == [("db2", "replace")]
    assert decided(primary(due=True, is_writer=True), primary(), primary(due=True)) == [("db3", "replace")]
    assert decided(primary(due=True, is_writer=True), primary(), primary()) == [("db1", "move")]
    assert decided(primary(due=True), primary(is_writer=True), primary()) == [("db1", "replace")]


def test_no_member_is_replaced_while_another_one_is_not_synced() -> None:
    assert decided(primary(due=True, is_writer=True), primary(state="Joiner"), primary()) == [("db2", "join")]
    assert "these do not answer" in refused(primary(due=True, is_writer=True), primary(), None)


@pytest.mark.parametrize("encrypted", [True, False])
def test_running_members_are_not_replaced_by_members_that_could_not_join_them(encrypted: bool) -> None:
    former: Facts = {"encrypted": encrypted, "encrypts": encrypted}
    changed: Facts = {"encrypted": encrypted, "encrypts": not encrypted, "due": True}
    assert decided(primary(**former), primary(**former), primary(**former)) == []
    problem = "encrypt their traffic, so db1, db2, db3 could not join" if encrypted else "do not encrypt their traffic"
    assert problem in refused(primary(**changed), primary(**changed), primary(**changed))
    assert "db3 could not join" in refused(primary(**former), primary(**former), {**EMPTY, "encrypts": not encrypted})
    stopped_members = [stopped(9, clean=True, encrypts=not encrypted, safe_to_bootstrap=True) for _host in HOSTS]
    assert decided(*stopped_members) == [("db1", "bootstrap")]


def with_arbitrator(
    first: Facts | None, second: Facts | None, vote: Facts | None, **options: Any
) -> bootstrap.Decision:
    """Return the decision about two members, db1 and db2, and their arbitrator, db3."""
    observed = dict(zip(HOSTS, (first, second, vote)))
    return bootstrap.decide(observed, HOSTS[:2], arbitrator=HOSTS[2], **options)


VOTES: Facts = {"running": True, "joined": True}
IDLE: Facts = {"running": False, "joined": False}


@pytest.mark.parametrize("vote", [VOTES, IDLE, None])
def test_two_members_with_a_primary_need_nothing_of_their_arbitrator(vote: Facts | None) -> None:
    assert with_arbitrator(primary(), primary(), vote) == bootstrap.Decision()
    (step,) = with_arbitrator(primary(), stopped(3), vote).steps
    assert (step.host, step.action) == ("db2", "join")


def test_a_stopped_arbitrator_starts_with_the_members_of_the_last_view() -> None:
    steps = with_arbitrator(LOST, stopped(4), IDLE).steps
    assert [(step.host, step.action) for step in steps] == [("db1", "start"), ("db2", "start"), ("db3", "start")]
    assert [step.host for step in with_arbitrator(LOST, LOST, VOTES).steps] == ["db1", "db2"]


def test_the_arbitrator_stops_before_a_member_begins() -> None:
    (step,) = with_arbitrator(stopped(7), stopped(9), VOTES).steps
    assert (step.host, step.action) == ("db3", "stop")
    (step,) = with_arbitrator(stopped(7), stopped(9), IDLE).steps
    assert (step.host, step.action, step.seqno) == ("db2", "bootstrap", 9)
    (step,) = with_arbitrator(EMPTY, EMPTY, VOTES).steps
    assert (step.host, step.action) == ("db3", "stop")


def test_members_that_crashed_begin_without_an_arbitrator_that_does_not_answer() -> None:
    (step,) = with_arbitrator(stopped(7), stopped(9), None).steps
    assert (step.host, step.action) == ("db2", "bootstrap")
    (step,) = with_arbitrator(stopped(9, clean=True), stopped(9, clean=True, safe_to_bootstrap=True), None).steps
    assert (step.host, step.action) == ("db2", "bootstrap")


def test_members_that_left_an_arbitrator_in_order_do_not_begin_while_it_does_not_answer() -> None:
    facts = (stopped(9), stopped(9, clean=True), None)
    (problem,) = with_arbitrator(*facts).problems
    assert (problem.variable, problem.value) == ("waba_group_arbitrator", "db3")
    assert "may still be in the cluster that db2 left in order" in problem.problem
    (step,) = with_arbitrator(*facts, bootstrap_from="db1@9").steps
    assert step.forced


def test_one_of_two_members_does_not_begin_with_the_arbitrator() -> None:
    for facts in (stopped(9), stopped(9, clean=True), stopped(9, clean=True, safe_to_bootstrap=True)):
        (problem,) = with_arbitrator(facts, None, IDLE).problems
        assert "cannot prove" in problem.problem


def test_an_arbitrator_of_members_that_are_refused_is_left_as_it_is() -> None:
    assert with_arbitrator(stopped(9), None, VOTES).steps == ()


def test_the_table_has_a_row_for_every_host() -> None:
    facts = dict(zip(HOSTS, (stopped(7, clean=True), LOST, None)))
    assert bootstrap.rows(facts, HOSTS) == [
        ("db1", "stopped", "member", UUID, "7", "orderly"),
        ("db2", "non-Primary", "member", "", "", ""),
        ("db3", "does not answer", "", "", "", ""),
    ]


@pytest.mark.parametrize(("facts", "server"), [(VOTES, "runs"), (IDLE, "stopped"), (None, "does not answer")])
def test_the_table_has_a_row_for_an_arbitrator(facts: Facts | None, server: str) -> None:
    rows = bootstrap.rows(dict(zip(HOSTS, (LOST, LOST, facts))), HOSTS[:2], HOSTS[2])
    assert rows[2] == ("db3", server, "none (arbitrator)", "", "", "")
