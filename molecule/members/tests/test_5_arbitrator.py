"""Two members, and an arbitrator on a third host that votes and stores no data."""

from __future__ import annotations

import re

from conftest import LAB, MEMBERS, OUTAGE, PAUSE, SOON, SPARE, WHOLE, Lab, changed, secrets_file
from figures import figure
from plays import one_line, refusal
from waiting import wait_for

PAIR, ARBITRATOR = MEMBERS[:2], MEMBERS[2]
EVERY_HOST = (*PAIR, ARBITRATOR)
CONTAINER = "waba-arbitrator-db-arbitrator-1"
ALONE = "database: acknowledged by one member only"


def is_counted(lab: Lab, name: str, votes: int) -> bool:
    """Return whether a member is Primary and sees so many votes."""
    status = lab.status(name)
    return (status.get("wsrep_cluster_status"), status.get("wsrep_cluster_size")) == ("Primary", str(votes))


def choose(lab: Lab, host: str, *limit: str) -> None:
    """Start the database with the member of a host: the refusal has its position, and the next run accepts the loss of later messages."""
    refused = lab.play("start.yml", *limit, *SOON)
    assert refused.returncode != 0, refused.stdout
    assert "cannot prove that they have every acknowledged message" in one_line(refused.stdout)
    row = re.search(rf"{host} +stopped +member +\S+ +(\d+) +(crash|orderly|last of all)", refused.stdout)
    assert row, refused.stdout
    arguments = ("-e", f"waba_database_bootstrap_from={host}@{row[1]}")
    assert changed(lab.play("start.yml", *limit, *arguments, *SOON)) > 0
    wait_for(lambda: lab.api("node1").accepts("after a choice"), WHOLE, "a message is accepted")
    assert is_counted(lab, host, 2)


def test_two_members_without_an_arbitrator_are_refused(lab: Lab) -> None:
    lab.set_members(*PAIR)
    text = refusal(lab.play("site.yml"))
    assert "2 database hosts: two members stop when either is lost" in text
    assert "put another host into the group waba_arbitrator" in text


def test_two_members_and_an_arbitrator_start_from_nothing(lab: Lab) -> None:
    lab.power_on(*EVERY_HOST)  # an earlier test has lost one and replaced it
    lab.set_members(*PAIR, arbitrator=ARBITRATOR)
    changed(lab.play("uninstall.yml", "-e", "waba_wipe_volumes=true"))
    secrets_file(lab).unlink(missing_ok=True)
    lab.engine.containers.get(f"{LAB}-standin").restart(timeout=1)  # the epochs begin anew
    assert changed(lab.play("site.yml")) > 0
    lab.register()
    with lab.flow() as flow:
        lab.check_members()
    assert not flow.refused, flow.refused[:3]
    before = lab.started()
    assert changed(lab.play("site.yml")) == 0
    assert lab.started() == before


def test_arbitrator_has_no_data_few_rights_and_encrypted_traffic(lab: Lab) -> None:
    assert lab.run(ARBITRATOR, f"docker exec {CONTAINER} ls -A /var/lib/mysql").split() == ["gvwstate.dat"]
    limits = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.LogConfig.Config}}"
    found = lab.run(ARBITRATOR, f"docker inspect -f '{limits}' {CONTAINER}")
    assert found.strip() == "true map[max-file:5 max-size:10m]"
    owner = lab.run(ARBITRATOR, f"docker exec {CONTAINER} sh -c 'stat -c %U /proc/1; grep CapEff /proc/1/status'")
    assert owner.split() == ["mysql", "CapEff:", "0000000000000000"]
    assert "listening at ssl://0.0.0.0:4567" in lab.run(ARBITRATOR, f"docker logs {CONTAINER} 2>&1")
    memory = lab.run(ARBITRATOR, f"docker stats --no-stream --format '{{{{.MemUsage}}}}' {CONTAINER}")
    figure("memory of the arbitrator", memory.strip())


def test_status_has_rows_for_members_and_arbitrator(lab: Lab) -> None:
    report = lab.play("status.yml")
    assert report.returncode == 0, report.stdout
    rows = [line.split() for line in report.stdout.splitlines() if line.strip().startswith(EVERY_HOST)]
    assert sorted(row[1] for row in rows if "Primary" in row) == ["reader", "writer"]
    assert [row[:3] for row in rows if row[1] == "arbitrator"] == [[ARBITRATOR, "arbitrator", "votes"]]


