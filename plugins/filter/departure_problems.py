# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: departure_problems
short_description: List the reasons against removing hosts from the cluster
version_added: 1.0.0
description:
  - Evaluates the results of M(waba.cluster.host_info) for all hosts and of M(waba.cluster.cluster_health_info) for their webapps.
author:
  - waba.cluster contributors
positional: leaving, hosts, registered, facts
extends_documentation_fragment:
  - waba.cluster.results
options:
  leaving:
    description: The hosts to remove.
    type: list
    elements: str
    required: true
  registered:
    description: As for P(waba.cluster.cluster_status#filter).
    type: dict
    required: true
  facts:
    description:
      - C(database) and C(share), lists of the hosts that run them; C(arbitrator), the host that votes with two database members; C(shards), their number;
        C(lost), whether the hosts are lost for good.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Verify that the host can leave
  ansible.builtin.assert:
    that: hostvars | waba.cluster.departure_problems(['node4'], ansible_play_hosts_all, registered, facts) == []
"""

RETURN = r"""
_value:
  description: The problems, each with C(variable), C(value), C(problem) and C(fix).
  type: list
  elements: dict
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.filter.cluster_status import external_names, registered_results
from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout import departure


def departure_problems(
    variables: Mapping[str, Any],
    leaving: Sequence[str],
    hosts: Iterable[str],
    registered: Mapping[str, str],
    facts: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return `rollout.departure.departure_problems` of the registered results, as dicts."""
    hosts = list(hosts)
    results = registered_results(variables, hosts, registered)
    facts = {**facts, "names": external_names(variables, hosts)}
    found = departure.departure_problems(leaving, results["status"], results["health"], facts)
    return [problem._asdict() for problem in found]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"departure_problems": departure_problems}
