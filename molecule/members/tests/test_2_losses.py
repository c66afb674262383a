"""Members are lost, alone or together, and return."""

from __future__ import annotations

import re

from conftest import MEMBERS, OUTAGE, PAUSE, SOON, WHOLE, Lab, changed
from figures import figure
from plays import one_line, refusal
from waiting import wait_for


def test_loss_of_the_writers_host_refuses_no_call(lab: Lab) -> None:
    writer = lab.writer()
    with lab.flow() as flow:
        lab.power_off(writer)
        others = [name for name in MEMBERS if name != writer]
        wait_for(
            lambda: lab.sql(others[0], "SELECT member FROM waba_guard.writer") != f"{writer}\n", 60, "another writes"
        )
        count = len(flow.accepted)
        wait_for(lambda: len(flow.accepted) > count + 20, 60, "messages are accepted")
        lab.power_on(writer)
        wait_for(lab.is_whole, WHOLE, "the lost member is back")
    figure("the writer's host lost", f"gaps {flow.gaps()}, refused {len(flow.refused)}")
    assert max(flow.gaps(), default=0) <= PAUSE
    assert not flow.refused, flow.refused[:3]
    lab.check_members()


def test_members_that_are_all_lost_return_without_a_command(lab: Lab) -> None:
    with lab.flow():
        lab.power_off(*MEMBERS)
        lab.power_on(*MEMBERS)
        seconds = wait_for(lambda: lab.api("node1").accepts("after the loss of all"), WHOLE, "a message is accepted")
        figure("all members lost", f"accepting {seconds:.0f} s after their hosts had started (goal {OUTAGE})")
        wait_for(lab.is_whole, WHOLE, "every member is back")
    lab.check_members()
    assert changed(lab.play("site.yml")) == 0


def test_two_of_three_begin_and_the_third_joins(lab: Lab) -> None:
    with lab.flow():
        lab.power_off(*MEMBERS)
        lab.power_on("db1", "db2")
        assert changed(lab.play("start.yml", "--limit", "!db3")) > 0
        wait_for(lambda: lab.api("node1").accepts("with two of three"), WHOLE, "a message is accepted")
        lab.power_on("db3")
        wait_for(lab.is_whole, WHOLE, "the third member is back")
    lab.check_members()
    assert changed(lab.play("site.yml")) == 0


def test_one_of_three_is_refused_with_a_table_and_begins_with_the_choice_of_an_operator(lab: Lab) -> None:
    former = lab.status("db1")["wsrep_cluster_state_uuid"]
    lab.power_off(*MEMBERS)
    lab.power_on("db1")
    limit = ("--limit", "!db2:!db3")
    refused = lab.play("start.yml", *limit)
    assert refused.returncode != 0, refused.stdout
    text = one_line(refused.stdout)
    assert "db2 does not answer" in text
    assert "cannot prove that they have every acknowledged message" in text
    row = re.search(rf"db1 +stopped +member +{former} +(\d+) +crash", refused.stdout)
    assert row, refused.stdout
    seqno = row[1]
    wrong = lab.play("start.yml", *limit, "-e", f"waba_database_bootstrap_from=db1@{int(seqno) + 1}", *SOON)
    assert wrong.returncode != 0
    assert f"db1 has seqno {seqno}" in one_line(wrong.stdout)
    epoch = int(lab.upstream()["connected"].get("0") or 0)
    assert changed(lab.play("start.yml", *limit, "-e", f"waba_database_bootstrap_from=db1@{seqno}", *SOON)) > 0
    wait_for(lambda: lab.api("node1").accepts("after a forced start"), WHOLE, "a message is accepted")
    wait_for(lambda: int(lab.upstream()["connected"].get("0") or 0) > epoch, WHOLE, "a later epoch is connected")
    lab.power_on("db2", "db3")
    wait_for(lab.is_whole, WHOLE, "the left-out members have copied all data")
    lab.check_members()
    assert lab.status("db2")["wsrep_cluster_state_uuid"] != former
    assert changed(lab.play("site.yml")) == 0


def test_choice_of_an_operator_is_refused_while_the_database_runs(lab: Lab) -> None:
    refused = lab.play("start.yml", "-e", "waba_database_bootstrap_from=db1@1")
    assert "the database runs on" in refusal(refused)
