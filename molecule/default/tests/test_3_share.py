"""What containers have of a folder over which a share is mounted while they run: it reaches them by the next run, and not before."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import yaml
from conftest import INVENTORY, NAME, ROOT
from plays import environment

CLUSTER = f"{NAME}-share"  # one container of the test's own
MEDIA = "/usr/local/wamedia"
LABELS = {"waba.cluster.name": CLUSTER, "waba.cluster.role": "coreapp", "waba.cluster.instance": "wacore"}
JSON = {**environment(), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}


def ansible(name: str, arguments: str, *more: str) -> dict:
    """Run a module on this machine, as the scenario's plays do, and return what it says."""
    command = ["ansible", "localhost", "-i", str(INVENTORY), "-m", name, "-a", arguments, *more]
    result = subprocess.run(command, cwd=ROOT, env=JSON, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout.partition(" => ")[2] or "{}")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder over which the test mounts."""
    path = tmp_path / "media"
    path.mkdir()
    yield path
    while str(path) in Path("/proc/self/mountinfo").read_text(encoding="utf-8"):
        ansible("ansible.builtin.command", f"umount {path}")


@pytest.fixture
def file(tmp_path: Path, folder: Path) -> Iterator[Path]:
    """The Compose file of a container that binds the folder."""
    service = {
        "image": "waba/node:v1.0.0",
        "command": ["sleep", "infinity"],
        "init": True,
        "labels": LABELS,
        "volumes": [{"type": "bind", "source": str(folder), "target": MEDIA, "bind": {"create_host_path": False}}],
    }
    path = tmp_path / "compose.yml"
    path.write_text(yaml.safe_dump({"name": CLUSTER, "services": {"wacore": service}}), encoding="utf-8")
    yield path
    ansible("waba.cluster.compose_project", json.dumps({"state": "absent", "cluster_name": CLUSTER}))


def test_a_share_that_is_mounted_or_exchanged_reaches_the_container_by_the_next_run(file: Path, folder: Path) -> None:
    def run(*more: str) -> list[str]:
        """Bring the container up, and return why something was done."""
        said = ansible("waba.cluster.compose_project", json.dumps({"file": str(file), "wait_timeout": 0}), *more)
        return [action["reason"] for action in said["actions"]]

    def seen() -> str:
        (container,) = docker.from_env().containers.list(filters={"label": f"waba.cluster.name={CLUSTER}"})
        return container.exec_run(["ls", MEDIA]).output.decode().strip()

    assert run() == ["it has no container"]
    assert run() == []
    why = "changed: media (it still has the folder that was there when it started, not what is mounted there now)"
    ansible("ansible.builtin.command", f"mount -t tmpfs tmpfs {folder}")
    ansible("ansible.builtin.file", f"path={folder}/of_the_share state=touch mode=0644")
    assert seen() == ""
    assert run("--check") == [why]
    assert run() == [why]
    assert seen() == "of_the_share"
    ansible("ansible.builtin.command", f"umount {folder}")
    ansible("ansible.builtin.command", f"mount -t tmpfs tmpfs {folder}")
    assert seen() == "of_the_share", "the former one is there for as long as somebody has it"
    assert run() == [why]
    assert (run(), seen()) == ([], "")
