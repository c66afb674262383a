# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: monitoring
short_description: Plan the monitoring of a cluster
version_added: 1.0.0
description:
  - Returns the files for a Prometheus that scrapes the cluster, or the problems that prevent it.
author:
  - waba.cluster contributors
positional: settings, host
options:
  _input:
    description: The result of M(waba.cluster.topology).
    type: dict
    required: true
  settings:
    description: The settings of the role C(monitoring), by name.
    type: dict
    required: true
  host:
    description: The host of the inventory on which Prometheus runs.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Print the scrape configuration
  ansible.builtin.debug:
    msg: "{{ (waba_topology | waba.cluster.monitoring(settings, inventory_hostname)).documents['scrape-waba.yml'] | to_nice_yaml }}"
"""

RETURN = r"""
_value:
  description:
    - C(problems), each with C(variable), C(value), C(problem) and C(fix); and C(documents), the content of each YAML file by its name, empty where there
      are problems.
    - C(names), the file name of each part.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.monitoring import containers, scrape


def monitoring(topology: Mapping[str, Any], settings: Mapping[str, Any], host: str) -> dict[str, Any]:
    """Return {"problems", "documents", "names"} for a Prometheus on a host."""
    found = [*scrape.problems(settings), *scrape.target_problems(topology, host)]
    if settings["monitoring_mode"] == "containers":
        found += containers.problems(settings, topology, host)
    return {
        "problems": [problem._asdict() for problem in found],
        "documents": {} if found else scrape.documents(topology, settings, host),
        "names": scrape.file_names(topology["cluster_name"]),
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"monitoring": monitoring}
