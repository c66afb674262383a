# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: doomed_volumes
short_description: Return the volumes that an uninstall would delete
version_added: 1.0.0
description:
  - Reads the results of M(waba.cluster.compose_project) with O(waba.cluster.compose_project#module:state=absent) in check mode.
author:
  - waba.cluster contributors
positional: hosts, registered
extends_documentation_fragment:
  - waba.cluster.results
options:
  registered:
    description: The variable in which each host has its result.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Print the volumes that would be deleted
  ansible.builtin.debug:
    msg: "{{ hostvars | waba.cluster.doomed_volumes(ansible_play_hosts, 'found') }}"
"""

RETURN = r"""
_value:
  description: The names of the volumes by host. A host without such volumes is omitted.
  type: dict
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def doomed_volumes(variables: Mapping[str, Any], hosts: Iterable[str], registered: str) -> dict[str, list[str]]:
    """Return {host: names of volumes} of the hosts that have volumes to delete."""
    found = {
        host: [one["name"] for one in variables[host].get(registered, {}).get("removed", []) if one["kind"] == "volume"]
        for host in hosts
    }
    return {host: names for host, names in found.items() if names}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"doomed_volumes": doomed_volumes}
