# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_status
short_description: Tell how a host's containers are, and how far the host is from what the inventory says
version_added: 1.0.0
description:
  - Compares the host's files with those that C(waba.cluster.compose_files) would write, and the containers with what the files say, as
    C(waba.cluster.compose_project) does before it acts. Containers of the cluster that are not planned here are told of, too.
  - Never fails because of what it finds. Changes nothing.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.plan
  - waba.cluster.attributes.read_only
options:
  environment:
    description: Environment variables of every node. C(db.env) is not compared when absent.
    type: dict
  database_environment:
    description: Environment variables of the database container. C(mysql.env) is not compared when absent.
    type: dict
seealso:
  - module: waba.cluster.compose_files
  - module: waba.cluster.compose_project
"""

EXAMPLES = r"""
- name: See how this host is
  waba.cluster.host_status:
    masters: [{name: master}]
    images: {coreapp: "waba/node:v1.0.0", webapp: "waba/node:v1.0.0"}
  register: status
"""

RETURN = r"""
services:
  description: The services that are planned, and other containers of the cluster, each with what is not as it should be.
  returned: success
  type: list
  elements: dict
  sample: [{service: master, role: master, container: 0123456789ab, image: "waba/node:v1.0.0", state: exited, health: "", drift: [it is exited]}]
files:
  description: The files that are not as they should be, and why.
  returned: success
  type: dict
  sample: {db.env: it is not what the inventory says}
error:
  description: Why nothing can be said of the containers.
  returned: success
  type: str
  sample: ""
external_hostname:
  description: The name under which the other hosts know this one.
  returned: success
  type: str
  sample: node1.example.com
"""

import socket

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.argspec import PLAN_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils.compose import dotenv, host_files
from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.report.io.host_state import observe
from ansible_collections.waba.cluster.plugins.module_utils.secrets import redaction as secrecy

ENVIRONMENTS = ("environment", "database_environment")


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            **PLAN_OPTIONS,
            **{name: {"type": "dict", "no_log": True} for name in ENVIRONMENTS},
        },
        supports_check_mode=True,
    )
    params = module.params
    if not host_files.HAS_YAML:
        module.fail_json(msg=missing_required_lib("PyYAML"))
    # Only secrets are hidden in the result; Ansible would hide every value of the dictionaries, "1" too.
    for environment in (params[name] or {} for name in ENVIRONMENTS):
        module.no_log_values -= {str(value) for value in environment.values()} - secrecy.secret_values(environment)
    params["external_hostname"] = params["external_hostname"] or socket.getfqdn()
    try:
        given = {name: params[name] and dotenv.checked(params[name], name)[0] for name in ENVIRONMENTS}
        found = observe(module.run_command, params, plan_nodes(params), given)
    except problems.InputError as error:
        module.fail_json(msg=f"The settings cannot be planned: {error}")
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, external_hostname=params["external_hostname"], **found)


if __name__ == "__main__":
    main()
