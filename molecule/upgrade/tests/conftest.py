"""What the tests of an upgrade share: the cluster from outside."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import live
import pytest
import yaml
from api import Api
from flow import Flow
from plays import changed, backup_archive, run_playbook, refusal
from receiver import Receiver
from waiting import wait_for

__all__ = ["Api", "Flow", "Receiver", "changed", "backup_archive", "refusal", "wait_for"]

HERE = Path(__file__).resolve().parent
INVENTORY = HERE.parent / "inventory"
SETTINGS = yaml.safe_load((INVENTORY / "group_vars/all/cluster.yml").read_text(encoding="utf-8"))
NAME = SETTINGS["waba_cluster_name"]
FILE = Path(SETTINGS["waba_dir"]) / "multiconnect-compose.yml"
SECRETS_FILE = Path(SETTINGS["waba_secrets_file"])
WEBAPPS = [f"https://127.0.0.1:{webapp['port']}" for webapp in SETTINGS["waba_webapp_instances"]]


def play(playbook: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run one of the collection's playbooks on the scenario's cluster."""
    return run_playbook(INVENTORY, f"playbooks/{playbook}", *arguments)


class Cluster(live.Cluster):
    """The scenario's containers, by their labels."""

    def coreapp_logs(self) -> list[list[str]]:
        """Return the command that shows the log of each coreapp."""
        coreapps = [one for one in self.containers() if one.labels["waba.cluster.role"] == "coreapp"]
        return [["docker", "logs", one.id] for one in coreapps]

    def database(self):
        (found,) = [one for one in self.containers() if one.labels["waba.cluster.role"] == "mysql"]
        return found

    def versions(self) -> set[str]:
        """Return the versions of all nodes, running or not."""
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
    """The API, as each webapp serves it."""
    return [Api(webapp, SECRETS_FILE) for webapp in WEBAPPS]


@pytest.fixture
def flow(apis: list[Api], cluster: Cluster) -> Flow:
    return Flow(apis, cluster.coreapp_logs)


@pytest.fixture(scope="session")
def receiver(cluster: Cluster, apis: list[Api], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """The business's webhook receiver, which the cluster knows."""
    made = Receiver(tmp_path_factory.mktemp("receiver"), cluster.gateway())
    settings = {"webhooks": {"url": made.url}, "callback_backoff_delay_ms": 500, "sent_status": True}
    assert apis[0].call("PATCH", "settings/application", settings).status_code == 200
    yield made
    made.server.shutdown()


def are_healthy(apis: list[Api]) -> bool:
    """Return whether the cluster says that it is healthy, at both webapps."""
    return all(api.is_healthy() for api in apis)


def accepted(api: Api, text: str) -> str:
    """Return the id of a message that was accepted."""
    answer = api.send(text)
    assert answer.status_code == 200, answer.text
    return answer.json()["messages"][0]["id"]
