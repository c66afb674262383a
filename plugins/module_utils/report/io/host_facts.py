# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host is, in which versions, and how its containers are, for who looks for a fault."""

from __future__ import annotations

import contextlib
import os
import platform

from ansible_collections.waba.cluster.plugins.module_utils.compose.io import live_nodes as nodes
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers, install
from ansible_collections.waba.cluster.plugins.module_utils.preflight.io import machine


def host_facts(run_command, client, cluster, path, inspected):
    """Return the facts (dict that JSON can hold). inspected: the containers' inspect answers. client: None where no engine answers."""
    return {
        **machine.software(run_command),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "memory_mb": machine.memory_mb(),
        "load": os.getloadavg(),
        "disks": {place: _space(place) for place in ("/", "/var/lib/docker", path)},
        "distribution_name": install.os_release().get("PRETTY_NAME", ""),
        "nodes": nodes.observed(client, cluster, path) if client else [],
        "containers": [_told(container) for container in inspected],
    }


def _told(container):
    state = container["State"]
    return {
        "name": container["Name"].lstrip("/"),
        "image": container["Config"]["Image"],
        "image_id": container["Image"],
        **containers.observation(container),
        "started_at": state.get("StartedAt"),
        "finished_at": state.get("FinishedAt"),
        "out_of_memory": state.get("OOMKilled", False),
        "error": state.get("Error", ""),
        "health_log": [
            {"at": one.get("Start"), "exit_code": one.get("ExitCode"), "said": one.get("Output")}
            for one in (state.get("Health") or {}).get("Log") or []
        ],
    }


def _space(place):
    with contextlib.suppress(OSError):
        status = os.statvfs(place)
        return {
            "free_mb": status.f_bavail * status.f_frsize // 2**20,
            "size_mb": status.f_blocks * status.f_frsize // 2**20,
        }
    return None
