# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_health
short_description: See whether the cluster is healthy, or wait until it is
version_added: 1.0.0
description:
  - Reads C(GET /v1/health), and compares it with what is expected.
  - Healthy is exactly one primary master, the other masters secondary, one coreapp connected a shard, and the others standing by.
  - In check mode, or with O(wait_timeout=0), it looks once and never fails because a cluster is not healthy.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.api
  - waba.cluster.attributes.read_only
options:
  api_key:
    description: The static key of the webapps (C(WA_API_KEY)).
    type: str
    required: true
  expect:
    description: What the whole cluster has.
    type: dict
    required: true
    suboptions:
      masters:
        description: Number of masters; V(0) for a client that runs outside a cluster.
        type: int
        required: true
      coreapps:
        description: Number of coreapps.
        type: int
        required: true
      shards:
        description: Number of shards.
        type: int
        default: 1
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 0
  lags:
    description: Also ask how many messages and webhooks wait.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Wait until the cluster is healthy
  waba.cluster.cluster_health:
    url: https://localhost:9090
    api_key: "{{ waba_api_key }}"
    expect: {masters: 2, coreapps: 2}
    wait_timeout: 60
"""

RETURN = r"""
healthy:
  description: Whether it is.
  returned: always
  type: bool
summary:
  description: One sentence.
  returned: always
  type: str
  sample: "Healthy: 1 primary and 1 secondary masters, 1 of 2 coreapps connected, 1 standing by."
reasons:
  description: Why it is not healthy.
  returned: always
  type: list
  elements: str
shards:
  description: With how many shards the cluster would be healthy as it is; V(0) where it would with none.
  returned: always
  type: int
  sample: 1
nodes:
  description: The nodes, as the cluster sees them.
  returned: always
  type: list
  elements: dict
  sample: [{name: wacore1, container: 0123456789ab, role: coreapp, gateway_status: connected, problem: ""}]
lags:
  description: How many messages wait to be handed over, and webhooks to be delivered. Nothing where nobody could count them.
  returned: with O(lags=true)
  type: dict
  sample: {messages: 0, webhooks: 3}
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io.api_client import CONNECTION_OPTIONS, PAUSE, Api
from ansible_collections.waba.cluster.plugins.module_utils.report.health import judge, lags_of, nodes_of, served
from ansible_collections.waba.cluster.plugins.module_utils.table import table

COLUMNS = ("name", "role", "gateway_status", "problem")
EXPECTED = {
    "masters": {"type": "int", "required": True},
    "coreapps": {"type": "int", "required": True},
    "shards": {"type": "int", "default": 1},
}


def look(api, expect):
    """Return the module's result for one look at the cluster."""
    try:
        nodes = nodes_of(api.part(api.call("GET", "health"), "health"))
    except HostError as error:
        return {
            "healthy": False,
            "summary": f"Not healthy: {error}.",
            "reasons": [str(error)],
            "nodes": [],
            "shards": 0,
        }
    reasons, summary = judge(nodes, **expect)
    shards = served(nodes, expect["masters"], expect["coreapps"])
    return {"healthy": not reasons, "summary": summary, "reasons": reasons, "nodes": nodes, "shards": shards}


def waiting(api):
    """Return how many messages and webhooks wait; {} where that cannot be told, as without a primary master."""
    try:
        return lags_of(api.part(api.call("GET", "stats/db"), "stats"))
    except HostError:
        return {}


def main():
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_OPTIONS,
            "api_key": {"type": "str", "required": True, "no_log": True},
            "expect": {"type": "dict", "required": True, "options": EXPECTED},
            "wait_timeout": {"type": "int", "default": 0},
            "lags": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    api = Api(module.params)
    api.use_key(module.params["api_key"])
    patience = 0 if module.check_mode else module.params["wait_timeout"]
    deadline = time.monotonic() + patience
    result = look(api, module.params["expect"])
    while not result["healthy"] and time.monotonic() < deadline:
        time.sleep(PAUSE)
        result = look(api, module.params["expect"])
    if patience and not result["healthy"]:
        lines = table([[node[column] for column in COLUMNS] for node in result["nodes"]], COLUMNS)
        module.fail_json(msg=f"After {patience} s: {result['summary']}\n" + "\n".join(lines), **result)
    if module.params["lags"]:
        result["lags"] = waiting(api)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
