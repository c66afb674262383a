"""Run site.yml on inventories that must be refused; nothing may be touched."""

from __future__ import annotations

import itertools
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest
import yaml
from cases import RUNS, TAKEN_PORT, TAKEN_RANGE
from plays import ROOT, run_playbook

HERE = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
TASKS = (
    *sorted((ROOT / "roles/preflight/tasks").glob("*.yml")),
    ROOT / "roles/topology/tasks/main.yml",
    ROOT / "roles/secrets/tasks/main.yml",
    ROOT / "playbooks/topology.yml",
)


class Refused:
    """One run of site.yml: its table of problems, its tasks, and the files that it left."""

    def __init__(self, name: str, folder: Path) -> None:
        run = RUNS[name]
        inventory = {
            "all": {"vars": {**HERE, "waba_dir": str(folder / "waba"), **run["vars"]}, "children": run["groups"]}
        }
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        done = run_playbook(folder / "hosts.yml", "playbooks/site.yml", *run.get("arguments", []))
        self.status, self.output = done.returncode, done.stdout
        self.rows = problem_rows(done.stdout)
        self.tasks = set(re.findall(r"^TASK \[(?:.* : )?(.*)\] \*", done.stdout, re.MULTILINE))
        self.changed = sum(map(int, re.findall(r"changed=(\d+)", done.stdout)))
        self.left = sorted(path.name for path in folder.iterdir())


def problem_rows(output: str) -> set[tuple[str, ...]]:
    """Return the rows of the table of problems: (host, setting, value, problem, fix)."""
    if "to fix before anything is touched:\n" not in output:
        return set()
    table = output.partition("to fix before anything is touched:\n")[2].splitlines()
    lines = [line.strip() for line in itertools.takewhile(lambda line: line and not line.startswith("Origin: "), table)]
    ends = [match.span() for match in re.finditer(r"-+", lines[1])]
    # The dashes mark the columns.
    return {
        tuple(
            line[first : ends[i + 1][0] if i + 1 < len(ends) else None].strip() for i, (first, _end) in enumerate(ends)
        )
        for line in lines[2:]
    }


def cluster_objects() -> dict[str, set[str | None]]:
    """Return the containers, volumes and networks of the cluster on this machine."""
    engine = docker.from_env()
    labelled: dict[str, str | list[str] | bool] = {"label": "waba.cluster.name=waba-inputs"}
    return {
        "containers": {one.id for one in engine.containers.list(all=True, filters=labelled)},
        "volumes": {one.name for one in engine.volumes.list(filters=labelled)},
        "networks": {one.id for one in engine.networks.list(filters=labelled)},
    }


@pytest.fixture(scope="session")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Refused]:
    before = cluster_objects()
    folders = {name: tmp_path_factory.mktemp(name) for name in RUNS}
    with (
        socket.create_server(("127.0.0.1", TAKEN_RANGE)),
        socket.create_server(("127.0.0.1", TAKEN_PORT)),
        ThreadPoolExecutor() as pool,
    ):
        runs = dict(zip(RUNS, pool.map(lambda name: Refused(name, folders[name]), RUNS), strict=True))
    assert cluster_objects() == before
    return runs
