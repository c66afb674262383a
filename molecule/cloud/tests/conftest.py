"""The cluster of the scenario and its stand-in of the Cloud API: API, control calls, containers and playbooks."""

from __future__ import annotations

from collections import Counter
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
BASES = [f"https://127.0.0.1:{instance['port']}" for instance in SETTINGS["waba_webapp_instances"]]
BASE = BASES[0]
STANDIN = f"http://{SETTINGS['rehearsal_address']}:{SETTINGS['rehearsal_standin_port']}"
WEBHOOK_URL = f"http://{SETTINGS['rehearsal_address']}:{SETTINGS['waba_cloud_webhook_port']}/webhooks"
USER = "15551234567"


class Standin:
    """The control calls of the stand-in."""

    def get(self, path: str) -> Any:
        answer = requests.get(f"{STANDIN}/control/{path}", timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object) -> Any:
        answer = requests.post(f"{STANDIN}/control/{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> dict[str, Any]:
        return self.get("state")

    def posted(self) -> Counter[str]:
        """Return message id -> how often the stand-in has accepted it. It stores 10,000 messages."""
        stored = self.get("messages?limit=10000")["messages"]
        return Counter(one["callback_data"].partition(":")[2] for one in stored)

    def clear_faults(self) -> None:
        assert requests.delete(f"{STANDIN}/control/faults", timeout=10).status_code == 200

    def set_webhook(self, url: str, token: str, verify_token: str) -> None:
        """Set the webhook of the number, as the cluster does. An empty URL removes it."""
        override = {"override_callback_uri": url, **({"verify_token": verify_token} if url else {})}
        number = f"{STANDIN}/v25.0/{SETTINGS['waba_cloud_phone_number_id']}"
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.post(number, json={"webhook_configuration": override}, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text


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


def verify_token() -> str:
    """Return the verify token that the collection has generated."""
    return str(yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8"))["waba_cloud_verify_token"])


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
def apis(api: Api) -> list[Api]:
    """A client of each webapp."""
    return [api, *(Api(base, SECRETS_FILE) for base in BASES[1:])]


@pytest.fixture(scope="session")
def receiver(cluster: Cluster, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver that is configured in the cluster, with a short backoff."""
    receiver = Receiver(tmp_path_factory.mktemp("receiver"), cluster.gateway())
    settings = {"webhooks": {"url": receiver.url}, "callback_backoff_delay_ms": 500}
    assert api.call("PATCH", "settings/application", settings).status_code == 200
    yield receiver
    receiver.server.shutdown()
