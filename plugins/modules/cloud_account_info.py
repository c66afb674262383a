# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_account_info
short_description: Check the account of the Cloud API, and what its set-up would change
version_added: 1.0.0
description:
  - Asks Meta about the token, its permissions, the phone number and its webhook, with the commands C(cloud-check) and C(cloud-setup --check) of the node's
    image, each in a container that runs once.
  - On a host without the image, sends one request for the phone number instead, which finds a refused token, an unknown number and a blocked network.
  - Changes nothing, and does not fail because of a problem that it finds.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.cloud_account
  - waba.cluster.attributes.read_only
seealso:
  - module: waba.cluster.cloud_account
"""

EXAMPLES = r"""
- name: Check the account of the Cloud API
  waba.cluster.cloud_account_info:
    image: waba/node:v1.0.0
    environment: "{{ cloud_environment }}"
    webhook_url: https://waba.example.com/webhooks
  register: account
  failed_when: account.problems | length > 0
"""

RETURN = r"""
source:
  description: V(node) for the commands of the image, V(probe) for the single request of a host without it.
  returned: success
  type: str
  sample: node
problems:
  description: Problems that keep the cluster from sending or receiving.
  returned: success
  type: list
  elements: dict
  sample:
    - {variable: waba_cloud_token, value: (redacted), problem: "Meta refuses it: session has expired", fix: Create a new token}
risks:
  description: Valid settings that are risky, in the same form.
  returned: success
  type: list
  elements: dict
changes:
  description: The changes that M(waba.cluster.cloud_account) would make, each with object, action and reason.
  returned: success
  type: list
  elements: list
  sample: [[webhook of the phone number, set, it is not set]]
number:
  description: The phone number as Meta describes it. Empty without the image.
  returned: success
  type: dict
  sample: {status: CONNECTED, verified_name: Example, quality_rating: GREEN}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import CLOUD_ACCOUNT_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.cloud import account
from ansible_collections.waba.cluster.plugins.module_utils._internal.cloud.io import account_commands, probe
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction


def observe(params: dict[str, Any]) -> dict[str, Any]:
    """Return the module's result. Raises HostError."""
    environment, url = params["environment"], params["webhook_url"]
    target = (params["cluster_name"], params["image"], environment)
    checked: dict[str, Any] = {}
    if account_commands.has_image(params["image"]):
        checked = account_commands.run(*target, "cloud-check", "--webhook-url", url)
    if not checked:
        found = account.probe_problems(probe.ask(environment), environment["WABA_CLOUD_TOKEN"])
        changes = [] if found else [account.NO_IMAGE]
        return {"source": "probe", "problems": dicts(found), "risks": [], "changes": changes, "number": {}}
    found = account.problems(checked["problems"], environment)
    planned = {} if found else account_commands.run(*target, "cloud-setup", "--webhook-url", url, "--check")
    # Both commands report the same problem of a token or a network.
    found += [one for one in account.problems(planned.get("problems", []), environment) if one not in found]
    warnings = account.warnings([*checked["warnings"], *planned.get("warnings", [])], environment)
    return {
        "source": "node",
        "problems": dicts(found),
        "risks": dicts(list(dict.fromkeys(warnings))),
        "changes": account.changes(planned.get("actions", []), account.ids(environment)),
        "number": checked["number"],
    }


def dicts(found: list[Problem]) -> list[dict[str, Any]]:
    """Return problems as a module result has them."""
    return [one._asdict() for one in found]


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=CLOUD_ACCOUNT_OPTIONS, supports_check_mode=True)
    module.no_log_values -= redaction.plain_values(module.params["environment"])
    try:
        module.exit_json(changed=False, **observe(module.params))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
