"""Two clusters of one inventory, green and blue, and the database server that both use and none runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from api import Api
from live import Cluster
from plays import changed, backup_archive, run_playbook, refusal
from waiting import wait_for

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from server import BLUE, SETTINGS, root  # noqa: E402

__all__ = ["BLUE_OPTIONS", "Api", "Side", "changed", "backup_archive", "play", "refusal", "root", "wait_for"]

INVENTORY = HERE.parent / "inventory"
BLUE_OPTIONS = ("-e", f"@{HERE.parent / 'vars/blue.yml'}")


class Side(NamedTuple):
    """One of the clusters: its containers, its folder, what its settings say."""

    cluster: Cluster
    folder: Path
    settings: dict

    def state(self) -> tuple:
        """Return what must be the same afterwards where nothing was touched: containers and their starts, files, volumes, networks."""
        files = {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in self.folder.glob("*")}
        networks = {network.id for network in self.cluster.networks()}
        return self.cluster.started(), files, {volume.name for volume in self.cluster.volumes()}, networks

    def log_in(self) -> Api:
        port = self.settings["waba_webapp_instances"][0]["port"]
        return Api(f"https://127.0.0.1:{port}", Path(self.settings["waba_secrets_file"]))


def play(playbook: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run one of the collection's playbooks on the scenario's inventory."""
    return run_playbook(INVENTORY, f"playbooks/{playbook}", *arguments)


def side(settings: dict) -> Side:
    return Side(Cluster(settings["waba_cluster_name"]), Path(settings["waba_dir"]), settings)


@pytest.fixture(scope="session")
def green() -> Side:
    """The cluster that site.yml brings up without a word more."""
    return side(SETTINGS)


@pytest.fixture(scope="session")
def blue() -> Side:
    """The cluster that BLUE_OPTIONS name."""
    return side({**SETTINGS, **BLUE})
