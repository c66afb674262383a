"""Backup, restore and the schema check of an upgrade, on a server that requires TLS."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import Api, ClusterOnServer, backup_archive, changed, play, refusal, root, wait_for
from steps import CHECK_SCHEMA

FOREIGN_SECRET = json.dumps({"secret": "of another cluster"})
AGREED_SECRETS = "SELECT COUNT(*) FROM waba.document WHERE name IN ('node_secret', 'primary_secret')"


@pytest.fixture(scope="module")
def backup(green: ClusterOnServer) -> tuple[Path, str]:
    """A backup, and the id of a message in it. It contains secrets of former nodes, which a restore must not bring back."""
    api = green.log_in()
    message = api.send("backed up").json()["messages"][0]["id"]
    root(f"REPLACE INTO waba.document (name, content) VALUES ('node_secret', '{FOREIGN_SECRET}')")
    wait_for(lambda: root(AGREED_SECRETS) == ((2,),), 30, "the primary master has published its secret")
    return backup_archive(play("backup.yml")), message


def test_cluster_is_healthy_on_a_server_that_requires_tls(green: ClusterOnServer) -> None:
    assert root("SELECT @@require_secure_transport") == ((1,),)
    assert green.log_in().is_healthy()


def test_backup_and_restore_refuse_the_certificate_of_another_authority(backup: tuple[Path, str]) -> None:
    untrusted = ("-e", "waba_database_tls_ca=/tmp/waba-database/untrusted-ca.pem")
    for playbook in ("backup.yml", "restore.yml"):
        output = refusal(play(playbook, *untrusted, "-e", f"waba_restore_archive={backup[0]}"))
        assert re.search(
            "certificate verif|verification failed|unable to get local issuer|self.signed", output, re.IGNORECASE
        ), output


def test_restore_over_a_running_cluster_is_refused(green: ClusterOnServer, backup: tuple[Path, str]) -> None:
    before = green.state()
    output = refusal(play("restore.yml", "-e", f"waba_restore_archive={backup[0]}"))
    assert "tables, which would be lost" in output
    assert "nodes are connected to the database" in output
    assert green.state() == before


def test_upgrade_checks_the_schema_and_changes_nothing(green: ClusterOnServer) -> None:
    before = green.state()
    result = play("upgrade.yml")
    assert changed(result) == 0
    assert CHECK_SCHEMA in result.stdout
    assert green.state() == before


def test_restore_recovers_the_data_without_the_secrets_of_former_nodes(
    green: ClusterOnServer, backup: tuple[Path, str]
) -> None:
    archive, message = backup
    assert changed(play("stop.yml")) == 3
    ((epoch,),) = root("SELECT MAX(epoch) FROM waba.shard_map")
    root("DELETE FROM waba.message")
    root("DELETE FROM waba.api_user")
    changed(play("restore.yml", "-e", f"waba_restore_archive={archive}", "-e", "waba_restore_overwrite=true"))
    assert root(AGREED_SECRETS) == ((0,),)
    assert root("SELECT MAX(epoch) FROM waba.shard_map") > ((epoch,),)
    assert root(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE DEFAULT_CHARACTER_SET_NAME = 'utf8mb4' AND SCHEMA_NAME = 'waba'"
    )
    assert changed(play("start.yml")) == 3
    api: list[Api] = []

    def is_healthy() -> bool:
        api[:] = api or [green.log_in()]
        return api[0].is_healthy()

    wait_for(is_healthy, 60, "the cluster is healthy after the restore, with the former password")
    assert root(f"SELECT COUNT(*) FROM waba.message WHERE message_id = '{message}'") == ((1,),)
    assert api[0].accepts("after the restore")
