"""The hosts of the scenario: two with API proxies, two with nodes, and the virtual address between them and this machine."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from api import Api
from authority import Authority
from cryptography import x509
from figures import figure
from flow import Flow
from hosts import CONTAINERS, Hosts
from plays import Result, changed, run_playbook
from waiting import wait_for

LAB = "proxies"
PROXIES, NODES = ("proxy1", "proxy2"), ("node1", "node2")
RECOVERY = 120  # seconds until a host that was started serves, on a busy machine
CERTIFICATES = "/etc/waba/api"


class Lab(Hosts):
    """The hosts, the virtual address, and the playbooks."""

    def __init__(self) -> None:
        super().__init__(LAB)
        self.inventory = self.folder / "site"
        self.network.reload()
        subnet = ipaddress.ip_network(self.network.attrs["IPAM"]["Config"][0]["Subnet"])
        self.address = str(subnet[5])  # the lab leaves .2 to .10 free
        self.settings: dict[str, Any] = {"waba_api_proxy_address": self.address}
        self.authority: Authority

    # -- playbooks -----------------------------------------------------------------------------------------------------

    def configure(self, **settings: Any) -> None:
        """Write the settings of the API proxies into the inventory, besides those that it has."""
        self.settings = {name: value for name, value in {**self.settings, **settings}.items() if value is not None}
        path = self.inventory / "group_vars/waba_api_proxies/tests.yml"
        path.write_text(yaml.safe_dump(self.settings), encoding="utf-8")

    def play(self, playbook: str, *arguments: str) -> Result:
        return run_playbook(self.inventory, f"playbooks/{playbook}", *arguments)

    # -- hosts ---------------------------------------------------------------------------------------------------------

    def certify(self) -> str:
        """Write a new certificate for the address, and its key, on the hosts of the proxies; return the certificate."""
        certificate, key = self.authority.sign(x509.IPAddress(ipaddress.ip_address(self.address)))
        for name in PROXIES:
            for file, source in {"api.pem": certificate, "api.key": key}.items():
                path, text = f"{CERTIFICATES}/{file}", Path(source).read_text(encoding="utf-8")
                write = f"cat >{path}.new <<'END'\n{text}END\nmv {path}.new {path}"
                self.run(name, f"install -d -m 0700 {CERTIFICATES}; umask 077; {write}")
        return Path(certificate).read_text(encoding="ascii")

    def holders(self) -> list[str]:
        """Return the hosts that have the virtual address now; a host that is down has none."""
        running = [name for name in PROXIES if self.host(name).status == "running"]
        return [name for name in running if f" {self.address}/" in self.run(name, "ip -o -4 addr")]

    def holder(self) -> str:
        """Wait until one host holds the address, and return its name."""
        wait_for(lambda: len(self.holders()) == 1, 30, "one host holds the virtual address")
        return self.holders()[0]

    def power_off(self, name: str) -> None:
        """Kill a host with everything on it."""
        self.host(name).kill()

    def power_on(self, name: str) -> None:
        self.host(name).start()
        proxy = f"{CONTAINERS} --filter label=waba.cluster.role=api_proxy --filter health=healthy"
        wait_for(
            lambda: self.host(name).exec_run(["sh", "-c", proxy]).output.strip() != b"", RECOVERY, f"{name} is back"
        )

    # -- the API -------------------------------------------------------------------------------------------------------

    def api(self) -> Api:
        """Return a session at the virtual address."""
        return Api(f"https://{self.address}", self.folder / "waba_secrets.yml")

    @contextmanager
    def flow(self) -> Iterator[Flow]:
        """Call the API at the virtual address without pause. Every call that fails is one that a client would notice."""
        wait_for(lambda: self.api().accepts("before the test"), RECOVERY, "a message is accepted")
        with Flow([self.api()], list) as flow:
            yield flow
        figure("flow", f"{flow.summary()}; {len(flow.refused)} refused")


def pause(flow: Flow, began: float) -> float:
    """Return the longest time without an accepted message since a moment of time.monotonic()."""
    moments = [began, *sorted(moment for moment in flow.accepted.values() if moment > began)]
    return max((after - before for before, after in zip(moments, moments[1:], strict=False)), default=float("inf"))


def accepted_since(flow: Flow, count: int, seconds: float) -> None:
    """Wait until `count` further messages are accepted."""
    before = len(flow.accepted)
    wait_for(lambda: len(flow.accepted) >= before + count, seconds, f"{count} messages are accepted")
    time.sleep(1)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The hosts, with a certificate for the API on those of the proxies, and the settings of the virtual address."""
    lab = Lab()
    lab.configure()
    authority = Authority(tmp_path_factory.mktemp("authority"), "api")
    lab.authority = authority
    lab.certify()
    return lab


__all__ = ["changed"]
