# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: database_info
short_description: Check whether a database server and the nodes' account on it can be used
version_added: 1.0.0
description:
  - Logs in as the nodes do, from a host on which they run. Checks the version, the account's privileges, C(max_connections), the other server
    settings that the nodes' statements depend on, the character set of the database, the clock, and whether the server accepts writes.
  - Returns all problems in RV(problems). They do not make the module fail.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
requirements:
  - PyMySQL (Debian packages python3-pymysql and python3-cryptography)
options:
  host:
    description: The server's name or address, as the nodes use it.
    type: str
    required: true
  port:
    description: The server's port.
    type: int
    default: 3306
  user:
    description: The nodes' account.
    type: str
    required: true
  password:
    description: The account's password.
    type: str
    required: true
  database:
    description: The nodes' database. It does not have to exist yet.
    type: str
    default: waba
  tls_ca:
    description: PEM file on this host with the authority that signed the server's certificate. TLS is not used when absent.
    type: path
  tls_certificate:
    description: PEM file on this host with the nodes' client certificate, for a server that requires one.
    type: path
  tls_key:
    description: PEM file on this host with the key of O(tls_certificate).
    type: path
  nodes:
    description: The number of masters, coreapps and webapps that use the server.
    type: int
    required: true
  timeout:
    description: Seconds to wait for each answer.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: Check the database for seven nodes
  waba.cluster.database_info:
    host: db.example.com
    user: waba
    password: "{{ waba_database_password }}"
    nodes: 7
  register: result
  failed_when: result.problems | length > 0
"""

RETURN = r"""
version:
  description: The server's product and version.
  returned: when the login succeeded
  type: str
  sample: MySQL 8.4.3
cipher:
  description: The cipher of the connection; empty without TLS.
  returned: when the login succeeded
  type: str
problems:
  description: The requirements that are not met, or why the login failed.
  returned: always
  type: list
  elements: dict
  sample:
    - variable: waba_database_host
      value: "'db.example.com'"
      problem: its max_connections is 50; 7 nodes open up to 56
      fix: Set max_connections to 66 or more on the server
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import check
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import server
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem, value_text

OPTIONS = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 3306},
    "user": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "database": {"type": "str", "default": "waba"},
    "tls_ca": {"type": "path"},
    "tls_certificate": {"type": "path"},
    "tls_key": {"type": "path", "no_log": False},  # the path of the key, not the key
    "nodes": {"type": "int", "required": True},
    "timeout": {"type": "int", "default": 10},
}


def inspect(params: dict[str, Any]) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return the server's facts, None if the login failed, and the problems. Raises HostError."""
    tls = {part: params[f"tls_{part}"] for part in ("ca", "certificate", "key")} if params["tls_ca"] else None
    account = {**{name: params[name] for name in ("host", "port", "user", "password")}, "tls": tls}
    try:
        facts = server.read_facts(account, params["database"], params["timeout"])
    except server.LoginFailed as error:
        address = f"{params['host']}:{params['port']}"
        return None, [check.connection_problem(address, params["user"], error.code, str(error))]
    return facts, check.server_problems(facts, params)


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec=OPTIONS,
        required_by={"tls_certificate": ("tls_ca", "tls_key"), "tls_key": "tls_certificate"},
        supports_check_mode=True,
    )
    if not server.HAS_PYMYSQL:
        module.fail_json(msg="PyMySQL is missing on this host. Install the Debian package python3-pymysql.")
    try:
        facts, problems = inspect(module.params)
    except HostError as error:
        module.fail_json(msg=str(error))
    result: dict[str, Any] = {
        "changed": False,
        "problems": [problem._replace(value=value_text(problem.value))._asdict() for problem in problems],
    }
    if facts:
        name = check.server_version(facts["version"], facts["comment"])[0]
        result.update(version=f"{name} {facts['version']}", cipher=facts["cipher"])
        for warning in check.server_warnings(facts, module.params):
            module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
