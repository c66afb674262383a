"""The cluster of the scenario: hosts, API and playbooks."""

from __future__ import annotations

import ipaddress
import time

import pytest
import yaml
from api import Api
from hosts import Hosts
from plays import ROOT, Result, changed, run_playbook
from waiting import wait_for

__all__ = ["ROOT", "Api", "changed", "wait_for"]

LAB = "production"
FOLDER = ROOT / ".build/lab" / LAB
INVENTORY = FOLDER / "site"
HOSTS = yaml.safe_load((FOLDER / "connections.yml").read_text(encoding="utf-8"))["all"]["hosts"]
CLUSTER_HOSTS = [name for name in HOSTS if not name.startswith("spare")]
COREAPPS = 4  # two of them on coreapp1

HEARTBEAT, UNHEALTHY = 1, 3  # seconds
DEFAULT_UNHEALTHY = 30  # seconds


def play(playbook: str, *arguments: str) -> Result:
    """Run a playbook of the collection on the cluster of the scenario."""
    return run_playbook(INVENTORY, playbook, *arguments)


class Lab(Hosts):
    """The hosts, with the containers and files of the cluster."""

    def started(self, *names: str) -> dict[str, str]:
        """Return what `Hosts.started` does, by default for the hosts of the cluster."""
        return super().started(*(names or CLUSTER_HOSTS))

    def files(self, *names: str) -> dict[str, str]:
        """Return the checksums of the files of the collection, by host."""
        return {name: self.run(name, "sha256sum /opt/waba/*") for name in names or CLUSTER_HOSTS}

    def coreapp_logs(self) -> list[list[str]]:
        """Return the commands that print the logs of the coreapps."""
        script = "docker ps -aq --filter label=waba.cluster.name=waba --filter label=waba.cluster.role=coreapp"
        return [
            ["docker", "exec", f"{LAB}-{name}", "docker", "logs", coreapp]
            for name in HOSTS
            if name.startswith(("coreapp", "spare"))
            for coreapp in self.run(name, script).split()
        ]

    def gateway(self) -> str:
        """Return the address at which the hosts reach this machine."""
        self.network.reload()
        return self.network.attrs["IPAM"]["Config"][0].get("Gateway") or str(
            next(ipaddress.ip_network(self.network.attrs["IPAM"]["Config"][0]["Subnet"]).hosts())
        )


def webapp(name: str) -> Api:
    """Log in at the webapp of a host."""
    return Api(f"https://{HOSTS[name]['ansible_host']}:9090", FOLDER / "waba_secrets.yml")


def host_of(node: str) -> str:
    """Return the inventory name of the host of a node, given the name of the node in the health report."""
    return node.partition(".")[0]


def connected(api: Api) -> list[str]:
    """Return the names, in the health report, of the coreapps that are connected upstream."""
    return [name for name, node in api.health().items() if node.get("gateway_status") == "connected"]


def set_intervals(api: Api, heartbeat: int, unhealthy: int) -> None:
    """Set the intervals of the failure detector, in seconds."""
    intervals = {"heartbeat_interval": heartbeat, "unhealthy_interval": unhealthy}
    assert api.call("PATCH", "settings/application", intervals).status_code == 200
    api.intervals_set_at = time.monotonic()


@pytest.fixture(scope="session")
def lab() -> Lab:
    return Lab(LAB)


@pytest.fixture(scope="session")
def api() -> Api:
    """The API, after the intervals were lowered at run time so that the tests are short."""
    api = webapp("webapp1")
    set_intervals(api, HEARTBEAT, UNHEALTHY)
    return api


@pytest.fixture
def healthy(api: Api) -> None:
    wait_for(lambda: api.is_healthy(COREAPPS), 90, "the cluster is healthy before the fault")
    # The lowered interval takes full effect once the last renewal under the default interval has expired.
    time.sleep(max(2 * HEARTBEAT, api.intervals_set_at + DEFAULT_UNHEALTHY - time.monotonic()))
