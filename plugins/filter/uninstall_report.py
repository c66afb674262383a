# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: uninstall_report
short_description: Report the removed and the retained objects of an uninstall on all hosts
version_added: 1.0.0
description:
  - Combines the results of all hosts, including unreachable ones, into a table.
author:
  - waba.cluster contributors
positional: hosts, registered, also, share, check
extends_documentation_fragment:
  - waba.cluster.results
options:
  registered:
    description:
      - The names of the variables with the registered results, by C(planned), C(objects), C(files), C(firewall), C(share), C(left) and C(docker).
    type: dict
    required: true
  also:
    description: The parts to remove besides containers, networks and files.
    type: list
    elements: str
    required: true
  share:
    description: The NFS share for media, with its C(server) and its C(clients).
    type: dict
    required: true
  check:
    description: Whether nothing was really done.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Print the removed and the retained objects
  ansible.builtin.debug:
    msg: "{{ (hostvars | waba.cluster.uninstall_report(ansible_play_hosts_all, {'objects': 'removed'}, [], {'server': '', 'clients': []})).table }}"
"""

RETURN = r"""
_value:
  description:
    - C(table), its lines with the headings first; and C(failures), a line for each host that still has something to remove.
  type: dict
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.report.uninstall import PARTS, failures, rows
from ansible_collections.waba.cluster.plugins.module_utils._internal.table import table

EXPORT = "/srv/wamedia"  # the default of the role nfs_server
COLUMNS = ("host", "kind", "name", "outcome", "reason")


def uninstall_report(
    variables: Mapping[str, Any],
    hosts: Iterable[str],
    registered: Mapping[str, str],
    also: Collection[str],
    share: Mapping[str, Any],
    check: bool = False,
) -> dict[str, list[str]]:
    """Return the table and the failures of an uninstall. A step without a registered result counts as not run."""
    every = []
    for host in hosts:
        found = variables[host]
        report = {part: found.get(registered.get(part, ""), {}) for part in PARTS}
        report["export"] = found.get("nfs_server_export", EXPORT) if host == share["server"] else ""
        report["share_path"] = _share_path(found) if host in share["clients"] else ""
        every += rows(host, report, also, check)
    lines = [[row[column] for column in COLUMNS] for row in every]
    return {"table": table(lines, COLUMNS), "failures": failures(every)}


def _share_path(variables: Mapping[str, Any]) -> str:
    """Return the folder on which a host mounts the share, as the role nfs_mount determines it."""
    media = (variables.get("waba_volumes") or {}).get("media") or {}
    return variables.get("nfs_mount_path") or (media.get("source", "") if media.get("type") == "bind" else "")


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"uninstall_report": uninstall_report}
