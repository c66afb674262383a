# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: webapp_host
short_description: Choose the host whose webapp is asked for the cluster's health
version_added: 1.0.0
description:
  - Returns the first host with a running webapp, and the first host of webapps when none runs.
author:
  - waba.cluster contributors
positional: hosts
options:
  _input:
    description: The results of M(waba.cluster.cluster_nodes_info) by host.
    type: dict
    required: true
  hosts:
    description: The hosts of webapps.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Print the host whose webapp is asked
  ansible.builtin.debug:
    msg: "{{ {'web1': nodes1, 'web2': nodes2} | waba.cluster.webapp_host(['web1', 'web2']) }}"
"""

RETURN = r"""
_value:
  description: The host.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout.webapp import webapp_host


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"webapp_host": webapp_host}
