# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: admin_password
short_description: Set the password of an API user
version_added: 1.0.0
description:
  - Logs in with O(password). If the API refuses it, logs in with O(initial_password) and changes the password, as the first login requires.
    Then verifies the change by logging in with O(password).
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
    description:
      - The wanted password. It has 8 to 64 characters, with an upper-case letter, a lower-case letter, a digit and a special character.
    type: str
    required: true
  initial_password:
    description: The password of a new cluster.
    type: str
    default: secret
  timeout:
    description: Seconds to retry while the API is unreachable or fails over.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Set the administrator's password
  waba.cluster.admin_password:
    url: https://localhost:9090
    cluster_name: waba
    password: "{{ waba_admin_password }}"
"""

RETURN = r"""
login:
  description:
    - The outcome of the login before any change. V(accepted) with O(password), V(initial) with O(initial_password), V(refused) with neither.
    - V(unreachable) in check mode, where the API does not answer.
  returned: when the API was asked
  type: str
  sample: accepted
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import API_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.api_client import Api, ApiUnreachable, retry
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.api_login import (
    ACCEPTED,
    INITIAL,
    INITIAL_PASSWORD,
    REFUSED,
    accepted_password,
    try_login,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import is_strong


class PasswordRefused(HostError):
    """Neither the wanted nor the initial password is the one of the user."""


def converge(module: AnsibleModule, api: Api) -> tuple[bool, str]:
    """Set the password; return (whether it changes, the outcome of the login before). Raises PasswordRefused, HostError."""
    username, password, initial = (module.params[name] for name in ("username", "password", "initial_password"))
    timeout = 0 if module.check_mode else module.params["timeout"]

    try:
        login = accepted_password(api, username, password, initial, timeout)
    except ApiUnreachable:
        if module.check_mode:
            return True, "unreachable"
        raise
    if login == REFUSED:
        raise PasswordRefused(
            f"{username} can log in neither with password nor with initial_password. "
            "If the password was changed elsewhere, set password (waba_admin_password) to the current one."
        )
    if login == INITIAL and not module.check_mode:
        retry(lambda: try_login(api, username, initial, password), timeout)
        if retry(lambda: try_login(api, username, password), timeout) != ACCEPTED:
            raise HostError(f"The API did not accept the new password: {username} cannot log in with it.")
    return login == INITIAL, login


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            **API_OPTIONS,
            "state": {"type": "str", "choices": ["present"], "default": "present"},
            "username": {"type": "str", "default": "admin"},
            "password": {"type": "str", "required": True, "no_log": True},
            "initial_password": {"type": "str", "default": INITIAL_PASSWORD, "no_log": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if not is_strong(module.params["password"]):
        module.fail_json(
            msg="password (waba_admin_password) is too weak for the API. Use 8 to 64 characters, with an upper-case letter, "
            "a lower-case letter, a digit and a special character."
        )
    try:
        changed, login = converge(module, Api(module.params, module.run_command))
    except PasswordRefused as error:
        module.fail_json(msg=str(error), login="refused")
    except HostError as error:
        module.fail_json(msg=str(error))
    before = f"{module.params['username']} has the initial password\n" if changed else ""
    module.exit_json(
        changed=changed, login=login, diff={"before": before, "after": before.replace("initial", "wanted")}
    )


if __name__ == "__main__":
    main()
