# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: preflight
short_description: Judge what preflight found on all hosts
version_added: 1.0.0
description:
  - Puts the findings of all hosts together, adds what is wrong between hosts (names, clocks, settings that must be alike), and lays all out as a table.
author:
  - waba.cluster contributors
positional: hosts, registered, clock_tolerance, shared, secrets
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: The hosts to judge.
    type: list
    elements: str
    required: true
  registered:
    description:
      - The variables in which the results are registered, V(settings) of M(waba.cluster.settings_check) and V(checks) of M(waba.cluster.preflight).
    type: dict
    required: true
  clock_tolerance:
    description: Seconds by which the clocks of two hosts may differ.
    type: float
    default: 2
  shared:
    description: The hosts of the cluster, asked or not, whose variables must agree on what a cluster has one of.
    type: list
    elements: str
    default: []
  secrets:
    description: The names of the secrets that a cluster has one each of. Their values are compared, and not shown.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ (hostvars | waba.cluster.preflight(ansible_play_hosts_all, {'checks': 'result'})).problems }}"
"""

RETURN = r"""
_value:
  description:
    - Lines of two tables, V(problems) and V(warnings), headings first, each empty where there is none; V(count) of problems, and of V(hosts) that have any.
  type: dict
"""

import contextlib

from ansible.errors import AnsibleError
from ansible_collections.waba.cluster.plugins.module_utils.preflight.cluster import judge

# A cluster has one of each. A group's own file could give one to some hosts alone, and the others would go on with the default.
SHARED = (
    "waba_database_host",
    "waba_database_port",
    "waba_database_user",
    "waba_database_name_prefix",
    "waba_ha",
    "waba_shards",
)


def preflight(variables, hosts, registered, clock_tolerance=2.0, shared=(), secrets=()):
    """Return `preflight.cluster.judge` of the results that hosts have in the registered variables, as far as they have them."""
    reports = {
        host: {part: variables[host][name] for part, name in registered.items() if name in variables[host]}
        for host in hosts
    }
    alike = {host: _given(variables[host], (*SHARED, *secrets)) for host in shared}
    return judge(reports, float(clock_tolerance), alike, secrets)


def _given(variables, names):
    """Return {name: value} of those that a host's variables have; what has no value there is told by `settings_check`."""
    found = {}
    for name in names:
        with contextlib.suppress(AnsibleError):
            if name in variables:
                found[name] = variables[name]
    return found


class FilterModule:
    def filters(self):
        return {"preflight": preflight}
