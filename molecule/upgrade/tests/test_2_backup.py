"""What was backed up is there again after a restore, and a restore loses nothing by mistake. These tests stop the nodes, and start them again."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from conftest import Api, Cluster, accepted, are_healthy, changed, backup_archive, play, refusal, wait_for

USER, PASSWORD = "operator", "Op3rator-secret"


@pytest.fixture(scope="module")
def backup(apis: list[Api]) -> tuple[Path, str]:
    """An archive, and the id of a message that is in it."""
    kept = accepted(apis[0], "kept")
    apis[0].call("POST", "users", {"username": USER, "password": PASSWORD})
    apis[0].call("PATCH", "settings/application", {"heartbeat_interval": 4})
    result = play("backup.yml")
    assert changed(result) > 0
    return backup_archive(result), kept


def restore(archive: Path, *arguments: str):
    return play("restore.yml", "-e", f"waba_restore_archive={archive}", *arguments)


def test_a_backup_is_one_file_for_its_owner_alone(backup) -> None:
    archive, _kept = backup
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert archive.with_suffix(".tar.sha256").read_text().endswith(f"  {archive.name}\n")


def test_a_restore_over_a_working_cluster_is_refused(cluster: Cluster, backup) -> None:
    before = cluster.started()
    said = refusal(restore(backup[0]))
    assert "tables, which would be lost" in said
    assert "connections of nodes to the database are open" in said
    assert cluster.started() == before


def test_an_archive_that_is_not_there_is_refused_by_name(backup) -> None:
    assert "/nowhere.tar': there is no such file on the controller" in refusal(restore(Path("/nowhere.tar")))


def test_a_lost_database_comes_back(cluster: Cluster, apis: list[Api], backup) -> None:
    archive, kept = backup
    epoch = int(cluster.sql("SELECT MAX(epoch) FROM shard_map"))
    assert changed(play("stop.yml")) == 3
    assert {one.status for one in cluster.containers() if one.labels["waba.cluster.role"] != "mysql"} == {"exited"}
    assert changed(play("stop.yml")) == 0
    cluster.sql("DROP DATABASE waba; CREATE DATABASE waba CHARACTER SET utf8mb4")
    changed(restore(archive))
    assert int(cluster.sql("SELECT MAX(epoch) FROM shard_map")) > epoch
    assert changed(play("start.yml")) == 3
    wait_for(lambda: are_healthy(apis), 60, "the cluster is healthy after the restore")
    assert cluster.sql(f"SELECT COUNT(*) FROM message WHERE message_id = '{kept}'") == "1"
    assert apis[0].login(PASSWORD, USER).status_code == 200
    settings = apis[0].call("GET", "settings/application").json()["settings"]["application"]
    assert settings["heartbeat_interval"] == 4
    accepted(apis[0], "after the restore")
    assert changed(play("start.yml")) == 0
