# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  host:
    description: Name of this host in O(hosts).
    type: str
    default: ""
  hosts:
    description: The hosts of the cluster.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: The host's name in the inventory.
        type: str
        required: true
      names:
        description: Names and addresses that the host's packets come from. Other hosts use the first one to reach it.
        type: list
        elements: str
        required: true
"""
