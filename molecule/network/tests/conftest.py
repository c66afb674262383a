"""The hosts of the scenario, without IPv4 addresses, and the proxy that is their only way out."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterator

import pytest
import yaml
from api import Api
from forward_proxy import ForwardProxy
from hosts import Hosts
from plays import Result, changed, run_playbook
from waiting import wait_for

__all__ = ["changed", "wait_for"]

LAB = "network"
HOSTS = ("node1", "node2", "node3")
WEBAPPS = ("node1", "node2")
COREAPPS = len(HOSTS)
PASSWORD = f"correct-{secrets.token_hex(8)}"


class Lab(Hosts):
    """The hosts, the playbooks and the API."""

    def __init__(self) -> None:
        super().__init__(LAB)
        self.inventory = self.folder / "site"

    def configure(self, **settings: object) -> None:
        """Write settings into the inventory, in place of the former ones."""
        path = self.inventory / "group_vars/all/tests.yml"
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")

    def site(self, *arguments: str) -> Result:
        return run_playbook(self.inventory, "playbooks/site.yml", *arguments)

    def api(self, name: str) -> Api:
        return Api(f"https://[{self.addresses[name]['ansible_host']}]:9090", self.folder / "waba_secrets.yml")

    def host_of(self, node: str) -> str:
        """Return the inventory name of the host of a node, given the name of the node in the health report."""
        address = node.rpartition(":")[0]
        return next(name for name in HOSTS if self.addresses[name]["waba_external_hostname"] == address)


def connected(api: Api) -> list[str]:
    """Return the names, in the health report, of the coreapps that are connected upstream."""
    return [name for name, node in api.health().items() if node.get("gateway_status") == "connected"]


@pytest.fixture(scope="session")
def lab() -> Lab:
    return Lab()


@pytest.fixture(scope="session")
def proxy(lab: Lab) -> Iterator[ForwardProxy]:
    """The proxy at the address of this machine in the network of the hosts, and in the settings of the cluster."""
    network = ipaddress.ip_network(lab.network.attrs["IPAM"]["Config"][1]["Subnet"])
    made = ForwardProxy(str(network[1]), "operator", PASSWORD)
    lab.configure(waba_proxy=made.url)
    yield made
    made.close()
