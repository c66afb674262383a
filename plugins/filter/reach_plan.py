# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: reach_plan
short_description: Say which hosts must reach which others, on which ports
version_added: 1.0.0
description:
  - Puts together, from what M(waba.cluster.preflight) found on every host, where each host has to listen in place of containers that do not run yet, and
    what each host must reach.
author:
  - waba.cluster contributors
positional: hosts, registered, share
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
    description: The variable in which the results of M(waba.cluster.preflight) are registered.
    type: str
    required: true
  share:
    description:
      - The NFS share for media, with the host that is its C(server) (empty where it is somebody else's), the C(name) and C(port) at which its
        C(clients) ask for it.
    type: dict
"""

EXAMPLES = r"""
- name: Show who must reach whom
  ansible.builtin.debug:
    msg: "{{ (hostvars | waba.cluster.reach_plan(ansible_play_hosts_all, 'result')).hosts }}"
"""

RETURN = r"""
_value:
  description:
    - V(hosts), with V(listen), V(peers) and V(connect) of every host that has something to do; and V(settled), whether everything runs already,
      under the names that are wanted.
  type: dict
"""

from ansible_collections.waba.cluster.plugins.module_utils.preflight.reachability import is_settled, plan


def reach_plan(variables, hosts, registered, share=None):
    """Return `preflight.reachability.plan` of the results that hosts have in the registered variable."""
    reports = {host: variables[host][registered] for host in hosts if registered in variables[host]}
    plans = plan(reports, share)
    return {"hosts": plans, "settled": is_settled(plans, reports)}


class FilterModule:
    def filters(self):
        return {"reach_plan": reach_plan}
