"""`make bench-deploy`: the duration of site.yml beside a plain playbook and plain Compose, and its cost per host as a cluster grows.

Parts: `hosts` (eight hosts of a lab), `single` (one machine) and `growth` (8, 24 and 48 hosts, each a container with SSH and its own engine).
The plain playbook (tests/bench/plain) uses community.docker from the package `ansible`, in a virtual environment below .build.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import resource
import secrets
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/lab")]

from environments import virtual_environment  # noqa: E402
from plays import environment  # noqa: E402

PLAIN = ROOT / "tests/bench/plain"
LAB = "bench"
FOLDER = ROOT / ".build/lab" / LAB
FORKS = ("--forks", "10")
GROWTH = (8, 24, 48)
SSH = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")


@dataclass(frozen=True)
class Measurement:
    """seconds: wall clock. controller: processor seconds of ansible-playbook and its children on this machine."""

    seconds: float
    controller: float
    output: str


def measure(what: str, command: Sequence[str | Path], variables: dict[str, str]) -> Measurement:
    """Run a command, which must succeed; print and return its cost."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    result = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode != 0:
        # The recap of many hosts is longer than the task that failed.
        tasks = result.stdout.partition("PLAY RECAP")[0]
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{tasks[-5000:]}{result.stderr[-2000:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report(f"{what}: {seconds:.1f} s, {used:.1f} s controller CPU")
    return Measurement(seconds, used, result.stdout)


def report(text: str) -> None:
    print(text, flush=True)


def collection(playbook: str, inventory: Path, *arguments: str) -> Measurement:
    """Run a playbook of the collection."""
    command = ["ansible-playbook", str(ROOT / "playbooks" / playbook), "-i", str(inventory), *FORKS, *arguments]
    return measure(playbook, command, environment())


def plain_environment() -> Path:
    """Return the bin folder of an environment with community.docker."""
    return virtual_environment("plain", Path(sys.executable), "ansible==12.3.0")


def plain(inventory: Path) -> Measurement:
    """Run the plain playbook with the settings of ansible.cfg that matter for its speed."""
    binaries = plain_environment()
    settings = {"ANSIBLE_CONFIG": str(PLAIN / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    variables = {**os.environ, **settings, "PATH": f"{binaries}:{os.environ['PATH']}"}
    return measure("plain playbook", ["ansible-playbook", PLAIN / "site.yml", "-i", inventory, *FORKS], variables)


@contextlib.contextmanager
def lab(hosts: int) -> Iterator[None]:
    """Start a lab whose hosts all have Docker; remove it afterwards."""
    command = [sys.executable, str(ROOT / "tests/lab/lab.py")]
    subprocess.run([*command, "up", "--name", LAB, "--hosts", str(hosts), "--bare", "0"], check=True, stdout=sys.stderr)
    try:
        yield
    finally:
        subprocess.run([*command, "down", "--name", LAB], check=True, stdout=sys.stderr)


def lab_inventory() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "inventory/hosts.yml").read_text(encoding="utf-8"))


def write_inventory(content: dict[str, Any], name: str) -> Path:
    path = FOLDER / name
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def remote_tasks(output: str, addresses: dict[str, str]) -> Counter[str]:
    """Return host -> number of modules that ran on it, from the output of a run with -vvv. addresses: host -> address."""
    names = {address: host for host, address in addresses.items()}
    return Counter(names[address] for address in re.findall(r"<([\d.]+)> SSH: EXEC ", output))


def everywhere(addresses: dict[str, str], script: str) -> float:
    """Run a shell script on all hosts in parallel over SSH; return the seconds."""
    began = time.monotonic()
    processes = [
        subprocess.Popen(
            ["ssh", "-i", str(FOLDER / "key"), *SSH, f"root@{address}", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for address in addresses.values()
    ]
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit(f"{script} failed:\n" + "\n".join(outputs))
    report(f"{script}: {time.monotonic() - began:.1f} s")
    return time.monotonic() - began


def compose(verb: str) -> str:
    return f"for f in /opt/waba/multiconnect-*.yml; do docker compose -f $f {verb}; done"


def measure_hosts(repeat: int) -> list[str]:
    """Measure cold and second runs on eight hosts; return the rows of a table."""
    plain_environment()  # takes a minute the first time
    with lab(8):
        inventory = lab_inventory()
        addresses = {name: host["ansible_host"] for name, host in inventory["all"]["hosts"].items()}
        path = FOLDER / "inventory"
        cold = collection("site.yml", path).seconds
        second = statistics.median(collection("site.yml", path).seconds for _run in range(repeat))
        tasks = remote_tasks(collection("site.yml", path, "-vvv").output, addresses)
        compose_second = statistics.median(everywhere(addresses, compose("up -d")) for _run in range(repeat))
        everywhere(addresses, compose("down --volumes"))
        compose_cold = everywhere(addresses, compose("up -d"))
        collection("uninstall.yml", path, "-e", "waba_wipe_volumes=true", "-e", "waba_wipe_confirmation=waba")
        inventory["all"]["vars"] |= {
            "folder": "/opt/plain",
            "admin_password": f"Pl4in-{secrets.token_hex(8)}",
            **{name: secrets.token_hex(16) for name in ("database_password", "api_key", "token_key", "node_secret")},
        }
        other = write_inventory(inventory, "plain.yml")
        plain_cold = plain(other).seconds
        plain_second = statistics.median(plain(other).seconds for _run in range(repeat))
    return [
        f"| cold run, 8 hosts | {cold:.1f} | {plain_cold:.1f} | {compose_cold:.1f} | {cold / plain_cold:.2f} | 0.7 |",
        f"| second run, 8 hosts | {second:.1f} | {plain_second:.1f} | {compose_second:.1f} | {second / plain_second:.2f} | 0.5 |",
        f"| remote tasks per host, second run | {dict(sorted(tasks.items()))} | | | | 2, and 3 on one host |",
    ]


def measure_single(repeat: int) -> list[str]:
    """Measure the second run of the molecule scenario `default`: one machine with every role."""
    inventory = ROOT / "molecule/default/inventory"
    try:
        cold = collection("site.yml", inventory).seconds
        second = statistics.median(collection("site.yml", inventory).seconds for _run in range(repeat))
    finally:
        collection("uninstall.yml", inventory)
    return [
        f"| cold run, one machine | {cold:.1f} | | | | |",
        f"| second run, one machine | {second:.1f} | | | | 7 s |",
    ]


def first_hosts(inventory: dict[str, Any], count: int) -> dict[str, Any]:
    """Return the inventory of the first hosts; spare hosts are coreapps."""
    names = list(inventory["all"]["hosts"])[:count]
    children: dict[str, dict[str, Any]] = {
        group: {"hosts": {name: {} for name in content["hosts"] if name in names}}
        for group, content in inventory["all"]["children"].items()
    }
    children["waba_coreapps"]["hosts"] |= {name: {} for name in names if name.startswith("spare")}
    hosts = {name: inventory["all"]["hosts"][name] for name in names}
    return {"all": {"hosts": hosts, "vars": inventory["all"]["vars"], "children": children}}


def measure_growth(repeat: int, sizes: Sequence[int]) -> list[str]:
    """Measure the second run of a cluster that grows; return the rows of a table."""
    rows = []
    least: float | None = None
    with lab(max(sizes)):
        inventory = lab_inventory()
        for size in sizes:
            report(f"{size} hosts ...")
            path = write_inventory(first_hosts(inventory, size), "growth.yml")
            collection("site.yml", path)
            runs = [collection("site.yml", path) for _run in range(repeat)]
            controller = statistics.median(run.controller for run in runs) / size
            seconds = statistics.median(run.seconds for run in runs)
            least = least or controller
            rows.append(f"| {size} | {seconds:.1f} | {controller:.2f} | {controller / least:.2f} |")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--part", action="append", choices=("hosts", "single", "growth"), help="repeatable; default: all"
    )
    parser.add_argument("--repeat", type=int, default=3, help="number of second runs, of which the median counts")
    parser.add_argument("--sizes", type=int, nargs="+", default=GROWTH, help="numbers of hosts of the part growth")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(1))  # so that the lab is removed
    parts = arguments.part or ["hosts", "single", "growth"]
    rows: list[str] = []
    growth: list[str] = []
    if "hosts" in parts:
        rows += measure_hosts(arguments.repeat)
    if "single" in parts:
        rows += measure_single(arguments.repeat)
    if "growth" in parts:
        growth = measure_growth(arguments.repeat, arguments.sizes)
    report(
        f"\n{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; medians of {arguments.repeat} second runs\n"
    )
    if rows:
        report(
            "| seconds | site.yml | plain playbook | docker compose | site.yml / plain | goal |\n| --- | --- | --- | --- | --- | --- |"
        )
        report("\n".join(rows))
    if growth:
        report(
            "\n| hosts (lab containers) | seconds | controller CPU seconds per host | relative to the first |\n| --- | --- | --- | --- |"
        )
        report("\n".join(growth))
        report("\nGoal: 48 hosts cost at most 1.2 times as much per host as 8.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
