"""Backup and restore. These tests stop the nodes and start them again."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from conftest import Api, Cluster, accepted, are_healthy, backup_archive, changed, play, refusal, wait_for
from plays import Result

USER, PASSWORD = "operator", "Op3rator-secret"


@pytest.fixture(scope="module")
def backup(apis: list[Api]) -> tuple[Path, str]:
    """A backup, and the id of a message in it."""
    message = accepted(apis[0], "backed up")
    apis[0].call("POST", "users", {"username": USER, "password": PASSWORD})
    apis[0].call("PATCH", "settings/application", {"heartbeat_interval": 4})
    result = play("backup.yml")
    assert changed(result) > 0
    return backup_archive(result), message


def restore(archive: Path, *arguments: str) -> Result:
    return play("restore.yml", "-e", f"waba_restore_archive={archive}", *arguments)


def test_backup_is_one_file_with_mode_0600(backup: tuple[Path, str]) -> None:
    archive, _message = backup
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert archive.with_suffix(".tar.sha256").read_text().endswith(f"  {archive.name}\n")


def test_restore_over_a_running_cluster_is_refused(cluster: Cluster, backup: tuple[Path, str]) -> None:
    before = cluster.started()
    output = refusal(restore(backup[0]))
    assert "tables, which would be lost" in output
    assert "nodes are connected to the database" in output
    assert cluster.started() == before


def test_missing_archive_is_refused_by_name() -> None:
    assert "/nowhere.tar', and there is no such file on the controller" in refusal(restore(Path("/nowhere.tar")))


def test_restore_recovers_a_deleted_database(cluster: Cluster, apis: list[Api], backup: tuple[Path, str]) -> None:
    archive, message = backup
    epoch = int(cluster.sql("SELECT MAX(epoch) FROM shard_map"))
    assert changed(play("stop.yml")) == 3
    assert {one.status for one in cluster.containers() if one.labels["waba.cluster.role"] != "mysql"} == {"exited"}
    assert changed(play("stop.yml")) == 0
    cluster.sql("DROP DATABASE waba; CREATE DATABASE waba CHARACTER SET utf8mb4")
    changed(restore(archive))
    assert int(cluster.sql("SELECT MAX(epoch) FROM shard_map")) > epoch
    assert changed(play("start.yml")) == 3
    wait_for(lambda: are_healthy(apis), 60, "the cluster is healthy after the restore")
    assert cluster.sql(f"SELECT COUNT(*) FROM message WHERE message_id = '{message}'") == "1"
    assert apis[0].login(PASSWORD, USER).status_code == 200
    settings = apis[0].call("GET", "settings/application").json()["settings"]["application"]
    assert settings["heartbeat_interval"] == 4
    accepted(apis[0], "after the restore")
    assert changed(play("start.yml")) == 0
