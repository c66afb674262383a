# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: database_account
short_description: Manage an account in the database container of the cluster
version_added: 1.0.0
description:
  - Logs in as root through the socket in the container, for which the images of the collection need no password. Run it on the host of the container.
  - The server is not restarted, and no other account changes.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
options:
  cluster_name:
    description: Name of the cluster.
    type: str
    default: waba
  name:
    description: The account. It may connect from every host.
    type: str
    required: true
  state:
    description:
      - V(present) creates the account if it does not exist, and sets its password and privileges. Unchanged if it can log in already.
      - V(absent) removes it. Its open connections stay.
    type: str
    choices: [present, absent]
    default: present
  password:
    description: The password. Required with O(state=present).
    type: str
  database:
    description: The database on which the account gets all privileges. Required, except for V(root).
    type: str
"""

EXAMPLES = r"""
- name: Provide a second account
  waba.cluster.database_account:
    name: waba_2
    password: "{{ waba_next_database_password }}"
    database: waba
"""

RETURN = r"""
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import accounts
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io.client import (
    DatabaseClient,
    RootClient,
    container_account,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.redaction import redacted


def can_log_in(module: AnsibleModule) -> bool:
    """Return whether the account can log in with the password, and use the database. Raises HostError if the container does not run."""
    params = module.params
    account = container_account(params["name"], params["password"])
    client = DatabaseClient(module.run_command, params["cluster_name"], account)
    try:
        client.rows("SELECT 1;", params["database"])
    except HostError:
        return False
    return True


def present(module: AnsibleModule, root: RootClient) -> bool:
    """Provide the account; return whether it changes. Raises HostError."""
    name, password, database = (module.params[option] for option in ("name", "password", "database"))
    if can_log_in(module):
        return False
    if not module.check_mode:
        statements = accounts.provide(name, password, database) if database else accounts.set_password(name, password)
        root.rows(statements)
        if not can_log_in(module):
            raise HostError(f"The account {name} cannot log in with its new password.")
    return True


def absent(module: AnsibleModule, root: RootClient) -> bool:
    """Remove the account; return whether it changes. Raises HostError."""
    ((count,),) = root.rows(accounts.count(module.params["name"]))
    if count != "0" and not module.check_mode:
        root.rows(accounts.remove(module.params["name"]))
    return count != "0"


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "cluster_name": {"type": "str", "default": "waba"},
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "password": {"type": "str", "no_log": True},
            "database": {"type": "str"},
        },
        required_if=[("state", "present", ["password"])],
        supports_check_mode=True,
    )
    params = module.params
    if params["state"] == "present" and not params["database"] and params["name"] != accounts.ROOT:
        module.fail_json(msg="database is required, except for the account root.")
    if params["state"] == "absent" and params["name"] == accounts.ROOT:
        module.fail_json(msg="The account root is not removed: the container needs it.")
    try:
        root = RootClient(module.run_command, params["cluster_name"])
        changed = (present if params["state"] == "present" else absent)(module, root)
    except HostError as error:
        module.fail_json(msg=redacted(str(error), [params["password"]] if params["password"] else []))
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
