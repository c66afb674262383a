"""What the tests of an upgrade share: the cluster from outside."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import yaml
from api import Api
from flow import Flow
from plays import changed, play_on
from receiver import Receiver
from waiting import wait_for

__all__ = ["Api", "Flow", "Receiver", "changed", "wait_for"]

HERE = Path(__file__).resolve().parent
INVENTORY = HERE.parent / "inventory"
SETTINGS = yaml.safe_load((INVENTORY / "group_vars/all/cluster.yml").read_text(encoding="utf-8"))
NAME = SETTINGS["waba_cluster_name"]
FILE = Path(SETTINGS["waba_dir"]) / "multiconnect-compose.yml"
SECRETS_FILE = Path(SETTINGS["waba_secrets_file"])
WEBAPPS = [f"https://127.0.0.1:{webapp['port']}" for webapp in SETTINGS["waba_webapp_instances"]]


def play(playbook: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run one of the collection's playbooks on the scenario's cluster."""
    return play_on(INVENTORY, f"playbooks/{playbook}", *arguments)


def refusal(result: subprocess.CompletedProcess) -> str:
    """Return what a run said that must have failed and changed nothing, as one line."""
    assert result.returncode != 0, result.stdout
    assert "changed=0" in result.stdout, result.stdout
    return " ".join(result.stdout.split())


class Cluster:
    """The scenario's containers, by their labels."""

    def __init__(self) -> None:
        self.engine = docker.from_env()

    def containers(self) -> list:
        return self.engine.containers.list(all=True, filters={"label": f"waba.cluster.name={NAME}"})

    def started(self) -> dict[str, str]:
        """Return container id -> moment of its start: equal before and after means that nothing was restarted."""
        return {one.id: one.attrs["State"]["StartedAt"] for one in self.containers()}

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

    def gateway(self) -> str:
        """Return the address under which the containers reach this machine."""
        (network,) = self.engine.networks.list(filters={"label": f"waba.cluster.name={NAME}"})
        network.reload()
        return network.attrs["IPAM"]["Config"][0]["Gateway"]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(scope="session")
def apis() -> list[Api]:
    """The API, as each webapp serves it."""
    secrets = yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8"))
    return [Api(webapp, secrets) for webapp in WEBAPPS]


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


def are_whole(apis: list[Api]) -> bool:
    """Return whether the cluster says that it is healthy, at both webapps."""
    return all(api.is_whole() for api in apis)


def made_backup(result) -> Path:
    (path,) = set(re.findall(r"waba_restore_archive=(\S+\.tar)", " ".join(result.stdout.split())))
    return Path(path)


def accepted(api: Api, text: str) -> str:
    """Return the id of a message that was accepted."""
    answer = api.send(text)
    assert answer.status_code == 200, answer.text
    return answer.json()["messages"][0]["id"]
