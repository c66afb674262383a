"""Backup, restore, and an upgrade's look at the schema, on a server that takes TLS alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import Api, Side, changed, backup_archive, play, refusal, root, wait_for

STRANGE = json.dumps({"secret": "of another cluster"})
AGREED = "SELECT COUNT(*) FROM waba.document WHERE name IN ('node_secret', 'primary_secret')"


@pytest.fixture(scope="module")
def backup(green: Side) -> tuple[Path, str]:
    """An archive, and the id of a message that is in it. It also has what other nodes agreed on, which must not come back."""
    api = green.log_in()
    kept = api.send("kept").json()["messages"][0]["id"]
    root(f"REPLACE INTO waba.document (name, content) VALUES ('node_secret', '{STRANGE}')")
    wait_for(lambda: root(AGREED) == ((2,),), 30, "the primary master shows its secret")
    return backup_archive(play("backup.yml")), kept


def test_the_server_takes_tls_alone_and_the_cluster_is_whole(green: Side) -> None:
    assert root("SELECT @@require_secure_transport") == ((1,),)
    assert green.log_in().is_healthy()


def test_a_certificate_of_another_authority_gets_no_backup_and_no_restore(backup: tuple[Path, str]) -> None:
    stranger = ("-e", "waba_database_tls_ca=/tmp/waba-database/strangers-ca.pem")
    for playbook in ("backup.yml", "restore.yml"):
        said = refusal(play(playbook, *stranger, "-e", f"waba_restore_archive={backup[0]}"))
        assert re.search(
            "certificate verif|verification failed|unable to get local issuer|self.signed", said, re.IGNORECASE
        ), said


def test_a_restore_over_a_working_cluster_is_refused(green: Side, backup: tuple[Path, str]) -> None:
    before = green.state()
    said = refusal(play("restore.yml", "-e", f"waba_restore_archive={backup[0]}"))
    assert "tables, which would be lost" in said
    assert "connections of nodes to the database are open" in said
    assert green.state() == before


def test_an_upgrade_asks_about_the_schema_and_has_nothing_to_do(green: Side) -> None:
    before = green.state()
    result = play("upgrade.yml")
    assert changed(result) == 0
    assert "Ask the new image about the schema" in result.stdout
    assert green.state() == before


def test_what_was_lost_comes_back_without_what_other_nodes_agreed_on(green: Side, backup: tuple[Path, str]) -> None:
    archive, kept = backup
    assert changed(play("stop.yml")) == 3
    ((epoch,),) = root("SELECT MAX(epoch) FROM waba.shard_map")
    root("DELETE FROM waba.message")
    root("DELETE FROM waba.api_user")
    changed(play("restore.yml", "-e", f"waba_restore_archive={archive}", "-e", "waba_restore_overwrite=true"))
    assert root(AGREED) == ((0,),)
    assert root("SELECT MAX(epoch) FROM waba.shard_map") > ((epoch,),)
    assert root(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE DEFAULT_CHARACTER_SET_NAME = 'utf8mb4' AND SCHEMA_NAME = 'waba'"
    )
    assert changed(play("start.yml")) == 3
    api: list[Api] = []

    def is_healthy() -> bool:
        api[:] = api or [green.log_in()]
        return api[0].is_healthy()

    wait_for(is_healthy, 60, "the cluster is healthy after the restore, and the admin as before")
    assert root(f"SELECT COUNT(*) FROM waba.message WHERE message_id = '{kept}'") == ((1,),)
    assert api[0].accepts("after the restore")
