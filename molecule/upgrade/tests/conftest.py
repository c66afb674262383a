"""The cluster of the scenario: API, containers and database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import live
import pytest
import yaml
from api import Api
from flow import Flow
from plays import Result, backup_archive, changed, refusal, run_playbook
from receiver import Receiver, configured_receiver
from waiting import wait_for

__all__ = ["Api", "Flow", "Receiver", "backup_archive", "changed", "refusal", "wait_for"]

HERE = Path(__file__).resolve().parent
INVENTORY = HERE.parent / "inventory"
SETTINGS = yaml.safe_load((INVENTORY / "group_vars/all/cluster.yml").read_text(encoding="utf-8"))
NAME = SETTINGS["waba_cluster_name"]
FILE = Path(SETTINGS["waba_dir"]) / "multiconnect-compose.yml"
SECRETS_FILE = Path(SETTINGS["waba_secrets_file"])
WEBAPPS = [f"https://127.0.0.1:{webapp['port']}" for webapp in SETTINGS["waba_webapp_instances"]]


def play(playbook: str, *arguments: str) -> Result:
    """Run a playbook of the collection on the cluster of the scenario."""
    return run_playbook(INVENTORY, f"playbooks/{playbook}", *arguments)


class Cluster(live.Cluster):
    """The containers of the scenario, by their labels."""

    def versions(self) -> set[str]:
        """Return the versions of all nodes, running or stopped."""
        nodes = [one for one in self.containers() if one.labels["waba.cluster.role"] != "mysql"]
        assert len(nodes) == 6
        return {one.attrs["Config"]["Image"].rpartition(":v")[2].removesuffix("-rehearsal") for one in nodes}

    def versions_in_file(self) -> set[str]:
        return set(re.findall(r"image: waba/node:v([\d.]+)-rehearsal", FILE.read_text(encoding="utf-8")))

    def sql(self, statement: str) -> str:
        code, output = self.database().exec_run(["mariadb", "waba", "-Ne", statement])
        assert code == 0, output
        return output.decode().strip()


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster(NAME)


@pytest.fixture(scope="session")
def apis() -> list[Api]:
    """A session at each webapp."""
    return [Api(webapp, SECRETS_FILE) for webapp in WEBAPPS]


@pytest.fixture
def flow(apis: list[Api], cluster: Cluster) -> Flow:
    return Flow(apis, cluster.coreapp_logs)


@pytest.fixture(scope="session")
def receiver(cluster: Cluster, apis: list[Api], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    folder = tmp_path_factory.mktemp("receiver")
    with configured_receiver(folder, cluster.gateway(), apis[0], sent_status=True) as receiver:
        yield receiver


def are_healthy(apis: list[Api]) -> bool:
    """Return whether the cluster reports healthy at both webapps."""
    return all(api.is_healthy() for api in apis)


def accepted(api: Api, text: str) -> str:
    """Send a message, which must be accepted; return its id."""
    answer = api.send(text)
    assert answer.status_code == 200, answer.text
    return answer.json()["messages"][0]["id"]
