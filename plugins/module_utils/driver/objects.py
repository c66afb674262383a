# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything on a host that carries a cluster's label, and its removal."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.driver import containers
from ansible_collections.waba.cluster.plugins.module_utils.driver.docker_engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils.planner.contract import LABEL_CLUSTER, LABEL_ROLE, ROLE_FILES

try:
    from docker.errors import NotFound
except ImportError:
    NotFound = LookupError


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


def remove_object(client, item, objects):
    """Remove one thing that the planner listed ({"kind", "name"}). One that is gone already is fine. Raises DriverError."""
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
