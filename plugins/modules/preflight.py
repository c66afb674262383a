# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check a host, and the settings for it, before anything is touched
version_added: 1.0.0
description:
  - Looks for everything that would make a deployment fail later, and tells it all at once, as a table that names the setting, its value,
    what is wrong and how to mend it.
  - Checks the input as C(waba.cluster.compose_files) does; every port of every range against the programs and containers of the host
    (our own containers are no clash); the database, if it is one of yours; free space, architecture and certificate files; and whether
    the cluster as a whole can survive the loss of a node.
  - Needs nothing on the host but Python. Changes nothing.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.plan
  - waba.cluster.attributes.read_only
options:
  masters_total:
    description: How many masters the whole cluster has.
    type: int
  coreapps_total:
    description: How many coreapps the whole cluster has.
    type: int
  shards:
    description: How many shards the cluster has.
    type: int
    default: 1
  ha:
    description: Refuse a cluster that cannot survive the loss of a node.
    type: bool
    default: true
  database_address:
    description: Where the database answers, when it is one that the collection does not run.
    type: dict
    suboptions:
      host:
        description: Its name or address.
        type: str
        required: true
      port:
        description: Its port.
        type: int
        default: 3306
  environment:
    description: More environment variables for the nodes, as for M(waba.cluster.compose_files).
    type: dict
    default: {}
  connect_timeout:
    description: Seconds to wait for the database's answer.
    type: int
    default: 5
  min_free_mb:
    description: Free space that the file systems of C(/var/lib/docker) and O(path) must have, in MB.
    type: int
    default: 1024
  architectures:
    description: Machine architectures for which there are images.
    type: list
    elements: str
    default: [x86_64, aarch64]
seealso:
  - module: waba.cluster.compose_files
"""

EXAMPLES = r"""
- name: Check a host that will run a master and a coreapp
  waba.cluster.preflight:
    external_hostname: node1.example.com
    masters: [{name: master}]
    coreapps: [{name: wacore}]
    images: {coreapp: "waba/node:v1.0.0", webapp: "waba/node:v1.0.0"}
    masters_total: 2
    coreapps_total: 2
    database_address: {host: db.example.com}
"""

RETURN = r"""
problems:
  description: What is wrong.
  returned: failure
  type: list
  elements: dict
  sample:
    - variable: webapps[0].port
      value: "9090"
      wrong: port 9090 (webapp waweb) is taken by python3 (pid 123)
      mend: Stop it, or give this instance other ports
"""

import socket

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.driver import host
from ansible_collections.waba.cluster.plugins.module_utils.driver.errors import DriverError
from ansible_collections.waba.cluster.plugins.module_utils.options import PLAN_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils.planner import dotenv, ports_in_use, problems, requirements
from ansible_collections.waba.cluster.plugins.module_utils.planner.nodes import plan_nodes

OPTIONS = {
    **PLAN_OPTIONS,
    "masters_total": {"type": "int"},
    "coreapps_total": {"type": "int"},
    "shards": {"type": "int", "default": 1},
    "ha": {"type": "bool", "default": True},
    "database_address": {
        "type": "dict",
        "options": {"host": {"type": "str", "required": True}, "port": {"type": "int", "default": 3306}},
    },
    "environment": {"type": "dict", "default": {}, "no_log": True},
    "connect_timeout": {"type": "int", "default": 5},
    "min_free_mb": {"type": "int", "default": 1024},
    "architectures": {"type": "list", "elements": "str", "default": ["x86_64", "aarch64"]},
}


def check(params):
    """Return (problems, warnings) of a host. params: the module's options. Raises DriverError."""
    found = requirements.cluster_problems(*(params[key] for key in ("masters_total", "coreapps_total", "shards", "ha")))
    warnings = requirements.gathering_warnings(params)
    try:
        nodes = plan_nodes(params)
    except problems.InputError as error:
        found.extend(error.problems)  # without sound input there are no ports to look for
    else:
        taken = host.ports_taken(params["cluster_name"], (params["images"] or {}).values())
        clashes, port_warnings = ports_in_use.clashes(nodes, taken, params)
        found.extend(clashes)
        warnings.extend(port_warnings)
    found.extend(dotenv.checked(params["environment"], "environment")[1])
    found.extend(requirements.host_problems(host.host_facts(params), params))
    address = params["database_address"]
    if address:
        error = (
            host.connection_error(address["host"], address["port"], params["connect_timeout"])
            if address["host"]
            else "-"
        )
        if error:
            found.append(requirements.database_problem(address, error))
    return found, warnings


def main():
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    module.params["external_hostname"] = module.params["external_hostname"] or socket.getfqdn()
    try:
        found, warnings = check(module.params)
    except DriverError as error:
        module.fail_json(msg=str(error))
    for warning in warnings:
        module.warn(warning)
    if found:
        msg = problems.report(
            found, module.params["external_hostname"], f"{len(found)} to mend before anything is touched"
        )
        module.fail_json(msg=msg, problems=[problem._asdict() for problem in found])
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
