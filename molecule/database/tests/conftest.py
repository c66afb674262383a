"""Two clusters of one inventory, green and blue, and the external database server that both use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from api import Api
from live import Cluster
from plays import Result, backup_archive, changed, refusal, run_playbook
from waiting import wait_for

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from server import BLUE, SETTINGS, root  # noqa: E402

__all__ = ["BLUE_OPTIONS", "Api", "ClusterOnServer", "backup_archive", "changed", "play", "refusal", "root", "wait_for"]

INVENTORY = HERE.parent / "inventory"
BLUE_OPTIONS = ("-e", f"@{HERE.parent / 'vars/blue.yml'}")


class ClusterOnServer(NamedTuple):
    """One of the clusters: containers, folder and settings."""

    cluster: Cluster
    folder: Path
    settings: dict[str, Any]

    def state(self) -> tuple[object, ...]:
        """Return containers with their start, files, volumes and networks; an equal result means that nothing was touched."""
        files = {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in self.folder.glob("*")}
        networks = {network.id for network in self.cluster.networks()}
        return self.cluster.started(), files, {volume.name for volume in self.cluster.volumes()}, networks

    def log_in(self) -> Api:
        port = self.settings["waba_webapp_instances"][0]["port"]
        return Api(f"https://127.0.0.1:{port}", Path(self.settings["waba_secrets_file"]))


def play(playbook: str, *arguments: str) -> Result:
    """Run a playbook of the collection on the inventory of the scenario."""
    return run_playbook(INVENTORY, f"playbooks/{playbook}", *arguments)


def tested_cluster(settings: dict[str, Any]) -> ClusterOnServer:
    return ClusterOnServer(Cluster(settings["waba_cluster_name"]), Path(settings["waba_dir"]), settings)


@pytest.fixture(scope="session")
def green() -> ClusterOnServer:
    """The cluster that site.yml deploys without further options."""
    return tested_cluster(SETTINGS)


@pytest.fixture(scope="session")
def blue() -> ClusterOnServer:
    """The cluster that site.yml deploys with BLUE_OPTIONS."""
    return tested_cluster({**SETTINGS, **BLUE})
