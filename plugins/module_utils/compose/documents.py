# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Compose files of one host, as plain data: one for all nodes on a single server, else one a role."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import published_on, volume_settings
from ansible_collections.waba.cluster.plugins.module_utils.database import options as database_options

VOLUME_KEYS = {
    "media": "whatsappMedia",
    "data": "whatsappData",
    "database": "mysqlData",
}  # in the file, as in the vendor's

# An engine may publish ports on loopback unless told otherwise (default-network-opts in daemon.json); IPv6 is published too with this address.
PUBLISH_ON_EVERY_ADDRESS = {"com.docker.network.bridge.host_binding_ipv4": "0.0.0.0"}  # noqa: S104


def compose_documents(nodes: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return {file name: Compose document} for the nodes of a host.

    nodes: as from `nodes.plan_nodes`. params: the options they were planned from.
    """
    cluster = params["cluster_name"]
    if params["layout"] == "single_server":
        return {contract.SINGLE_SERVER_FILE: _document(cluster, nodes, params)} if nodes else {}
    documents = {}
    for role, file in contract.ROLE_FILES.items():
        members = [node for node in nodes if node["role"] == role]
        if members:
            suffix = "db" if role == "mysql" else role
            documents[file] = _document(f"{cluster}-{suffix}", members, params)
    return documents


def merged(
    documents: Mapping[str, Any],
    current: Mapping[str, Any],
    only: Collection[str] | None,
    definitions: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """Return Compose documents in which some services stay as they are, or get a definition that was given.

    documents, current: {file name: document}, as planned and as the host has them. only: the services that take what was planned, None for all;
    the others keep what their file has. definitions: {service: definition}, before anything else; one that only
    names its image is as planned otherwise.
    """
    return {
        name: {
            **document,
            "services": {
                service: _chosen(service, definition, current.get(name, {}), only, definitions)
                for service, definition in document["services"].items()
            },
        }
        for name, document in documents.items()
    }


def _chosen(
    service: str,
    planned: dict[str, Any],
    current: Mapping[str, Any],
    only: Collection[str] | None,
    definitions: Mapping[str, Any],
) -> Any:
    if service in definitions:
        given = definitions[service]
        return {**planned, **given} if list(given) == ["image"] else given
    keeps = only is not None and service not in only
    return current.get("services", {}).get(service, planned) if keeps else planned


def volume_name(cluster: str, volume: Mapping[str, str]) -> str:
    """Return the name that Docker knows a named or external volume by. All projects of a cluster on a host share the named ones."""
    return volume["source"] if volume["type"] == "external" else f"{cluster}_{volume['source']}"


def _document(project: str, nodes: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    volumes = {}
    for node in nodes:
        volumes.update(_volume_entries(node["role"], params))
    return {
        "name": project,
        "services": {node["name"]: _service(node, params) for node in nodes},
        **({"volumes": volumes} if volumes else {}),
        "networks": {"default": {"driver_opts": PUBLISH_ON_EVERY_ADDRESS, "labels": _cluster_label(params)}},
    }


def _service(node: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    database = node["role"] == "mysql"
    environment_file = contract.DATABASE_ENVIRONMENT_FILE if database else contract.NODE_ENVIRONMENT_FILE
    ports = _port_entry(node, params)
    command = database_options.arguments(params["database_options"]) if database else contract.COMMAND
    return {
        "image": node["image"],
        **({"command": list(command)} if command else {}),
        "env_file": [f"./{environment_file}"],
        **({} if database else {"environment": _environment(node)}),
        **({"ports": [ports]} if ports else {}),
        "volumes": _mounts(node["role"], params),
        "restart": "always" if database else "unless-stopped",
        "cap_drop": ["MKNOD"],
        "stop_grace_period": contract.STOP_GRACE_PERIOD[node["role"]],
        "pull_policy": "never",
        "labels": {
            **_cluster_label(params),
            contract.LABEL_ROLE: node["role"],
            contract.LABEL_INSTANCE: node["name"],
        },
    }


def _environment(node: Mapping[str, Any]) -> dict[str, str]:
    prefix = "WEBAPP" if node["role"] == "webapp" else "COREAPP"
    return {
        "ORCHESTRATION": "DOCKER-COMPOSE",
        "WA_APP_MULTICONNECT": "1",
        **({"WA_MASTER_NODE": "1"} if node["role"] == "master" else {}),
        f"{prefix}_HOSTNAME": node["hostname"],
        f"{prefix}_EXTERNAL_PORTS": ",".join(str(port) for port in node["contact_ports"]),
    }


def _port_entry(node: Mapping[str, Any], params: Mapping[str, Any]) -> str | None:
    if not node["published"]:
        return None
    address = published_on(node, params)
    prefix = "" if not address else f"[{address}]:" if ":" in address else f"{address}:"
    return f"{prefix}{_span(node['published'])}:{_span(node['target'])}"


def _span(ports: Sequence[int]) -> str:
    return f"{ports[0]}-{ports[-1]}" if len(ports) > 1 else str(ports[0])


def _mounts(role: str, params: Mapping[str, Any]) -> list[Any]:
    mounts = [
        _bind(volume["source"], contract.MOUNT_POINTS[kind])
        if volume["type"] == "bind"
        else f"{VOLUME_KEYS[kind]}:{contract.MOUNT_POINTS[kind]}"
        for kind, volume in volume_settings(params, role).items()
    ]
    for option, (roles, target) in contract.CERTIFICATES.items():
        if role in roles and params[option]:
            mounts.append({**_bind(params[option], target), "read_only": True})
    return mounts


def _bind(source: str, target: str) -> dict[str, Any]:
    # Docker must not make a missing source up: an empty folder would hide that the data is elsewhere.
    return {"type": "bind", "source": source, "target": target, "bind": {"create_host_path": False}}


def _volume_entries(role: str, params: Mapping[str, Any]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for kind, volume in volume_settings(params, role).items():
        name = volume_name(params["cluster_name"], volume)
        if volume["type"] == "named":
            entries[VOLUME_KEYS[kind]] = {"name": name, "labels": _cluster_label(params)}
        elif volume["type"] == "external":
            entries[VOLUME_KEYS[kind]] = {"name": name, "external": True}
    return entries


def _cluster_label(params: Mapping[str, Any]) -> dict[str, str]:
    return {contract.LABEL_CLUSTER: params["cluster_name"]}
