"""Three hosts; db1 makes the scheduled backups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from api import Api
from hosts import Hosts
from plays import Result, changed, refusal, run_playbook
from waiting import wait_for

__all__ = ["Backups", "Hosts", "changed", "refusal", "wait_for"]

UNIT = "waba-backup-waba.service"
FOLDER = "/var/backups/waba"
# An operator's command, which fails while the file /run/copy-fails exists.
COPY = '#!/bin/sh\nset -eu\nmkdir -p /srv/copies\n! test -e /run/copy-fails || { echo no route to host >&2; exit 7; }\ncp "$1" /srv/copies/\n'


class Backups:
    """The scheduled backups of one host of the lab."""

    def __init__(self, hosts: Hosts, host: str) -> None:
        self.hosts, self.host = hosts, host

    def run(self, script: str) -> str:
        return self.hosts.run(self.host, script)

    def make(self) -> bool:
        """Start the unit of the timer, and wait for its end; return whether it succeeded."""
        return self.run(f"systemctl start {UNIT} >&2 && echo good || echo failed").split()[-1] == "good"

    def archives(self) -> list[str]:
        return sorted(self.run(f"cd {FOLDER} && ls *.tar.age 2>/dev/null || true").split())

    def state(self) -> dict[str, Any]:
        return json.loads(self.run(f"cat {FOLDER}/state.json"))

    def journal(self) -> str:
        return self.run(f"journalctl --no-pager --unit {UNIT}")

    def leftovers(self) -> str:
        """Return the containers and the folders that only a run in progress has."""
        return self.run(
            f"docker ps --all --quiet --filter label=waba.cluster.role=backup-check; ls -d {FOLDER}/.work 2>/dev/null || true"
        )

    def fetch(self, name: str, folder: Path) -> Path:
        """Copy an archive to this machine, as an operator does."""
        content: Any = self.hosts.host(self.host).exec_run(["cat", f"{FOLDER}/{name}"]).output
        (folder / name).write_bytes(content)
        return folder / name


@pytest.fixture(scope="session")
def hosts() -> Hosts:
    return Hosts("backup")


def play(hosts: Hosts, playbook: str, *arguments: str) -> Result:
    return run_playbook(hosts.folder / "inventory", f"playbooks/{playbook}", *arguments)


def api(hosts: Hosts) -> Api:
    return Api(f"https://{hosts.addresses['master2']['ansible_host']}:9090", hosts.folder / "waba_secrets.yml")


def sql(hosts: Hosts, statement: str) -> str:
    return hosts.run("db1", f'docker exec waba-db-db-1 mariadb waba -Ne "{statement}"').strip()


def provide_copy_command(hosts: Hosts, *names: str) -> None:
    for name in names:
        hosts.run(
            name,
            f"cat > /usr/local/bin/copy-backup <<'END'\n{COPY}END\nchmod 755 /usr/local/bin/copy-backup; mkdir -p /srv/metrics",
        )
