# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the volumes of a host: they must exist, and a change of source must not leave data behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.volumes import (
    fault_problems,
    left_behind,
    with_defaults,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.io import live_host
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

if TYPE_CHECKING:
    from docker import DockerClient


def client_or_none() -> DockerClient | None:
    """Return a client of the engine, or None if the host has no Docker, and therefore neither volumes nor containers."""
    try:
        return engine.connect()
    except DockerUnavailable:
        return None


def container_mounts(client: DockerClient | None, cluster: str) -> list[dict[str, Any]]:
    """Return the {"name", "mounts"} of a cluster's containers on this host, see `compose.volumes.left_behind`. Raises HostError.

    The arbitrator is left out: it has no data, and a volume of its own at the mount point of the database.
    """
    found = containers.with_labels(client, f"{LABEL_CLUSTER}={cluster}") if client else []
    return [
        {"name": item["Name"].lstrip("/"), "mounts": containers.mounts(item)}
        for item in found
        if item["Config"]["Labels"].get(LABEL_ROLE) != "arbitrator"
    ]


def unusable_volumes(client: DockerClient | None, volumes: Mapping[str, Mapping[str, Any]]) -> list[Problem]:
    """Return a Problem for every external volume and bind-mounted folder that is missing or unusable. Raises HostError.

    client: None on a host without Docker, whose external volumes are not checked. volumes: {kind: {"type", "source", "owner", "mode"}}.
    """
    faults: dict[str, str | None] = {}
    for kind, volume in volumes.items():
        if volume["type"] == "bind":
            faults[kind] = live_host.folder_problem(volume["source"], volume["owner"], volume["mode"])
        elif volume["type"] == "external" and client:
            faults[kind] = containers.volume_fault(client, volume["source"])
    return fault_problems(volumes, faults)


def problems(params: Mapping[str, Any], volumes: Mapping[str, Mapping[str, Any]]) -> list[Problem]:
    """Return the problems of the volumes, including changes of source that leave data behind. Raises HostError.

    params: `cluster_name`, `volumes` and `allow_source_change` of `argspec.PLAN_OPTIONS`. volumes: the ones to check, as for `unusable_volumes`.
    """
    client, cluster = client_or_none(), params["cluster_name"]
    found = unusable_volumes(client, volumes)
    if not params["allow_source_change"]:
        wanted = with_defaults(params["volumes"])
        found.extend(left_behind(cluster, wanted, container_mounts(client, cluster)))
    return found
