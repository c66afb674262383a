"""A schema that running nodes could not work with: refused, unless an outage is accepted; and the documented way back, from the backup."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import INVENTORY, Api, Cluster, accepted, are_healthy, changed, backup_archive, play, refusal, wait_for
from killed_runs import Kill, run_and_kill

LATER = ("-e", "waba_version=2.0.0")
OUTAGE = ("-e", "waba_upgrade_outage=true")


@pytest.fixture(scope="module")
def upgraded(cluster: Cluster, apis: list[Api]) -> tuple[Path, str]:
    """The backup that the upgrade made first, and the id of a message that is in it."""
    kept = accepted(apis[0], "before the outage")
    result = play("upgrade.yml", *LATER, *OUTAGE)
    assert changed(result) > 0
    return backup_archive(result), kept


def test_it_is_refused_without_the_word(cluster: Cluster) -> None:
    before = cluster.started()
    said = refusal(play("upgrade.yml", *LATER))
    assert "with migration 9002 the nodes" in said
    assert "Set waba_upgrade_outage to true" in said
    assert cluster.started() == before


def test_an_accepted_outage_brings_everything_to_the_new_version(cluster: Cluster, apis: list[Api], upgraded) -> None:
    assert cluster.versions() == cluster.versions_in_file() == {"2.0.0"}
    wait_for(lambda: are_healthy(apis), 60, "the cluster is healthy after the outage")
    accepted(apis[1], "after the outage")
    assert cluster.sql(f"SELECT COUNT(*) FROM message WHERE message_id = '{upgraded[1]}'") == "1"


def test_going_back_is_refused_since_the_schema_is_not_for_older_nodes(cluster: Cluster) -> None:
    before = cluster.started()
    assert "Restore a backup of that time with restore.yml, or stay" in refusal(play("rollback.yml"))
    assert cluster.started() == before


def test_the_backup_leads_back(cluster: Cluster, apis: list[Api], upgraded) -> None:
    archive, kept = upgraded
    changed(play("stop.yml", *LATER))
    changed(play("restore.yml", "-e", f"waba_restore_archive={archive}", "-e", "waba_restore_overwrite=true"))
    changed(play("site.yml", *OUTAGE))
    assert cluster.versions() == {"1.0.0"}
    wait_for(lambda: are_healthy(apis), 60, "the cluster is healthy after going back")
    assert cluster.sql(f"SELECT COUNT(*) FROM message WHERE message_id = '{kept}'") == "1"
    assert changed(play("site.yml")) == 0


def test_a_run_after_a_killed_one_starts_all_that_was_stopped(cluster: Cluster, apis: list[Api]) -> None:
    """Killed when the masters had their turn: they run the new version, are stopped again, and are in no need of another image."""
    kill = Kill(7, mark="Step by step")
    killed = run_and_kill(INVENTORY, "upgrade.yml", *LATER, *OUTAGE, kill=kill)
    assert killed.task.endswith("Write their new definition"), killed.tasks
    assert cluster.versions() == {"1.0.0", "2.0.0"}
    changed(play("upgrade.yml", *LATER, *OUTAGE))
    assert cluster.versions() == cluster.versions_in_file() == {"2.0.0"}
    assert are_healthy(apis), "upgrade.yml waited for that"
