# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: shard_count
short_description: Set the number of shards of a cluster
version_added: 1.0.0
description:
  - Reads the number of shards from the API. If it differs from O(shards), requests the new number and waits until the shard map has it. Use
    M(waba.cluster.cluster_health_info) to wait until every shard is served as well.
  - The cluster keeps running. It refuses messages for some seconds; accepted messages are not lost.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.api.admin
  - waba.cluster.api
  - waba.cluster.attributes
options:
  shards:
    description: The number of shards.
    type: int
    choices: [1, 2, 4, 8, 16, 32]
    required: true
  cc:
    description: Country code of the registered number. An upstream without registration accepts any number.
    type: str
    default: "0"
  phone_number:
    description: The registered number without O(cc).
    type: str
    default: "0000"
  pin:
    description: PIN of the number, if two-step verification is enabled.
    type: str
  timeout:
    description: Seconds to retry, and to wait for the shard map.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Let four coreapps be connected
  waba.cluster.shard_count:
    url: https://localhost:9090
    cluster_name: waba
    password: "{{ waba_admin_password }}"
    shards: 4
"""

RETURN = r"""
previous:
  description: The number of shards before.
  returned: success
  type: int
  sample: 1
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import API_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.api_client import (
    RETRY_INTERVAL,
    Api,
    ApiRefused,
    retry,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.health import SHARDS

PATH = "account/shards"
ACCESS_DENIED = 1005


def read(api: Api, timeout: int) -> int:
    """Return the number of shards. Raises HostError."""
    return api.value_at(retry(lambda: api.call("GET", PATH), timeout), "account", "shards")


def change(api: Api, params: dict[str, Any]) -> None:
    """Request another number of shards, and wait until the shard map has it. Raises HostError."""
    timeout = params["timeout"]
    deadline = time.monotonic() + timeout
    body = {name: params[name] for name in ("cc", "phone_number", "shards", "pin") if params[name] is not None}
    try:
        retry(lambda: api.call("POST", PATH, body), timeout)
    except ApiRefused as error:
        if ACCESS_DENIED in error.codes:
            raise HostError(
                f"{error}. Set waba_shards_cc and waba_shards_phone_number to the registered number, "
                "and waba_shards_pin if it has a PIN."
            ) from error
        raise
    while read(api, timeout) != params["shards"]:
        if time.monotonic() > deadline:
            raise HostError(
                f"After {timeout} s the shard map does not have {params['shards']} shards yet: an owner of a shard may hang. "
                "The change completes when the fence of that owner has passed. Run the playbook again then."
            )
        time.sleep(RETRY_INTERVAL)


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            **API_OPTIONS,
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
    api, params = Api(module.params, module.run_command), module.params
    try:
        with api.session(params["username"], params["password"], params["timeout"]):
            previous = read(api, params["timeout"])
            if previous != params["shards"] and not module.check_mode:
                change(api, params)
    except HostError as error:
        module.fail_json(msg=str(error))
    diff = {"before": f"{previous} shard(s)\n", "after": f"{params['shards']} shard(s)\n"}
    module.exit_json(changed=previous != params["shards"], previous=previous, diff=diff)


if __name__ == "__main__":
    main()
