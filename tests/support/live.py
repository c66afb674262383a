"""A cluster on this machine: its containers, volumes and networks, found by their labels."""

from __future__ import annotations

import docker
from docker.models.containers import Container
from docker.models.networks import Network
from docker.models.volumes import Volume


class Cluster:
    """A cluster by its name."""

    def __init__(self, name: str) -> None:
        self.engine = docker.from_env()
        self.label: dict[str, str | list[str] | bool] = {"label": f"waba.cluster.name={name}"}

    def containers(self) -> list[Container]:
        # The engine may still be removing one, for instance after a killed run.
        return self.engine.containers.list(all=True, filters=self.label, ignore_removed=True)

    def container(self, instance: str) -> Container:
        (found,) = [one for one in self.containers() if one.labels["waba.cluster.instance"] == instance]
        return found

    def database(self) -> Container:
        (found,) = [one for one in self.containers() if one.labels["waba.cluster.role"] == "mysql"]
        return found

    def coreapp_logs(self) -> list[list[str]]:
        """Return the commands that print the logs of the coreapps."""
        coreapps = [one for one in self.containers() if one.labels["waba.cluster.role"] == "coreapp"]
        return [["docker", "logs", str(one.id)] for one in coreapps]

    def started(self) -> dict[str, str]:
        """Return container id -> moment of its start; an equal result before and after means that nothing restarted."""
        return {str(one.id): one.attrs["State"]["StartedAt"] for one in self.containers()}

    def volumes(self) -> list[Volume]:
        return self.engine.volumes.list(filters=self.label)

    def networks(self) -> list[Network]:
        return self.engine.networks.list(filters=self.label)

    def gateway(self) -> str:
        """Return the address at which the containers reach this machine."""
        (network,) = self.networks()
        network.reload()
        return network.attrs["IPAM"]["Config"][0]["Gateway"]
