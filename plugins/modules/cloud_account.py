# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_account
short_description: Set up the account of the Cloud API
version_added: 1.0.0
description:
  - Registers the phone number where it is not registered, sets the number's webhook to O(webhook_url), and subscribes the app to the WhatsApp Business
    Account, with the command C(cloud-setup) of the node's image in a container that runs once. Does only what is not done yet.
  - Meta calls O(webhook_url) before it accepts it, so the webapps must run, and the URL must lead to them.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.cloud_account
  - waba.cluster.attributes
options:
  webhook:
    description: Set the webhook too. V(false) is for a run before the webapps serve.
    type: bool
    default: true
seealso:
  - module: waba.cluster.cloud_account_info
"""

EXAMPLES = r"""
- name: Set up the account of the Cloud API
  waba.cluster.cloud_account:
    image: waba/node:v1.0.0
    environment: "{{ cloud_environment }}"
    webhook_url: https://waba.example.com/webhooks
"""

RETURN = r"""
changes:
  description: The changes that were made, or would be made in check mode, each with object, action and reason.
  returned: success
  type: list
  elements: list
  sample: [[webhook of the phone number, set, it is not set]]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import CLOUD_ACCOUNT_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.cloud import account
from ansible_collections.waba.cluster.plugins.module_utils._internal.cloud.io import account_commands
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction


def converge(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Set up the account; return the module's result. Raises InputError, HostError."""
    environment = params["environment"]
    arguments = ["cloud-setup", "--webhook-url", params["webhook_url"], *(["--check"] if check_mode else [])]
    arguments += [] if params["webhook"] else ["--without-webhook"]
    result = account_commands.run(params["cluster_name"], params["image"], environment, *arguments)
    if not result:
        raise HostError(f"{params['image']} has no command cloud-setup. Use an image of this collection's node.")
    found = account.problems(result["problems"], environment)
    if found:
        raise InputError(found)
    changes = account.changes(result["actions"], account.ids(environment))
    after = "".join(f"{action} {name}\n" for name, action, _reason in changes)
    return {"changed": result["changed"], "changes": changes, "diff": {"before": "", "after": after}}


def main() -> None:
    isolate_environment()
    options = {**CLOUD_ACCOUNT_OPTIONS, "webhook": {"type": "bool", "default": True}}
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    module.no_log_values -= redaction.plain_values(module.params["environment"])
    try:
        module.exit_json(**converge(module.params, module.check_mode))
    except InputError as error:
        module.fail_json(
            msg=problems.message(
                error.problems, "this host", "The account of the Cloud API could not be set up, as seen"
            )
        )
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
