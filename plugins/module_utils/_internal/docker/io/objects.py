# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects on a host that carry a cluster's label, and their removal. Every function that takes a client raises HostError."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import (
    LABEL_CLUSTER,
    LABEL_ROLE,
    ROLE_FILES,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import subprocess_timeout

try:
    from docker.errors import NotFound
except ImportError:
    NotFound = LookupError  # type: ignore[misc, assignment]

if TYPE_CHECKING:
    from docker import DockerClient

FOLDER_TIMEOUT = 10  # seconds

Item = dict[str, Any]


def cluster_objects(client: DockerClient, cluster: str) -> dict[str, list[Item]]:
    """Return the {"containers", "networks", "volumes"} of a cluster.

    Each has `name`; networks and volumes have `used_by`, the names of containers outside the cluster; containers have `state`, `role` and
    `inspected`. Containers come in the order of removal: webapps first, the database last.
    """
    label = f"{LABEL_CLUSTER}={cluster}"
    own = containers.with_labels(client, label)
    own_ids = {container["Id"] for container in own}
    with engine_errors("list networks and volumes"):
        networks = [client.api.inspect_network(item["Id"]) for item in client.api.networks(filters={"label": label})]
        volumes = client.api.volumes(filters={"label": label})["Volumes"] or []
    return {
        "containers": sorted((_container(item) for item in own), key=_removal_order),
        "networks": [_network(item, own_ids) for item in sorted(networks, key=lambda item: item["Name"])],
        "volumes": [_volume(client, item, own_ids) for item in sorted(volumes, key=lambda item: item["Name"])],
    }


def cluster_images(client: DockerClient, names: Iterable[str], own: Sequence[Item]) -> list[Item]:
    """Return the images that the host has of those named and of those that the cluster's containers run.

    own: the containers of `cluster_objects`. Each image has `name` and `used_by`, the names of containers outside the cluster.
    """
    wanted = {*names, *(container["inspected"]["Config"]["Image"] for container in own)}
    found = containers.image_facts(client, wanted)
    others = _other_containers(client, own)
    return [
        {"name": name, "used_by": sorted(_listed_name(one) for one in others if one["ImageID"] == fact["id"])}
        for name, fact in found.items()
    ]


def folder_exists(path: str) -> bool:
    """Return whether there is a folder at a path. A folder on a share whose server does not answer counts as existing."""
    try:
        return subprocess_timeout.call(os.path.isdir, path, timeout=FOLDER_TIMEOUT)
    except subprocess_timeout.TimedOut:
        return True


def folder_users(client: DockerClient, folders: Iterable[str], own: Sequence[Item]) -> dict[str, list[str]]:
    """Return {folder: names of the containers outside the cluster that mount it or a path below it}. own: the containers of `cluster_objects`."""
    others = _other_containers(client, own)
    return {
        folder: sorted(_listed_name(one) for one in others if any(_is_below(folder, mount) for mount in one["Mounts"]))
        for folder in folders
    }


def _other_containers(client: DockerClient, own: Sequence[Item]) -> list[Item]:
    own_ids = {container["inspected"]["Id"] for container in own}
    with engine_errors("list the containers"):
        return [one for one in client.api.containers(all=True) if one["Id"] not in own_ids]


def _listed_name(container: Mapping[str, Any]) -> str:
    return container["Names"][0].lstrip("/")


def _is_below(folder: str, mount: Mapping[str, Any]) -> bool:
    return f"{mount.get('Source', '')}/".startswith(f"{folder.rstrip('/')}/")


def all_names(client: DockerClient) -> tuple[list[str], list[str]]:
    """Return (names of all containers, names of all volumes) of the engine, the cluster's and others."""
    with engine_errors("list containers and volumes"):
        every = client.api.containers(all=True)
        volumes = client.api.volumes()["Volumes"] or []
    return sorted(_listed_name(one) for one in every), sorted(one["Name"] for one in volumes)


def remove_object(client: DockerClient, row: Mapping[str, Any], objects: Mapping[str, Sequence[Item]]) -> None:
    """Remove one object that `removal.plan_removal` listed ({"kind", "name"}). An object that no longer exists is no error."""
    kind, name = row["kind"], row["name"]
    if kind == "container":
        for container in objects["containers"]:
            if container["name"] == name:
                containers.remove(client, container["inspected"])
        return
    with engine_errors(f"remove the {kind} {name}"):
        try:
            if kind == "network":
                client.api.remove_network(name)
            elif kind == "image":
                client.api.remove_image(name)
            else:
                client.api.remove_volume(name)
        except NotFound:
            return


def _container(inspected: containers.Inspected) -> Item:
    return {
        "name": containers.name_of(inspected),
        "state": inspected["State"]["Status"],
        "role": inspected["Config"]["Labels"].get(LABEL_ROLE, ""),
        "inspected": inspected,
    }


def _removal_order(container: Item) -> tuple[int, str]:
    start_order = list(ROLE_FILES)
    position = start_order.index(container["role"]) if container["role"] in start_order else -1
    return (-position, container["name"])


def _network(network: Mapping[str, Any], own_ids: Collection[str]) -> Item:
    ends = network.get("Containers") or {}
    return {"name": network["Name"], "used_by": sorted(end["Name"] for id_, end in ends.items() if id_ not in own_ids)}


def _volume(client: DockerClient, volume: Mapping[str, Any], own_ids: Collection[str]) -> Item:
    with engine_errors(f"list the users of the volume {volume['Name']}"):
        users = client.api.containers(all=True, filters={"volume": volume["Name"]})
    return {
        "name": volume["Name"],
        "used_by": sorted(_listed_name(user) for user in users if user["Id"] not in own_ids),
    }
