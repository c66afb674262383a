"""Commands, modules and playbooks on the machines of the scenario."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from plays import ROOT, Result, run_playbook

Task = dict[str, Any]

HERE = Path(__file__).resolve().parent
INVENTORY = HERE.parent / "inventory"
HOSTS = yaml.safe_load((INVENTORY / "hosts.yml").read_text(encoding="utf-8"))["all"]["children"]
ADDRESSES = {
    name: host.get("waba_external_hostname", host["ansible_host"])
    for group in HOSTS.values()
    for name, host in (group.get("hosts") or {}).items()
    if host
}
LOGIN = HOSTS["machines"]["vars"]
MOUNTED = "/mnt/wamedia"
HANGS = 180  # seconds of a task; each step of nfs_mount has 10 (nfs_mount_timeout), and the machines are slow
OPTIONS = yaml.safe_load((ROOT / "roles/nfs_mount/defaults/main.yml").read_text(encoding="utf-8"))["nfs_mount_options"]
SHARE = f"{ADDRESSES['share']}:/srv/wamedia"
SSH = [
    "ssh",
    *LOGIN["ansible_ssh_common_args"].split(),
    *("-i", LOGIN["ansible_ssh_private_key_file"], "-o", "ControlPath=/tmp/waba-nfs-%C", "-l", LOGIN["ansible_user"]),
]


def run(machine: str, script: str, code: int = 0) -> str:
    """Run a shell script on a machine; return its output. Another exit code than `code` fails the test."""
    result = subprocess.run([*SSH, ADDRESSES[machine], script], capture_output=True, text=True, check=False)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout.strip()


def results(machine: str, *tasks: Task) -> list[Task]:
    """Run tasks on a machine in one play, which continues after a failure; return the result of each, with "failed".

    A task that hangs fails with a message of Ansible.
    """
    always = {"ignore_errors": True, "timeout": HANGS}
    numbered = [{**task, **always, "register": f"task{number}"} for number, task in enumerate(tasks)]
    every = ", ".join(f"{{'failed': false}} | combine({task['register']})" for task in numbered)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "results")
        copied = {"content": f"{{{{ [{every}] | to_json }}}}", "dest": str(output), "mode": "0600"}
        write = {"ansible.builtin.copy": copied, "delegate_to": "localhost"}
        book = Path(folder, "book.yml")
        book.write_text(
            json.dumps([{"hosts": machine, "gather_facts": False, "tasks": [*numbered, write]}]), encoding="utf-8"
        )
        assert set(changed(play(str(book)))) == {machine}
        return json.loads(output.read_text(encoding="utf-8"))


def module(machine: str, name: str, **options: object) -> dict[str, Any]:
    """Run a module of the collection on a machine; return its result."""
    return results(machine, {f"waba.cluster.{name}": options})[0]


def settings(**options: object) -> dict[str, Any]:
    """Return options of nfs_mount, by default on a folder for tests."""
    usual = {"path": "/mnt/test", "server": ADDRESSES["share"], "export": "/srv/wamedia", "options": OPTIONS}
    return {**usual, "timeout": 10, **options}


def mount(machine: str, **options: object) -> dict[str, Any]:
    """Run nfs_mount on a machine."""
    return module(machine, "nfs_mount", **settings(**options))


def play(playbook: str, *arguments: str) -> Result:
    return run_playbook(INVENTORY, playbook, *arguments)


def changed(result: Result) -> dict[str, int]:
    """Return host -> number of changed tasks; a run that failed fails the test with its output."""
    assert result.returncode == 0, result.stdout + result.stderr
    recap = re.findall(r"^(\w+) .*changed=(\d+)", result.stdout, re.MULTILINE)
    return {host: int(count) for host, count in recap if host != "localhost"}


def state(machine: str) -> str:
    """Return fstab, the NFS mounts and the folders below /mnt, which a refused run must not change."""
    return run(machine, "cat /etc/fstab; grep nfs4 /proc/self/mountinfo | cut -d' ' -f4-; ls /mnt")


@pytest.fixture(scope="session", autouse=True)
def connected() -> Iterator[None]:
    """One connection to each machine, shared by all commands: a new connection takes most of a second."""
    for address in ADDRESSES.values():
        subprocess.run([*SSH, "-fNM", address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    yield
    for address in ADDRESSES.values():
        subprocess.run([*SSH, "-O", "exit", address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


@pytest.fixture(scope="session")
def foreign_exports() -> Iterator[None]:
    """Exports that the collection did not write, for the refusals; the collection must not change them."""
    clients = f"{ADDRESSES['node1']}(OPTIONS,no_subtree_check,no_root_squash)"
    lines = [
        f"/srv/{name} {clients.replace('OPTIONS', options)}" for name, options in (("readonly", "ro"), ("other", "rw"))
    ]
    lines.append(f"/srv/squashed {ADDRESSES['node1']}(rw,no_subtree_check,root_squash)")
    text = "\\n".join(lines)
    run(
        "share",
        f"mkdir -p /srv/readonly /srv/other /srv/squashed; printf '{text}\\n' > /etc/exports.d/by_hand.exports; exportfs -r",
    )
    yield
    assert run("share", "cat /etc/exports.d/by_hand.exports").splitlines() == lines
