# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes the packet filter of a host what its part of the cluster needs: the rules, and the files that restore them at boot."""

from __future__ import annotations

import contextlib
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes, publications
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall import boot, netfilter, rules
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall.io import iptables
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import host_lock
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.io import peers
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError


def converge(module: AnsibleModule) -> dict[str, Any]:
    """Apply or remove the rules; return the result of the module `firewall`. Raises InputError, HostError."""
    params = module.params
    filters = iptables.filters(module.run_command)
    if not filters and params["state"] == "present":
        return {"changed": True, "installed": False, "diff": {"before": "", "after": "iptables\n"}}
    ensure = ensure_present if params["state"] == "present" else ensure_absent
    # The lock covers reading and writing, because clusters share a chain.
    with contextlib.nullcontext() if module.check_mode else host_lock.exclusive():
        live = {family: table for family, one in filters.items() if (table := one.read()) is not None}
        before = "".join(netfilter.description(params["cluster_name"], table) for table in live.values())
        result = ensure(module, filters, live)
    return {"installed": bool(filters), "diff": {"before": before, "after": result.pop("after")}, **result}


def wanted_rules(params: dict[str, Any]) -> tuple[dict[int, dict[str, list[str]]], list[str]]:
    """Return the wanted rules, and the addresses of the cluster's hosts. Raises InputError."""
    more = {
        rules.Audience.API: params["api_sources"],
        rules.Audience.WEBAPP: params["webapp_sources"],
        rules.Audience.WEBHOOKS: params["webhook_sources"],
    }
    invalid = [
        *rules.source_problems("firewall_api_sources", params["api_sources"]),
        *rules.source_problems("firewall_webapp_sources", params["webapp_sources"]),
        *rules.source_problems("firewall_webhook_sources", params["webhook_sources"]),
    ]
    addresses, unresolved = peers.addresses(params["hosts"], params["host"])
    if invalid or unresolved:
        raise InputError([*invalid, *unresolved])
    published = [one for node in plan_nodes(params) for one in publications(node, params)]
    offered = rules.offers(published, params["nfs_port"])
    cluster, bridges = params["cluster_name"], iptables.foreign_bridges()
    return {
        family: rules.rules(cluster, offered, addresses, more, bridges, family) for family in iptables.PROGRAMS
    }, addresses


def ensure_present(
    module: AnsibleModule, filters: dict[int, iptables.Filter], live: dict[int, dict[str, list[str]]]
) -> dict[str, Any]:
    """Apply the rules, now and at boot; return the module's result. Raises InputError, HostError."""
    cluster = module.params["cluster_name"]
    wanted, addresses = wanted_rules(module.params)
    lines = {family: netfilter.plan(cluster, wanted[family], table) for family, table in live.items()}
    texts = boot.files(
        cluster,
        {
            family: {
                "wanted": wanted[family],
                "live": table,
                "command": filters[family].command,
                "restore": filters[family].restore,
            }
            for family, table in live.items()
        },
    )
    if not iptables.has_systemd():
        module.warn("This host has no systemd: the rules are lost when it stops. Run this again after it started.")
        texts.pop(boot.unit_path(cluster))
    boot_is_correct = iptables.boot_files(cluster) == texts and iptables.is_enabled(cluster, module.run_command)
    for rule in (rule for table in live.values() for rule in netfilter.accepted_before(table)):
        module.warn(f"A rule in INPUT accepts packets before the rules of the cluster are evaluated: {rule}")
    if not module.check_mode:
        for family in live:
            if lines[family]:
                filters[family].change(lines[family])
        if not boot_is_correct:
            iptables.write_boot_files(cluster, texts, module.run_command)
    after = "".join(netfilter.description(cluster, table, wanted[family]) for family, table in live.items())
    return {"changed": any(lines.values()) or not boot_is_correct, "after": after, "addresses": addresses}


def ensure_absent(
    module: AnsibleModule, filters: dict[int, iptables.Filter], live: dict[int, dict[str, list[str]]]
) -> dict[str, Any]:
    """Remove all rules of the cluster; return the module's result. Raises HostError."""
    cluster = module.params["cluster_name"]
    lines = {family: netfilter.plan(cluster, None, table) for family, table in live.items()}
    has_boot_files = bool(iptables.boot_files(cluster))
    if not module.check_mode:
        if has_boot_files:
            iptables.remove_boot_files(cluster, module.run_command)
        for family in live:
            if lines[family]:
                filters[family].change(lines[family])
    return {"changed": any(lines.values()) or has_boot_files, "after": ""}
