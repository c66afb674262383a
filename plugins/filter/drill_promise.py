# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_promise
short_description: Compute for how long messages may be refused in a drill
version_added: 1.0.0
description:
  - Derives it from the containers that remain, and from the intervals of the heartbeat monitor.
author:
  - waba.cluster contributors
positional: settings, duration
options:
  _input:
    description: The result of P(waba.cluster.drill_plan#filter).
    type: dict
    required: true
  settings:
    description: The application settings, as M(waba.cluster.application_settings) returns them.
    type: dict
    required: true
  duration:
    description: Seconds for which the fault lasts; V(0) to let the filter choose.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Print the promise
  ansible.builtin.debug:
    msg: "{{ drill | waba.cluster.drill_promise({'heartbeat_interval': 5, 'unhealthy_interval': 30}) }}"
"""

RETURN = r"""
_value:
  description:
    - C(pause), C(reads_pause), C(takeovers), C(duration) and C(recovery) in seconds; C(reasons), a sentence for each; and C(problems), as from
      P(waba.cluster.drill_plan#filter).
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.drill import promise


def drill_promise(plan: Mapping[str, Any], settings: Mapping[str, Any], duration: int = 0) -> dict[str, Any]:
    """Return `drill.promise.promise` of a plan."""
    intervals = {name: float(settings[f"{name}_interval"]) for name in ("heartbeat", "unhealthy")}
    return promise.promise(
        plan["lost"], plan["nodes"], intervals, int(duration), members=plan["members"], writer=plan["writer"]
    )


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"drill_promise": drill_promise}
