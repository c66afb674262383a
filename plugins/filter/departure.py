# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: departure
short_description: Say what speaks against hosts leaving the cluster
version_added: 1.0.0
description:
  - From what M(waba.cluster.host_status) found on all hosts, and M(waba.cluster.cluster_health) heard of their webapps.
author:
  - waba.cluster contributors
positional: leaving, hosts, registered, facts
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  leaving:
    description: The hosts that are to leave.
    type: list
    elements: str
    required: true
  hosts:
    description: All hosts of the cluster.
    type: list
    elements: str
    required: true
  registered:
    description: As for P(waba.cluster.status#filter).
    type: dict
    required: true
  facts:
    description: V(database) and V(share), lists of the hosts that run them; V(shards), how many there are; V(lost), whether the hosts are gone for good.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Go on only when the host may leave
  ansible.builtin.assert:
    that: hostvars | waba.cluster.departure(['node4'], ansible_play_hosts_all, registered, facts) == []
"""

RETURN = r"""
_value:
  description: What speaks against it, each with V(variable), V(value), V(problem) and V(fix).
  type: list
  elements: dict
"""

from ansible_collections.waba.cluster.plugins.filter.status import names_of, results_of
from ansible_collections.waba.cluster.plugins.module_utils.rollout.departure import departure_problems


def departure(variables, leaving, hosts, registered, facts):
    """Return `rollout.departure.departure_problems` (list of dict) of the results that hosts have in the registered variables."""
    results = results_of(variables, hosts, registered)
    facts = {**facts, "names": names_of(variables, hosts)}
    return [one._asdict() for one in departure_problems(leaving, results["status"], results["health"], facts)]


class FilterModule:
    def filters(self):
        return {"departure": departure}
