"""The hosts of a lab (tests/lab), seen from this machine: as containers, with commands that run on them."""

from __future__ import annotations

import secrets

import docker
import yaml
from docker.models.containers import Container
from plays import ROOT

# $0: a file for the output, $1: the script. The name of the file marks the end of the output.
RUN = '(umask 077 && : >"$0"); sh -euc "$1" >"$0" 2>&1; status=$?; cat "$0"; printf %s "$0"; exit $status'
READ = 'cat "$0"; printf %s "$0"'
CONTAINERS = "docker ps -aq --no-trunc --filter label=waba.cluster.name=waba"  # of the cluster


class Hosts:
    """The hosts of a lab, by their names in its inventory."""

    def __init__(self, name: str) -> None:
        self.lab, self.folder = name, ROOT / ".build/lab" / name
        text = (self.folder / "connections.yml").read_text(encoding="utf-8")
        self.addresses: dict[str, dict[str, str]] = yaml.safe_load(text)["all"]["hosts"]
        self.engine = docker.from_env()
        self.network = self.engine.networks.get(f"waba-lab-{name}")

    def host(self, name: str) -> Container:
        return self.engine.containers.get(f"{self.lab}-{name}")

    def stopped(self) -> list[Container]:
        return self.engine.containers.list(all=True, filters={"label": f"waba.lab.name={self.lab}", "status": "exited"})

    def run(self, name: str, script: str) -> str:
        """Run a shell script on a host, as root, and return its output; a script that fails fails the test.

        Docker 20.10 may lose the output of a command on a busy machine. A file retains it until it was read whole.
        """
        host, file = self.host(name), f"/run/output-{secrets.token_hex(4)}"
        status, output = host.exec_run(["sh", "-c", RUN, file, script])
        while not output.endswith(file.encode()):
            output = host.exec_run(["sh", "-c", READ, file]).output
        text = output.decode().removesuffix(file)
        assert status == 0, text
        return text

    def started(self, *names: str) -> dict[str, str]:
        """Return "container, moment of its start" by host; an equal result before and after means that nothing restarted.

        names: the hosts, by default all of the lab.
        """
        script = f"{CONTAINERS} | xargs -r docker inspect -f '{{{{.Id}}}} {{{{.State.StartedAt}}}}' | sort"
        return {name: self.run(name, script) for name in names or self.addresses}

    def disconnect_host(self, name: str) -> None:
        """Disconnect a host from the network; its containers keep running."""
        self.network.disconnect(self.host(name))

    def connect_host(self, name: str) -> None:
        """Connect a host to the network again, under its former address and name."""
        address = self.addresses[name]
        self.network.connect(
            self.host(name), ipv4_address=address["ansible_host"], aliases=[address["waba_external_hostname"]]
        )
