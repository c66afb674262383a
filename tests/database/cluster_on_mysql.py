"""A cluster on MySQL, managed with the playbooks: deploy, use, run again, back up, restore, uninstall."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from api import Api
from live import Cluster
from plays import ROOT, Result, backup_archive, changed, run_playbook
from waiting import wait_for

IMAGE = os.environ["WABA_TEST_DATABASE_IMAGE"]
INVENTORY = ROOT / "molecule/default/inventory"
NAME = "waba-on-mysql"
PORT = 29190  # of the webapp; ports of its own, so that the scenario's cluster may run beside
NODES = {
    "master": [{"name": "master1", "ports": "27250-27253"}, {"name": "master2", "ports": "27254-27257"}],
    "coreapp": [{"name": "wacore1", "ports": "27258-27261"}, {"name": "wacore2", "ports": "27262-27265"}],
    "webapp": [{"name": "waweb", "port": PORT}],
}


class OnMySQL:
    """The cluster, and its playbooks."""

    def __init__(self, folder: Path) -> None:
        self.settings = {
            "waba_cluster_name": NAME,
            "waba_dir": f"/opt/{NAME}",
            "waba_secrets_file": str(folder / "waba_secrets.yml"),
            "waba_backup_dir": str(folder / "backups"),
            "waba_mysql_image": IMAGE,
            "waba_mysql_options": {"max_connections": 201},
            "waba_wipe_confirmation": NAME,
            **{f"waba_{role}_instances": instances for role, instances in NODES.items()},
        }
        self.live = Cluster(NAME)

    def play(self, playbook: str, *arguments: str) -> Result:
        return run_playbook(INVENTORY, f"playbooks/{playbook}", "-e", json.dumps(self.settings), *arguments)

    def log_in(self) -> Api:
        return Api(f"https://127.0.0.1:{PORT}", Path(self.settings["waba_secrets_file"]))

    def query(self, statement: str) -> str:
        """Return the result of a statement that root executes in the container."""
        done = self.live.container("db").exec_run(["mysql", "--protocol=socket", "waba", "-Ne", statement])
        assert done.exit_code == 0, done.output.decode()
        return done.output.decode().strip()

    def messages(self) -> int:
        return int(self.query("SELECT COUNT(*) FROM message"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnMySQL]:
    made = OnMySQL(tmp_path_factory.mktemp("mysql"))
    try:
        assert changed(made.play("site.yml")) > 0
        yield made
    finally:
        assert made.play("uninstall.yml").returncode == 0
    assert not made.live.containers() + made.live.volumes() + made.live.networks()


def test_messages_go_through_it(cluster: OnMySQL) -> None:
    api = cluster.log_in()
    assert cluster.live.container("db").attrs["Config"]["Image"] == IMAGE
    assert "MariaDB" not in cluster.query("SELECT VERSION()")
    assert cluster.query("SELECT @@max_connections") == "201"
    for number in range(5):
        wait_for(lambda number=number: api.accepts(f"message {number}"), 30, "a message is accepted")
    assert api.is_healthy()


def test_a_second_run_changes_and_restarts_nothing(cluster: OnMySQL) -> None:
    before = cluster.live.started()
    assert changed(cluster.play("site.yml")) == 0
    assert cluster.live.started() == before


def test_what_was_lost_comes_back_from_a_backup(cluster: OnMySQL) -> None:
    archive, messages = backup_archive(cluster.play("backup.yml")), cluster.messages()
    assert messages >= 5
    assert cluster.log_in().accepts("after the backup")
    assert changed(cluster.play("stop.yml")) > 0
    chosen = ("-e", f"waba_restore_archive={archive}", "-e", "waba_restore_overwrite=true")
    assert changed(cluster.play("restore.yml", *chosen)) > 0
    assert changed(cluster.play("start.yml")) > 0
    wait_for(lambda: cluster.log_in().is_healthy(), 90, "the cluster is healthy")
    assert cluster.messages() == messages
