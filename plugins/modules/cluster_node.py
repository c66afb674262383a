# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_node
short_description: Remove the nodes of lost hosts from a cluster
version_added: 1.0.0
description:
  - Deletes nodes from the list of nodes in the database. A node that stops normally deletes itself. A node whose host was lost remains on the
    list, and the cluster reports it as unhealthy.
  - The shards that such a node owns are given to other nodes once their takeover delay has passed. A node that still runs registers again with
    its next report.
  - Runs a command of the node in a container beside a master of this host, which need not run.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.node_command
  - waba.cluster.attributes
options:
  hostnames:
    description: The names or addresses under which the other hosts reach the lost hosts (C(waba_external_hostname)).
    type: list
    elements: str
    required: true
  state:
    description: The nodes are not on the list.
    type: str
    choices: [absent]
    default: absent
"""

EXAMPLES = r"""
- name: Remove the nodes of a lost host
  waba.cluster.cluster_node:
    hostnames: [node4.example.org]
    state: absent
"""

RETURN = r"""
nodes:
  description: The nodes that were on the list.
  returned: success
  type: list
  elements: str
  sample: ["node4.example.org:0123456789ab"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import is_host
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import node_command
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment


def remove(module: AnsibleModule) -> dict[str, Any]:
    """Delete the nodes from the list; return the module's result. Raises HostError."""
    names = module.params["hostnames"]
    invalid = [name for name in names if not is_host(name)]
    if invalid:
        raise HostError(
            f"hostnames: {', '.join(map(repr, invalid))} is neither a host name nor an address. Nothing was changed."
        )
    if not names:
        return {"changed": False, "nodes": []}
    options = ["--dry-run"] if module.check_mode else []
    nodes = node_command.run(module.params["cluster_name"], "forget-nodes", *options, *names)["nodes"]
    return {
        "changed": bool(nodes),
        "nodes": nodes,
        "diff": {"before": "".join(f"{node}\n" for node in nodes), "after": ""},
    }


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "cluster_name": {"type": "str", "default": "waba"},
            "hostnames": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["absent"], "default": "absent"},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**remove(module))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
