# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall
short_description: Restrict access to the ports that a host publishes for a cluster
version_added: 1.0.0
description:
  - Opens the ports of masters, coreapps and the database to the cluster's hosts only, and those of webapps to O(api_sources) as well, with iptables
    and ip6tables.
  - The rules are in chains of their own, which are called from INPUT and from DOCKER-USER, the chain that Docker reserves for users. No other rule
    is changed, and no packet for another port is refused. Access by SSH and to other containers is not affected.
  - Rules that differ are replaced in one transaction. Established connections are not interrupted.
  - A systemd unit restores the rules before Docker starts. On a host without systemd, the rules last until it stops.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.plan
  - waba.cluster.hosts
  - waba.cluster.attributes
requirements:
  - iptables (the nftables or the legacy variant, the same that Docker uses on the host)
options:
  state:
    description: V(absent) removes all rules of O(cluster_name), and needs no other option.
    type: str
    choices: [present, absent]
    default: present
  api_sources:
    description: Addresses and networks that may reach the ports of webapps, in addition to the cluster's hosts.
    type: list
    elements: str
    default: []
  nfs_port:
    description: The port of the NFS server, if it runs on this host.
    type: int
seealso:
  - module: waba.cluster.compose_files
"""

EXAMPLES = r"""
- name: Open the ports of a coreapp to the cluster's hosts only
  waba.cluster.firewall:
    host: coreapp1
    hosts:
      - {host: coreapp1, names: [192.0.2.11]}
      - {host: master1, names: [master1.example.com, 192.0.2.12]}
    coreapps: [{name: wacore}]
    images: {coreapp: "waba/node:v1.0.0", webapp: "waba/node:v1.0.0"}

- name: Remove the rules
  waba.cluster.firewall:
    state: absent
"""

RETURN = r"""
installed:
  description: Whether the host has iptables. If not, nothing is changed.
  returned: always
  type: bool
addresses:
  description: The addresses of the cluster's hosts.
  returned: when O(state=present) and the host has iptables
  type: list
  elements: str
  sample: [192.0.2.11, 192.0.2.12]
"""

import contextlib
import socket
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.argspec import HOSTS_OPTIONS, PLAN_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import plan_nodes, published_on
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.firewall import boot, netfilter, rules
from ansible_collections.waba.cluster.plugins.module_utils.firewall.io import iptables
from ansible_collections.waba.cluster.plugins.module_utils.io import host_lock
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.preflight.io import peers

OPTIONS = {
    **PLAN_OPTIONS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **HOSTS_OPTIONS,
    "api_sources": {"type": "list", "elements": "str", "default": []},
    "nfs_port": {"type": "int"},
}


def wanted_rules(params: dict[str, Any]) -> tuple[dict[int, dict[str, list[str]]], list[str]]:
    """Return the wanted rules, and the addresses of the cluster's hosts. Raises InputError."""
    invalid = rules.source_problems("firewall_api_sources", params["api_sources"])
    addresses, unresolved = peers.addresses(params["hosts"], params["host"])
    if invalid or unresolved:
        raise problems.InputError([*invalid, *unresolved])
    nodes = plan_nodes(params)
    offered = rules.offers(nodes, {node["role"]: published_on(node, params) for node in nodes}, params["nfs_port"])
    cluster, bridges = params["cluster_name"], iptables.foreign_bridges()
    return {
        family: rules.rules(cluster, offered, addresses, params["api_sources"], bridges, family)
        for family in iptables.PROGRAMS
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


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params = module.params
    params["external_hostname"] = params["external_hostname"] or socket.getfqdn()
    filters = iptables.filters(module.run_command)
    if not filters and params["state"] == "present":
        module.exit_json(changed=True, installed=False, diff={"before": "", "after": "iptables\n"})
    ensure = ensure_present if params["state"] == "present" else ensure_absent
    try:
        # The lock covers reading and writing, because clusters share a chain.
        with contextlib.nullcontext() if module.check_mode else host_lock.exclusive():
            live = {family: table for family, one in filters.items() if (table := one.read()) is not None}
            before = "".join(netfilter.description(params["cluster_name"], table) for table in live.values())
            result = ensure(module, filters, live)
    except HostError as error:
        module.fail_json(msg=str(error))
    except problems.InputError as error:
        module.fail_json(
            msg=problems.message(
                error.problems, params["host"], "Nothing was changed. Fix the settings of the firewall"
            )
        )
    module.exit_json(installed=bool(filters), diff={"before": before, "after": result.pop("after")}, **result)


if __name__ == "__main__":
    main()
