"""The cluster of the scenario and its stand-in of the Cloud API: API, control calls, containers and playbooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from api import Api
from live import Cluster
from plays import ROOT, Result, changed, one_line, refusal, run_playbook
from receiver import Receiver, configured_receiver
from standin import Standin
from waiting import wait_for

__all__ = ["ROOT", "Api", "Cluster", "Receiver", "Standin", "changed", "one_line", "refusal", "wait_for"]

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
    standin = Standin(STANDIN, SETTINGS["waba_cloud_phone_number_id"])
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
    with configured_receiver(tmp_path_factory.mktemp("receiver"), cluster.gateway(), api) as receiver:
        yield receiver
