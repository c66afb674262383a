# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: rotation_step
short_description: Decide the next step of a rotation of secrets
version_added: 1.0.0
description:
  - Evaluates the results of M(waba.cluster.host_info) for all hosts, and the variables of the rotation. A run repeats observation and step until it is
    done.
author:
  - waba.cluster contributors
positional: hosts, registered, values, requested, progress, options
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: The hosts of the cluster.
    type: list
    elements: str
    required: true
  registered:
    description: The name of the variable with the registered results.
    type: str
    required: true
  values:
    description: The secrets and the variables of their rotation, by name. A missing one may be empty.
    type: dict
    required: true
  requested:
    description: The names of the secrets to rotate.
    type: list
    elements: str
    required: true
  progress:
    description: What this run has done already, by C(begun), C(prepared) and C(released).
    type: dict
    required: true
  options:
    description: C(end_sessions), whether the previous token key is removed; C(finish), whether the other previous values may be removed.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    step: "{{ hostvars | waba.cluster.rotation_step(ansible_play_hosts, 'seen', values, ['waba_api_key'], progress, options) }}"
"""

RETURN = r"""
_value:
  description:
    - The C(action) and its C(reason); the nodes that cannot take part, C(unsupported); the C(services) that differ from the settings, as lists by host; the
      C(phase) of the rotation; the C(progress) after the action.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import NODE_ROLES
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import rotation


def rotation_step(
    hostvars: Mapping[str, Any],
    hosts: Sequence[str],
    registered: str,
    values: Mapping[str, Any],
    requested: Sequence[str],
    progress: Mapping[str, bool],
    options: Mapping[str, bool],
) -> dict[str, Any]:
    """Return {"action", "reason", "unsupported", "services", "phase", "progress"}."""
    services: dict[str, list[str]] = {}
    stale = []
    for host in hosts:
        report = hostvars[host][registered]
        due = list(dict.fromkeys(one["service"] for one in report.get("actions", []) if one["role"] in NODE_ROLES))
        if due:
            services[host] = due
        names = [one["name"] for one in report.get("file_changes", [])]
        stale += [f"{name} on {host}" for name in [*names, *due]]
    texts = {name: str(value) for name, value in values.items() if value}
    step = rotation.next_step(texts, stale, list(requested), progress, **options)
    after = {
        "begun": progress["begun"] or step.action != "done",
        "prepared": progress["prepared"] or step.action == "prepare",
        "released": progress["released"] or step.action == "release",
    }
    rotated = requested if step.action == "begin" else rotation.pending_secrets(texts, rotation.next_name)
    is_affected = step.action in ("begin", "advance") and rotation.needs_second_secrets(rotated)
    unsupported = [
        f"{node['service']} on {host}"
        for host in hosts
        for node in hostvars[host][registered]["services"]
        if node["role"] in NODE_ROLES and not node["second_secrets"]
    ]
    return {
        **step._asdict(),
        "unsupported": unsupported if is_affected else [],
        "services": services,
        "phase": rotation.phase(texts),
        "progress": after,
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rotation_step": rotation_step}
