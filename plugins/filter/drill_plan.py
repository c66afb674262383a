# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_plan
short_description: Choose the containers that a drill affects, and the webapp that it measures
version_added: 1.0.0
description:
  - Evaluates the results of M(waba.cluster.host_info) for all hosts and of M(waba.cluster.cluster_health_info) for their webapps.
author:
  - waba.cluster contributors
positional: hosts, registered, settings, database, shards
extends_documentation_fragment:
  - waba.cluster.results
options:
  registered:
    description: As for P(waba.cluster.cluster_status#filter).
    type: dict
    required: true
  settings:
    description:
      - The settings of the drill, C(target), C(host), C(fault), C(duration), C(interval) and C(recipient); and C(upstream) and C(images) of the nodes.
    type: dict
    required: true
  database:
    description: The database of the topology.
    type: dict
    required: true
  shards:
    description: The number of shards.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Choose the containers
  ansible.builtin.set_fact:
    drill: "{{ hostvars | waba.cluster.drill_plan(ansible_play_hosts_all, registered, settings, waba_topology.database) }}"
"""

RETURN = r"""
_value:
  description:
    - C(problems), each with C(variable), C(value), C(problem) and C(fix); and, without problems, C(host), C(lost), C(nodes), C(traffic_host), C(recipients),
      C(interval) and C(title).
  type: dict
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.filter.cluster_status import cluster_status, registered_results
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill import plan


def drill_plan(
    variables: Mapping[str, Any],
    hosts: Iterable[str],
    registered: Mapping[str, str],
    settings: Mapping[str, Any],
    database: Mapping[str, Any],
    shards: int = 1,
) -> dict[str, Any]:
    """Return `drill.plan.plan` of the registered results, with the rows of all nodes as `nodes`."""
    hosts = list(hosts)
    results = registered_results(variables, hosts, registered)
    webapps = [host for host, answer in results["health"].items() if answer.get("healthy")]
    nodes = cluster_status(variables, hosts, registered)["nodes"]
    members = [member["host"] for member in database["members"]]
    seen = results.get("members", {}) if members else {}
    writer = next((host for host, one in seen.items() if one.get("is_writer")), "")
    planned = plan.plan(settings, nodes, webapps, shards=int(shards), members=members, writer=writer)
    return {**planned, "nodes": nodes, "members": members, "writer": writer}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"drill_plan": drill_plan}
