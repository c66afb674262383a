"""The cluster of the scenario: API, containers and playbooks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from api import Api
from live import Cluster
from plays import ROOT, Result, changed, run_playbook
from receiver import Receiver, configured_receiver, self_signed_certificate
from waiting import wait_for

__all__ = ["ROOT", "Api", "Cluster", "Receiver", "changed", "self_signed_certificate", "wait_for"]

HERE = Path(__file__).resolve().parent
INVENTORY = HERE.parent / "inventory"
SETTINGS = yaml.safe_load((INVENTORY / "group_vars/all/cluster.yml").read_text(encoding="utf-8"))
NAME = SETTINGS["waba_cluster_name"]
FOLDER = Path(SETTINGS["waba_dir"])
SECRETS_FILE = Path(SETTINGS["waba_secrets_file"])
BASE = f"https://127.0.0.1:{SETTINGS['waba_webapp_instances'][0]['port']}"

HEARTBEAT, UNHEALTHY = 1, 3  # seconds
DEFAULT_UNHEALTHY = 30  # seconds


def play(playbook: str, *arguments: str) -> Result:
    """Run a playbook of the collection on the cluster of the scenario."""
    return run_playbook(INVENTORY, playbook, *arguments)


def log_in() -> Api:
    """Log in as the admin, with the present secrets."""
    return Api(BASE, SECRETS_FILE)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster(NAME)


@pytest.fixture(scope="session")
def api() -> Api:
    """The API, after the intervals were lowered at run time so that the tests are short."""
    api = log_in()
    assert api.call("DELETE", "settings/application").status_code == 200
    intervals = {"heartbeat_interval": HEARTBEAT, "unhealthy_interval": UNHEALTHY}
    assert api.call("PATCH", "settings/application", intervals).status_code == 200
    api.intervals_set_at = time.monotonic()
    return api


@pytest.fixture(scope="session")
def receiver(cluster: Cluster, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with configured_receiver(tmp_path_factory.mktemp("receiver"), cluster.gateway(), api) as receiver:
        yield receiver
