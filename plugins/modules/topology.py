# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Build the topology of a cluster from the settings of all its hosts
version_added: 1.0.0
description:
  - Validates the settings of every host of the cluster against the specifications of the collection's roles, and applies their defaults.
  - Returns the cluster as one value, which later tasks read. Fails only when the inventory groups of the cluster cannot be determined; problems of other
    settings are part of the result.
  - Runs on the controller and connects to no host.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
options:
  require_nodes:
    description: Fail where masters, coreapps or webapps have no host.
    type: bool
    default: true
  leaving:
    description: Hosts that are about to leave the cluster. The totals do not count their nodes.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Build the topology
  waba.cluster.topology:
  register: waba_topology
  run_once: true
"""

RETURN = r"""
hosts:
  description:
    - For each host its V(parts), the V(groups) that it gets, the V(plan) of its containers (the options of M(waba.cluster.compose_files)), its V(nodes) with
      their ports, the V(files) of its roles, and the addresses of its API.
  returned: success
  type: dict
parts:
  description: The hosts of each part, such as V(masters).
  returned: success
  type: dict
  sample: {database: [db1], masters: [node1, node2], coreapps: [node1, node2], webapps: [node1], nfs_server: [], nfs_clients: []}
totals:
  description: The number of masters, coreapps and webapps.
  returned: success
  type: dict
  sample: {masters: 2, coreapps: 2, webapps: 1}
expected:
  description: What a healthy cluster has.
  returned: success
  type: dict
  sample: {masters: 2, coreapps: 2, shards: 1}
database:
  description: Where the nodes find the database.
  returned: success
  type: dict
  sample: {hosts: [db1], external: false, service: db, address: db1.example.com, port: 3306, name: waba}
share:
  description: The NFS share for media.
  returned: success
  type: dict
  sample: {server: "", clients: [], name: "", port: 2049}
checks:
  description: For each host, whether its settings are V(sound), and the V(problems) and V(risks) of them.
  returned: success
  type: dict
sound:
  description: Whether the settings of every host are sound.
  returned: success
  type: bool
"""
