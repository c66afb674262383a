"""Maintenance of the members by the playbooks."""

from __future__ import annotations

from conftest import ARRIVAL, MEMBERS, SPARE, WHOLE, Lab, changed
from figures import figure
from plays import backup_archive
from waiting import wait_for


def test_rolling_replacement_refuses_no_call(lab: Lab) -> None:
    former, before = lab.writer(), lab.started()
    lab.set_options(max_connections=400)
    with lab.flow() as flow:
        assert changed(lab.play("site.yml")) > 0
    lab.check_members()
    assert [lab.sql(name, "SELECT @@max_connections") for name in MEMBERS] == ["400\n"] * len(MEMBERS)
    assert lab.writer() != former
    figure("rolling replacement", f"gaps {flow.gaps()}, refused {len(flow.refused)}")
    assert not flow.refused, flow.refused[:3]
    after = lab.started()
    assert all(before[name] != after[name] for name in MEMBERS)
    assert all(before[name] == after[name] for name in ("node1", "node2"))
    assert changed(lab.play("site.yml")) == 0


def test_encryption_is_not_switched_while_members_run(lab: Lab) -> None:
    before = lab.started()
    files = {f"waba_mysql_member_{part}": "" for part in ("ca", "certificate", "certificate_key")}
    refused = lab.play("site.yml", *(part for name in files for part in ("-e", f"{name}=")))
    assert refused.returncode != 0
    assert "the members that run encrypt their traffic" in " ".join(refused.stdout.split())
    assert lab.started() == before
    assert lab.play("site.yml").returncode == 0


def test_one_member_is_stopped_and_started(lab: Lab) -> None:
    with lab.flow() as flow:
        assert changed(lab.play("stop.yml", "--limit", "db3", "-e", "waba_stop_database=true")) > 0
        assert changed(lab.play("start.yml")) > 0
    assert not flow.refused, flow.refused[:3]
    lab.check_members()


def test_database_is_stopped_in_order_and_started(lab: Lab) -> None:
    assert changed(lab.play("stop.yml", "-e", "waba_stop_database=true")) > 0
    assert changed(lab.play("start.yml")) > 0
    wait_for(lambda: lab.api("node1").accepts("after a stop"), ARRIVAL, "a message is accepted")
    lab.check_members()


def test_backup_of_a_reader_is_restored_through_the_writer(lab: Lab) -> None:
    with lab.flow() as flow:
        done = lab.play("backup.yml")
        archive = backup_archive(done)
    assert not flow.refused, flow.refused[:3]
    assert changed(lab.play("stop.yml")) > 0
    restored = lab.play("restore.yml", "-e", f"waba_restore_archive={archive}", "-e", "waba_restore_overwrite=true")
    assert changed(restored) > 0
    assert changed(lab.play("start.yml")) > 0
    wait_for(lambda: lab.api("node1").accepts("after a restore"), ARRIVAL, "a message is accepted")
    lab.check_members()


def test_lost_member_is_replaced_by_another_host(lab: Lab) -> None:
    with lab.flow():
        lab.power_off("db3")
        lab.set_members("db1", "db2", SPARE)
        assert changed(lab.play("site.yml")) > 0
        wait_for(lab.is_whole, WHOLE, "the new member is in step")
    lab.check_members()
    assert changed(lab.play("site.yml")) == 0


def test_passwords_of_the_database_are_rotated_on_every_member(lab: Lab) -> None:
    secrets = ("waba_database_password", "waba_database_root_password")
    with lab.flow() as flow:
        assert changed(lab.play("rotate_secrets.yml", "-e", f"waba_rotate={','.join(secrets)}")) > 0
    assert not flow.refused, flow.refused[:3]
    accounts = "SELECT User FROM mysql.user WHERE User LIKE 'waba%' AND Host = '%'"
    assert {lab.sql(name, accounts) for name in lab.members} == {"waba_2\n"}
    lab.check_members()
    assert changed(lab.play("site.yml")) == 0
