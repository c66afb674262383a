# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: database_check
short_description: Check whether a database server, and the nodes' account on it, will do
version_added: 1.0.0
description:
  - Logs in as the nodes will, from where they will, and looks at the version, the account's privileges, C(max_connections) against what the
    nodes will open, the database's character set, the server's clock, and whether it takes writes. Everything that will not do is told at
    once, as a table.
  - Changes nothing, and creates nothing.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
requirements:
  - PyMySQL (Debian packages python3-pymysql and python3-cryptography)
options:
  host:
    description: The server's name or address, as the nodes are told it.
    type: str
    required: true
  port:
    description: Its port.
    type: int
    default: 3306
  user:
    description: The nodes' account.
    type: str
    required: true
  password:
    description: Its password.
    type: str
    required: true
  database:
    description: The nodes' database; it need not be there yet.
    type: str
    default: waba
  tls_ca:
    description: PEM file on this host with the authority that signed the server's certificate. Without it, there is no TLS.
    type: path
  tls_certificate:
    description: PEM file on this host with the nodes' own certificate, for a server that asks for one.
    type: path
  tls_key:
    description: PEM file on this host with the key of O(tls_certificate).
    type: path
  nodes:
    description: How many masters, coreapps and webapps will use the server.
    type: int
    required: true
  timeout:
    description: Seconds to wait for each answer.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: Check the database before seven nodes use it
  waba.cluster.database_check:
    host: db.example.com
    user: waba
    password: "{{ waba_database_password }}"
    nodes: 7
"""

RETURN = r"""
version:
  description: What the server says it is.
  returned: when there is a session
  type: str
  sample: MySQL 8.4.3
cipher:
  description: The cipher of the connection; empty without TLS.
  returned: when there is a session
  type: str
problems:
  description: What will not do.
  returned: failure
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.database import check as planner
from ansible_collections.waba.cluster.plugins.module_utils.database.io import server as driver
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment

OPTIONS = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 3306},
    "user": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "database": {"type": "str", "default": "waba"},
    "tls_ca": {"type": "path"},
    "tls_certificate": {"type": "path"},
    "tls_key": {"type": "path", "no_log": False},  # where the key is, not the key
    "nodes": {"type": "int", "required": True},
    "timeout": {"type": "int", "default": 10},
}


def check(params):
    """Return (facts or None, problems). params: the module's options. Raises HostError."""
    tls = {part: params[f"tls_{part}"] for part in ("ca", "certificate", "key")} if params["tls_ca"] else None
    account = {**{name: params[name] for name in ("host", "port", "user", "password")}, "tls": tls}
    try:
        facts = driver.look(account, params["database"], params["timeout"])
    except driver.Refused as error:
        address = f"{params['host']}:{params['port']}"
        return None, [planner.connection_problem(address, params["user"], error.code, str(error))]
    return facts, planner.problems_of(facts, params)


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec=OPTIONS,
        required_by={"tls_certificate": ("tls_ca", "tls_key"), "tls_key": "tls_certificate"},
        supports_check_mode=True,
    )
    if not driver.HAS_PYMYSQL:
        module.fail_json(msg="PyMySQL is missing on this host. Install the Debian package python3-pymysql.")
    try:
        facts, found = check(module.params)
    except HostError as error:
        module.fail_json(msg=str(error))
    if found:
        intro = f"Nothing was touched; {len(found)} to fix before nodes can use the database, seen"
        module.fail_json(
            msg=problems.message(found, "this host", intro), problems=[problem._asdict() for problem in found]
        )
    for warning in planner.warnings_of(facts, module.params):
        module.warn(warning)
    name = planner.flavour(facts["version"], facts["comment"])[0]
    module.exit_json(changed=False, version=f"{name} {facts['version']}", cipher=facts["cipher"])


if __name__ == "__main__":
    main()
