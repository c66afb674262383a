"""The cluster of the scenario and its stand-in of the Cloud API: API, control calls, containers and playbooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from api import Api
from live import Cluster
from plays import ROOT, Result, changed, one_line, refusal, run_playbook
from receiver import Receiver
from waiting import wait_for

__all__ = ["ROOT", "Api", "Cluster", "Receiver", "changed", "one_line", "refusal", "wait_for"]

HERE = Path(__file__).resolve().parent
INVENTORY = HERE.parent / "inventory"
SETTINGS = yaml.safe_load((INVENTORY / "group_vars/all/cluster.yml").read_text(encoding="utf-8"))
NAME = SETTINGS["waba_cluster_name"]
FOLDER = Path(SETTINGS["waba_dir"])
SECRETS_FILE = Path(SETTINGS["waba_secrets_file"])
BASE = f"https://127.0.0.1:{SETTINGS['waba_webapp_instances'][0]['port']}"
STANDIN = f"http://{SETTINGS['rehearsal_address']}:{SETTINGS['rehearsal_standin_port']}"
WEBHOOK_URL = f"http://{SETTINGS['rehearsal_address']}:{SETTINGS['waba_cloud_webhook_port']}/webhooks"
USER = "15551234567"


class Standin:
    """The control calls of the stand-in."""

    def get(self, path: str) -> Any:
        answer = requests.get(f"{STANDIN}/control/{path}", timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = requests.post(f"{STANDIN}/control/{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> dict[str, Any]:
        return self.get("state")


def play(playbook: str, *arguments: str) -> Result:
    """Run a playbook of the collection on the cluster of the scenario."""
    return run_playbook(INVENTORY, playbook, *arguments)


def started(cluster: Cluster) -> dict[str, str]:
    """Return container id -> moment of its start, without the stand-in."""
    return {
        str(one.id): one.attrs["State"]["StartedAt"]
        for one in cluster.containers()
        if one.labels["waba.cluster.role"] != "standin"
    }


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster(NAME)


@pytest.fixture(scope="session")
def standin() -> Standin:
    """The stand-in, without the limit for messages to one user."""
    standin = Standin()
    standin.post("behaviour", {"pair_interval": 0})
    return standin


@pytest.fixture(scope="session")
def api() -> Api:
    return Api(BASE, SECRETS_FILE)


@pytest.fixture(scope="session")
def receiver(cluster: Cluster, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver that is configured in the cluster, with a short backoff."""
    receiver = Receiver(tmp_path_factory.mktemp("receiver"), cluster.gateway())
    settings = {"webhooks": {"url": receiver.url}, "callback_backoff_delay_ms": 500}
    assert api.call("PATCH", "settings/application", settings).status_code == 200
    yield receiver
    receiver.server.shutdown()
