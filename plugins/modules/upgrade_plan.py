# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_plan
short_description: Plan the order in which the nodes of a cluster get another version
version_added: 1.0.0
description:
  - Plans from the present reports of the hosts and the cluster, never from a note of an earlier run, so that a run after a failed one continues where that one
    stopped.
  - The order is secondary masters, the primary master, standby coreapps, connected coreapps, webapps.
  - Refuses an upgrade that would fail or cause an outage, and prints all reasons in one table.
  - Runs on the controller only; no connection to the host is made, and nothing is changed.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
options:
  state:
    description:
      - V(upgraded) plans for the nodes with another image than O(images). With O(outage), it plans for all nodes if there is such a node.
      - V(restarted) plans for all nodes, regardless of their image.
    type: str
    choices: [upgraded, restarted]
    default: upgraded
  found:
    description: The results of M(waba.cluster.cluster_nodes_info), by host.
    type: dict
    required: true
  health:
    description: The nodes, as M(waba.cluster.cluster_health_info) returns them.
    type: list
    elements: dict
    required: true
  images:
    description: The images for the nodes. Required with O(state=upgraded).
    type: dict
    suboptions:
      coreapp:
        description: The image of masters and coreapps.
        type: str
        required: true
      webapp:
        description: The image of webapps.
        type: str
        required: true
  schema:
    description: The schema, as M(waba.cluster.schema) returns it in check mode for the new image.
    type: dict
    default: {}
  expect:
    description: The nodes of the whole cluster, as for M(waba.cluster.cluster_health_info).
    type: dict
    required: true
  back:
    description: Whether an older version is requested.
    type: bool
    default: false
  outage:
    description: Stop all nodes, then start each role at once. For a schema with which the running nodes cannot work.
    type: bool
    default: false
  serial:
    description: The number of nodes of a kind that change at once. One webapp and one standby coreapp always stay.
    type: int
    default: 1
  services:
    description: The services to plan for, as lists by host. Those that an interrupted run left unfinished are always planned for. All by default.
    type: dict
"""

EXAMPLES = r"""
- name: Plan the upgrade
  waba.cluster.upgrade_plan:
    found: {localhost: "{{ nodes }}"}
    health: "{{ health.nodes }}"
    images: {coreapp: "waba/node:v1.1.0", webapp: "waba/node:v1.1.0"}
    expect: {masters: 2, coreapps: 2, shards: 1}
"""

RETURN = r"""
steps:
  description: The steps, in order. Empty if every node has its image. C(former) is the definition to restore if a node fails.
  returned: success
  type: list
  elements: dict
  sample:
    - number: 1
      phase: secondary masters
      services: master2
      hosts: {localhost: {role: master, services: [master2], former: {master2: {image: "waba/node:v1.0.0"}}}}
rows:
  description: A row for each node, for a table.
  returned: success
  type: list
  elements: dict
  sample:
    - {step: 1, phase: secondary masters, host: localhost, service: master2, role: master, from: "waba/node:v1.0.0", to: "waba/node:v1.1.0"}
"""
