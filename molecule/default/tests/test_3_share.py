"""A share that is mounted over a folder while containers use it reaches the containers with the next run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml
from conftest import INVENTORY, NAME, ROOT
from plays import environment

CLUSTER = f"{NAME}-share"  # a cluster of one container
MEDIA = "/usr/local/wamedia"
LABELS = {"waba.cluster.name": CLUSTER, "waba.cluster.role": "coreapp", "waba.cluster.instance": "wacore"}
JSON = {**environment(), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}


def ansible(name: str, arguments: str, *options: str) -> dict[str, Any]:
    """Run a module on this machine as the plays of the scenario do; return its result."""
    command = ["ansible", "localhost", "-i", str(INVENTORY), "-m", name, "-a", arguments, *options]
    result = subprocess.run(command, cwd=ROOT, env=JSON, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout.partition(" => ")[2] or "{}")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that serves as a mount point."""
    path = tmp_path / "media"
    path.mkdir()
    yield path
    while str(path) in Path("/proc/self/mountinfo").read_text(encoding="utf-8"):
        ansible("ansible.builtin.command", f"umount {path}")


@pytest.fixture
def file(tmp_path: Path, folder: Path) -> Iterator[Path]:
    """The Compose file of a container that mounts the folder."""
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


def test_container_is_replaced_after_a_share_is_mounted_or_exchanged(file: Path, folder: Path) -> None:
    def run(*options: str) -> list[str]:
        """Converge the container; return the reason of each action."""
        result = ansible("waba.cluster.compose_project", json.dumps({"file": str(file), "wait_timeout": 0}), *options)
        return [action["reason"] for action in result["actions"]]

    def listed_media() -> str:
        (container,) = docker.from_env().containers.list(filters={"label": f"waba.cluster.name={CLUSTER}"})
        return container.exec_run(["ls", MEDIA]).output.decode().strip()

    assert run() == ["it has no container"]
    assert run() == []
    reason = "changed: media (it still has the folder that was there when it started, not what is mounted there now)"
    ansible("ansible.builtin.command", f"mount -t tmpfs tmpfs {folder}")
    ansible("ansible.builtin.file", f"path={folder}/of_the_share state=touch mode=0644")
    assert listed_media() == ""
    assert run("--check") == [reason]
    assert run() == [reason]
    assert listed_media() == "of_the_share"
    ansible("ansible.builtin.command", f"umount {folder}")
    ansible("ansible.builtin.command", f"mount -t tmpfs tmpfs {folder}")
    assert listed_media() == "of_the_share", "the former mount exists as long as the container uses it"
    assert run() == [reason]
    assert (run(), listed_media()) == ([], "")
