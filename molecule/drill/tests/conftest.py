"""The cluster of the scenario: API, containers, playbooks, and traces that a drill may leave on this machine."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import yaml
from api import Api
from docker.models.containers import Container
from live import Cluster
from plays import Result, run_playbook
from waiting import wait_for

INVENTORY = Path(__file__).resolve().parents[1] / "inventory"
SETTINGS = yaml.safe_load((INVENTORY / "group_vars/all/cluster.yml").read_text(encoding="utf-8"))
NAME = SETTINGS["waba_cluster_name"]
SECRETS_FILE = Path(SETTINGS["waba_secrets_file"])
REPORTS = Path(SETTINGS["waba_drill_dir"])
SCRIPTS = Path("/var/lib/waba-drill")  # of the module drill_fault
BASE = f"https://127.0.0.1:{SETTINGS['waba_webapp_instances'][0]['port']}"

HEARTBEAT, UNHEALTHY = 1, 3  # seconds
DEFAULT_UNHEALTHY = 30  # seconds
DURATION = 12  # seconds of a fault; longer than the promised takeover under these intervals
RECOVERY_LIMIT = 60  # seconds
CONFIRMED = ("-e", f"waba_drill_confirmation={NAME}")


def drill(target: str, fault: str, *arguments: str) -> Result:
    """Run drill.yml on the cluster of the scenario."""
    settings = (f"waba_drill_target={target}", f"waba_drill_fault={fault}")
    options = [option for one in settings for option in ("-e", one)]
    return run_playbook(INVENTORY, "playbooks/drill.yml", *options, *arguments)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster(NAME)


@pytest.fixture(scope="session")
def session() -> Api:
    """The API, after the lowered intervals have taken full effect."""
    api = Api(BASE, SECRETS_FILE)
    intervals = {"heartbeat_interval": HEARTBEAT, "unhealthy_interval": UNHEALTHY}
    assert api.call("PATCH", "settings/application", intervals).status_code == 200
    time.sleep(DEFAULT_UNHEALTHY)
    return api


@pytest.fixture
def api(session: Api, cluster: Cluster) -> Api:
    """The API of a healthy cluster."""

    def is_healthy() -> bool:
        # The health check of a container runs every ten seconds, so it is the last to report a recovery.
        return session.is_healthy() and all(one.health in ("healthy", "unknown") for one in cluster.containers())

    wait_for(is_healthy, RECOVERY_LIMIT, "the cluster is healthy before the drill")
    return session


def victim(cluster: Cluster, api: Api, target: str) -> Container:
    """Return the container that a drill of this target affects now."""
    if target == "database":
        return cluster.container("db")
    wanted = {"coreapp": {"role": "coreapp", "gateway_status": "connected"}, "master": {"role": "primary_master"}}
    (found,) = api.nodes(**wanted[target])
    return cluster.engine.containers.get(found)


def rules(container: Container) -> list[str]:
    """Return the firewall rules of a drill in the network of a running container."""
    pid = str(container.attrs["State"]["Pid"])
    listed = subprocess.run(
        ["nsenter", "--target", pid, "--net", "iptables", "--list-rules"], check=True, capture_output=True, text=True
    )
    return [line for line in listed.stdout.splitlines() if "waba-drill" in line]


def is_affected(container: Container, fault: str) -> bool:
    """Return whether a container is killed, frozen or cut off now."""
    container.reload()
    if fault == "isolate":
        return bool(rules(container))
    return container.status == {"kill": "exited", "freeze": "paused"}[fault]


def traces(cluster: Cluster) -> list[str]:
    """Return what a drill has not put back: containers that do not run, firewall rules, scripts."""
    containers = cluster.containers()
    return [
        *(f"{one.name} is {one.status}" for one in containers if one.status != "running"),
        *(rule for one in containers if one.status == "running" for rule in rules(one)),
        *(str(path) for path in SCRIPTS.glob("*")),
    ]
