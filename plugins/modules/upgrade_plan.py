# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_plan
short_description: Decide in which order the nodes of a cluster get another version
version_added: 1.0.0
description:
  - From what the hosts and the cluster itself say now, never from a note of an earlier run, so that a run after a failed one goes on where that one stopped.
  - Secondary masters, the primary one, coreapps that stand by, the connected ones, webapps.
  - Refuses, with everything that speaks against it in one table, an upgrade that would not go well.
  - Touches nothing; it runs on the controller.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
options:
  state:
    description:
      - V(upgraded) plans for the nodes that have another image than O(images). With O(outage), for all of them when there is such a node.
      - V(restarted) plans for all of them, whatever their image.
    type: str
    choices: [upgraded, restarted]
    default: upgraded
  found:
    description: The answers of M(waba.cluster.cluster_nodes_info), by host.
    type: dict
    required: true
  health:
    description: The nodes, as M(waba.cluster.cluster_health) tells them.
    type: list
    elements: dict
    required: true
  images:
    description: The images that the nodes should have. Needed with O(state=upgraded).
    type: dict
    suboptions:
      coreapp:
        description: Of masters and coreapps.
        type: str
        required: true
      webapp:
        description: Of webapps.
        type: str
        required: true
  schema:
    description: What M(waba.cluster.schema) tells of the schema, asked with the new image in check mode.
    type: dict
    default: {}
  expect:
    description: What the whole cluster has, as for M(waba.cluster.cluster_health).
    type: dict
    required: true
  back:
    description: Going back to an older version is what is wanted.
    type: bool
    default: false
  outage:
    description: Each role is done at once, all nodes stopped before. For a schema with which the running nodes cannot work.
    type: bool
    default: false
  serial:
    description: How many nodes of a kind at once. One webapp, and one coreapp that stands by, always stay.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Decide on the order
  waba.cluster.upgrade_plan:
    found: {localhost: "{{ nodes }}"}
    health: "{{ health.nodes }}"
    images: {coreapp: "waba/node:v1.1.0", webapp: "waba/node:v1.1.0"}
    expect: {masters: 2, coreapps: 2, shards: 1}
"""

RETURN = r"""
batches:
  description: The steps, in order. None, when every node has its image.
  returned: success
  type: list
  elements: dict
  sample:
    - phase: secondary masters
      members: [{host: localhost, service: master2, role: master, from: "waba/node:v1.0.0", to: "waba/node:v1.1.0"}]
problems:
  description: What speaks against it.
  returned: failure
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.rollout import order as rolling


def main():
    image = {"type": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["upgraded", "restarted"], "default": "upgraded"},
            "found": {"type": "dict", "required": True},
            "health": {"type": "list", "elements": "dict", "required": True},
            "images": {"type": "dict", "options": {"coreapp": image, "webapp": image}},
            "schema": {"type": "dict", "default": {}},
            "expect": {"type": "dict", "required": True},
            "back": {"type": "bool", "default": False},
            "outage": {"type": "bool", "default": False},
            "serial": {"type": "int", "default": 1},
        },
        required_if=[("state", "upgraded", ["images"])],
        supports_check_mode=True,
    )
    params = module.params
    found, health, schema = (params[name] for name in ("found", "health", "schema"))
    images = params["images"] if params["state"] == "upgraded" else None
    wrong = list(rolling.plan_problems(found, health, images, schema, params["expect"], params))
    if module.check_mode:  # then nothing has delivered the images yet
        wrong = [problem for problem in wrong if not problem.problem.endswith(rolling.LACKS)]
    if wrong:
        msg = problems.message(wrong, "the cluster", "Nothing was touched; to fix")
        module.fail_json(msg=msg, problems=[problem._asdict() for problem in wrong])
    if params["serial"] < 1:
        module.fail_json(msg=f"serial (waba_upgrade_serial) is {params['serial']}: it must be 1 or more.")
    steps = rolling.batches(found, health, images, params["serial"], params["outage"])
    module.exit_json(changed=False, batches=steps)


if __name__ == "__main__":
    main()
