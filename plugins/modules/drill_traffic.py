# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: drill_traffic
short_description: Send test messages through a webapp, and record the outcome of every call
version_added: 1.0.0
description:
  - Sends a text to each of O(recipients) every O(interval) seconds. Reads the application settings and the cluster's health once a second.
  - A call does not wait for the former ones, so that a slow call hides no pause.
  - In the background, the traffic ends when the module is run with O(state=stopped) on the same host, or after O(duration) seconds.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.api
  - waba.cluster.attributes
attributes:
  diff_mode:
    support: none
  idempotent:
    support: none
options:
  state:
    description:
      - V(finished) sends the messages for O(duration) seconds and returns what was recorded.
      - V(started) logs in, sends the messages in the background, and returns at once.
      - V(stopped) ends that traffic and returns what was recorded. It needs no other option but O(url) and O(cluster_name).
    type: str
    choices: [finished, started, stopped]
    default: finished
  username:
    description: An administrator.
    type: str
    default: admin
  password:
    description: The administrator's password. Required unless O(state=stopped), as O(api_key), O(expect), O(recipients) and O(duration).
    type: str
  api_key:
    description: The static key of the webapps (C(WA_API_KEY)).
    type: str
  expect:
    description: The nodes of the whole cluster, as for M(waba.cluster.cluster_health_info).
    type: dict
    suboptions:
      masters:
        description: Number of masters.
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
  recipients:
    description: The phone numbers to which the messages are sent, in turn.
    type: list
    elements: str
  interval:
    description: Seconds between two messages to the same recipient.
    type: float
    default: 0.2
  duration:
    description: Seconds after which the traffic ends at the latest.
    type: int
"""

EXAMPLES = r"""
- name: Send test messages for ten seconds
  waba.cluster.drill_traffic:
    url: https://localhost:9090
    cluster_name: waba
    password: "{{ waba_admin_password }}"
    api_key: "{{ waba_api_key }}"
    expect: {masters: 2, coreapps: 2}
    recipients: ["12025550100"]
    duration: 10
"""

RETURN = r"""
began:
  description: The beginning of the traffic in seconds since 1970, by the clock of this host.
  returned: unless O(state=started), not in check mode
  type: float
  sample: 1790000000.25
calls:
  description:
    - The calls, in order. C(at) is in seconds since RV(began), C(kind) is V(message) or V(read), C(outcome) is V(accepted), V(refused) or V(unanswered).
    - C(recipient) is the position in O(recipients).
  returned: unless O(state=started), not in check mode
  type: list
  elements: dict
  sample: [{at: 0.2, seconds: 0.031, kind: message, outcome: accepted, error: "", recipient: 0}]
states:
  description: The readings of the cluster's health, in order. C(primary) and C(connected) are container ids.
  returned: unless O(state=started), not in check mode
  type: list
  elements: dict
  sample: [{at: 1.0, primary: 0123456789ab, connected: [ba9876543210], healthy: true, reason: ""}]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import API_OPTIONS, EXPECTED_NODES
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.io import traffic
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.plan import INTERVAL
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.api_client import Api, retry
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

LOGIN_TIMEOUT = 10  # seconds
OPTIONS = {
    **API_OPTIONS,
    "state": {"type": "str", "choices": ["finished", "started", "stopped"], "default": "finished"},
    "username": {"type": "str", "default": "admin"},
    "password": {"type": "str", "no_log": True},
    "api_key": {"type": "str", "no_log": True},
    "expect": EXPECTED_NODES,
    "recipients": {"type": "list", "elements": "str"},
    "interval": {"type": "float", "default": INTERVAL},
    "duration": {"type": "int"},
}


def send(module: AnsibleModule) -> dict[str, Any]:
    """Log in and send the traffic; return the module's result. Raises HostError."""
    params, cluster = module.params, module.params["cluster_name"] or ""
    session, health = (Api(params, module.run_command) for _number in range(2))
    health.use_api_key(params["api_key"])
    flow = traffic.Traffic(session, health, params["recipients"], params["expect"])
    retry(lambda: session.login(params["username"], params["password"]), LOGIN_TIMEOUT)
    if params["state"] == "started":
        traffic.start(cluster, flow, params["interval"], params["duration"], session.logout)
        return {}
    try:
        flow.run(params["interval"], params["duration"])
    finally:
        session.logout()
    return flow.result()


def main() -> None:
    isolate_environment()
    needed = ["password", "api_key", "expect", "recipients", "duration"]
    module = AnsibleModule(
        argument_spec=OPTIONS,
        required_if=[("state", "finished", needed), ("state", "started", needed)],
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        stops = module.params["state"] == "stopped"
        result = traffic.stop(module.params["cluster_name"] or "") if stops else send(module)
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, **result)


if __name__ == "__main__":
    main()
