"""From one version to the next and back, under traffic. The tests follow each other: each begins where the one before it ended."""

from __future__ import annotations

import time

from conftest import FILE, Business, Cluster, Traffic, changed, play, refusal, undelivered

LONGEST_PAUSE = 2.0  # seconds in the whole of an upgrade: the rule
NEXT = ("-e", "waba_version=1.1.0")
BROKEN = ("-e", "waba_version=1.2.0", "-e", "waba_upgrade_backup=false")


def assert_nobody_noticed(what: str, traffic: Traffic, receiver, seconds: float) -> None:
    moves, gaps = (", ".join(f"{one:.2f}" for one in found) or "none" for found in (traffic.moves(), traffic.gaps()))
    print(
        f"\nmeasured: {what} in {seconds:.0f} s; {len(traffic.accepted)} messages and {traffic.calls} calls; "
        f"sending paused (s): {moves}; gaps between accepted messages (s): {gaps}; {traffic.failed_once} calls taken by the other webapp"
    )
    assert traffic.refused == []
    assert traffic.calls > 20
    assert sum(traffic.moves()) <= LONGEST_PAUSE
    assert undelivered(receiver, set(traffic.accepted)) == set()


def test_upgrade_under_traffic(cluster: Cluster, business: Business, receiver) -> None:
    assert cluster.versions() == {"1.0.0"}
    database, began = cluster.database().attrs["State"]["StartedAt"], time.monotonic()
    with Traffic(business, cluster) as traffic:
        result = play("upgrade.yml", *NEXT)
    assert changed(result) > 0
    assert traffic.moves(), "the connected coreapp handed over"
    assert_nobody_noticed("upgrade", traffic, receiver, time.monotonic() - began)
    assert cluster.versions() == cluster.versions_in_file() == {"1.1.0"}
    assert business.is_whole()
    assert cluster.sql("SELECT MAX(revision) FROM schema_history") == "9001"
    assert cluster.sql("SHOW TABLES LIKE 'rehearsal'") == "rehearsal"
    assert cluster.database().attrs["State"]["StartedAt"] == database


def test_a_second_run_changes_nothing(cluster: Cluster) -> None:
    before = cluster.started()
    assert changed(play("upgrade.yml", *NEXT)) == 0
    assert changed(play("site.yml", *NEXT)) == 0
    assert cluster.started() == before


def test_an_older_version_is_refused_with_the_mend(cluster: Cluster) -> None:
    before = cluster.started(), FILE.read_text(encoding="utf-8")
    site = refusal(play("site.yml"))
    assert "would go from version 1.1.0 to 1.0.0 all at once" in site
    assert "Set waba_version to 1.1.0, or run rollback.yml to go back" in site
    upgrade = refusal(play("upgrade.yml"))
    assert "nodes run version 1.1.0: this would go back" in upgrade
    assert "Run rollback.yml, if that is what you want" in upgrade
    assert (cluster.started(), FILE.read_text(encoding="utf-8")) == before


def test_a_version_that_does_not_start_is_put_back(cluster: Cluster, business: Business, receiver) -> None:
    before, file, began = set(cluster.started()), FILE.read_text(encoding="utf-8"), time.monotonic()
    with Traffic(business, cluster) as traffic:
        result = play("upgrade.yml", *BROKEN)
    assert result.returncode != 0
    said = " ".join(result.stdout.split())
    assert "could not be brought to version 1.2.0, and has its former image and files again" in said
    assert "it keeps exiting" in said
    assert "The cluster serves. Mend the cause and run upgrade.yml again" in said
    assert_nobody_noticed("a broken version tried and put back", traffic, receiver, time.monotonic() - began)
    assert cluster.versions() == {"1.1.0"}
    assert FILE.read_text(encoding="utf-8") == file
    assert len(before - set(cluster.started())) == 1, "the roll stopped at the first node"
    assert business.is_whole()


def test_rollback_under_traffic(cluster: Cluster, business: Business, receiver) -> None:
    began = time.monotonic()
    with Traffic(business, cluster) as traffic:
        result = play("rollback.yml")
    assert changed(result) > 0
    assert traffic.moves(), "the connected coreapp handed over"
    assert_nobody_noticed("rollback", traffic, receiver, time.monotonic() - began)
    assert cluster.versions() == cluster.versions_in_file() == {"1.0.0"}
    assert business.is_whole(), "older nodes work with the newer schema, which says that they may"
    assert changed(play("site.yml")) == 0


def test_restart_node_by_node_under_traffic(cluster: Cluster, business: Business, receiver) -> None:
    before, began = cluster.started(), time.monotonic()
    with Traffic(business, cluster) as traffic:
        assert changed(play("restart.yml")) > 0
    assert traffic.moves(), "the connected coreapp handed over"
    assert_nobody_noticed("restart, node by node,", traffic, receiver, time.monotonic() - began)
    after = cluster.started()
    assert set(after) == set(before)
    assert [one.name for one in cluster.containers() if after[one.id] == before[one.id]] == [cluster.database().name]
