# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: uninstalled
short_description: Say what an uninstall removed, what it kept and why, on all hosts
version_added: 1.0.0
description:
  - Puts the results of all hosts together, of those too that could not be reached, and lays them out as a table.
author:
  - waba.cluster contributors
positional: hosts, registered, also, share, check
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: The hosts to tell about.
    type: list
    elements: str
    required: true
  registered:
    description:
      - The variables in which the results are registered, by C(going), C(objects), C(files), C(firewall), C(share), C(left) and C(docker).
    type: dict
    required: true
  also:
    description: What was asked for besides containers, networks and files.
    type: list
    elements: str
    required: true
  share:
    description: The NFS share for media, with the host that is its C(server) and its C(clients).
    type: dict
    required: true
  check:
    description: Whether nothing was really done.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what was removed and what was kept
  ansible.builtin.debug:
    msg: "{{ (hostvars | waba.cluster.uninstalled(ansible_play_hosts_all, {'objects': 'removed'}, [], {'server': '', 'clients': []})).table }}"
"""

RETURN = r"""
_value:
  description:
    - V(table), lines, headings first; and V(problem), a line for each host on which not all is gone that was to go.
  type: dict
"""

from ansible_collections.waba.cluster.plugins.module_utils.report import uninstall as uninstall_report
from ansible_collections.waba.cluster.plugins.module_utils.table import table

EXPORT = "/srv/wamedia"  # the default of role nfs_server
COLUMNS = ("host", "kind", "name", "outcome", "reason")


def uninstalled(variables, hosts, registered, also, share, check=False):
    """Return what `report.uninstall` makes of the results that hosts have in the registered variables, as far as they have them."""
    every = []
    for host in hosts:
        found = variables[host]
        report = {part: found.get(registered.get(part, ""), {}) for part in uninstall_report.PARTS}
        report["export"] = found.get("nfs_server_export", EXPORT) if host == share["server"] else ""
        report["share_path"] = _share_path(found) if host in share["clients"] else ""
        every += uninstall_report.rows(host, report, also, check)
    lines = [[row[column] for column in COLUMNS] for row in every]
    return {"table": table(lines, COLUMNS), "wrong": uninstall_report.verdict(every)}


def _share_path(found):
    """Return the folder on which a host mounts the share, as role nfs_mount does."""
    media = (found.get("waba_volumes") or {}).get("media") or {}
    return found.get("nfs_mount_path") or (media.get("source", "") if media.get("type") == "bind" else "")


class FilterModule:
    def filters(self):
        return {"uninstalled": uninstalled}
