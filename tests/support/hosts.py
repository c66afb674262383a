"""The hosts of a lab (tests/lab), from outside: as containers, and as what one may run on them."""

from __future__ import annotations

import docker
import yaml
from plays import ROOT


class Hosts:
    """The hosts of the lab `name`, by the names that its inventory gives them."""

    def __init__(self, name: str) -> None:
        self.lab, self.folder = name, ROOT / ".build/lab" / name
        text = (self.folder / "connections.yml").read_text(encoding="utf-8")
        self.addresses: dict[str, dict[str, str]] = yaml.safe_load(text)["all"]["hosts"]
        self.engine = docker.from_env()
        self.network = self.engine.networks.get(f"waba-lab-{name}")

    def host(self, name: str):
        return self.engine.containers.get(f"{self.lab}-{name}")

    def stopped(self) -> list:
        return self.engine.containers.list(all=True, filters={"label": f"waba.lab.name={self.lab}", "status": "exited"})

    def run(self, name: str, script: str) -> str:
        """Run a shell script on a host, as its root, and return what it says."""
        status, output = self.host(name).exec_run(["sh", "-euc", script])
        assert status == 0, output.decode()
        return output.decode()

    def cut_off(self, name: str) -> None:
        """Take a host off the network; its containers go on."""
        self.network.disconnect(self.host(name))

    def join(self, name: str) -> None:
        address = self.addresses[name]
        self.network.connect(
            self.host(name), ipv4_address=address["ansible_host"], aliases=[address["waba_external_hostname"]]
        )
