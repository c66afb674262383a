# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The volumes of a host against those that are wanted: are they there, who uses them, would anybody lose sight of data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils.compose import volumes as planner
from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_CLUSTER
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable
from ansible_collections.waba.cluster.plugins.module_utils.preflight.io import live_host as host
from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem


def client_or_none() -> Any:
    """Return a `docker.DockerClient`, or None where there is no Docker: then no volume and no container is there either."""
    try:
        return docker_engine.connect()
    except DockerUnavailable:
        return None


def containers_of(client: Any, cluster: str) -> list[dict[str, Any]]:
    """Return a cluster's containers on this host (list of {"name", "mounts"}, see `compose.volumes.left_behind`). Raises HostError."""
    found = containers.with_labels(client, f"{LABEL_CLUSTER}={cluster}") if client else []
    return [{"name": item["Name"].lstrip("/"), "mounts": containers.mounts(item)} for item in found]


def faults(client: Any, volumes: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with volumes that must be there (list of Problem). Raises HostError.

    client: docker.DockerClient, or None: then external volumes are not looked for. volumes: {kind: {"type", "source", "owner", "mode"}}.
    """
    found = {}
    for kind, volume in volumes.items():
        if volume["type"] == "bind":
            found[kind] = host.folder_problem(volume["source"], volume["owner"], volume["mode"])
        elif volume["type"] == "external" and client:
            found[kind] = containers.volume_fault(client, volume["source"])
    return planner.missing(volumes, found)


def problems(params: Mapping[str, Any], volumes: Mapping[str, Any]) -> Any:
    """Return what is wrong with the volumes, and which data would be lost sight of (list of Problem). Raises HostError.

    params: `cluster_name`, `volumes` and `allow_source_change` of `options.PLAN_OPTIONS`. volumes: those to look for, as for `faults`.
    """
    client, cluster = client_or_none(), params["cluster_name"]
    wrong = faults(client, volumes)
    if not params["allow_source_change"]:
        wanted = planner.complete(params["volumes"])
        wrong.extend(planner.left_behind(cluster, wanted, containers_of(client, cluster)))
    return wrong
