# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All preflight checks of one host, in one pass. Read-only; works before anything is installed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv, volumes
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io import live_nodes, volume_usage
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import (
    API_ADDRESS_SERVICE,
    plan_nodes,
    published_on,
    volume_settings,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.volumes import mount_source
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall.io import iptables
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight import (
    host,
    ports_in_use,
    reachability,
    software,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.io import (
    live_address,
    live_host,
    machine,
    peers,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError, Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout import order

COUNTS = ("masters_total", "coreapps_total", "webapps_total", "shards", "ha")
NODE_PARTS = ("masters", "coreapps", "webapps")
REPORTED = ("name", "role", "published", "running", "address")


def check(params: Mapping[str, Any], installed: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"problems", "risks": list of Problem, "nodes", "facts"} of a host.

    params: the options of the module `host_info`. installed: as from `machine.software`. Raises HostError.
    """
    client = _client()
    running = live_nodes.observed(client, params["cluster_name"], params["path"]) if client else []
    deployed = live_nodes.deployed(client, params["cluster_name"]) if client else {}
    problems = host.cluster_problems(*(params[key] for key in COUNTS))
    risks = host.concentration_warnings(params)
    nodes: list[dict[str, Any]] = []
    try:
        planned = plan_nodes(params)
    except InputError as error:
        problems += error.problems  # without valid input there are no ports to check
    else:
        found, warnings, nodes = _node_checks(params, planned, running)
        problems += found
        risks += warnings
    address: dict[str, Any] = {}
    if nodes and params["api_proxy"] and params["api_proxy"]["address"]:
        found, address = live_address.check(params["api_proxy"], API_ADDRESS_SERVICE in deployed)
        problems += found
    problems += host.host_problems({**live_host.host_facts(params), "nfs": machine.has_nfs()}, params)
    found, warnings = software.judge(installed, params["managed"], params["ipv6"])
    problems += found
    risks += warnings
    problems += _volume_problems(params, nodes)
    if any(params[part] for part in NODE_PARTS):  # an API proxy does not call the database
        problems += _database_problems(params["database_address"], params["connect_timeout"])
    problems += peers.addresses(params["hosts"], params["host"])[1]
    if params["database"] and not params["database_password_known"]:
        problems += _lost_password(params)
    problems += _changed_passwords(params)
    facts = {
        **{key: params[key] for key in ("external_hostname", "layout", "cluster_name")},
        "machine_id": machine.machine_id(),
        "serves_share": live_host.listens(params["nfs_port"]),
        "firewall": iptables.has_rules(params["cluster_name"]),
        "as_deployed": reachability.is_as_deployed(nodes, deployed),
        **({"virtual_address": address} if address else {}),
        "databases": sorted({node["database"] for node in deployed.values()} - {""}),
    }
    return {"problems": problems, "risks": risks, "nodes": nodes, "facts": facts}


def _client() -> Any:
    try:
        return engine.connect()
    except DockerUnavailable:
        return None


def _node_checks(
    params: Mapping[str, Any], planned: list[dict[str, Any]], running: list[dict[str, Any]]
) -> tuple[list[Problem], list[Problem], list[dict[str, Any]]]:
    """Return (problems, risks, nodes): ports, addresses, memory and versions; the nodes with their ports that run already."""
    roles = {node["role"] for node in planned}
    taken, own = live_host.ports_taken(params["cluster_name"], (params["images"] or {}).values(), roles)
    problems, risks = ports_in_use.clashes(planned, taken, params)
    nodes = [
        {
            **node,
            "running": [port for port in node["published"] if port in own],
            "address": published_on(node, params),
        }
        for node in planned
    ]
    with_container = [node for node in running if node["image"]]
    problems = [
        *problems,
        *host.address_problems(nodes, params, live_host.has_address),
        *host.memory_problems(nodes, machine.memory_mb()),
        *order.version_problems(with_container, params["images"], params["version_change"]),
    ]
    return problems, list(risks), nodes


def _volume_problems(params: Mapping[str, Any], nodes: list[dict[str, Any]]) -> list[Problem]:
    used = volumes.mounted_volumes(params["volumes"], nodes).items()
    # A host that mounts the share gets its media folder from it, so the folder may not exist yet.
    shared = ("media", "bind") if params["nfs"] else None
    return volume_usage.problems(params, {kind: volume for kind, volume in used if (kind, volume["type"]) != shared})


def _database_problems(address: Mapping[str, Any] | None, timeout: int) -> list[Problem]:
    """Return the problems of reaching a database that the cluster does not run. address: {"host", "port"}, None for the cluster's own."""
    if not address:
        return []
    error = live_host.connection_error(address["host"], address["port"], timeout) if address["host"] else "-"
    return [host.database_problem(address, error)] if error else []


def _changed_passwords(params: Mapping[str, Any]) -> list[Problem]:
    """Return the problems of database passwords that differ from those in the host's environment file."""
    state = files.read(os.path.join(params["path"], contract.DATABASE_ENVIRONMENT_FILE))
    if not state or not params["database_environment"] or not contract.is_managed(state[0], params["cluster_name"]):
        return []
    return host.changed_password_problems(
        dotenv.parsed(state[0]), params["database_environment"], params["rotated_passwords"]
    )


def _lost_password(params: Mapping[str, Any]) -> list[Problem]:
    """Return a problem where this run would generate a password for a database that already has one."""
    kind, source = mount_source(params["cluster_name"], volume_settings(params, "mysql")["database"])
    return [host.lost_password_problem(source)] if live_host.holds_data(kind, source) else []


def reported(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the nodes with the keys that a module result has."""
    return [{key: node[key] for key in REPORTED} for node in nodes]
