# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: application_settings
short_description: Read and change the application settings of the cluster
version_added: 1.0.0
description:
  - Changes only the settings that differ. Most of them take effect while the cluster runs; a few need a restart of the nodes.
  - Retries for O(timeout) seconds during a failover.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.api.admin
  - waba.cluster.api
  - waba.cluster.attributes
attributes:
  check_mode:
    details: Only the cluster knows the defaults. With O(state=absent), a change is always predicted and no diff is returned.
options:
  state:
    description:
      - V(present) changes the settings in O(settings), and no others.
      - V(absent) resets all settings to their defaults.
    type: str
    choices: [present, absent]
    default: present
  settings:
    description: The settings, nested as in the API. Without any, the module only reads them.
    type: dict
    default: {}
  timeout:
    description: Seconds to retry.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Fail over faster, and set the address for webhooks
  waba.cluster.application_settings:
    url: https://localhost:9090
    cluster_name: waba
    password: "{{ waba_admin_password }}"
    settings:
      heartbeat_interval: 2
      unhealthy_interval: 10
      webhooks:
        url: https://business.example.org/hook
"""

RETURN = r"""
settings:
  description: The settings after the change. In check mode, the predicted settings; with O(state=absent), the current ones.
  returned: always
  type: dict
  sample: {heartbeat_interval: 5, unhealthy_interval: 30}
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import API_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.api_client import Api, retry
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout.setting_changes import (
    difference,
    merged,
    patched_part,
)

PATH = "settings/application"


def converge(module: AnsibleModule, api: Api) -> dict[str, Any]:
    """Change the settings; return the module's result. Raises HostError."""

    def read() -> dict[str, Any]:
        answer = retry(lambda: api.call("GET", PATH), module.params["timeout"])
        return api.value_at(answer, "settings", "application")

    before = read()
    if module.params["state"] == "present":
        method, patch = "PATCH", difference(module.params["settings"], before)
        changed = bool(patch)
    else:
        method, patch = "DELETE", None
        changed = True
    if module.check_mode or not changed:
        after = merged(before, patch or {})
    else:
        retry(lambda: api.call(method, PATH, patch), module.params["timeout"])
        after = read()
        changed = after != before
    return {"changed": changed, "settings": after, "diff": diff(before, after)}


def diff(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Return Ansible's diff of the settings that changed."""
    changes = merged(difference(before, after), difference(after, before))
    return {"before": _text(patched_part(changes, before)), "after": _text(patched_part(changes, after))}


def _text(settings: dict[str, Any]) -> str:
    return json.dumps(settings, indent=2, sort_keys=True) + "\n"


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            **API_OPTIONS,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "username": {"type": "str", "default": "admin"},
            "password": {"type": "str", "required": True, "no_log": True},
            "settings": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    api = Api(module.params, module.run_command)
    try:
        with api.session(*(module.params[name] for name in ("username", "password", "timeout"))):
            result = converge(module, api)
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
