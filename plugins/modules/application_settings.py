# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: application_settings
short_description: Read and change the application settings of the cluster
version_added: 1.0.0
description:
  - Changes only those settings that differ. They take effect while the cluster runs; the API names those that need a restart.
  - While a fail-over goes on, it tries again for O(timeout) seconds.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.api
  - waba.cluster.attributes
attributes:
  check_mode:
    details: The defaults are known to the cluster alone, so O(state=absent) predicts a change always, and shows none.
options:
  state:
    description:
      - V(present) sets what O(settings) gives and leaves the rest.
      - V(absent) sets everything back to the defaults.
    type: str
    choices: [present, absent]
    default: present
  username:
    description: An admin.
    type: str
    default: admin
  password:
    description: The admin's password.
    type: str
    required: true
  settings:
    description: The settings, nested as in the API. None only reads.
    type: dict
    default: {}
  timeout:
    description: Seconds to try.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Fail over faster, and say where webhooks go
  waba.cluster.application_settings:
    url: https://localhost:9090
    password: "{{ waba_admin_password }}"
    settings:
      heartbeat_interval: 2
      unhealthy_interval: 10
      webhooks:
        url: https://business.example.org/hook
"""

RETURN = r"""
settings:
  description: The settings afterwards; in check mode, as they would be (with O(state=absent), as they are).
  returned: always
  type: dict
  sample: {heartbeat_interval: 5, unhealthy_interval: 30}
"""

import json

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io.api_client import CONNECTION_OPTIONS, Api, patiently
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.rollout.setting_changes import (
    difference,
    merged,
    patched_part,
)

PATH = "settings/application"


def converge(module, api):
    """Make the settings so; return the module's result. Raises HostError."""

    def read():
        answer = patiently(lambda: api.call("GET", PATH), module.params["timeout"])
        return api.part(answer, "settings", "application")

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
        patiently(lambda: api.call(method, PATH, patch), module.params["timeout"])
        after = read()
        changed = after != before
    return {"changed": changed, "settings": after, "diff": diff_of(before, after)}


def diff_of(before, after):
    """Return an Ansible diff of what is not the same before and after."""
    touched = merged(difference(before, after), difference(after, before))
    return {"before": text(patched_part(touched, before)), "after": text(patched_part(touched, after))}


def text(settings):
    return json.dumps(settings, indent=2, sort_keys=True) + "\n"


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_OPTIONS,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "username": {"type": "str", "default": "admin"},
            "password": {"type": "str", "required": True, "no_log": True},
            "settings": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    api = Api(module.params)
    try:
        patiently(lambda: api.login(module.params["username"], module.params["password"]), module.params["timeout"])
        try:
            result = converge(module, api)
        finally:
            api.logout()
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
