# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the volumes that must be there are there, and whether a change of settings would leave data behind (rules: ours)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils.compose.documents import volume_name
from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import given_volumes
from ansible_collections.waba.cluster.plugins.module_utils.contract import DEFAULT_VOLUMES, MOUNT_POINTS
from ansible_collections.waba.cluster.plugins.module_utils.paths import normalized
from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem


def mount_source(cluster: str, volume: Mapping[str, str]) -> tuple[str, str]:
    """Return (mount type, source) as the engine tells it of a mount. volume: {"type", "source"}."""
    if volume["type"] == "bind":
        return "bind", normalized(volume["source"])
    return "volume", volume_name(cluster, volume)


def missing(volumes: Mapping[str, Any], found: Mapping[str, str | None]) -> list[Problem]:
    """Return what must be there and is not (list of Problem).

    volumes: {kind: {"type", "source"}}. found: {kind: None, or what is wrong with the volume or folder (str)}.
    """
    fixes = {
        "external": "Make it with 'docker volume create', or fix the name",
        "bind": "Make the folder or mount the share, or fix path, owner or mode",
    }
    return [
        Problem(f"volumes.{kind}.source", volumes[kind]["source"], fault, fixes[volumes[kind]["type"]])
        for kind, fault in found.items()
        if fault
    ]


def left_behind(cluster: str, volumes: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Return a Problem for every place whose data would stay where the next container does not look.

    volumes: as from `complete`. containers: list of {"name", "mounts": {destination: (mount type, source)}}, ours only.
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
            problem = f"the {kind} of {', '.join(sorted(names))} is in {source}, and would be lost sight of"
            fix = f"Set it back; or copy the data from {source}, and set allow_source_change (waba_allow_source_change)"
            problems.append(Problem(f"volumes.{kind}.source", volume and volume["source"], problem, fix))
    return problems


def complete(volumes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return {kind: {"type", "source", ...}} with the defaults for what was not given. volumes: the option of that name."""
    return {**DEFAULT_VOLUMES, **given(volumes)}


def given(volumes: Mapping[str, Any] | None, nodes: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """Return {kind: volume} of what was given, or of it what the nodes (as from `nodes.plan_nodes`) of a host mount."""
    kinds = list(MOUNT_POINTS)
    if nodes is not None:
        databases = {node["role"] == "mysql" for node in nodes}
        kinds = [kind for kind in MOUNT_POINTS if (kind == "database") in databases]
    return {kind: volume for kind, volume in given_volumes(volumes).items() if kind in kinds}