def test_loss_of_the_writers_host_refuses_no_call_and_is_reported(lab: Lab) -> None:
    writer = lab.writer()
    (other,) = set(PAIR) - {writer}
    with lab.flow() as flow:
        lab.power_off(writer)
        wait_for(lambda: lab.sql(other, "SELECT member FROM waba_guard.writer") == f"{other}\n", 60, "the other writes")
        count = len(flow.accepted)
        wait_for(lambda: len(flow.accepted) > count + 20, 60, "messages are accepted")
        wait_for(lambda: ALONE in lab.health_line("node1"), 60, "health reports that one member acknowledges alone")
        lab.power_on(writer)
        wait_for(lab.is_whole, WHOLE, "the lost member is back")
        wait_for(lambda: lab.health_line("node1") == "ok", 60, "two members acknowledge again")
    figure("the writer's host of two lost", f"gaps {flow.gaps()}, refused {len(flow.refused)}")
    assert max(flow.gaps(), default=0) <= PAUSE
    assert not flow.refused, flow.refused[:3]
    lab.check_members()


def test_writer_whose_guard_is_frozen_is_replaced(lab: Lab) -> None:
    """The group still sees the server, and the vote of the arbitrator stands in for a third guard."""
    writer = lab.writer()
    with lab.flow() as flow:
        lab.run(writer, "docker pause waba-db-db-guard-1")
        wait_for(lambda: lab.writer() not in ("", writer), 60, "the other member writes")
        count = len(flow.accepted)
        wait_for(lambda: len(flow.accepted) > count + 20, 60, "messages are accepted")
        lab.run(writer, "docker unpause waba-db-db-guard-1")
    figure("the writer's guard frozen", f"gaps {flow.gaps()}, refused {len(flow.refused)}")
    assert not flow.refused, flow.refused[:3]
    lab.check_members()


def test_loss_of_the_arbitrators_host_interrupts_nothing_and_is_reported(lab: Lab) -> None:
    with lab.flow() as flow:
        lab.power_off(ARBITRATOR)
        wait_for(lambda: is_counted(lab, PAIR[0], 2), 60, "the arbitrator has left the group")
        report = lab.play("status.yml")
        assert report.returncode != 0, report.stdout
        assert ARBITRATOR in report.stdout
        lab.power_on(ARBITRATOR)
        wait_for(lab.is_whole, WHOLE, "the arbitrator votes again")
    figure("the arbitrator's host lost", f"gaps {flow.gaps()}, refused {len(flow.refused)}")
    assert not flow.refused, flow.refused[:3]
    assert changed(lab.play("site.yml")) == 0


def test_hosts_that_are_all_lost_return_without_a_command(lab: Lab) -> None:
    with lab.flow():
        lab.power_off(*EVERY_HOST)
        lab.power_on(*EVERY_HOST)
        seconds = wait_for(lambda: lab.api("node1").accepts("after the loss of all"), WHOLE, "a message is accepted")
        figure(
            "two members and arbitrator lost",
            f"accepting {seconds:.0f} s after their hosts had started (goal {OUTAGE})",
        )
        wait_for(lab.is_whole, WHOLE, "every vote is back")
    lab.check_members()
    assert changed(lab.play("site.yml")) == 0


def test_one_member_and_the_arbitrator_of_its_last_view_return_without_a_command(lab: Lab) -> None:
    with lab.flow():
        lab.power_off(PAIR[0])
        wait_for(lambda: is_counted(lab, PAIR[1], 2), 60, "the first member has left the group")
        lab.power_off(PAIR[1], ARBITRATOR)
        lab.power_on(PAIR[1], ARBITRATOR)
        wait_for(lambda: lab.api("node1").accepts("with one of two"), WHOLE, "a message is accepted")
        lab.power_on(PAIR[0])
        wait_for(lab.is_whole, WHOLE, "the first member is back")
    lab.check_members()


def test_members_begin_without_an_arbitrator_that_is_lost_too(lab: Lab) -> None:
    with lab.flow():
        lab.power_off(*EVERY_HOST)
        lab.power_on(*PAIR)
        assert changed(lab.play("start.yml", "--limit", f"!{ARBITRATOR}", *SOON)) > 0
        wait_for(lambda: lab.api("node1").accepts("without an arbitrator"), WHOLE, "a message is accepted")
        lab.power_on(ARBITRATOR)
        wait_for(lab.is_whole, WHOLE, "the arbitrator votes again")
    lab.check_members()
    assert changed(lab.play("site.yml")) == 0


def test_one_of_two_members_begins_with_the_choice_of_an_operator_only(lab: Lab) -> None:
    former = lab.status(PAIR[0])["wsrep_cluster_state_uuid"]
    lab.power_off(*EVERY_HOST)
    lab.power_on(PAIR[0], ARBITRATOR)
    choose(lab, PAIR[0], "--limit", f"!{PAIR[1]}")
    lab.power_on(PAIR[1])
    wait_for(lab.is_whole, WHOLE, "the left-out member has copied all data")
    lab.check_members()
    assert lab.status(PAIR[1])["wsrep_cluster_state_uuid"] != former
    assert changed(lab.play("site.yml")) == 0


