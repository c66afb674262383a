# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: status
short_description: Put together how a cluster is
version_added: 1.0.0
description:
  - From what M(waba.cluster.host_status) found on all hosts, and M(waba.cluster.cluster_health) heard of their webapps.
author:
  - waba.cluster contributors
positional: hosts, registered, whole
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: The hosts that were asked.
    type: list
    elements: str
    required: true
  registered:
    description: The variables in which the results are registered, V(status) of M(waba.cluster.host_status) and V(health) of M(waba.cluster.cluster_health).
    type: dict
    required: true
  whole:
    description: Whether these are all hosts of the cluster.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Show how the cluster is
  ansible.builtin.debug:
    msg: "{{ (hostvars | waba.cluster.status(ansible_play_hosts_all, {'status': 'found', 'health': 'answer'})).lines }}"
"""

RETURN = r"""
_value:
  description:
    - V(healthy), V(drifted), V(summary), V(lags), V(nodes) and V(problems); and V(lines), a table of them.
  type: dict
"""

from ansible_collections.waba.cluster.plugins.module_utils.report import status as planner


def results_of(variables, hosts, registered):
    """Return {part: {host: result}} of the registered variables ({part: name}), without what was skipped."""
    return {
        part: {
            host: variables[host][name]
            for host in hosts
            if not variables[host].get(name, {"skipped": 1}).get("skipped")
        }
        for part, name in registered.items()
    }


def names_of(variables, hosts):
    """Return {host: the name under which the others know it}."""
    return {
        host: variables[host].get("waba_external_hostname", variables[host].get("ansible_host", host)) for host in hosts
    }


def status(variables, hosts, registered, whole=True):
    """Return `report.status.status` of the results that hosts have in the registered variables, with its `lines`."""
    results = results_of(variables, hosts, registered)
    state = planner.status(results["status"], results["health"], names_of(variables, hosts), whole)
    return {**state, "lines": planner.lines_of(state)}


class FilterModule:
    def filters(self):
        return {"status": status}
