# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: database_steps
short_description: Decide the next steps of the database members
version_added: 1.0.0
description:
  - Evaluates the results of M(waba.cluster.database_member_info) for all members. A run repeats observation and steps until there are none.
author:
  - waba.cluster contributors
positional: hosts, asked, registered, waited, bootstrap_from, arbitrator
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: The hosts of the members, in the order of the inventory.
    type: list
    elements: str
    required: true
  asked:
    description: The hosts of the play. A host that is not one of them did not answer.
    type: list
    elements: str
    required: true
  registered:
    description: The name of the variable with the registered results.
    type: str
    required: true
  waited:
    description: Whether the run has given running members time to form the cluster by themselves.
    type: bool
    default: false
  bootstrap_from:
    description: The choice of an operator, as V(HOST@SEQNO); empty for none.
    type: str
    default: ""
  arbitrator:
    description: The host that votes with two members and has no data; empty for none.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    decision: "{{ hostvars | waba.cluster.database_steps(['db1', 'db2', 'db3'], ansible_play_hosts, 'seen') }}"
"""

RETURN = r"""
_value:
  description:
    - The C(steps) to apply now, each with C(host), C(action), C(reason), C(uuid), C(seqno), C(forced) and C(successor); or the C(problems) that prevent
      them, each with C(variable), C(value), C(problem) and C(fix), and the C(table) of positions.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.database import bootstrap
from ansible_collections.waba.cluster.plugins.module_utils._internal.table import table


def database_steps(
    hostvars: Mapping[str, Any],
    hosts: Sequence[str],
    asked: Sequence[str],
    registered: str,
    waited: bool = False,
    bootstrap_from: str = "",
    arbitrator: str = "",
) -> dict[str, Any]:
    """Return {"steps", "problems", "table"}."""
    every_host = [*hosts, *([arbitrator] if arbitrator else [])]
    observed = {host: _result(hostvars, host, registered) if host in asked else None for host in every_host}
    decision = bootstrap.decide(observed, hosts, waited=waited, bootstrap_from=bootstrap_from, arbitrator=arbitrator)
    return {
        "steps": [step._asdict() for step in decision.steps],
        "problems": [problem._asdict() for problem in decision.problems],
        "table": table(bootstrap.rows(observed, hosts, arbitrator), bootstrap.HEADINGS),
    }


def _result(hostvars: Mapping[str, Any], host: str, registered: str) -> Mapping[str, Any] | None:
    result = hostvars[host].get(registered)
    return result if result and "running" in result else None


class FilterModule:
    def filters(self) -> dict[str, Callable]:
        return {"database_steps": database_steps}