def lose_first_member(lab: Lab) -> None:
    lab.power_off(PAIR[0])
    wait_for(lambda: is_counted(lab, PAIR[1], 2), 60, "the first member has left the group")
    wait_for(lambda: lab.api("node1").accepts("with one member"), WHOLE, "a message is accepted")


def return_first_member(lab: Lab) -> None:
    lab.power_on(PAIR[0])
    wait_for(lab.is_whole, WHOLE, "the first member is back")
    lab.check_members()


def test_server_that_crashes_while_the_other_member_is_away_serves_again_by_itself(lab: Lab) -> None:
    lose_first_member(lab)
    with lab.flow():
        lab.run(PAIR[1], "kill -9 $(docker inspect -f '{{.State.Pid}}' waba-db-db-1)")
        wait_for(lambda: not lab.status(PAIR[1]), 30, "the server is gone")
        seconds = wait_for(lambda: lab.api("node1").accepts("after a crash"), WHOLE, "a message is accepted")
    figure("the only server crashed", f"accepting after {seconds:.0f} s")
    return_first_member(lab)


def test_server_that_restarts_in_order_while_the_other_member_is_away_needs_a_choice(lab: Lab) -> None:
    """An arbitrator that is left alone must not make the data of the member unusable."""
    lose_first_member(lab)
    lab.run(PAIR[1], "docker restart waba-db-db-1")
    choose(lab, PAIR[1], "--limit", f"!{PAIR[0]}")
    return_first_member(lab)


def test_rolling_replacement_of_two_members_refuses_no_call(lab: Lab) -> None:
    before = lab.started()
    lab.set_options(max_connections=300)
    with lab.flow() as flow:
        assert changed(lab.play("site.yml")) > 0
    lab.check_members()
    assert [lab.sql(name, "SELECT @@max_connections") for name in PAIR] == ["300\n"] * len(PAIR)
    assert not flow.refused, flow.refused[:3]
    after = lab.started()
    assert [name for name in before if before[name] != after[name]] == list(PAIR)
    assert changed(lab.play("site.yml")) == 0


def test_database_with_an_arbitrator_is_stopped_in_order_and_started(lab: Lab) -> None:
    assert changed(lab.play("stop.yml", "-e", "waba_stop_database=true")) > 0
    assert not lab.run(ARBITRATOR, "docker ps -q --filter label=waba.cluster.name=waba")
    assert changed(lab.play("start.yml")) > 0
    wait_for(lambda: lab.api("node1").accepts("after a stop"), WHOLE, "a message is accepted")
    lab.check_members()


def test_logs_of_the_arbitrator_are_collected(lab: Lab) -> None:
    report = lab.play("logs.yml", "-e", f"waba_logs_dir={lab.folder / 'logs'}")
    assert report.returncode == 0, report.stdout
    assert CONTAINER in report.stdout, report.stdout


def test_a_third_member_takes_the_place_of_the_arbitrator(lab: Lab) -> None:
    folder = "/opt/waba"
    lab.run(ARBITRATOR, f"docker compose -f {folder}/multiconnect-arbitrator.yml down --volumes")
    lab.run(ARBITRATOR, f"rm {folder}/multiconnect-arbitrator.yml {folder}/database-members")
    with lab.flow() as flow:
        lab.set_members(*PAIR, SPARE)
        assert changed(lab.play("site.yml")) > 0
    lab.check_members()
    assert not flow.refused, flow.refused[:3]
    assert changed(lab.play("site.yml")) == 0


def test_one_server_becomes_two_members_with_an_arbitrator_without_losing_a_message(lab: Lab) -> None:
    assert changed(lab.play("uninstall.yml", "-e", "waba_wipe_volumes=true")) > 0
    secrets_file(lab).unlink(missing_ok=True)
    lab.engine.containers.get(f"{LAB}-standin").restart(timeout=1)
    lab.set_members(PAIR[0])
    assert changed(lab.play("site.yml")) > 0
    lab.register()
    lab.set_members(*PAIR, arbitrator=ARBITRATOR)
    with lab.flow() as flow:
        assert changed(lab.play("site.yml")) > 0
    lab.check_members()
    stored = lab.sql(PAIR[1], "SELECT message_id FROM waba.message") or ""
    assert set(flow.accepted) <= set(stored.split())
    assert changed(lab.play("site.yml")) == 0


def test_uninstall_removes_members_and_arbitrator_with_their_volumes(lab: Lab) -> None:
    assert changed(lab.play("uninstall.yml", "-e", "waba_wipe_volumes=true")) > 0
    for name in EVERY_HOST:
        assert not lab.run(
            name, "docker ps -aq --filter label=waba.cluster.name=waba; docker volume ls -q | grep ^waba_ || true"
        )
        assert not lab.run(name, "ls /opt/waba 2>/dev/null || true")
