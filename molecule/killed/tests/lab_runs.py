"""Runs on the lab that may be killed, with the modules that they run on the hosts."""

from __future__ import annotations

from collections.abc import Callable

from hosts import Hosts
from killed_runs import Kill, Run, run_and_kill


def run(
    hosts: Hosts,
    playbook: str,
    *arguments: str,
    kill: Kill | None = None,
    before_task: Callable[[int, str], None] = lambda _number, _name: None,
) -> Run:
    """Run a playbook on the cluster of the lab, as killed_runs.run_and_kill does."""

    def kill_all_modules() -> None:
        for name in hosts.addresses:
            kill_modules(hosts, name)

    inventory = hosts.folder / "inventory"
    return run_and_kill(
        inventory, playbook, *arguments, kill=kill, kill_modules=kill_all_modules, before_task=before_task
    )


def kill_modules(hosts: Hosts, name: str) -> None:
    """Kill each process on a host that was started through SSH."""
    script = """
import glob, os, re
parents, names = {}, {}
for path in glob.glob("/proc/[0-9]*/stat"):
    try:
        pid, name, parent = re.match(r"(\\d+) \\((.*)\\) \\S (\\d+)", open(path).read()).groups()
    except (OSError, AttributeError):
        continue
    parents[int(pid)], names[int(pid)] = int(parent), name
def by_ssh(pid):
    while pid in parents:
        pid = parents[pid]
        if names.get(pid, "").startswith("sshd"):
            return True
    return False
for pid in [pid for pid in parents if by_ssh(pid) and not names[pid].startswith("sshd")]:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        pass
"""
    hosts.host(name).exec_run(["python3", "-c", script])
