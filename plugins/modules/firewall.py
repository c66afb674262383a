# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall
short_description: Keep strangers from the ports that a host publishes for the cluster
version_added: 1.0.0
description:
  - Opens the host's ports of masters, coreapps and database to the cluster's hosts alone, those of webapps to O(api_sources) too, by iptables and ip6tables.
  - The rules are in chains of their own, called from INPUT and from Docker's own hook for others, DOCKER-USER. No other rule is touched, and
    no packet is refused that is not for one of these ports; so nobody is locked out of SSH, and no container of somebody else is cut off.
  - What differs from the wanted rules is replaced in one transaction. What is connected stays connected.
  - A systemd unit makes the rules before Docker starts. A host without systemd has them until it stops.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.plan
  - waba.cluster.hosts
  - waba.cluster.attributes
requirements:
  - iptables (the nftables or the legacy one, whichever Docker uses on the host)
options:
  state:
    description: V(absent) leaves no trace of O(cluster_name), and needs no other option.
    type: str
    choices: [present, absent]
    default: present
  api_sources:
    description: Addresses and networks that may reach the webapps' ports, besides the cluster's hosts.
    type: list
    elements: str
    default: []
  nfs_port:
    description: The port of the NFS server, where this host is it.
    type: int
seealso:
  - module: waba.cluster.compose_files
"""

EXAMPLES = r"""
- name: Open a coreapp's ports to the cluster's hosts only
  waba.cluster.firewall:
    host: coreapp1
    hosts:
      - {host: coreapp1, names: [192.0.2.11]}
      - {host: master1, names: [master1.example.com, 192.0.2.12]}
    coreapps: [{name: wacore}]
    images: {coreapp: "waba/node:v1.0.0", webapp: "waba/node:v1.0.0"}

- name: Take the rules away
  waba.cluster.firewall:
    state: absent
"""

RETURN = r"""
installed:
  description: Whether the host has iptables. Nothing is done where it has not.
  returned: always
  type: bool
addresses:
  description: The addresses of the cluster's hosts.
  returned: O(state=present), where the host has iptables
  type: list
  elements: str
  sample: [192.0.2.11, 192.0.2.12]
"""

import contextlib
import socket

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.argspec import HOSTS_OPTIONS, PLAN_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import plan_nodes, published_on
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.firewall import boot as firewall_boot
from ansible_collections.waba.cluster.plugins.module_utils.firewall import netfilter
from ansible_collections.waba.cluster.plugins.module_utils.firewall import rules as firewall
from ansible_collections.waba.cluster.plugins.module_utils.firewall.io import iptables as driver
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


def wanted_rules(params):
    """Return ({family: {chain: rules}}, addresses of the cluster's hosts). Raises InputError."""
    wrong = firewall.source_problems("firewall_api_sources", params["api_sources"])
    addresses, unknown = peers.addresses(params["hosts"], params["host"])
    if wrong or unknown:
        raise problems.InputError([*wrong, *unknown])
    nodes = plan_nodes(params)
    offered = firewall.offers(nodes, {node["role"]: published_on(node, params) for node in nodes}, params["nfs_port"])
    cluster, strangers = params["cluster_name"], driver.foreign_bridges()
    return {
        family: firewall.rules(cluster, offered, addresses, params["api_sources"], strangers, family)
        for family in driver.TOOLS
    }, addresses


def present(module, tables, live):
    """Have the rules, now and after the next boot; return the module's result. Raises InputError, HostError."""
    cluster = module.params["cluster_name"]
    wanted, addresses = wanted_rules(module.params)
    lines = {family: netfilter.plan(cluster, wanted[family], found) for family, found in live.items()}
    texts = firewall_boot.files(
        cluster,
        {
            family: {
                "wanted": wanted[family],
                "live": found,
                "command": tables[family].command,
                "restore": tables[family].restore,
            }
            for family, found in live.items()
        },
    )
    if not driver.has_systemd():
        module.warn("There is no systemd here: the rules are gone when the host stops, until this is run again.")
        texts.pop(firewall_boot.unit_path(cluster))
    kept = driver.ours(cluster) == texts and driver.is_enabled(cluster, module.run_command)
    for rule in (rule for found in live.values() for rule in netfilter.in_front(found)):
        module.warn(
            f"Not all is refused: in INPUT, a rule of somebody else accepts packets before ours are asked: {rule}"
        )
    if not module.check_mode:
        for family in live:
            if lines[family]:
                tables[family].change(lines[family])
        if not kept:
            driver.keep(cluster, texts, module.run_command)
    after = "".join(netfilter.shown(cluster, found, wanted[family]) for family, found in live.items())
    return {"changed": any(lines.values()) or not kept, "after": after, "addresses": addresses}


def absent(module, tables, live):
    """Have no trace of the cluster; return the module's result. Raises HostError."""
    cluster = module.params["cluster_name"]
    lines = {family: netfilter.plan(cluster, None, found) for family, found in live.items()}
    kept = bool(driver.ours(cluster))
    if not module.check_mode:
        if kept:
            driver.forget(cluster, module.run_command)
        for family in live:
            if lines[family]:
                tables[family].change(lines[family])
    return {"changed": any(lines.values()) or kept, "after": ""}


def main():
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params = module.params
    params["external_hostname"] = params["external_hostname"] or socket.getfqdn()
    tables = driver.filters(module.run_command)
    if not tables and params["state"] == "present":
        module.exit_json(changed=True, installed=False, diff={"before": "", "after": "iptables\n"})
    try:
        # From the look on: clusters share a chain.
        with contextlib.nullcontext() if module.check_mode else host_lock.alone():
            live = {family: found for family, table in tables.items() if (found := table.read()) is not None}
            before = "".join(netfilter.shown(params["cluster_name"], found) for found in live.values())
            result = (present if params["state"] == "present" else absent)(module, tables, live)
    except HostError as error:
        module.fail_json(msg=str(error))
    except problems.InputError as error:
        module.fail_json(msg=problems.message(error.problems, params["host"], "Nothing was touched; settings to fix"))
    module.exit_json(installed=bool(tables), diff={"before": before, "after": result.pop("after")}, **result)


if __name__ == "__main__":
    main()
