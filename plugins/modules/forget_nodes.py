# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: forget_nodes
short_description: Let the cluster forget the nodes of hosts that are gone
version_added: 1.0.0
description:
  - Deletes the nodes of hosts from the list of nodes in the database. A node that stops in good order takes itself off that list; one whose host was
    lost stays on it, and the cluster would call it unhealthy for ever.
  - What such a node owned is given to another when its fence has passed, as always. A node that lives after all registers again with its next report.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.database
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker), for the cluster's own database container
  - C(mariadb) or C(mysql) (Debian package mariadb-client), for a server elsewhere
options:
  hostnames:
    description: The names under which the other hosts know them (C(waba_external_hostname)).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Forget a host that burnt down
  waba.cluster.forget_nodes:
    database: {name: waba, user: waba, password: "{{ waba_database_password }}"}
    hostnames: [node4.example.org]
"""

RETURN = r"""
nodes:
  description: The nodes that were on the list.
  returned: success
  type: list
  elements: str
  sample: ["node4.example.org:0123456789ab"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import HOSTNAME
from ansible_collections.waba.cluster.plugins.module_utils.database.io.client import DATABASE_OPTIONS, DatabaseClient
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment


def forget(module):
    """Delete what is on the list; return the module's result. Raises HostError."""
    names, database = module.params["hostnames"], module.params["database"]["name"]
    unfit = [name for name in names if not HOSTNAME.fullmatch(name)]
    if unfit:
        raise HostError(
            f"hostnames: {', '.join(map(repr, unfit))} is neither a host name nor an address. Nothing was forgotten."
        )
    if not names:
        return {"changed": False, "nodes": []}
    client = DatabaseClient(module.params["cluster_name"], module.params["database"])
    where = "hostname IN ({})".format(", ".join(f"'{name}'" for name in names))
    nodes = [row[0] for row in client.rows(f"SELECT node_id FROM node WHERE {where} ORDER BY 1;", database)]  # noqa: S608 - names were checked
    if nodes and not module.check_mode:
        client.rows(f"DELETE FROM node WHERE {where};", database)  # noqa: S608 - as above
    return {
        "changed": bool(nodes),
        "nodes": nodes,
        "diff": {"before": "".join(f"{node}\n" for node in nodes), "after": ""},
    }


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "cluster_name": {"type": "str", "default": "waba"},
            "database": DATABASE_OPTIONS,
            "hostnames": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**forget(module))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
