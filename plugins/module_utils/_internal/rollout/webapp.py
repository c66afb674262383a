# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which webapp of a running cluster to ask for the cluster's health, and at which URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import in_url

LOCAL_ADDRESSES = ("", "0.0.0.0", "127.0.0.1", "::")  # noqa: S104 - values to compare with
DEFAULT_PORT = 9090


def webapp_host(found: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> str:
    """Return the first of the hosts with a running webapp; the first host when there is none.

    found: {host: the result of `cluster_nodes_info`}, of the hosts that a run includes. hosts: the hosts of webapps, at least one.
    """
    running = {
        host
        for host, result in found.items()
        if any(node["role"] == "webapp" and node["state"] == "running" for node in result.get("nodes", []))
    }
    return next((host for host in hosts if host in running), hosts[0])


def webapp_url(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return the URL at which a host reaches its own webapp, a running one if possible. nodes: as from `cluster_nodes_info`, of that host."""
    webapps = [node for node in nodes if node["role"] == "webapp" and node["ports"]]
    webapps.sort(key=lambda node: node["state"] != "running")
    if not webapps:
        return f"https://localhost:{DEFAULT_PORT}"
    address = "localhost" if webapps[0]["address"] in LOCAL_ADDRESSES else webapps[0]["address"]
    return f"https://{in_url(address)}:{webapps[0]['ports'][0]}"
