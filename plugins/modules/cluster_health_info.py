# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_health_info
short_description: Report the health of the cluster, or wait until it is healthy
version_added: 1.0.0
description:
  - Reads C(GET /v1/health) and compares it with the expected cluster.
  - A healthy cluster has exactly one primary master, every other master secondary, one connected coreapp for each shard, and every other coreapp on standby.
  - In check mode and with O(wait_timeout=0), the module reads the health once and does not fail if the cluster is unhealthy.
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
    description: The nodes of the whole cluster.
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
    description: Seconds to wait until the cluster is healthy. The module fails if it is not healthy by then.
    type: int
    default: 0
  lags:
    description: Also report the number of pending messages and webhooks.
    type: bool
    default: false
  upstream:
    description: Also report the state of the Cloud API as the upstream.
    type: bool
    default: false
  login:
    description: Also report with which password a user can log in.
    type: dict
    suboptions:
      username:
        description: The user.
        type: str
        default: admin
      password:
        description: The wanted password.
        type: str
        required: true
      initial_password:
        description: The password of a new cluster.
        type: str
        default: secret
"""

EXAMPLES = r"""
- name: Wait until the cluster is healthy
  waba.cluster.cluster_health_info:
    url: https://localhost:9090
    cluster_name: waba
    api_key: "{{ waba_api_key }}"
    expect: {masters: 2, coreapps: 2}
    wait_timeout: 60
"""

RETURN = r"""
healthy:
  description: Whether the cluster is healthy.
  returned: always
  type: bool
summary:
  description: The health in one sentence.
  returned: always
  type: str
  sample: "Healthy: 1 primary and 1 secondary masters, 1 of 2 coreapps connected, 1 standing by."
reasons:
  description: The reasons why the cluster is unhealthy.
  returned: always
  type: list
  elements: str
shards:
  description: The number of shards with which the cluster would be healthy as it is; V(0) if there is none.
  returned: always
  type: int
  sample: 1
nodes:
  description: The nodes, as the cluster reports them.
  returned: always
  type: list
  elements: dict
  sample: [{name: wacore1, container: 0123456789ab, role: coreapp, gateway_status: connected, problem: ""}]
lags:
  description: The number of pending messages and webhooks. Empty if no master has counted them.
  returned: with O(lags=true)
  type: dict
  sample: {messages: 0, webhooks: 3}
upstream:
  description:
    - Messages of unknown outcome, webhooks that wait and webhooks that could not be processed, of all coreapps; and the seconds since this webapp received
      its last webhook. Without those that no node reports.
  returned: with O(upstream=true)
  type: dict
  sample: {uncertain: 0, waiting: 0, set_aside: 0, webhook_age: 12}
login:
  description:
    - V(accepted) if the user can log in with O(login.password), V(initial) with O(login.initial_password), V(refused) with neither.
    - V(unknown) if the API did not answer the login.
  returned: with O(login)
  type: str
  sample: accepted
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import API_OPTIONS, EXPECTED_NODES
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.api_client import RETRY_INTERVAL, Api
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.api_login import (
    INITIAL_PASSWORD,
    accepted_password,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.health import (
    assess,
    healthy_shards,
    parse_lags,
    parse_nodes,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.upstream import parse as parse_upstream
from ansible_collections.waba.cluster.plugins.module_utils._internal.table import table

COLUMNS = ("name", "role", "gateway_status", "problem")
OPTIONS = {
    **API_OPTIONS,
    "api_key": {"type": "str", "required": True, "no_log": True},
    "expect": {**EXPECTED_NODES, "required": True},
    "wait_timeout": {"type": "int", "default": 0},
    "lags": {"type": "bool", "default": False},
    "upstream": {"type": "bool", "default": False},
    "login": {
        "type": "dict",
        "options": {
            "username": {"type": "str", "default": "admin"},
            "password": {"type": "str", "required": True, "no_log": True},
            "initial_password": {"type": "str", "default": INITIAL_PASSWORD, "no_log": True},
        },
    },
}


def read_health(api: Api, expect: dict[str, int]) -> dict[str, Any]:
    """Return the module's result for the present health of the cluster."""
    try:
        nodes = parse_nodes(api.value_at(api.call("GET", "health"), "health"))
    except HostError as error:
        summary = f"Not healthy: {error}."
        return {"healthy": False, "summary": summary, "reasons": [str(error)], "nodes": [], "shards": 0}
    reasons, summary = assess(nodes, **expect)
    shards = healthy_shards(nodes, expect["masters"], expect["coreapps"])
    return {"healthy": not reasons, "summary": summary, "reasons": reasons, "nodes": nodes, "shards": shards}


def read_lags(api: Api) -> dict[str, int]:
    """Return the number of pending messages and webhooks; {} if it is unknown, as without a primary master."""
    try:
        return parse_lags(api.value_at(api.call("GET", "stats/db"), "stats"))
    except HostError:
        return {}


def read_upstream(api: Api) -> dict[str, float]:
    """Return the state of the Cloud API, as far as the nodes report it."""
    answers = []
    for path, key in (("stats/app", "stats"), ("/metrics", "metrics")):
        try:
            answers.append(api.value_at(api.call("GET", path), key))
        except HostError:
            answers.append({})
    return parse_upstream(*answers)


def read_login(api: Api, login: dict[str, str]) -> str:
    """Return the outcome of `accepted_password`; "unknown" if the API did not answer the login. Ends the session of the API."""
    try:
        return accepted_password(api, login["username"], login["password"], login["initial_password"])
    except HostError:
        return "unknown"


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    api = Api(module.params, module.run_command)
    api.use_api_key(module.params["api_key"])
    timeout = 0 if module.check_mode else module.params["wait_timeout"]
    deadline = time.monotonic() + timeout
    result = read_health(api, module.params["expect"])
    while not result["healthy"] and time.monotonic() < deadline:
        time.sleep(RETRY_INTERVAL)
        result = read_health(api, module.params["expect"])
    if timeout and not result["healthy"]:
        lines = table([[node[column] for column in COLUMNS] for node in result["nodes"]], COLUMNS)
        module.fail_json(msg=f"After {timeout} s: {result['summary']}\n" + "\n".join(lines), **result)
    if module.params["lags"]:
        result["lags"] = read_lags(api)
    if module.params["upstream"]:
        result["upstream"] = read_upstream(api)
    if module.params["login"]:
        result["login"] = read_login(api, module.params["login"])
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
