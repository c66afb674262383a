# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build the Compose documents of one host: one for all nodes on a single server, otherwise one per role."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import in_url
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.confinement import confinement
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import (
    Publication,
    Volume,
    publications,
    volume_settings,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import options as database_options
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.engine_features import (
    DEFAULT as DEFAULT_FEATURES,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.engine_features import Features
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import is_vendor_image

Document = dict[str, Any]

VOLUME_KEYS = {
    "media": "whatsappMedia",
    "data": "whatsappData",
    "database": "mysqlData",
}  # names of the volumes in a Compose file, see docs/reference/vendor-contract.md#compose-files

SOCKET_VOLUME = "databaseSocket"
SOCKET_MOUNT = f"{SOCKET_VOLUME}:/run/mysqld"
ARBITRATOR_VOLUME = "arbitratorView"
ROLE_VOLUMES = {"guard": SOCKET_VOLUME, "arbitrator": ARBITRATOR_VOLUME}  # named volumes that no setting changes
MEMBERS_LIST = "/etc/waba/galera/members"
DATABASE_NETWORK = "database"
PROXY_CONFIGURATION = "/etc/haproxy/haproxy.cfg"
ADDRESS_CONFIGURATION = "/etc/keepalived/keepalived.conf"
# Of the Compose project of a role's file, where it is not the role itself.
SUFFIXES = {"mysql": "db", "api_proxy": "api"}

# daemon.json may restrict published ports to loopback (default-network-opts). This option overrides it, for IPv6 too.
PUBLISH_ON_EVERY_ADDRESS = {"com.docker.network.bridge.host_binding_ipv4": "0.0.0.0"}  # noqa: S104


def compose_documents(
    nodes: Sequence[Mapping[str, Any]],
    params: Mapping[str, Any],
    features: Features = DEFAULT_FEATURES,
    certificates: Mapping[str, str] | None = None,
) -> dict[str, Document]:
    """Return {file name: Compose document} for the nodes of a host.

    nodes: as from `nodes.plan_nodes`. params: the options they were planned from. features: of the host's engine. certificates: {option: digest} of the
    certificate files of the host. A changed digest replaces the nodes that mount the file, because they read it at their start.
    """
    cluster = params["cluster_name"]
    if params["layout"] == "single_server":
        single = {contract.SINGLE_SERVER_FILE: _document(cluster, nodes, params, features)} if nodes else {}
        return _with_certificates(single, nodes, certificates or {})
    documents: dict[str, Document] = {}
    for role, file in contract.ROLE_FILES.items():
        members = [node for node in nodes if contract.ROLE_FILES[node["role"]] == file]
        if members and file not in documents:
            documents[file] = _document(f"{cluster}-{SUFFIXES.get(role, role)}", members, params, features)
    return _with_certificates(documents, nodes, certificates or {})


def _with_certificates(
    documents: dict[str, Document], nodes: Sequence[Mapping[str, Any]], certificates: Mapping[str, str]
) -> dict[str, Document]:
    """Return the documents with a label for the certificates of each node. The database reads a new certificate without a restart."""
    roles = {node["name"]: node["role"] for node in nodes}
    for document in documents.values():
        for name, service in document["services"].items():
            role = roles[name]
            digest = "-".join(
                certificates[option]
                for option, (mounting, _target) in contract.CERTIFICATES.items()
                if option in certificates and role in mounting and role != "mysql"
            )
            if digest:
                service["labels"][contract.LABEL_CERTIFICATES] = digest
    return documents


def merged(
    documents: Mapping[str, Document],
    current: Mapping[str, Document],
    only: Collection[str] | None,
    definitions: Mapping[str, Mapping[str, Any]],
) -> dict[str, Document]:
    """Return the planned Compose documents with some services unchanged or explicitly defined.

    documents, current: {file name: document}, planned and on the host. only: the services that get their planned definition, None for all; the others
    retain their current definition, if they have one. definitions: {service: definition}, which take precedence; a definition with nothing but
    `image` changes the image of the planned one.
    """
    return {
        name: {
            **document,
            "services": {
                service: _merged_service(service, definition, current.get(name, {}), only, definitions)
                for service, definition in document["services"].items()
            },
        }
        for name, document in documents.items()
    }


def _merged_service(
    service: str,
    planned: Mapping[str, Any],
    current: Mapping[str, Any],
    only: Collection[str] | None,
    definitions: Mapping[str, Mapping[str, Any]],
) -> Mapping[str, Any]:
    if service in definitions:
        given = definitions[service]
        return {**planned, **given} if list(given) == ["image"] else given
    if only is None or service in only:
        return planned
    unchanged: Mapping[str, Any] = current.get("services", {}).get(service, planned)
    return unchanged


def volume_name(cluster: str, volume: Volume) -> str:
    """Return Docker's name of a named or external volume. All Compose projects of a cluster on a host share the named volumes."""
    source: str = volume["source"]
    return source if volume["type"] == "external" else f"{cluster}_{source}"


def _document(
    project: str, nodes: Sequence[Mapping[str, Any]], params: Mapping[str, Any], features: Features
) -> Document:
    volumes: dict[str, Any] = {}
    for node in nodes:
        volumes.update(_volume_entries(node["role"], params))
    return {
        "name": project,
        "services": {
            node["name"]: {**_definition(node, params), **confinement(node, params, features)} for node in nodes
        },
        **({"volumes": volumes} if volumes else {}),
        "networks": _networks(project, {node["role"] for node in nodes}, params),
    }


def _networks(project: str, roles: Collection[str], params: Mapping[str, Any]) -> Document:
    """Return the networks of a document. The nodes of a host reach the proxy in a network that the proxy's project creates."""
    shared = f"{params['cluster_name']}_{DATABASE_NETWORK}"
    if "proxy" in roles:
        return {DATABASE_NETWORK: _network(shared, params, named=True)}
    networks: Document = {"default": _network(f"{project}_default", params)}
    if params["proxy"] and not {"mysql", "arbitrator", "api_proxy"}.intersection(roles):
        networks[DATABASE_NETWORK] = {"name": _network(shared, params, named=True)["name"], "external": True}
    return networks


def _network(name: str, params: Mapping[str, Any], *, named: bool = False) -> Document:
    """Return a network. name: its name in Docker. named: whether the document has to state it, because Compose would give the network another name.

    A network with IPv6 has another name, because Compose does not change an existing network. All hosts have the same private addresses in it, which Docker
    translates.
    """
    network: Document = {"driver_opts": PUBLISH_ON_EVERY_ADDRESS, "labels": _cluster_label(params)}
    if not params["ipv6"]:
        return {"name": name, **network} if named else network
    # A unique local address (RFC 4193): its first byte, the global ID and the number of the subnet, the interface.
    digest = hashlib.sha256(name.encode()).digest()
    subnet = ipaddress.IPv6Network((b"\xfd" + digest[:7] + bytes(8), 64))
    return {"name": f"{name}_ipv6", "enable_ipv6": True, "ipam": {"config": [{"subnet": str(subnet)}]}, **network}


def _definition(node: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    definitions = {
        "guard": _guard,
        "arbitrator": _arbitrator,
        "proxy": _proxy,
        "api_proxy": _api_proxy,
        "api_address": _api_address,
    }
    return definitions.get(node["role"], _service)(node, params)


def _guard(node: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the service that observes the member of this host. It logs in through the member's socket as the server's root, without a password."""
    return {
        "image": node["image"],
        "entrypoint": list(contract.INIT),
        "command": list(contract.GUARD),
        "healthcheck": {
            "disable": True
        },  # that of the image is of nodes; the proxies ask the guard four times a second
        "network_mode": "host",
        "volumes": [SOCKET_MOUNT],
        **_common(node, params, "always"),
    }


def _arbitrator(node: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the service that votes with two database members. Its volume has the last view of the group, by which all three find each other again."""
    return {
        "image": node["image"],
        "command": list(contract.ARBITRATOR),
        "environment": {"WABA_GALERA_CLUSTER": params["cluster_name"], **_group_environment(params)},
        "healthcheck": {
            "test": ["CMD", "healthcheck.sh", *contract.ARBITRATOR],
            "interval": "10s",
            "timeout": "5s",
            "start_period": "60s",
            "retries": 3,
        },
        "network_mode": "host",
        "stop_signal": "SIGINT",  # upon SIGTERM, the arbitrator may end before it has left the group
        "volumes": [
            f"{ARBITRATOR_VOLUME}:{contract.MOUNT_POINTS['database']}",
            *_mounts(node, params),
            _members_list(params),
        ],
        **_common(node, params, "always"),
    }


def _proxy(node: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the service that directs the nodes of this host to the member that writes."""
    definition = {
        "image": node["image"],
        "volumes": [_file(f"{params['path']}/{contract.PROXY_FILE}", PROXY_CONFIGURATION)],
        "networks": {DATABASE_NETWORK: {"aliases": [contract.PROXY_NAME]}},
        **_common(node, params, "always"),
    }
    return _labelled(definition, params["proxy"]["configuration"])


def _api_proxy(node: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the service that directs clients of the API to the webapps. HAProxy reads the key of a certificate as root, then changes its user."""
    definition = {
        "image": node["image"],
        **({"user": "root"} if params["api_proxy_certificate"] else {}),
        "healthcheck": {
            "test": ["CMD", contract.PROXY_READY, str(contract.API_CHECK_PORT)],
            "interval": "10s",
            "timeout": "3s",
            "start_period": "30s",
            "retries": 3,
        },
        "ports": [_port_entry(one) for one in publications(node, params)],
        "volumes": [
            _file(f"{params['path']}/{contract.API_PROXY_FILE}", PROXY_CONFIGURATION),
            *_mounts(node, params),
        ],
        **_common(node, params, "unless-stopped"),
    }
    return _labelled(definition, params["api_proxy"]["configuration"])


def _api_address(node: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the service that holds the virtual address of the API proxies, on one host at a time."""
    definition = {
        "image": node["image"],
        "user": "root",
        "entrypoint": [contract.HOLD_ADDRESS],
        "command": [ADDRESS_CONFIGURATION],
        "healthcheck": {"disable": True},  # that of the image is of HAProxy
        "network_mode": "host",
        "stop_signal": "SIGTERM",  # keepalived gives the address up; the signal of the image is HAProxy's
        "volumes": [_file(f"{params['path']}/{contract.API_ADDRESS_FILE}", ADDRESS_CONFIGURATION)],
        **_common(node, params, "unless-stopped"),
    }
    return _labelled(definition, params["api_proxy"]["address"]["configuration"])


def _labelled(definition: Mapping[str, Any], configuration: str) -> dict[str, Any]:
    """Return a definition with the hash of its mounted configuration, so that a change of the file replaces the container."""
    short = hashlib.sha256(configuration.encode()).hexdigest()[:12]
    return {**definition, "labels": {**definition["labels"], contract.LABEL_CONFIGURATION: short}}


def _common(node: Mapping[str, Any], params: Mapping[str, Any], restart: str) -> dict[str, Any]:
    return {
        "restart": restart,
        "stop_grace_period": contract.STOP_GRACE_PERIOD[node["role"]],
        "pull_policy": "never",
        "labels": {
            **_cluster_label(params),
            contract.LABEL_ROLE: node["role"],
            contract.LABEL_INSTANCE: node["name"],
        },
    }


def _file(source: str, target: str) -> dict[str, Any]:
    return {**_bind(source, target), "read_only": True}


def _service(node: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    database = node["role"] == "mysql"
    environment_file = contract.DATABASE_ENVIRONMENT_FILE if database else contract.NODE_ENVIRONMENT_FILE
    member = params["database"]["member"] if database else None
    ports = [_port_entry(one) for one in publications(node, params) if not one.host_network]
    command = _server_arguments(params) if database else contract.COMMAND
    return {
        "image": node["image"],
        **({"command": list(command)} if command else {}),
        "env_file": [f"./{environment_file}"],
        **({} if database else {"environment": _environment(node)}),
        **(_member(member, params) if member else {}),
        **({"ports": ports} if ports else {}),
        "volumes": [*_mounts(node, params), *(_member_mounts(params) if member else [])],
        **({"networks": ["default", DATABASE_NETWORK]} if params["proxy"] and not database else {}),
        **_common(node, params, "always" if database else "unless-stopped"),
    }


def _server_arguments(params: Mapping[str, Any]) -> list[str]:
    """Return the arguments of the database server. Its image listens on IPv4 addresses only."""
    return [*database_options.arguments(params["database_options"]), *(["--bind-address=*"] if params["ipv6"] else [])]


def _member(member: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the database service that makes it a member. A member that joins later changes nothing here, so that it restarts no other one."""
    environment = {
        "WABA_GALERA_CLUSTER": params["cluster_name"],
        "WABA_GALERA_NODE": member["name"],
        "WABA_GALERA_ADDRESS": params["external_hostname"],
        **_group_environment(params),
    }
    return {"environment": environment, "network_mode": "host"}


def _group_environment(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that members and arbitrator share: whether they encrypt their traffic, and whether they listen on IPv6 addresses too."""
    encryption = {"WABA_GALERA_TLS": "1"} if params["member_ca"] else {}
    ipv6 = {"WABA_GALERA_IPV6": "1"} if params["ipv6"] else {}
    return {**encryption, **ipv6}


def _member_mounts(params: Mapping[str, Any]) -> list[str | dict[str, Any]]:
    return [SOCKET_MOUNT, _members_list(params)]


def _members_list(params: Mapping[str, Any]) -> dict[str, Any]:
    return _file(f"{params['path']}/{contract.MEMBERS_FILE}", MEMBERS_LIST)


def _environment(node: Mapping[str, Any]) -> dict[str, str]:
    prefix = "WEBAPP" if node["role"] == "webapp" else "COREAPP"
    return {
        "ORCHESTRATION": "DOCKER-COMPOSE",
        "WA_APP_MULTICONNECT": "1",
        **({"WA_MASTER_NODE": "1"} if node["role"] == "master" else {}),
        f"{prefix}_HOSTNAME": node["hostname"],
        f"{prefix}_EXTERNAL_PORTS": ",".join(str(port) for port in node["contact_ports"]),
    }


def _port_entry(one: Publication) -> str:
    prefix = f"{in_url(one.address)}:" if one.address else ""
    return f"{prefix}{_span(one.published)}:{_span(one.target)}"


def _span(ports: Sequence[int]) -> str:
    return f"{ports[0]}-{ports[-1]}" if len(ports) > 1 else str(ports[0])


def _mounts(node: Mapping[str, Any], params: Mapping[str, Any]) -> list[str | dict[str, Any]]:
    role = node["role"]
    copied = role in contract.NODE_ROLES and not is_vendor_image(node["image"])
    mounts: list[str | dict[str, Any]] = [
        _bind(volume["source"], contract.MOUNT_POINTS[kind])
        if volume["type"] == "bind"
        else f"{VOLUME_KEYS[kind]}:{contract.MOUNT_POINTS[kind]}"
        for kind, volume in volume_settings(params, role).items()
    ]
    for option, (roles, target) in contract.CERTIFICATES.items():
        if role in roles and params[option]:
            mounts.append(_file(params[option], f"{contract.MOUNTED_CERTIFICATES if copied else ''}{target}"))
    return mounts


def _bind(source: str, target: str) -> dict[str, Any]:
    # Docker must not create a missing source: the node would run with an empty folder in place of its data.
    return {"type": "bind", "source": source, "target": target, "bind": {"create_host_path": False}}


def _volume_entries(role: str, params: Mapping[str, Any]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    if role in ROLE_VOLUMES:
        source = ROLE_VOLUMES[role]
        entries[source] = {"name": f"{params['cluster_name']}_{source}", "labels": _cluster_label(params)}
    for kind, volume in volume_settings(params, role).items():
        name = volume_name(params["cluster_name"], volume)
        if volume["type"] == "named":
            entries[VOLUME_KEYS[kind]] = {"name": name, "labels": _cluster_label(params)}
        elif volume["type"] == "external":
            entries[VOLUME_KEYS[kind]] = {"name": name, "external": True}
    return entries


def _cluster_label(params: Mapping[str, Any]) -> dict[str, str]:
    return {contract.LABEL_CLUSTER: params["cluster_name"]}
