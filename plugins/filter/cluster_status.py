# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_status
short_description: Combine the reports of all hosts into the status of the cluster
version_added: 1.0.0
description:
  - Combines the results of M(waba.cluster.host_info) for all hosts and of M(waba.cluster.cluster_health_info) for their webapps.
author:
  - waba.cluster contributors
positional: hosts, registered, whole
extends_documentation_fragment:
  - waba.cluster.results
options:
  registered:
    description:
      - The names of the variables with the registered results, C(status) of M(waba.cluster.host_info) and C(health) of
        M(waba.cluster.cluster_health_info), C(members) and C(arbitrators) of M(waba.cluster.database_member_info).
    type: dict
    required: true
  whole:
    description: Whether these are all hosts of the cluster.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Print the status of the cluster
  ansible.builtin.debug:
    msg: "{{ (hostvars | waba.cluster.cluster_status(ansible_play_hosts_all, {'status': 'found', 'health': 'answer'})).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(healthy), C(drifted), C(summary), C(lags), C(upstream), C(nodes) and C(problems); and C(lines), a table of the nodes and the sentences below it.
  type: dict
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.report.status import status, status_lines


def registered_results(
    variables: Mapping[str, Any], hosts: Iterable[str], registered: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return {part: {host: result}} of the registered variables ({part: name}), without skipped results."""
    hosts = list(hosts)
    return {
        part: {
            host: variables[host][name]
            for host in hosts
            if not variables[host].get(name, {"skipped": 1}).get("skipped")
        }
        for part, name in registered.items()
    }


def external_names(variables: Mapping[str, Any], hosts: Iterable[str]) -> dict[str, str]:
    """Return {host: the name under which other hosts know it}."""
    return {
        host: variables[host].get("waba_external_hostname", variables[host].get("ansible_host", host)) for host in hosts
    }


def cluster_status(
    variables: Mapping[str, Any], hosts: Iterable[str], registered: Mapping[str, str], whole: bool = True
) -> dict[str, Any]:
    """Return `report.status.status` of the registered results, with its `lines`."""
    hosts = list(hosts)
    results = registered_results(variables, hosts, registered)
    members, arbitrators = results.get("members", {}), results.get("arbitrators", {})
    names = external_names(variables, hosts)
    state = status(results["status"], results["health"], names, whole, members, arbitrators)
    return {**state, "lines": status_lines(state)}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"cluster_status": cluster_status}
