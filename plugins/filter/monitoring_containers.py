# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: monitoring_containers
short_description: Plan the containers of Prometheus and Alertmanager
version_added: 1.0.0
description:
  - Returns the Compose document of the containers and the configuration of Prometheus.
author:
  - waba.cluster contributors
positional: settings, configuration
options:
  _input:
    description: The name of the cluster.
    type: str
    required: true
  settings:
    description: The settings of the role C(monitoring), by name.
    type: dict
    required: true
  configuration:
    description: A hash of the files that the containers read.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Print the Compose file
  ansible.builtin.debug:
    msg: "{{ ('waba' | waba.cluster.monitoring_containers(settings, '0123456789ab')).compose | to_nice_yaml }}"
"""

RETURN = r"""
_value:
  description: C(compose) and C(prometheus), the content of both files; C(user), the user id of the containers.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.monitoring import containers


def monitoring_containers(cluster: str, settings: Mapping[str, Any], configuration: str) -> dict[str, Any]:
    """Return {"compose", "prometheus", "user"}."""
    return {
        "compose": containers.compose_document(cluster, settings, configuration),
        "prometheus": containers.prometheus_configuration(cluster, settings),
        "user": str(containers.USER),
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"monitoring_containers": monitoring_containers}
