"""Wrong input is refused before any change, with the setting, the value, the problem and the fix."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import FOLDER, NAME, SETTINGS, Cluster, play
from plays import one_line

EXTERNAL_DATABASE = {"waba_group_mysql": "no_such_group"}
OTHER_COREAPPS = SETTINGS["waba_coreapp_instances"][1:]

CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "one master": (
        {"waba_master_instances": [{"name": "master1"}]},
        ["waba_master_instances", "a highly available cluster needs 2 masters or more", "set ha (waba_ha) to false"],
    ),
    "one coreapp": (
        {"waba_coreapp_instances": [{"name": "wacore1"}]},
        ["waba_coreapp_instances", "1 shard(s) need 2 coreapps or more, so that one stands by", "Add coreapps"],
    ),
    "a short range": (
        {"waba_coreapp_instances": [{"name": "wacore1", "ports": "26300-26302"}, *OTHER_COREAPPS]},
        ["coreapps[0].ports", "'26300-26302'", "it is 3 ports long, not 4", "Give four ports in a row"],
    ),
    "a port that does not exist": (
        {"waba_coreapp_instances": [{"name": "wacore1", "ports": "65533-65536"}, *OTHER_COREAPPS]},
        ["coreapps[0].ports", "'65533-65536'", "port 65536 does not exist", "Stay within 1 to 65535"],
    ),
    "overlapping ranges": (
        {"waba_coreapp_instances": [{"name": "wacore1", "ports": "26253-26256"}, *OTHER_COREAPPS]},
        [
            "coreapp wacore1 and master master1 (masters[0].ports, 26250-26253) would both publish port 26253",
            "Pin one of them",
        ],
    ),
    "a database that does not answer": (
        {**EXTERNAL_DATABASE, "waba_database_host": "127.0.0.1", "waba_database_port": 1},
        ["waba_database_host", "'127.0.0.1'", "nothing answers at port 1", "Start the database"],
    ),
    "no database": (
        EXTERNAL_DATABASE,
        ["waba_database_host", "the cluster has no database", "put a host into the group waba_mysql"],
    ),
    "a malformed name": (
        {"waba_cluster_name": "My Cluster"},
        ["waba_cluster_name", "'My Cluster'", "it is no name for a cluster", "Use a-z, 0-9, _ and -"],
    ),
    "a malformed variable": (
        {"waba_environment": {"A B": "x"}},
        ["waba_environment", "it is not a name for an environment variable", "Use letters, digits and underscores"],
    ),
    "an unknown layout": (
        {"waba_layout": "flat"},
        ["value of waba_layout must be one of: role, single_server, got: flat"],
    ),
    "half a certificate": (
        {"waba_webapp_certificate": "/nowhere/web.pem"},
        ["waba_webapp_certificate_key", "certificate is set and this is not", "there is no such file", "fix the path"],
    ),
}


def assert_refused(cluster: Cluster, variables: dict[str, Any], parts: list[str]) -> None:
    before = cluster.started(), {file: file.stat().st_mtime_ns for file in FOLDER.glob("*")}
    result = play("playbooks/site.yml", "-e", json.dumps(variables))
    assert result.returncode != 0
    output = one_line(result.stdout)
    assert [part for part in parts if part not in output] == [], result.stdout
    assert "localhost" in output
    assert (cluster.started(), {file: file.stat().st_mtime_ns for file in FOLDER.glob("*")}) == before
    assert "changed=0" in output, result.stdout


@pytest.mark.parametrize("case", CASES)
def test_wrong_input_is_refused_with_setting_value_and_fix(cluster: Cluster, case: str) -> None:
    assert_refused(cluster, *CASES[case])


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_port_of_another_program_is_refused_with_its_pid(cluster: Cluster, taken_port: int) -> None:
    variables = {"waba_webapp_instances": [{"name": "waweb", "port": taken_port}]}
    assert_refused(
        cluster, variables, ["waba_webapp_instances", f"port {taken_port} (webapp waweb) is taken by", "(pid"]
    )


def test_ports_of_the_clusters_own_containers_are_accepted(cluster: Cluster) -> None:
    assert NAME in {one.labels["waba.cluster.name"] for one in cluster.containers()}
    assert play("playbooks/site.yml", "--check").returncode == 0


def test_existing_database_without_its_secrets_file_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    variables = {"waba_secrets_file": str(tmp_path / "waba_secrets.yml")}
    wrong = f"{NAME}_mysqlData holds a database that has a password already, and a new one would not open it"
    assert_refused(cluster, variables, ["waba_database_password", wrong, "Bring its secrets file back"])
    assert list(tmp_path.iterdir()) == []
