# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: webapp_url
short_description: Return the URL of a host's webapp
version_added: 1.0.0
description:
  - Returns the URL at which the host itself reaches its webapp, a running one if possible.
author:
  - waba.cluster contributors
options:
  _input:
    description: The C(nodes) that M(waba.cluster.cluster_nodes_info) returns for the host.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Print the URL of the webapp
  ansible.builtin.debug:
    msg: "{{ result.nodes | waba.cluster.webapp_url }}"
"""

RETURN = r"""
_value:
  description: The URL.
  type: str
  sample: https://localhost:9090
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout.webapp import webapp_url


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"webapp_url": webapp_url}
