# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts of a host for troubleshooting: versions, resources, and the state of its containers."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io import live_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, install
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.io import machine

if TYPE_CHECKING:
    from docker import DockerClient


def host_facts(
    run_command: install.RunCommand,
    client: DockerClient | None,
    cluster: str,
    path: str,
    inspected: Iterable[containers.Inspected],
) -> dict[str, Any]:
    """Return the facts as data for JSON. inspected: the inspect answers of the cluster's containers. client: None where no engine answers.

    A source that fails does not take the other facts along: `errors` names it.
    """
    errors: dict[str, str] = {}
    nodes: list[dict[str, Any]] = []
    try:
        nodes = live_nodes.observed(client, cluster, path) if client else []
    except HostError as error:
        errors["nodes"] = str(error)
    return {
        **machine.software(run_command),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "memory_mb": machine.memory_mb(),
        "load": os.getloadavg(),
        "disks": {place: _space(place) for place in ("/", "/var/lib/docker", path)},
        "distribution_name": install.os_release().get("PRETTY_NAME", ""),
        "nodes": nodes,
        "errors": errors,
        "containers": [_container_facts(container) for container in inspected],
    }


def _container_facts(container: containers.Inspected) -> dict[str, Any]:
    state = container["State"]
    return {
        "name": containers.name_of(container),
        "image": container["Config"]["Image"],
        "image_id": container["Image"],
        **(containers.observation(container) or {}),
        "started_at": state.get("StartedAt"),
        "finished_at": state.get("FinishedAt"),
        "out_of_memory": state.get("OOMKilled", False),
        "error": state.get("Error", ""),
        "health_log": [
            {"at": one.get("Start"), "exit_code": one.get("ExitCode"), "output": one.get("Output")}
            for one in (state.get("Health") or {}).get("Log") or []
        ],
    }


def _space(place: str) -> dict[str, int] | None:
    with contextlib.suppress(OSError):
        status = os.statvfs(place)
        return {
            "free_mb": status.f_bavail * status.f_frsize // 2**20,
            "size_mb": status.f_blocks * status.f_frsize // 2**20,
        }
    return None
