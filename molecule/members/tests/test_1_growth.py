"""From one server to three members."""

from __future__ import annotations

from conftest import MEMBERS, Lab, changed
from figures import figure


def test_cluster_with_one_server_accepts_messages(lab: Lab) -> None:
    lab.set_members(MEMBERS[0])
    assert changed(lab.play("site.yml")) > 0
    lab.register()


def test_one_server_becomes_three_members_without_losing_a_message(lab: Lab) -> None:
    lab.set_members(*MEMBERS)
    with lab.flow() as flow:
        assert changed(lab.play("site.yml")) > 0
    lab.check_members()
    figure("one server to three members", f"gaps between accepted messages (s): {flow.gaps()}")
    stored = lab.sql(MEMBERS[2], "SELECT message_id FROM waba.message") or ""
    assert set(flow.accepted) <= set(stored.split())


def test_second_run_changes_nothing_and_restarts_nothing(lab: Lab) -> None:
    before = lab.started()
    assert changed(lab.play("site.yml")) == 0
    assert lab.started() == before


def test_members_encrypt_their_traffic_and_remember_their_positions(lab: Lab) -> None:
    for name in MEMBERS:
        options = lab.sql(name, "SELECT @@wsrep_provider_options") or ""
        assert "socket.ssl = YES" in options
        assert '"seqno": ' in lab.run(name, "docker exec waba-db-db-guard-1 cat /run/mysqld/waba-position")


def test_status_has_a_row_for_each_member(lab: Lab) -> None:
    report = lab.play("status.yml")
    assert report.returncode == 0, report.stdout
    rows = [line.split() for line in report.stdout.splitlines() if line.strip().startswith(MEMBERS)]
    roles = [row[1] for row in rows if "Primary" in row]
    assert sorted(roles) == ["reader", "reader", "writer"]
