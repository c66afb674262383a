"""Upgrade and rollback under traffic. Each test begins where the one before it ended."""

from __future__ import annotations

import time

from conftest import FILE, Api, Cluster, Flow, Receiver, are_healthy, changed, play, refusal
from flow import HANDOVER_LIMIT
from plays import one_line

NEXT = ("-e", "waba_version=1.1.0")
# The first failure is tolerated, the second ends the roll.
BROKEN = ("-e", "waba_version=1.2.0", "-e", "waba_upgrade_backup=false", "-e", "waba_upgrade_failures=1")


def assert_no_client_noticed(what: str, flow: Flow, receiver: Receiver, seconds: float) -> None:
    print(f"\nmeasured: {what} in {seconds:.0f} s; {flow.summary()}")
    assert flow.refused == []
    assert flow.calls > 20
    assert sum(flow.handover_pauses()) <= HANDOVER_LIMIT
    assert receiver.undelivered(flow.accepted) == set()


def test_upgrade_under_traffic_interrupts_no_client(
    cluster: Cluster, apis: list[Api], flow: Flow, receiver: Receiver
) -> None:
    assert cluster.versions() == {"1.0.0"}
    database, began = cluster.database().attrs["State"]["StartedAt"], time.monotonic()
    with flow:
        result = play("upgrade.yml", *NEXT)
    assert changed(result) > 0
    assert flow.handover_pauses(), "the connected coreapp hands over"
    assert_no_client_noticed("upgrade", flow, receiver, time.monotonic() - began)
    assert cluster.versions() == cluster.versions_in_file() == {"1.1.0"}
    assert are_healthy(apis)
    assert cluster.sql("SELECT MAX(revision) FROM schema_history") == "9001"
    assert cluster.sql("SHOW TABLES LIKE 'rehearsal'") == "rehearsal"
    assert cluster.database().attrs["State"]["StartedAt"] == database


def test_second_run_changes_nothing(cluster: Cluster) -> None:
    before = cluster.started()
    assert changed(play("upgrade.yml", *NEXT)) == 0
    assert changed(play("site.yml", *NEXT)) == 0
    assert cluster.started() == before


def test_older_version_is_refused_with_the_fix(cluster: Cluster) -> None:
    before = cluster.started(), FILE.read_text(encoding="utf-8")
    site = refusal(play("site.yml"))
    assert "would go from version 1.1.0 to 1.0.0 all at once" in site
    assert "Set waba_version to 1.1.0, or run rollback.yml to go back" in site
    upgrade = refusal(play("upgrade.yml"))
    assert "nodes run version 1.1.0: this would go back" in upgrade
    assert "Run rollback.yml to go back" in upgrade
    assert (cluster.started(), FILE.read_text(encoding="utf-8")) == before


def test_version_that_does_not_start_is_rolled_back(
    cluster: Cluster, apis: list[Api], flow: Flow, receiver: Receiver
) -> None:
    before, file, began = set(cluster.started()), FILE.read_text(encoding="utf-8"), time.monotonic()
    with flow:
        result = play("upgrade.yml", *BROKEN)
    assert result.returncode != 0
    output = one_line(result.stdout)
    assert (
        "could not be brought to version 1.2.0, see the table above. They have their former image and files again"
        in output
    )
    assert "it keeps exiting" in output
    assert "and the cluster serves. Fix the cause and run upgrade.yml again" in output
    assert_no_client_noticed("failed upgrade, rolled back,", flow, receiver, time.monotonic() - began)
    assert cluster.versions() == {"1.1.0"}
    assert FILE.read_text(encoding="utf-8") == file
    assert len(before - set(cluster.started())) == 2, (
        "the roll continues after the first failure and stops at the second"
    )
    assert are_healthy(apis)


def test_rollback_under_traffic_interrupts_no_client(
    cluster: Cluster, apis: list[Api], flow: Flow, receiver: Receiver
) -> None:
    began = time.monotonic()
    with flow:
        result = play("rollback.yml")
    assert changed(result) > 0
    assert flow.handover_pauses(), "the connected coreapp hands over"
    assert_no_client_noticed("rollback", flow, receiver, time.monotonic() - began)
    assert cluster.versions() == cluster.versions_in_file() == {"1.0.0"}
    assert are_healthy(apis), "older nodes work with the newer schema"
    assert changed(play("site.yml")) == 0


def test_restart_under_traffic_interrupts_no_client(cluster: Cluster, flow: Flow, receiver: Receiver) -> None:
    before, began = cluster.started(), time.monotonic()
    with flow:
        assert changed(play("restart.yml")) > 0
    assert flow.handover_pauses(), "the connected coreapp hands over"
    assert_no_client_noticed("rolling restart", flow, receiver, time.monotonic() - began)
    after = cluster.started()
    assert set(after) == set(before)
    assert [one.name for one in cluster.containers() if after[str(one.id)] == before[str(one.id)]] == [
        cluster.database().name
    ]
