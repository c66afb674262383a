"""The scenario's cluster: its API, its containers, its plays."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import yaml
from api import Api
from plays import ROOT, changed, play_on
from receiver import Receiver, self_signed
from waiting import wait_for

__all__ = ["ROOT", "Api", "Receiver", "changed", "self_signed", "wait_for"]

HERE = Path(__file__).resolve().parent
INVENTORY = HERE.parent / "inventory"
SETTINGS = yaml.safe_load((INVENTORY / "group_vars/all/cluster.yml").read_text(encoding="utf-8"))
NAME = SETTINGS["waba_cluster_name"]
FOLDER = Path(SETTINGS["waba_dir"])
SECRETS_FILE = Path(SETTINGS["waba_secrets_file"])
BASE = f"https://127.0.0.1:{SETTINGS['waba_webapp_instances'][0]['port']}"

HEARTBEAT, UNHEALTHY = 1, 3  # seconds
DEFAULT_UNHEALTHY = 30  # seconds


def play(playbook: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run one of the collection's playbooks on the scenario's cluster."""
    return play_on(INVENTORY, playbook, *arguments)


def log_in() -> Api:
    """Return the API as the admin, with the secrets as they are now."""
    return Api(BASE, yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8")))


class Cluster:
    """The scenario's containers, by their labels."""

    def __init__(self) -> None:
        self.engine = docker.from_env()

    def containers(self) -> list:
        return self.engine.containers.list(all=True, filters={"label": f"waba.cluster.name={NAME}"})

    def container(self, instance: str):
        (found,) = [one for one in self.containers() if one.labels["waba.cluster.instance"] == instance]
        return found

    def started(self) -> dict[str, str]:
        """Return container id -> moment of its start: equal before and after means that nothing was restarted."""
        return {one.id: one.attrs["State"]["StartedAt"] for one in self.containers()}

    def volumes(self) -> list:
        return self.engine.volumes.list(filters={"label": f"waba.cluster.name={NAME}"})

    def networks(self) -> list:
        return self.engine.networks.list(filters={"label": f"waba.cluster.name={NAME}"})

    def gateway(self) -> str:
        """Return the address under which the containers reach this machine."""
        (network,) = self.networks()
        network.reload()
        return network.attrs["IPAM"]["Config"][0]["Gateway"]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(scope="session")
def api() -> Api:
    """The API, with intervals that keep the suite short, set while the cluster runs."""
    api = log_in()
    assert api.call("DELETE", "settings/application").status_code == 200
    intervals = {"heartbeat_interval": HEARTBEAT, "unhealthy_interval": UNHEALTHY}
    assert api.call("PATCH", "settings/application", intervals).status_code == 200
    api.intervals_set_at = time.monotonic()
    return api


@pytest.fixture(scope="session")
def receiver(cluster: Cluster, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver that the cluster knows, with a short back-off."""
    receiver = Receiver(tmp_path_factory.mktemp("receiver"), cluster.gateway())
    settings = {"webhooks": {"url": receiver.url}, "callback_backoff_delay_ms": 500}
    assert api.call("PATCH", "settings/application", settings).status_code == 200
    yield receiver
    receiver.server.shutdown()
