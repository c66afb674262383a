# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: admin_password
short_description: Give an API user the password that it is to have
version_added: 1.0.0
description:
  - Logs in with O(password). Where that is refused, logs in with O(initial_password) and changes it, as the first login demands;
    then proves the change by logging in with O(password).
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.api
  - waba.cluster.attributes
options:
  state:
    description: The user can log in with O(password).
    type: str
    choices: [present]
    default: present
  username:
    description: The user.
    type: str
    default: admin
  password:
    description: The password to have, 8 to 64 characters with an upper case letter, a lower case letter, a digit and a special character.
    type: str
    required: true
  initial_password:
    description: The password of a new cluster.
    type: str
    default: secret
  timeout:
    description: Seconds to wait for the API.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Give the admin the password of this cluster
  waba.cluster.admin_password:
    url: https://localhost:9090
    password: "{{ waba_admin_password }}"
"""

RETURN = r""" # """

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io.api_client import (
    CONNECTION_OPTIONS,
    Api,
    ApiRefused,
    ApiUnreachable,
    patiently,
)
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.secrets.validation import is_strong

UNAUTHORISED = 401
# How a login ends.
IN = "in"
MUST_CHANGE = "must change"
REFUSED = "refused"
PASSWORD_CHANGE_REQUIRED = 1024


def try_login(api, username, password, new_password=None):
    """Return how a login ends, and end its session again. Raises HostError when that cannot be told."""
    try:
        api.login(username, password, new_password)
    except ApiRefused as error:
        if PASSWORD_CHANGE_REQUIRED in error.codes:  # its HTTP status is 401 here, and not known of the vendor's
            return MUST_CHANGE
        if error.status == UNAUTHORISED:
            return REFUSED
        raise
    api.logout()
    return IN


def converge(module, api):
    """Make the password so; return whether that was (or would be) a change. Raises HostError."""
    username, password, initial = (module.params[name] for name in ("username", "password", "initial_password"))
    timeout = 0 if module.check_mode else module.params["timeout"]

    def attempt(*passwords):
        return patiently(lambda: try_login(api, username, *passwords), timeout)

    try:
        if attempt(password) == IN:
            return False
        if attempt(initial) == REFUSED:
            raise HostError(
                f"{username} can log in neither with password nor with initial_password. If the password was changed elsewhere, "
                "give that one as password (waba_admin_password)."
            )
    except ApiUnreachable:
        if module.check_mode:
            return True
        raise
    if not module.check_mode:
        attempt(initial, password)
        if attempt(password) != IN:
            raise HostError(f"the API did not take the new password: {username} cannot log in with it.")
    return True


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_OPTIONS,
            "state": {"type": "str", "choices": ["present"], "default": "present"},
            "username": {"type": "str", "default": "admin"},
            "password": {"type": "str", "required": True, "no_log": True},
            "initial_password": {"type": "str", "default": "secret", "no_log": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if not is_strong(module.params["password"]):
        module.fail_json(
            msg="password (waba_admin_password) is not strong enough for the API: it must have 8 to 64 characters, with an upper case "
            "letter, a lower case letter, a digit and a special character. Choose another one."
        )
    try:
        changed = converge(module, Api(module.params))
    except HostError as error:
        module.fail_json(msg=str(error))
    hint = f"{module.params['username']} has the initial password\n" if changed else ""
    module.exit_json(changed=changed, diff={"before": hint, "after": hint.replace("initial", "wanted")})


if __name__ == "__main__":
    main()
