# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: schema
short_description: Upgrade the database schema to the revision that an image of the node needs
version_added: 1.0.0
description:
  - Runs the image once, with C(WA_DB_UPGRADE=1), on a host that has a master of the cluster. Does nothing if the schema is up to date.
  - The node refuses a migration that running nodes cannot work with.
  - In check mode, returns the pending migrations and the running nodes that block them.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker)
options:
  cluster_name:
    description: The cluster.
    type: str
    default: waba
  image:
    description: Image of the node. It must exist on the host.
    type: str
    required: true
  environment:
    description: Environment variables of the nodes, as in M(waba.cluster.compose_files).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Upgrade the schema
  waba.cluster.schema:
    image: waba/node:v1.1.0
    environment: "{{ node_environment }}"
"""

RETURN = r"""
schema:
  description: The schema before the upgrade, as the image's node reports it.
  returned: success
  type: dict
  sample:
    version: 1.1.0
    revision: "0001"
    head: "0002"
    pending: [{revision: "0002", title: A column more., oldest_node: "0001", blockers: []}]
    mismatch: "the schema is at 0001, this version needs 0002: it waits for the schema's upgrade"
    nodes: [{name: "wacore1:0123456789ab", version: 1.0.0, silent: 3.0}]
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import COMMAND, PROGRAM
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import engine, one_shot
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction

STATUS = [*PROGRAM, "schema-status"]


def converge(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Run the pending migrations; return the module's result. Raises HostError."""
    client, environment = engine.connect(), {name: str(value) for name, value in params["environment"].items()}

    def run(command: list[str]) -> str:
        try:
            return one_shot.run(client, params["cluster_name"], params["image"], command, environment)
        except HostError as error:
            raise HostError(redaction.redacted(str(error), redaction.secret_values(environment))) from error

    output = run(STATUS)
    try:
        found = json.loads(output)
    except ValueError as error:
        raise HostError(
            f"{params['image']} does not report the state of the schema. Use an image of the node."
        ) from error
    pending = [migration["revision"] for migration in found["pending"]]
    if pending and not check_mode:
        run(list(COMMAND))
    diff = {
        "before": f"schema {found['revision']}\n",
        "after": f"schema {found['head'] if pending else found['revision']}\n",
    }
    return {"changed": bool(pending), "schema": found, "diff": diff}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "cluster_name": {"type": "str", "default": "waba"},
            "image": {"type": "str", "required": True},
            "environment": {"type": "dict", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    module.no_log_values -= redaction.plain_values(module.params["environment"])
    try:
        module.exit_json(**converge(module.params, module.check_mode))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
