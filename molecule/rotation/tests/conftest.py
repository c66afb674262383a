"""The cluster of the scenario: API, containers and secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import live
import pytest
import requests
import yaml
from api import Api
from flow import Flow
from plays import Result, run_playbook
from receiver import Receiver, configured_receiver

HERE = Path(__file__).resolve().parent
INVENTORY = HERE.parent / "inventory"
SETTINGS = yaml.safe_load((INVENTORY / "group_vars/all/cluster.yml").read_text(encoding="utf-8"))
NAME = SETTINGS["waba_cluster_name"]
FOLDER = Path(SETTINGS["waba_dir"])
SECRETS_FILE = Path(SETTINGS["waba_secrets_file"])
WEBAPPS = [f"https://127.0.0.1:{webapp['port']}" for webapp in SETTINGS["waba_webapp_instances"]]


def rotating(*secrets: str, **options: Any) -> tuple[str, str]:
    """Return the arguments of a run that rotates these secrets."""
    return ("-e", json.dumps({"waba_rotate": list(secrets), **options}))


def play(playbook: str, *arguments: str) -> Result:
    """Run a playbook of the collection on the cluster of the scenario."""
    return run_playbook(INVENTORY, f"playbooks/{playbook}", *arguments)


def secrets() -> dict[str, str]:
    """Return the variables of the secrets file."""
    found: dict[str, str] = yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8"))
    return found


def unfinished() -> list[str]:
    """Return the variables of a rotation that is not finished."""
    return [
        name
        for name in secrets()
        if name.startswith(("waba_next_", "waba_previous_")) and name != "waba_previous_jwt_key"
    ]


def answers(key: str) -> set[int]:
    """Return the status with which the webapps answer a call with an API key."""
    header = {"Authorization": f"Apikey {key}"}
    return {requests.get(f"{url}/v1/health", headers=header, verify=False, timeout=10).status_code for url in WEBAPPS}


def are_healthy() -> bool:
    return all(Api(webapp, SECRETS_FILE).is_healthy() for webapp in WEBAPPS)


class Cluster(live.Cluster):
    """The containers of the scenario, by their labels."""

    def accounts(self) -> set[str]:
        """Return the accounts of the nodes in the database."""
        query = "SELECT User FROM mysql.user WHERE Host = '%' AND User <> 'root'"
        code, output = self.database().exec_run(["mariadb", "-Ne", query])
        assert code == 0, output
        return set(output.decode().split())

    def environments(self) -> list[dict[str, str]]:
        """Return the environment of each node."""
        nodes = [one for one in self.containers() if one.labels["waba.cluster.role"] != "mysql"]
        return [dict(entry.split("=", 1) for entry in one.attrs["Config"]["Env"]) for one in nodes]

    def has_present_secrets(self) -> bool:
        """Return whether every node has the secrets of the file and, except for a former token key, no other ones."""
        present = secrets()
        wanted = {
            "WA_SECRET": present["waba_node_secret"],
            "WA_API_KEY": present["waba_api_key"],
            "WA_WEB_JWT_CRYPTO_KEY": present["waba_jwt_key"],
            "WA_DB_PASSWORD": present["waba_database_password"],
        }
        return all(
            {name: one[name] for name in wanted} == wanted
            and not {"WABA_SECOND_SECRET", "WABA_SECOND_API_KEY"} & set(one)
            for one in self.environments()
        )


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster(NAME)


@pytest.fixture
def flow(cluster: Cluster) -> Flow:
    return Flow([Api(webapp, SECRETS_FILE) for webapp in WEBAPPS], cluster.coreapp_logs, replaced_repeatedly=True)


@pytest.fixture(scope="session")
def receiver(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    folder, api = tmp_path_factory.mktemp("receiver"), Api(WEBAPPS[0], SECRETS_FILE)
    with configured_receiver(folder, cluster.gateway(), api) as receiver:
        yield receiver
