# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check that required volumes exist, and that a change of settings leaves no data behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.documents import volume_name
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import (
    WITHOUT_VOLUMES,
    Volume,
    given_volumes,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import DEFAULT_VOLUMES, MOUNT_POINTS
from ansible_collections.waba.cluster.plugins.module_utils._internal.paths import normalized
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem


def mount_source(cluster: str, volume: Volume) -> tuple[str, str]:
    """Return (mount type, source) as the engine reports it for a mount of a volume."""
    if volume["type"] == "bind":
        return "bind", normalized(volume["source"])
    return "volume", volume_name(cluster, volume)


def fault_problems(volumes: Mapping[str, Volume], faults: Mapping[str, str | None]) -> list[Problem]:
    """Return a Problem for every volume or folder with a fault.

    volumes: {kind: {"type", "source"}}. faults: {kind: the fault of the volume or folder, or None}.
    """
    fixes = {
        "external": "Make it with 'docker volume create', or fix the name",
        "bind": "Make the folder or mount the share, or fix path, owner or mode",
    }
    return [
        Problem(f"volumes.{kind}.source", volumes[kind]["source"], fault, fixes[volumes[kind]["type"]])
        for kind, fault in faults.items()
        if fault
    ]


def left_behind(cluster: str, volumes: Mapping[str, Volume], containers: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Return a Problem for every source that existing containers mount and the planned ones would not.

    volumes: as from `with_defaults`. containers: {"name", "mounts": {destination: (mount type, source)}} of each container of the cluster.
    """
    problems = []
    for kind, mount_point in MOUNT_POINTS.items():
        volume = volumes.get(kind)
        users: dict[str, list[str]] = {}
        for container in containers:
            mounted = container["mounts"].get(mount_point)
            if mounted and not (volume and mounted == mount_source(cluster, volume)):
                users.setdefault(mounted[1], []).append(container["name"])
        for source, names in users.items():
            problem = (
                f"the {kind} of {', '.join(sorted(names))} is in {source}, which the new containers would not mount"
            )
            fix = f"Set it back; or copy the data from {source}, and set allow_source_change (waba_allow_source_change)"
            problems.append(Problem(f"volumes.{kind}.source", volume and volume["source"], problem, fix))
    return problems


def with_defaults(volumes: Mapping[str, Volume | None] | None) -> dict[str, Volume]:
    """Return {kind: volume} with the default of every volume that is not configured. volumes: the option of that name."""
    return {**DEFAULT_VOLUMES, **given_volumes(volumes)}


def mounted_volumes(
    volumes: Mapping[str, Volume | None] | None, nodes: Iterable[Mapping[str, Any]]
) -> dict[str, Volume]:
    """Return {kind: volume} of the configured volumes that the nodes of a host (as from `nodes.plan_nodes`) mount."""
    has_database = {node["role"] == "mysql" for node in nodes if node["role"] not in WITHOUT_VOLUMES}
    return {kind: volume for kind, volume in given_volumes(volumes).items() if (kind == "database") in has_database}
