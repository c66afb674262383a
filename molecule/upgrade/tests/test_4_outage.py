"""An upgrade whose schema older nodes cannot use needs an outage; the way back is the backup."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import INVENTORY, Api, Cluster, accepted, are_healthy, backup_archive, changed, play, refusal, wait_for
from killed_runs import Kill, run_and_kill
from steps import ROLL, WRITE_DEFINITION

INCOMPATIBLE = ("-e", "waba_version=2.0.0")
OUTAGE = ("-e", "waba_upgrade_outage=true")


@pytest.fixture(scope="module")
def upgraded(cluster: Cluster, apis: list[Api]) -> tuple[Path, str]:
    """The backup that the upgrade made, and the id of a message in it."""
    message = accepted(apis[0], "before the outage")
    result = play("upgrade.yml", *INCOMPATIBLE, *OUTAGE)
    assert changed(result) > 0
    return backup_archive(result), message


def test_upgrade_is_refused_without_waba_upgrade_outage(cluster: Cluster) -> None:
    before = cluster.started()
    output = refusal(play("upgrade.yml", *INCOMPATIBLE))
    assert "with migration 9002 the nodes" in output
    assert "Set waba_upgrade_outage to true" in output
    assert cluster.started() == before


def test_accepted_outage_upgrades_every_node(cluster: Cluster, apis: list[Api], upgraded: tuple[Path, str]) -> None:
    assert cluster.versions() == cluster.versions_in_file() == {"2.0.0"}
    wait_for(lambda: are_healthy(apis), 60, "the cluster is healthy after the outage")
    accepted(apis[1], "after the outage")
    assert cluster.sql(f"SELECT COUNT(*) FROM message WHERE message_id = '{upgraded[1]}'") == "1"


def test_rollback_is_refused_if_older_nodes_cannot_use_the_schema(cluster: Cluster) -> None:
    before = cluster.started()
    assert "Restore a backup of that time with restore.yml, or keep the running version" in refusal(
        play("rollback.yml")
    )
    assert cluster.started() == before


def test_restored_backup_runs_on_the_former_version(
    cluster: Cluster, apis: list[Api], upgraded: tuple[Path, str]
) -> None:
    archive, message = upgraded
    changed(play("stop.yml", *INCOMPATIBLE))
    changed(play("restore.yml", "-e", f"waba_restore_archive={archive}", "-e", "waba_restore_overwrite=true"))
    changed(play("site.yml", *OUTAGE))
    assert cluster.versions() == {"1.0.0"}
    wait_for(lambda: are_healthy(apis), 60, "the cluster is healthy after the restore")
    assert cluster.sql(f"SELECT COUNT(*) FROM message WHERE message_id = '{message}'") == "1"
    assert changed(play("site.yml")) == 0


def test_run_after_a_killed_outage_starts_every_stopped_node(cluster: Cluster, apis: list[Api]) -> None:
    """The run is killed after the masters: they have the new image already, and are stopped."""
    kill = Kill(7, mark=ROLL)
    killed = run_and_kill(INVENTORY, "upgrade.yml", *INCOMPATIBLE, *OUTAGE, kill=kill)
    assert WRITE_DEFINITION in killed.task, killed.tasks
    assert cluster.versions() == {"1.0.0", "2.0.0"}
    changed(play("upgrade.yml", *INCOMPATIBLE, *OUTAGE))
    assert cluster.versions() == cluster.versions_in_file() == {"2.0.0"}
    assert are_healthy(apis), "upgrade.yml waits until the cluster is healthy"
