# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: shards
short_description: Let the cluster have a number of shards
version_added: 1.0.0
description:
  - Asks the API how many shards there are, and for another number where it is not the wanted one; then waits until the shard map has it. That every shard
    is served as well is told by M(waba.cluster.cluster_health_info).
  - The cluster does this while it runs. For some seconds messages are refused; what was accepted stays accepted.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.api
  - waba.cluster.attributes
options:
  shards:
    description: How many.
    type: int
    choices: [1, 2, 4, 8, 16, 32]
    required: true
  username:
    description: An admin.
    type: str
    default: admin
  password:
    description: The admin's password.
    type: str
    required: true
  cc:
    description: Country code of the registered number. An upstream that registers none takes any.
    type: str
    default: "0"
  phone_number:
    description: The registered number without O(cc).
    type: str
    default: "0000"
  pin:
    description: PIN of the number, where two-step verification is on.
    type: str
  timeout:
    description: Seconds to try, and to wait.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Let four coreapps be connected
  waba.cluster.shards:
    url: https://localhost:9090
    password: "{{ waba_admin_password }}"
    shards: 4
"""

RETURN = r"""
shards:
  description: How many shards there were before.
  returned: success
  type: int
  sample: 1
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io.api_client import (
    CONNECTION_OPTIONS,
    PAUSE,
    Api,
    ApiRefused,
    patiently,
)
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.report.health import SHARDS

PATH = "account/shards"
ACCESS_DENIED = 1005


def count(api, timeout):
    """Return how many shards there are (int). Raises HostError."""
    return api.part(patiently(lambda: api.call("GET", PATH), timeout), "account", "shards")


def change(api, params):
    """Ask for another number of shards, and wait until the map has it. Raises HostError."""
    deadline = time.monotonic() + params["timeout"]
    body = {name: params[name] for name in ("cc", "phone_number", "shards", "pin") if params[name] is not None}
    try:
        patiently(lambda: api.call("POST", PATH, body), params["timeout"])
    except ApiRefused as error:
        if ACCESS_DENIED in error.codes:
            raise HostError(
                f"{error}. Give the number that is registered, and its PIN where it has one: waba_shards_cc, waba_shards_phone_number, waba_shards_pin."
            ) from error
        raise
    while count(api, params["timeout"]) != params["shards"]:
        if time.monotonic() > deadline:
            raise HostError(
                f"after {params['timeout']} s the shard map still has not {params['shards']} shards: an owner of a shard may hang. It will come about when "
                "that one's time is over; run the playbook again then."
            )
        time.sleep(PAUSE)


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_OPTIONS,
            "shards": {"type": "int", "choices": list(SHARDS), "required": True},
            "username": {"type": "str", "default": "admin"},
            "password": {"type": "str", "required": True, "no_log": True},
            "cc": {"type": "str", "default": "0"},
            "phone_number": {"type": "str", "default": "0000"},
            "pin": {"type": "str", "no_log": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    api, params = Api(module.params), module.params
    try:
        patiently(lambda: api.login(params["username"], params["password"]), params["timeout"])
        try:
            before = count(api, params["timeout"])
            if before != params["shards"] and not module.check_mode:
                change(api, params)
        finally:
            api.logout()
    except HostError as error:
        module.fail_json(msg=str(error))
    diff = {"before": f"{before} shard(s)\n", "after": f"{params['shards']} shard(s)\n"}
    module.exit_json(changed=before != params["shards"], shards=before, diff=diff)


if __name__ == "__main__":
    main()
