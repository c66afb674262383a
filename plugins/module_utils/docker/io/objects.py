# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything on a host that carries a cluster's label, and its removal."""

from __future__ import annotations

import os

from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_CLUSTER, LABEL_ROLE, ROLE_FILES
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils.io import subprocess_timeout as bounded

try:
    from docker.errors import NotFound
except ImportError:
    NotFound = LookupError

FOLDER_TIMEOUT = 10  # seconds


def cluster_objects(client, cluster):
    """Return {"containers", "networks", "volumes"} of a cluster: lists of dict with `name`, `used_by` (foreign containers), and for
    containers `state`, `role` and `inspected`. Containers come in the order in which they should go: webapps first, the database last."""
    label = f"{LABEL_CLUSTER}={cluster}"
    own = containers.with_labels(client, label)
    own_ids = {container["Id"] for container in own}
    with engine_errors("list networks and volumes"):
        networks = [client.api.inspect_network(item["Id"]) for item in client.api.networks(filters={"label": label})]
        volumes = client.api.volumes(filters={"label": label})["Volumes"] or []
    return {
        "containers": sorted((_container(item) for item in own), key=_order_of_removal),
        "networks": [_network(item, own_ids) for item in sorted(networks, key=lambda item: item["Name"])],
        "volumes": [_volume(client, item, own_ids) for item in sorted(volumes, key=lambda item: item["Name"])],
    }


def images(client, names, own):
    """Return those images of a list of names that the host has: list of {"name", "used_by" (names of containers that are not among own)}.

    own: the containers of `cluster_objects`. The images that these were made from are looked at too.
    """
    wanted = {*names, *(container["inspected"]["Config"]["Image"] for container in own)}
    found = containers.image_facts(client, wanted)
    others = _others(client, own)
    return [
        {"name": name, "used_by": sorted(one["Names"][0].lstrip("/") for one in others if one["ImageID"] == fact["id"])}
        for name, fact in found.items()
    ]


def has_folder(path):
    """Return whether there is a folder at a path; one on a share whose server does not answer counts as there."""
    try:
        return bounded.call(os.path.isdir, path, timeout=FOLDER_TIMEOUT)
    except bounded.TimedOut:
        return True


def folder_users(client, folders, own):
    """Return {folder: names of the containers that mount it, or what is in it, and are not among own} (str, list of str). Raises HostError.

    own: the containers of `cluster_objects`.
    """
    others = _others(client, own)
    return {
        folder: sorted(one["Names"][0].lstrip("/") for one in others if any(map(_is_below(folder), one["Mounts"])))
        for folder in folders
    }


def _others(client, own):
    own_ids = {container["inspected"]["Id"] for container in own}
    with engine_errors("list the containers"):
        return [one for one in client.api.containers(all=True) if one["Id"] not in own_ids]


def _is_below(folder):
    return lambda mount: f"{mount.get('Source', '')}/".startswith(f"{folder.rstrip('/')}/")


def held(client):
    """Return (names of all containers, names of all volumes), whosever they are. Raises HostError."""
    with engine_errors("list containers and volumes"):
        every = client.api.containers(all=True)
        volumes = client.api.volumes()["Volumes"] or []
    return sorted(one["Names"][0].lstrip("/") for one in every), sorted(one["Name"] for one in volumes)


def remove_object(client, item, objects):
    """Remove one thing that the planner listed ({"kind", "name"}). One that is gone already is fine. Raises HostError."""
    kind, name = item["kind"], item["name"]
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


def _container(inspected):
    return {
        "name": inspected["Name"].lstrip("/"),
        "state": inspected["State"]["Status"],
        "role": inspected["Config"]["Labels"].get(LABEL_ROLE, ""),
        "inspected": inspected,
    }


def _order_of_removal(container):
    start_order = list(ROLE_FILES)
    position = start_order.index(container["role"]) if container["role"] in start_order else -1
    return (-position, container["name"])


def _network(network, own_ids):
    ends = network.get("Containers") or {}
    return {"name": network["Name"], "used_by": sorted(end["Name"] for id_, end in ends.items() if id_ not in own_ids)}


def _volume(client, volume, own_ids):
    with engine_errors(f"see who uses the volume {volume['Name']}"):
        users = client.api.containers(all=True, filters={"volume": volume["Name"]})
    foreign = sorted(user["Names"][0].lstrip("/") for user in users if user["Id"] not in own_ids)
    return {"name": volume["Name"], "used_by": foreign}
