# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: node_database_info
short_description: Read the state of a cluster's database by a command of the node
version_added: 1.0.0
description:
  - Returns what M(waba.cluster.backup) writes into the manifest of a backup, and what M(waba.cluster.restore) checks and needs afterwards.
  - Runs a command of the node in a container beside a master of this host, which need not run. The node knows its tables.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.node_command
  - waba.cluster.attributes
options:
  database_host:
    description: Address of the database server. By default, the one that the master uses.
    type: str
"""

EXAMPLES = r"""
- name: Read the state of the database
  waba.cluster.node_database_info:
  register: database
"""

RETURN = r"""
database:
  description: The state. The database is empty where it does not exist.
  returned: success
  type: dict
  contains:
    taken_at:
      description: Time of this answer, by the database's clock, in UTC.
      type: str
      sample: "2026-01-31 12:00:00"
    server:
      description: Version of the server.
      type: str
      sample: 11.8.3-MariaDB
    tables:
      description: Names of the tables.
      type: list
      elements: str
      sample: [api_user, message]
    revision:
      description: Revision of the schema.
      type: str
      sample: "0001"
    versions:
      description: Versions of the registered nodes.
      type: list
      elements: str
      sample: [1.0.0]
    clients:
      description: Number of connections of each host with nodes.
      type: dict
      sample: {172.18.0.3: 4}
    epoch:
      description: The highest epoch of a shard.
      type: int
      sample: 41
    takeover_delay:
      description: Seconds for which an owner of a shard may still be connected; null without shards.
      type: float
      sample: 23.3
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import node_command
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={"cluster_name": {"type": "str", "default": "waba"}, "database_host": {"type": "str"}},
        supports_check_mode=True,
    )
    cluster, host = module.params["cluster_name"], module.params["database_host"]
    try:
        module.exit_json(changed=False, database=node_command.run(cluster, "database-info", database_host=host))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
