# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_report
short_description: Compare the measurements of a drill with the promise
version_added: 1.0.0
description:
  - Evaluates the result of M(waba.cluster.drill_traffic), and computes the timeline of the report.
author:
  - waba.cluster contributors
positional: fault, plan, promise, shards, clocks
options:
  _input:
    description: The result of M(waba.cluster.drill_traffic).
    type: dict
    required: true
  fault:
    description: The result of M(waba.cluster.drill_fault).
    type: dict
    required: true
  plan:
    description: The result of P(waba.cluster.drill_plan#filter).
    type: dict
    required: true
  promise:
    description: The result of P(waba.cluster.drill_promise#filter).
    type: dict
    required: true
  shards:
    description: The number of shards.
    type: int
    default: 1
  clocks:
    description: The C(clock_ahead) of M(waba.cluster.host_info) by host, to compare the clocks of two hosts.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Print the verdicts
  ansible.builtin.debug:
    msg: "{{ (traffic | waba.cluster.drill_report(fault, plan, promise)).rows }}"
"""

RETURN = r"""
_value:
  description:
    - C(rows), each with C(measurement), C(measured), C(promised) and C(verdict); C(pauses); C(met), whether no promise was missed; C(errors), what refused
      calls answered, with C(count) and C(error); and C(figure), the geometry of the timeline.
  type: dict
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.drill import evaluation
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.figure import figure

MOST_ERRORS = 10


def drill_report(
    traffic: Mapping[str, Any],
    fault: Mapping[str, float],
    plan: Mapping[str, Any],
    promise: Mapping[str, Any],
    shards: int = 1,
    clocks: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, Any]:
    """Return `drill.evaluation.evaluate` of the measurements, with the errors of refused calls and the timeline."""
    placed = evaluation.place_fault(fault, traffic["began"], clocks or {}, plan["host"], plan["traffic_host"])
    lost = [row["container"] for row in plan["lost"]]
    calls, states = traffic["calls"], traffic["states"]
    found = evaluation.evaluate(calls, states, placed, promise, lost, interval=plan["interval"], shards=int(shards))
    errors = Counter(call["error"] for call in calls if call["outcome"] != evaluation.ACCEPTED)
    return {
        **found,
        "errors": [{"count": count, "error": error} for error, count in errors.most_common(MOST_ERRORS)],
        "figure": figure(calls, states, placed, found["pauses"], _names(plan["nodes"])),
    }


def _names(nodes: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return {container id: its service, with the host where several hosts have a service of this name}."""
    services = Counter(row["service"] for row in nodes)
    return {
        row["container"]: row["service"] if services[row["service"]] == 1 else f"{row['service']} on {row['host']}"
        for row in nodes
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"drill_report": drill_report}
